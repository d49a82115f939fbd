//! Splits text into sentences and hashes each: an extract is told by the sentences that it takes over whole.

use super::words;
use crate::sketch;

/// A sentence with fewer words says too little.
const SHORTEST: usize = 6;

/// Appends the hashes of the sentences of `text`.
pub(super) fn hash(text: &str, into: &mut Vec<u32>) {
    let mut words = Vec::new();
    let mut take = |sentence: &str| {
        words.clear();
        words::hash(sentence, &mut words);
        if words.len() >= SHORTEST {
            into.push(sketch::fold(&words));
        }
    };
    let (mut start, mut ended) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '.' | '!' | '?' => ended = true,
            '"' | '”' | '’' | '\'' | ')' | ']' | '»' => {}
            '。' | '\n' => {
                take(&text[start..at]);
                (start, ended) = (at, false);
            }
            c if c.is_whitespace() && ended => {
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
    }
}
