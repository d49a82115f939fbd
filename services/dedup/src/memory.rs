//! All entries, and what is worked out from them: document frequencies, indexes by band and address, clusters.
//!
//! The whole is a function of the set of entries, whatever the order in which they were put: a state restored
//! from a compacted changelog answers as the live one. Slots are reused and never reach an answer.

use crate::{
    entry::{Entry, Fingerprint},
    frequency::Frequencies,
    postings::Postings,
    shingles::Shingles,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tidings_model::{ClusterId, ItemId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// How many of the newest items under one key are candidates.
const CANDIDATES: usize = 8;
/// How many of the newest arrivals tell the time.
const WITNESSES: usize = 15;

/// What is remembered, ready to be asked.
#[derive(Default)]
pub(crate) struct Memory {
    slots: Vec<Option<Kept>>,
    free: Vec<u32>,
    ids: Postings,
    arrivals: BTreeMap<u64, u32>,
    /// Entries with a fingerprint, and those without, by first sight and arrival.
    window: BTreeSet<(Timestamp, u64)>,
    beyond: BTreeSet<(Timestamp, u64)>,
    clusters: Postings,
    bands: Postings,
    addresses: Postings,
    pub frequencies: Frequencies,
}

/// One item's entry.
pub(crate) struct Kept {
    pub id: ItemId,
    pub entry: Arc<Entry>,
}

impl Memory {
    /// Puts an item's entry in the place of its former one.
    pub fn put(&mut self, id: &ItemId, entry: &Arc<Entry>) {
        self.forget(id);
        let kept = Some(Kept { id: id.clone(), entry: Arc::clone(entry) });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = kept;
                slot
            }
            None => {
                self.slots.push(kept);
                (self.slots.len() - 1) as u32
            }
        };
        self.arrivals.insert(entry.arrival, slot);
        let arrival = |slot: u32| self.slots[slot as usize].as_ref().map_or(0, |kept| kept.entry.arrival);
        self.ids.insert(key(id.as_str()), slot, arrival);
        self.clusters.insert(key(cluster(id, entry)), slot, arrival);
        let Some(fingerprint) = &entry.fingerprint else {
            self.beyond.insert((entry.seen, entry.arrival));
            return;
        };
        self.window.insert((entry.seen, entry.arrival));
        self.frequencies.add(&unweighed(fingerprint));
        fingerprint.bands.0.iter().for_each(|key| self.bands.insert(*key, slot, arrival));
        if let Some(address) = fingerprint.address {
            self.addresses.insert(address as u32, slot, arrival);
        }
    }

    /// Takes an item's entry out.
    pub fn forget(&mut self, id: &ItemId) {
        let Some(slot) = self.slot(id) else { return };
        let Some(Kept { entry, .. }) = self.slots[slot as usize].take() else { return };
        self.free.push(slot);
        self.arrivals.remove(&entry.arrival);
        self.ids.remove(key(id.as_str()), slot);
        self.clusters.remove(key(cluster(id, &entry)), slot);
        let Some(fingerprint) = &entry.fingerprint else {
            self.beyond.remove(&(entry.seen, entry.arrival));
            return;
        };
        self.window.remove(&(entry.seen, entry.arrival));
        self.frequencies.remove(&unweighed(fingerprint));
        fingerprint.bands.0.iter().for_each(|key| self.bands.remove(*key, slot));
        if let Some(address) = fingerprint.address {
            self.addresses.remove(address as u32, slot);
        }
    }

    /// What is remembered of an item.
    pub fn get(&self, id: &ItemId) -> Option<&Kept> {
        self.slot(id).map(|slot| self.kept(slot))
    }

    /// How many items are in the window.
    pub fn in_window(&self) -> usize {
        self.window.len()
    }

    /// The arrival number of the next new item.
    pub fn next_arrival(&self) -> u64 {
        self.arrivals.last_key_value().map_or(1, |(last, _)| last + 1)
    }

    /// What time the stream has come to: the median first sight of the newest arrivals. No single false date
    /// moves it, and when most of 15 agree on a far time, it follows there and back.
    pub fn now(&self) -> Timestamp {
        let mut seen = [Timestamp::ABSENT; WITNESSES];
        let newest = self.arrivals.values().rev().zip(&mut seen);
        let count = newest.map(|(slot, seen)| *seen = self.kept(*slot).entry.seen).count();
        let seen = &mut seen[..count];
        seen.sort_unstable();
        seen.get(count.saturating_sub(1) / 2).copied().unwrap_or_default()
    }

    /// At most `limit` items that were first seen longer than `window` ago and still have their fingerprints.
    pub fn aged(&self, window: Duration, limit: usize) -> impl Iterator<Item = &Kept> {
        self.older(&self.window, window, limit)
    }

    /// At most `limit` items that left the window and were first seen longer than `memory` ago.
    pub fn expired(&self, memory: Duration, limit: usize) -> impl Iterator<Item = &Kept> {
        self.older(&self.beyond, memory, limit)
    }

    fn older<'a>(
        &'a self,
        set: &'a BTreeSet<(Timestamp, u64)>,
        age: Duration,
        limit: usize,
    ) -> impl Iterator<Item = &'a Kept> {
        let now = self.now();
        let old = set.iter().take_while(move |(seen, _)| now.since(*seen) > age).take(limit);
        old.filter_map(|(_, arrival)| self.arrivals.get(arrival)).map(|slot| self.kept(*slot))
    }

    /// The items of the window with this address, newest first.
    pub fn at_address(&self, address: u64) -> impl Iterator<Item = &Kept> {
        let found = self.addresses.newest(address as u32).map(|slot| self.kept(slot));
        found.filter(move |kept| kept.entry.fingerprint.as_ref().and_then(|f| f.address) == Some(address))
    }

    /// The newest items of the window under any of these keys, newest first.
    pub fn candidates(&self, bands: &[u32]) -> Vec<&Kept> {
        let mut slots: Vec<u32> = bands.iter().flat_map(|key| self.bands.newest(*key).take(CANDIDATES)).collect();
        slots.sort_unstable();
        slots.dedup();
        let mut candidates: Vec<&Kept> = slots.into_iter().map(|slot| self.kept(slot)).collect();
        candidates.sort_unstable_by_key(|kept| std::cmp::Reverse(kept.entry.arrival));
        candidates
    }

    /// The members of a cluster, oldest first.
    fn members(&self, cluster: &ClusterId) -> impl Iterator<Item = &Kept> {
        let members = self.clusters.newest(key(cluster.as_str())).rev().map(|slot| self.kept(slot));
        members.filter(|kept| kept.is_in(cluster))
    }

    /// Whom copies are copies of: the oldest member that was not withdrawn, or else the oldest.
    pub fn representative(&self, cluster: &ClusterId) -> Option<&Kept> {
        self.members(cluster).find(|kept| !kept.entry.withdrawn).or_else(|| self.members(cluster).next())
    }

    fn slot(&self, id: &ItemId) -> Option<u32> {
        self.ids.newest(key(id.as_str())).find(|slot| self.kept(*slot).id == *id)
    }

    fn kept(&self, slot: u32) -> &Kept {
        self.slots[slot as usize].as_ref().expect("indexes hold only slots in use")
    }
}

impl Kept {
    /// Whether it belongs to a cluster.
    pub fn is_in(&self, other: &ClusterId) -> bool {
        cluster(&self.id, &self.entry) == other.as_str()
    }

    /// The cluster that it belongs to.
    pub fn cluster(&self) -> ClusterId {
        self.entry.cluster.clone().unwrap_or_else(|| self.id.clone().into())
    }
}

/// The cluster of an item: one is named after its first.
fn cluster<'a>(id: &'a ItemId, entry: &'a Entry) -> &'a str {
    entry.cluster.as_ref().map_or(id.as_str(), ClusterId::as_str)
}

fn key(id: &str) -> u32 {
    xxh3_64(id.as_bytes()) as u32
}

fn unweighed(fingerprint: &Fingerprint) -> Shingles {
    Shingles::new(&fingerprint.words.0, fingerprint.title.into(), |_| 0.0)
}
