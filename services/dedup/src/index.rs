//! An index of a queue: which of its members have a key, the newest first. Built as LZ77 coders index their window:
//! a table of chains whose links lead back in time and end where the queue now begins, so that nothing is unlinked
//! when the oldest leaves.
//!
//! A link is how far back the next member of the chain is. Chains may mix keys; who walks one checks each. Per member
//! and key it takes eight bytes, and three to six in the table.

use std::{collections::VecDeque, num::NonZeroU64};

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
    keys: [u32; N],
    steps: [u32; N],
}

/// The slot of what left.
const GONE: u32 = u32::MAX;

impl<const N: usize> Default for Index<N> {
    fn default() -> Self {
        Self { heads: vec![0; 1024], blocks: VecDeque::new(), first: 1 }
    }
}

impl<const N: usize> Index<N> {
    /// Appends a member and tells its number.
    pub fn push(&mut self, keys: &[u32; N], slot: u32) -> NonZeroU64 {
        debug_assert!(slot != GONE);
        if self.blocks.len() * N * 2 > self.heads.len() * 3 {
            self.grow();
        }
        let number = self.first + self.blocks.len() as u64;
        self.blocks.push_back(Block { slot, keys: *keys, steps: [0; N] });
        self.link(number);
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

    /// The slots of the members with a key, newest first.
    pub fn newest(&self, key: u32) -> impl Iterator<Item = u32> {
        let end = (self.first + self.blocks.len() as u64) * N as u64;
        let mut next = self.head(key, end);
        std::iter::from_fn(move || {
            loop {
                let posting = next?;
                let block = self.block(posting)?;
                let place = (posting % N as u64) as usize;
                next = match block.steps[place] {
                    0 => None,
                    step => posting.checked_sub(step.into()),
                };
                if block.keys[place] == key && block.slot != GONE {
                    return Some(block.slot);
                }
            }
        })
    }

    fn block(&self, posting: u64) -> Option<&Block<N>> {
        self.blocks.get((posting / N as u64).checked_sub(self.first)? as usize)
    }

    /// The newest posting before `end` of the chain of a key, if it is still in the queue.
    fn head(&self, key: u32, end: u64) -> Option<u64> {
        let head = self.heads[key as usize & (self.heads.len() - 1)];
        let posting = end.checked_sub((end as u32).wrapping_sub(head).into())?;
        (posting < end && posting / N as u64 >= self.first).then_some(posting)
    }

    /// Puts the keys of a block at the heads of their chains.
    fn link(&mut self, number: u64) {
        let at = (number - self.first) as usize;
        for place in 0..N {
            let key = self.blocks[at].keys[place];
            if key == 0 {
                continue;
            }
            let posting = number * N as u64 + place as u64;
            // a chain that is older than 2³² postings ends here
            let step = self.head(key, posting).and_then(|older| u32::try_from(posting - older).ok());
            self.blocks[at].steps[place] = step.unwrap_or(0);
            let chain = key as usize & (self.heads.len() - 1);
            self.heads[chain] = posting as u32;
        }
    }

    fn grow(&mut self) {
        self.heads = Vec::new();
        self.heads = vec![0; (self.blocks.len() * N).next_power_of_two()];
        (self.first..self.first + self.blocks.len() as u64).for_each(|number| self.link(number));
    }
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
        for n in 1..6000u32 {
            let key = |salt| crate::sketch::mix(u64::from(n / 3 * 7 + salt)) as u32 % 900;
            let keys = [key(1), key(2), key(3) | 1 << 20];
            let number = index.push(&keys, n);
            assert!(model.keys().all(|other| *other < number));
            model.insert(number, (n, keys));
            if n % 5 == 0 {
                let chosen = model.keys().nth(crate::sketch::mix(n.into()) as usize % model.len()).copied().unwrap();
                model.remove(&chosen);
                index.remove(chosen);
            }
            if n > 2500 {
                let (oldest, _) = model.pop_first().unwrap();
                index.remove(oldest);
            }
            if n % 97 == 0 {
                for key in (1..900).chain((1..900).map(|key| key | 1 << 20)) {
                    let found: Vec<u32> = index.newest(key).collect();
                    let with = |(slot, keys): &(u32, [u32; 3])| {
                        keys.iter().filter(|other| **other == key).map(|_| *slot).collect::<Vec<_>>()
                    };
                    let expected: Vec<u32> = model.values().rev().flat_map(with).collect();
                    assert_eq!(found, expected, "{key} at {n}");
                }
            }
        }
        assert!(index.heads.len() > 1024 && index.blocks.len() < 4000);
    }
}
