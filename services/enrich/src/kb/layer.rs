//! The file of a knowledge base: entries, and an automaton of their aliases.
//!
//! ```text
//! 8 bytes   "TDNGSKB1"
//! 32 bytes  BLAKE3 of what follows
//! u32       length of the header, little-endian as all numbers
//! header    JSON: the name, and the lengths of the sections
//! entries   records of postcard, one after another
//! offsets   u32: where each entry starts
//! meanings  for an alias of several entries: a count, and that many numbers of entries, all u32, best known first
//! aliases   an `fst` map: table and alias → an entry, or with the highest bit set, a place among the meanings
//! ```
//!
//! Promise: a file that loads is whole; no query of it panics.

use crate::{
    aliases::key_bytes,
    token::{Gap, Token},
};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, path::PathBuf};
use tidings_model::{EntityType, IdKind};

pub(super) const MAGIC: &[u8; 8] = b"TDNGSKB1";

/// Tables of aliases: the first byte of a key. As written.
pub(super) const WRITTEN: u8 = b'w';
/// In capitals; of listed entries only.
pub(super) const CAPITALS: u8 = b'u';
/// As other languages write it, in Latin letters: sought only in texts that are not in English.
pub(super) const EXONYM: u8 = b'x';
/// The common form of spellings; of persons only.
pub(super) const VARIANT: u8 = b'v';
/// By the local id that a name would have.
pub(super) const LOCAL: u8 = b'l';

/// A value with this bit is a place among the meanings.
pub(super) const SEVERAL: u64 = 1 << 63;

/// Why a knowledge base does not load.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}; build it again with `tidings kb build`", path.display())]
pub struct Error {
    path: PathBuf,
    what: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub name: String,
    pub entries: u64,
    pub offsets: u64,
    pub meanings: u64,
    pub aliases: u64,
}

/// An entry as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    pub id: &'a str,
    pub id_kind: u8,
    pub kind: u8,
    pub name: &'a str,
    /// Its country, and behind a slash its region; empty where not known.
    pub area: &'a str,
    pub fame: u8,
    pub listed: bool,
}

const ID_KINDS: [IdKind; 3] = [IdKind::Wikidata, IdKind::Geonames, IdKind::Local];
const KINDS: [EntityType; 5] =
    [EntityType::Person, EntityType::Organisation, EntityType::Place, EntityType::Group, EntityType::Other];

impl<'a> Stored<'a> {
    pub fn of(entry: &super::Entry<'a>) -> Self {
        let id_kind = ID_KINDS.iter().position(|kind| *kind == entry.id_kind).unwrap_or(2) as u8;
        let kind = KINDS.iter().position(|kind| *kind == entry.kind).unwrap_or(4) as u8;
        let area = entry.area.unwrap_or("");
        Self { id: entry.id, id_kind, kind, name: entry.name, area, fame: entry.fame, listed: entry.listed }
    }
}

/// A knowledge base in memory.
#[derive(Debug)]
pub(super) struct Layer {
    name: String,
    entries: Vec<u8>,
    offsets: Vec<u32>,
    meanings: Vec<u32>,
    aliases: fst::Map<Vec<u8>>,
}

impl Layer {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fail = |what: String| Error { path: path.to_owned(), what };
        let bytes = fs::read(path).map_err(|error| fail(format!("can't be read: {error}")))?;
        Self::read(&bytes).map_err(fail)
    }

    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "the file is cut".to_owned();
        let rest = bytes.strip_prefix(MAGIC).ok_or("this is no knowledge base of this version")?;
        let (checksum, payload) = rest.split_at_checked(blake3::OUT_LEN).ok_or_else(cut)?;
        if blake3::hash(payload).as_bytes() != checksum {
            return Err("the checksum is wrong: the file is cut or damaged".to_owned());
        }
        let (length, rest) = payload.split_first_chunk::<4>().ok_or_else(cut)?;
        let (header, mut rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
        let header: Header = serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
        let mut section = |length: u64| {
            let (section, after) = rest.split_at_checked(length as usize).ok_or_else(cut)?;
            rest = after;
            Ok::<_, String>(section)
        };
        let entries = section(header.entries)?.to_vec();
        let (offsets, meanings) = (numbers(section(header.offsets)?), numbers(section(header.meanings)?));
        let aliases =
            fst::Map::new(section(header.aliases)?.to_vec()).map_err(|error| format!("its aliases: {error}"))?;
        let layer = Self { name: header.name, entries, offsets, meanings, aliases };
        match (0..layer.len()).find(|entry| layer.stored(*entry).is_none()) {
            Some(entry) => Err(format!("its entry {entry} is damaged")),
            None => Ok(layer),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn len(&self) -> u32 {
        self.offsets.len() as u32
    }

    fn stored(&self, entry: u32) -> Option<Stored<'_>> {
        let offset = *self.offsets.get(entry as usize)?;
        postcard::from_bytes(self.entries.get(offset as usize..)?).ok()
    }

    pub fn entry(&self, entry: u32) -> super::Entry<'_> {
        let stored = self.stored(entry).expect("all entries were read when the layer was");
        super::Entry {
            id: stored.id,
            id_kind: ID_KINDS.get(usize::from(stored.id_kind)).copied().unwrap_or_default(),
            kind: KINDS.get(usize::from(stored.kind)).copied().unwrap_or_default(),
            name: stored.name,
            area: (!stored.area.is_empty()).then_some(stored.area),
            fame: stored.fame,
            listed: stored.listed,
        }
    }

    /// The entries of an alias, best known first.
    pub fn find(&self, table: u8, key: &str) -> Vec<u32> {
        let key: Vec<u8> = std::iter::once(table).chain(key.bytes()).collect();
        self.aliases.get(key).map(|value| self.meant(value)).unwrap_or_default()
    }

    /// The longest alias of listed entries that starts at token `at` and that `may` allows.
    pub fn longest(
        &self,
        table: u8,
        tokens: &[Token<'_>],
        at: usize,
        may: impl Fn(&[Token<'_>]) -> bool,
    ) -> Option<(usize, Vec<u32>)> {
        let fst = self.aliases.as_fst();
        let (mut node, mut value) = (fst.root(), 0);
        let mut step = |byte: u8| {
            let found = node.find_input(byte).map(|at| node.transition(at))?;
            value += found.out.value();
            node = fst.node(found.addr);
            Some((node, value))
        };
        let mut longest = None;
        step(table)?;
        for (count, token) in (1..).zip(&tokens[at..]) {
            if count > 1 && (token.gap == Gap::Break || step(b' ').is_none()) {
                break;
            }
            let mut reached = None;
            if !key_bytes(token, table == CAPITALS, |byte| {
                reached = step(byte);
                reached.is_some()
            }) {
                break;
            }
            if let Some((node, value)) = reached
                && node.is_final()
                && may(&tokens[at..at + count])
            {
                longest = Some((count, value + node.final_output().value()));
            }
        }
        let (count, value) = longest?;
        let listed = self.meant(value).into_iter().filter(|entry| self.entry(*entry).listed).collect::<Vec<_>>();
        (!listed.is_empty()).then_some((count, listed))
    }

    fn meant(&self, value: u64) -> Vec<u32> {
        if value & SEVERAL == 0 {
            return u32::try_from(value).ok().filter(|entry| *entry < self.len()).into_iter().collect();
        }
        let place = (value & !SEVERAL) as usize;
        let count = self.meanings.get(place).copied().unwrap_or(0) as usize;
        let meant = self.meanings.iter().skip(place + 1).take(count).copied();
        meant.filter(|entry| *entry < self.len()).collect()
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}
