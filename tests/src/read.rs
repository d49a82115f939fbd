//! What a stranger sees: topics read to their end as a `read_committed` consumer, through kcat and through two Python
//! clients, none of which shares code with Tidings.

use crate::{installed, output, root};
use serde::{Deserialize, de::DeserializeOwned};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::{Command, Stdio};
use tidings_model::Timestamp;

/// A record as a consumer has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Rec {
    /// Where it lies.
    pub topic: String,
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
    /// When the broker took it, in milliseconds of Unix time; 0 where the client does not tell.
    #[serde(default)]
    pub taken: i64,
    /// Its key.
    pub key: Option<String>,
    /// Its headers, in their order.
    pub headers: Vec<(String, Option<String>)>,
    /// Its value; none for a tombstone.
    pub value: Option<String>,
}

impl Rec {
    /// The value as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        let value = self.value.as_deref().unwrap_or_default();
        serde_json::from_str(value).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// From the first sight of the item that it is or carries to the broker, in milliseconds; nothing for revisions,
    /// whose first sight was another.
    pub fn delay(&self) -> Option<i64> {
        let record = self.json();
        let item = record.get("item").unwrap_or(&record);
        let seen = Timestamp::deserialize(item.get("first_seen_at")?).ok()?;
        (item["revision"]["no"] == 1 && item["status"] != "withdrawn").then(|| self.taken - seen.millis())
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name)?.1.as_deref()
    }
}

/// A client that reads.
#[derive(Debug, Clone, Copy)]
pub enum Client {
    /// kcat, on Debian's librdkafka.
    Kcat,
    /// Confluent's Python client, on its own librdkafka.
    Confluent,
    /// Pure Python.
    Aiokafka,
}

/// All that a `read_committed` consumer gets of a topic, by partition and offset.
///
/// # Panics
/// When the topic doesn't exist, or the client fails.
pub fn read_with(client: Client, brokers: &str, topic: &str) -> Vec<Rec> {
    let mut records = match client {
        Client::Kcat => kcat(brokers, topic),
        Client::Confluent => python("confluent", brokers, topic),
        Client::Aiokafka => python("aiokafka", brokers, topic),
    };
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// [`read_with`] the quickest of them, kcat.
pub fn read_all(brokers: &str, topic: &str) -> Vec<Rec> {
    read_with(Client::Kcat, brokers, topic)
}

/// Keys and values of a topic whose values are no text, by partition and offset; a tombstone has no value.
pub fn read_bytes(brokers: &str, topic: &str) -> Vec<(i32, String, Option<Vec<u8>>)> {
    let committed = ["-X", "isolation.level=read_committed", "-f", "%p %k %S\n%s\n"];
    let mut command = Command::new("kcat");
    command.args(["-C", "-b", brokers, "-t", topic, "-e", "-q"]).args(committed).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("kcat: {error}; tests/setup brings it"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let (mut rest, mut records) = (output.stdout.as_slice(), Vec::new());
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let (place, size) = head.rsplit_once(' ').unwrap_or_else(|| panic!("kcat's format: {head}"));
        let (partition, key) = place.split_once(' ').unwrap_or_else(|| panic!("kcat's format: {head}"));
        // -1 for none
        let size = size.parse::<usize>().ok();
        let value = &rest[end + 1..end + 1 + size.unwrap_or(0)];
        records.push((partition.parse().expect("a number"), key.to_owned(), size.map(|_| value.to_vec())));
        rest = &rest[end + 1 + value.len() + 1..];
    }
    records
}

/// The id of the broker that leads a partition.
pub(crate) fn leader(brokers: &str, topic: &str, partition: usize) -> usize {
    let listed = output(Command::new("kcat").args(["-L", "-J", "-m", "10", "-b", brokers, "-t", topic]));
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("kcat prints JSON");
    let leader = listed["topics"][0]["partitions"][partition]["leader"].as_u64();
    usize::try_from(leader.unwrap_or_else(|| panic!("{topic} has no leader: {listed}"))).expect("a small number")
}

/// Writes a record as any producer may, through kcat.
pub fn write(brokers: &str, topic: &str, key: &[u8], headers: &[(&[u8], &[u8])], value: &[u8]) {
    let headers = headers.iter().map(|(name, value)| [name, &b"="[..], value].concat());
    let headers = headers.flat_map(|header| ["-H".into(), OsString::from_vec(header)]);
    let mut producer = Command::new("kcat")
        .args(["-P", "-b", brokers, "-t", topic, "-X", "acks=all", "-k"])
        .arg(OsStr::from_bytes(key))
        .args(headers)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("kcat: {error}; tests/setup brings it"));
    let mut input = producer.stdin.take().expect("its input is a pipe");
    input.write_all(value).expect("kcat reads its input");
    drop(input);
    let status = producer.wait().expect("a child can be waited for");
    assert!(status.success(), "kcat cannot write to {topic}: {status}");
}

/// Creates a topic of two partitions and writes it in transactions, one of them aborted: keys `committed-N` are to be
/// seen, keys `aborted-N` never.
pub fn write_transactions(brokers: &str, topic: &str) {
    script("write.py", &[brokers, topic]);
}

/// Whether a broker answers there.
pub(crate) fn answers(brokers: &str) -> bool {
    let probe = Command::new("kcat").args(["-L", "-m", "2", "-b", brokers]).stdin(Stdio::null()).output();
    probe.unwrap_or_else(|error| panic!("kcat: {error}; tests/setup brings it")).status.success()
}

fn kcat(brokers: &str, topic: &str) -> Vec<Rec> {
    let committed = ["-X", "isolation.level=read_committed"];
    let lines = output(Command::new("kcat").args(["-C", "-b", brokers, "-t", topic, "-J", "-e", "-q"]).args(committed));
    let record = |Flat { topic, partition, offset, ts, key, headers, payload }| {
        let mut flat = headers.into_iter();
        let headers = std::iter::from_fn(|| Some((flat.next()??, flat.next()?))).collect();
        Rec { topic, partition, offset, taken: ts, key, headers, value: payload }
    };
    parse(&lines).into_iter().map(record).collect()
}

/// A record as kcat prints it: headers are listed flat, name, value, name, value.
#[derive(Deserialize)]
struct Flat {
    topic: String,
    partition: i32,
    offset: i64,
    ts: i64,
    key: Option<String>,
    #[serde(default)]
    headers: Vec<Option<String>>,
    payload: Option<String>,
}

fn python(client: &str, brokers: &str, topic: &str) -> Vec<Rec> {
    parse(&script("read.py", &[client, brokers, topic]))
}

fn parse<T: DeserializeOwned>(lines: &str) -> Vec<T> {
    let record = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines.lines().map(record).collect()
}

fn script(name: &str, args: &[&str]) -> String {
    output(Command::new(installed("clients")).arg(root().join("tests/clients").join(name)).args(args))
}
