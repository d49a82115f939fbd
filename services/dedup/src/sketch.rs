//! The keys under which near-duplicates find each other: one-permutation MinHash (Li, Owen, Zhang 2012) with
//! optimal densification (Shrivastava 2017), 32 minima in 16 bands of two.
//!
//! Two texts share a band with probability J², and one of 16 at J = ½ in 99 cases of 100. A text
//! longer than a lead is sketched twice, lead and whole: a cut copy still meets it. What is common when a text comes
//! makes no keys, so they depend on the window and are stored; a short text is sketched once more with all that it has,
//! for little of it may be uncommon. A changed sketch is a new [`ALGORITHM`].

use crate::shingles::{LEAD, Shingle, Shingles};

/// Which sketch entries hold; older ones are sketched anew from their words when they are restored.
pub(crate) const ALGORITHM: u8 = 1;

const MINIMA: usize = 32;
const BAND: usize = 2;
/// How many keys a part of a text has by resemblance.
pub(crate) const BANDS: usize = MINIMA / BAND;
/// How many keys a lead has: for the same words, for the same headline, and the bands.
pub(crate) const LEADS: usize = BANDS + 2;
/// A text with fewer words is sketched by its words too.
const SHORT: usize = 16;
/// A sketch of fewer uncommon features takes the common ones in.
const FEWEST: usize = 5;
/// A headline with fewer words does not tell which article is meant.
const HEADLINE: usize = 5;
/// Words that weigh more are worth a bit: rarer than one text in twelve of the window.
const RARE: f32 = 2.5;
/// Fewer bits tell nothing.
const TELLING: u32 = 8;
/// Texts with at least so many words have no bits to tell them by.
const MANY: usize = 100;

/// A fixed 64-bit mixer: xor-shift and multiply, twice.
pub(crate) fn mix(mut x: u64) -> u64 {
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// One hash of a row of words.
pub(crate) fn fold(words: &[u32]) -> u32 {
    (words.iter().fold(0, |hash, word| mix(hash ^ u64::from(*word))) >> 16) as u32
}

/// Where a text is found, and by what it is told at a glance. Zero is no key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sketch {
    pub lead: [u32; LEADS],
    /// Of a text longer than its lead, and of a short one with what is common.
    pub whole: Option<[u32; BANDS]>,
    pub bits: Bits,
}

impl Sketch {
    /// Of `words`, of which the first `title` are the headline's. What weighs less than `common` makes no keys.
    pub fn new(words: &[u32], title: usize, text: &Shingles, common: f32) -> Self {
        let headline = if title >= HEADLINE { fold(&words[..title]) } else { 0 };
        let mut sketch = Self { bits: Bits::new(text), ..Self::default() };
        (sketch.lead[0], sketch.lead[1]) = (fold(words).max(1), headline);
        let bands = bands(text, Shingle::lead, common);
        sketch.lead[2..].copy_from_slice(&bands);
        if text.length > text.title + LEAD || text.length < SHORT {
            let common = if text.length < SHORT { 0.0 } else { common };
            sketch.whole = Some(self::bands(text, |_| true, common));
        }
        sketch
    }
}

/// Which rare words a text has, roughly: 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bits(pub u128);

impl Bits {
    fn new(text: &Shingles) -> Self {
        if text.length >= MANY {
            return Self::default();
        }
        let rare = text.words.iter().filter(|word| word.weight > RARE);
        Self(rare.fold(0, |bits, word| bits | 1 << (mix(u64::from(word.hash()) ^ 0x55) & 127)))
    }

    /// Whether two texts may be copies: the rare words of one are to a large part in the other. Few of them, as in a
    /// headline or where the window's vocabulary is small, rule nothing out.
    pub fn may_match(self, other: Self) -> bool {
        let fewer = self.0.count_ones().min(other.0.count_ones());
        fewer < TELLING || (self.0 & other.0).count_ones() * 20 >= fewer * 9
    }
}

fn bands(text: &Shingles, part: impl Fn(&Shingle) -> bool, common: f32) -> [u32; BANDS] {
    let words: &[Shingle] = if text.length < SHORT { &text.words } else { &[] };
    let all = || text.pairs.iter().chain(words).filter(|shingle| part(shingle));
    let uncommon = || all().filter(|shingle| shingle.weight >= common);
    let minima = if uncommon().nth(FEWEST - 1).is_some() { minima(uncommon()) } else { minima(all()) };
    let mut bands = [0; BANDS];
    let Some(minima) = minima else { return bands };
    for (number, (band, minima)) in bands.iter_mut().zip(minima.chunks_exact(BAND)).enumerate() {
        let key = minima.iter().fold(number as u64, |key, minimum| mix(key.rotate_left(17) ^ u64::from(*minimum)));
        *band = ((key >> 16) as u32).max(1);
    }
    bands
}

/// One minimum for each of 32 bins of one permutation; an empty bin takes that of a bin that its number chooses.
fn minima<'a>(features: impl Iterator<Item = &'a Shingle>) -> Option<[u32; MINIMA]> {
    const EMPTY: u32 = u32::MAX;
    let bin = |hash: u64| (hash >> (64 - MINIMA.trailing_zeros())) as usize;
    let mut minima = [EMPTY; MINIMA];
    for feature in features {
        let hash = mix(mix(u64::from(feature.hash())));
        let minimum = &mut minima[bin(hash)];
        *minimum = (*minimum).min(hash as u32 >> 1);
    }
    let filled = minima;
    if filled.iter().all(|minimum| *minimum == EMPTY) {
        return None;
    }
    for (i, minimum) in minima.iter_mut().enumerate().filter(|(_, minimum)| **minimum == EMPTY) {
        let mut donors = (1..).map(|attempt| filled[bin(mix((i as u64) << 32 | attempt))]);
        *minimum = donors.find(|donor| *donor != EMPTY).unwrap_or(EMPTY);
    }
    Some(minima)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_only_with_the_algorithm() {
        let words = [10, 21, 30, 40, 50, 60];
        let Sketch { lead, whole, bits } = Sketch::new(&words, 2, &Shingles::new(&words, 2, |_| 3.0), 0.0);
        assert_eq!(
            (ALGORITHM, lead[0], lead[1], lead[2], lead[17], whole.unwrap()[0], bits.0.count_ones()),
            (1, 552_249_228, 0, 3_929_867_794, 3_871_555_040, 3_929_867_794, 6),
            "stored in the changelog"
        );
    }

    #[test]
    fn a_longer_copy_shares_the_leads_keys() {
        let words: Vec<u32> = (1..200).map(|n| mix(n) as u32).collect();
        let of = |length: usize| {
            let words = &words[..length];
            Sketch::new(words, 8, &Shingles::new(words, 8, |_| 1.0), 0.0)
        };
        let (lead, whole) = (of(48), of(199));
        assert_eq!((lead.lead[1..].to_vec(), lead.whole), (whole.lead[1..].to_vec(), None));
        assert!(lead.lead[0] != whole.lead[0] && whole.whole.is_some());
    }

    #[test]
    fn bits_tell_texts_apart_that_share_few_rare_words() {
        let bits = |from: u64, to: u64| {
            let words: Vec<u32> = (from..to).map(|n| mix(n) as u32).collect();
            Sketch::new(&words, 0, &Shingles::new(&words, 0, |_| 3.0), 0.0).bits
        };
        assert!(bits(0, 20).may_match(bits(5, 60)) && !bits(0, 20).may_match(bits(100, 120)));
        assert!(bits(0, 4).may_match(bits(100, 140)), "four words rule nothing out");
        assert!(bits(0, 200).may_match(bits(300, 320)), "long texts have no bits");
    }
}
