//! The text of an item as dedup compares it: words, without what a publisher or a wire adds around them.
//!
//! Items are plain text already; [`clean`] undoes what feeds leave in it nevertheless, [`credit`] strips datelines,
//! agency credits and boilerplate tails, [`words`] hashes what is left, [`sentences`] each sentence of a longer text.
//! The hashes of words are part of the state and never change; a changed rule for what is stripped only costs matches
//! with older items.

mod clean;
mod credit;
mod sentences;
mod words;

pub(crate) use words::hash_word;

use crate::shingles::LEAD;
use std::{borrow::Cow, ops::Range};
use tidings_model::{ContentKind, Item, OriginKind, Publisher};

/// How many words of a headline, and of the text after it, are compared.
const HEADLINE: usize = 64;
const LONGEST: usize = 320;
/// How many sentences of a text are remembered: those with the least hashes.
pub(crate) const SENTENCES: usize = 48;
/// How many bytes of a field are read for them.
const READ: usize = 16 * 1024;

/// What is compared of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// Hashes of its words in 24 bits, the headline's first; bit 0 tells that the word has a digit.
    pub words: Vec<u32>,
    /// How many of them are the headline's; all of them where there is nothing else.
    pub title: usize,
    /// Hashes of sentences, sorted; of longer texts and extracts only.
    pub sentences: Vec<u32>,
    /// Whether it ends in an ellipsis.
    pub cut: bool,
    /// Whether it is what a search engine shows: passages in any order.
    pub extract: bool,
}

impl Text {
    /// Reads an item's fields.
    pub fn of(item: &Item) -> Self {
        let extract = is_extract(item);
        let mut text = Self { extract, words: Vec::with_capacity(64), ..Self::default() };
        let outlet = Outlet(item);
        if let Some(headline) = &item.headline {
            let headline = clean::clean(start(headline));
            text.cut = is_cut(&headline);
            words::hash(credit::strip_headline(&headline, |name| outlet.is_called(name)), &mut text.words);
        }
        text.words.truncate(HEADLINE);
        text.title = text.words.len();
        let fields = [&item.summary, &item.body].map(|field| Field::read(field.as_deref(), text.title == 0, &outlet));
        // a body that begins with the summary is read alone
        let fields = if fields[1].begins_with(&fields[0]) { &fields[1..] } else { &fields[..] };
        for field in fields.iter().filter(|field| !field.words.is_empty()) {
            text.words.extend(&field.words);
            text.cut = is_cut(field.bare());
        }
        text.cut |= item.content.truncated;
        text.words.truncate(text.title + LONGEST);
        if extract || text.words.len() > text.title + LEAD {
            fields.iter().for_each(|field| sentences::hash(field.bare(), &mut text.sentences));
            text.sentences.sort_unstable();
            text.sentences.dedup();
            text.sentences.truncate(SENTENCES);
        }
        text
    }
}

/// Whether an item is what a search engine shows of a page: its text depends on the query.
pub(crate) fn is_extract(item: &Item) -> bool {
    item.origin.kind == OriginKind::Search || item.content.kind == ContentKind::Extract
}

/// Summary or body.
#[derive(Default)]
struct Field<'a> {
    text: Cow<'a, str>,
    /// Where in `text` it begins and ends without what is added around it.
    bare: Range<usize>,
    words: Vec<u32>,
}

impl<'a> Field<'a> {
    /// `alone`: without a headline, so that its text may be one.
    fn read(text: Option<&'a str>, alone: bool, outlet: &Outlet<'_>) -> Self {
        let Some(text) = text else { return Self::default() };
        let text = clean::clean(start(text));
        let bare = if alone { credit::strip_headline(&text, |name| outlet.is_called(name)) } else { &text };
        let bare = credit::strip_text(bare);
        let mut words = Vec::with_capacity(bare.len() / 5);
        words::hash(bare, &mut words);
        // a slice of `text`
        let from = bare.as_ptr().addr() - text.as_ptr().addr();
        Self { bare: from..from + bare.len(), text, words }
    }

    fn bare(&self) -> &str {
        &self.text[self.bare.clone()]
    }

    fn begins_with(&self, summary: &Self) -> bool {
        // a summary may be cut in mid-word
        let sure = summary.words.len().saturating_sub(1).max(summary.words.len().min(1));
        self.words.starts_with(&summary.words[..sure]) && self.words.len() >= summary.words.len()
    }
}

fn start(field: &str) -> &str {
    &field[..field.floor_char_boundary(READ)]
}

fn is_cut(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with("...") || text.ends_with("[...]")
}

/// Whether two names are the same but for case and a leading article.
fn same_name(a: &str, b: &str) -> bool {
    let bare = |name: &str| match name.get(..4) {
        Some(article) if article.eq_ignore_ascii_case("the ") => name[4..].trim().to_lowercase(),
        _ => name.trim().to_lowercase(),
    };
    bare(a) == bare(b)
}

/// Where an item stood.
struct Outlet<'a>(&'a Item);

impl Outlet<'_> {
    /// Whether `name` is what readers call it: the publisher's name or domain, or the title of the feed or a part of
    /// it, as in `Example News | World`.
    fn is_called(&self, name: &str) -> bool {
        let known = |known: &str| !known.is_empty() && same_name(known, name);
        let Item { publisher, origin, .. } = self.0;
        let (title, domain) = match publisher {
            Some(Publisher { name, domain }) => (name.as_deref(), domain.as_deref()),
            None => (None, None),
        };
        let feed = origin.feed.as_ref().and_then(|feed| feed.title.as_deref());
        let parts = feed.into_iter().flat_map(|title| title.split(credit::SEPARATORS).chain(title.split(" - ")));
        [title, domain, feed].into_iter().flatten().chain(parts).any(known)
    }
}

#[cfg(test)]
mod tests;
