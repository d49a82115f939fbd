//! All entries, and what is worked out from them: document frequencies, indexes by band and address, clusters.
//!
//! The whole is a function of the newest change of each item, in the order of these changes: a state restored from a
//! compacted changelog answers as the live one. Slots are reused and never reach an answer. Items leave the window,
//! and then the memory, in the order in which they came.

use crate::{
    config::Config,
    entry::{Entry, Fingerprint},
    frequency::Frequencies,
    index::Index,
    kept::{Id, Kept, Print},
    postings::Postings,
    shingles::Shingles,
    sketch::{ALGORITHM, BANDS, LEADS, Sketch},
    sources::Sources,
};
use std::{cmp::Reverse, collections::VecDeque, time::Duration};
use tidings_model::{ClusterId, ItemId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// How many of the newest items under one key are candidates.
const CANDIDATES: usize = 8;
/// How many of the newest arrivals tell the time.
const WITNESSES: usize = 15;
/// A text with fewer words is no evidence: "Live updates" is not the same news each time.
pub(crate) const SHORTEST: usize = 3;
/// The slot of an arrival that is remembered no more.
const FORGOTTEN: u32 = u32::MAX;

/// What is remembered, ready to be asked.
#[derive(Default)]
pub(crate) struct Memory {
    slots: Vec<Option<Kept>>,
    free: Vec<u32>,
    /// Slots in order of arrival, from the arrival `oldest`.
    order: VecDeque<u32>,
    oldest: u64,
    /// The oldest arrival with a fingerprint, and how many have one.
    window_from: u64,
    in_window: usize,
    ids: Postings,
    /// Those that joined a cluster, by cluster.
    copies: Postings,
    leads: Index<LEADS>,
    wholes: Index<BANDS>,
    sentences: Postings,
    addresses: Postings,
    pub sources: Sources,
    pub frequencies: Frequencies,
}

impl Memory {
    /// Puts an item's entry in the place of its former one.
    pub fn put(&mut self, id: &ItemId, entry: &Entry) {
        self.forget(id);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        let source = self.sources.hold(entry.publisher.as_deref(), entry.domain.as_deref());
        let print = entry.fingerprint.as_ref().map(|fingerprint| self.index(fingerprint, slot, entry.arrival));
        if print.is_some() {
            self.window_from = if self.in_window == 0 { entry.arrival } else { self.window_from.min(entry.arrival) };
            self.in_window += 1;
        }
        let kept = Kept::new(id, entry, source, print);
        let arrival = entry.arrival;
        self.ids.insert(key(id.as_str()), slot, arrivals(&self.slots, slot, arrival));
        if let Some(cluster) = &entry.cluster {
            self.copies.insert(key(cluster.as_str()), slot, arrivals(&self.slots, slot, arrival));
        }
        self.slots[slot as usize] = Some(kept);
        self.enter(arrival, slot);
    }

    /// Puts an arrival into the order.
    fn enter(&mut self, arrival: u64, slot: u32) {
        if self.order.is_empty() {
            self.oldest = arrival;
        }
        while arrival < self.oldest {
            self.order.push_front(FORGOTTEN);
            self.oldest -= 1;
        }
        let place = (arrival - self.oldest) as usize;
        while self.order.len() <= place {
            self.order.push_back(FORGOTTEN);
        }
        self.order[place] = slot;
    }

    /// Puts a fingerprint under its keys. One of another algorithm is sketched anew.
    fn index(&mut self, fingerprint: &Fingerprint, slot: u32, arrival: u64) -> Print {
        let words: Vec<u32> = fingerprint.words.iter().collect();
        let title = usize::from(fingerprint.title);
        let mut print = Print::new(fingerprint);
        if words.len() >= SHORTEST {
            let sketch = fingerprint.sketch(ALGORITHM).unwrap_or_else(|| {
                let text = Shingles::new(&words, title, self.frequencies.weigh());
                Sketch::new(&words, title, &text, self.frequencies.common())
            });
            print.set_bits(sketch.bits);
            print.lead = Some(self.leads.push(&sketch.lead, slot));
            print.whole = sketch.whole.map(|keys| self.wholes.push(&keys, slot));
        }
        self.frequencies.add(&words, title);
        for sentence in print.sentences() {
            self.sentences.insert(sentence, slot, arrivals(&self.slots, slot, arrival));
        }
        if let Some(address) = print.address() {
            self.addresses.insert(address as u32, slot, arrivals(&self.slots, slot, arrival));
        }
        print
    }

    /// Takes an item's entry out.
    pub fn forget(&mut self, id: &ItemId) {
        let Some(slot) = self.slot(&Id::new(id.as_str()), key(id.as_str())) else { return };
        let Some(kept) = self.slots[slot as usize].take() else { return };
        self.free.push(slot);
        self.ids.remove(key(id.as_str()), slot);
        if let Some(cluster) = kept.place.as_ref().and_then(|place| place.cluster.as_ref()) {
            self.copies.remove(key(&cluster.text()), slot);
        }
        self.sources.release(kept.source);
        self.order[(kept.arrival - self.oldest) as usize] = FORGOTTEN;
        while self.order.front() == Some(&FORGOTTEN) {
            self.order.pop_front();
            self.oldest += 1;
        }
        while self.order.back() == Some(&FORGOTTEN) {
            self.order.pop_back();
        }
        let Some(print) = kept.print else { return };
        self.in_window -= 1;
        self.window_from = self.next_in_window(self.window_from);
        let words: Vec<u32> = print.words().collect();
        self.frequencies.remove(&words, print.title.into());
        print.lead.into_iter().for_each(|number| self.leads.remove(number));
        print.whole.into_iter().for_each(|number| self.wholes.remove(number));
        print.sentences().for_each(|sentence| self.sentences.remove(sentence, slot));
        print.address().into_iter().for_each(|address| self.addresses.remove(address as u32, slot));
    }

    /// The first arrival from `from` with a fingerprint.
    fn next_in_window(&self, from: u64) -> u64 {
        let mut arrivals = from..self.oldest + self.order.len() as u64;
        arrivals.find(|arrival| self.at(*arrival).is_some_and(|kept| kept.print.is_some())).unwrap_or(arrivals.end)
    }

    fn at(&self, arrival: u64) -> Option<&Kept> {
        let slot = *self.order.get(arrival.checked_sub(self.oldest)? as usize)?;
        self.slots.get(slot as usize)?.as_ref()
    }

    /// What is remembered of an item.
    pub fn get(&self, id: &ItemId) -> Option<&Kept> {
        self.slot(&Id::new(id.as_str()), key(id.as_str())).map(|slot| self.kept(slot))
    }

    /// How many items are in the window.
    pub fn in_window(&self) -> usize {
        self.in_window
    }

    /// How many items are remembered, in the window and beyond.
    pub fn remembered(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How far back the window reaches.
    pub fn reach(&self, now: Timestamp) -> Duration {
        self.at(self.window_from).map_or(Duration::ZERO, |oldest| now.since(oldest.came()))
    }

    /// The arrival number of the next new item.
    pub fn next_arrival(&self) -> u64 {
        if self.order.is_empty() { 1 } else { self.oldest + self.order.len() as u64 }
    }

    /// What time the stream has come to: the median of what the newest arrivals came with. Late items come with that time,
    /// so they never lower it; items of the future raise it when most of the newest agree, and by more than a window
    /// only when all do. Were all of them wrong, it stays there until the stream has come to it: what is compared is
    /// still what was seen within a window, but only its number bounds what is remembered.
    pub fn now(&self, window: Duration) -> Timestamp {
        let mut times = [Timestamp::ABSENT; WITNESSES];
        let first = self.remembered() < WITNESSES;
        let newest = self.order.iter().rev().filter(|slot| **slot != FORGOTTEN).map(|slot| self.kept(*slot));
        // the first few came before there was a time to come with
        let told = newest.map(|kept| if first { kept.seen } else { kept.came() });
        let count = told.zip(&mut times).map(|(told, time)| *time = told).count();
        let times = &mut times[..count];
        times.sort_unstable();
        let Some(earliest) = times.first() else { return Timestamp::ABSENT };
        let median = &times[(count - 1) / 2];
        if median.since(*earliest) > window { *earliest } else { *median }
    }

    /// At most `limit` items that leave the window now: their time is over, or there is no room for them any more.
    pub fn aged(&self, now: Timestamp, config: &Config, limit: usize) -> Vec<(&Kept, bool)> {
        let too_many = (self.in_window + 1).saturating_sub(config.window_items);
        let arrivals = self.window_from..self.oldest + self.order.len() as u64;
        let kept = arrivals.filter_map(|arrival| self.at(arrival)).filter(|kept| kept.print.is_some());
        leavers(kept.take(limit), too_many, now, config.window)
    }

    /// At most `limit` items that are to be forgotten now.
    pub fn expired(&self, now: Timestamp, config: &Config, limit: usize) -> Vec<(&Kept, bool)> {
        let too_many = (self.remembered() + 1).saturating_sub(config.memory_items);
        let kept = self.order.iter().filter(|slot| **slot != FORGOTTEN).map(|slot| self.kept(*slot));
        let faded = kept.take_while(|kept| kept.print.is_none());
        leavers(faded.take(limit), too_many, now, config.memory)
    }

    /// Whether an item is recent enough for the window.
    pub fn is_recent(&self, kept: &Kept, window: Duration) -> bool {
        self.now(window).since(kept.came()) <= window
    }

    /// The items of the window with this address, newest first.
    pub fn at_address(&self, address: u64) -> impl Iterator<Item = &Kept> {
        let found = self.addresses.newest(address as u32).map(|slot| self.kept(slot));
        found.filter(move |kept| kept.print.as_ref().and_then(|print| print.address()) == Some(address))
    }

    /// The newest items of the window under any of these keys, newest first. Sentences lead from an extract to all,
    /// and from all to extracts.
    pub fn candidates(&self, sketch: &Sketch, sentences: &[u32], extract: bool) -> Vec<&Kept> {
        let mut slots = Vec::with_capacity(LEADS * 2);
        self.leads.newest(&sketch.lead, CANDIDATES, &mut slots);
        self.wholes.newest(sketch.whole.as_ref().map_or(&[], |keys| &keys[..]), CANDIDATES, &mut slots);
        let is_extract = |slot: &u32| extract || self.kept(*slot).print.as_ref().is_some_and(|print| print.extract);
        for sentence in sentences {
            slots.extend(self.sentences.newest(*sentence).filter(is_extract).take(CANDIDATES));
        }
        slots.sort_unstable();
        slots.dedup();
        // entries lie far apart: all are asked for their arrival at once, not while they are sorted
        let arrivals = slots.into_iter().map(|slot| self.kept(slot)).map(|kept| (kept.arrival, kept));
        let mut candidates: Vec<_> = arrivals.collect();
        candidates.sort_unstable_by_key(|(arrival, _)| Reverse(*arrival));
        candidates.into_iter().map(|(_, kept)| kept).collect()
    }

    /// The members of a cluster, oldest first: the one that it is named after, and those that joined it.
    fn members(&self, cluster: &ClusterId) -> impl Iterator<Item = &Kept> {
        let (id, key) = (Id::new(cluster.as_str()), key(cluster.as_str()));
        let named = self.slot(&id, key).map(|slot| self.kept(slot)).filter(|kept| *kept.cluster_id() == id);
        let joined = self.copies.newest(key).rev().map(|slot| self.kept(slot));
        named.into_iter().chain(joined.filter(move |kept| *kept.cluster_id() == id))
    }

    /// Whom copies are copies of: the oldest member that was not withdrawn, or else the oldest.
    pub fn representative(&self, cluster: &ClusterId) -> Option<&Kept> {
        self.members(cluster).find(|kept| !kept.withdrawn).or_else(|| self.members(cluster).next())
    }

    /// Who represents a cluster when `id` no longer does.
    pub fn successor(&self, cluster: &ClusterId, id: &ItemId) -> Option<&Kept> {
        let id = Id::new(id.as_str());
        self.members(cluster).find(|kept| !kept.withdrawn && kept.id != id)
    }

    fn slot(&self, id: &Id, key: u32) -> Option<u32> {
        self.ids.newest(key).find(|slot| self.kept(*slot).id == *id)
    }

    fn kept(&self, slot: u32) -> &Kept {
        self.slots[slot as usize].as_ref().expect("indexes hold only slots in use")
    }
}

/// Of the oldest items those older than `age` or too many, and whether only for want of room. Whatever came before
/// something old is old, though a false date may say otherwise.
fn leavers<'a>(
    oldest: impl Iterator<Item = &'a Kept>,
    too_many: usize,
    now: Timestamp,
    age: Duration,
) -> Vec<(&'a Kept, bool)> {
    let mut oldest = oldest.peekable();
    let is_old = |kept: &Kept| now.since(kept.came()) > age;
    // nearly always the first one is neither old nor of the future
    if too_many == 0 && oldest.peek().is_none_or(|kept| kept.came() <= now && !is_old(kept)) {
        return Vec::new();
    }
    let oldest: Vec<_> = oldest.collect();
    let old = oldest.iter().rposition(|kept| is_old(kept)).map_or(0, |last| last + 1);
    let leave = oldest.into_iter().take(old.max(too_many)).enumerate();
    leave.map(|(place, kept)| (kept, place >= old)).collect()
}

/// The arrival of a slot, of which one is not filled yet.
fn arrivals(slots: &[Option<Kept>], new: u32, arrival: u64) -> impl Fn(u32) -> u64 {
    move |slot| match &slots[slot as usize] {
        Some(kept) if slot != new => kept.arrival,
        _ => arrival,
    }
}

fn key(id: &str) -> u32 {
    xxh3_64(id.as_bytes()) as u32
}
