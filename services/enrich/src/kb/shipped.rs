//! The knowledge base that is compiled in, from `kb/*.tsv`.
//!
//! A row is `id, kind, name, aliases, area, people`, the last two where they are known. Without an id it has a local
//! one, the one that an unknown name of the same spelling would have: a wrong id is worse than none. What other
//! languages call the entries stands in files of its own: `name, names`.

use super::{Entry, layer::Layer, local_id, write::Writer};
use std::collections::HashMap;
use tidings_model::{EntityType, IdKind};

/// The name and version of the shipped layer; it changes with the files.
const NAME: &str = "tidings-kb-5";

pub(super) const FILES: [(&str, &str); 7] = [
    ("countries.tsv", include_str!("../../kb/countries.tsv")),
    ("groups.tsv", include_str!("../../kb/groups.tsv")),
    ("organisations.tsv", include_str!("../../kb/organisations.tsv")),
    ("people.tsv", include_str!("../../kb/people.tsv")),
    ("places.tsv", include_str!("../../kb/places.tsv")),
    ("regions.tsv", REGIONS),
    ("cities.tsv", include_str!("../../kb/cities.tsv")),
];

/// States and provinces; the sixth column is how they are written after a city.
const REGIONS: &str = include_str!("../../kb/regions.tsv");

/// A state or province.
pub(crate) struct Region {
    /// What it is called, and how it is written after a city.
    pub names: Vec<&'static str>,
    /// As `country/region`.
    pub area: &'static str,
}

/// All that are told behind a city.
pub(crate) fn regions() -> impl Iterator<Item = Region> {
    REGIONS.lines().filter(|row| !row.starts_with('#')).filter_map(|row| {
        let columns: Vec<&str> = row.split('\t').collect();
        let (&[_, _, name, aliases, area], rest) = columns.split_first_chunk()?;
        let others = [aliases].into_iter().chain(rest.first().copied()).flat_map(|names| names.split('|'));
        let names = std::iter::once(name).chain(others.filter(|name| !name.is_empty())).collect();
        Some(Region { names, area })
    })
}

pub(super) const EXONYMS: [&str; 2] = [include_str!("../../kb/exonyms.tsv"), include_str!("../../kb/spellings.tsv")];

/// Of what is listed by hand: better known than any of its name.
pub(super) const FAMOUS: u8 = u8::MAX;

/// The kind of a region that is told behind a city, and is no entry: its name alone says too little.
const AREA: &str = "area";

pub(super) fn layer() -> Result<Layer, String> {
    read(&FILES, &EXONYMS)
}

/// Reads entries, and what other languages call them.
pub(super) fn read(files: &[(&str, &str)], others: &[&str]) -> Result<Layer, String> {
    let mut writer = Writer::new();
    let mut exonyms: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, names) in others.iter().flat_map(|source| source.lines()).filter_map(|row| row.split_once('\t')) {
        exonyms.entry(name).or_default().extend(names.split('|'));
    }
    for (file, source) in files {
        let is_entry = |row: &str| !row.starts_with('#') && row.split('\t').nth(1) != Some(AREA);
        for (line, row) in source.lines().enumerate().filter(|(_, row)| is_entry(row)) {
            let told = |mend| format!("kb/{file}:{}: {mend}", line + 1);
            add(&mut writer, file, row).map_err(told)?;
            // the first of a name is the one that it is known for: Georgia the country
            let names = row.split('\t').nth(2).and_then(|name| exonyms.remove(name)).unwrap_or_default();
            writer.add_exonyms(names).map_err(|error| told(error.to_string()))?;
        }
    }
    if let Some(name) = exonyms.keys().min() {
        return Err(format!("kb/exonyms.tsv or kb/spellings.tsv: {name:?} is no entry's name"));
    }
    let mut bytes = Vec::new();
    writer.finish(NAME, &mut bytes).map_err(|error| error.to_string())?;
    Layer::read(&bytes)
}

pub(super) fn add(writer: &mut Writer, file: &str, row: &str) -> Result<(), String> {
    let columns: Vec<&str> = row.split('\t').collect();
    let (&[id, kind, name, aliases], rest) =
        columns.split_first_chunk::<4>().ok_or("a row has four columns or more")?;
    let kind = match kind {
        "person" => EntityType::Person,
        "organisation" => EntityType::Organisation,
        "place" => EntityType::Place,
        "group" => EntityType::Group,
        _ => return Err(format!("kind {kind:?}; person, organisation, place or group")),
    };
    let local = local_id(name);
    let (id, id_kind) = match id.as_bytes() {
        [] => (local.as_str(), IdKind::Local),
        [b'Q', ..] => (id, IdKind::Wikidata),
        _ => (id, IdKind::Geonames),
    };
    let area = match file {
        "countries.tsv" => Some(id),
        _ => rest.first().copied().filter(|area| !area.is_empty()),
    };
    let people = rest
        .get(1)
        .filter(|_| file != "regions.tsv")
        .map(|people| people.parse::<f32>().map_err(|_| format!("people {people:?}; a number")));
    let people = people.transpose()?;
    let entry = Entry {
        id,
        id_kind,
        kind,
        name,
        area,
        // a city of 100,000 has some 30 articles
        fame: people.map_or(FAMOUS, |people| (16.0 * (people / 3_000.0).log2()) as u8),
        listed: people.is_none(),
    };
    writer.add(&entry, aliases.split('|').filter(|alias| !alias.is_empty())).map_err(|error| error.to_string())
}
