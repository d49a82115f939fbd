//! In how many items of the window each word and pair of words occurs.
//!
//! Counts are kept by the low 22 bits of the hash: a rare collision makes a word look a little more common than
//! it is. They are exact otherwise, for what leaves the window is counted down.

use crate::shingles;
use std::collections::HashMap;

const BITS: u32 = 22;
/// A window with fewer items is weighed as if it had so many: in it, everything looks rare.
const FEWEST: u32 = 5000;
/// What the commonest features weigh in a large window: as in one of 20,000 items.
const FLOOR: f32 = 1.6;
/// Features in more than this share of the items make no candidates, but so many items may always have one.
const COMMON: f32 = 0.002;
const COMMON_ITEMS: u32 = 8;
/// A text of which all is in so many items may be a notice.
const REPEATED_ITEMS: u32 = 4;

/// Document frequencies of the live window.
pub(crate) struct Frequencies {
    /// Counts below [`MANY`]; the others are in `many`, by place.
    counts: Box<[u16; 1 << BITS]>,
    many: HashMap<usize, u32>,
    items: u32,
    /// ln(n + ½) for small n.
    logarithms: Box<[f32]>,
    /// For telling repeats within a text: a hash set with the features of one text, all zeros between texts.
    seen: Vec<u32>,
}

/// Few words are in so many items, so half of the memory is enough for the counts of the others.
const MANY: u16 = u16::MAX;

impl Default for Frequencies {
    fn default() -> Self {
        Self {
            counts: vec![0; 1 << BITS].try_into().expect("as long as said"),
            many: HashMap::new(),
            items: 0,
            logarithms: (0..4096u16).map(|n| (f32::from(n) + 0.5).ln()).collect(),
            seen: Vec::new(),
        }
    }
}

impl Frequencies {
    /// Counts the features of a text.
    pub fn add(&mut self, words: &[u32], title: usize) {
        self.items += 1;
        let Self { counts, many, seen, .. } = self;
        distinct(words, title, seen, |place| match &mut counts[place] {
            &mut MANY => *many.entry(place).or_default() += 1,
            count => {
                *count += 1;
                if *count == MANY {
                    many.insert(place, MANY.into());
                }
            }
        });
    }

    /// Counts them down again.
    pub fn remove(&mut self, words: &[u32], title: usize) {
        self.items -= 1;
        let Self { counts, many, seen, .. } = self;
        distinct(words, title, seen, |place| match &mut counts[place] {
            count @ &mut MANY => {
                let exact = many.entry(place).or_default();
                *exact -= 1;
                if *exact < MANY.into() {
                    many.remove(&place);
                    *count -= 1;
                }
            }
            count => *count -= 1,
        });
    }

    /// In how many items a feature is.
    #[inline]
    fn count(&self, hash: u32) -> u32 {
        match self.counts[place(hash)] {
            MANY => self.exactly(place(hash)),
            count => count.into(),
        }
    }

    #[cold]
    fn exactly(&self, place: usize) -> u32 {
        self.many.get(&place).copied().unwrap_or_default()
    }

    /// Inverse document frequency: ln((N + 1) / (n + ½)). The weights of the decision were fitted where what is in 4096
    /// items or more weighs alike; in larger windows that floor stays what it was, so that one odd word never outweighs
    /// all the common ones of a text.
    pub fn weigh(&self) -> impl Fn(u32) -> f32 {
        let weight = self.weight();
        move |hash| weight(self.count(hash))
    }

    /// Features that weigh less are too common to find candidates by.
    pub fn common(&self) -> f32 {
        let limit = (COMMON * self.items as f32) as u32;
        self.weight()(limit.max(COMMON_ITEMS))
    }

    /// What weighs no more is in several items already.
    pub fn repeated(&self) -> f32 {
        self.weight()(REPEATED_ITEMS)
    }

    /// What a feature of so many items weighs.
    fn weight(&self) -> impl Fn(u32) -> f32 {
        let all = (self.items.max(FEWEST) as f32 + 1.0).ln();
        let most = self.logarithms[self.logarithms.len() - 1];
        let floor = (all - most).clamp(0.1, FLOOR);
        move |count| {
            let logarithm = self.logarithms.get(count as usize).copied();
            (all - logarithm.unwrap_or_else(|| (count as f32 + 0.5).ln())).max(floor)
        }
    }
}

/// The place of each different feature once, whatever the order.
fn distinct(words: &[u32], title: usize, seen: &mut Vec<u32>, mut each: impl FnMut(usize)) {
    let places = (words.len() * 4).next_power_of_two().max(4);
    seen.clear();
    seen.resize(places, 0);
    for hash in shingles::features(words, title) {
        // zero marks a free place; a feature whose hash is zero counts as another one
        let mark = hash.max(1);
        let mut at = (hash >> 7) as usize & (places - 1);
        while seen[at] != 0 && seen[at] != mark {
            at = (at + 1) & (places - 1);
        }
        if seen[at] == 0 {
            seen[at] = mark;
            each(place(hash));
        }
    }
}

fn place(hash: u32) -> usize {
    (hash & ((1 << BITS) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_counts_once_per_text_and_is_counted_down() {
        let mut frequencies = Frequencies::default();
        let weight = |frequencies: &Frequencies| frequencies.weigh()(10);
        let alone = weight(&frequencies);
        frequencies.add(&[10, 20, 10, 20, 10], 0);
        let once = weight(&frequencies);
        frequencies.add(&[10], 1);
        assert!(alone > once && once > weight(&frequencies));
        frequencies.remove(&[10, 20, 10, 20, 10], 0);
        assert_eq!(weight(&frequencies), once);
        frequencies.remove(&[10], 1);
        assert!(frequencies.counts.iter().all(|count| *count == 0));
    }

    #[test]
    fn what_is_in_most_items_is_counted_exactly() {
        let mut frequencies = Frequencies::default();
        for n in 1..=70_000 {
            frequencies.add(&[10], 0);
            assert_eq!(frequencies.count(10), n);
        }
        for n in (0..70_000).rev() {
            frequencies.remove(&[10], 0);
            assert_eq!(frequencies.count(10), n);
        }
        assert!(frequencies.many.is_empty());
    }
}
