//! Splits text into words and hashes them with XXH3, which is frozen by its specification.
//!
//! Scripts that do not part words by spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) give pairs of
//! neighbouring characters instead.

use xxhash_rust::xxh3::xxh3_64;

/// Appends the hashes of the words of `text`, each of 24 bits: two words of a pair of texts share one once in many
/// thousands. Bit 0 tells whether the word has a digit.
pub(super) fn hash(text: &str, into: &mut Vec<u32>) {
    hash_first(usize::MAX, text, into);
}

/// The same until there are so many hashes, or one more.
pub(super) fn hash_first(most: usize, text: &str, into: &mut Vec<u32>) {
    let text = text.to_ascii_lowercase();
    let mut word = String::new();
    let mut unspaced = '\0';
    let mut alone = false;
    let mut rest = &text[..];
    while let Some(c) = rest.chars().next()
        && into.len() < most
    {
        let kind = kind(c);
        if kind != Kind::Unspaced && kind != Kind::Mark {
            if alone {
                push(unspaced.encode_utf8(&mut [0; 4]), into);
            }
            (unspaced, alone) = ('\0', false);
        }
        let mut length = c.len_utf8();
        match kind {
            Kind::Letter if c.is_ascii() => {
                length = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
                // nearly always a whole word: it is hashed where it stands, and what parts it from the next passed over
                if word.is_empty() && rest.as_bytes().get(length).is_none_or(u8::is_ascii) {
                    push(&rest[..length], into);
                    length = rest.len().min(length + 1);
                } else {
                    word.push_str(&rest[..length]);
                }
            }
            Kind::Letter => word.extend(c.to_lowercase()),
            Kind::Mark => {}
            Kind::Break => finish(&mut word, into),
            Kind::Unspaced => {
                finish(&mut word, into);
                alone = unspaced == '\0';
                if !alone {
                    push(&String::from_iter([unspaced, c]), into);
                }
                unspaced = c;
            }
        }
        rest = &rest[length..];
    }
    if alone {
        push(unspaced.encode_utf8(&mut [0; 4]), into);
    }
    finish(&mut word, into);
}

#[derive(PartialEq)]
enum Kind {
    Letter,
    Unspaced,
    /// A tone or vowel mark within a word of an unspaced script.
    Mark,
    Break,
}

/// Whether a letter is of a script that does not part words by spaces.
pub(super) fn is_unspaced(c: char) -> bool {
    kind(c) == Kind::Unspaced
}

#[inline]
fn kind(c: char) -> Kind {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Kind::Letter } else { Kind::Break };
    }
    match (c as u32, c.is_alphanumeric()) {
        (0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff, false) => Kind::Mark,
        (0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff, true)
        | (0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff, true)
        | (0xf900..=0xfaff | 0x2_0000..=0x3_ffff, true) => Kind::Unspaced,
        (_, true) => Kind::Letter,
        (_, false) => Kind::Break,
    }
}

fn finish(word: &mut String, into: &mut Vec<u32>) {
    if !word.is_empty() {
        push(word, into);
        word.clear();
    }
}

fn push(word: &str, into: &mut Vec<u32>) {
    into.push(hash_word(word));
}

/// The hash of one word in small letters.
pub(crate) fn hash_word(word: &str) -> u32 {
    let digit =
        word.bytes().any(|byte| byte.is_ascii_digit()) || !word.is_ascii() && word.chars().any(char::is_numeric);
    xxh3_64(word.as_bytes()) as u32 & 0x00ff_fffe | u32::from(digit)
}
