//! What the names beside a name tell of it: lists, brackets, parts of one person.

use super::spans::Found;
use crate::{
    lexicon::Class,
    token::{Gap, Shape, Style, Token},
};
use tidings_model::EntityType;

/// How sure the type of a name is that stands in a list of places.
const LISTED: f32 = 0.6;

/// From this confidence on, a type stands against that of the others in its list.
const FIRM: f32 = 0.99;

/// How sure an acronym is that stands in brackets behind its organisation.
const BRACKETED: f32 = 0.7;

/// The longest list, in names.
const LIST: usize = 12;

/// "Tigist" and "Worku" side by side are one person, and what follows with a capital is of the name too.
pub(super) fn join_persons(tokens: &[Token<'_>], found: &mut Vec<Found>) {
    let is_person = |name: &Found| name.kind == EntityType::Person && name.known.is_none();
    found.dedup_by(|next, name| {
        let beside = name.last == next.first && tokens[next.first].gap == Gap::Space;
        let one = beside && is_person(name) && is_person(next) && !tokens[next.first].starts;
        if one {
            name.last = next.last;
            name.confidence = name.confidence.max(next.confidence);
            name.told |= next.told;
        }
        one
    });
    for at in 0..found.len() {
        let end = found.get(at + 1).map_or(tokens.len(), |next| next.first);
        let name = &mut found[at];
        while is_person(name) && name.last < end && goes_on(&tokens[name.last]) {
            name.last += 1;
        }
    }
}

/// Whether a token after a person is of the name.
fn goes_on(token: &Token<'_>) -> bool {
    use Class::{Calendar, Common, Company, Event, Organisation, Part, PlaceLast, Suffix, Title};
    let other = [Calendar, Common, Company, Event, Organisation, Part, PlaceLast, Suffix, Title];
    token.shape == Shape::Capital
        && token.gap == Gap::Space
        && token.style == Style::Prose
        && !token.starts
        && !other.into_iter().any(|class| class.has(token.text))
}

/// "Iceland, Norway and Noravia": what stands in a list with a place is one, unless it is surely something else.
pub(super) fn type_lists(tokens: &[Token<'_>], found: &mut [Found]) {
    let mut from = 0;
    while from < found.len() {
        let pairs = found[from..].windows(2).take(LIST - 1);
        let links: Vec<Link> = pairs.map_while(|pair| link(tokens, &pair[0], &pair[1])).collect();
        let list = &mut found[from..=from + links.len()];
        let is_place = |name: &Found| name.kind == EntityType::Place && !is_rest(tokens, name);
        if links.contains(&Link::And) && list.iter().any(is_place) {
            let open = |name: &&mut Found| {
                name.known.is_none()
                    && name.confidence < FIRM
                    && !matches!(name.kind, EntityType::Place | EntityType::Group)
            };
            for name in list.iter_mut().filter(open) {
                (name.kind, name.confidence) = (EntityType::Place, LISTED);
            }
        }
        from += links.len() + 1;
    }
}

/// "Garuda Indonesia": a name of which only the end was found.
fn is_rest(tokens: &[Token<'_>], name: &Found) -> bool {
    let before = name.first.checked_sub(1).map(|at| &tokens[at]);
    before.is_some_and(|before| before.is_capital() && !before.starts && tokens[name.first].gap == Gap::Space)
}

#[derive(PartialEq)]
enum Link {
    Comma,
    And,
}

/// What joins two names of a list.
fn link(tokens: &[Token<'_>], left: &Found, right: &Found) -> Option<Link> {
    let between = &tokens[left.last..right.first];
    let is_and = |token: &Token<'_>| matches!(token.text, "and" | "or");
    match between {
        [comma] if comma.is_mark(",") => Some(Link::Comma),
        [and] if is_and(and) => Some(Link::And),
        [comma, and] if comma.is_mark(",") && is_and(and) => Some(Link::And),
        _ => None,
    }
}

/// "the Disaster Management Agency (Nadma)": a word in brackets behind an organisation is its short form.
pub(super) fn add_acronyms(tokens: &[Token<'_>], found: &mut Vec<Found>) {
    let acronym = |at: usize, name: &Found| {
        let [open, word, close] = tokens.get(name.last..name.last + 3)? else { return None };
        let bracketed = open.is_mark("(") && close.is_mark(")") && word.is_capital() && word.gap == Gap::Glued;
        let first = name.last + 1;
        let free = found.get(at + 1).is_none_or(|next| first < next.first);
        let organisation = name.kind == EntityType::Organisation && name.last - name.first > 1;
        let kind = EntityType::Organisation;
        (bracketed && free && organisation).then_some(Found {
            first,
            last: first + 1,
            known: None,
            kind,
            confidence: BRACKETED,
            told: true,
        })
    };
    let added: Vec<Found> = found.iter().enumerate().filter_map(|(at, name)| acronym(at, name)).collect();
    found.extend(added);
    found.sort_by_key(|name| name.first);
}
