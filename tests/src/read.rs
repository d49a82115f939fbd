//! What a stranger sees: topics read to their end as a `read_committed` consumer, through kcat and through two Python
//! clients, none of which shares code with Tidings.

use crate::{installed, output, root};
use serde::{Deserialize, de::DeserializeOwned};
use std::io::Write;
use std::process::{Command, Stdio};

/// A record as a consumer has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Rec {
    /// Where it lies.
    pub topic: String,
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
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

/// Writes a record as any producer may, through kcat.
pub fn write(brokers: &str, topic: &str, key: &str, headers: &[(&str, &str)], value: &str) {
    let headers = headers.iter().flat_map(|(name, value)| ["-H".to_owned(), format!("{name}={value}")]);
    let mut producer = Command::new("kcat")
        .args(["-P", "-b", brokers, "-t", topic, "-k", key, "-X", "acks=all"])
        .args(headers)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("kcat: {error}; tests/setup brings it"));
    let mut input = producer.stdin.take().expect("its input is a pipe");
    input.write_all(value.as_bytes()).expect("kcat reads its input");
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
    let record = |Flat { topic, partition, offset, key, headers, payload }| {
        let mut flat = headers.into_iter();
        let headers = std::iter::from_fn(|| Some((flat.next()??, flat.next()?))).collect();
        Rec { topic, partition, offset, key, headers, value: payload }
    };
    parse(&lines).into_iter().map(record).collect()
}

/// A record as kcat prints it: headers are listed flat, name, value, name, value.
#[derive(Deserialize)]
struct Flat {
    topic: String,
    partition: i32,
    offset: i64,
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
