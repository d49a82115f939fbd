//! Exactly once: while 5,000 items go through, every service is killed with SIGKILL and started again, and a
//! `read_committed` reader finds each item on every topic once. Then worse faults, and every topic held against what
//! was issued and what the filters make of it.
//!
//! Items come through both doors: feeds that grow while they are polled, and the inbox.

use crate::{LIMIT, assert_whole, begin, feeds_at, opml, tellings, values};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tidings_model::topic;
use tidings_tests::chaos::{Deck, Fault, Load, SESSION, run, words};
use tidings_tests::http::{Page, Server};
use tidings_tests::kafka::Kafka;
use tidings_tests::line::{Line, SERVICES};
use tidings_tests::until;

const FEEDS: usize = 20;
const ENTRIES: usize = 150;
const SNIPPETS: usize = 2_000;
/// Feed entries and snippets are handed in so many portions, each before a kill.
const PORTIONS: usize = SERVICES.len();
/// Of the order of faults; what they meet differs from run to run.
const SEED: u64 = 1;

#[test]
fn every_service_killed_on_kafka() {
    check(Line::on_kafka, |line, feeds| {
        line.start_five();
        line.run(&["feeds", "import", feeds]);
        SERVICES.map(str::to_owned).to_vec()
    });
}

#[test]
fn broker_and_services_killed_together() {
    check(Line::embedded, |line, feeds| {
        line.start_all(&["--feeds", feeds]);
        vec!["all".to_owned(); PORTIONS]
    });
}

/// The short form of `make chaos`: edits, withdrawals and copies too, eight faults of every kind, and every topic held
/// against the filters.
#[test]
fn faults_on_kafka() {
    let mut kafka = Kafka::replicated();
    let mut load = Load::new(SEED, 10, 15);
    let session = format!("replication = 3\nsession_timeout = \"{}s\"\n", SESSION.as_secs());
    let mut line = Line::on(kafka.brokers(), &(session + &load.config()));
    line.run(&["topics", "create"]);
    line.start_five();
    begin(&line, &mut load);
    let deck = [
        (Fault::Kill, 2),
        (Fault::KillTwice, 1),
        (Fault::Pause, 2),
        (Fault::Broker, 1),
        (Fault::Add, 1),
        (Fault::Remove, 1),
    ];
    let report = run(&mut line, &load, Some(&mut kafka), Deck::new(SEED, &deck, 2), 2_000);
    println!("{}", report.table());
    report.proof.assert_exact();
}

/// The same where everything is one process: it is killed and paused with its broker.
#[test]
fn faults_embedded() {
    let mut load = Load::new(SEED, 10, 15);
    let mut line = Line::embedded(&load.config());
    line.start_all(&[]);
    begin(&line, &mut load);
    let deck = [(Fault::Kill, 4), (Fault::KillTwice, 2), (Fault::Pause, 2)];
    let report = run(&mut line, &load, None, Deck::new(SEED, &deck, 2), 2_000);
    println!("{}", report.table());
    report.proof.assert_exact();
}

/// `start` starts the line with the feeds of an OPML file and says what is to be killed, one process per portion.
fn check(line: impl Fn(&str) -> Line, start: impl Fn(&mut Line, &str) -> Vec<String>) {
    let out = Arc::new(AtomicUsize::new(ENTRIES / PORTIONS));
    let published = out.clone();
    let server = Server::start(move |path| {
        let feed: usize = path.strip_prefix("/feed-")?.parse().ok()?;
        Some(Page::new("application/rss+xml", rss(feed, published.load(Ordering::Relaxed))))
    });
    let mut line = line(&feeds_at(server.address()));
    let urls = (0..FEEDS).map(|feed| server.url(&format!("/feed-{feed}"))).collect::<Vec<_>>();
    let opml = opml(&line, &urls);

    let victims = start(&mut line, &opml);
    for (portion, victim) in victims.iter().enumerate() {
        out.store(ENTRIES * (portion + 1) / PORTIONS, Ordering::Relaxed);
        ingest(&line, portion);
        // somewhere in the middle of the portion
        std::thread::sleep(Duration::from_millis(900));
        line.kill9(victim);
        line.restart(victim);
    }

    let expected = FEEDS * ENTRIES + SNIPPETS;
    until(LIMIT, "every item has come", || (values(&line, &topic::RAW).len() >= expected).then_some(()));
    assert_eq!(assert_whole(&line), expected, "items on the topic");
    assert!(tellings(&line, &topic::RAW).iter().all(|(_, revision)| *revision == 1), "nothing was edited");
    let raw = values(&line, &topic::RAW);
    let headlines: BTreeSet<_> = raw.iter().map(|item| item["headline"].as_str().unwrap()).collect();
    assert_eq!(headlines.len(), expected, "different items");
    assert_eq!(values(&line, &topic::DLQ).len(), 0, "dead letters");
    println!("figure: {expected} items, {} kills, {} unique", victims.len(), tellings(&line, &topic::UNIQUE).len());
}

fn ingest(line: &Line, portion: usize) {
    let share = SNIPPETS / PORTIONS;
    let snippet = |no: usize| {
        let (headline, summary) = words(&format!("snippet {no}"));
        let headline = format!("{headline} {no}");
        format!(
            "{}\n",
            json!({"provider": "chaos", "external_id": no.to_string(), "headline": headline, "summary": summary})
        )
    };
    let path = line.dir().join("snippets.jsonl");
    fs::write(&path, (portion * share..(portion + 1) * share).map(snippet).collect::<String>()).unwrap();
    line.run(&["ingest", path.to_str().unwrap(), "--format", "jsonl"]);
}

/// A feed with its first `count` entries, newest first.
fn rss(feed: usize, count: usize) -> String {
    let mut xml = format!("<rss version=\"2.0\"><channel><title>Feed {feed}</title>\n");
    for no in (0..count).rev() {
        let (headline, summary) = words(&format!("feed {feed} {no}"));
        let headline = format!("{headline} {feed}/{no}");
        let link = format!("https://feed-{feed}.example/{no}");
        writeln!(xml, "<item><title>{headline}</title><link>{link}</link><description>{summary}</description></item>")
            .unwrap();
    }
    xml + "</channel></rss>\n"
}
