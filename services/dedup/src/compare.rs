//! How alike are two texts? Twelve weighted overlaps; [`Weights`](crate::weights::Weights) judges them.
//!
//! Candidates only share a sketch; this looks at all their words. Overlaps are weighed by rarity, and headline
//! and lead count apart from the whole: copies are cut at the end and grow there, and a box of related stories
//! at the end of a text makes no copy. Only what both have in the lead counts as contained.

use crate::shingles::{Shingle, Shingles};

/// The names of [`Resemblance::features`], as the file of weights and `--explain` have them.
pub(crate) const FEATURES: [&str; 12] = [
    "text",
    "lead",
    "lead_jaccard",
    "words",
    "lead_words",
    "lead_words_jaccard",
    "title",
    "titled",
    "numbers_differ",
    "short",
    "evidence",
    "title_jaccard",
];

/// How alike two texts are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resemblance {
    /// In the order of [`FEATURES`].
    ///
    /// `text`: weighted Jaccard coefficient of the word pairs of the whole texts. `lead`, `lead_jaccard`: weighted
    /// containment of the shorter lead's word pairs, and their Jaccard coefficient. `words`, `lead_words`,
    /// `lead_words_jaccard`: the same three for single words. `title`, `title_jaccard`: containment and Jaccard
    /// coefficient of the headlines' words; 0 unless both have a headline beside a text (`titled`).
    /// `numbers_differ`: share of the numbers in the lead that has fewer of them that the other one lacks. `short`:
    /// whether one has fewer than 16 words. `evidence`: how much there is to compare in the shorter lead.
    pub features: [f32; FEATURES.len()],
    /// Share of the first text's word pairs that the second one has, and the other way round.
    pub contained: (f32, f32),
    /// How much of one headline is in the other text, of the headline of which more is; 1 unless both are `titled`.
    pub about: f32,
    /// Share of the shorter headline's words that the other one has, each counted alike.
    pub headlines: f32,
    /// Whether both texts are longer than a notice.
    pub long: bool,
    /// What the rarest word pair weighs that is in both texts.
    pub rarest: f32,
}

/// A text with fewer words is judged as a short one.
const SHORT: usize = 16;
/// A headline of which so much is in a text tells of it.
const ABOUT: f32 = 0.25;
/// Headlines that share so many of their words may tell of the same; those that share so many, surely.
const ALIKE: f32 = 0.5;
const SAME: f32 = 0.8;
/// A notice has as many words at most.
const NOTICE: usize = 28;

impl Resemblance {
    /// Compares two texts weighed alike.
    pub fn new(a: &Shingles, b: &Shingles) -> Self {
        let (mut pairs, mut lead_pairs, mut rarest) = (Overlap::default(), Overlap::default(), 0.0_f32);
        pairs.of(a.pairs_weight, b.pairs_weight);
        lead_pairs.of(a.lead_pairs_weight, b.lead_pairs_weight);
        for (x, y) in common(&a.pairs, &b.pairs) {
            pairs.common += x.weight;
            lead_pairs.common += if x.lead() && y.lead() { x.weight } else { 0.0 };
            rarest = rarest.max(if x.text() && y.text() { x.weight } else { 0.0 });
        }
        let (mut words, mut lead, mut title) = (Overlap::default(), Overlap::default(), Overlap::default());
        words.of(a.words_weight, b.words_weight);
        lead.of(a.lead_words_weight, b.lead_words_weight);
        let titled = a.title > 0 && b.title > 0;
        let (mut numbers, mut headlines, mut about) = (0, 0, (0.0, 0.0));
        for (x, y) in common(&a.words, &b.words) {
            words.common += x.weight;
            if x.lead() && y.lead() {
                lead.common += x.weight;
                numbers += usize::from(x.number());
            }
            if titled && x.title() && y.title() {
                title.common += x.weight;
                headlines += 1;
            }
            about.0 += if x.title() && y.text() { x.weight } else { 0.0 };
            about.1 += if y.title() && x.text() { x.weight } else { 0.0 };
        }
        if titled {
            title.of(a.title_weight, b.title_weight);
        }
        let fewer = a.numbers.min(b.numbers);
        let numbers_differ = if fewer == 0 { 0.0 } else { 1.0 - numbers as f32 / fewer as f32 };
        let flag = |flag| f32::from(u8::from(flag));
        Self {
            features: [
                pairs.jaccard(),
                lead_pairs.containment(),
                lead_pairs.jaccard(),
                words.jaccard(),
                lead.containment(),
                lead.jaccard(),
                title.containment(),
                flag(titled),
                numbers_differ,
                flag(a.length.min(b.length) < SHORT),
                (lead_pairs.smaller() / 100.0).min(3.0),
                title.jaccard(),
            ],
            contained: (pairs.common / pairs.a.max(0.1), pairs.common / pairs.b.max(0.1)),
            about: if titled { (about.0 / title.a.max(0.1)).max(about.1 / title.b.max(0.1)) } else { 1.0 },
            headlines: headlines as f32 / a.title.min(b.title).max(1) as f32,
            long: a.length > a.title + NOTICE && b.length > b.title + NOTICE,
            rarest,
        }
    }

    /// Weighted Jaccard coefficient of the whole texts.
    pub fn text(&self) -> f32 {
        self.features[0]
    }

    /// Weighted containment of the shorter lead.
    pub fn lead(&self) -> f32 {
        self.features[1]
    }

    /// Weighted containment of the shorter headline.
    pub fn title(&self) -> f32 {
        self.features[6]
    }

    /// Whether neither headline tells of the other one's text, nor agrees with the other headline: both stand over a
    /// notice, such as that the article is for subscribers. Of what weighs no more than `repeated`, as many texts have it,
    /// more of the headlines must agree; a longer text that no others have is no notice.
    pub fn is_beside_the_headlines(&self, repeated: f32) -> bool {
        let unique = self.rarest > repeated;
        self.about < ABOUT && !(unique && self.long) && self.headlines < if unique { ALIKE } else { SAME }
    }
}

/// Total weight of what one part of two texts has in common, and of what each has.
#[derive(Default)]
struct Overlap {
    common: f32,
    a: f32,
    b: f32,
}

impl Overlap {
    fn of(&mut self, a: f32, b: f32) {
        (self.a, self.b) = (a, b);
    }

    fn smaller(&self) -> f32 {
        self.a.min(self.b)
    }

    fn containment(&self) -> f32 {
        self.common / self.smaller().max(0.1)
    }

    fn jaccard(&self) -> f32 {
        self.common / (self.a + self.b - self.common).max(0.1)
    }
}

/// The shingles that two sorted lists have in common.
fn common<'a>(a: &'a [Shingle], b: &'a [Shingle]) -> impl Iterator<Item = (&'a Shingle, &'a Shingle)> {
    let mut rest = b;
    a.iter().filter_map(move |shingle| {
        while let [first, tail @ ..] = rest {
            if first.hash() < shingle.hash() {
                rest = tail;
            } else {
                return (first.hash() == shingle.hash()).then_some((shingle, first));
            }
        }
        None
    })
}

/// Of two lists of sentences, each sorted and the least of its text's by hash (a bottom sketch: Broder 1997): how many
/// they share, and which share of the shorter list's that is, of those that both lists reach.
pub(crate) fn sentences_in_common(a: &[u32], b: &[u32], most: usize) -> (usize, f32) {
    let reach = |list: &[u32]| if list.len() < most { u32::MAX } else { list.last().copied().unwrap_or(0) };
    let reach = reach(a).min(reach(b));
    let within = |list: &[u32]| list.partition_point(|sentence| *sentence <= reach);
    let (a, b) = (&a[..within(a)], &b[..within(b)]);
    let common = a.iter().filter(|sentence| b.binary_search(sentence).is_ok()).count();
    (common, common as f32 / a.len().min(b.len()).max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_compared_as_far_as_both_lists_reach() {
        for (a, b, most, expected) in [
            (&[1, 2, 3][..], &[2, 3, 4, 5][..], 9, (2, 2.0 / 3.0)),
            // the second list ends at 4, so nobody knows whether its text has 5 or 6
            (&[2, 4, 5, 6], &[1, 2, 3, 4], 4, (2, 1.0)),
            (&[], &[1], 9, (0, 0.0)),
        ] {
            assert_eq!(sentences_in_common(a, b, most), expected, "{a:?} {b:?}");
        }
    }
}
