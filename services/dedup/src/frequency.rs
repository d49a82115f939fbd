//! In how many items of the window each word and pair of words occurs.
//!
//! Counts are kept by the low 22 bits of the hash: a rare collision makes a word look a little more common than
//! it is. They are exact otherwise, for what leaves the window is counted down.

use crate::shingles;

const BITS: u32 = 22;
/// A window with fewer items is weighed as if it had so many: in it, everything looks rare.
const FEWEST: u32 = 5000;
/// What the commonest features weigh in a large window: as in one of 20,000 items.
const FLOOR: f32 = 1.6;
/// Features in more than this share of the items make no candidates, but so many items may always have one.
const COMMON: f32 = 0.002;
const COMMON_ITEMS: u32 = 8;

/// Document frequencies of the live window.
pub(crate) struct Frequencies {
    counts: Box<[u32]>,
    items: u32,
    /// ln(n + ½) for small n.
    logarithms: Box<[f32]>,
    /// For telling repeats within a text: a hash set with the features of one text, all zeros between texts.
    seen: Vec<u32>,
}

impl Default for Frequencies {
    fn default() -> Self {
        Self {
            counts: vec![0; 1 << BITS].into(),
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
        self.distinct(words, title, |count| *count += 1);
    }

    /// Counts them down again.
    pub fn remove(&mut self, words: &[u32], title: usize) {
        self.items -= 1;
        self.distinct(words, title, |count| *count -= 1);
    }

    /// Each different feature once, whatever the order.
    fn distinct(&mut self, words: &[u32], title: usize, mut each: impl FnMut(&mut u32)) {
        let places = (words.len() * 4).next_power_of_two().max(4);
        self.seen.clear();
        self.seen.resize(places, 0);
        for hash in shingles::features(words, title) {
            // zero marks a free place; a feature whose hash is zero counts as another one
            let mark = hash.max(1);
            let mut at = (hash >> 7) as usize & (places - 1);
            while self.seen[at] != 0 && self.seen[at] != mark {
                at = (at + 1) & (places - 1);
            }
            if self.seen[at] == 0 {
                self.seen[at] = mark;
                each(&mut self.counts[place(hash)]);
            }
        }
    }

    /// Inverse document frequency: ln((N + 1) / (n + ½)). The weights of the decision were fitted where what is in 4096
    /// items or more weighs alike; in larger windows that floor stays what it was, so that one odd word never outweighs
    /// all the common ones of a text.
    pub fn weigh(&self) -> impl Fn(u32) -> f32 {
        let all = (self.items.max(FEWEST) as f32 + 1.0).ln();
        let most = self.logarithms[self.logarithms.len() - 1];
        let floor = (all - most).clamp(0.1, FLOOR);
        move |hash| {
            let count = self.counts[place(hash)] as usize;
            let logarithm = self.logarithms.get(count).copied().unwrap_or_else(|| (count as f32 + 0.5).ln());
            (all - logarithm).max(floor)
        }
    }

    /// Whether a feature is too common to find candidates by.
    pub fn is_common(&self) -> impl Fn(u32) -> bool {
        let limit = (COMMON * self.items as f32) as u32;
        move |hash| self.counts[place(hash)] > limit.max(COMMON_ITEMS)
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
}
