//! Names in scripts that write no spaces: where a longer word goes on, the known name in it is none.

use crate::token::{Gap, Token};

/// They begin with the name of a country or city, and are others: Mariana, Maryland, Mario, Marina, Marino, Marion;
/// Amanda; Romário, Romano; Babylon; coastal areas; Athena; the Canaries; Chadwick.
const LONGER: [&str; 17] = [
    "马里乌",
    "马里亚",
    "马里兰",
    "马里奥",
    "马里娜",
    "马里纳",
    "马里诺",
    "马里昂",
    "阿曼达",
    "罗马里奥",
    "罗马诺",
    "古巴比伦",
    "海地区",
    "海地带",
    "雅典娜",
    "加纳利",
    "查德威",
];

/// "Oman reaches", which begins as Amanda does.
const REACHES: [&str; 2] = ["阿曼达成", "阿曼达到"];

/// Whether the name of `len` tokens at token `at` is a word of its own, as far as its script tells.
pub(super) fn is_whole(tokens: &[Token<'_>], at: usize, len: usize) -> bool {
    let (first, last) = (&tokens[at], &tokens[at + len - 1]);
    let next = tokens.get(at + len).filter(|next| next.gap == Gap::Glued);
    // a foreign word is written in katakana to its end
    let begun = is_katakana(first) && first.gap == Gap::Glued && at > 0 && is_katakana(&tokens[at - 1]);
    let goes_on = is_katakana(last) && next.is_some_and(is_katakana);
    !begun && !goes_on && (next.is_none() || !LONGER.iter().any(|longer| is_longer(tokens, at, len, longer)))
}

fn is_longer(tokens: &[Token<'_>], at: usize, len: usize, longer: &str) -> bool {
    longer.chars().count() > len && starts(tokens, at, longer) && !REACHES.iter().any(|word| starts(tokens, at, word))
}

/// Whether the characters from that token on are those of the word.
fn starts(tokens: &[Token<'_>], at: usize, word: &str) -> bool {
    let mut rest = word;
    for (count, token) in tokens[at..].iter().enumerate() {
        match rest.strip_prefix(token.text).filter(|_| count == 0 || token.gap == Gap::Glued) {
            Some("") => return true,
            Some(after) => rest = after,
            None => return false,
        }
    }
    false
}

/// The dot between foreign names is a mark, and no letter of them.
fn is_katakana(token: &Token<'_>) -> bool {
    token.text.starts_with(|c| matches!(c, '\u{30a1}'..='\u{30fa}' | '\u{30fc}'))
}
