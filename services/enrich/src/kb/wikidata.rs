//! Makes a knowledge base of a Wikidata dump, in one pass and bounded memory.
//!
//! The dump is the JSON one: an array with an item on each line. Kept are the people, organisations and places of which
//! enough wikis have an article. What an item is, its statements tell: classes have subclasses without end, and one pass
//! can't follow them; but who is `human` is a person, what has headquarters, a coach or an ideology an organisation, and
//! what has coordinates a place, unless it happened at a time, as battles did.

use super::{Entry, write::Writer};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    io::{self, BufRead, Write},
    marker::PhantomData,
};
use tidings_model::{EntityType, IdKind};

/// What of the dump is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Items with so many articles or more.
    pub min_sitelinks: usize,
    /// Names in these languages, the first of which gives the main one. `mul`, names of all languages, is always of them.
    pub languages: Vec<String>,
}

/// What became of a dump.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Built {
    /// Items in the knowledge base.
    pub kept: u64,
    /// Items that are too little known, have no name, or are neither person, organisation nor place.
    pub passed_over: u64,
    /// Lines that are no items.
    pub unreadable: u64,
}

/// Statements that only organisations have: headquarters, industry, chief executive, employees, stock exchange; chair and
/// ideology of parties; home venue and coach of clubs.
const OF_ORGANISATIONS: [&str; 9] = ["P159", "P452", "P169", "P1128", "P414", "P488", "P1142", "P115", "P286"];
/// Statements of events: point in time, deaths.
const OF_EVENTS: [&str; 2] = ["P585", "P1120"];
/// Coordinates.
const OF_PLACES: &str = "P625";
const INSTANCE_OF: &str = "P31";
const HUMAN: &str = "Q5";
/// Country, sovereign state.
const COUNTRIES: [&str; 2] = ["Q6256", "Q3624078"];
/// Country, citizenship.
const COUNTRY_OF: [&str; 2] = ["P17", "P27"];
/// The language of names that are the same in all.
const MULTILINGUAL: &str = "mul";

/// Reads the dump and writes the knowledge base of that name.
///
/// # Errors
/// Reading or writing fails. Lines that are no items are counted, not refused: dumps have been cut before.
pub fn build(mut dump: impl BufRead, out: impl Write, name: &str, options: &Options) -> io::Result<Built> {
    let (mut writer, mut built, mut line) = (Writer::new(), Built::default(), Vec::new());
    loop {
        line.clear();
        if dump.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let item = line.trim_ascii().strip_suffix(b",").unwrap_or(line.trim_ascii());
        if matches!(item, b"" | b"[" | b"]") {
            continue;
        }
        match serde_json::from_slice::<Item<'_>>(item) {
            Err(_) => built.unreadable += 1,
            Ok(item) if item.add(&mut writer, options)? => built.kept += 1,
            Ok(_) => built.passed_over += 1,
        }
    }
    writer.finish(name, out)?;
    Ok(built)
}

#[derive(Deserialize)]
struct Item<'a> {
    id: String,
    #[serde(default, deserialize_with = "map")]
    labels: HashMap<String, Text>,
    #[serde(default, deserialize_with = "map")]
    aliases: HashMap<String, Vec<Text>>,
    #[serde(default, borrow, deserialize_with = "map")]
    claims: HashMap<String, &'a RawValue>,
    #[serde(default, deserialize_with = "map")]
    sitelinks: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Text {
    value: String,
}

#[derive(Deserialize)]
struct Statement {
    mainsnak: Snak,
    #[serde(default)]
    rank: String,
}

#[derive(Deserialize)]
struct Snak {
    datavalue: Option<Value>,
}

#[derive(Deserialize)]
struct Value {
    value: Reference,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: String,
}

impl Item<'_> {
    /// Whether it was worth it.
    fn add(&self, writer: &mut Writer, options: &Options) -> io::Result<bool> {
        let languages = || options.languages.iter().map(String::as_str).chain([MULTILINGUAL]);
        let labels = || languages().filter_map(|language| self.labels.get(language)).map(|label| label.value.as_str());
        let (Some(kind), Some(name)) = (self.kind(), labels().next()) else { return Ok(false) };
        if self.sitelinks.len() < options.min_sitelinks || !self.id.starts_with('Q') {
            return Ok(false);
        }
        let others = languages().filter_map(|language| self.aliases.get(language)).flatten();
        let aliases: BTreeSet<&str> = labels().chain(others.map(|alias| alias.value.as_str())).collect();
        let country = self.country();
        let entry = Entry {
            id: &self.id,
            id_kind: IdKind::Wikidata,
            kind,
            name,
            area: country.as_deref(),
            fame: (16.0 * (self.sitelinks.len() as f32 + 1.0).log2()) as u8,
            listed: false,
        };
        writer.add(&entry, aliases.into_iter().filter(|alias| *alias != name))?;
        Ok(true)
    }

    fn kind(&self) -> Option<EntityType> {
        let has = |property: &str| self.claims.contains_key(property);
        if self.values(INSTANCE_OF).iter().any(|class| class == HUMAN) {
            return Some(EntityType::Person);
        }
        if OF_ORGANISATIONS.into_iter().any(has) {
            return Some(EntityType::Organisation);
        }
        (has(OF_PLACES) && !OF_EVENTS.into_iter().any(has)).then_some(EntityType::Place)
    }

    fn country(&self) -> Option<String> {
        if self.values(INSTANCE_OF).iter().any(|class| COUNTRIES.contains(&class.as_str())) {
            return Some(self.id.clone());
        }
        COUNTRY_OF.into_iter().find_map(|property| self.values(property).into_iter().next())
    }

    /// The items that a property names, preferred ones first, without those that no longer hold.
    fn values(&self, property: &str) -> Vec<String> {
        let statements = self.claims.get(property).and_then(|claims| serde_json::from_str(claims.get()).ok());
        let mut statements: Vec<Statement> = statements.unwrap_or_default();
        statements.retain(|statement| statement.rank != "deprecated");
        statements.sort_by_key(|statement| statement.rank != "preferred");
        let values = statements.into_iter().filter_map(|statement| statement.mainsnak.datavalue);
        values.map(|value| value.value.id).filter(|id| !id.is_empty()).collect()
    }
}

/// A map, which the dump writes as `[]` where it is empty.
fn map<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<HashMap<String, V>, D::Error> {
    struct MapOrEmpty<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for MapOrEmpty<V> {
        type Value = HashMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map, or an empty array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Ok(HashMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = HashMap::new();
            while let Some((key, value)) = access.next_entry()? {
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_any(MapOrEmpty(PhantomData))
}
