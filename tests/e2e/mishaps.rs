//! What goes wrong in the world outside: it is told where it belongs, and the line goes on.

use crate::{LIMIT, begin, bereft, feeds_at, opml, values};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tidings_model::{BODY_LIMIT, topic};
use tidings_tests::chaos::{Load, prove};
use tidings_tests::http::{Page, Server};
use tidings_tests::kafka::Kafka;
use tidings_tests::line::{Line, SERVICES, binary};
use tidings_tests::read::{Rec, read_bytes};
use tidings_tests::until;

/// A snippet as it should be.
const GOOD: &[u8] = br#"{"headline": "Ferry resumes after storm"}"#;

#[test]
fn broken_feeds_embedded() {
    broken_feeds(Line::embedded, |line, feeds| line.start_all(&["--feeds", feeds]));
}

#[test]
fn broken_feeds_on_kafka() {
    broken_feeds(Line::on_kafka, |line, feeds| {
        line.start_five();
        line.run(&["feeds", "import", feeds]);
    });
}

/// A page, a document that is beyond repair, one that is merely torn, a missing one and a good feed: each is told of,
/// and what entries there are come through.
fn broken_feeds(line: impl Fn(&str) -> Line, start: impl Fn(&mut Line, &str)) {
    let server = Server::start(|path| {
        let good = "<rss version=\"2.0\"><channel><title>Good</title><item><title>Ferry resumes</title>\
                    <link>https://good.example/ferry</link></item></channel></rss>";
        let (kind, body) = match path {
            "/good" => ("application/rss+xml", good),
            "/torn" => ("application/rss+xml", &good[..good.len() - 20]),
            "/broken" => ("application/rss+xml", "<<>&;\u{0}<rzz version=\"2.0\"><chan"),
            "/page" => {
                ("text/html", "<!doctype html><html><head><title>Welcome</title></head><body>Hello</body></html>")
            }
            _ => return None,
        };
        Some(Page::new(kind, body))
    });
    let mut line = line(&feeds_at(server.address()));
    let paths = ["/good", "/torn", "/broken", "/page", "/missing"];
    let urls = paths.map(|path| server.url(path));
    let opml = opml(&line, &urls);
    start(&mut line, &opml);

    let states = until(LIMIT, "each feed has a state", || {
        let told = values(&line, &topic::FEEDS_STATUS);
        let state = |url: &String| {
            let status = told.iter().rfind(|status| status["url"] == **url)?;
            Some(status["state"].as_str().unwrap().to_owned())
        };
        urls.iter().map(state).collect::<Option<Vec<_>>>()
    });
    assert_eq!(states, ["ok", "ok", "not_a_feed", "not_a_feed", "failing"], "{paths:?}");
    until(LIMIT, "the good feed comes through", || (values(&line, &topic::ENRICHED).len() == 1).then_some(()));
}

/// What a hostile or broken publisher may send costs its own feed and bounded memory; the feed beside it goes on.
#[test]
fn hostile_feeds_cost_only_themselves() {
    let bomb = gzip(std::iter::repeat_n(&[0; 1 << 20][..], 1 << 10));
    let many: String = (0..60_000).map(|no| item(&format!("m{no}"), &format!("Entry {no}"), "")).collect();
    let huge = format!("<description>{}</description>", "word ".repeat(2_900_000));
    let huge = item("h", "An entry of fourteen megabytes", &huge);
    let odd = [rss("<item><guid>u</guid><title>Bytes \u{0} that are").as_bytes(), b"\xff\xfe\xc0 none</title></item>"]
        .concat();
    let dated = |years: &str| item(years, &format!("An entry of {years}"), &format!("<pubDate>{years}</pubDate>"));
    let times = dated("Tue, 24 Nov 2037 12:00:00 GMT") + &dated("Tue, 24 Nov 1987 12:00:00 GMT");
    let large = format!("<description>{}</description>", "word ".repeat(3_200_000));
    let large = item("l", "An entry of sixteen megabytes", &large);
    let nested = "<div xml:base=\"a/\">".repeat(20_000);
    let nested =
        format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>N</title>{nested}<entry><id>n</id></entry>");
    let goes_on = Arc::new(AtomicBool::new(false));
    let later = goes_on.clone();
    let pages = move |path: &str| {
        let feed = |body: &str| Some(Page::new("application/rss+xml", rss(body)));
        let redirect = |to| Some(Page { header: Some(to), ..Page::new("text/plain", "") });
        match path {
            "/good" if later.load(Ordering::Relaxed) => feed(&item("n", "Harbour closes again", "")),
            "/good" => feed(&item("g", "Ferry resumes after storm", "")),
            "/large" => feed(&large),
            "/bomb" => {
                Some(Page { header: Some("Content-Encoding: gzip"), ..Page::new("application/xml", bomb.clone()) })
            }
            "/many" => feed(&many),
            "/huge" => feed(&huge),
            "/odd" => Some(Page::new("application/rss+xml", odd.clone())),
            "/times" => feed(&times),
            "/nested" => Some(Page::new("application/atom+xml", nested.clone())),
            "/loop" => redirect("Location: /loop"),
            "/inside" => redirect("Location: http://2130706433/"),
            "/hex" => redirect("Location: http://0x7f000001/"),
            "/mapped" => redirect("Location: http://[::ffff:7f00:1]/"),
            _ => None,
        }
    };
    let server = Server::start(pages);
    let mut line = Line::on_kafka(&feeds_at(server.address()));
    line.start_five();
    let states = [
        ("/bomb", "failing", "larger than 15.0 MiB"),
        ("/large", "failing", "larger than 15.0 MiB"),
        ("/many", "ok", "2000 entries"),
        ("/huge", "ok", "1 entry"),
        ("/odd", "ok", "1 entry"),
        ("/times", "ok", "2 entries"),
        ("/nested", "ok", "no entries"),
        ("/loop", "failing", "more than 5 redirects"),
        ("/inside", "refused", "127.0.0.1 is a loopback address; allow it with fetch.allow"),
        ("/hex", "refused", "127.0.0.1 is a loopback address; allow it with fetch.allow"),
        ("/mapped", "refused", "127.0.0.1 is a loopback address; allow it with fetch.allow"),
        ("/good", "ok", "1 entry"),
    ];
    let urls = states.map(|(path, ..)| server.url(path));
    line.run(&["feeds", "import", &opml(&line, &urls)]);
    let found = until(LIMIT, "each feed has a state", || {
        let told = values(&line, &topic::FEEDS_STATUS);
        let status = |url: &String| told.iter().rfind(|status| status["url"] == **url).cloned();
        urls.iter().map(status).collect::<Option<Vec<_>>>()
    });
    for ((path, state, message), found) in states.iter().zip(found) {
        assert_eq!(found["state"], **state, "{path}");
        assert!(found["message"].as_str().unwrap().contains(message), "{path}: {found}");
    }
    let told = |line: &Line, part: &str| -> Vec<Value> {
        let has = |item: &Value| item["headline"].as_str().is_some_and(|headline| headline.contains(part));
        values(line, &topic::RAW).into_iter().filter(has).collect()
    };
    until(LIMIT, "what is good of them comes in", || {
        let parts = ["Ferry", "fourteen", "Nov 1987", "Nov 2037", "Bytes", "Entry 1999"];
        parts.iter().all(|part| !told(&line, part).is_empty()).then_some(())
    });
    assert_eq!(told(&line, "Entry ").len(), 2000, "of 60,000");
    let huge = &told(&line, "fourteen")[0];
    assert_eq!(huge["content"]["truncated"], true);
    assert!((60_000..=BODY_LIMIT).contains(&huge["body"].as_str().or(huge["summary"].as_str()).unwrap().len()));
    // the other feed has an Entry 1987
    for year in ["1987", "2037"] {
        let item = &told(&line, &format!("Nov {year}"))[0];
        assert!(item["published_at"].as_str().unwrap().starts_with(year), "as its publisher says: {item}");
        assert!(!item["first_seen_at"].as_str().unwrap().starts_with(year), "as our clock says: {item}");
    }
    goes_on.store(true, Ordering::Relaxed);
    until(LIMIT, "the good feed comes through, and goes on", || {
        let enriched = values(&line, &topic::ENRICHED);
        let there = |headline: &str| enriched.iter().any(|news| news["item"]["headline"] == headline);
        (there("Ferry resumes after storm") && there("Harbour closes again")).then_some(())
    });
    let fetch = line.peak_memory("fetch");
    println!("figure: fetch held {fetch} MiB at most");
    assert!(fetch < 400, "fetch held {fetch} MiB");
}

fn rss(items: &str) -> String {
    format!("<rss version=\"2.0\"><channel><title>T</title>{items}</channel></rss>")
}

fn item(guid: &str, title: &str, rest: &str) -> String {
    format!("<item><guid>{guid}</guid><title>{title}</title>{rest}</item>")
}

fn gzip<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    parts.for_each(|part| encoder.write_all(part).unwrap());
    encoder.finish().unwrap()
}

/// Bytes that are no text, in a record's value, key and headers: it becomes a dead letter as it was, but for the header
/// whose name can't be read.
#[test]
fn dead_letters_of_any_bytes_on_kafka() {
    let mut line = Line::on_kafka("");
    line.start_five();
    let (key, value) = (b"k-\xff", b"{\"headline\": \"\xc3\x28 \xff\xfe\"}");
    line.write(&topic::INBOX, key, &[(b"\xfe-name", b"1"), (b"x-origin", b"\xfd")], value);
    line.write(&topic::INBOX, key, &[], GOOD);
    until(LIMIT, "the good one comes through", || (values(&line, &topic::ENRICHED).len() == 1).then_some(()));
    let letters = read_bytes(line.brokers(), &line.topic(&topic::DLQ));
    let [(_, named, letter)] = &letters[..] else { panic!("one dead letter, not {letters:?}") };
    assert_eq!((named.as_str(), letter.as_deref()), ("k-\u{fffd}", Some(&value[..])));
    let shown = line.try_run(&["dlq", "show", "0"]);
    assert_eq!(shown.stdout, value, "its bytes, and nothing else");
    let headers = String::from_utf8_lossy(&shown.stderr);
    assert!(headers.contains("x-origin: \u{fffd}") && !headers.contains("-name"), "{headers}");
    assert!(line.log("intake").contains("no UTF-8: left out"), "the other header is told of");
}

#[test]
fn dead_letters_embedded() {
    let mut line = Line::embedded("");
    line.start_all(&[]);
    dead_letters(&line);
}

#[test]
fn dead_letters_on_kafka() {
    let mut line = Line::on_kafka("");
    line.start_five();
    dead_letters(&line);
}

/// What can't be read lies on the dead-letter topic as it was, and what comes behind it goes through.
fn dead_letters(line: &Line) {
    let broken = "{\"headline\": \"no end";
    line.write(&topic::INBOX, b"k-1", &[(b"x-origin", b"here")], broken.as_bytes());
    line.write(&topic::INBOX, b"k-1", &[], GOOD);
    until(LIMIT, "the good one comes through", || (values(line, &topic::ENRICHED).len() == 1).then_some(()));
    let letters = line.read(&topic::DLQ);
    let [letter] = &letters[..] else { panic!("one dead letter, not {letters:#?}") };
    assert_eq!((letter.key.as_deref(), letter.value.as_deref()), (Some("k-1"), Some(broken)));
    assert_eq!(letter.header("x-origin"), Some("here"), "its own headers");
    let inbox = line.topic(&topic::INBOX);
    for (name, value) in [("dlq.stage", "intake"), ("dlq.code", "json"), ("dlq.topic", &inbox), ("dlq.offset", "0")] {
        assert_eq!(letter.header(name), Some(value), "{name} of {letter:#?}");
    }

    let offset = letter.offset.to_string();
    let listed = line.run(&["dlq", "list"]);
    let [row] = &listed.lines().collect::<Vec<_>>()[..] else { panic!("one line, not {listed}") };
    let row: Vec<&str> = row.split('\t').collect();
    assert_eq!(
        (row[0], row[2], row[3]),
        (&*offset, "intake", &*format!("{inbox} {} 0", letter.header("dlq.partition").unwrap()))
    );
    assert_eq!(line.run(&["dlq", "list", "--code", "refused_by_broker"]), "");
    let shown = line.try_run(&["dlq", "show", &offset]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), broken, "its bytes, and nothing else");
    assert!(String::from_utf8_lossy(&shown.stderr).contains("dlq.code: json"), "{shown:?}");

    assert_eq!(line.run(&["dlq", "retry", &offset]).trim(), "1 sent again, 0 left");
    let told = line.read(&topic::INBOX);
    let again = told.iter().filter(|record| record.value.as_deref() == Some(broken)).collect::<Vec<_>>();
    let [first, second] = &again[..] else { panic!("twice, not {told:#?}") };
    assert_eq!((&second.key, &second.headers, second.partition), (&first.key, &first.headers, first.partition));
    until(LIMIT, "it is refused again", || (line.read(&topic::DLQ).len() == 2).then_some(()));
}

#[test]
fn every_mistake_in_a_configuration_is_told_at_once() {
    for (config, keys) in [
        ("[kafka]\nbrokrs = \"127.0.0.1:9092\"\n", vec!["kafka.brokrs"]),
        ("[kafka]\npartitions = 0\n[fetch]\nconcurrency = 0\n", vec!["kafka.partitions", "fetch.concurrency"]),
        ("[dedup]\nwindow = \"soon\"\n[sinc]\nx = 1\n", vec!["dedup.window", "sinc"]),
    ] {
        let mut line = Line::embedded(config);
        let check = line.try_run(&["check"]);
        let said = String::from_utf8(check.stderr).unwrap();
        line.spawn("dedup");
        let ended = until(LIMIT, "dedup ends", || line.ended("dedup"));
        for (status, said) in [(check.status, said), (ended, line.log("dedup"))] {
            assert_eq!(status.code(), Some(64), "{config}{said}");
            assert!(keys.iter().all(|key| said.contains(key)), "{keys:?} in: {said}");
        }
    }
}

#[test]
fn a_command_ends_quietly_with_the_reader_of_its_pipe() {
    // more than a pipe holds
    let mut command = Command::new(binary());
    let mut child = command.arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
}

#[test]
fn a_broker_that_is_late_is_waited_for() {
    let Some(mut kafka) = Kafka::to_kill() else { return };
    let mut line = Line::on(kafka.brokers(), "");
    kafka.kill9();
    line.spawn("intake");
    until(LIMIT, "intake says whom it waits for", || {
        let log = line.log("intake");
        (log.contains(kafka.brokers()) && log.contains("can't be reached")).then_some(())
    });
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(line.ended("intake"), None, "it waits");
    kafka.restart();
    line.wait_ready("intake");
    let path = line.dir().join("one.jsonl");
    fs::write(&path, GOOD).unwrap();
    line.run(&["ingest", path.to_str().unwrap()]);
    until(LIMIT, "an item goes through", || (values(&line, &topic::RAW).len() == 1).then_some(()));
}

/// Longer than a transaction or a session may last.
#[test]
fn a_broker_that_is_gone_for_a_minute_loses_nothing() {
    let Some(mut kafka) = Kafka::to_kill() else { return };
    let mut load = Load::new(0, 10, 40);
    let line = bereft(&mut kafka, &mut load);
    std::thread::sleep(Duration::from_secs(60));
    kafka.restart();
    let back = Instant::now();
    let before = line.read(&topic::ENRICHED).len();
    load.resume();
    until(LIMIT, "items flow again", || (line.read(&topic::ENRICHED).len() > before).then_some(()));
    println!("figure: items flowed {:.1} s after the broker was back", back.elapsed().as_secs_f64());
    load.pause();
    prove(&line, &load).assert_exact();
}

/// The clock leaps two years ahead, is set right, and lies two years behind: a process whose clock is set back ends, for
/// Kafka's client waits by it, and begins anew; what the services remember is of all three times.
#[test]
fn a_clock_that_is_years_off_loses_nothing() {
    const TWO_YEARS: i64 = 2 * 365 * 24 * 60 * 60;
    let mut load = Load::new(0, 10, 40);
    let mut line = Line::on_kafka(&load.config());
    line.set_clock(0);
    line.start_five();
    begin(&line, &mut load);
    for (ahead, is_back) in [(TWO_YEARS, false), (0, true), (-TWO_YEARS, true), (0, false)] {
        let items = line.read(&topic::ENRICHED).len();
        until(LIMIT, "items flow", || (line.read(&topic::ENRICHED).len() > items + 200).then_some(()));
        line.set_clock(ahead);
        if is_back {
            for service in SERVICES {
                let status = until(LIMIT, "who is set back ends", || line.ended(service));
                assert!(!status.success() && line.log(service).contains("clock was set back"), "{service}: {status}");
                line.restart(service);
            }
        }
        // Kafka's own clock is right
        let off = |record: &Rec| Some((record.delay()? / 1000 + ahead).abs());
        let as_set = || line.read(&topic::RAW).iter().filter_map(off).any(|off| off < 300).then_some(());
        until(LIMIT, "items are seen at that time", as_set);
    }
    load.pause();
    prove(&line, &load).assert_exact();
}
