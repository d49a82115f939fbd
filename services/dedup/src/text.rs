//! The text of an item as dedup compares it: words, without what a publisher or a wire adds around them.
//!
//! Items are plain text already; [`clean`] undoes what feeds leave in it nevertheless, [`credit`] strips datelines,
//! agency credits and boilerplate tails, [`words`] hashes what is left. The hashes of words are part of the state and
//! never change; a changed rule for what is stripped only costs matches with older items.

mod clean;
mod credit;
mod words;

use tidings_model::{Item, Publisher};

/// How many words of a headline, and of the text after it, are compared.
const HEADLINE: usize = 64;
const LONGEST: usize = 320;
/// How many bytes of a field are read for them.
const READ: usize = 16 * 1024;

/// The words of an item: the headline's first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// Hashes; bit 0 tells that the word has a digit.
    pub words: Vec<u32>,
    /// How many of them are the headline's; 0 where the item is all headline or all text.
    pub title: usize,
}

impl Text {
    /// Reads an item's fields.
    pub fn of(item: &Item) -> Self {
        let mut text = Self::default();
        if let Some(headline) = &item.headline {
            let headline = clean::clean(start(headline));
            words::hash(credit::strip_headline(&headline, item.publisher.as_ref()), &mut text.words);
        }
        let body = body(item);
        if !body.is_empty() {
            text.words.truncate(HEADLINE);
            text.title = text.words.len();
            text.words.extend(body);
        }
        text.words.truncate(text.title + LONGEST);
        text
    }
}

/// Summary and body, or the body alone where it begins with the summary.
fn body(item: &Item) -> Vec<u32> {
    let read = |field: &Option<String>| {
        let mut hashes = Vec::new();
        if let Some(field) = field {
            words::hash(credit::strip_text(&clean::clean(start(field))), &mut hashes);
        }
        hashes
    };
    let (mut summary, body) = (read(&item.summary), read(&item.body));
    // a summary may be cut in mid-word
    let sure = summary.len().saturating_sub(1).max(summary.len().min(1));
    if body.starts_with(&summary[..sure]) && body.len() >= summary.len() {
        return body;
    }
    summary.extend(body);
    summary
}

fn start(field: &str) -> &str {
    &field[..field.floor_char_boundary(READ)]
}

/// Whether two names are the same but for case and a leading article.
fn same_name(a: &str, b: &str) -> bool {
    let bare = |name: &str| match name.get(..4) {
        Some(article) if article.eq_ignore_ascii_case("the ") => name[4..].trim().to_lowercase(),
        _ => name.trim().to_lowercase(),
    };
    bare(a) == bare(b)
}

/// Whether `name` is what readers call the publisher.
fn names(publisher: Option<&Publisher>, name: &str) -> bool {
    let Some(Publisher { name: known, domain }) = publisher else { return false };
    [known, domain].into_iter().flatten().any(|known| same_name(known, name))
}

#[cfg(test)]
mod tests;
