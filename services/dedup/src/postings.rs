//! An index: which slots are posted under a key, in order of arrival. A key is half a hash, so who asks checks
//! what the slots hold.
//!
//! Nearly all keys have one slot, which then lies in the table itself: eight bytes a key. The rest have a list.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Slots by key. The caller tells the arrival number of a slot, by which lists are sorted.
#[derive(Default)]
pub(crate) struct Postings {
    /// A slot, or [`LIST`] and the number of a list.
    heads: HashMap<u32, u32, BuildHasherDefault<Mixed>>,
    lists: Vec<Vec<u32>>,
    free: Vec<u32>,
}

const LIST: u32 = 1 << 31;

impl Postings {
    /// Posts a slot, in its place by arrival.
    pub fn insert(&mut self, key: u32, slot: u32, arrival: impl Fn(u32) -> u64) {
        debug_assert!(slot < LIST);
        let Some(head) = self.heads.get_mut(&key) else {
            self.heads.insert(key, slot);
            return;
        };
        if *head & LIST == 0 {
            let list = vec![*head];
            *head = match self.free.pop() {
                Some(number) => {
                    self.lists[number as usize] = list;
                    LIST | number
                }
                None => {
                    self.lists.push(list);
                    LIST | (self.lists.len() - 1) as u32
                }
            };
        }
        let list = &mut self.lists[(*head ^ LIST) as usize];
        // live arrivals come in order; a compacted changelog brings revised items late
        let after = list.iter().rposition(|other| arrival(*other) < arrival(slot)).map_or(0, |place| place + 1);
        list.insert(after, slot);
    }

    /// Takes a slot away.
    pub fn remove(&mut self, key: u32, slot: u32) {
        let Some(head) = self.heads.get_mut(&key) else { return };
        if *head == slot {
            self.heads.remove(&key);
            return;
        }
        if *head & LIST == 0 {
            return;
        }
        let number = *head ^ LIST;
        let list = &mut self.lists[number as usize];
        // the oldest leaves first
        if let Some(place) = list.iter().position(|other| *other == slot) {
            list.remove(place);
        }
        if let [last] = list[..] {
            *head = last;
            *list = Vec::new();
            self.free.push(number);
        }
    }

    /// The slots of a key, newest arrival first.
    pub fn newest(&self, key: u32) -> impl DoubleEndedIterator<Item = u32> {
        let head = self.heads.get(&key).copied();
        let list = head.filter(|head| head & LIST != 0).map(|head| &self.lists[(head ^ LIST) as usize]);
        let one = head.filter(|head| head & LIST == 0);
        one.into_iter().chain(list.into_iter().flat_map(|list| list.iter().rev().copied()))
    }
}

/// Keys are mixed already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }
    fn write_u32(&mut self, key: u32) {
        // the table takes its place from the low bits and its tag from the high ones
        self.0 = u64::from(key) << 32 | u64::from(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_by_arrival_and_shrink() {
        let mut postings = Postings::default();
        // slot 9 came first, whatever the order of insertion
        let arrival = |slot: u32| u64::from(9 - slot);
        let under = |postings: &Postings, key| postings.newest(key).collect::<Vec<_>>();
        for (key, slot) in [(7, 3), (7, 9), (7, 5), (8, 1), (8, 0)] {
            postings.insert(key, slot, arrival);
        }
        assert_eq!(under(&postings, 7), [3, 5, 9]);
        for (slot, left) in [(5, vec![3, 9]), (9, vec![3]), (3, vec![])] {
            postings.remove(7, slot);
            assert_eq!(under(&postings, 7), left);
        }
        assert_eq!(under(&postings, 8), [0, 1]);
        postings.insert(9, 2, arrival);
        postings.insert(9, 1, arrival);
        assert_eq!((under(&postings, 9), postings.lists.len()), (vec![1, 2], 2));
    }
}
