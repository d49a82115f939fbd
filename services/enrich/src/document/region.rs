//! Which of its namesakes a city is, by the region or country behind its name: "Paris, Texas".
//!
//! An id that the region contradicts is taken away; the right city's is given where the knowledge base has it. And
//! "Georgia" is the state beside its cities and officials, the country beside its own.

use super::spans::Found;
use crate::{
    aliases::joined,
    kb::{Entry, Kb, Number, Region, country_of, regions},
    lexicon::Class,
    token::{Gap, Shape, Style, Token},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};
use tidings_model::{EntityType, IdKind};

/// How sure it is that what stands before its region is a place.
const TOLD: f32 = 0.95;

/// The longest region, in tokens: "Newfoundland and Labrador", "North Rhine-Westphalia".
const REGION: usize = 4;

/// Areas, as `country/region`, by their names and by how they are written after a city, without full stops.
static AREAS: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let named = |region: Region| {
        // LA is Los Angeles in news
        let names = region.names.into_iter().filter(|name| *name != "LA");
        names.map(move |name| (joined(&crate::token::tokens(name)), region.area))
    };
    regions().flat_map(named).collect()
});

/// Words and given names too: the region only before a full stop.
const WORDS: [&str; 13] = ["Ark", "Del", "Ill", "Kan", "La", "Man", "Mass", "Miss", "Mo", "Ore", "Pa", "Tex", "Wash"];

/// By a city's name: what it meant before its region was read, and what it means; once for each place that has a
/// region.
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
        let listed = stands_in_list(tokens, &name, at.checked_sub(1).map(|at| (&found[at], settled[at])));
        if is_namesake(kb, next.as_ref()) && (listed || goes_on(kb, tokens, found, at, &behind)) {
            continue;
        }
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
        // "met in Jackson, Miss., where Jackson said": a person of whom nothing is known is no city
        let may = before.is_some() || name.kind != EntityType::Person;
        if may && places.iter().all(|(_, other)| *other == now) && name.known == before {
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
    let region = area_at(tokens, from).filter(|(len, _)| next.is_none_or(|next| next.last <= from + len));
    let country = next.filter(|next| region.is_none_or(|(len, _)| next.last == from + len));
    let country = country.and_then(|next| Some(kb.entry(next.known?))).filter(Entry::is_country);
    let country = country.map(|entry| entry.id);
    let len = region.map_or(next.map_or(0, |next| next.last - from), |(len, _)| len);
    let areas: Vec<&str> = country.into_iter().chain(region.map(|(_, area)| area)).collect();
    let possessive = tokens.get(from + len).is_some_and(|token| token.shape == Shape::Possessive);
    (!areas.is_empty() && !possessive).then_some(Behind { len: len + 1, areas, region: region.is_some() })
}

/// The longest region that is written from that token on: how many tokens it has, and its area.
fn area_at(tokens: &[Token<'_>], from: usize) -> Option<(usize, &'static str)> {
    let (first, stop) = (tokens.get(from)?, tokens.get(from + 1));
    let stopped = stop.is_some_and(|stop| stop.gap == Gap::Glued && stop.is_mark("."));
    let code = first.shape == Shape::Upper && first.text.len() == 2;
    // "in Columbus, Miss Smith said", "MADE IN LONDON, OR SO THEY SAY"
    let doubtful = code && first.style == Style::Shouted || WORDS.contains(&first.text) && !stopped;
    let lens = (1..=REGION).rev().filter(|len| *len > 1 || !doubtful);
    lens.filter_map(|len| Some((len, *AREAS.get(&joined(tokens.get(from..from + len)?))?))).next()
}

/// Whether a name is a region's, and stands behind a comma and another name: "Geelong, Victoria".
pub(super) fn is_behind(tokens: &[Token<'_>], name: &Found) -> bool {
    let city = name.first.checked_sub(2).map(|city| &tokens[city..name.first]);
    city.is_some_and(|city| city[0].is_capital() && city[1].is_mark(","))
        && area_at(tokens, name.first).is_some_and(|(len, _)| name.first + len == name.last)
}

/// Whether by the name of a region a city or country is meant as often: "New York", "Washington", "Georgia".
fn is_namesake(kb: &Kb, region: Option<&Found>) -> bool {
    region.and_then(|region| region.known).is_some_and(|number| !is_region(&kb.entry(number)))
}

/// Whether a place that no region follows stands before a name, with a comma: "Tokyo, London, New York".
fn stands_in_list(tokens: &[Token<'_>], name: &Found, before: Option<(&Found, bool)>) -> bool {
    before.is_some_and(|(before, settled)| {
        !settled
            && before.kind == EntityType::Place
            && before.last + 1 == name.first
            && tokens[before.last].is_mark(",")
    })
}

/// Whether a list goes on behind the region: "London, New York and Tokyo", but not "Rome, New York, and Paris, Texas".
fn goes_on(kb: &Kb, tokens: &[Token<'_>], found: &[Found], at: usize, behind: &Behind<'_>) -> bool {
    let end = found[at].last + behind.len;
    let is = |at: usize, texts: &[&str]| tokens.get(at).is_some_and(|token| texts.contains(&token.text));
    let comma = usize::from(is(end, &[","]));
    let joins = usize::from(is(end + comma, &["and", "or", "&"]));
    let from = end + comma + joins;
    let more = found.get(at + 1..).unwrap_or_default().iter().find(|name| name.first >= from);
    let more = more.filter(|name| name.first == from);
    let told = more.is_some_and(|name| {
        tokens.get(name.last).is_some_and(|token| token.is_mark(","))
            && area_at(tokens, name.last + 1).is_some()
            && !is_namesake(kb, found.iter().skip(at + 1).find(|next| next.first == name.last + 1))
    });
    let place = more.is_some_and(|name| matches!(name.kind, EntityType::Place | EntityType::Group));
    // behind a comma alone stands who speaks there, too
    let starts = joins == 1 && tokens.get(from).is_some_and(Token::is_capital) || comma == 1 && place;
    starts && !told
}

/// Whether an entry is a region, and no city of that name. The user's regions know their country alone.
fn is_region(entry: &Entry<'_>) -> bool {
    AREAS.get(&joined(&crate::token::tokens(entry.name))).is_some_and(|of| {
        entry.area == Some(of) || entry.id_kind == IdKind::Wikidata && entry.area == Some(country_of(of))
    })
}

/// The city that a name before those areas means: `Some(None)` where none of that name is known there, though one
/// elsewhere.
fn city(kb: &Kb, tokens: &[Token<'_>], name: &Found, behind: &Behind<'_>) -> Option<Option<Number>> {
    let now = name.known.map(|number| kb.entry(number));
    let region = |entry: &Entry<'_>| entry.is_country() || is_region(entry);
    if now.as_ref().is_some_and(|entry| entry.kind != EntityType::Place || region(entry))
        || now.is_none() && name.kind == EntityType::Person && name.told
    {
        return None;
    }
    let meanings = kb.meanings(&tokens[name.first..name.last]);
    let there = meanings.into_iter().filter(|number| is_there(&kb.entry(*number), behind));
    let there = there.min_by_key(|number| Reverse(kb.entry(*number).fame));
    let closed = closes(tokens, name.last + behind.len);
    match (there, now) {
        (Some(city), _) if behind.region || closed => Some(Some(city)),
        (None, Some(now)) if behind.region && closed && is_elsewhere(&now, behind) => Some(None),
        _ => None,
    }
}

/// Whether an entry is a city there.
fn is_there(entry: &Entry<'_>, behind: &Behind<'_>) -> bool {
    let Some(area) = entry.area.filter(|_| entry.kind == EntityType::Place) else { return false };
    let meets = |other: &&str| area == *other || area.strip_prefix(*other).is_some_and(|rest| rest.starts_with('/'));
    !entry.is_country() && behind.areas.iter().any(meets)
}

/// Whether an entry is known to be in none of the areas: a city without a region may be in any of its country.
fn is_elsewhere(entry: &Entry<'_>, behind: &Behind<'_>) -> bool {
    let may = |area: &str| behind.areas.iter().any(|other| country_of(other) == area);
    entry.area.is_some_and(|area| !may(area))
}

/// Whether what stands behind the region ends it: in "In London, California lawmakers said" it starts something.
fn closes(tokens: &[Token<'_>], at: usize) -> bool {
    const GO_ON: [&str; 7] = ["on", "where", "who", "when", "after", "has", "was"];
    tokens.get(at).is_none_or(|token| {
        token.gap == Gap::Break
            || token.is_mark(",.;:)(-–—!?…")
            || Class::AtPlace.has(token.text)
            || GO_ON.contains(&token.text)
    })
}

/// The region or country of a name that is in that area.
fn region(kb: &Kb, tokens: &[Token<'_>], name: &Found, area: &str) -> Option<Number> {
    let written = &joined(&tokens[name.first..name.last]);
    if let (Some((_, region)), Some(_)) = (area.split_once('/'), AREAS.get(written).filter(|of| **of == area)) {
        let region = kb.meanings(&crate::token::tokens(region)).into_iter();
        return region
            .map(|number| (kb.entry(number), number))
            .find_map(|(entry, number)| (entry.area == Some(area) && is_region(&entry)).then_some(number));
    }
    kb.meanings(&tokens[name.first..name.last]).into_iter().find(|number| kb.entry(*number).id == country_of(area))
}

/// "Georgia" alone: the country, unless the document is of the state; nobody where it tells of the United States only.
fn namesakes(kb: &Kb, tokens: &[Token<'_>], found: &mut [Found], settled: &[bool]) {
    let shared = |name: &Found| {
        let entry = kb.entry(name.known?);
        let country = entry.is_country().then_some(entry.id)?;
        let state = *AREAS.get(&joined(&tokens[name.first..name.last]))?;
        Some((country, state))
    };
    let open: Vec<(usize, &str, &str)> = (0..found.len())
        .filter(|at| !settled[*at])
        .filter_map(|at| shared(&found[at]).map(|(country, state)| (at, country, state)))
        .collect();
    let Some((first, country, state)) = open.first().copied() else { return };
    let of_that_name = region(kb, tokens, &found[first], state);
    let others = |at: &usize| open.binary_search_by_key(at, |(other, ..)| *other).is_err();
    let areas: Vec<&str> = (0..found.len()).filter(others).filter_map(|at| kb.entry(found[at].known?).area).collect();
    let (mut of_country, mut of_state, mut of_home) = (false, false, false);
    for area in areas {
        of_country |= country_of(area) == country;
        of_state |= area == state;
        of_home |= country_of(area) == country_of(state);
    }
    for (at, ..) in open {
        let name = found[at];
        let official = tokens.get(name.last).is_some_and(|next| {
            const OFFICES: [&str; 8] =
                ["Gov", "Governor", "governor", "Republicans", "Democrats", "Republican", "Democrat", "Tech"];
            next.gap == Gap::Space && OFFICES.contains(&next.text.trim_end_matches('.'))
        });
        if official || of_state && !of_country {
            found[at].known = of_that_name;
        } else if of_home && !of_country {
            found[at].known = None;
        }
    }
}

#[cfg(test)]
mod tests;
