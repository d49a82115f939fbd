//! Splits a text as spaCy's rule-based tokenizer does: at white space, then affixes, exceptions and infixes.
//!
//! Follows spaCy's `tokenizer.pyx` (`_tokenize_affixes`, `_split_affixes`, `_attach_tokens`, `_apply_special_cases`).
//! What stands between white space, a chunk, is split by itself, so a session keeps what it has split.
//!
//! Promise: the work grows with the length of the text, even where spaCy's grows with its square, as for a million
//! brackets.

use crate::{
    expression::Expression,
    lexeme::{Lexeme, Vocabulary, is_space},
    pack::{Error, Rules, unusable},
};
use ahash::AHashMap;

#[derive(Debug)]
pub(crate) struct Tokenizer {
    prefix: Expression,
    suffix: Expression,
    infix: Expression,
    token: Expression,
    url: Expression,
    exceptions: AHashMap<Box<str>, Box<[Piece]>>,
    longest_exception: usize,
    /// Exceptions that affixes or spaces would split: the hashes of those tokens, by the first.
    phrases: AHashMap<u64, Vec<Box<[u64]>>>,
}

/// A token of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// In bytes.
    pub len: usize,
    pub lexeme: Lexeme,
}

impl Tokenizer {
    pub fn read(rules: &Rules, vocabulary: &Vocabulary) -> Result<Self, Error> {
        let mut tokenizer = Self {
            prefix: Expression::read(&rules.prefix)?,
            suffix: Expression::read(&rules.suffix)?,
            infix: Expression::read(&rules.infix)?,
            token: Expression::read(&rules.token_match)?,
            url: Expression::read(&rules.url_match)?,
            exceptions: AHashMap::new(),
            longest_exception: 0,
            phrases: AHashMap::new(),
        };
        // before the exceptions are in place, for they must not match themselves
        let mut phrases: AHashMap<u64, Vec<Box<[u64]>>> = AHashMap::new();
        for text in rules.exceptions.keys().filter(|text| tokenizer.splits(text)) {
            let mut pieces = Vec::new();
            chunks(text).for_each(|chunk| tokenizer.split(vocabulary, &text[chunk], &mut pieces));
            let orths: Box<[u64]> = pieces.iter().map(|piece| piece.lexeme.orth).collect();
            if let Some(first) = orths.first() {
                phrases.entry(*first).or_default().push(orths);
            }
        }
        tokenizer.phrases = phrases;
        for (text, tokens) in &rules.exceptions {
            let pieces = tokens.iter().map(|token| {
                let word = token.first().map_or("", String::as_str);
                Piece { len: word.len(), lexeme: vocabulary.lexeme(word, token.get(1).map(String::as_str)) }
            });
            let pieces: Box<[Piece]> = pieces.collect();
            if pieces.iter().map(|piece| piece.len).sum::<usize>() != text.len() {
                return Err(unusable(format!("its tokenizer has an exception {text:?} of other words")));
            }
            tokenizer.exceptions.insert(text.as_str().into(), pieces);
            tokenizer.longest_exception = tokenizer.longest_exception.max(text.len());
        }
        Ok(tokenizer)
    }

    fn splits(&self, text: &str) -> bool {
        self.find_prefix(text) > 0 || self.find_suffix(text) > 0 || text.contains(' ') || self.infix.is_match(text)
    }

    /// The tokens of a chunk.
    pub fn split(&self, vocabulary: &Vocabulary, chunk: &str, pieces: &mut Vec<Piece>) {
        if let Some(exception) = self.exception(chunk) {
            return pieces.extend_from_slice(exception);
        }
        let piece = |text: &str| Piece { len: text.len(), lexeme: vocabulary.lexeme(text, None) };
        let (mut suffixes, mut core, mut last) = (Vec::new(), chunk, None);
        while !core.is_empty() && last != Some(core.len()) {
            if self.token.is_match(core) || self.exception(core).is_some() {
                break;
            }
            last = Some(core.len());
            let prefix = self.find_prefix(core);
            let (front, rest) = core.split_at(prefix);
            if prefix > 0 && self.exception(rest).is_some() {
                pieces.push(piece(front));
                core = rest;
                break;
            }
            let suffix = self.find_suffix(rest);
            let (body, back) = core.split_at(core.len() - suffix);
            if suffix > 0 && self.exception(body).is_some() {
                suffixes.push(piece(back));
                core = body;
                break;
            }
            if prefix > 0 {
                pieces.push(piece(front));
            }
            if suffix > 0 {
                suffixes.push(piece(back));
            }
            core = &rest[..rest.len() - suffix];
        }
        match self.exception(core) {
            _ if core.is_empty() => {}
            Some(exception) => pieces.extend_from_slice(exception),
            None if self.token.is_match(core) || self.url.is_match(core) => pieces.push(piece(core)),
            None => self.split_infixes(core, |text| pieces.push(piece(text))),
        }
        pieces.extend(suffixes.into_iter().rev());
    }

    fn split_infixes<'t>(&self, text: &'t str, mut token: impl FnMut(&'t str)) {
        let mut start = 0;
        for infix in self.infix.find_all(text).filter(|infix| infix.start > 0) {
            let end = infix.end;
            for part in [start..infix.start, infix] {
                if !part.is_empty() {
                    token(&text[part]);
                }
            }
            start = end;
        }
        if start < text.len() {
            token(&text[start..]);
        }
    }

    /// The exceptions that stand across tokens, given the hashes of these and the text from one to another: their
    /// first token, one past their last, and the tokens to put there, unless the text has other spaces.
    pub fn phrases<'t>(
        &self,
        orths: &[u64],
        text: impl Fn(usize, usize) -> &'t str,
    ) -> Vec<(usize, usize, Option<&[Piece]>)> {
        let mut spans = Vec::new();
        for (at, orth) in orths.iter().enumerate() {
            for phrase in self.phrases.get(orth).into_iter().flatten() {
                if orths[at..].starts_with(phrase) {
                    spans.push((at, at + phrase.len()));
                }
            }
        }
        // the longest first, of these the earliest; none that starts or ends within another
        spans.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
        spans.dedup();
        let mut taken = ahash::AHashSet::new();
        let mut kept = Vec::new();
        for (start, end) in spans {
            if !taken.contains(&start) && !taken.contains(&(end - 1)) {
                kept.push((start, end, self.exceptions.get(text(start, end)).map(AsRef::as_ref)));
            }
            taken.extend(start..end);
        }
        kept.sort_by_key(|(start, ..)| *start);
        kept
    }

    fn exception(&self, text: &str) -> Option<&[Piece]> {
        if text.len() > self.longest_exception {
            return None;
        }
        self.exceptions.get(text).map(AsRef::as_ref)
    }

    /// The length of the prefix, in bytes.
    fn find_prefix(&self, text: &str) -> usize {
        self.prefix.find(text).map_or(0, |found| found.len())
    }

    /// The length of the suffix, in bytes.
    fn find_suffix(&self, text: &str) -> usize {
        self.suffix.find(text).map_or(0, |found| found.len())
    }
}

/// The chunks of a text, as ranges of bytes: what stands between single spaces, other white space by itself.
pub(crate) fn chunks(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    let mut first = true;
    std::iter::from_fn(move || {
        while at < text.len() {
            let rest = &text[at..];
            let space = rest.starts_with(is_space);
            // one space between chunks belongs to none of them
            if !std::mem::take(&mut first) && space && rest.starts_with(' ') {
                at += 1;
                let len = run(&text[at..], true);
                if len == 0 {
                    continue;
                }
                at += len;
                return Some(at - len..at);
            }
            let len = run(rest, space);
            at += len;
            return Some(at - len..at);
        }
        None
    })
}

/// The length of the white space, or of its absence, that a text starts with.
fn run(text: &str, space: bool) -> usize {
    text.find(|c| is_space(c) != space).unwrap_or(text.len())
}
