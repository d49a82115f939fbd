//! The features of a text: its words and its pairs of neighbouring words, each weighed by how rare it is.

use crate::sketch::mix;

/// How many words after the headline still belong to the lead.
pub(crate) const LEAD: usize = 40;

/// One word or pair of words, with all places that it has in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shingle {
    pub hash: u32,
    /// In the headline or the lead.
    pub lead: bool,
    pub title: bool,
    pub number: bool,
    /// Inverse document frequency.
    pub weight: f32,
}

/// The features of a text, each list sorted by hash and without repeats.
#[derive(Debug, Default)]
pub(crate) struct Shingles {
    pub words: Vec<Shingle>,
    pub pairs: Vec<Shingle>,
    /// How many words the text has, repeats included.
    pub length: usize,
    /// How many of them are the headline's.
    pub title: usize,
}

impl Shingles {
    /// The features of `words`, of which the first `title` are the headline's.
    pub fn new(words: &[u32], title: usize, weigh: impl Fn(u32) -> f32) -> Self {
        let lead = title + LEAD;
        let shingle = |hash, lead, title, number| Shingle { hash, lead, title, number, weight: 0.0 };
        let each = words.iter().enumerate();
        let mut singles: Vec<_> = each.map(|(i, &word)| shingle(word, i < lead, i < title, word & 1 == 1)).collect();
        let neighbours = words.windows(2).enumerate().filter(|(i, _)| i + 1 != title);
        let mut pairs: Vec<_> = neighbours.map(|(i, two)| shingle(pair(two), i + 1 < lead, false, false)).collect();
        if let ([], Some(&word)) = (&pairs[..], words.first()) {
            pairs.push(shingle(word, true, false, false));
        }
        for list in [&mut singles, &mut pairs] {
            merge(list);
            list.iter_mut().for_each(|shingle| shingle.weight = weigh(shingle.hash));
        }
        Self { words: singles, pairs, length: words.len(), title }
    }

    /// The hashes of all features.
    pub fn hashes(&self) -> impl Iterator<Item = u32> {
        self.words.iter().chain(&self.pairs).map(|shingle| shingle.hash)
    }
}

fn pair(two: &[u32]) -> u32 {
    mix(u64::from(two[0]) << 32 | u64::from(two[1])) as u32
}

/// Sorts by hash and joins the places of repeats.
fn merge(shingles: &mut Vec<Shingle>) {
    shingles.sort_unstable_by_key(|shingle| shingle.hash);
    shingles.dedup_by(|again, first| {
        let same = again.hash == first.hash;
        first.lead |= same && again.lead;
        first.title |= same && again.title;
        same
    });
}
