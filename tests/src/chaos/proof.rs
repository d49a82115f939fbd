//! What the topics hold after a run, held against what was issued and what the filters make of the recorded input.

use super::{Load, load::Telling};
use crate::line::Line;
use crate::read::{Rec, read_bytes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tidings_fetch::{EntryKey, Remembered};
use tidings_model::{Topic, topic};
use tidings_stage::Change as _;

/// Until all that was issued must have come, once faults are over.
const LIMIT: Duration = Duration::from_secs(120);

/// What was found; each list is to be empty.
#[derive(Debug, Default)]
pub struct Proof {
    /// Records of each public topic of the stream.
    pub records: Vec<(&'static str, usize)>,
    /// Expected and not there.
    pub lost: Vec<String>,
    /// There more often than expected.
    pub doubled: Vec<String>,
    /// There and not expected, or contradicting each other.
    pub wrong: Vec<String>,
    /// Entries in fetch's state.
    pub remembered: usize,
    /// Alerts of rules that depend on the order among partitions: on the topic, and of the filter over the record.
    pub bursts: (usize, usize),
    /// From first sight to the enriched topic, of new items, in milliseconds, sorted.
    pub delays: Vec<i64>,
}

impl Proof {
    /// Tells the figure where nothing was.
    ///
    /// # Panics
    /// When anything was lost, doubled or wrong, or when there was nothing to lose.
    pub fn assert_exact(&self) {
        let empty = self.records.iter().filter(|(topic, count)| *count == 0 && *topic != topic::DLQ.name);
        assert_eq!(empty.count(), 0, "a topic that is empty proves nothing: {:?}", self.records);
        let Self { lost, doubled, wrong, .. } = self;
        let some = |list: &[String]| list.iter().take(5).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(
            lost.is_empty() && doubled.is_empty() && wrong.is_empty(),
            "{} lost\n  {}\n{} doubled\n  {}\n{} wrong\n  {}",
            lost.len(),
            some(lost),
            doubled.len(),
            some(doubled),
            wrong.len(),
            some(wrong)
        );
        let name = |topic: &str| topic.trim_start_matches("news.").trim_end_matches(".v1").to_owned();
        let records = self.records.iter().map(|(topic, count)| format!("{count} {}", name(topic)));
        println!("figure: {}; lost, doubled, wrong 0, 0, 0", records.collect::<Vec<_>>().join(", "));
    }

    /// Compares how often each thing is there with how often it should be.
    fn compare<K: Ord + std::fmt::Debug>(
        &mut self,
        topic: &Topic,
        expected: &BTreeMap<K, usize>,
        found: &BTreeMap<K, usize>,
    ) {
        let short = |key: &K| format!("{}: {key:.400?}", topic.name).chars().take(400).collect::<String>();
        for (key, times) in expected {
            let there = found.get(key).copied().unwrap_or(0);
            self.lost.extend((there < *times).then(|| short(key)));
            self.doubled.extend((there > *times).then(|| short(key)));
        }
        self.wrong.extend(found.keys().filter(|key| !expected.contains_key(key)).map(short));
    }
}

/// Waits until the raw topic holds what was issued, or a limit is over: then the proof will tell what is amiss.
pub(super) fn await_raw(line: &Line, load: &Load) {
    let end = Instant::now() + LIMIT;
    while told(&line.read(&topic::RAW)) != expected(line, load) && Instant::now() < end {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Waits until what was issued has gone through, and compares all of it.
pub fn prove(line: &Line, load: &Load) -> Proof {
    await_raw(line, load);
    let mut proof = Proof::default();
    let raw = line.read(&topic::RAW);
    proof.compare(&topic::RAW, &expected(line, load), &told(&raw));

    let replayed = replay(line, "dedup", &topic::RAW, &raw);
    let (unique, copies) =
        (await_count(line, &topic::UNIQUE, &replayed), await_count(line, &topic::DUPLICATES, &replayed));
    for (topic, found) in [(&topic::UNIQUE, &unique), (&topic::DUPLICATES, &copies)] {
        proof.compare(topic, &values_of(topic, &replayed), &values(found));
    }
    let replayed = replay(line, "enrich", &topic::UNIQUE, &unique);
    let enriched = await_count(line, &topic::ENRICHED, &replayed);
    proof.compare(&topic::ENRICHED, &values_of(&topic::ENRICHED, &replayed), &values(&enriched));
    proof.delays = enriched.iter().filter_map(Rec::delay).collect();
    proof.delays.sort_unstable();

    let alerts = proof.alerts(line, &enriched);
    proof.fetch(line, load, &raw);
    let letters = line.read(&topic::DLQ);
    proof.wrong.extend(letters.iter().map(|letter| format!("dead letter: {letter:?}")));
    let counted = [&raw, &unique, &copies, &enriched, &alerts, &letters].map(Vec::len);
    let topics = [&topic::RAW, &topic::UNIQUE, &topic::DUPLICATES, &topic::ENRICHED, &topic::ALERTS, &topic::DLQ];
    for (topic, count) in topics.into_iter().zip(counted) {
        proof.records.push((topic.name, count));
        let late = line.read(topic).len() - count;
        proof.doubled.extend((late > 0).then(|| format!("{}: {late} records after all had come", topic.name)));
    }
    proof
}

impl Proof {
    /// On one partition alerts are what the filter says, all of them. Among several there is no order that could be
    /// recorded: an alert of `match` depends on its story's cluster alone, which has one partition, so but for the
    /// stream clock in its window it is the filter's still; a burst, counted over all, must be told once.
    fn alerts(&mut self, line: &Line, enriched: &[Rec]) -> Vec<Rec> {
        let ordered = enriched.iter().all(|record| record.partition == 0);
        let is_certain = |alert: &&Value| ordered || alert["kind"] == "match";
        let key = |alert: &Value| {
            let mut alert = alert.clone();
            if !ordered {
                alert.as_object_mut().expect("an alert is an object").remove("window");
            }
            alert.to_string()
        };
        let replayed = replay(line, "alerts", &topic::ENRICHED, enriched);
        let replayed: Vec<Value> = replayed.iter().map(|record| json(record.value.get())).collect();
        let expected = counts(replayed.iter().filter(is_certain).map(key));
        let total = expected.values().sum::<usize>();
        let began = Instant::now();
        let (records, alerts) = loop {
            let records = line.read(&topic::ALERTS);
            let alerts: Vec<Value> = records.iter().map(Rec::json).collect();
            if alerts.iter().filter(is_certain).count() >= total || began.elapsed() > LIMIT {
                break (records, alerts);
            }
            std::thread::sleep(Duration::from_millis(500));
        };
        self.compare(&topic::ALERTS, &expected, &counts(alerts.iter().filter(is_certain).map(key)));
        let bursts = |alerts: &[Value]| -> BTreeMap<(String, String), usize> {
            let bursts = alerts.iter().filter(|alert| alert["kind"] != "match");
            counts(bursts.map(|alert| (alert["dedupe_key"].to_string(), alert["state"].to_string())))
        };
        let told = bursts(&alerts);
        self.doubled.extend(told.iter().filter(|(_, times)| **times > 1).map(|(key, _)| format!("burst {key:?}")));
        self.bursts = (told.values().sum(), bursts(&replayed).values().sum());
        records
    }

    /// The memory of each feed lies in one partition, and holds each entry once, under the id that its items have.
    fn fetch(&mut self, line: &Line, load: &Load, raw: &[Rec]) {
        let ids: BTreeSet<String> = raw.iter().filter_map(|record| record.key.clone()).collect();
        let mut newest: BTreeMap<String, (i32, Option<Vec<u8>>)> = BTreeMap::new();
        for (partition, feed, value) in read_bytes(line.brokers(), &line.topic(&topic::FETCH_STATE)) {
            // all but the runner's own key are feeds
            if !feed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                continue;
            }
            if let Some((other, _)) = newest.insert(feed.clone(), (partition, value))
                && other != partition
            {
                self.wrong.push(format!("fetch remembers {feed} in partitions {other} and {partition}"));
            }
        }
        if newest.len() != load.feeds() {
            self.lost.push(format!("fetch remembers {} feeds of {}", newest.len(), load.feeds()));
        }
        let (listed, ever) = load.entries();
        for (feed, (_, value)) in newest {
            let memory =
                Remembered::decode(feed.as_bytes(), value.as_deref()).expect("a memory that fetch wrote").memory;
            let keys: Vec<EntryKey> =
                memory.iter().flat_map(|memory| memory.seen.iter()).map(|seen| seen.key).collect();
            let once: BTreeSet<EntryKey> = keys.iter().copied().collect();
            if once.len() != keys.len() {
                self.doubled.push(format!(
                    "fetch remembers {} entries of {feed}, {} different",
                    keys.len(),
                    once.len()
                ));
            }
            if !(listed..=ever).contains(&keys.len()) {
                self.wrong.push(format!("fetch remembers {} entries of {feed}, which lists {listed}", keys.len()));
            }
            let unknown = once.iter().filter(|key| !ids.contains(key.item_id().as_str())).count();
            if unknown > 0 {
                self.lost.push(format!("fetch remembers {unknown} entries of {feed} that were never published"));
            }
            self.remembered += keys.len();
        }
    }
}

/// Reads a topic once it has as many records as the filter made for it, or the limit is over.
fn await_count(line: &Line, topic: &Topic, replayed: &[Written]) -> Vec<Rec> {
    let expected = replayed.iter().filter(|record| record.topic == topic.name).count();
    let began = Instant::now();
    loop {
        let records = line.read(topic);
        if records.len() >= expected || began.elapsed() > LIMIT {
            return records;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What a filter makes of recorded records.
fn replay(line: &Line, filter: &str, topic: &Topic, records: &[Rec]) -> Vec<Written> {
    let envelope = |record: &Rec| {
        let key = serde_json::to_string(record.key.as_deref().unwrap_or_default()).expect("text serialises");
        let value = record.value.as_deref().unwrap_or("null");
        format!("{{\"topic\":\"{}\",\"key\":{key},\"value\":{value}}}\n", topic.name)
    };
    let input = records.iter().map(envelope).collect::<String>();
    let written = line.tool().run(&[filter], &input);
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    written.lines().map(parse).collect()
}

/// A record that a filter wrote.
#[derive(serde::Deserialize)]
struct Written {
    topic: String,
    key: String,
    value: Box<serde_json::value::RawValue>,
}

fn expected(line: &Line, load: &Load) -> BTreeMap<Telling, usize> {
    load.expected(&told(&line.read(&topic::INBOX)))
}

/// What records of the inbox or of the raw topic tell, and how often.
fn told(raw: &[Rec]) -> BTreeMap<Telling, usize> {
    counts(raw.iter().map(|record| {
        let item = record.json();
        let mark = item["headline"].as_str().and_then(|headline| headline.rsplit(' ').next()).unwrap_or("no headline");
        let status = if item["status"] == "withdrawn" { "withdrawn" } else { "published" };
        (mark.to_owned(), status)
    }))
}

/// How often each key comes with each value.
fn values(records: &[Rec]) -> BTreeMap<(&str, &str), usize> {
    counts(records.iter().map(|r| (r.key.as_deref().unwrap_or_default(), r.value.as_deref().unwrap_or("null"))))
}

fn values_of<'a>(topic: &Topic, replayed: &'a [Written]) -> BTreeMap<(&'a str, &'a str), usize> {
    let of_topic = replayed.iter().filter(|record| record.topic == topic.name);
    counts(of_topic.map(|record| (&*record.key, record.value.get())))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn counts<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}
