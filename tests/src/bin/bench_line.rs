//! `make bench-line`: what the line costs and how long it takes, as five processes on Apache Kafka on this machine.
//!
//! First two portions that are not counted, in which the broker's virtual machine compiles what it runs often. Then three
//! equal ones, each as fast as the line takes it: a stage whose costs grow with what it remembers shows in the last.
//! Then a calm stream, for the delays. Last dedup is started again, three times, and reads back what it remembers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};
use tidings_bench::{copies::first_words, news::Teller};
use tidings_model::topic;
use tidings_tests::chaos::{Load, quantile};
use tidings_tests::http::{Page, Server};
use tidings_tests::line::{Line, SERVICES};
use tidings_tests::{figures, kafka::Kafka, promises, read::Rec, until};

/// Portions that are not counted.
const WARM: usize = 2;
const PORTIONS: usize = 3;
/// Of a portion.
const FEEDS: usize = 40;
/// Of a feed.
const ENTRIES: usize = 100;
/// Of a portion.
const SNIPPETS: usize = 16_000;
const PORTION: usize = FEEDS * ENTRIES + SNIPPETS;
/// Of a summary.
const WORDS: usize = 30;
/// Numbers of articles: snippets have those before.
const FIRST_OF_FEEDS: usize = 1 << 32;
const LIMIT: Duration = Duration::from_secs(300);
/// So long without work is rest.
const STILL: Duration = Duration::from_secs(3);
/// How long the calm stream flows.
const CALM: Duration = Duration::from_secs(40);
/// Clock ticks in a second: USER_HZ, 100 on every Linux.
const TICKS: f64 = 100.0;

/// Items a second that are promised.
const RATE: f64 = 2_500.0;
/// Milliseconds to the enriched topic that 99 of 100 items of the calm stream stay below.
const SLOW: i64 = 1_000;
/// So many times what it cost in the first portion a stage stays below in the last. What it remembers has grown by two
/// thirds in between: costs that grow with it would, too. Equal portions differ by a third on a shared machine.
const GROWTH: f64 = 1.5;

/// What a portion took.
struct Portion {
    /// From the first record handed in to the last one enriched.
    seconds: f64,
    /// CPU seconds of each service, and of the broker.
    cpu: Vec<f64>,
}

impl Portion {
    /// Items a second.
    fn rate(&self) -> f64 {
        PORTION as f64 / self.seconds
    }

    /// CPU seconds of one of them per 1,000 items.
    fn cost(&self, number: usize) -> f64 {
        self.cpu[number] / PORTION as f64 * 1e3
    }
}

/// From first sight to a topic.
struct Delays {
    topic: &'static str,
    /// Milliseconds, sorted.
    ms: Vec<i64>,
}

fn main() {
    let kafka = Kafka::start();
    // written beforehand, for what the bench does costs the line time
    let feeds: Vec<String> = (0..(WARM + PORTIONS) * FEEDS).map(rss).collect();
    let server = Server::start(move |path| {
        let feed: usize = path.strip_prefix("/feed-")?.parse().ok()?;
        Some(Page::new("application/rss+xml", feeds.get(feed)?.clone()))
    });
    // two a second of each feed: fifty items a second; snippets would add the start of the command that hands them in
    let mut calm = Load::new(0, 25, 0);
    let mut line = Line::on(kafka.brokers(), &calm.config());
    line.run(&["topics", "create"]);
    line.start_five();
    let portions = (0..WARM + PORTIONS).map(|number| portion(&line, &kafka, &server, number));
    let portions: Vec<Portion> = portions.skip(WARM).collect();

    line.import(&calm.opml());
    let start = line.read(&topic::ENRICHED).iter().map(|record| record.taken).max().unwrap_or(0);
    calm.start(line.tool());
    std::thread::sleep(CALM);
    calm.pause();
    line.rest(LIMIT, STILL);
    let delays = delays(&line, start);
    let table = table(&line, &kafka, &portions, &delays) + &restore(&mut line);
    println!("{table}");
    figures::record("bench-line", &table);
    let (told, is_kept) = judge(&portions, &delays);
    println!("{told}");
    promises::tell(|tests| tests.starts_with("`make bench-line`").then(|| told.clone()));
    assert!(is_kept, "short of what is promised");
}

/// What is promised of the speed, as it was found, and whether it was kept.
fn judge(portions: &[Portion], delays: &[Delays]) -> (String, bool) {
    let mut rates: Vec<f64> = portions.iter().map(Portion::rate).collect();
    rates.sort_by(f64::total_cmp);
    let rate = rates[PORTIONS / 2];
    let enriched = delays.iter().find(|delays| delays.topic == topic::ENRICHED.name);
    let slow = enriched.and_then(|delays| quantile(&delays.ms, 0.99)).expect("stories are there");
    let (first, last) = (&portions[0], &portions[PORTIONS - 1]);
    let (service, growth) = SERVICES
        .into_iter()
        .enumerate()
        .map(|(number, service)| (service, last.cost(number) / first.cost(number)))
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .expect("there are services");
    let date = figures::date();
    let told = format!(
        "{date}: {rate:.0} items/s, the middle of three; p99 {slow} ms; {service} grew most, to {growth:.2} times"
    );
    (told, rate >= RATE && slow < SLOW && growth < GROWTH)
}

fn portion(line: &Line, kafka: &Kafka, server: &Server, number: usize) -> Portion {
    let urls = (number * FEEDS..(number + 1) * FEEDS).map(|feed| server.url(&format!("/feed-{feed}")));
    let outlines = urls.map(|url| format!("<outline type=\"rss\" text=\"{url}\" xmlUrl=\"{url}\"/>\n"));
    let opml = format!("<opml version=\"2.0\"><head/><body>\n{}</body></opml>\n", outlines.collect::<String>());
    let snippets = (number * SNIPPETS..(number + 1) * SNIPPETS).map(|no| {
        let (headline, summary) = told(if no % 10 == 1 { no - 1 } else { no });
        format!("{{\"provider\":\"bench\",\"external_id\":\"{no}\",\"headline\":\"{headline}\",\"summary\":\"{summary}\"}}\n")
    });
    let snippets = snippets.collect::<String>();

    let before = cpu(line, kafka);
    let (dedup, began) = (consumed(line, "dedup"), Instant::now());
    let first =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970").as_millis();
    line.import(&opml);
    line.tool().run(&["ingest", "-", "--format", "jsonl"], &snippets);
    until(LIMIT, "all of a portion has come", || (consumed(line, "dedup") >= dedup + PORTION as f64).then_some(()));
    line.rest(LIMIT, STILL);
    let cpu = cpu(line, kafka).iter().zip(before).map(|(after, before)| after - before).collect();
    let last = line.read(&topic::ENRICHED).iter().map(|record| record.taken).max().expect("stories are there");
    println!("portion {number}: all has come, {:.1} s with what it took to see that", began.elapsed().as_secs_f64());
    Portion { seconds: (last - first as i64) as f64 / 1e3, cpu }
}

fn consumed(line: &Line, service: &str) -> f64 {
    line.metric(service, "tidings_stream_records_consumed_total")
}

/// CPU seconds of each service since its start, and of the broker, where that is ours.
fn cpu(line: &Line, kafka: &Kafka) -> Vec<f64> {
    let services = SERVICES.map(|service| line.pid(service).expect("it runs"));
    let seconds = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux has /proc");
        // after the name, which may hold anything: state is field 3, utime and stime are 14 and 15 (proc(5))
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
    };
    services.into_iter().chain(kafka.pids()).map(seconds).collect()
}

fn table(line: &Line, kafka: &Kafka, portions: &[Portion], delays: &[Delays]) -> String {
    let mut table = String::from("| | ");
    (1..=PORTIONS).for_each(|number| write!(table, "| portion {number} ").expect("memory is written"));
    table += "|\n| --- |";
    table += &" ---: |".repeat(PORTIONS);
    let mut row = |name: &str, values: Vec<String>| {
        write!(table, "\n| {name} | {} |", values.join(" | ")).expect("memory is written");
    };
    let rate = |portion: &Portion| format!("{:.0}", portion.rate());
    row(&format!("items/s, of {PORTION}"), portions.iter().map(rate).collect());
    for (number, service) in SERVICES.into_iter().chain(kafka.is_own().then_some("broker")).enumerate() {
        let cost = |portion: &Portion| format!("{:.3}", portion.cost(number));
        row(&format!("{service}: CPU seconds per 1,000 items"), portions.iter().map(cost).collect());
    }
    let memory = SERVICES.map(|service| format!("{service} {}", line.peak_memory(service))).join(", ");
    write!(table, "\n\nAn item is a headline and up to {WORDS} words. Memory at most, MiB: {memory}.\n\n")
        .expect("memory is written");
    table += "| at 50 items/s, first seen to | items | p50, ms | p99, ms |\n| --- | ---: | ---: | ---: |\n";
    for Delays { topic, ms } in delays {
        let at = |share| quantile(ms, share).map_or("–".to_owned(), |ms| ms.to_string());
        writeln!(table, "| {topic} | {} | {} | {} |", ms.len(), at(0.5), at(0.99)).expect("memory is written");
    }
    table
}

/// Of what came after `start`.
fn delays(line: &Line, start: i64) -> Vec<Delays> {
    let read = |topic| line.read(topic).into_iter().filter(|record| record.taken > start);
    let mut seen = BTreeMap::new();
    let mut all = Vec::new();
    for topic in [&topic::RAW, &topic::UNIQUE, &topic::DUPLICATES, &topic::ENRICHED] {
        let records: Vec<Rec> = read(topic).collect();
        let of = |record: &Rec| Some((record.key.clone()?, record.taken - record.delay()?));
        seen.extend(records.iter().filter_map(of));
        all.push(Delays { topic: topic.name, ms: records.iter().filter_map(Rec::delay).collect() });
    }
    let alerts = read(&topic::ALERTS).filter_map(|record| {
        let item = record.json()["evidence"][0].as_str()?.to_owned();
        Some(record.taken - seen.get(&item)?)
    });
    all.push(Delays { topic: topic::ALERTS.name, ms: alerts.collect() });
    all.iter_mut().for_each(|delays| delays.ms.sort_unstable());
    all
}

/// Starts dedup again, three times: how long it takes until its state is whole.
fn restore(line: &mut Line) -> String {
    let mut changes = 0.0;
    let mut seconds = [0.0; 3].map(|_: f64| {
        assert!(line.stop("dedup").success(), "dedup ends in order");
        line.restart("dedup");
        let restored =
            || line.series("dedup", "tidings_stream_restore_seconds_count", &[]).filter(|count| *count > 0.0);
        until(LIMIT, "dedup owns its partition", restored);
        changes = line.metric("dedup", "tidings_stream_restored_changes_total");
        // the one task there is, from its assignment to its first record
        line.metric("dedup", "tidings_stream_restore_seconds_sum")
    });
    seconds.sort_by(f64::total_cmp);
    let [least, middle, most] = seconds;
    format!(
        "\nStarted again three times, dedup reads back {changes} changes in {least:.2}, {middle:.2} and {most:.2} s: {:.0} a second.\n",
        changes / middle
    )
}

/// A headline and a summary as search engines cut them, in English: what its words are is part of what an item costs.
fn told(number: usize) -> (String, String) {
    let article = Teller::new(number as u64).event(1, 2).remove(0);
    let summary = first_words(&article.text(), WORDS);
    (article.headline, summary)
}

fn rss(feed: usize) -> String {
    let mut xml = format!("<rss version=\"2.0\"><channel><title>Feed {feed}</title>\n");
    for no in 0..ENTRIES {
        let (headline, summary) = told(FIRST_OF_FEEDS + feed * ENTRIES + no);
        let link = format!("https://bench-{feed}.example/{no}");
        writeln!(xml, "<item><title>{headline}</title><link>{link}</link><description>{summary}</description></item>")
            .expect("memory is written");
    }
    xml + "</channel></rss>\n"
}
