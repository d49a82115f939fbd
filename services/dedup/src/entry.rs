//! What dedup remembers of an item: the only state there is. Everything else is worked out from it.
//!
//! An entry has two ages. Within the window it holds a [`Fingerprint`], by which copies are recognised; after
//! that, until `memory` has passed, only where it belongs. Leaving the window and being forgotten are changes
//! like any other, so a compacted changelog restores the same state, and shrinks with it.

use crate::sketch::Sketch;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, sync::Arc};
use tidings_model::{ClusterId, ItemId, Timestamp};
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
    /// What time the stream had come to then, or its own if that is later: items leave the window in the order of their
    /// arrival.
    pub came: Timestamp,
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
    /// A search engine shows sentences or cut passages of the other one: this share of those that can be compared.
    Sentences(f32),
}

/// By what copies of an item are recognised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Which algorithm made the sketch.
    pub algorithm: u8,
    /// Hash of its address's identity.
    pub address: Option<u64>,
    /// Hash of the feed that it stood in. Only older versions ask for it, after a rollback.
    pub feed: Option<u32>,
    /// How many of `words` are the headline's.
    pub title: u16,
    /// Whether it ends in an ellipsis.
    pub cut: bool,
    /// Whether it is what a search engine shows.
    pub extract: bool,
    /// Its words, hashed in 24 bits.
    pub words: Words<3>,
    /// Its sentences, hashed.
    pub sentences: Words<4>,
    /// Which rare words it has.
    pub bits: u128,
    /// Keys under which its lead is found.
    pub lead: Words<4>,
    /// Keys under which the whole is found, if it is longer.
    pub whole: Words<4>,
}

impl Fingerprint {
    /// Where it is found; `None` where another algorithm made it, or where it has no words.
    pub(crate) fn sketch(&self, algorithm: u8) -> Option<Sketch> {
        if self.algorithm != algorithm {
            return None;
        }
        let bits = crate::sketch::Bits(self.bits);
        Some(Sketch { lead: self.lead.array()?, whole: self.whole.array(), bits })
    }
}

/// Hashes in their low N bytes, little-endian.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words<const N: usize>(Box<[u8]>);

impl<const N: usize> Words<N> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len() / N
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, if there are exactly so many.
    pub(crate) fn array<const LENGTH: usize>(&self) -> Option<[u32; LENGTH]> {
        let mut array = [0; LENGTH];
        array.iter_mut().zip(self.iter()).for_each(|(place, hash)| *place = hash);
        (self.len() == LENGTH).then_some(array)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The hashes.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.as_chunks::<N>().0.iter().map(|bytes| {
            let mut hash = [0; 4];
            hash[..N].copy_from_slice(bytes);
            u32::from_le_bytes(hash)
        })
    }
}

impl<const N: usize> From<&[u32]> for Words<N> {
    fn from(hashes: &[u32]) -> Self {
        let mut bytes = Vec::with_capacity(hashes.len() * N);
        hashes.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_le_bytes()[..N]));
        Self(bytes.into())
    }
}

impl<const N: usize> Serialize for Words<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Words<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes<const N: usize>;
        impl<const N: usize> de::Visitor<'_> for Bytes<N> {
            type Value = Words<N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "hashes of {N} bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Words<N>, E> {
                match bytes.len() % N {
                    0 => Ok(Words(bytes.into())),
                    _ => Err(E::invalid_length(bytes.len(), &self)),
                }
            }
        }
        deserializer.deserialize_bytes(Bytes::<N>)
    }
}

/// The first was never released; its records are refused by name.
#[derive(Serialize, Deserialize)]
enum Stored {
    V1,
    V2(Arc<Entry>),
}

impl tidings_stage::Change for Change {
    fn key(&self) -> Vec<u8> {
        let (Self::Remember(id, _) | Self::Forget(id)) = self;
        id.as_str().as_bytes().to_vec()
    }

    fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::Remember(_, entry) => Some(state::to_bytes(&Stored::V2(Arc::clone(entry)))),
            Self::Forget(_) => None,
        }
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let id = ItemId::parse(str::from_utf8(key).map_err(|error| format!("key: {error}"))?)?;
        Ok(match value {
            Some(bytes) => match state::from_bytes(bytes)? {
                Stored::V2(entry) => Self::Remember(id, entry),
                Stored::V1 => return Err("state of a version before the first release: delete the topic".to_owned()),
            },
            None => Self::Forget(id),
        })
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
            came: Timestamp::from_millis(1_795_521_600_001),
            cluster: Some(ClusterId::parse("n-1").unwrap()),
            publisher: Some("Example".into()),
            domain: None,
            agency: true,
            revision: 2,
            content: 7,
            role: Role::Copy(Basis::Resemblance { score: 0.9, text: 0.5, lead: 0.75 }),
            withdrawn: false,
            fingerprint: Some(Fingerprint {
                words: (&[1, 0x00ff_ffff][..]).into(),
                lead: (&[7, u32::MAX][..]).into(),
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
        let Change::Remember(_, entry) = &change else { panic!("an entry") };
        let print = entry.fingerprint.as_ref().unwrap();
        assert_eq!((print.words.iter().last(), print.lead.iter().last()), (Some(0x00ff_ffff), Some(u32::MAX)));
        assert!(Change::decode(b"n-17", Some(&bytes[..bytes.len() - 1])).is_err());
        assert!(Change::decode(b"n-17", Some(&[0, 1, 2])).unwrap_err().contains("delete the topic"));
        assert!(matches!(Change::decode(b"n-17", None), Ok(Change::Forget(_))));
    }
}
