//! The line end to end, as its users meet it: the built binary, real brokers, strangers' clients.
//!
//! Each scenario runs twice: as one process over the embedded broker, and over Apache Kafka.

#![allow(clippy::unwrap_used, reason = "a test that panics says what failed")]

mod chaos;
mod clients;
mod mishaps;
mod replicas;
mod sample;
mod secured;
mod seeds;
mod shutdown;
mod standby;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;
use tidings_model::{Topic, topic};
use tidings_tests::chaos::Load;
use tidings_tests::kafka::Kafka;
use tidings_tests::line::Line;
use tidings_tests::read::Rec;
use tidings_tests::until;

/// How long the line may take for what was handed in.
const LIMIT: Duration = Duration::from_secs(90);

/// The values of a topic.
fn values(line: &Line, topic: &Topic) -> Vec<Value> {
    line.read(topic).iter().map(Rec::json).collect()
}

/// Id and revision of the item of a record on `news.raw.v1`, or of the one that a later record carries.
fn telling(record: &Value) -> (String, u64) {
    let item = record.get("item").unwrap_or(record);
    (item["id"].as_str().unwrap().to_owned(), item["revision"]["no"].as_u64().unwrap())
}

/// All tellings of a topic.
///
/// # Panics
/// When one is there twice.
fn tellings(line: &Line, topic: &Topic) -> BTreeSet<(String, u64)> {
    let mut once = BTreeMap::new();
    for record in line.read(topic) {
        let place = format!("{} {}/{}", record.topic, record.partition, record.offset);
        if let Some(first) = once.insert(telling(&record.json()), place.clone()) {
            panic!("{:?} lies at {first} and again at {place}", telling(&record.json()));
        }
    }
    once.into_keys().collect()
}

/// Waits until the stream is whole: nothing is there twice, every raw telling is unique or a copy and never both, and
/// every unique one is enriched. Returns how many raw ones there are.
fn assert_whole(line: &Line) -> usize {
    let raw = until(LIMIT, "every telling is decided and every unique one enriched", || {
        let [raw, unique, copies, enriched] =
            [&topic::RAW, &topic::UNIQUE, &topic::DUPLICATES, &topic::ENRICHED].map(|topic| tellings(line, topic));
        assert_eq!(unique.intersection(&copies).next(), None, "both unique and a copy");
        let told: BTreeSet<_> = unique.union(&copies).cloned().collect();
        // topics are read one after the other, so a later one may be ahead of an earlier one for a moment
        (told == raw && enriched == unique).then_some(raw.len())
    });
    let alerts = values(line, &topic::ALERTS);
    let keys: BTreeSet<_> = alerts.iter().map(|alert| format!("{} {}", alert["dedupe_key"], alert["state"])).collect();
    assert_eq!(keys.len(), alerts.len(), "an alert was published twice");
    raw
}

/// Lets a load flow into a line.
fn begin(line: &Line, load: &mut Load) {
    line.import(&load.opml());
    load.start(line.tool());
}

/// A line whose only broker was killed after items had flowed, and the load paused, for nothing can be handed in without
/// a broker. First it comes to rest: Kafka loses the markers of a transaction that is decided while its partitions have
/// no leader (docs/adr/0001), so a single node must not be killed amid one.
fn bereft(kafka: &mut Kafka, load: &mut Load) -> Line {
    let mut line = Line::on(kafka.brokers(), &load.config());
    line.run(&["topics", "create"]);
    line.start_five();
    begin(&line, load);
    until(LIMIT, "items flow", || (line.read(&topic::ENRICHED).len() > 500).then_some(()));
    load.pause();
    line.rest(LIMIT, Duration::from_secs(5));
    kafka.kill9();
    line
}

/// A configuration for feeds on this machine: allowed, polled every second, and without pause.
fn feeds_at(address: impl std::fmt::Display) -> String {
    format!("[fetch]\nallow = [\"{address}\"]\ninterval = \"1s\"\nmin_interval = \"1s\"\nper_host_gap = \"0s\"\n")
}

/// An OPML file in the line's folder.
fn opml<'a>(line: &Line, urls: impl IntoIterator<Item = &'a String>) -> String {
    let outlines = urls.into_iter().map(|url| format!("<outline type=\"rss\" text=\"{url}\" xmlUrl=\"{url}\"/>\n"));
    let outlines = outlines.collect::<String>();
    let path = line.dir().join("feeds.opml");
    fs::write(&path, format!("<opml version=\"2.0\"><head/><body>\n{outlines}</body></opml>\n")).unwrap();
    path.to_str().unwrap().to_owned()
}
