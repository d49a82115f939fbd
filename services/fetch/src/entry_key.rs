//! Which entry is which: the identity of an entry within its feed.
//!
//! An entry is named by its guid, else its link, else its text. Publishers who give one guid to several entries
//! exist; once a feed has done so, its entries are named by guid and link, and where that repeats too, by the text
//! as well. Entries known under their plain guid keep it, so nothing is told twice when a feed starts to repeat.

use crate::memory::Seen;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tidings_feed::Entry;
use tidings_model::{FeedId, ItemId, digest};

/// An entry of a feed: 128 bits, the number behind its [`ItemId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryKey(u128);

impl EntryKey {
    /// The entry of `feed` that `identity` names.
    pub fn of(feed: &FeedId, identity: &[&str]) -> Self {
        let hex = digest([feed.as_str()].into_iter().chain(identity.iter().copied()));
        Self(u128::from_str_radix(&hex, 16).expect("a digest is 32 hex digits"))
    }

    /// As items carry it.
    pub fn item_id(self) -> ItemId {
        ItemId::parse(&format!("{:032x}", self.0)).expect("32 bytes are an id")
    }
}

/// The entries of one document with their keys, in its order; exact repeats are dropped.
pub(crate) struct Keyed<'a> {
    pub entries: Vec<(EntryKey, &'a Entry)>,
    /// Whether the feed gives one guid to several entries, now or ever before.
    pub guids_repeat: bool,
}

/// Names the entries of a document of `feed`, of which `seen` is remembered.
pub(crate) fn name<'a>(
    feed: &FeedId,
    entries: &'a [Entry],
    seen: &BTreeMap<EntryKey, &Seen>,
    guids_repeat: bool,
) -> Keyed<'a> {
    let mut exact = BTreeSet::new();
    let entries: Vec<Naming<'a>> =
        entries.iter().map(|entry| Naming::new(feed, entry)).filter(|naming| exact.insert(naming.text)).collect();
    let guids_repeat = guids_repeat || count(&entries, |naming| naming.guid).values().any(|&times| times > 1);
    let linked = count(&entries, |naming| naming.link);
    let mut taken = BTreeSet::new();
    let mut key = |naming: &Naming<'a>| {
        let same_link = |known: &Seen| known.told.as_ref().is_none_or(|told| told.url == naming.entry.url);
        if !guids_repeat {
            naming.guid
        } else if linked[&naming.link] > 1 || seen.contains_key(&naming.text) {
            naming.text
        } else if seen.get(&naming.guid).is_some_and(|known| same_link(known)) && taken.insert(naming.guid) {
            naming.guid
        } else {
            naming.link
        }
    };
    Keyed { entries: entries.iter().map(|naming| (key(naming), naming.entry)).collect(), guids_repeat }
}

/// An entry under its three possible names, from the broadest to the narrowest.
struct Naming<'a> {
    entry: &'a Entry,
    guid: EntryKey,
    link: EntryKey,
    text: EntryKey,
}

impl<'a> Naming<'a> {
    fn new(feed: &FeedId, entry: &'a Entry) -> Self {
        let identity = entry.identity();
        let link = entry.url.as_deref().unwrap_or("");
        let text = [&entry.headline, &entry.summary, &entry.body].map(|text| text.as_deref().unwrap_or(""));
        Self {
            entry,
            guid: EntryKey::of(feed, &[&identity]),
            link: EntryKey::of(feed, &[&identity, link]),
            text: EntryKey::of(feed, &[&identity, link, text[0], text[1], text[2]]),
        }
    }
}

fn count(entries: &[Naming<'_>], key: impl Fn(&Naming<'_>) -> EntryKey) -> BTreeMap<EntryKey, usize> {
    let mut times = BTreeMap::new();
    for naming in entries {
        *times.entry(key(naming)).or_default() += 1;
    }
    times
}
