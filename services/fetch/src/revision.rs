//! What changed between two documents of a feed: new entries, edits and withdrawals.
//!
//! An edit is another headline, summary or body; never another date. A withdrawal is declared (RFC 6721), or it is
//! inferred: the entry is missing from so many polls in a row although a newer and an older one are there. That is
//! only concluded in feeds that list their entries newest first by their own dates and give each its own guid; where
//! entries come and go by popularity, an absence says nothing. An entry that fell off the end is no news.

use crate::{
    EntryKey, FeedMemory, Seen, Told, entry_key,
    memory::{FORGET_AFTER, SEEN_LIMIT},
};
use std::collections::{BTreeMap, BTreeSet};
use tidings_feed::{Entry, Feed};
use tidings_model::{FeedId, Timestamp, digest};

/// What a document says that was not known.
pub(crate) struct Reading<'a> {
    /// To be told, the oldest first.
    pub news: Vec<(Seen, News<'a>)>,
    /// To be remembered.
    pub seen: Vec<Seen>,
    /// To be remembered.
    pub guids_repeat: bool,
}

/// What is to be told of an entry.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// Never seen before.
    New(&'a Entry),
    /// Its text differs, or it is back after a withdrawal; the names of what changed.
    Edited(&'a Entry, Vec<&'static str>),
    /// Taken back.
    Withdrawn,
}

/// Compares a document, read `at`, with what is remembered; `None` where it says nothing new.
pub(crate) fn compare<'a>(
    id: &FeedId,
    memory: &FeedMemory,
    feed: &'a Feed,
    at: Timestamp,
    withdraw_after: u16,
) -> Option<Reading<'a>> {
    let known: BTreeMap<EntryKey, &Seen> = memory.seen.iter().map(|seen| (seen.key, seen)).collect();
    let named = entry_key::name(id, &feed.entries, &known, memory.guids_repeat);
    let mut news = Vec::new();
    let mut seen = Vec::new();
    for (key, entry) in named.entries.into_iter().filter(|(_, entry)| has_text(entry)) {
        let before = known.get(&key).copied();
        let now = sight(key, entry, before, at);
        match before {
            None => news.push((now.clone(), News::New(entry))),
            Some(before) if now.no != before.no => {
                news.push((now.clone(), News::Edited(entry, changed(before, &now))));
            }
            Some(_) => {}
        }
        seen.push(now);
    }
    news.reverse();
    news.sort_by_key(|(seen, _)| seen.published.unwrap_or(at));

    let listed: BTreeSet<EntryKey> = seen.iter().map(|seen| seen.key).collect();
    let deleted: BTreeSet<EntryKey> = feed.deleted.iter().map(|guid| EntryKey::of(id, &[guid])).collect();
    let span = Span::of(&memory.seen).and(Span::of(&seen)).filter(|_| withdraw_after > 0 && !named.guids_repeat);
    let (absent, present): (Vec<&Seen>, Vec<&Seen>) = memory.seen.iter().partition(|seen| !listed.contains(&seen.key));
    let nothing_new = news.is_empty()
        && named.guids_repeat == memory.guids_repeat
        && present.iter().all(|seen| seen.missing == 0)
        && absent.iter().all(|seen| seen.missing > 0 && !is_suspect(seen, span))
        && absent.iter().all(|seen| seen.withdrawn || !deleted.contains(&seen.key));
    if nothing_new {
        return None;
    }
    for absent in absent {
        let mut absent = Seen { missing: absent.missing.saturating_add(1), ..absent.clone() };
        let declared = !absent.withdrawn && deleted.contains(&absent.key);
        if declared || (is_suspect(&absent, span) && absent.missing >= withdraw_after) {
            news.push((withdraw(&mut absent), News::Withdrawn));
        } else if absent.published.is_none_or(|at| span.is_none_or(|span| at <= span.oldest)) {
            absent.told = None;
        }
        if absent.missing < FORGET_AFTER {
            seen.push(absent);
        }
    }
    seen[listed.len()..].sort_by_key(|absent| absent.missing);
    seen.truncate(SEEN_LIMIT);
    Some(Reading { news, seen, guids_repeat: named.guids_repeat })
}

/// The same document again: what was missing is still missing. `None` where that concludes nothing.
pub(crate) fn again(memory: &FeedMemory, withdraw_after: u16) -> Option<Reading<'static>> {
    let span = Span::of(&memory.seen).filter(|_| withdraw_after > 0 && !memory.guids_repeat);
    if !memory.seen.iter().any(|seen| is_suspect(seen, span)) {
        return None;
    }
    let mut seen = memory.seen.as_ref().clone();
    let mut news = Vec::new();
    for suspect in seen.iter_mut().filter(|seen| is_suspect(seen, span)) {
        suspect.missing += 1;
        if suspect.missing >= withdraw_after {
            news.push((withdraw(suspect), News::Withdrawn));
        }
    }
    Some(Reading { news, seen, guids_repeat: memory.guids_repeat })
}

/// The dates of a document whose entries come newest first.
#[derive(Clone, Copy)]
struct Span {
    newest: Timestamp,
    oldest: Timestamp,
}

impl Span {
    /// Of the entries that are not missing; `None` where they come in another order, or without dates.
    fn of(seen: &[Seen]) -> Option<Self> {
        let dates = seen.iter().filter(|seen| seen.missing == 0).filter_map(|seen| seen.published);
        let dates: Vec<Timestamp> = dates.collect();
        let ordered = dates.is_sorted_by(|newer, older| newer >= older);
        ordered.then_some(Self { newest: *dates.first()?, oldest: *dates.last()? })
    }
}

/// Whether an entry is missing from the middle: a newer and an older one are there. One that is newer than all is
/// left in doubt, for a cache may have served an old copy of the feed.
fn is_suspect(seen: &Seen, span: Option<Span>) -> bool {
    let inside = |at: Timestamp| span.is_some_and(|span| span.oldest < at && at < span.newest);
    seen.missing > 0 && seen.told.is_some() && seen.published.is_some_and(inside)
}

/// Marks an entry as withdrawn; gives it as it is to be told.
fn withdraw(seen: &mut Seen) -> Seen {
    seen.no += 1;
    seen.withdrawn = true;
    let told = seen.clone();
    seen.told = None;
    told
}

/// An entry as it is remembered now.
pub(crate) fn sight(key: EntryKey, entry: &Entry, before: Option<&Seen>, at: Timestamp) -> Seen {
    let hashes = texts(entry).map(|(_, text)| hash(text));
    let no = match before {
        None => 1,
        Some(before) if before.hashes != hashes || before.withdrawn => before.no + 1,
        Some(before) => before.no,
    };
    Seen {
        key,
        no,
        hashes,
        published: entry.published,
        first_seen: before.map_or(at, |before| before.first_seen),
        missing: 0,
        withdrawn: false,
        told: Some(Told::new(entry.headline.as_deref(), entry.url.as_deref())),
    }
}

fn changed(before: &Seen, now: &Seen) -> Vec<&'static str> {
    let fields = ["headline", "summary", "body"].into_iter().zip(before.hashes.iter().zip(&now.hashes));
    let fields = fields.filter(|(_, (before, now))| before != now).map(|(field, _)| field);
    before.withdrawn.then_some("status").into_iter().chain(fields).collect()
}

fn texts(entry: &Entry) -> [(&'static str, &str); 3] {
    [("headline", &entry.headline), ("summary", &entry.summary), ("body", &entry.body)]
        .map(|(name, text)| (name, text.as_deref().unwrap_or("")))
}

fn has_text(entry: &Entry) -> bool {
    texts(entry).iter().any(|(_, text)| !text.is_empty())
}

fn hash(text: &str) -> u32 {
    u32::from_str_radix(&digest([text])[..8], 16).expect("eight hex digits")
}

#[cfg(test)]
mod tests;
