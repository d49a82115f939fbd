//! Which of its namesakes a city is, by the region or country behind its name: "Paris, Texas".
//!
//! An id that the region contradicts is taken away; the right city's is given where the knowledge base has it. And "Georgia"
//! is the state beside its cities and officials, the country beside its own.

use super::spans::Found;
use crate::{
    aliases::joined,
    kb::{Entry, Kb, Number, REGIONS},
    lexicon::Class,
    token::{Gap, Shape, Token},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};
use tidings_model::EntityType;

/// How sure it is that what stands before its region is a place.
const TOLD: f32 = 0.95;

/// The longest region, in tokens: "Newfoundland and Labrador", "North Rhine-Westphalia".
const REGION: usize = 4;

/// Areas, as `country/region`, by their names and by how they are written after a city, without full stops.
static AREAS: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let rows = REGIONS.lines().filter(|row| !row.starts_with('#')).map(|row| row.split('\t').collect::<Vec<_>>());
    let names = |row: &[&'static str]| -> Vec<&'static str> {
        let lists = [Some(&row[2]), row.get(3), row.get(5)].into_iter().flatten();
        // LA is Los Angeles in news
        lists.flat_map(|list| list.split('|')).filter(|name| !matches!(*name, "" | "LA")).collect()
    };
    let named = |row: Vec<&'static str>| {
        names(&row).into_iter().map(move |name| (joined(&crate::token::tokens(name)), row[4])).collect::<Vec<_>>()
    };
    rows.flat_map(named).collect()
});

/// By a city's name: what it meant before its region was read, and what it means; once for each place that has a region.
type Told = BTreeMap<String, Vec<(Option<Number>, Option<Number>)>>;

/// What stands behind a city: how many tokens from the comma on, and the areas that it may mean.
struct Behind<'k> {
    len: usize,
    areas: Vec<&'k str>,
    /// Whether it is a region, and not a country alone: a country behind a comma is as often the next in a list.
    region: bool,
}

/// Gives the cities of the document the ids that their regions tell, and the regions theirs.
pub(super) fn settle(kb: &Kb, tokens: &[Token<'_>], found: &mut [Found]) {
    let mut told: Told = BTreeMap::new();
    let mut settled = vec![false; found.len()];
    for at in 0..found.len() {
        let name = found[at];
        if !tokens.get(name.last).is_some_and(|token| token.is_mark(",") && token.gap == Gap::Glued) {
            continue;
        }
        let next = found.get(at + 1).filter(|next| next.first == name.last + 1).copied();
        let Some(behind) = behind(kb, tokens, name.last, next.as_ref()) else { continue };
        let Some(known) = city(kb, tokens, &name, &behind) else { continue };
        told.entry(joined(&tokens[name.first..name.last]).to_uppercase()).or_default().push((name.known, known));
        found[at] = Found { known, kind: EntityType::Place, confidence: TOLD, told: true, ..name };
        settled[at] = true;
        if let Some(next) = next {
            let area = known.and_then(|number| kb.entry(number).area).or(behind.areas.last().copied());
            found[at + 1].known = area.and_then(|area| region(kb, tokens, &next, area)).or(next.known);
            (found[at + 1].kind, found[at + 1].told, settled[at + 1]) = (EntityType::Place, true, true);
        }
    }
    if !told.is_empty() {
        repeat(tokens, found, &settled, &told);
    }
    namesakes(kb, tokens, found, &settled);
}

/// In one document a city's name means one city: what its region told once counts wherever it stands.
fn repeat(tokens: &[Token<'_>], found: &mut [Found], settled: &[bool], told: &Told) {
    for (name, _) in found.iter_mut().zip(settled).filter(|(_, settled)| !**settled) {
        let Some(places) = told.get(&joined(&tokens[name.first..name.last]).to_uppercase()) else { continue };
        let (before, now) = places[0];
        if places.iter().all(|(_, other)| *other == now) && name.known == before {
            (name.known, name.kind) = (now, EntityType::Place);
        }
    }
}

/// What is behind the comma at that token.
fn behind<'k>(kb: &'k Kb, tokens: &[Token<'_>], comma: usize, next: Option<&Found>) -> Option<Behind<'k>> {
    let from = comma + 1;
    if !tokens.get(from).is_some_and(|token| token.is_capital() && token.gap == Gap::Space) {
        return None;
    }
    let region = (1..=REGION).rev().filter_map(|len| Some((len, tokens.get(from..from + len)?)));
    let mut region = region.filter_map(|(len, tokens)| Some((len, *AREAS.get(&joined(tokens))?)));
    let region = region.next().filter(|(len, _)| next.is_none_or(|next| next.last <= from + len));
    let country = next.filter(|next| region.is_none_or(|(len, _)| next.last == from + len));
    let country =
        country.and_then(|next| Some(kb.entry(next.known?))).filter(|entry| entry.country() == Some(entry.id));
    let country = country.map(|entry| entry.id);
    let len = region.map_or(next.map_or(0, |next| next.last - from), |(len, _)| len);
    let areas: Vec<&str> = country.into_iter().chain(region.map(|(_, area)| area)).collect();
    let possessive = tokens.get(from + len).is_some_and(|token| token.shape == Shape::Possessive);
    (!areas.is_empty() && !possessive).then_some(Behind { len: len + 1, areas, region: region.is_some() })
}

/// The city that a name before those areas means: `Some(None)` where none of that name is known there, though one elsewhere.
fn city(kb: &Kb, tokens: &[Token<'_>], name: &Found, behind: &Behind<'_>) -> Option<Option<Number>> {
    let now = name.known.map(|number| kb.entry(number));
    let region = |entry: &Entry<'_>| entry.country() == Some(entry.id) || AREAS.contains_key(entry.name);
    if now.as_ref().is_some_and(|entry| entry.kind != EntityType::Place || region(entry))
        || now.is_none() && name.kind == EntityType::Person && name.told
    {
        return None;
    }
    let meanings = kb.meanings(&tokens[name.first..name.last]);
    let mut there: Vec<Number> = meanings.into_iter().filter(|number| is_there(&kb.entry(*number), behind)).collect();
    there.sort_by_key(|number| std::cmp::Reverse(kb.entry(*number).fame));
    let closed = closes(tokens, name.last + behind.len);
    match (there.first(), now) {
        (Some(city), _) if behind.region || closed => Some(Some(*city)),
        (None, Some(now)) if behind.region && closed && now.area.is_some() => Some(None),
        _ => None,
    }
}

/// Whether an entry is a city there.
fn is_there(entry: &Entry<'_>, behind: &Behind<'_>) -> bool {
    let Some(area) = entry.area.filter(|_| entry.kind == EntityType::Place) else { return false };
    let country = entry.country() == Some(entry.id);
    // a city without a region may be in any of its country
    let meets = |other: &&str| area == *other || area.strip_prefix(*other).is_some_and(|rest| rest.starts_with('/'));
    !country && behind.areas.iter().any(meets)
}

/// Whether what stands behind the region ends it: in "In London, California lawmakers said" it starts something.
fn closes(tokens: &[Token<'_>], at: usize) -> bool {
    tokens
        .get(at)
        .is_none_or(|token| token.gap == Gap::Break || token.is_mark(",.;:)(-–—!?…") || Class::AtPlace.has(token.text))
        || tokens
            .get(at)
            .is_some_and(|token| matches!(token.text, "on" | "where" | "who" | "when" | "after" | "has" | "was"))
}

/// The region or country of a name that is in that area.
fn region(kb: &Kb, tokens: &[Token<'_>], name: &Found, area: &str) -> Option<Number> {
    let written = &joined(&tokens[name.first..name.last]);
    if let (Some((_, region)), Some(_)) = (area.split_once('/'), AREAS.get(written).filter(|of| **of == area)) {
        let region = kb.meanings(&crate::token::tokens(region)).into_iter();
        return region.map(|number| (kb.entry(number), number)).find_map(|(entry, number)| {
            (entry.area == Some(area) && AREAS.contains_key(entry.name)).then_some(number)
        });
    }
    let country = area.split('/').next();
    kb.meanings(&tokens[name.first..name.last]).into_iter().find(|number| Some(kb.entry(*number).id) == country)
}

/// "Georgia" alone: the country, unless the document is of the state; nobody where it tells of the United States only.
fn namesakes(kb: &Kb, tokens: &[Token<'_>], found: &mut [Found], settled: &[bool]) {
    let shared = |name: &Found| {
        let entry = kb.entry(name.known?);
        let country = entry.country().filter(|id| entry.id == *id)?;
        let state = *AREAS.get(&joined(&tokens[name.first..name.last]))?;
        Some((country, state))
    };
    let open: Vec<(usize, &str, &str)> = (0..found.len())
        .filter(|at| !settled[*at])
        .filter_map(|at| shared(&found[at]).map(|(country, state)| (at, country, state)))
        .collect();
    let Some((_, country, state)) = open.first().copied() else { return };
    let others = |at: &usize| !open.iter().any(|(other, ..)| other == at);
    let areas: Vec<&str> = (0..found.len()).filter(others).filter_map(|at| kb.entry(found[at].known?).area).collect();
    let home = state.split('/').next();
    let (mut of_country, mut of_state, mut of_home) = (false, false, false);
    for area in areas {
        of_country |= area.split('/').next() == Some(country);
        of_state |= area == state;
        of_home |= area.split('/').next() == home;
    }
    for (at, ..) in open {
        let name = found[at];
        let official = tokens.get(name.last).is_some_and(|next| {
            const OFFICES: [&str; 8] =
                ["Gov", "Governor", "governor", "Republicans", "Democrats", "Republican", "Democrat", "Tech"];
            next.gap == Gap::Space && OFFICES.contains(&next.text.trim_end_matches('.'))
        });
        if official || of_state && !of_country {
            found[at].known = region(kb, tokens, &name, state);
        } else if of_home && !of_country {
            found[at].known = None;
        }
    }
}

#[cfg(test)]
mod tests;
