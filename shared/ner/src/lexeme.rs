//! Words as the network sees them: hashes of what spaCy calls norm, prefix, suffix and shape.
//!
//! Follows spaCy's `lex_attrs.py`, `norm_exceptions.py` and `strings.pyx`; characters are classed as Python does.

use crate::{
    murmur,
    pack::{Attribute, Error, Pack},
};
use ahash::AHashMap;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Longer words have no shape of their own.
const LONG: usize = 100;

/// What the network sees of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexeme {
    /// Of the word as written.
    pub orth: u64,
    pub norm: u64,
    lower: u64,
    prefix: u64,
    suffix: u64,
    shape: u64,
    /// White space that stands as a token of its own.
    pub is_space: bool,
}

impl Lexeme {
    /// The hash that an embedding is looked up by.
    pub fn attribute(&self, attribute: Attribute) -> u64 {
        match attribute {
            Attribute::Orth => self.orth,
            Attribute::Lower => self.lower,
            Attribute::Norm => self.norm,
            Attribute::Prefix => self.prefix,
            Attribute::Suffix => self.suffix,
            Attribute::Shape => self.shape,
        }
    }
}

/// Makes lexemes of words.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    symbols: AHashMap<String, u64>,
    /// The norms that are not the lower case, by the hash of the word.
    norms: AHashMap<u64, u64>,
}

impl Vocabulary {
    pub fn read(pack: &Pack<'_>) -> Result<Self, Error> {
        let symbols = pack.header.symbols.iter().map(|(name, number)| (name.clone(), *number)).collect();
        Ok(Self { symbols, norms: pack.pairs("norms")?.into_iter().collect() })
    }

    /// spaCy's hash of a string.
    pub fn hash(&self, text: &str) -> u64 {
        match text {
            "" => 0,
            text => self.symbols.get(text).copied().unwrap_or_else(|| murmur::string(text.as_bytes(), 1)),
        }
    }

    /// The lexeme of a word; `norm` where an exception of the tokenizer sets it.
    pub fn lexeme(&self, word: &str, norm: Option<&str>) -> Lexeme {
        let orth = self.hash(word);
        let lower = self.hash(&word.to_lowercase());
        let usual = || self.norms.get(&orth).copied().unwrap_or(lower);
        let first = word.chars().next().map_or(0, char::len_utf8);
        let third = word.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        Lexeme {
            orth,
            norm: norm.map_or_else(usual, |norm| self.hash(norm)),
            lower,
            prefix: self.hash(&word[..first]),
            suffix: self.hash(&word[third..]),
            shape: self.hash(&shape(word)),
            is_space: !word.is_empty() && word.chars().all(is_space),
        }
    }
}

/// `Xxxx` of `Kyiv`, `dd.dd` of `12.30`: runs end after four.
fn shape(word: &str) -> String {
    if word.chars().nth(LONG - 1).is_some() {
        return "LONG".to_owned();
    }
    let mut shape = String::with_capacity(word.len());
    let (mut last, mut run) = (None, 0);
    for c in word.chars() {
        let class = match c {
            _ if is_letter(c) && c.is_uppercase() => 'X',
            _ if is_letter(c) => 'x',
            _ if is_digit(c) => 'd',
            _ => c,
        };
        run = if last == Some(class) { run + 1 } else { 0 };
        last = Some(class);
        if run < 4 {
            shape.push(class);
        }
    }
    shape
}

/// `str.isspace`.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.isalpha`.
fn is_letter(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphabetic(),
        false => c.general_category_group() == GeneralCategoryGroup::Letter,
    }
}

/// `str.isdigit`: decimal digits, and those of Numeric_Type=Digit.
fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    c.general_category() == unicode_properties::GeneralCategory::DecimalNumber
        || matches!(c, '²' | '³' | '¹' | '፩'..='፱' | '᧚' | '⁰' | '⁴'..='⁹' | '₀'..='₉' | '①'..='⑨' | '⑴'..='⑼')
        || matches!(c, '⒈'..='⒐' | '⓪' | '⓵'..='⓽' | '⓿' | '❶'..='❾' | '➀'..='➈' | '➊'..='➒')
        || matches!(c, '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}' | '\u{11052}'..='\u{1105a}')
        || matches!(c, '\u{1f100}'..='\u{1f10a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_spacys() {
        let cases = [
            ("Kyiv", "Xxxx"),
            ("Zelensky", "Xxxxx"),
            ("U.S.-led", "X.X.-xxx"),
            ("12345,6", "dddd,d"),
            ("Ａ１²½", "Xdd½"),
            ("習近平", "xxx"),
            ("a\u{301}b", "x\u{301}x"),
            ("ǅ", "x"),
            ("!!!!!!", "!!!!"),
        ];
        for (word, want) in cases {
            assert_eq!(shape(word), want, "{word}");
        }
        assert_eq!((shape(&"ab".repeat(49)), shape(&"ab".repeat(50))), ("xxxx".to_owned(), "LONG".to_owned()));
    }
}
