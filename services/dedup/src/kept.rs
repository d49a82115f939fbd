//! An entry as it is held in memory: as small as it can be, for there are millions.

use crate::{
    entry::{Entry, Fingerprint, Role},
    sketch::Bits,
    sources::Source,
};
use std::num::NonZeroU64;
use tidings_model::{ClusterId, ItemId, Timestamp};

/// An item id in 24 bytes, most without any beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    /// 32 hex digits, as Tidings makes them.
    Digest([u8; 16]),
    /// Up to 22 bytes.
    Short(u8, [u8; 22]),
    /// Any other text.
    Long(Box<str>),
}

impl Id {
    pub fn new(text: &str) -> Self {
        let digit = |byte: u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte);
        // all at once, not up to the first that is none
        if text.len() == 32 && text.bytes().fold(true, |all, byte| all & digit(byte)) {
            let mut bytes = [0; 16];
            for (byte, two) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let value = |digit: u8| if digit < b'a' { digit - b'0' } else { digit - b'a' + 10 };
                *byte = value(two[0]) << 4 | value(two[1]);
            }
            return Self::Digest(bytes);
        }
        let mut bytes = [0; 22];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short(text.len() as u8, bytes)
            }
            None => Self::Long(text.into()),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Digest(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Short(length, bytes) => String::from_utf8_lossy(&bytes[..usize::from(*length)]).into_owned(),
            Self::Long(text) => text.to_string(),
        }
    }
}

/// One item's entry.
pub(crate) struct Kept {
    pub id: Id,
    pub arrival: u64,
    pub seen: Timestamp,
    pub content: u64,
    /// What time the stream had come to, in seconds: until 2106.
    came: u32,
    pub revision: u32,
    pub source: Source,
    pub agency: bool,
    pub withdrawn: bool,
    /// Where it belongs, unless it opened its cluster and was published as news.
    pub place: Option<Box<Place>>,
    /// Present while it is in the window.
    pub print: Option<Box<Print>>,
}

/// The cluster that an item joined, and what it was published as.
pub(crate) struct Place {
    pub cluster: Option<Id>,
    pub role: Role,
}

/// By what copies of an item are recognised.
pub(crate) struct Print {
    /// Words in three bytes each, then sentences in four.
    hashes: Box<[u8]>,
    bits: [u64; 2],
    /// Zero for none.
    address: u64,
    words: u16,
    pub title: u16,
    pub cut: bool,
    pub extract: bool,
    /// Which algorithm read and sketched the item.
    pub algorithm: u8,
    /// Numbers in the indexes of leads and wholes.
    pub lead: Option<NonZeroU64>,
    pub whole: Option<NonZeroU64>,
}

impl Kept {
    pub fn new(id: &ItemId, entry: &Entry, source: Source, print: Option<Print>) -> Self {
        let cluster = entry.cluster.as_ref().map(|cluster| Id::new(cluster.as_str()));
        let opened = cluster.is_none() && entry.role == Role::Unique;
        Self {
            id: Id::new(id.as_str()),
            arrival: entry.arrival,
            seen: entry.seen,
            came: u32::try_from(entry.came.since(Timestamp::ABSENT).as_secs()).unwrap_or(u32::MAX),
            content: entry.content,
            revision: entry.revision,
            source,
            agency: entry.agency,
            withdrawn: entry.withdrawn,
            place: (!opened).then(|| Box::new(Place { cluster, role: entry.role })),
            print: print.map(Box::new),
        }
    }

    /// Its id.
    pub fn id(&self) -> ItemId {
        ItemId::parse(&self.id.text()).expect("it was an id when it came")
    }

    /// What time the stream had come to when it came.
    pub fn came(&self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.came) * 1000)
    }

    pub fn role(&self) -> Role {
        self.place.as_ref().map_or(Role::Unique, |place| place.role)
    }

    /// Its cluster's id: one is named after its first.
    pub fn cluster_id(&self) -> &Id {
        self.place.as_ref().and_then(|place| place.cluster.as_ref()).unwrap_or(&self.id)
    }

    /// The cluster that it belongs to.
    pub fn cluster(&self) -> ClusterId {
        ClusterId::parse(&self.cluster_id().text()).expect("it was an id when it came")
    }

    /// The same as an entry, without its fingerprint.
    pub fn faded(&self, (publisher, domain): (Option<&str>, Option<&str>)) -> Entry {
        let joined = self.place.as_ref().is_some_and(|place| place.cluster.is_some());
        Entry {
            arrival: self.arrival,
            seen: self.seen,
            came: self.came(),
            cluster: joined.then(|| self.cluster()),
            publisher: publisher.map(Box::from),
            domain: domain.map(Box::from),
            agency: self.agency,
            revision: self.revision,
            content: self.content,
            role: self.role(),
            withdrawn: self.withdrawn,
            fingerprint: None,
        }
    }
}

impl Print {
    /// What is held of a fingerprint; its keys are held by the indexes.
    pub fn new(fingerprint: &Fingerprint) -> Self {
        let Fingerprint { address, title, cut, extract, algorithm, .. } = *fingerprint;
        Self {
            hashes: [fingerprint.words.bytes(), fingerprint.sentences.bytes()].concat().into(),
            bits: [0; 2],
            address: address.unwrap_or(0),
            words: fingerprint.words.len() as u16,
            title,
            cut,
            extract,
            algorithm,
            lead: None,
            whole: None,
        }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.hashes.split_at(usize::from(self.words) * 3)
    }

    pub fn words(&self) -> impl Iterator<Item = u32> {
        let triples = self.split().0.as_chunks().0;
        triples.iter().map(|&[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }

    /// Whether it is a headline without a text, that was cut off.
    pub fn is_cut_headline(&self) -> bool {
        self.cut && (self.title == 0 || self.title == self.words)
    }

    pub fn word_count(&self) -> usize {
        self.words.into()
    }

    pub fn sentences(&self) -> impl Iterator<Item = u32> {
        self.split().1.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub fn bits(&self) -> Bits {
        Bits(u128::from(self.bits[0]) | u128::from(self.bits[1]) << 64)
    }

    pub fn set_bits(&mut self, Bits(bits): Bits) {
        self.bits = [bits as u64, (bits >> 64) as u64];
    }

    pub fn address(&self) -> Option<u64> {
        (self.address != 0).then_some(self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_and_are_small() {
        let sizes = (size_of::<Id>(), size_of::<Option<Kept>>(), size_of::<Print>());
        assert!(sizes <= (24, 80, 64), "{sizes:?}");
        for text in [
            "7",
            "d2389829a49da4584c9b7ce59c8077d8",
            "D2389829a49da4584c9b7ce59c8077d8",
            "twenty-two bytes long!",
            "one byte longer than it",
            "ёж",
        ] {
            assert_eq!(Id::new(text).text(), text);
            assert_eq!(Id::new(text), Id::new(text));
        }
    }
}
