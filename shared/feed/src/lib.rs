//! Bytes of any feed to entries: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, RDF, JSON Feed and news sitemaps.
//!
//! Publishers' feeds are often broken: wrong encoding, bare `&`, tags that never close, half a file. So the bytes
//! are decoded (`decode`), repaired into clean RSS 2.0 or Atom 1.0 (`repair`), and only then given to feed-rs.
//!
//! Promises:
//! - [`parse`] never panics: a panic of the library below is caught and is an error.
//! - Memory and depth are bounded by what the repair lets through, before the library sees a byte: nesting,
//!   `xml:base`, attributes and media elements are counted, entities can't expand without limit.
//! - Nothing is random: an entry without an id is identified by its link, else by its text.
//! - Nothing is invented: what the feed does not say is absent.

mod agency;
mod date;
mod decode;
mod entry;
mod json;
mod repair;
pub mod text;
mod xml;

pub use agency::agency;
pub use entry::Entry;

use std::{fmt, time::Duration};

/// The longest feed that is read, in bytes as they came (16 MiB); fetching should stop there already.
pub const FEED_LIMIT: usize = 16 * 1024 * 1024;

/// The most entries that one reading gives: the newest, or where dates are missing the first.
pub const ENTRY_LIMIT: usize = 2_000;

/// What is known of a feed besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The HTTP header, for its `charset`.
    pub content_type: Option<&'a str>,
    /// Where the bytes came from: the base of relative links.
    pub url: Option<&'a str>,
}

/// A feed as read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Feed {
    /// Plain text.
    pub title: Option<String>,
    /// What the feed says of itself, plain text.
    pub description: Option<String>,
    /// Absolute address of the site that the feed belongs to.
    pub home: Option<String>,
    /// As declared: BCP 47, not checked.
    pub language: Option<String>,
    /// Copyright or licence, plain text.
    pub rights: Option<String>,
    /// How long the publisher asks readers to wait: `ttl`, or the period of RSS 1.0's `sy:` module.
    pub ttl: Option<Duration>,
    /// At most [`ENTRY_LIMIT`], in the feed's order.
    pub entries: Vec<Entry>,
    /// Ids of entries that the publisher took back (RFC 6721, `at:deleted-entry`).
    pub deleted: Vec<String>,
    /// What had to be mended, each once, sorted: for the feed's health, and for telling its publisher.
    pub repairs: Vec<&'static str>,
}

/// Why bytes can't be read as a feed. `Display` is for users.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAFeed {
    /// A web page.
    Html,
    /// Nothing, or only white space.
    Empty,
    /// More than [`FEED_LIMIT`].
    TooLarge {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Neither a known feed nor anything that could be repaired into one; says what was met.
    Malformed(String),
    /// The library below failed in a way that it should not.
    Panicked,
}

impl fmt::Display for NotAFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Html => f.write_str("an HTML page, not a feed"),
            Self::Empty => f.write_str("an empty answer, not a feed"),
            Self::TooLarge { bytes, limit } => write!(f, "{bytes} bytes; feeds of up to {limit} are read"),
            Self::Malformed(why) => write!(f, "not a readable feed: {why}"),
            Self::Panicked => f.write_str("a feed that the parser can't cope with; please report it"),
        }
    }
}

impl std::error::Error for NotAFeed {}

/// Reads a feed. Never panics, and takes memory and time in proportion to the bytes.
pub fn parse(bytes: &[u8], hints: &Hints) -> Result<Feed, NotAFeed> {
    if bytes.len() > FEED_LIMIT {
        return Err(NotAFeed::TooLarge { bytes: bytes.len(), limit: FEED_LIMIT });
    }
    // all that the reading makes is dropped with it: nothing that a panic left half done is seen again
    std::panic::catch_unwind(|| read(bytes, hints)).unwrap_or(Err(NotAFeed::Panicked))
}

fn read(bytes: &[u8], hints: &Hints) -> Result<Feed, NotAFeed> {
    let decoded = decode::decode(bytes, hints.content_type);
    let text = decoded.text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() {
        return Err(NotAFeed::Empty);
    }
    let mut feed = if text.starts_with('{') { json::read(text, hints.url)? } else { xml::read(text, hints.url)? };
    feed.repairs.extend(decoded.repair);
    feed.repairs.sort_unstable();
    feed.repairs.dedup();
    keep_newest(&mut feed.entries);
    Ok(feed)
}

/// Drops the oldest entries beyond [`ENTRY_LIMIT`]; the feed's order stays, and decides between equal dates.
fn keep_newest(entries: &mut Vec<Entry>) {
    if entries.len() <= ENTRY_LIMIT {
        return;
    }
    if entries.iter().all(|entry| entry.published.or(entry.updated).is_some()) {
        let mut newest: Vec<usize> = (0..entries.len()).collect();
        newest.sort_by_key(|&i| std::cmp::Reverse(entries[i].published.or(entries[i].updated)));
        let mut kept = vec![false; entries.len()];
        newest.iter().take(ENTRY_LIMIT).for_each(|&i| kept[i] = true);
        let mut kept = kept.into_iter();
        entries.retain(|_| kept.next().unwrap_or(false));
    } else {
        entries.truncate(ENTRY_LIMIT);
    }
}

#[cfg(test)]
mod tests;
