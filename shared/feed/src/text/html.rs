//! HTML to text, by html5ever's tokenizer: the WHATWG rules for tags and entities, without building a tree.

use super::{Gap, Writer};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, ScriptData},
    },
};
use std::{borrow::Cow, cell::RefCell};

/// The longest tag that is read, in bytes.
const TAG_LIMIT: usize = 4_096;

/// Elements that start and end a line.
const BLOCKS: [&str; 37] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "tr",
    "ul",
];
/// Elements that stand apart from their neighbours within a line.
const CELLS: [&str; 5] = ["td", "th", "option", "button", "summary"];
/// Elements of running text, which tell HTML from prose with `<` in it.
const INLINE: [&str; 28] = [
    "a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "del", "em", "font", "html", "i", "iframe", "img",
    "ins", "kbd", "mark", "q", "s", "script", "small", "span", "strike", "strong", "sub", "sup", "u",
];

/// Whether `source` has a tag or an entity of HTML in it.
pub(super) fn is_html(source: &str) -> bool {
    let bytes = source.as_bytes();
    memchr::memchr2_iter(b'<', b'&', bytes).any(|at| {
        let rest = &bytes[at + 1..];
        if bytes[at] == b'<' { starts_tag(rest) } else { starts_entity(rest) }
    })
}

fn starts_tag(rest: &[u8]) -> bool {
    if rest.starts_with(b"!--") {
        return true;
    }
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    let length = rest.iter().take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = String::from_utf8_lossy(&rest[..length]).to_ascii_lowercase();
    let ends = rest.get(length).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    ends && [&BLOCKS[..], &CELLS, &INLINE].iter().any(|names| names.contains(&name.as_str()))
}

fn starts_entity(rest: &[u8]) -> bool {
    let name = rest.strip_prefix(b"#").unwrap_or(rest);
    let length = name.iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    length > 0 && name.get(length) == Some(&b';')
}

/// Drops tags longer than [`TAG_LIMIT`], as pictures written into their tag are; their text stays. The tokenizer
/// compares each attribute of a tag with all before it, so a tag of a megabyte would take it minutes.
fn without_long_tags(source: &str) -> Cow<'_, str> {
    let bytes = source.as_bytes();
    let (mut kept, mut from, mut at) = (String::new(), 0, 0);
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        let start = at + found;
        at = start + 1;
        if !bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let end = at + tag_length(&bytes[at..]);
        if end - start > TAG_LIMIT {
            kept.push_str(&source[from..start]);
            from = end;
        }
        at = end;
    }
    if from == 0 {
        return Cow::Borrowed(source);
    }
    kept.push_str(&source[from..]);
    Cow::Owned(kept)
}

/// How far a tag goes, its `>` with it: quotes count only as values of attributes (WHATWG HTML §13.2.5).
fn tag_length(tag: &[u8]) -> usize {
    let (mut quote, mut after_equals) = (None, false);
    for (at, &byte) in tag.iter().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'>' => return at + 1,
            None if after_equals && matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None => {}
        }
        after_equals = byte == b'=' || after_equals && byte.is_ascii_whitespace();
    }
    tag.len()
}

/// Writes the text of `source`; with `markdown`, links of markdown in it too.
pub(super) fn read(source: &str, markdown: bool, writer: &mut Writer) {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(&without_long_tags(source)));
    let reader = Reader { state: RefCell::new(State { writer, markdown, run: String::new(), dropped: None }) };
    let tokenizer = Tokenizer::new(reader, TokenizerOpts::default());
    let _ = tokenizer.feed(&input); // pauses for nothing: no token is answered with `Script`
    tokenizer.end();
    tokenizer.sink.state.into_inner().flush();
}

struct Reader<'a> {
    state: RefCell<State<'a>>,
}

struct State<'a> {
    writer: &'a mut Writer,
    markdown: bool,
    /// Characters since the last tag: the tokenizer cuts text at entities, markdown must not be cut.
    run: String,
    /// The element whose text is dropped until it ends.
    dropped: Option<&'static str>,
}

impl TokenSink for Reader<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::CharacterTokens(text) if state.dropped.is_none() => state.run.push_str(&text),
            Token::TagToken(tag) => return state.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl State<'_> {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        self.flush();
        let name = &*tag.name;
        if tag.kind == TagKind::EndTag && self.dropped == Some(name) {
            self.dropped = None;
        }
        if BLOCKS.contains(&name) {
            self.writer.space(Gap::Line);
        } else if CELLS.contains(&name) {
            self.writer.space(Gap::Space);
        }
        match (name, tag.kind) {
            ("a", TagKind::EndTag) => self.writer.close_link(),
            ("a", TagKind::StartTag) => match tag.attrs.iter().find(|attribute| &*attribute.name.local == "href") {
                Some(href) => self.writer.open_link(&href.value),
                None => self.writer.close_link(),
            },
            ("script", TagKind::StartTag) if !tag.self_closing => return self.drop("script", ScriptData),
            ("style", TagKind::StartTag) if !tag.self_closing => return self.drop("style", Rawtext),
            ("iframe", TagKind::StartTag) if !tag.self_closing => return self.drop("iframe", Rawtext),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn drop(&mut self, name: &'static str, kind: html5ever::tokenizer::states::RawKind) -> TokenSinkResult<()> {
        self.dropped = Some(name);
        TokenSinkResult::RawData(kind)
    }

    fn flush(&mut self) {
        if self.markdown {
            self.writer.markdown(&self.run, true);
        } else {
            self.writer.text(&self.run, true);
        }
        self.run.clear();
    }
}
