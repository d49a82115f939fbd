//! What a publisher gives every day under the same headline: round-ups, briefings, galleries. They are not the same news,
//! though all that they have in common may be all that they say.

use crate::shingles::neighbours;

/// A text with fewer words is no more than the sentence with which such items begin.
const OPENING: usize = 30;
/// It tells the same if so much of its second half is in the other one.
const REPEATED: f32 = 0.5;

/// Whether two texts, without their headlines, have no more in common than an opening.
pub(crate) fn only_open_alike(a: &[u32], b: &[u32]) -> bool {
    let (shorter, longer) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if shorter.len() < OPENING {
        return true;
    }
    let all: Vec<u32> = neighbours(longer).collect();
    let rest = neighbours(&shorter[shorter.len() / 2..]);
    let (count, repeated) =
        rest.fold((0, 0), |(count, repeated), pair| (count + 1, repeated + usize::from(all.contains(&pair))));
    (repeated as f32) < REPEATED * count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_half_tells() {
        let words = |from: u32, to: u32| (from..to).collect::<Vec<_>>();
        for (a, b, expected) in [
            (vec![], words(0, 90), true),
            (words(0, 29), words(0, 29), true),
            (words(0, 60), words(0, 60), false),
            (words(0, 60), words(0, 300), false),
            ([words(0, 20), words(100, 130)].concat(), [words(0, 20), words(200, 230)].concat(), true),
            ([words(0, 40), words(100, 110)].concat(), [words(0, 40), words(200, 230)].concat(), false),
        ] {
            assert_eq!((only_open_alike(&a, &b), only_open_alike(&b, &a)), (expected, expected), "{a:?} {b:?}");
        }
    }
}
