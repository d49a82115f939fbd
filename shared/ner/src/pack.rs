//! The packed file: one recogniser, with all that it needs.
//!
//! ```text
//! 8 bytes   "TDNGSNER"
//! u32       version of the format, little-endian as all numbers
//! 32 bytes  SHA-256 of what follows
//! u32       length of the header
//! header    JSON: names, tokenizer, network, and where each array is
//! arrays    f32 or f16 (weights), u64 (tables keyed by hashes), one after another
//! ```
//!
//! `tools/pack` writes it. Reading checks the version, the checksum and every shape, so that what loads also runs.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, io, path::PathBuf};

const MAGIC: &[u8; 8] = b"TDNGSNER";
const VERSION: u32 = 2;

/// Why a packed file does not load.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The bytes are no packed file, or not one that this version can use.
    #[error("{0}; pack it again with shared/ner/tools/pack")]
    Unusable(String),
    /// As [`Error::Unusable`], of a file.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<Error>,
    },
}

/// What is wrong with a pack, as an error.
pub(crate) fn unusable(what: impl Into<String>) -> Error {
    Error::Unusable(what.into())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub name: String,
    pub version: String,
    pub language: String,
    pub tokenizer: Rules,
    /// Words whose spaCy hash is a small number.
    pub symbols: BTreeMap<String, u64>,
    pub network: Network,
    arrays: BTreeMap<String, Place>,
}

/// The tokenizer's expressions, in the dialect of `fancy-regex`, and its exceptions.
#[derive(Debug, Deserialize)]
pub(crate) struct Rules {
    pub prefix: Vec<Alternatives>,
    pub suffix: Vec<Alternatives>,
    pub infix: Vec<Alternatives>,
    pub token_match: Vec<Alternatives>,
    pub url_match: Vec<Alternatives>,
    /// A text, and its tokens: their words and, where it is another, their norm.
    pub exceptions: BTreeMap<String, Vec<Vec<String>>>,
}

/// A group of an expression's alternatives: without what they ask of their surroundings, and whole where they ask.
pub(crate) type Alternatives = (String, Option<String>);

/// The shape of the network.
#[derive(Debug, Deserialize)]
pub(crate) struct Network {
    pub embeds: Vec<Embed>,
    pub width: usize,
    pub pieces: usize,
    pub depth: usize,
    pub window: usize,
    pub hidden: usize,
    pub hidden_pieces: usize,
    pub input: usize,
    pub transitions: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Embed {
    pub attribute: Attribute,
    pub seed: u32,
}

/// What of a word an embedding looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Attribute {
    Orth,
    Lower,
    Norm,
    Prefix,
    Suffix,
    Shape,
}

#[derive(Debug, Deserialize)]
struct Place {
    kind: Kind,
    shape: Vec<usize>,
    offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    F16,
    F32,
    U64,
}

/// A packed file whose checksum is right.
pub(crate) struct Pack<'b> {
    pub header: Header,
    arrays: &'b [u8],
}

impl<'b> Pack<'b> {
    pub fn read(bytes: &'b [u8]) -> Result<Self, Error> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| unusable("this is no packed recogniser"))?;
        let (version, rest) = number(rest)?;
        if version != VERSION {
            return Err(unusable(format!("the format has version {version}, and {VERSION} is read here")));
        }
        let (checksum, payload) = rest.split_at_checked(32).ok_or_else(cut)?;
        if Sha256::digest(payload).as_slice() != checksum {
            return Err(unusable("the checksum is wrong: the file is cut or damaged"));
        }
        let (length, rest) = number(payload)?;
        let (header, arrays) = rest.split_at_checked(length as usize).ok_or_else(cut)?;
        let header = serde_json::from_slice(header).map_err(|error| unusable(format!("its header: {error}")))?;
        Ok(Self { header, arrays })
    }

    /// A weight array of that many numbers.
    pub fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, Error> {
        let (place, bytes) = self.find(name)?;
        let floats: Vec<f32> = match place.kind {
            Kind::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Kind::F16 => bytes.as_chunks::<2>().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect(),
            Kind::U64 => return Err(unusable(format!("its array {name} has whole numbers"))),
        };
        if floats.len() != length {
            return Err(unusable(format!("its array {name} has {} numbers, not {length}", floats.len())));
        }
        if !floats.iter().all(|float| float.is_finite()) {
            return Err(unusable(format!("its array {name} has numbers that are none")));
        }
        Ok(floats)
    }

    /// How many rows an array has, if it is there.
    pub fn rows(&self, name: &str) -> Option<usize> {
        self.header.arrays.get(name)?.shape.first().copied()
    }

    /// A table of pairs.
    pub fn pairs(&self, name: &str) -> Result<Vec<(u64, u64)>, Error> {
        let (place, bytes) = self.find(name)?;
        if place.kind != Kind::U64 || place.shape.len() != 2 || place.shape[1] != 2 {
            return Err(unusable(format!("its array {name} is no table of pairs")));
        }
        let (numbers, _) = bytes.as_chunks::<8>();
        let (pairs, _) = numbers.as_chunks::<2>();
        Ok(pairs.iter().map(|[key, value]| (u64::from_le_bytes(*key), u64::from_le_bytes(*value))).collect())
    }

    fn find(&self, name: &str) -> Result<(&Place, &'b [u8]), Error> {
        let place = self.header.arrays.get(name).ok_or_else(|| unusable(format!("its array {name} is missing")))?;
        let size = match place.kind {
            Kind::F16 => 2_usize,
            Kind::F32 => 4,
            Kind::U64 => 8,
        };
        let length = place.shape.iter().try_fold(size, |size, side| size.checked_mul(*side)).ok_or_else(cut)?;
        let end = place.offset.checked_add(length).ok_or_else(cut)?;
        Ok((place, self.arrays.get(place.offset..end).ok_or_else(cut)?))
    }
}

fn cut() -> Error {
    unusable("the file is cut")
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), Error> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    Ok((u32::from_le_bytes(*number), rest))
}

/// IEEE 754 binary16 to binary32, exactly.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_ieee() {
        let cases = [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:x}");
        }
    }

    #[test]
    fn a_damaged_file_is_told_of_and_not_used() {
        let whole = crate::ENGLISH_SMALL;
        let mut damaged = whole.to_vec();
        damaged[whole.len() / 2] ^= 1;
        let mut later = whole.to_vec();
        later[8] = 3;
        for (bytes, want) in [
            (&b"PK\x03\x04"[..], "no packed recogniser"),
            (&whole[..10], "cut"),
            (&whole[..whole.len() - 1], "checksum"),
            (&damaged, "checksum"),
            (&later, "version 3, and 2"),
        ] {
            let error = Pack::read(bytes).err().unwrap().to_string();
            assert!(error.contains(want) && error.contains("tools/pack"), "{error}");
        }
    }
}
