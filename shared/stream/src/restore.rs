//! A stage and how far it has read its changelog: restored before it works, tailed while it stands by.
//!
//! State is a fold of `apply` over one partition of the changelog. Nobody else writes that partition, and the
//! predecessor's last transaction was decided when ours was fenced, so the last stable offset is the end: nothing
//! is missed. A stage that stood by has read all but the last records, and takes over in little more than the time
//! in which the group finds its predecessor dead.

use crate::{
    kafka::{RENEWAL, STEP},
    position::{self, Positions},
    stop::Stop,
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use std::time::{Duration, Instant};
use tidings_stage::{Change, Stage};

/// A partition of a changelog.
#[derive(Clone, Copy)]
pub(crate) struct Changelog<'a> {
    pub consumer: &'a BaseConsumer,
    pub topic: &'a str,
    pub partition: i32,
}

/// A stage as of an offset of its changelog.
pub(crate) struct Replica<S: Stage> {
    /// The stage.
    pub stage: S,
    /// Changes applied.
    pub changes: u64,
    /// How far its inputs were read by whoever wrote the changelog.
    pub positions: Positions,
    /// The offset after what was read.
    pub next: i64,
}

/// Why there is no state.
pub(crate) enum Unrestored {
    /// Stopped meanwhile.
    Stopped,
    /// A change that this version can't read.
    Unreadable(String),
    /// Kafka failed.
    Kafka(KafkaError),
}

impl From<KafkaError> for Unrestored {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

impl<S: Stage> Replica<S> {
    /// Nothing read yet.
    pub(crate) fn new(stage: S) -> Self {
        Self { stage, changes: 0, positions: Positions::new(), next: 0 }
    }

    /// Reads to the end that the changelog has now.
    pub(crate) fn catch_up(&mut self, changelog: Changelog<'_>, stop: &Stop) -> Result<(), Unrestored> {
        let (low, end) = changelog.watermarks(stop)?;
        if low.max(self.next) >= end {
            return Ok(());
        }
        changelog.assign(self.next)?;
        let mut progress = (self.next, Instant::now());
        loop {
            if progress.0 < self.next {
                progress = (self.next, Instant::now());
            } else if progress.1.elapsed() > RENEWAL {
                tracing::warn!(
                    topic = changelog.topic,
                    next = self.next,
                    end,
                    "the end of the changelog does not come"
                );
                return Err(Unrestored::Kafka(KafkaError::Global(RDKafkaErrorCode::OperationTimedOut)));
            }
            if stop.is_stopped() {
                return Err(Unrestored::Stopped);
            }
            match changelog.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => self.read(&message)?,
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.next = self.next.max(changelog.position()?);
                    if self.next >= end {
                        return Ok(());
                    }
                    // an end that is not the end (the broker has just come back): ask again from there
                    stop.wait(Duration::from_millis(100));
                    changelog.assign(self.next)?;
                }
                Some(Err(error)) => tracing::debug!(topic = changelog.topic, %error, "restore goes on"),
                None => {}
            }
        }
    }

    /// Reads on as the changelog grows, until `done`; `behind` is told now and then how many records are not read.
    pub(crate) fn tail(
        &mut self,
        changelog: Changelog<'_>,
        done: impl Fn() -> bool,
        behind: impl Fn(i64),
    ) -> Result<(), Unrestored> {
        changelog.assign(self.next)?;
        let mut measured = Instant::now();
        while !done() {
            match changelog.consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => self.read(&message)?,
                Some(Err(KafkaError::PartitionEOF(_))) => self.next = self.next.max(changelog.position()?),
                Some(Err(error)) => tracing::debug!(topic = changelog.topic, %error, "standby goes on"),
                None => {}
            }
            if measured.elapsed() > Duration::from_secs(1) {
                measured = Instant::now();
                let ends = changelog.consumer.fetch_watermarks(changelog.topic, changelog.partition, STEP);
                if let Ok((low, end)) = ends {
                    behind((end - self.next.max(low)).max(0));
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, message: &BorrowedMessage<'_>) -> Result<(), Unrestored> {
        let (key, value) = (message.key().unwrap_or_default(), message.payload());
        if position::is_position(key) {
            self.positions = position::parse(value.unwrap_or_default()).map_err(Unrestored::Unreadable)?;
        } else {
            let change = S::Change::decode(key, value).map_err(|error| {
                let (topic, offset) = (message.topic(), message.offset());
                Unrestored::Unreadable(format!("{topic} at {offset} can't be read by this version: {error}"))
            })?;
            self.stage.apply(&change);
            self.changes += 1;
        }
        self.next = message.offset() + 1;
        Ok(())
    }
}

impl Changelog<'_> {
    fn assign(&self, offset: i64) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        let offset = if offset == 0 { Offset::Beginning } else { Offset::Offset(offset) };
        list.add_partition_offset(self.topic, self.partition, offset)?;
        self.consumer.assign(&list)
    }

    /// The offset after what was read, transaction markers included; 0 where nothing was.
    fn position(&self) -> KafkaResult<i64> {
        let position = self.consumer.position()?;
        let at = position.find_partition(self.topic, self.partition).map(|entry| entry.offset());
        Ok(if let Some(Offset::Offset(at)) = at { at } else { 0 })
    }

    fn watermarks(&self, stop: &Stop) -> Result<(i64, i64), Unrestored> {
        loop {
            match self.consumer.fetch_watermarks(self.topic, self.partition, STEP) {
                Ok(watermarks) => return Ok(watermarks),
                Err(error) => {
                    tracing::debug!(topic = self.topic, %error, "waiting for the changelog");
                    if stop.wait(Duration::from_millis(100)) {
                        return Err(Unrestored::Stopped);
                    }
                }
            }
        }
    }
}
