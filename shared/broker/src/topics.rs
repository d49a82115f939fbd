//! The topics and their partition logs.
//!
//! Promises: a topic is in the store before a client sees it and gone from the store before its files go;
//! directories that no topic claims are removed at start, so a deleted topic's records never come back.

use crate::log::Log;
use crate::store::{Entry, Store, Topic as Stored};
use crate::topic_config::TopicConfig;
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::{fs, io};

/// Each partition keeps a file open.
const MOST_PARTITIONS: i32 = 1_000;

/// A partition, shared with the requests that use it.
pub struct Partition(Mutex<Log>);

impl Partition {
    /// Held briefly, never across an await.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("no thread panics while it holds a log")
    }
}

/// A topic that is served.
pub struct Topic {
    pub partitions: Vec<Arc<Partition>>,
    pub config: BTreeMap<String, String>,
}

/// All topics, by name.
pub struct Topics {
    directory: PathBuf,
    fsync: bool,
    by_name: RwLock<BTreeMap<String, Topic>>,
}

/// An error code with a text for a human.
#[derive(Debug)]
pub struct Refusal {
    pub code: ResponseError,
    pub message: String,
}

fn refuse<T>(code: ResponseError, message: impl Into<String>) -> Result<T, Refusal> {
    let message = message.into();
    Err(Refusal { code, message })
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal { code: ResponseError::KafkaStorageError, message: error.to_string() }
    }
}

impl Topics {
    /// Opens the logs of the topics in `stored`, reading them through.
    pub fn open(directory: PathBuf, stored: &BTreeMap<String, Stored>, fsync: bool) -> io::Result<Topics> {
        fs::create_dir_all(&directory)?;
        let topics = Topics { directory, fsync, by_name: RwLock::default() };
        let mut claimed = HashSet::new();
        let mut by_name = BTreeMap::new();
        for (name, topic) in stored {
            let settings =
                TopicConfig::read(&topic.config).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))?;
            let mut partitions = Vec::new();
            for number in 0..topic.partitions {
                claimed.insert(topics.path(name, number));
                partitions.push(topics.open_partition(name, number, &settings)?);
            }
            let config = topic.config.clone();
            by_name.insert(name.clone(), Topic { partitions, config });
        }
        for entry in fs::read_dir(&topics.directory)? {
            let path = entry?.path();
            if path.is_dir() && !claimed.contains(&path) {
                fs::remove_dir_all(&path)?;
            }
        }
        *topics.write() = by_name;
        Ok(topics)
    }

    /// The directory of all logs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str, number: i32) -> PathBuf {
        self.directory.join(format!("{name}-{number}"))
    }

    fn open_partition(&self, name: &str, number: i32, config: &TopicConfig) -> io::Result<Arc<Partition>> {
        let log = Log::open(self.path(name, number), config.clone(), self.fsync)?;
        if self.fsync {
            fs::File::open(&self.directory)?.sync_all()?; // the new directory's name
        }
        Ok(Arc::new(Partition(Mutex::new(log))))
    }

    /// All topics, by name.
    pub fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Topic>> {
        self.by_name.read().expect("no thread panics while it holds the topics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Topic>> {
        self.by_name.write().expect("no thread panics while it holds the topics")
    }

    /// One partition.
    pub fn partition(&self, topic: &str, number: i32) -> Result<Arc<Partition>, ResponseError> {
        let topics = self.read();
        let partitions = topics.get(topic).map(|t| &t.partitions[..]).unwrap_or_default();
        let found = usize::try_from(number).ok().and_then(|n| partitions.get(n));
        found.cloned().ok_or(ResponseError::UnknownTopicOrPartition)
    }

    /// Every partition, for upkeep.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.read().values().flat_map(|t| t.partitions.iter().cloned()).collect()
    }

    /// Makes a topic, or only says whether it could be made.
    pub fn create(
        &self,
        store: &mut Store,
        name: &str,
        partitions: i32,
        config: BTreeMap<String, String>,
        dry: bool,
    ) -> Result<(), Refusal> {
        if !is_name(name) {
            let wanted = "wanted 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'";
            return refuse(ResponseError::InvalidTopicException, format!("found {name:?}, {wanted}"));
        }
        if store.content().topics.contains_key(name) {
            return refuse(ResponseError::TopicAlreadyExists, format!("topic {name:?} exists already"));
        }
        check_count(partitions)?;
        let settings = settings(&config)?;
        if dry {
            return Ok(());
        }
        let mut opened = Vec::new();
        for number in 0..partitions {
            let path = self.path(name, number);
            if path.exists() {
                fs::remove_dir_all(path)?; // left by a topic that was deleted
            }
            opened.push(self.open_partition(name, number, &settings)?);
        }
        store.record(vec![Entry::Topic { name: name.to_owned(), partitions, config: config.clone() }])?;
        let partitions = opened;
        self.write().insert(name.to_owned(), Topic { partitions, config });
        Ok(())
    }

    /// Deletes a topic with its records and the offsets committed in it.
    pub fn delete(&self, store: &mut Store, name: &str) -> Result<(), Refusal> {
        if !store.content().topics.contains_key(name) {
            return unknown(name);
        }
        store.record(vec![Entry::TopicDeleted { name: name.to_owned() }])?;
        let removed = self.write().remove(name);
        for partition in removed.map(|t| t.partitions).unwrap_or_default() {
            partition.log().destroy()?;
        }
        Ok(())
    }

    /// Adds partitions up to `count`.
    pub fn grow(&self, store: &mut Store, name: &str, count: i32, dry: bool) -> Result<(), Refusal> {
        let Some(stored) = store.content().topics.get(name).cloned() else {
            return unknown(name);
        };
        if count <= stored.partitions {
            let message = format!("found {count}, wanted more than {}", stored.partitions);
            return refuse(ResponseError::InvalidPartitions, message);
        }
        check_count(count)?;
        if dry {
            return Ok(());
        }
        let settings = settings(&stored.config)?;
        let mut added = Vec::new();
        for number in stored.partitions..count {
            added.push(self.open_partition(name, number, &settings)?);
        }
        store.record(vec![Entry::Topic { name: name.to_owned(), partitions: count, config: stored.config }])?;
        if let Some(topic) = self.write().get_mut(name) {
            topic.partitions.extend(added);
        }
        Ok(())
    }

    /// Gives a topic another configuration: what `change` makes of the present one.
    pub fn configure(
        &self,
        store: &mut Store,
        name: &str,
        dry: bool,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let Some(mut stored) = store.content().topics.get(name).cloned() else {
            return unknown(name);
        };
        change(&mut stored.config)?;
        let settings = settings(&stored.config)?;
        if dry {
            return Ok(());
        }
        store.record(vec![Entry::Topic {
            name: name.to_owned(),
            partitions: stored.partitions,
            config: stored.config.clone(),
        }])?;
        if let Some(topic) = self.write().get_mut(name) {
            topic.config = stored.config;
            for partition in &topic.partitions {
                partition.log().configure(settings.clone());
            }
        }
        Ok(())
    }
}

/// Whether a topic may be called so.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(allowed)
}

fn check_count(count: i32) -> Result<(), Refusal> {
    if (1..=MOST_PARTITIONS).contains(&count) {
        return Ok(());
    }
    let message = format!("found {count}, wanted 1 to {MOST_PARTITIONS} partitions");
    refuse(ResponseError::InvalidPartitions, message)
}

fn settings(config: &BTreeMap<String, String>) -> Result<TopicConfig, Refusal> {
    TopicConfig::read(config).or_else(|message| refuse(ResponseError::InvalidConfig, message))
}

fn unknown<T>(name: &str) -> Result<T, Refusal> {
    let message = format!("topic {name:?} doesn't exist; topics are never made by themselves");
    refuse(ResponseError::UnknownTopicOrPartition, message)
}
