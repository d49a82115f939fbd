//! Finds known names in a text: the longest match over whole words, in their own case.
//!
//! The knowledge base is one such index, the names that a document itself establishes are another.

use crate::token::{Gap, Shape, Style, Token};
use std::collections::HashMap;

/// The longest alias, in words; a longer one is never found.
const LONGEST: usize = 12;

/// Aliases, each standing for a `T`.
#[derive(Debug)]
pub struct Aliases<T> {
    /// By the first word, in capitals.
    first: HashMap<String, Vec<Alias<T>>>,
}

#[derive(Debug)]
struct Alias<T> {
    words: Vec<Box<str>>,
    of: T,
}

impl<T: Copy> Aliases<T> {
    /// No aliases.
    pub fn new() -> Self {
        Self { first: HashMap::new() }
    }

    /// Adds an alias; the first of equal ones stands.
    pub fn insert(&mut self, alias: &[Token<'_>], of: T) {
        let words: Vec<Box<str>> = alias.iter().take(LONGEST).map(|token| key(token).into()).collect();
        let Some(first) = words.first() else { return };
        let same_start = self.first.entry(first.to_uppercase()).or_default();
        if !same_start.iter().any(|other| other.words == words) {
            same_start.push(Alias { words, of });
            same_start.sort_by_key(|alias| std::cmp::Reverse(alias.words.len()));
        }
    }

    /// The longest alias that starts at token `at`: how many tokens it covers, and what it stands for.
    pub fn longest(&self, tokens: &[Token<'_>], at: usize) -> Option<(usize, T)> {
        let same_start = self.first.get(&key(&tokens[at]).to_uppercase())?;
        same_start.iter().find(|alias| alias.is_at(tokens, at)).map(|alias| (alias.words.len(), alias.of))
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

impl<T> Alias<T> {
    fn is_at(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let Some(tokens) = tokens.get(at..at + self.words.len()) else { return false };
        let long = self.words.iter().map(|word| word.len()).sum::<usize>() > 3;
        tokens.iter().skip(1).all(|token| token.gap != Gap::Break)
            && tokens.iter().zip(&self.words).all(|(token, word)| is_word(token, word, long))
    }
}

/// Equal as written; or written in capitals, as in a dateline (`TAIPEI`, where the alias is `long` enough not to
/// be an acronym) or in a headline of capitals.
fn is_word(token: &Token<'_>, word: &str, long: bool) -> bool {
    let written = key(token);
    let shouted = token.shape == Shape::Upper && (long || token.style == Style::Shouted);
    *written == *word || shouted && *written == *word.to_uppercase()
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
        let mut aliases = Aliases::new();
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
