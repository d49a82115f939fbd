//! Between records and the types that a stage reads and publishes.

use crate::Reject;
use tidings_model::{Message, Record, Timestamp, Topic};

/// What a stage reads: one message type, or an enum over several topics.
pub trait Input: Sized {
    /// The topics that it is read from; the first is the one that bare values in a filter belong to, and whose
    /// partitions the instances share.
    fn topics() -> Vec<&'static Topic>;
    /// Reads a record; `topic` is one of [`Input::topics`], `value` is absent for a tombstone.
    fn decode(topic: &Topic, key: &[u8], value: Option<&[u8]>) -> Result<Self, Reject>;
    /// Reads a line of a filter that names no topic: a value of the first topic, or where that carries an item, the
    /// item alone.
    fn bare(line: &[u8]) -> Result<Self, Reject> {
        Self::decode(Self::topics()[0], b"", Some(line))
    }
    /// When Tidings first saw what it tells of.
    fn seen(&self) -> Option<Timestamp> {
        None
    }
}

/// What a stage publishes: one message type, or an enum over several.
pub trait Output {
    /// Ready to be sent.
    fn record(&self) -> Record;
}

/// Reads JSON, with an error that names the place.
pub fn json<M: Message>(value: Option<&[u8]>) -> Result<M, Reject> {
    let value = value.ok_or_else(|| Reject::new("tombstone", "value", "null", "this topic has no tombstones"))?;
    serde_json::from_slice(value).map_err(|error| unreadable::<M>(&error))
}

/// Reads a line of a filter that names no topic ([`Input::bare`]).
pub fn bare<M: Message>(line: &[u8]) -> Result<M, Reject> {
    M::bare(line).map_err(|error| unreadable::<M>(&error))
}

fn unreadable<M: Message>(error: &serde_json::Error) -> Reject {
    let code = if error.is_data() { "schema" } else { "json" };
    Reject::new(code, M::TOPIC.name, error, "one JSON object as `tidings schema` prints it")
}

impl<M: Message> Input for M {
    fn topics() -> Vec<&'static Topic> {
        vec![M::TOPIC]
    }
    fn decode(_: &Topic, _: &[u8], value: Option<&[u8]>) -> Result<Self, Reject> {
        json(value)
    }
    fn bare(line: &[u8]) -> Result<Self, Reject> {
        bare(line)
    }
    fn seen(&self) -> Option<Timestamp> {
        Message::seen(self)
    }
}

impl<M: Message> Output for M {
    fn record(&self) -> Record {
        Message::record(self)
    }
}
