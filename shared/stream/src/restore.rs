//! Restores a stage: a fold of `apply` over its partition of the changelog, to the end.
//!
//! Nobody else writes that partition, and the predecessor's last transaction was decided when ours was fenced, so
//! the last stable offset is the end: nothing is missed.

use crate::{
    kafka::CALL,
    position::{self, Positions},
    stop::Stop,
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
};
use std::time::Duration;
use tidings_stage::{Change, Stage};

/// What was read.
#[derive(Default)]
pub(crate) struct Restored {
    /// Changes applied.
    pub changes: u64,
    /// How far the predecessor had read its inputs.
    pub positions: Positions,
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

/// Applies the changelog partition to `stage`.
pub(crate) fn restore<S: Stage>(
    consumer: &BaseConsumer,
    changelog: &str,
    partition: i32,
    stage: &mut S,
    stop: &Stop,
) -> Result<Restored, Unrestored> {
    let mut restored = Restored::default();
    let (low, end) = watermarks(consumer, changelog, partition, stop)?;
    if low >= end {
        return Ok(restored);
    }
    assign(consumer, changelog, partition, Offset::Beginning)?;
    loop {
        if stop.is_stopped() {
            return Err(Unrestored::Stopped);
        }
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let (key, value) = (message.key().unwrap_or_default(), message.payload());
                if position::is_position(key) {
                    restored.positions = position::parse(value.unwrap_or_default()).map_err(Unrestored::Unreadable)?;
                    continue;
                }
                let change = S::Change::decode(key, value)
                    .map_err(|error| Unrestored::Unreadable(format!("{changelog} at {}: {error}", message.offset())))?;
                stage.apply(&change);
                restored.changes += 1;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                let at = consumer.position()?.find_partition(changelog, partition).map(|entry| entry.offset());
                match at {
                    Some(Offset::Offset(at)) if at < end => {
                        // an end that is not the end (the broker has just come back): ask again from there
                        stop.wait(Duration::from_millis(100));
                        assign(consumer, changelog, partition, Offset::Offset(at))?;
                    }
                    _ => return Ok(restored),
                }
            }
            Some(Err(error)) => tracing::debug!(changelog, partition, %error, "restore goes on"),
            None => {}
        }
    }
}

fn assign(consumer: &BaseConsumer, topic: &str, partition: i32, offset: Offset) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, offset)?;
    consumer.assign(&list)
}

fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32, stop: &Stop) -> Result<(i64, i64), Unrestored> {
    loop {
        match consumer.fetch_watermarks(topic, partition, CALL) {
            Ok(watermarks) => return Ok(watermarks),
            Err(error) => {
                tracing::debug!(topic, partition, %error, "waiting for the changelog");
                if stop.wait(Duration::from_millis(100)) {
                    return Err(Unrestored::Stopped);
                }
            }
        }
    }
}
