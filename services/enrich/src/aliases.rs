//! Finds known names in a text: the longest match over whole words, in their own case.
//!
//! [`Aliases`] holds the names that a document itself establishes; the knowledge base finds its own by the same words.

use crate::token::{Gap, Shape, Style, Token};
use std::collections::HashMap;

/// The longest alias, in words; a longer one is never found.
const LONGEST: usize = 12;

/// Aliases, each standing for a `T`.
#[derive(Debug)]
pub struct Aliases<T> {
    /// By their words as written.
    written: HashMap<String, T>,
    /// By their words in capitals.
    capitals: HashMap<String, T>,
    /// The lengths, in words, of the aliases that start with a word: bit `n` for `n` words.
    lengths: HashMap<String, u32>,
}

impl<T> Default for Aliases<T> {
    fn default() -> Self {
        Self { written: HashMap::new(), capitals: HashMap::new(), lengths: HashMap::new() }
    }
}

impl<T: Copy> Aliases<T> {
    /// Adds an alias; the first of equal ones stands.
    pub fn insert(&mut self, alias: &[Token<'_>], of: T) {
        let Some(first) = alias.first().filter(|_| alias.len() <= LONGEST) else { return };
        let name = joined(alias);
        for first in [key(first).to_uppercase(), key(first).into_owned()] {
            *self.lengths.entry(first).or_default() |= 1 << alias.len();
        }
        self.capitals.entry(name.to_uppercase()).or_insert(of);
        self.written.entry(name).or_insert(of);
    }

    /// The longest alias that starts at token `at`: how many tokens it covers, and what it stands for.
    pub fn longest(&self, tokens: &[Token<'_>], at: usize) -> Option<(usize, T)> {
        let lengths = *self.lengths.get(key(&tokens[at]).as_ref())?;
        let known = |len: usize| lengths & (1 << len) != 0;
        (1..=LONGEST).rev().filter(|len| known(*len)).find_map(|len| {
            let tokens = tokens.get(at..at + len)?;
            if tokens[1..].iter().any(|token| token.gap == Gap::Break) {
                return None;
            }
            let name = joined(tokens);
            let written = self.written.get(&name);
            let of = written.or_else(|| self.capitals.get(&name).filter(|_| is_shouted(tokens, &name)));
            of.map(|of| (len, *of))
        })
    }

    /// All matches from left to right, none overlapping: first token, number of tokens, what it stands for.
    pub fn find(&self, tokens: &[Token<'_>]) -> Vec<(usize, usize, T)> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < tokens.len() {
            match self.longest(tokens, at) {
                Some((len, of)) => {
                    found.push((at, len, of));
                    at += len;
                }
                None => at += 1,
            }
        }
        found
    }
}

/// Whether a name is written in capitals and may be compared so: in a dateline (`TAIPEI`) where it is too long for
/// an acronym, in a headline of capitals always.
pub(crate) fn is_shouted(tokens: &[Token<'_>], name: &str) -> bool {
    let capitals = tokens.iter().any(|token| token.shape == Shape::Upper) && !name.chars().any(char::is_lowercase);
    capitals && (tokens[0].style == Style::Shouted || name.chars().filter(|c| c.is_alphabetic()).count() > 3)
}

/// The words, one space between them however they are written: `G-7` and `G - 7` are one.
pub(crate) fn joined(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(key).collect::<Vec<_>>().join(" ")
}

/// Calls `each` with the bytes of what is compared of a token, in capitals or as written, as long as it says so.
pub(crate) fn key_bytes(token: &Token<'_>, capitals: bool, mut each: impl FnMut(u8) -> bool) -> bool {
    match capitals {
        true => key(token).to_uppercase().bytes().all(&mut each),
        false => key(token).bytes().all(&mut each),
    }
}

/// What of a token is compared: full stops go, apostrophes are of one kind.
fn key<'t>(token: &Token<'t>) -> std::borrow::Cow<'t, str> {
    if token.shape != Shape::Mark && token.text.contains(['.', '’', 'ʼ']) {
        token.text.replace('.', "").replace(['’', 'ʼ'], "'").into()
    } else {
        token.text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    #[test]
    fn the_longest_match_over_whole_words_wins() {
        let mut aliases = Aliases::default();
        let names = ["US", "UN", "United Nations", "Korea", "North Korea", "Port-au-Prince", "Taipei", "Xi'an"];
        for (i, alias) in names.into_iter().enumerate() {
            aliases.insert(&tokens(alias), i);
        }
        let cases = [
            ("North Korea and Korea", "North Korea|Korea"),
            ("told us that the U.S. and the US", "U.S.|US"),
            ("in PORT-AU-PRINCE and TAIPEI, not taipei", "PORT-AU-PRINCE|TAIPEI"),
            ("Koreans, United\n\nNations", ""),
            ("United\nNations", "United\nNations"),
            ("Xi’an", "Xi’an"),
        ];
        for (text, want) in cases {
            let tokens = tokens(text);
            let chars: Vec<char> = text.chars().collect();
            let found: Vec<String> = aliases
                .find(&tokens)
                .iter()
                .map(|(at, len, _)| chars[tokens[*at].start..tokens[at + len - 1].end].iter().collect())
                .collect();
            assert_eq!(found.join("|"), want, "{text}");
        }
    }
}
