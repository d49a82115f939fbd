//! The knowledge base: what Tidings knows of the world without asking anybody.
//!
//! `kb/*.tsv` is written by hand for this project and compiled in. A Wikidata id stands there only where it is
//! certain, for a wrong id is worse than none; the others have a local id, the digest of their folded name, which
//! is the one that an unknown name of the same spelling would have.

use crate::{aliases::Aliases, fold::fold, token::tokens};
use std::{collections::HashMap, sync::LazyLock};
use tidings_model::{EntityType, IdKind, digest};

/// The name and version of the knowledge base, for `Enriched::kb`; it changes with the files.
pub const NAME: &str = "tidings-kb-1";

const FILES: [(&str, &str); 5] = [
    ("countries.tsv", include_str!("../kb/countries.tsv")),
    ("groups.tsv", include_str!("../kb/groups.tsv")),
    ("organisations.tsv", include_str!("../kb/organisations.tsv")),
    ("people.tsv", include_str!("../kb/people.tsv")),
    ("places.tsv", include_str!("../kb/places.tsv")),
];

/// A folded alias shorter than this is no second key: too many names meet there.
const FOLDED_LEAST: usize = 6;

static LOADED: LazyLock<Gazetteer> =
    LazyLock::new(|| Gazetteer::read(FILES).expect("a test reads the compiled-in files"));

/// Entities and their aliases.
#[derive(Debug)]
pub struct Gazetteer {
    entries: Vec<Known>,
    aliases: Aliases<usize>,
    folded: HashMap<String, usize>,
}

/// An entity of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// `Q212`, or 32 hex digits.
    pub id: String,
    /// Which of the two.
    pub id_kind: IdKind,
    /// What it is.
    pub kind: EntityType,
    /// As Tidings writes it.
    pub name: String,
}

/// The id of a name that has none elsewhere. It does not depend on the type: that is a vote of one document.
pub fn local_id(name: &str) -> String {
    digest(["entity", &fold(name)])
}

impl Gazetteer {
    /// The one that is compiled in.
    pub fn get() -> &'static Self {
        &LOADED
    }

    fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut read = Self { entries: Vec::new(), aliases: Aliases::default(), folded: HashMap::new() };
        for (file, source) in files {
            for (line, row) in source.lines().enumerate().filter(|(_, row)| !row.starts_with('#')) {
                read.row(row).map_err(|mend| format!("kb/{file}:{}: {mend}", line + 1))?;
            }
        }
        Ok(read)
    }

    fn row(&mut self, row: &str) -> Result<(), String> {
        let [id, kind, name, aliases] = row.split('\t').collect::<Vec<_>>()[..] else {
            return Err("a row has four columns: id, kind, name, aliases".to_owned());
        };
        let kind = match kind {
            "person" => EntityType::Person,
            "organisation" => EntityType::Organisation,
            "place" => EntityType::Place,
            "group" => EntityType::Group,
            _ => return Err(format!("kind {kind:?}; person, organisation, place or group")),
        };
        let (id, id_kind) = match id {
            "" => (local_id(name), IdKind::Local),
            _ => (id.to_owned(), IdKind::Wikidata),
        };
        let entry = self.entries.len();
        for alias in std::iter::once(name).chain(aliases.split('|')).filter(|alias| !alias.is_empty()) {
            self.aliases.insert(&tokens(alias), entry);
            let folded = fold(alias);
            let second_key = kind == EntityType::Person && folded.chars().count() >= FOLDED_LEAST;
            // An unknown name of that fold would have the same local id: it is this one.
            if second_key || alias == name && id_kind == IdKind::Local {
                self.folded.entry(folded).or_insert(entry);
            }
        }
        self.entries.push(Known { id, id_kind, kind, name: name.to_owned() });
        Ok(())
    }

    /// The entry of that number.
    pub fn entry(&self, number: usize) -> &Known {
        &self.entries[number]
    }

    /// Its aliases; they stand for the numbers of entries.
    pub fn aliases(&self) -> &Aliases<usize> {
        &self.aliases
    }

    /// The entry of that folded name; a person only where `kind` does not speak against it.
    pub fn folded(&self, name: &str, kind: EntityType) -> Option<usize> {
        let may_be_person = matches!(kind, EntityType::Person | EntityType::Other);
        self.folded.get(name).copied().filter(|entry| may_be_person || self.entry(*entry).kind != EntityType::Person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn ids_and_aliases_are_not_shared() {
        let (mut ids, mut aliases) = (BTreeMap::new(), BTreeMap::new());
        for row in FILES.into_iter().flat_map(|(_, source)| source.lines().filter(|row| !row.starts_with('#'))) {
            let columns: Vec<&str> = row.split('\t').collect();
            let id = if columns[0].is_empty() { local_id(columns[2]) } else { columns[0].to_owned() };
            assert_eq!(ids.insert(id, columns[2]), None, "{row}");
            for alias in std::iter::once(columns[2]).chain(columns[3].split('|')).filter(|alias| !alias.is_empty()) {
                assert_eq!(aliases.insert(alias, columns[2]), None, "{alias}");
            }
        }
        assert!(ids.len() > 1000, "{} entries", ids.len());
    }

    #[test]
    fn wikidata_ids_have_their_form() {
        let known = Gazetteer::get().entries.iter().filter(|known| known.id_kind == IdKind::Wikidata);
        for known in known {
            let digits = known.id.strip_prefix('Q').unwrap_or("");
            assert!(digits.parse::<u32>().is_ok_and(|number| number > 0), "{known:?}");
        }
    }

    #[test]
    fn a_bad_row_is_told_with_its_place() {
        for (row, want) in [
            ("Q1\tplace\tA", "kb/x.tsv:2: a row has four columns: id, kind, name, aliases"),
            ("Q1\tcity\tA\t", "kb/x.tsv:2: kind \"city\"; person, organisation, place or group"),
        ] {
            let source = format!("# head\n{row}");
            assert_eq!(Gazetteer::read([("x.tsv", source.as_str())]).unwrap_err(), want);
        }
    }

    #[test]
    fn spellings_that_no_row_has_are_found_by_their_fold() {
        for (name, kind, want) in [
            ("Volodimir Zelenskij", EntityType::Person, Some("Volodymyr Zelenskyy")),
            ("Volodimir Zelenskij", EntityType::Place, None),
            ("GAZA CITY", EntityType::Place, Some("Gaza City")),
            ("Wladimir Pudding", EntityType::Person, None),
            ("Xy", EntityType::Person, None),
        ] {
            let found = Gazetteer::get().folded(&fold(name), kind);
            assert_eq!(found.map(|entry| Gazetteer::get().entry(entry).name.as_str()), want, "{name}");
        }
    }
}
