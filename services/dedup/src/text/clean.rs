//! Undoes what feeds leave in plain text: entities, tags, markdown links, compatibility forms.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// The longest tag and the longest link target that are looked for, in bytes.
const TAG: usize = 300;
const TARGET: usize = 600;

/// The text in normal form NFKC, with entities decoded, tags and link targets blanked out.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    // all at once, not up to the first that is odd
    if text.bytes().fold(true, |plain, byte| plain & byte.is_ascii() & !matches!(byte, b'&' | b'<' | b']')) {
        return text.into();
    }
    let text: Cow<'_, str> = match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        _ => text.nfkc().collect::<String>().into(),
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(['&', '<', ']', '\u{2bc}']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (shown, length) = markup(rest);
        out.push(shown);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out.into()
}

/// What stands at the start of `text`: what to show for it, and its length.
fn markup(text: &str) -> (char, usize) {
    let within = |limit, end| text.bytes().take(limit).position(|byte| byte == end);
    let blank = |end: Option<usize>| end.map(|end| (' ', end + 1));
    let tag = || text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let found = match text.as_bytes()[0] {
        b'&' => entity(text),
        b'<' if tag() => blank(within(TAG, b'>')),
        b']' if text[1..].starts_with('(') => blank(within(TARGET, b')')),
        // the letter apostrophe would join words that the others part
        0x80.. => Some(('\'', '\u{2bc}'.len_utf8())),
        _ => None,
    };
    // anything else stands for itself: one ASCII character
    found.unwrap_or((char::from(text.as_bytes()[0]), 1))
}

/// Decodes a character reference (HTML 13.5); of the named ones those that feeds use.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let number = |digits, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let shown = match name.strip_prefix('#') {
        Some(code) => match code.strip_prefix(['x', 'X']) {
            Some(hex) => number(hex, 16)?,
            None => number(code, 10)?,
        },
        None => match name {
            "amp" => '&',
            "quot" | "ldquo" | "rdquo" => '"',
            "apos" | "lsquo" | "rsquo" => '\'',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => ' ',
            "mdash" => '—',
            "ndash" => '–',
            "hellip" => '…',
            _ => return None,
        },
    };
    Some((if shown == '\u{a0}' { ' ' } else { shown }, end + 1))
}
