//! Splits text into sentences and hashes the beginning of each: an extract is told by the sentences that it takes over,
//! of which it may cut the ends.

use super::words;
use crate::sketch;

/// A sentence with fewer words says too little.
const SHORTEST: usize = 6;
/// How many words of a sentence are hashed.
const OPENING: usize = 8;

/// Appends the hashes of the sentences of `text`.
pub(super) fn hash(text: &str, into: &mut Vec<u32>) {
    let mut words = Vec::new();
    let mut take = |sentence: &str| {
        words.clear();
        words::hash_first(OPENING, sentence, &mut words);
        if words.len() >= SHORTEST {
            into.push(sketch::fold(&words[..words.len().min(OPENING)]));
        }
    };
    let (mut start, mut ended) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '.' | '!' | '?' => ended = true,
            '"' | '”' | '’' | '\'' | ')' | ']' | '»' => {}
            // marks of Chinese, Hindi, Urdu, Arabic, Armenian, Amharic and Khmer, which no space need follow
            '。' | '।' | '॥' | '۔' | '؟' | '։' | '።' | '។' | '\n' => {
                take(&text[start..at]);
                (start, ended) = (at, false);
            }
            c if ended && (c.is_whitespace() || words::is_unspaced(c)) => {
                take(&text[start..at]);
                (start, ended) = (at, false);
            }
            _ => ended = false,
        }
    }
    take(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sentences_in_another_order_and_setting_are_the_same() {
        let of = |text: &str| {
            let mut hashes = Vec::new();
            hash(text, &mut hashes);
            hashes.sort_unstable();
            hashes
        };
        let one = "“The harbour of Lonsund is closed,” she said. It was 3.5 metres above the mark! Nobody was hurt.";
        let two = "It was 3.5 metres above the mark... \"The harbour of Lonsund is closed\", she said.";
        assert_eq!(of(one), of(two));
        assert_eq!(of(one).len(), 2, "three words are no sentence");
        assert_eq!(of("").len(), 0);
        let cut = "It was 3.5 metres above the mark by ... The harbour of Lonsund is closed,";
        assert!(
            of("It was 3.5 metres above the mark by noon. Nobody was hurt.").iter().all(|hash| of(cut).contains(hash))
        );
        // no space after, and not the Latin marks
        for text in [
            "在港口有两处开裂!州长对记者说学校",
            "क ख ग घ ङ च।छ ज झ ञ ट ठ",
            "ا ب ت ث ج ح؟خ د ذ ر ز س",
            "ა ბ გ დ ე ვ։ზ თ ი კ ლ მ",
        ] {
            assert_eq!(of(text).len(), 2, "{text}");
        }
    }
}
