//! The knowledge base: what Tidings knows of the world without asking anybody.
//!
//! It has layers of one format (`kb/layer.rs`): the one that is compiled in (from `kb/*.tsv`), and above it one of the
//! user's, that `tidings kb build` makes of a Wikidata dump ([`wikidata`]). An alias leads to all that
//! it may mean, each with how well known it is; which of them is meant the document decides (`document::link`).
//!
//! Names of the shipped layer by hand are *listed*: they are found in any text, recognised or not. All others only tell
//! who or what a recognised name is. A shipped entry without a certain Wikidata id takes that of the user's layer.

mod layer;
mod shipped;
mod sort;
mod unspaced;
pub mod wikidata;
mod write;

pub use layer::Error;
pub(crate) use shipped::{Region, regions};

use crate::{
    aliases::{is_shouted, joined},
    fold::variant,
    token::{Token, tokens},
};
use layer::Layer;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};
use tidings_model::{EntityType, IdKind, digest};

static SHIPPED: LazyLock<Arc<Layer>> = LazyLock::new(|| Arc::new(shipped::layer().expect("a test reads the files")));

/// So much better known than the next must one be, to be meant without more: twice as many encyclopaedias, or people.
pub(crate) const LEAD: i32 = 16;

/// Entities and their aliases.
#[derive(Debug, Clone)]
pub struct Kb {
    name: String,
    /// The shipped one first.
    layers: Vec<Arc<Layer>>,
    /// Entries of the shipped layer without an id of their own, and the user's entries of the same name.
    same: HashMap<Number, Number>,
}

/// An entry: its layer, and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u8, u32);

/// What is known of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// `Q212`, a GeoNames id, or 32 hex digits.
    pub id: &'a str,
    /// Which of them.
    pub id_kind: IdKind,
    /// What it is.
    pub kind: EntityType,
    /// As Tidings writes it.
    pub name: &'a str,
    /// Where it is: the Wikidata id of the country that it belongs to, or is, and behind a slash the region where
    /// known.
    pub area: Option<&'a str>,
    /// How well known it is: 16 for each doubling.
    pub fame: u8,
    /// Whether its aliases are names wherever they stand.
    pub listed: bool,
}

impl<'a> Entry<'a> {
    /// The Wikidata id of the country that it belongs to, or is.
    pub fn country(&self) -> Option<&'a str> {
        self.area.map(country_of)
    }

    /// Whether it is a country itself.
    pub fn is_country(&self) -> bool {
        self.country() == Some(self.id)
    }
}

/// The country of an area.
pub(crate) fn country_of(area: &str) -> &str {
    area.split_once('/').map_or(area, |(country, _)| country)
}

/// The id of a name that has none elsewhere: of its fold alone, for its type is judged anew in every document.
pub fn local_id(name: &str) -> String {
    digest(["entity", &crate::fold::fold(name)])
}

impl Kb {
    /// The one that is compiled in, and the user's, where there is one.
    ///
    /// # Errors
    /// The user's file is unreadable, damaged or of another version; the error names it and the mend.
    pub fn load(users: Option<&Path>) -> Result<Self, Error> {
        let shipped = Arc::clone(&SHIPPED);
        let mut kb = Self { name: shipped.name().to_owned(), layers: vec![shipped], same: HashMap::new() };
        if let Some(path) = users {
            let layer = Layer::open(path)?;
            kb.name = format!("{}+{}", kb.name, layer.name());
            kb.layers.push(Arc::new(layer));
            kb.same = kb.same_names();
        }
        Ok(kb)
    }

    /// The names and versions of its layers, for `Enriched::kb`; they change with what they hold.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is known of an entry.
    pub fn entry(&self, number: Number) -> Entry<'_> {
        self.layers[usize::from(number.0)].entry(number.1)
    }

    /// The longest listed name that starts at token `at`, in a text in that language: how many tokens it has, and what
    /// it may mean.
    pub fn longest(&self, tokens: &[Token<'_>], at: usize, language: Option<&str>) -> Option<(usize, Vec<Number>)> {
        let layer = &self.layers[0];
        let is_whole = |name: &[Token<'_>]| unspaced::is_whole(tokens, at, name.len());
        let written = layer.longest(layer::WRITTEN, tokens, at, is_whole);
        let shouted = layer.longest(layer::CAPITALS, tokens, at, |tokens| is_shouted(tokens, &joined(tokens)));
        let english = match (written, shouted) {
            (Some(written), Some(shouted)) if shouted.0 > written.0 => Some(shouted),
            (written, shouted) => written.or(shouted),
        };
        let exonym = match language {
            None | Some("en") => None,
            Some(_) => layer.longest(layer::EXONYM, tokens, at, is_whole),
        };
        // "Roma" is a people, or Rome
        let rome = matches!(language, Some("it" | "es" | "pt" | "ca"));
        let (len, found) = match (english, exonym) {
            (Some(english), Some(exonym)) if exonym.0 > english.0 || rome && exonym.0 == english.0 => exonym,
            (english, exonym) => english.or(exonym)?,
        };
        let found: Vec<Number> = found.into_iter().map(|entry| self.one(Number(0, entry))).collect();
        (!found.is_empty()).then_some((len, found))
    }

    /// The listed place or organisation that a word names in some language.
    pub fn listed(&self, word: &str) -> Option<Number> {
        let layer = &self.layers[0];
        let mut found = [layer::WRITTEN, layer::EXONYM].into_iter().flat_map(|table| layer.find(table, word));
        // the user's entry of the same name is not listed
        let listed = found.find(|entry| layer.entry(*entry).listed)?;
        let is_meant = matches!(layer.entry(listed).kind, EntityType::Place | EntityType::Organisation);
        is_meant.then(|| self.one(Number(0, listed)))
    }

    /// All that a name may mean, listed or not, by how it is written; a name in capitals also as names usually are.
    pub fn meanings(&self, name: &[Token<'_>]) -> Vec<Number> {
        let written = joined(name);
        let found = self.all(layer::WRITTEN, &written);
        match found.is_empty() && !written.chars().any(char::is_lowercase) && written.chars().count() > 3 {
            true => self.all(layer::WRITTEN, &capitalised(&written)),
            false => found,
        }
    }

    /// The persons that a name may mean which is spelt in another way than the aliases are.
    pub fn variants(&self, name: &str) -> Vec<Number> {
        variant(name).map(|variant| self.all(layer::VARIANT, &variant)).unwrap_or_default()
    }

    /// The entry whose local id a name has.
    pub fn by_local_id(&self, name: &str) -> Option<Number> {
        self.all(layer::LOCAL, &local_id(name)).first().copied()
    }

    fn all(&self, table: u8, key: &str) -> Vec<Number> {
        let layers = self.layers.iter().zip(0_u8..);
        let mut found: Vec<Number> = layers
            .flat_map(|(layer, of)| layer.find(table, key).into_iter().map(move |entry| Number(of, entry)))
            .map(|number| self.one(number))
            .collect();
        found.dedup();
        found
    }

    fn one(&self, number: Number) -> Number {
        self.same.get(&number).copied().unwrap_or(number)
    }

    /// For the shipped entries without an id, the user's entry of the same name and type, where one is clearly meant:
    /// for the best known of them alone, and none in another country.
    fn same_names(&self) -> HashMap<Number, Number> {
        let mut same = HashMap::new();
        for entry in 0..self.layers[0].len() {
            let shipped = self.layers[0].entry(entry);
            if shipped.id_kind == IdKind::Wikidata {
                continue;
            }
            let key = joined(&tokens(shipped.name));
            let mut others: Vec<(u8, u32)> = self.layers[1]
                .find(layer::WRITTEN, &key)
                .into_iter()
                .map(|other| (other, self.layers[1].entry(other)))
                .filter(|(_, other)| other.kind == shipped.kind)
                .map(|(number, other)| (other.fame, number))
                .collect();
            others.sort_unstable();
            let lead =
                |fame: u8| others.iter().rev().nth(1).is_none_or(|next| i32::from(fame) - i32::from(next.0) >= LEAD);
            let fits = |other: u32, number: &u32| {
                let (entry, other) = (self.layers[0].entry(*number), self.layers[1].entry(other));
                let apart = entry.country().zip(other.country()).is_some_and(|(one, two)| one != two);
                entry.kind == other.kind && !apart
            };
            if let Some((fame, other)) = others.last()
                && lead(*fame)
                && self.layers[0].find(layer::WRITTEN, &key).iter().find(|at| fits(*other, at)) == Some(&entry)
            {
                same.insert(Number(0, entry), Number(1, *other));
            }
        }
        same
    }
}

/// `Port Of Spain` of `PORT OF SPAIN`.
fn capitalised(name: &str) -> String {
    let words = name.split(' ').map(|word| {
        let mut chars = word.chars();
        let first: String = chars.next().into_iter().collect();
        first + &chars.as_str().to_lowercase()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
