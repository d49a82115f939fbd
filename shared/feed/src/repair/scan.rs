//! Text to tokens of XML, never failing: what is no tag is text, what never ends is taken to end somewhere sensible.
//!
//! Time is linear in the source: each search either moves the scanner on, is bounded, or is not made again once it
//! has failed.

use super::Flaws;
use memchr::{memchr, memmem};

/// The most attributes of a tag that are looked at.
const ATTRIBUTE_LIMIT: usize = 64;
/// How long a document type declaration may be, in bytes.
const DOCTYPE_LIMIT: usize = 64 * 1024;

/// A token; comments, processing instructions and the XML declaration are passed over.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// Characters and references.
    Text(&'a str),
    /// Characters.
    Cdata(&'a str),
    Start(Tag<'a>),
    /// The name.
    End(&'a str),
    /// What stands between `<!DOCTYPE` and its end.
    Doctype(&'a str),
}

/// A start tag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    /// Values as written, references unresolved.
    pub(super) attributes: Vec<(&'a str, &'a str)>,
    /// `<tag/>`.
    pub(super) empty: bool,
}

impl<'a> Tag<'a> {
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}

pub(super) struct Scanner<'a> {
    source: &'a str,
    at: usize,
    /// There is no `-->` ahead: not searched for again.
    open_comments: bool,
    doctype_seen: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, open_comments: false, doctype_seen: false }
    }

    pub(super) fn next(&mut self, flaws: &mut Flaws) -> Option<Token<'a>> {
        loop {
            let rest = &self.source[self.at..];
            let bytes = rest.as_bytes();
            if bytes.first()? != &b'<' {
                let end = memchr(b'<', bytes).unwrap_or(rest.len());
                self.at += end;
                return Some(Token::Text(&rest[..end]));
            }
            if rest.starts_with("<!--") {
                self.comment(rest, flaws);
            } else if let Some(inner) = rest.strip_prefix("<![CDATA[") {
                let end = memmem::find(inner.as_bytes(), b"]]>");
                if end.is_none() {
                    flaws.add("unclosed");
                }
                let end = end.unwrap_or(inner.len());
                self.skip("<![CDATA[".len() + end + "]]>".len());
                return Some(Token::Cdata(&inner[..end]));
            } else if !self.doctype_seen && rest.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("<!DOCTYPE")) {
                self.doctype_seen = true;
                let end = doctype_end(bytes);
                self.skip(end);
                return Some(Token::Doctype(rest[..end].trim_end_matches('>').get(9..).unwrap_or("")));
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                self.skip(memchr(b'>', bytes).map_or(rest.len(), |end| end + 1));
            } else if !bytes.get(1).is_some_and(|&byte| starts_name(byte) || byte == b'/') {
                flaws.add("bare <");
                self.at += 1;
                return Some(Token::Text("<"));
            } else {
                return self.tag(rest, flaws);
            }
        }
    }

    /// Moves on; never beyond the end, where something was not closed.
    fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.source.len());
    }

    fn comment(&mut self, rest: &str, flaws: &mut Flaws) {
        if !self.open_comments {
            if let Some(end) = memmem::find(&rest.as_bytes()[4..], b"-->") {
                return self.skip(4 + end + 3);
            }
            self.open_comments = true;
            flaws.add("unclosed");
        }
        self.skip(memchr(b'>', rest.as_bytes()).map_or(rest.len(), |end| end + 1));
    }

    fn tag(&mut self, rest: &'a str, flaws: &mut Flaws) -> Option<Token<'a>> {
        let Some(end) = tag_end(rest.as_bytes()) else {
            // cut off within its last tag
            flaws.add("unclosed");
            self.at = self.source.len();
            return None;
        };
        let closed = rest.as_bytes()[end] == b'>';
        if !closed {
            flaws.add("broken tag");
        }
        self.skip(end + usize::from(closed));
        let inner = &rest[1..end];
        if let Some(name) = inner.strip_prefix('/') {
            return Some(Token::End(name.split_ascii_whitespace().next().unwrap_or("")));
        }
        let empty = inner.ends_with('/');
        let inner = inner.trim_end_matches('/');
        let name_end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(name_end);
        Some(Token::Start(Tag { name, attributes: attributes_of(attributes), empty }))
    }
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

/// Where a document type declaration ends, exclusive: after its internal subset, where it has one.
fn doctype_end(bytes: &[u8]) -> usize {
    let Some(close) = memchr(b'>', bytes) else { return bytes.len() };
    if memchr(b'[', &bytes[..close]).is_none() {
        return close + 1;
    }
    let window = &bytes[..bytes.len().min(DOCTYPE_LIMIT)];
    let subset = memchr(b']', window).and_then(|end| memchr(b'>', &window[end..]).map(|close| end + close + 1));
    subset.unwrap_or(close + 1)
}

/// The index of the `>` that ends the tag, quotes respected, or of a `<` outside quotes that cuts it short.
fn tag_end(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            (None, b'>' | b'<') => return Some(at),
            _ => {}
        }
        after_equals = byte == b'=' || after_equals && byte.is_ascii_whitespace();
    }
    // A quote that never closes: after this, the source has no such quote left, so this is not searched again.
    quote.and_then(|_| memchr(b'>', bytes))
}

fn attributes_of(source: &str) -> Vec<(&str, &str)> {
    let mut attributes = Vec::new();
    let mut rest = source;
    while attributes.len() < ATTRIBUTE_LIMIT {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '=' | '"' | '\''));
        if rest.is_empty() {
            break;
        }
        let name_end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            attributes.push((name, ""));
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = if quote.is_some() { &value[1..] } else { value };
        let end = match quote {
            Some(quote) => value.find(quote),
            None => value.find(|c: char| c.is_ascii_whitespace()),
        };
        let end = end.unwrap_or(value.len());
        attributes.push((name, &value[..end]));
        rest = &value[end..];
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_broken_xml() {
        for (source, tokens) in [
            ("<a b='1' c = \"x>y\" d e=f>t</a >", "<a b=1 c=x>y d= e=f>|t|</a>"),
            ("<?xml version='1.0'?><!-- > --><a/>", "<a/>"),
            ("<![CDATA[a<b]]>c<![CDATA[d", "[a<b]|c|[d]"),
            ("<!DOCTYPE rss [<!ENTITY a \"b\">]><rss>", "! rss [<!ENTITY a \"b\">]|<rss>"),
            ("a < b <3 c<", "a |<| b |<|3 c|<"),
            ("<a href=\"x><b>", "<a href=x>|<b>"),
            ("<a <b>", "<a>|<b>"),
            ("<!-- never ends > <a>", " |<a>"),
            ("text<cut off", "text"),
            ("<é:ü>", "<é:ü>"),
        ] {
            let (mut scanner, mut flaws, mut found) = (Scanner::new(source), Flaws::default(), Vec::new());
            while let Some(token) = scanner.next(&mut flaws) {
                found.push(match token {
                    Token::Text(text) => text.to_owned(),
                    Token::Cdata(text) => format!("[{text}]"),
                    Token::End(name) => format!("</{name}>"),
                    Token::Doctype(text) => format!("!{text}"),
                    Token::Start(tag) => {
                        let attributes: String = tag.attributes.iter().map(|(n, v)| format!(" {n}={v}")).collect();
                        format!("<{}{attributes}{}>", tag.name, if tag.empty { "/" } else { "" })
                    }
                });
            }
            assert_eq!(found.join("|"), tokens, "{source}");
        }
    }
}
