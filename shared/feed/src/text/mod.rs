//! Marked-up text to plain text and its links.
//!
//! HTML and markdown links become what a reader sees, and each link remembers where its anchor stands, in Unicode
//! code points of the result. White space is collapsed: within a line to one space, between blocks and lines to one
//! line break. Scripts and styles are dropped.

mod html;
mod markdown;

use encoding_rs::WINDOWS_1252;
use markdown::Piece;
use tidings_model::{BODY_LIMIT, Link};
use url::Url;

/// How many bytes of links, address and anchor, are kept of one field; further anchors stay as text.
const LINK_ROOM: usize = 32 * 1024;
/// The longest headline and summary, in bytes: with these and the longest body, an item stays within its topic's limit.
const SHORT_LIMIT: usize = 64 * 1024;

/// How much of a source is read, in bytes: eight times the longest body that an item keeps.
const SOURCE_LIMIT: usize = 8 * BODY_LIMIT;

/// How a text is marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// HTML if it has tags or entities of HTML, else plain; markdown links in either case.
    Auto,
    /// HTML, and nothing else.
    Html,
    /// Plain text with markdown links.
    Markdown,
    /// Plain: only white space is changed.
    Plain,
}

/// Plain text with the links that stood in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// Never starts or ends with white space.
    pub text: String,
    /// In the order of their anchors; `start` and `end` count code points of `text`.
    pub links: Vec<Link>,
    /// Whether it went on: a `body` is cut at [`BODY_LIMIT`], other fields at 64 KiB.
    pub cut: bool,
}

/// Reads `source`, which will stand in the item's `field`. Relative links are resolved against `base`; without one
/// they stay as written, `resolved: false`. Links that lead nowhere else (`#…`, `javascript:`, `data:`) are only text.
/// Of a source beyond 2 MiB the rest is not read.
pub fn plain(field: &'static str, source: &str, kind: Markup, base: Option<&str>) -> Text {
    let mut writer = Writer::new(field, base);
    let whole = source;
    let source = &source[..source.floor_char_boundary(SOURCE_LIMIT)];
    match kind {
        Markup::Html => html::read(source, false, &mut writer),
        Markup::Auto if html::is_html(source) => html::read(source, true, &mut writer),
        Markup::Auto | Markup::Markdown => writer.markdown(source, false),
        Markup::Plain => writer.text(source, false),
    }
    let mut text = writer.finish();
    text.cut |= source.len() < whole.len();
    text
}

/// Whether a text ends as publishers and search engines end what they cut: an ellipsis, "read more".
pub fn is_cut(text: &str) -> bool {
    const ENDS: [&str; 8] =
        ["…", "...", "[...]", "[…]", "(more)", "read more", "continue reading", "read the full story"];
    let end: String = {
        let mut last: Vec<char> = text.chars().rev().take(32).collect();
        last.reverse();
        last.into_iter().flat_map(char::to_lowercase).collect()
    };
    let end = end.trim_end_matches(['»', '>', '→', '.', ' ']);
    let full = text.trim_end();
    ENDS.iter().any(|cut| end.ends_with(cut)) || full.ends_with("...") || full.ends_with("…")
}

/// A control character of the C1 block is windows-1252 that was decoded as Latin-1: `don\u{92}t`.
fn c1(c: char) -> Option<char> {
    let byte = u8::try_from(u32::from(c)).ok().filter(|byte| *byte >= 0x80)?;
    let meant = WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next();
    meant.filter(|c| !c.is_control())
}

/// White space that is due before the next visible character.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
}

/// Collects text and links. Code points are counted as they are written, so offsets need no second pass.
struct Writer {
    field: &'static str,
    base: Option<Url>,
    out: String,
    limit: usize,
    cut: bool,
    chars: u32,
    gap: Gap,
    /// The link that is open: its address, and where its first visible character stands, once there is one.
    open: Option<(String, Option<(u32, usize)>)>,
    links: Vec<Link>,
    link_room: usize,
}

impl Writer {
    fn new(field: &'static str, base: Option<&str>) -> Self {
        let base = base.and_then(|base| Url::parse(base).ok()).filter(|base| !base.cannot_be_a_base());
        let limit = if field == "body" { BODY_LIMIT } else { SHORT_LIMIT };
        let (out, links) = (String::new(), Vec::new());
        Self { field, base, out, limit, cut: false, chars: 0, gap: Gap::None, open: None, links, link_room: LINK_ROOM }
    }

    /// Plain characters; line breaks count as spaces where `folded`.
    fn text(&mut self, text: &str, folded: bool) {
        for c in text.chars() {
            match c {
                '\n' if !folded => self.space(Gap::Line),
                // zero-width and soft hyphens would break words for whoever compares them
                '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
                c if c.is_whitespace() => self.space(Gap::Space),
                c if c.is_control() => c1(c).into_iter().for_each(|c| self.push(c)),
                c => self.push(c),
            }
        }
    }

    fn markdown(&mut self, source: &str, folded: bool) {
        for piece in markdown::pieces(source) {
            match piece {
                Piece::Text(text) => self.text(text, folded),
                Piece::Link { anchor, url } => {
                    let outer = self.open.is_some();
                    if !outer {
                        self.open_link(url);
                    }
                    self.text(&markdown::anchor_text(anchor), true);
                    if !outer {
                        self.close_link();
                    }
                }
            }
        }
    }

    fn space(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn push(&mut self, c: char) {
        // with room for the gap before it
        if self.cut || self.out.len() + 1 + c.len_utf8() > self.limit {
            self.cut = true;
            return;
        }
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if gap != Gap::None && !self.out.is_empty() {
            self.out.push(if gap == Gap::Line { '\n' } else { ' ' });
            self.chars += 1;
        }
        if let Some((_, start @ None)) = &mut self.open {
            *start = Some((self.chars, self.out.len()));
        }
        self.out.push(c);
        self.chars += 1;
    }

    fn open_link(&mut self, url: &str) {
        self.close_link();
        self.open = Some((url.trim().to_owned(), None));
    }

    fn close_link(&mut self) {
        let Some((written, Some((start, byte)))) = self.open.take() else { return };
        let Some((url, resolved)) = self.resolve(written) else { return };
        let text = self.out[byte..].to_owned();
        let Some(left) = self.link_room.checked_sub(url.len() + text.len()) else { return };
        self.link_room = left;
        self.links.push(Link { field: self.field.to_owned(), text, url, start, end: self.chars, resolved });
    }

    /// The address to keep and whether it is absolute; `None` for what leads nowhere else.
    fn resolve(&self, written: String) -> Option<(String, bool)> {
        if written.is_empty() || written.starts_with('#') {
            return None;
        }
        match Url::parse(&written) {
            Ok(url) => matches!(url.scheme(), "http" | "https").then_some((written, true)),
            Err(url::ParseError::RelativeUrlWithoutBase) => match self.base.as_ref().map(|base| base.join(&written)) {
                Some(Ok(url)) => Some((url.into(), true)),
                _ => Some((written, false)),
            },
            Err(_) => Some((written, false)),
        }
    }

    fn finish(mut self) -> Text {
        self.close_link();
        Text { text: self.out, links: self.links, cut: self.cut }
    }
}

#[cfg(test)]
mod tests;
