//! An index of a queue: which of its members have a key, the newest first. Built as LZ77 coders index their window:
//! a table of chains whose links lead back in time and end where the queue now begins, so that nothing is unlinked
//! when the oldest leaves.
//!
//! A link is how far back the next member of the chain is. Chains mix keys, so each posting has half of its key; the
//! table is large enough to tell the other half. Per member and key it takes six bytes, which lie together as they are
//! read together, and three to six in the table.

use std::{collections::VecDeque, hint::black_box, num::NonZeroU64};

/// An index of members with N keys each; zero is no key.
pub(crate) struct Index<const N: usize> {
    /// Newest posting of each chain, its number modulo 2³²; what points before the queue is an empty chain.
    heads: Vec<u32>,
    blocks: VecDeque<Block<N>>,
    /// Number of the first block. From 1, so that a fresh table points before it.
    first: u64,
}

struct Block<const N: usize> {
    slot: u32,
    postings: [Posting; N],
}

/// A link of a chain.
#[derive(Clone, Copy, Default)]
struct Posting {
    /// The high half of its key.
    key: u16,
    /// The low and the high half of its link; 0 where the chain ends.
    step: [u16; 2],
}

impl Posting {
    fn new(key: u16, step: u32) -> Self {
        Self { key, step: [step as u16, high(step)] }
    }

    fn step(self) -> u32 {
        u32::from(self.step[1]) << 16 | u32::from(self.step[0])
    }
}

/// The slot of what left.
const GONE: u32 = u32::MAX;
/// The table has at least so many chains: the number of a chain is the low half of its keys.
const CHAINS: usize = 1 << 16;

/// A chain on the way back in time: its key, the next posting, and how many slots are still wanted.
struct Walk {
    key: u32,
    posting: u64,
    wanted: usize,
}

impl<const N: usize> Default for Index<N> {
    fn default() -> Self {
        Self { heads: vec![0; CHAINS], blocks: VecDeque::new(), first: 1 }
    }
}

impl<const N: usize> Index<N> {
    /// Appends a member and tells its number.
    pub fn push(&mut self, keys: &[u32; N], slot: u32) -> NonZeroU64 {
        debug_assert!(slot != GONE);
        if self.blocks.len() * N * 2 > self.heads.len() * 3 {
            self.grow();
        }
        // the heads lie far apart, and memory that is asked for all at once answers them together
        black_box(keys.map(|key| self.heads[self.chain(key)]));
        let number = self.first + self.blocks.len() as u64;
        let mut postings = [Posting::default(); N];
        for (number, (key, posting)) in (number * N as u64..).zip(keys.iter().zip(&mut postings)) {
            *posting = Posting::new(high(*key), if *key == 0 { 0 } else { self.link(*key, number) });
        }
        self.blocks.push_back(Block { slot, postings });
        NonZeroU64::new(number).expect("numbers begin with 1")
    }

    /// Takes a member away.
    pub fn remove(&mut self, number: NonZeroU64) {
        self.blocks[(number.get() - self.first) as usize].slot = GONE;
        while self.blocks.front().is_some_and(|block| block.slot == GONE) {
            self.blocks.pop_front();
            self.first += 1;
        }
    }

    /// Appends the slots of the newest members with each of these keys, at most `most` of a key. All chains are walked
    /// abreast: the links lie far apart, and memory that is asked for many at once answers them together.
    pub fn newest(&self, keys: &[u32], most: usize, slots: &mut Vec<u32>) {
        let end = self.end();
        let head = |key: &u32| Some(Walk { key: *key, posting: self.head(*key, end)?, wanted: most });
        let mut walks = Vec::with_capacity(keys.len());
        walks.extend(keys.iter().filter(|key| **key != 0).filter_map(head));
        let mut found = Vec::with_capacity(walks.len());
        while !walks.is_empty() {
            found.clear();
            found.extend(walks.iter().map(|walk| self.at(walk.posting)));
            let mut found = found.iter();
            walks.retain_mut(|walk| {
                let Some(Some(posting)) = found.next().copied() else { return false };
                if posting.key == high(walk.key)
                    && let Some(slot) = self.slot(walk.posting)
                {
                    slots.push(slot);
                    walk.wanted -= 1;
                }
                walk.posting = walk.posting.saturating_sub(posting.step().into());
                posting.step() != 0 && walk.wanted > 0
            });
        }
    }

    /// The posting of this number, if it is still in the queue.
    fn at(&self, posting: u64) -> Option<Posting> {
        Some(self.block(posting)?.postings[(posting % N as u64) as usize])
    }

    /// Whose posting it is, unless that has left.
    fn slot(&self, posting: u64) -> Option<u32> {
        self.block(posting).map(|block| block.slot).filter(|slot| *slot != GONE)
    }

    fn block(&self, posting: u64) -> Option<&Block<N>> {
        self.blocks.get((posting / N as u64).checked_sub(self.first)? as usize)
    }

    /// The number that the next posting would have.
    fn end(&self) -> u64 {
        (self.first + self.blocks.len() as u64) * N as u64
    }

    fn chain(&self, key: u32) -> usize {
        key as usize & (self.heads.len() - 1)
    }

    /// The newest posting before `end` of the chain of a key, if it is still in the queue.
    fn head(&self, key: u32, end: u64) -> Option<u64> {
        let head = self.heads[self.chain(key)];
        let posting = end.checked_sub((end as u32).wrapping_sub(head).into())?;
        (posting < end && posting / N as u64 >= self.first).then_some(posting)
    }

    /// Puts a posting at the head of its chain and tells its link.
    fn link(&mut self, key: u32, posting: u64) -> u32 {
        // a chain that is older than 2³² postings ends here
        let step = self.head(key, posting).and_then(|older| u32::try_from(posting - older).ok());
        let chain = self.chain(key);
        self.heads[chain] = posting as u32;
        step.unwrap_or(0)
    }

    /// Parts each chain into those of a larger table. It goes through all postings in their order, not along the
    /// chains, whose links lie far apart: backwards it hands the low half of the key on to the next of a chain.
    fn grow(&mut self) {
        let chains = (self.blocks.len() * N).next_power_of_two().max(CHAINS);
        let (begin, end) = (self.first * N as u64, self.end());
        let mut lows = vec![0; (end - begin) as usize];
        for chain in 0..self.heads.len() as u32 {
            if let Some(head) = self.head(chain, end) {
                lows[(head - begin) as usize] = chain as u16;
            }
        }
        for (number, block) in self.blocks.iter().enumerate().rev() {
            for (at, posting) in block.postings.iter().enumerate().rev() {
                let place = number * N + at;
                if let Some(next) = place.checked_sub(posting.step() as usize) {
                    lows[next] = lows[place];
                }
            }
        }
        self.heads = vec![0; chains];
        let mut blocks = std::mem::take(&mut self.blocks);
        let postings = blocks.iter_mut().flat_map(|block| &mut block.postings);
        for ((posting, low), number) in postings.zip(lows).zip(begin..) {
            let key = u32::from(posting.key) << 16 | u32::from(low);
            if key != 0 {
                *posting = Posting::new(posting.key, self.link(key, number));
            }
        }
        self.blocks = blocks;
    }
}

fn high(key: u32) -> u16 {
    (key >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Against a model: a map of lists.
    #[test]
    fn members_are_found_newest_first_until_they_leave() {
        let mut index = Index::<3>::default();
        let mut model: BTreeMap<NonZeroU64, (u32, [u32; 3])> = BTreeMap::new();
        for n in 1..60_000u32 {
            let key = |salt| crate::sketch::mix(u64::from(n / 3 * 7 + salt)) as u32 % 900;
            // half of the keys differ in the bit that tells chains apart once the table has grown
            let keys = [key(1), key(2), key(3) | 1 << 16];
            let number = index.push(&keys, n);
            assert!(model.keys().all(|other| *other < number));
            model.insert(number, (n, keys));
            if n % 5 == 0 {
                let chosen =
                    model.keys().nth(crate::sketch::mix(n.into()) as usize % model.len().min(900)).copied().unwrap();
                model.remove(&chosen);
                index.remove(chosen);
            }
            if n > 45_000 {
                let (oldest, _) = model.pop_first().unwrap();
                index.remove(oldest);
            }
            if n % 4999 == 0 {
                for key in (1..900).step_by(7).chain((1..900).step_by(11).map(|key| key | 1 << 16)) {
                    let mut found = Vec::new();
                    index.newest(&[key, 0], 40, &mut found);
                    let with = |(slot, keys): &(u32, [u32; 3])| {
                        keys.iter().filter(|other| **other == key).map(|_| *slot).collect::<Vec<_>>()
                    };
                    let expected: Vec<u32> = model.values().rev().flat_map(with).take(40).collect();
                    assert_eq!(found, expected, "{key} at {n}");
                }
            }
        }
        assert!(
            index.heads.len() > CHAINS && index.blocks.len() < 46_000,
            "{} {}",
            index.heads.len(),
            index.blocks.len()
        );
    }
}
