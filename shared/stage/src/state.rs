//! What a stage remembers: keys and their whole new values, on a compacted changelog topic.

use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashSet;
use tidings_model::Record;

/// A change of state: a key and the key's whole new value, or its end. Whole values, never differences, so that
/// a compacted changelog means the same as the full one.
pub trait Change: Sized {
    /// The key under which the changelog keeps the newest of several changes.
    fn key(&self) -> Vec<u8>;
    /// The value; `None`, a tombstone, ends the key.
    fn encode(&self) -> Option<Vec<u8>>;
    /// Reads what `encode` wrote, in this version or an earlier one.
    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String>;
}

/// A type without values: this stage remembers, or asks, nothing.
#[derive(Debug, Clone, Copy)]
pub enum Never {}

impl Change for Never {
    fn key(&self) -> Vec<u8> {
        match *self {}
    }
    fn encode(&self) -> Option<Vec<u8>> {
        match *self {}
    }
    fn decode(_: &[u8], _: Option<&[u8]>) -> Result<Self, String> {
        Err("a changelog record of a stage that remembers nothing".to_owned())
    }
}

/// State values are postcard of an `enum { V1(…) }`: compact, and readable by later versions.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("state serialises to memory")
}

/// Reads what [`to_bytes`] wrote.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| format!("state of {} bytes: {error}", bytes.len()))
}

/// Which records Kafka's compaction leaves: the newest of each key, and those that have none.
pub fn newest<'a>(keys: impl DoubleEndedIterator<Item = Option<&'a [u8]>>) -> Vec<bool> {
    let mut seen = HashSet::new();
    let mut kept: Vec<bool> = keys.rev().map(|key| key.is_none_or(|key| seen.insert(key))).collect();
    kept.reverse();
    kept
}

/// A change as a record of its stage's changelog.
pub(crate) fn record<C: Change>(topic: &'static tidings_model::Topic, change: &C) -> Record {
    Record { topic, key: change.key(), route: None, headers: Vec::new(), value: change.encode() }
}
