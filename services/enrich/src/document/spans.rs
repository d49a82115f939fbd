//! Brings together what was recognised and what is known, so that no two names overlap.

use super::{link, neighbours, region};
use crate::{
    inflect,
    kb::{Kb, Number},
    lexicon::Class,
    names::is_part,
    recognise::Span,
    token::{Gap, Shape, Style, Token},
};
use std::collections::BTreeSet;
use tidings_model::EntityType;

/// How sure a name of the knowledge base is.
const KNOWN: f32 = 0.9;
/// How sure a recognised name is at least that the knowledge base knows.
const LINKED: f32 = 0.8;

/// How sure a dateline's name is a place.
const DATELINED: f32 = 0.85;

/// The longest place of a dateline, in tokens: "PORT-AU-PRINCE, Haiti".
const CITY: usize = 8;

/// The longest name, in bytes: beyond it stands nonsense.
const LONGEST: usize = 120;

/// Of languages whose countries have one.
const ARTICLES: [&str; 14] =
    ["Les", "Le", "La", "El", "Il", "Lo", "Los", "Las", "Gli", "Der", "Die", "Das", "Os", "As"];

/// Behind a place, they make the name of a competition of it.
const EVENTS: [&str; 5] = ["Cup", "Games", "Open", "Championship", "Championships"];

/// A name at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// First token.
    pub first: usize,
    /// One past the last.
    pub last: usize,
    /// The entry of the knowledge base.
    pub known: Option<Number>,
    /// What it is, judged from this place.
    pub kind: EntityType,
    /// How sure.
    pub confidence: f32,
    /// Whether the words in it or around it say so.
    pub told: bool,
}

impl Found {
    /// The words.
    pub fn text<'d>(&self, text: &'d str, tokens: &[Token<'_>]) -> &'d str {
        let last = &tokens[self.last - 1];
        &text[tokens[self.first].byte..last.byte + last.text.len()]
    }

    fn meets(&self, other: &Self) -> bool {
        self.first < other.last && other.first < self.last
    }

    fn len(&self) -> usize {
        self.last - self.first
    }
}

/// The names of the text, in reading order, none overlapping.
pub(super) fn merge(
    kb: &Kb,
    language: Option<&str>,
    text: &str,
    tokens: &[Token<'_>],
    recognised: &[Span],
) -> Vec<Found> {
    let known = known(kb, language, tokens);
    let countries = link::countries(kb, known.iter().filter_map(|found| found.known));
    let mut displaced = vec![false; known.len()];
    let mut found = Vec::new();
    let placed = |span| place(tokens, span).filter(|name| name.text(text, tokens).len() <= LONGEST);
    let names: Vec<Found> = recognised.iter().filter_map(placed).collect();
    let in_prose = names.iter().filter(|name| tokens[name.first].style == Style::Prose);
    let in_prose: BTreeSet<&str> = in_prose.map(|name| name.text(text, tokens)).collect();
    for mut name in names {
        // Known names are in reading order too: those that meet this one are neighbours.
        let from = known.partition_point(|known| known.last <= name.first);
        let to = known.partition_point(|known| known.first < name.last);
        // "Putin Heads To Beijing": where capitals tell nothing, a name that swallows a known one must stand elsewhere
        let swallows = tokens[name.first].style != Style::Prose && from < to && !name.told;
        if swallows && !in_prose.contains(name.text(text, tokens)) {
            continue;
        }
        if !stands(tokens, &mut name, &known[from..to]) || is_credit(tokens, &name) {
            continue;
        }
        // two names that a model finds in one word of ours
        if found.last().is_some_and(|last: &Found| last.meets(&name)) {
            continue;
        }
        if is_dateline(tokens, &name) {
            (name.kind, name.confidence) = (EntityType::Place, name.confidence.max(DATELINED));
        }
        name.known = linked(kb, text, tokens, &name, &countries);
        match name.known {
            Some(_) => name.confidence = name.confidence.max(LINKED),
            None if !name.told && is_generic(tokens, &name) && !region::is_behind(tokens, &name) => continue,
            None => {}
        }
        (from..to).for_each(|at| displaced[at] |= known[at].meets(&name));
        found.push(name);
    }
    let alone = known.into_iter().zip(displaced).filter(|(_, displaced)| !displaced).map(|(known, _)| known);
    found.extend(alone.filter(|known| !is_credit(tokens, known)));
    found.sort_by_key(|name| name.first);
    region::settle(kb, tokens, &mut found);
    neighbours::join_persons(tokens, &mut found);
    neighbours::type_lists(tokens, &mut found);
    neighbours::add_acronyms(tokens, &mut found);
    found
}

/// The entry that a recognised name means.
fn linked(kb: &Kb, text: &str, tokens: &[Token<'_>], name: &Found, countries: &BTreeSet<&str>) -> Option<Number> {
    let choose = |meanings| link::choose(kb, meanings, name.kind, name.len(), countries);
    let words = name.text(text, tokens);
    choose(kb.meanings(&tokens[name.first..name.last]))
        .or_else(|| choose(kb.variants(words)))
        .or_else(|| kb.by_local_id(words))
}

/// The names that the knowledge base lists. A common word at the start of a sentence ("Reading the letter")
/// counts only where the name stands elsewhere too.
fn known(kb: &Kb, language: Option<&str>, tokens: &[Token<'_>]) -> Vec<Found> {
    let mut matches = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let listed = kb.longest(tokens, at, language).map(|(len, meanings)| (len, meanings[0]));
        let listed = listed.or_else(|| inflect::nominative(kb, &tokens[at], language).map(|entry| (1, entry)));
        let len = listed.map_or(1, |(len, _)| len);
        matches.extend(listed.map(|(len, entry)| (at, len, entry)));
        at += len;
    }
    let doubtful = |first: usize, len: usize| {
        let token = &tokens[first];
        let speaks = |next: &Token<'_>| next.shape == Shape::Possessive || Class::Speech.has(next.text);
        len == 1
            && Class::Common.has(token.text)
            && (token.style != Style::Prose || token.starts)
            && !(token.style == Style::Prose && tokens.get(first + 1).is_some_and(speaks))
    };
    // "Asia Cup", "US Open" are no place; "Iran Open to Talks" is of one
    let goes_on = |at: usize| tokens.get(at).is_some_and(|next| matches!(next.text, "to" | "To" | "for" | "For"));
    let event = |at: usize| {
        tokens.get(at).is_some_and(|next| {
            let verb = next.text == "Open" && next.style != Style::Prose && goes_on(at + 1);
            next.gap == Gap::Space && EVENTS.contains(&next.text) && !verb
        })
    };
    let has_events = |entry| matches!(kb.entry(entry).kind, EntityType::Place | EntityType::Group);
    matches.retain(|(first, len, entry)| !(event(first + len) && has_events(*entry)));
    let sure: BTreeSet<Number> =
        matches.iter().filter(|(first, len, _)| !doubtful(*first, *len)).map(|(.., entry)| *entry).collect();
    let found = matches.into_iter().filter(|(.., entry)| sure.contains(entry)).map(|(first, len, entry)| Found {
        first,
        last: first + len,
        known: Some(entry),
        kind: kb.entry(entry).kind,
        confidence: KNOWN,
        told: false,
    });
    found.collect()
}

/// A recognised span on whole tokens, without articles, possessives and marks at its ends, as far as the first spaced
/// dash or bar. None where a word is in it that is in no name, as in a headline of which a model made one.
fn place(tokens: &[Token<'_>], span: &Span) -> Option<Found> {
    let mut first = tokens.partition_point(|token| token.end <= span.start);
    let mut last = tokens.partition_point(|token| token.start < span.end);
    let is_edge = |token: &Token<'_>| {
        matches!(token.shape, Shape::Mark | Shape::Possessive) || token.text.eq_ignore_ascii_case("the")
    };
    while first < last && is_edge(&tokens[first]) {
        first += 1;
    }
    let parts = |at: &usize| tokens[*at].gap == Gap::Space && tokens[*at].is_mark("-–—|");
    last = (first..last).find(parts).unwrap_or(last);
    while first < last && is_edge(&tokens[last - 1]) {
        last -= 1;
    }
    let joins = |token: &Token<'_>| matches!(token.text, "of" | "and" | "the" | "for" | "in" | "on" | "at" | "to");
    let strange = |token: &Token<'_>| token.shape == Shape::Lower && Class::Common.has(token.text) && !joins(token);
    let whole = first < last && tokens[first + 1..last].iter().all(|token| token.gap != Gap::Break && !strange(token));
    whole.then_some(Found { first, last, known: None, kind: span.kind, confidence: span.confidence, told: span.told })
}

/// The agency in a dateline: "ARDEN (NWA) -" is no news of it.
fn is_credit(tokens: &[Token<'_>], name: &Found) -> bool {
    let open = name.first.checked_sub(1).filter(|at| tokens[*at].is_mark("("));
    let after = |at: usize, marks: &str| tokens.get(at).is_some_and(|token| token.is_mark(marks));
    // nothing but the place stands before it
    let opens =
        open.is_some_and(|open| tokens[open.saturating_sub(CITY)..open].iter().any(|token| token.gap == Gap::Break));
    opens && after(name.last, ")") && after(name.last + 1, "-–—")
}

/// "VELMONT (NWA) -" or "VELMONT —" at the start of a text: capitals there are of a place, whatever they look like.
fn is_dateline(tokens: &[Token<'_>], name: &Found) -> bool {
    let is_dash = |at: usize| tokens.get(at).is_some_and(|token| token.gap == Gap::Space && token.is_mark("-–—"));
    let credit = tokens.get(name.last).is_some_and(|token| token.gap == Gap::Space && token.is_mark("("));
    let close = || (name.last + 2..name.last + CITY).find(|at| tokens.get(*at).is_some_and(|token| token.is_mark(")")));
    tokens[name.first].gap == Gap::Break
        && tokens[name.first..name.last].iter().all(|token| token.shape == Shape::Upper || token.is_mark("-‑"))
        && (is_dash(name.last) || credit && close().is_some_and(|close| is_dash(close + 1)))
}

/// "Groups say", "the Gazette": one word that says of what kind it is, and not which.
fn is_generic(tokens: &[Token<'_>], name: &Found) -> bool {
    let word = &tokens[name.first];
    let singular = word.text.strip_suffix('s').unwrap_or(word.text);
    // a surname may be a common word, but then it is the short form of a name that is found by itself
    let person = name.kind == EntityType::Person;
    let is_kind = |text: &str| !person && Class::Common.has(text) || is_part(text) && !Class::Given.has(text);
    name.len() == 1 && word.shape == Shape::Capital && (is_kind(word.text) || is_kind(singular))
}

/// Whether a recognised name stands against the known names that it meets; the longer one usually does.
fn stands(tokens: &[Token<'_>], name: &mut Found, known: &[Found]) -> bool {
    if let Some(first) = known.first()
        && first.first == name.first
        && first.last < name.last
    {
        let next = &tokens[first.last];
        let people = first.kind == EntityType::Group
            && next.gap == Gap::Space
            && matches!(name.kind, EntityType::Person | EntityType::Other);
        // "Ukrainian Oleksa Benn", "China's Foreign Ministry"
        let skipped = if people { Some(0) } else { (next.shape == Shape::Possessive).then_some(1) };
        if let Some(from) = skipped.map(|marks| first.last + marks).filter(|from| *from < name.last) {
            name.first = from;
            return stands(tokens, name, &known[1..]);
        }
    }
    let is_full_person = |known: &Found| known.kind == EntityType::Person && known.len() > 1;
    let is_longer = |known: &Found| known.len() >= name.len();
    if known.iter().any(|known| is_full_person(known) || is_longer(known)) {
        return false;
    }
    // "V Praze", "Les États-Unis": small words with the capital of their sentence
    let small = |token: &Token<'_>| token.starts && (token.text.chars().count() == 1 || ARTICLES.contains(&token.text));
    let mut words = (name.first..name.last).filter(|at| tokens[*at].is_capital() && !small(&tokens[*at]));
    words.any(|at| !known.iter().any(|known| (known.first..known.last).contains(&at)))
}
