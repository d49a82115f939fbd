//! Reads topics for people: `tail`, `why`, lists. Commits nothing and joins no group.

use crate::{
    Error, Kafka,
    kafka::CALL,
    listener::{self, Listener},
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    metadata::MetadataTopic,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tidings_model::{Timestamp, Topic};

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the oldest record.
    Beginning,
    /// With what comes from now on.
    End,
}

/// A committed record of a topic.
#[derive(Debug, Clone)]
pub struct Received {
    /// Where it lies.
    pub topic: &'static Topic,
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
    /// When the broker took it.
    pub at: Timestamp,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; absent for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Reads all partitions of some topics, committed records only.
pub struct Reader {
    consumer: BaseConsumer<Listener>,
    topics: BTreeMap<String, &'static Topic>,
    ends: BTreeMap<(String, i32), i64>,
    behind: BTreeSet<(String, i32)>,
}

impl Reader {
    /// Opens topics; the ends that they have now are what [`Reader::next_until_end`] stops at.
    pub fn open(kafka: &Kafka, topics: &[&'static Topic], from: From) -> Result<Self, Error> {
        let fail = |error| kafka.error(error);
        // a group id is needed by the client and never used: nothing is joined or committed
        let consumer: BaseConsumer<Listener> =
            kafka.consumer(&kafka.group("reader")).create_with_context(Listener).map_err(fail)?;
        let topics: BTreeMap<_, _> = topics.iter().map(|topic| (kafka.name(topic), *topic)).collect();
        let mut list = TopicPartitionList::new();
        let mut ends = BTreeMap::new();
        for name in topics.keys() {
            let metadata = patiently(|| consumer.fetch_metadata(Some(name), CALL)).map_err(|error| {
                listener::ask(&consumer);
                fail(error)
            })?;
            for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                let (low, high) = patiently(|| consumer.fetch_watermarks(name, partition.id(), CALL)).map_err(fail)?;
                let start = if from == From::Beginning { low } else { high };
                list.add_partition_offset(name, partition.id(), Offset::Offset(start)).map_err(fail)?;
                ends.insert((name.clone(), partition.id()), high);
            }
        }
        consumer.assign(&list).map_err(fail)?;
        let behind = ends.keys().cloned().collect();
        Ok(Self { consumer, topics, ends, behind })
    }

    /// The next record, or `None` where none came in time.
    pub fn next(&mut self, timeout: Duration) -> Option<Received> {
        match self.consumer.poll(timeout) {
            Some(Ok(message)) => {
                let topic = *self.topics.get(message.topic())?;
                let place = (message.topic().to_owned(), message.partition());
                if message.offset() + 1 >= self.ends.get(&place).copied().unwrap_or(0) {
                    self.behind.remove(&place);
                }
                Some(Received {
                    topic,
                    partition: message.partition(),
                    offset: message.offset(),
                    at: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or(0)),
                    key: message.key().unwrap_or_default().to_vec(),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: crate::batch::headers(&message),
                })
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                // the event does not name its topic: ask each partition of that number where it stands
                let behind = std::mem::take(&mut self.behind);
                self.behind =
                    behind.into_iter().filter(|(topic, p)| *p != partition || !self.is_read(topic, *p)).collect();
                None
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "reader goes on");
                None
            }
            None => None,
        }
    }

    /// The next record up to the ends that the topics had when they were opened, or `None` beyond.
    pub fn next_until_end(&mut self) -> Option<Received> {
        while !self.behind.is_empty() {
            if let Some(received) = self.next(Duration::from_millis(500)) {
                return Some(received);
            }
        }
        None
    }

    fn is_read(&self, topic: &str, partition: i32) -> bool {
        if self.topics.len() == 1 {
            return true;
        }
        let end = self.ends.get(&(topic.to_owned(), partition)).copied().unwrap_or(0);
        let position = self.consumer.position().ok();
        let at = position.and_then(|list| list.find_partition(topic, partition).map(|entry| entry.offset()));
        match at {
            Some(Offset::Offset(at)) => at >= end,
            _ => self.consumer.fetch_watermarks(topic, partition, CALL).is_ok_and(|(low, high)| low >= high),
        }
    }
}

/// Tries again for as long as one call may take: a topic that was just created, or whose leader was just lost, has
/// none for a moment.
fn patiently<T>(mut call: impl FnMut() -> KafkaResult<T>) -> KafkaResult<T> {
    let began = Instant::now();
    loop {
        match call() {
            Err(error) if began.elapsed() < CALL => {
                tracing::debug!(%error, "reader tries again");
                std::thread::sleep(Duration::from_millis(100));
            }
            result => return result,
        }
    }
}
