//! The keys under which near-duplicates find each other: one-permutation MinHash (Li, Owen, Zhang 2012) with
//! optimal densification (Shrivastava 2017), 32 minima in 16 bands of two.
//!
//! Two texts share a band with probability J², and one of 16 at J = ½ in 99 cases of 100. A text
//! longer than a lead is sketched twice, lead and whole: a cut copy still meets it. The keys are stored; the
//! functions here never change.

use crate::shingles::{LEAD, Shingle, Shingles};

const MINIMA: usize = 32;
const BAND: usize = 2;
/// A text with fewer words is sketched by its words too.
const SHORT: usize = 16;
/// A sketch of fewer uncommon features takes the common ones in.
const FEWEST: usize = 5;

/// A fixed 64-bit mixer: xor-shift and multiply, twice.
pub(crate) fn mix(mut x: u64) -> u64 {
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// The keys of a text, sorted. `whole` is one more: the same text shares it, whatever was common when it came.
pub(crate) fn bands(text: &Shingles, whole: u64, is_common: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut keys = vec![(whole >> 16) as u32];
    sketch(text, |shingle| shingle.lead, &is_common, &mut keys);
    if text.length > text.title + LEAD {
        sketch(text, |_| true, &is_common, &mut keys);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn sketch(text: &Shingles, part: impl Fn(&Shingle) -> bool, is_common: impl Fn(u32) -> bool, keys: &mut Vec<u32>) {
    let words: &[Shingle] = if text.length < SHORT { &text.words } else { &[] };
    let all = || text.pairs.iter().chain(words).filter(|shingle| part(shingle)).map(|shingle| shingle.hash);
    let mut features: Vec<u32> = all().filter(|hash| !is_common(*hash)).collect();
    if features.len() < FEWEST {
        features = all().collect();
    }
    if features.is_empty() {
        return;
    }
    let minima = minima(&features);
    keys.extend(minima.chunks_exact(BAND).enumerate().map(|(band, minima)| {
        let key = minima.iter().fold(band as u64, |key, minimum| mix(key.rotate_left(17) ^ u64::from(*minimum)));
        (key >> 16) as u32
    }));
}

/// One minimum for each of 32 bins of one permutation; an empty bin takes that of a bin that its number chooses.
fn minima(features: &[u32]) -> [u32; MINIMA] {
    const EMPTY: u32 = u32::MAX;
    let bin = |hash: u64| (hash >> (64 - MINIMA.trailing_zeros())) as usize;
    let mut minima = [EMPTY; MINIMA];
    for feature in features {
        let hash = mix(mix(u64::from(*feature)));
        let minimum = &mut minima[bin(hash)];
        *minimum = (*minimum).min(hash as u32 >> 1);
    }
    let filled = minima;
    for (i, minimum) in minima.iter_mut().enumerate().filter(|(_, minimum)| **minimum == EMPTY) {
        let donors = (1..).map(|attempt| filled[bin(mix((i as u64) << 32 | attempt))]);
        *minimum = donors.into_iter().find(|donor| *donor != EMPTY).expect("features fill at least one bin");
    }
    minima
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_change() {
        let text = Shingles::new(&[10, 21, 30, 40, 50, 60], 2, |_| 1.0);
        let keys = bands(&text, 0, |_| false);
        assert_eq!(
            (keys.len(), keys[1], keys[16]),
            (17, 231_610_721, 4_019_355_244),
            "stored in the changelog: must never change"
        );
    }

    #[test]
    fn a_longer_copy_shares_the_leads_keys() {
        let words: Vec<u32> = (1..200).map(|n| mix(n) as u32).collect();
        let keys = |length| bands(&Shingles::new(&words[..length], 8, |_| 1.0), 0, |_| false);
        let (lead, whole) = (keys(48), keys(199));
        assert!(lead.iter().all(|key| whole.binary_search(key).is_ok()));
    }
}
