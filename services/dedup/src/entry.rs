//! What dedup remembers of an item: the only state there is. Everything else is worked out from it.
//!
//! An entry has two ages. Within the window it holds a [`Fingerprint`], by which copies are recognised; after
//! that, until `memory` has passed, only where it belongs. Leaving the window and being forgotten are changes
//! like any other, so a compacted changelog restores the same state, and shrinks with it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, sync::Arc};
use tidings_model::{ClusterId, ItemId, Publisher, Timestamp};
use tidings_stage::state;

/// A change of what is remembered.
#[derive(Debug, Clone)]
pub enum Change {
    /// The whole new entry of an item.
    Remember(ItemId, Arc<Entry>),
    /// The end of an item's entry.
    Forget(ItemId),
}

/// What is remembered of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in order of arrival, from 1.
    pub arrival: u64,
    /// When it was first seen.
    pub seen: Timestamp,
    /// The cluster that it joined; none where it opened its own. Never changes.
    pub cluster: Option<ClusterId>,
    /// Its publisher's name.
    pub publisher: Option<Box<str>>,
    /// Its publisher's registrable domain.
    pub domain: Option<Box<str>>,
    /// Whether it credits a wire agency.
    pub agency: bool,
    /// Number of its newest revision.
    pub revision: u32,
    /// Hash of that revision's hash.
    pub content: u64,
    /// What it was published as.
    pub role: Role,
    /// Whether its publisher took it back.
    pub withdrawn: bool,
    /// Present while it is in the window and not withdrawn.
    pub fingerprint: Option<Fingerprint>,
}

/// What an item was published as.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Role {
    /// News, or an update.
    Unique,
    /// A copy, for this reason.
    Copy(Basis),
}

/// What makes an item a copy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Basis {
    /// The same address.
    Address,
    /// The same words.
    Text,
    /// Nearly the same words.
    Resemblance {
        /// Probability that it is a copy.
        score: f32,
        /// Share of the whole texts' word pairs that both have (weighted Jaccard).
        text: f32,
        /// Share of the shorter lead that is in the other one (weighted containment).
        lead: f32,
    },
}

/// By what copies of an item are recognised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Hash of its address's identity.
    pub address: Option<u64>,
    /// Hash of the feed that it stood in.
    pub feed: Option<u64>,
    /// How many of `words` are the headline's; 0 for a text in one piece.
    pub title: u16,
    /// Its words, hashed.
    pub words: Words,
    /// Keys under which it is found.
    pub bands: Words,
}

/// Hashes, four bytes each on the wire: varints would need five.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(pub Box<[u32]>);

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hashes of four bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Words, E> {
                let (words, []) = bytes.as_chunks() else { return Err(E::invalid_length(bytes.len(), &self)) };
                Ok(Words(words.iter().map(|word| u32::from_le_bytes(*word)).collect()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[derive(Serialize, Deserialize)]
enum Stored {
    V1(Arc<Entry>),
}

impl tidings_stage::Change for Change {
    fn key(&self) -> Vec<u8> {
        let (Self::Remember(id, _) | Self::Forget(id)) = self;
        id.as_str().as_bytes().to_vec()
    }

    fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::Remember(_, entry) => Some(state::to_bytes(&Stored::V1(Arc::clone(entry)))),
            Self::Forget(_) => None,
        }
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let id = ItemId::parse(str::from_utf8(key).map_err(|error| format!("key: {error}"))?)?;
        Ok(match value {
            Some(bytes) => {
                let Stored::V1(entry) = state::from_bytes(bytes)?;
                Self::Remember(id, entry)
            }
            None => Self::Forget(id),
        })
    }
}

impl Entry {
    /// The same, out of the window.
    pub fn faded(&self) -> Self {
        let (cluster, publisher, domain) = (self.cluster.clone(), self.publisher.clone(), self.domain.clone());
        Self { cluster, publisher, domain, fingerprint: None, ..*self }
    }

    /// Its publisher, as records write it.
    pub fn publisher(&self) -> Option<Publisher> {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let publisher = Publisher { name: text(&self.publisher), domain: text(&self.domain) };
        publisher.label().is_some().then_some(publisher)
    }

    /// Whether both are of one publisher, by domain or by name.
    pub fn same_publisher(&self, other: &Self) -> bool {
        let same = |a: &Option<Box<str>>, b: &Option<Box<str>>| {
            a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        same(&self.domain, &other.domain) || same(&self.publisher, &other.publisher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_stage::Change as _;

    #[test]
    fn entries_come_back_as_they_were() {
        let id = ItemId::parse("n-17").unwrap();
        let entry = Entry {
            arrival: 3,
            seen: Timestamp::from_millis(1_795_521_600_000),
            cluster: Some(ClusterId::parse("n-1").unwrap()),
            publisher: Some("Example".into()),
            domain: None,
            agency: true,
            revision: 2,
            content: 7,
            role: Role::Copy(Basis::Resemblance { score: 0.9, text: 0.5, lead: 0.75 }),
            withdrawn: false,
            fingerprint: Some(Fingerprint {
                words: Words([1, u32::MAX].into()),
                address: Some(9),
                ..Default::default()
            }),
        };
        let change = Change::Remember(id.clone(), Arc::new(entry.clone()));
        let bytes = change.encode().unwrap();
        match Change::decode(&change.key(), Some(&bytes)).unwrap() {
            Change::Remember(back, read) => assert_eq!((back, &*read), (id, &entry)),
            Change::Forget(_) => panic!("not a tombstone"),
        }
        assert!(Change::decode(b"n-17", Some(&bytes[..bytes.len() - 1])).is_err());
        assert!(matches!(Change::decode(b"n-17", None), Ok(Change::Forget(_))));
    }
}
