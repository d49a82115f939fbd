//! Makes entities of names: spellings and short forms of one name come together, and each name is looked for
//! again where the recogniser could not see it.

use super::spans::Found;
use crate::{
    aliases::Aliases,
    fold::fold,
    kb::{Kb, Number},
    lexicon::Class,
    token::{Shape, Style, Token},
};
use std::collections::{BTreeMap, BTreeSet};
use tidings_model::EntityType;

/// How sure a mention can be that only repeats a name found elsewhere in the document.
const REPEATED: f32 = 0.7;

/// What makes two names the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// An entry of the knowledge base.
    Known(Number),
    /// A folded name.
    Local(String),
}

/// A name and where it stands.
#[derive(Debug)]
pub(super) struct Name {
    pub key: Key,
    /// In reading order.
    pub found: Vec<Found>,
}

/// A name's words, folded, with the places where they stand.
struct Form {
    words: Vec<String>,
    key: Key,
    kind: EntityType,
}

/// The names of a document, by first mention.
pub(super) fn names(kb: &Kb, text: &str, tokens: &[Token<'_>], found: Vec<Found>) -> Vec<Name> {
    let mut names = by_key(text, tokens, found);
    join_short_forms(kb, text, tokens, &mut names);
    repeat(tokens, &mut names);
    let mut names: Vec<Name> = names.into_values().collect();
    names.sort_by_key(|name| name.found[0].first);
    names
}

fn by_key(text: &str, tokens: &[Token<'_>], found: Vec<Found>) -> BTreeMap<Key, Name> {
    let mut names: BTreeMap<Key, Name> = BTreeMap::new();
    for found in found {
        let key = found.known.map_or_else(|| Key::Local(fold(found.text(text, tokens))), Key::Known);
        names.entry(key.clone()).or_insert_with(|| Name { key, found: Vec::new() }).found.push(found);
    }
    names
}

impl Name {
    /// The fullest form in the text: most words, not in capitals, the most frequent, the first.
    pub fn form<'d>(&self, text: &'d str, tokens: &[Token<'_>]) -> &'d str {
        let mut forms: BTreeMap<&str, (usize, bool, usize, std::cmp::Reverse<usize>)> = BTreeMap::new();
        for found in &self.found {
            let shouted = tokens[found.first..found.last].iter().all(|token| token.shape == Shape::Upper);
            let rank = (words(found.text(text, tokens)).count(), !shouted, 0, std::cmp::Reverse(found.first));
            forms.entry(found.text(text, tokens)).or_insert(rank).2 += 1;
        }
        forms.into_iter().max_by_key(|(_, rank)| *rank).map_or("", |(form, _)| form)
    }

    /// The type that most of its places speak for. One that is told there counts twice, a place that tells no type hardly.
    pub fn kind(&self) -> EntityType {
        let mut votes: BTreeMap<EntityType, f32> = BTreeMap::new();
        for found in &self.found {
            let weight = match found.kind {
                EntityType::Other => 0.25,
                _ if found.told => 2.0,
                _ => 1.0,
            };
            *votes.entry(found.kind).or_default() += weight * found.confidence;
        }
        let most = votes.values().copied().fold(0.0, f32::max);
        votes.into_iter().find(|(_, vote)| *vote >= most).map_or(EntityType::Other, |(kind, _)| kind)
    }

    /// Whether it is known, or found with that confidence somewhere.
    pub fn is_sure(&self, min_confidence: f32) -> bool {
        matches!(self.key, Key::Known(_)) || self.best() >= min_confidence
    }

    /// How sure its surest place is.
    fn best(&self) -> f32 {
        self.found.iter().map(|found| found.confidence).fold(0.0, f32::max)
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split_whitespace()
}

/// Gives names of one word to the one full name that they shorten. Where two could be meant, none is.
fn join_short_forms(kb: &Kb, text: &str, tokens: &[Token<'_>], names: &mut BTreeMap<Key, Name>) {
    let mut full: BTreeMap<String, BTreeSet<(Key, EntityType)>> = BTreeMap::new();
    for form in names.values().map(|name| form(kb, text, tokens, name)).filter(|form| form.words.len() > 1) {
        for short in short_forms(&form) {
            full.entry(short).or_default().insert((form.key.clone(), form.kind));
        }
    }
    let shorts: Vec<Form> =
        names.values().map(|name| form(kb, text, tokens, name)).filter(|form| form.words.len() == 1).collect();
    for short in shorts {
        let candidates = full.get(&short.words[0]).into_iter().flatten().filter(|(key, _)| *key != short.key);
        let [(key, kind)] = candidates.collect::<Vec<_>>()[..] else { continue };
        let mut found = match names.get(&short.key) {
            Some(name) => name.found.clone(),
            None => continue,
        };
        let mut stay = Vec::new();
        match short.key {
            Key::Known(_) if *kind != EntityType::Person || matches!(key, Key::Known(_)) => continue,
            // "President Trump", or "Trump" before there is a Melania Trump, is the one whom readers know
            Key::Known(number) if kb.entry(number).kind == EntityType::Person => {
                let full = names.get(key).map_or(0, |name| name.found[0].first);
                if found.iter().any(|found| found.first < full || follows(Class::Title, tokens, found)) {
                    continue;
                }
            }
            // "Jordan" after "Michael Jordan", but "in Jordan" stays the country.
            Key::Known(_) => {
                (stay, found) = found.into_iter().partition(|found| {
                    // behind its city, or before its region
                    follows(Class::AtPlace, tokens, found) || found.told && found.kind == EntityType::Place
                });
                found.iter_mut().for_each(|found| found.kind = EntityType::Other);
            }
            Key::Local(_) if short.kind == EntityType::Place => continue,
            Key::Local(_) => {}
        }
        match stay.is_empty() {
            true => _ = names.remove(&short.key),
            false => _ = names.get_mut(&short.key).map(|name| name.found = stay),
        }
        if let Some(name) = names.get_mut(key) {
            name.found.extend(found.into_iter().map(|found| Found { known: None, ..found }));
            name.found.sort_by_key(|found| found.first);
        }
    }
}

fn form(kb: &Kb, text: &str, tokens: &[Token<'_>], name: &Name) -> Form {
    let kind = match name.key {
        Key::Known(number) => kb.entry(number).kind,
        Key::Local(_) => name.kind(),
    };
    Form { words: words(name.form(text, tokens)).map(fold).collect(), key: name.key.clone(), kind }
}

/// The single words that may stand for a full name.
fn short_forms(form: &Form) -> Vec<String> {
    let (first, last) = (&form.words[0], &form.words[form.words.len() - 1]);
    match form.kind {
        // The family name, which comes first in some languages.
        EntityType::Person if Class::Given.has(first) => vec![last.clone()],
        EntityType::Person => vec![last.clone(), first.clone()],
        EntityType::Other => vec![last.clone()],
        EntityType::Organisation => {
            let initials = form.words.iter().filter(|word| !Class::Common.has(word));
            let acronym = fold(&initials.filter_map(|word| word.chars().next()).collect::<String>());
            let company = Class::Company.has(last) && !Class::Common.has(first) && !Class::Part.has(first);
            if company { vec![first.clone(), acronym] } else { vec![acronym] }
        }
        _ => Vec::new(),
    }
}

fn follows(class: Class, tokens: &[Token<'_>], found: &Found) -> bool {
    found.first > 0 && class.has(tokens[found.first - 1].text)
}

/// Finds the names again where nothing was recognised: in headlines of capitals, at the start of sentences.
fn repeat(tokens: &[Token<'_>], names: &mut BTreeMap<Key, Name>) {
    let lower: BTreeSet<&str> = tokens.iter().filter(|t| t.shape == Shape::Lower).map(|t| t.text).collect();
    let keys: Vec<Key> = names.keys().cloned().collect();
    let best: Vec<f32> = names.values().map(Name::best).collect();
    let mut aliases = Aliases::default();
    let mut taken = vec![false; tokens.len()];
    let mut surnames: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, name) in names.values().enumerate() {
        let person = name.kind() == EntityType::Person;
        for found in &name.found {
            taken[found.first..found.last].fill(true);
            aliases.insert(&tokens[found.first..found.last], number);
            if person && found.last - found.first > 1 {
                surnames.entry(tokens[found.last - 1].text).or_default().push((number, found.last - 1));
            }
        }
    }
    for places in surnames.into_values() {
        let (number, at) = places[0];
        if places.iter().all(|(other, _)| *other == number) {
            aliases.insert(&tokens[at..=at], number);
        }
    }
    let mut at = 0;
    while at < tokens.len() {
        let repeated = aliases.longest(tokens, at).filter(|(len, _)| {
            tokens[at].is_capital()
                && !taken[at..at + len].contains(&true)
                && (*len > 1 || !is_word(&tokens[at], &lower))
        });
        let Some((len, number)) = repeated else {
            at += 1;
            continue;
        };
        if let Some(name) = names.get_mut(&keys[number]) {
            let (kind, confidence) = (EntityType::Other, best[number].min(REPEATED));
            name.found.push(Found { first: at, last: at + len, known: None, kind, confidence, told: false });
        }
        at += len;
    }
    names.values_mut().for_each(|name| name.found.sort_by_key(|found| found.first));
}

/// A word of the language, with a capital for its place only.
fn is_word(token: &Token<'_>, lower: &BTreeSet<&str>) -> bool {
    let plain = token.text.to_lowercase();
    (token.starts || token.style != Style::Prose) && (Class::Common.has(&plain) || lower.contains(plain.as_str()))
}
