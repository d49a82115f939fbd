//! In how many items of the window each word and pair of words occurs.
//!
//! Counts are kept by the low 22 bits of the hash: a rare collision makes a word look a little more common than
//! it is. They are exact otherwise, for what leaves the window is counted down.

use crate::shingles::Shingles;

const BITS: u32 = 22;
/// A window with fewer items is weighed as if it had so many: in it, everything looks rare.
const FEWEST: u32 = 5000;
/// Features in more than this share of the items make no candidates, but so many items may always have one.
const COMMON: f32 = 0.002;
const COMMON_ITEMS: u32 = 8;

/// Document frequencies of the live window.
pub(crate) struct Frequencies {
    counts: Box<[u32]>,
    items: u32,
    /// ln(n + ½) for small n.
    logarithms: Box<[f32]>,
}

impl Default for Frequencies {
    fn default() -> Self {
        Self {
            counts: vec![0; 1 << BITS].into(),
            items: 0,
            logarithms: (0..4096u16).map(|n| (f32::from(n) + 0.5).ln()).collect(),
        }
    }
}

impl Frequencies {
    pub fn add(&mut self, text: &Shingles) {
        self.items += 1;
        text.hashes().for_each(|hash| self.counts[place(hash)] += 1);
    }

    pub fn remove(&mut self, text: &Shingles) {
        self.items -= 1;
        text.hashes().for_each(|hash| self.counts[place(hash)] -= 1);
    }

    /// Inverse document frequency: ln((N + 1) / (n + ½)), at least 0.1.
    pub fn weigh(&self) -> impl Fn(u32) -> f32 {
        let all = (self.items.max(FEWEST) as f32 + 1.0).ln();
        move |hash| {
            let count = self.counts[place(hash)] as usize;
            (all - self.logarithms[count.min(self.logarithms.len() - 1)]).max(0.1)
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
