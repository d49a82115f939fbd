//! References (`&amp;`, `&eacute;`, `&#8217;`) to characters, and characters to legal XML.

use encoding_rs::WINDOWS_1252;
use memchr::{memchr, memchr_iter};
use std::collections::BTreeMap;

/// The longest name of a reference that is looked for.
const NAME_LIMIT: usize = 40;
/// The most entities that a document may declare for itself, and how long each may be.
const DECLARED_LIMIT: usize = 64;
const VALUE_LIMIT: usize = 200;
/// How many bytes all uses of declared entities may come to: a 3-byte reference must not cost memory without end.
const EXPANSION_LIMIT: usize = 256 * 1024;

/// Resolves references by HTML's names and the document's own.
#[derive(Default)]
pub(super) struct Entities<'a> {
    declared: BTreeMap<&'a str, &'a str>,
    expanded: usize,
}

impl<'a> Entities<'a> {
    /// Notes `<!ENTITY name "value">` of a document type declaration. Values with markup or references in them are
    /// not taken: no entity can contain another.
    pub(super) fn declare(&mut self, doctype: &'a str) {
        for declaration in doctype.split("<!ENTITY").skip(1).take(DECLARED_LIMIT) {
            let declaration = declaration.trim_start();
            let Some((name, rest)) = declaration.split_once(|c: char| c.is_ascii_whitespace()) else { continue };
            let rest = rest.trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some(end) = rest[1..].find(quote) else { continue };
            let value = &rest[1..=end];
            if value.len() <= VALUE_LIMIT && !value.contains(['&', '%', '<']) {
                self.declared.insert(name, value);
            }
        }
    }

    /// Appends the characters that `source` stands for. A reference that stands for nothing is itself.
    pub(super) fn resolve(&mut self, source: &str, out: &mut String) {
        let mut rest = source;
        while let Some(at) = memchr(b'&', rest.as_bytes()) {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let length = rest.bytes().take(NAME_LIMIT).take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
            let (name, after) = rest.split_at(length);
            let closed = after.starts_with(';');
            if self.named(name, closed, out) {
                rest = &after[usize::from(closed)..];
            } else {
                out.push('&');
            }
        }
        out.push_str(rest);
    }

    fn named(&mut self, name: &str, closed: bool, out: &mut String) -> bool {
        if let Some(number) = name.strip_prefix('#') {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            let Some(c) = number.ok().and_then(character) else { return false };
            out.push(c);
            return true;
        }
        if !closed {
            return false;
        }
        if name == "apos" {
            out.push('\'');
            return true;
        }
        if let Some(value) = self.declared.get(name) {
            self.expanded += value.len();
            if self.expanded <= EXPANSION_LIMIT {
                out.push_str(value);
            }
            return true;
        }
        // the table of HTML's names is keyed with the semicolon; names of which another is a prefix map to zero
        let (first, second) =
            html5ever::data::NAMED_ENTITIES.get(format!("{name};").as_str()).copied().unwrap_or((0, 0));
        let characters = [first, second].into_iter().filter(|&code| code != 0).filter_map(char::from_u32);
        out.extend(characters);
        first != 0
    }
}

/// The character of a number; 0x80 to 0x9F are meant as windows-1252, as in HTML.
fn character(code: u32) -> Option<char> {
    match u8::try_from(code) {
        Ok(byte @ 0x80..=0x9f) => WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next(),
        _ => char::from_u32(code),
    }
}

/// Whether XML 1.0 allows the character (§2.2).
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Appends `text` as XML that means it, for content and attributes alike; drops what XML can't say.
pub(super) fn escape(text: &str, out: &mut String) {
    let special = |byte: u8| matches!(byte, b'&' | b'<' | b'>' | b'"' | 0..=0x1f | 0xef);
    if !text.bytes().any(special) {
        out.push_str(text);
        return;
    }
    for c in text.chars().filter(|&c| is_legal(c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

/// Reads back what [`escape`] wrote.
pub(super) fn unescape(text: &str) -> String {
    if memchr_iter(b'&', text.as_bytes()).next().is_none() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    Entities::default().resolve(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let mut entities = Entities::default();
        entities.declare(" x [<!ENTITY co \"Acme\"> <!ENTITY bomb \"&co;&co;\"> <!ENTITY ext SYSTEM \"file:///x\"> ]");
        for (source, means) in [
            ("a &amp; b &eacute;&nbsp;&#233;&#xE9;", "a & b é\u{a0}éé"),
            ("&#150;&#0;&#xD800;", "–\0&#xD800;"),
            ("AT&T; &copy ©&;&&#;", "AT&T; &copy ©&;&&#;"),
            ("&co; &bomb; &ext;", "Acme &bomb; &ext;"),
            ("&apos;&quot;&lt;&NotEqualTilde;", "'\"<\u{2242}\u{338}"),
        ] {
            let mut out = String::new();
            entities.resolve(source, &mut out);
            assert_eq!(out, means, "{source}");
        }
    }

    #[test]
    fn declared_entities_stop_expanding() {
        let doctype = format!("<!ENTITY a \"{}\">", "x".repeat(VALUE_LIMIT));
        let (mut entities, mut out) = (Entities::default(), String::new());
        entities.declare(&doctype);
        entities.resolve(&"&a;".repeat(100_000), &mut out);
        assert!(out.len() <= EXPANSION_LIMIT);
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut out = String::new();
        escape("a<b & \"c\" \u{1}\u{fffe}é]]>", &mut out);
        assert_eq!(out, "a&lt;b &amp; &quot;c&quot; é]]&gt;");
        assert_eq!(unescape(&out), "a<b & \"c\" é]]>");
    }
}
