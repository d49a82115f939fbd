//! The features of a text: its words and its pairs of neighbouring words, each weighed by how rare it is.

use crate::sketch::mix;

/// How many words after the headline still belong to the lead.
pub(crate) const LEAD: usize = 40;

const IN_LEAD: u8 = 1;
const IN_TITLE: u8 = 2;
const NUMBER: u8 = 4;
const IN_TEXT: u8 = 8;

/// One word or pair of words, with all places that it has in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shingle {
    /// The hash, then the places: sorts by hash.
    packed: u64,
    /// Inverse document frequency.
    pub weight: f32,
}

impl Shingle {
    fn pack(hash: u32, places: u8) -> u64 {
        u64::from(hash) << 8 | u64::from(places)
    }

    pub fn hash(&self) -> u32 {
        (self.packed >> 8) as u32
    }

    /// Whether it is in the headline or the lead.
    pub fn lead(&self) -> bool {
        self.packed as u8 & IN_LEAD != 0
    }

    pub fn title(&self) -> bool {
        self.packed as u8 & IN_TITLE != 0
    }

    /// Whether it is in what follows the headline.
    pub fn text(&self) -> bool {
        self.packed as u8 & IN_TEXT != 0
    }

    pub fn number(&self) -> bool {
        self.packed as u8 & NUMBER != 0
    }
}

/// The features of a text, each list sorted by hash and without repeats, and what they weigh together.
#[derive(Debug, Default)]
pub(crate) struct Shingles {
    pub words: Vec<Shingle>,
    pub pairs: Vec<Shingle>,
    /// How many words the text has, repeats included.
    pub length: usize,
    /// How many of them are a headline's that stands beside a text.
    pub title: usize,
    /// How many numbers are in the lead.
    pub numbers: usize,
    pub words_weight: f32,
    pub lead_words_weight: f32,
    pub title_weight: f32,
    pub pairs_weight: f32,
    pub lead_pairs_weight: f32,
}

impl Shingles {
    /// The features of `words`, of which the first `title` are the headline's. A headline alone is a text.
    pub fn new(words: &[u32], title: usize, weigh: impl Fn(u32) -> f32) -> Self {
        let title = if title == words.len() { 0 } else { title };
        let lead = title + LEAD;
        let mut text = Self { length: words.len(), title, ..Self::default() };
        let mut packed = Vec::with_capacity(words.len());
        packed.extend(words.iter().enumerate().map(|(i, word)| {
            let number = if word & 1 == 1 { NUMBER } else { 0 };
            let part = if i < title { IN_TITLE } else { IN_TEXT };
            Shingle::pack(*word, number | part | u8::from(i < lead))
        }));
        text.words = merged(&mut packed, &weigh);
        packed.clear();
        packed.extend(pairs(words, title).map(|(i, pair)| {
            let part = if i < title { IN_TITLE } else { IN_TEXT };
            Shingle::pack(pair, part | u8::from(i + 1 < lead))
        }));
        text.pairs = merged(&mut packed, &weigh);
        for word in &text.words {
            text.words_weight += word.weight;
            text.lead_words_weight += if word.lead() { word.weight } else { 0.0 };
            text.title_weight += if word.title() { word.weight } else { 0.0 };
            text.numbers += usize::from(word.lead() && word.number());
        }
        for pair in &text.pairs {
            text.pairs_weight += pair.weight;
            text.lead_pairs_weight += if pair.lead() { pair.weight } else { 0.0 };
        }
        text
    }
}

/// The pairs of neighbouring words and the place of their first; a single word stands for its pair. The headline's
/// last word and the text's first are no neighbours.
fn pairs(words: &[u32], title: usize) -> impl Iterator<Item = (usize, u32)> {
    let neighbours = neighbours(words).enumerate().filter(move |(i, _)| i + 1 != title);
    let alone = match words {
        [word] => Some((0, *word)),
        [first, _] if title == 1 => Some((0, *first)),
        _ => None,
    };
    neighbours.chain(alone)
}

/// The hashes of all pairs of neighbouring words.
pub(crate) fn neighbours(words: &[u32]) -> impl Iterator<Item = u32> {
    words.windows(2).map(|two| mix(u64::from(two[0]) << 32 | u64::from(two[1])) as u32)
}

/// The hashes of all features, repeats included.
pub(crate) fn features(words: &[u32], title: usize) -> impl Iterator<Item = u32> {
    let title = if title == words.len() { 0 } else { title };
    words.iter().copied().chain(pairs(words, title).map(|(_, pair)| pair))
}

/// Sorts by hash, joins the places of repeats, and weighs.
fn merged(packed: &mut Vec<u64>, weigh: impl Fn(u32) -> f32) -> Vec<Shingle> {
    packed.sort_unstable();
    packed.dedup_by(|again, first| {
        let same = *again >> 8 == *first >> 8;
        if same {
            *first |= *again;
        }
        same
    });
    packed.iter().map(|packed| Shingle { packed: *packed, weight: weigh((packed >> 8) as u32) }).collect()
}
