//! Text as words, with what their surroundings tell of their capitals.
//!
//! Promises: tokens are in reading order and do not overlap; `start` and `end` count Unicode code points; any
//! text gives tokens, none panics. A capital means a name only in running text, so each token knows whether a
//! sentence starts with it and whether its segment (a headline, a body) is in title case or in capitals.

use crate::lexicon::Class;

/// A word, a number or a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// As written.
    pub text: &'t str,
    /// First byte.
    pub byte: usize,
    /// First code point.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// How it is written.
    pub shape: Shape,
    /// What stands before it.
    pub gap: Gap,
    /// Whether a sentence, a quotation or a segment starts with it.
    pub starts: bool,
    /// How its segment is written.
    pub style: Style,
}

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A word that starts with no capital, or of a script without case.
    Lower,
    /// A word that starts with a capital.
    Capital,
    /// Two capitals or more, and nothing else: `NATO`, `U.S.`.
    Upper,
    /// Starts with a digit.
    Number,
    /// The possessive `'s`.
    Possessive,
    /// Any other character.
    Mark,
}

/// What stands before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nothing.
    Glued,
    /// White space.
    Space,
    /// An empty line, or the start of the text: a new segment.
    Break,
}

/// How a segment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Running text: a capital means a name.
    Prose,
    /// Most Words Start With a Capital.
    Titled,
    /// MOST LETTERS ARE CAPITALS.
    Shouted,
}

impl Token<'_> {
    /// Whether it is written as names are.
    pub fn is_capital(&self) -> bool {
        matches!(self.shape, Shape::Capital | Shape::Upper)
    }

    /// Whether it is this mark.
    pub fn is_mark(&self, marks: &str) -> bool {
        self.shape == Shape::Mark && marks.contains(self.text)
    }
}

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 26] = [
    "Mr", "Mrs", "Ms", "Dr", "Prof", "Gen", "Col", "Lt", "Sgt", "Capt", "Sen", "Rep", "Gov", "St", "Jr", "Sr", "Inc",
    "Ltd", "Corp", "Co", "Rev", "Hon", "Maj", "Adm", "Amb", "Mt",
];

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = split(text);
    let mut from = 0;
    while from < tokens.len() {
        let len = tokens[from + 1..].iter().position(|token| token.gap == Gap::Break);
        let to = len.map_or(tokens.len(), |len| from + 1 + len);
        let style = style(&tokens[from..to]);
        tokens[from..to].iter_mut().for_each(|token| token.style = style);
        from = to;
    }
    for at in 0..tokens.len() {
        tokens[at].starts = starts(&tokens, at);
    }
    tokens
}

fn split(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let (mut at, mut count, mut gap) = (0, 0, Gap::Break);
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            let blank = &text[at..text.len() - text[at..].trim_start().len()];
            if gap != Gap::Break {
                gap = if blank.matches('\n').count() > 1 { Gap::Break } else { Gap::Space };
            }
            at += blank.len();
            count += blank.chars().count();
            continue;
        }
        let (len, shape) = next(&text[at..], gap);
        let word = &text[at..at + len];
        let chars = word.chars().count();
        tokens.push(Token {
            text: word,
            byte: at,
            start: count,
            end: count + chars,
            shape,
            gap,
            starts: false,
            style: Style::Prose,
        });
        (at, count, gap) = (at + len, count + chars, Gap::Glued);
    }
    tokens
}

/// Length in bytes and shape of the token that `rest` starts with.
fn next(rest: &str, gap: Gap) -> (usize, Shape) {
    let first = rest.chars().next().unwrap_or(' ');
    if is_apostrophe(first) && gap == Gap::Glued && is_possessive(&rest[first.len_utf8()..]) {
        return (first.len_utf8() + 1, Shape::Possessive);
    }
    if !first.is_alphanumeric() {
        return (first.len_utf8(), Shape::Mark);
    }
    if is_ideographic(first) {
        return (first.len_utf8(), Shape::Lower);
    }
    let len = word_len(rest);
    let word = &rest[..len];
    (len + full_stop(&rest[len..], word, gap), shape(word))
}

/// How a word is written.
pub(crate) fn shape(word: &str) -> Shape {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    match word.chars().next().unwrap_or(' ') {
        first if first.is_numeric() => Shape::Number,
        first if !first.is_uppercase() => Shape::Lower,
        _ if letters().count() > 1 && letters().all(char::is_uppercase) => Shape::Upper,
        _ => Shape::Capital,
    }
}

/// Letters, digits and marks above them, with an apostrophe or a full stop between two letters. A possessive
/// `'s` ends the word.
fn word_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        let inside = match c {
            _ if is_ideographic(c) => false,
            _ if c.is_alphanumeric() || is_combining(c) => true,
            _ if is_apostrophe(c) => after.is_alphabetic() && !is_possessive(&rest[at + c.len_utf8()..]),
            '.' => after.is_alphabetic() && single_letter_before(&rest[..at]),
            _ => false,
        };
        if !inside {
            return at;
        }
    }
    rest.len()
}

/// 1 where the full stop after `word` belongs to it: `U.S.`, `St.`, `J.`.
fn full_stop(rest: &str, word: &str, gap: Gap) -> usize {
    let initial = gap != Gap::Glued && word != "I" && word.bytes().all(|b| b.is_ascii_uppercase());
    let initials = single_letter_before(word) && (initial || word.contains('.'));
    let belongs = initials || ABBREVIATIONS.contains(&word);
    usize::from(belongs && rest.starts_with('.') && !rest.starts_with(".."))
}

fn single_letter_before(word: &str) -> bool {
    word.rsplit('.').next().is_some_and(|last| last.chars().count() == 1 && last.chars().all(char::is_alphabetic))
}

fn is_possessive(after: &str) -> bool {
    let mut after = after.chars();
    matches!(after.next(), Some('s' | 'S')) && !after.next().is_some_and(char::is_alphanumeric)
}

/// Between the letters of a word, or before a possessive.
pub(crate) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// Marks above and below the letter before them.
pub fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Scripts that write no spaces: each character is a token.
fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

fn starts(tokens: &[Token<'_>], at: usize) -> bool {
    let token = &tokens[at];
    let Some(before) = at.checked_sub(1).filter(|_| token.gap != Gap::Break) else { return true };
    let mark = &tokens[before];
    if mark.shape != Shape::Mark {
        return false;
    }
    if token.gap == Gap::Glued {
        // An opening quotation mark or bracket hands on what stands before it; a quotation starts a sentence.
        return mark.is_mark("“„«‘\"'¿¡") && mark.gap != Gap::Glued || mark.is_mark("([") && mark.starts;
    }
    mark.is_mark("-–—") && ends_dateline(&tokens[..before])
        || mark.is_mark(".!?…:•|·*>")
        || mark.is_mark("”’»\"')]") && before > 0 && tokens[before - 1].is_mark(".!?…")
}

/// Whether these tokens end in a dateline: "ARDEN (NWA)" at the start of a segment.
fn ends_dateline(tokens: &[Token<'_>]) -> bool {
    let first = tokens.iter().rev().take(10).find(|token| token.gap == Gap::Break);
    first.is_some_and(|first| first.shape == Shape::Upper)
}

fn style(segment: &[Token<'_>]) -> Style {
    let (mut words, mut capital, mut upper, mut lower) = (0, 0, 0, 0);
    for token in segment.iter().filter(|token| token.text.chars().count() > 3) {
        words += usize::from(!matches!(token.shape, Shape::Number | Shape::Mark | Shape::Possessive));
        capital += usize::from(token.shape == Shape::Capital);
        upper += usize::from(token.shape == Shape::Upper);
        lower += usize::from(token.shape == Shape::Lower);
    }
    let small = segment.iter().any(|token| token.shape == Shape::Lower && !Class::Common.has(token.text));
    match words {
        3.. if upper * 10 >= words * 7 && !small => Style::Shouted,
        3.. if lower * 5 <= words && capital > 2 && (words > 3 || lower == 0) && !small => Style::Titled,
        4.. if lower * 5 <= words && capital > 3 => Style::Titled,
        _ => Style::Prose,
    }
}

#[cfg(test)]
mod tests;
