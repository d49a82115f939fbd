//! What must outlive the process besides the logs: topics, committed offsets, transactions, producer ids.
//!
//! One file of JSON lines, appended to; memory is the fold of it. Promises: an entry is durable before it is
//! visible; a call's entries are written in one go; a last line torn by a crash is dropped, a damaged line
//! elsewhere refuses the start. The file is rewritten when it has grown well past what it says.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
/// The file may grow to this size, bytes, or to [`SLACK`] times its content, before it is rewritten.
const ROOM: u64 = 4 << 20;
const SLACK: u64 = 4;
/// Ids below are left free, so that a producer id is never mistaken for a small number.
const FIRST_PRODUCER_ID: i64 = 1_000;

/// One change, and one line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    Format {
        version: u32,
    },
    Topic {
        name: String,
        partitions: i32,
        config: BTreeMap<String, String>,
    },
    TopicDeleted {
        name: String,
    },
    Offset(Offset),
    OffsetDeleted {
        group: String,
        topic: String,
        partition: i32,
    },
    GroupDeleted {
        group: String,
    },
    /// The next producer id to give away.
    ProducerIds {
        next: i64,
    },
    Transaction {
        id: String,
        transaction: Transaction,
    },
}

/// Where a group stands in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    pub group: String,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Of the record before it, if the client told; there is but one (KIP-320).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader_epoch: Option<i32>,
    /// The client's note beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}

/// The state of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    pub producer_id: i64,
    pub epoch: i16,
    pub timeout_ms: i64,
    pub phase: Phase,
    /// When it began, milliseconds.
    pub started: i64,
    pub partitions: BTreeSet<(String, i32)>,
    /// Committed with the transaction.
    pub offsets: Vec<Offset>,
}

/// How far a transaction is. A `Prepare…` is decided: it is carried out whatever happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Empty,
    Ongoing,
    PrepareCommit,
    PrepareAbort,
    CompleteCommit,
    CompleteAbort,
}

/// A topic as it was made.
#[derive(Clone, Debug)]
pub struct Topic {
    pub partitions: i32,
    pub config: BTreeMap<String, String>,
}

/// The fold of all entries.
#[derive(Debug)]
pub struct Content {
    pub topics: BTreeMap<String, Topic>,
    /// By group, then topic and partition.
    pub offsets: BTreeMap<String, BTreeMap<(String, i32), Offset>>,
    pub transactions: BTreeMap<String, Transaction>,
    pub next_producer_id: i64,
}

impl Content {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Format { .. } => {}
            Entry::Topic { name, partitions, config } => {
                self.topics.insert(name, Topic { partitions, config });
            }
            Entry::TopicDeleted { name } => {
                self.topics.remove(&name);
                for group in self.offsets.values_mut() {
                    group.retain(|(topic, _), _| *topic != name);
                }
                self.offsets.retain(|_, group| !group.is_empty());
            }
            // A transaction may outlive a topic that it read.
            Entry::Offset(offset) if self.topics.contains_key(&offset.topic) => {
                let place = (offset.topic.clone(), offset.partition);
                self.offsets.entry(offset.group.clone()).or_default().insert(place, offset);
            }
            Entry::Offset(_) => {}
            Entry::OffsetDeleted { group, topic, partition } => {
                if let Some(offsets) = self.offsets.get_mut(&group) {
                    offsets.remove(&(topic, partition));
                }
                self.offsets.retain(|_, group| !group.is_empty());
            }
            Entry::GroupDeleted { group } => {
                self.offsets.remove(&group);
            }
            Entry::ProducerIds { next } => self.next_producer_id = next,
            Entry::Transaction { id, transaction } => {
                self.transactions.insert(id, transaction);
            }
        }
    }

    /// The entries that say the same, and nothing twice.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let topics = self.topics.iter().map(|(name, topic)| Entry::Topic {
            name: name.clone(),
            partitions: topic.partitions,
            config: topic.config.clone(),
        });
        let offsets = self.offsets.values().flat_map(BTreeMap::values).cloned();
        let transactions = self
            .transactions
            .iter()
            .map(|(id, transaction)| Entry::Transaction { id: id.clone(), transaction: transaction.clone() });
        [Entry::Format { version: FORMAT }, Entry::ProducerIds { next: self.next_producer_id }]
            .into_iter()
            .chain(topics)
            .chain(offsets.map(Entry::Offset))
            .chain(transactions)
    }
}

/// The file and its content.
pub struct Store {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    size: u64,
    /// The size at which it is rewritten.
    limit: u64,
    content: Content,
    fsync: bool,
}

impl Store {
    /// Reads the file at `path`, if there is one, and writes it anew without what is outdated.
    pub fn open(path: PathBuf, fsync: bool) -> io::Result<Store> {
        let mut content = Content {
            topics: BTreeMap::new(),
            offsets: BTreeMap::new(),
            transactions: BTreeMap::new(),
            next_producer_id: FIRST_PRODUCER_ID,
        };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (whole, torn) = text.split_at(text.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1));
        if !torn.is_empty() {
            tracing::warn!(file = %path.display(), bytes = torn.len(), "torn tail cut off");
        }
        for (number, line) in whole.split_inclusive(|b| *b == b'\n').enumerate() {
            let refuse = |what: String| {
                let what = format!("line {}: {what}", number + 1);
                io::Error::new(io::ErrorKind::InvalidData, what)
            };
            match serde_json::from_slice(line).map_err(|error| refuse(error.to_string()))? {
                Entry::Format { version } if version != FORMAT => {
                    return Err(refuse(format!(
                        "format {version}, wanted {FORMAT}: written by another version of the broker"
                    )));
                }
                entry => content.apply(entry),
            }
        }
        let (file, size) = match rewrite(&path, &content) {
            // It must start, or nothing would make room.
            Err(error) if error.kind() == io::ErrorKind::StorageFull && path.exists() => {
                tracing::warn!(file = %path.display(), %error, "store not rewritten");
                let file = OpenOptions::new().append(true).open(&path)?;
                file.set_len(whole.len() as u64)?;
                (file, whole.len() as u64)
            }
            rewritten => rewritten?,
        };
        Ok(Store { path, file, size, limit: limit(size), content, fsync })
    }

    /// What is known.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Writes entries, then makes them visible. On failure nothing has changed.
    pub fn record(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        let mut lines = Vec::new();
        for entry in &entries {
            write_line(&mut lines, entry);
        }
        let written = self.file.write_all(&lines);
        let synced = written.and_then(|()| if self.fsync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = synced {
            tracing::error!(file = %self.path.display(), %error, "write failed");
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += lines.len() as u64;
        for entry in entries {
            self.content.apply(entry);
        }
        if self.size > self.limit {
            self.shrink();
        }
        Ok(())
    }

    fn shrink(&mut self) {
        match rewrite(&self.path, &self.content) {
            Ok((file, size)) => {
                tracing::debug!(before = self.size, after = size, "store rewritten");
                (self.file, self.size) = (file, size);
            }
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "store not rewritten");
            }
        }
        self.limit = limit(self.size);
    }
}

fn limit(size: u64) -> u64 {
    ROOM.max(size * SLACK)
}

fn write_line(out: &mut Vec<u8>, entry: &Entry) {
    serde_json::to_writer(&mut *out, entry).expect("entries serialise to memory");
    out.push(b'\n');
}

/// Writes a new file and puts it in the old one's place; it is open for appending.
fn rewrite(path: &Path, content: &Content) -> io::Result<(File, u64)> {
    let unfinished = path.with_extension("new");
    let mut lines = Vec::new();
    content.entries().for_each(|entry| write_line(&mut lines, &entry));
    fs::write(&unfinished, &lines)?;
    let file = OpenOptions::new().append(true).open(&unfinished)?;
    file.sync_data()?;
    fs::rename(&unfinished, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok((file, lines.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(topic: &str, offset: i64) -> Entry {
        let (group, topic, metadata) = ("g".into(), topic.into(), "note".into());
        Entry::Offset(Offset { group, topic, partition: 0, offset, leader_epoch: None, metadata })
    }

    fn topic(name: &str) -> Entry {
        Entry::Topic { name: name.into(), partitions: 1, config: BTreeMap::new() }
    }

    fn committed(store: &Store, topic: &str) -> Option<i64> {
        Some(store.content().offsets.get("g")?.get(&(topic.into(), 0))?.offset)
    }

    #[test]
    fn survives_a_torn_tail_and_refuses_damage() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("store.jsonl");
        let mut store = Store::open(path.clone(), true).unwrap();
        store.record(vec![topic("a"), topic("b"), offset("a", 5), offset("b", 6)]).unwrap();
        store.record(vec![Entry::TopicDeleted { name: "b".into() }]).unwrap();
        drop(store);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b"{\"entry\":\"off"].concat()).unwrap();
        let store = Store::open(path.clone(), false).unwrap();
        assert_eq!((committed(&store, "a"), committed(&store, "b")), (Some(5), None));
        fs::write(&path, [b"junk\n", &whole[..]].concat()).unwrap();
        let refused = Store::open(path, false).err().unwrap().to_string();
        assert!(refused.starts_with("line 1: "), "{refused}");
    }

    #[test]
    fn shrinks_when_it_has_outgrown_its_content() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("store.jsonl");
        let mut store = Store::open(path.clone(), false).unwrap();
        store.record(vec![topic("a")]).unwrap();
        for n in 0..60_000 {
            store.record(vec![offset("a", n)]).unwrap();
        }
        let size = fs::metadata(&path).unwrap().len();
        assert!(size == store.size && size < ROOM, "{size} bytes");
        assert_eq!(committed(&Store::open(path, false).unwrap(), "a"), Some(59_999));
    }
}
