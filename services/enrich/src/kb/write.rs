//! Writes the file of a knowledge base, entry by entry.
//!
//! Promise: what it holds in memory does not grow with the number of entries, but for four bytes each; the same entries
//! in the same order give the same file.

use super::{
    Entry,
    layer::{CAPITALS, EXONYM, Header, LOCAL, MAGIC, SEVERAL, Stored, VARIANT, WRITTEN},
    local_id,
    shipped::FAMOUS,
    sort::{Alias, Sorter},
};
use crate::{aliases::joined, fold::variant, token::tokens};
use std::{
    cmp::Reverse,
    io::{self, BufWriter, Seek as _, Write},
};
use tempfile::SpooledTempFile;
use tidings_model::{EntityType, IdKind};

/// Bytes of aliases, and of each section, that are held in memory.
const HELD: usize = 64 << 20;
/// An alias may mean so many, the best known ones.
const MEANINGS: usize = 16;
/// Longer aliases, in bytes, are no names.
const LONGEST: usize = 200;

/// A knowledge base in the making.
pub(super) struct Writer {
    entries: BufWriter<SpooledTempFile>,
    written: u64,
    offsets: Vec<u32>,
    aliases: Sorter,
}

impl Writer {
    pub fn new() -> Self {
        Self { entries: section(), written: 0, offsets: Vec::new(), aliases: Sorter::new(HELD) }
    }

    /// Adds an entry, by its name and these other aliases.
    pub fn add<'a>(&mut self, entry: &Entry<'a>, aliases: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let bytes = postcard::to_stdvec(&Stored::of(entry)).map_err(io::Error::other)?;
        let number = u32::try_from(self.offsets.len()).map_err(io::Error::other)?;
        self.offsets.push(u32::try_from(self.written).map_err(|_| io::Error::other("more than 4 GiB of entries"))?);
        self.entries.write_all(&bytes)?;
        self.written += bytes.len() as u64;
        for alias in std::iter::once(entry.name).chain(aliases).filter(|alias| alias.len() <= LONGEST) {
            let key = joined(&tokens(alias));
            if key.is_empty() {
                continue;
            }
            if entry.listed {
                self.alias(CAPITALS, &key.to_uppercase(), entry.fame, number)?;
            }
            self.alias(WRITTEN, &key, entry.fame, number)?;
            if let Some(variant) = variant(alias).filter(|_| entry.kind == EntityType::Person) {
                self.alias(VARIANT, &variant, entry.fame, number)?;
            }
        }
        if entry.id_kind == IdKind::Local {
            self.alias(LOCAL, &local_id(entry.name), entry.fame, number)?;
        }
        Ok(())
    }

    /// Adds what the last entry is called in other languages. In another script it is a name wherever it stands.
    pub fn add_exonyms<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let last = self.offsets.len().saturating_sub(1) as u32;
        for name in names {
            let table = if name.chars().any(|c| c.is_alphabetic() && c < '\u{370}') { EXONYM } else { WRITTEN };
            self.alias(table, &joined(&tokens(name)), FAMOUS, last)?;
        }
        Ok(())
    }

    fn alias(&mut self, table: u8, key: &str, fame: u8, entry: u32) -> io::Result<()> {
        let key = std::iter::once(table).chain(key.bytes()).collect();
        self.aliases.push(Alias { key, fame: Reverse(fame), entry })
    }

    /// Sorts the aliases and writes the file.
    pub fn finish(self, name: &str, mut out: impl Write) -> io::Result<()> {
        let mut meanings = section();
        let mut places = 0_u64;
        let mut automaton = fst::MapBuilder::new(section()).map_err(io::Error::other)?;
        let mut group: (Box<[u8]>, Vec<u32>) = Default::default();
        let mut close = |(key, entries): &(Box<[u8]>, Vec<u32>)| {
            let value = match entries[..] {
                [] => return Ok(()),
                [entry] => u64::from(entry),
                _ => {
                    let several = SEVERAL | places;
                    places += 1 + entries.len() as u64;
                    for number in std::iter::once(entries.len() as u32).chain(entries.iter().copied()) {
                        meanings.write_all(&number.to_le_bytes())?;
                    }
                    several
                }
            };
            automaton.insert(key, value).map_err(io::Error::other)
        };
        self.aliases.merge(|alias| {
            if alias.key != group.0 {
                close(&group)?;
                group = (alias.key, Vec::new());
            }
            if group.1.len() < MEANINGS && !group.1.contains(&alias.entry) {
                group.1.push(alias.entry);
            }
            Ok(())
        })?;
        close(&group)?;
        let aliases = automaton.into_inner().map_err(io::Error::other)?;
        let mut offsets = section();
        self.offsets.iter().try_for_each(|offset| offsets.write_all(&offset.to_le_bytes()))?;

        let [entries, offsets, meanings, aliases] = [self.entries, offsets, meanings, aliases].map(closed);
        let mut sections = [entries?, offsets?, meanings?, aliases?];
        let [entries, offsets, meanings, aliases] = sections.each_ref().map(|(_, length)| *length);
        let header = serde_json::to_vec(&Header { name: name.to_owned(), entries, offsets, meanings, aliases })?;
        let length = (header.len() as u32).to_le_bytes();
        let mut checksum = blake3::Hasher::new();
        checksum.update(&length).update(&header);
        for (section, _) in &mut sections {
            io::copy(section, &mut checksum)?;
            section.rewind()?;
        }
        out.write_all(MAGIC)?;
        out.write_all(checksum.finalize().as_bytes())?;
        out.write_all(&length)?;
        out.write_all(&header)?;
        sections.iter_mut().try_for_each(|(section, _)| io::copy(section, &mut out).map(drop))?;
        out.flush()
    }
}

/// A part of the file, in memory as long as it is small.
fn section() -> BufWriter<SpooledTempFile> {
    BufWriter::new(SpooledTempFile::new(HELD))
}

/// A part that is written, from its start, and its length.
fn closed(section: BufWriter<SpooledTempFile>) -> io::Result<(SpooledTempFile, u64)> {
    let mut file = section.into_inner()?;
    let length = file.stream_position()?;
    file.rewind()?;
    Ok((file, length))
}
