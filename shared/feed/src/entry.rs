//! One entry, and how its marked-up parts become plain text.

use crate::{
    agency::agency,
    text::{self, Markup},
};
use tidings_model::{Image, Link, Timestamp, digest, site};

/// How many images, authors and categories of an entry are kept.
const LIST_LIMIT: usize = 64;

/// One entry of a feed, every text plain.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The publisher's own id of it (`guid`, `atom:id`, `rdf:about`), never a made-up one.
    pub guid: Option<String>,
    /// Canonical address, tracking parameters removed: its link, or else a `guid` that is an address.
    pub url: Option<String>,
    /// Title.
    pub headline: Option<String>,
    /// RSS `description`, Atom `summary`; absent where it repeats the body.
    pub summary: Option<String>,
    /// RSS `content:encoded`, Atom `content`.
    pub body: Option<String>,
    /// Links of the texts, in reading order.
    pub links: Vec<Link>,
    /// Pictures that the feed names beside the text.
    pub images: Vec<Image>,
    /// Bylines, each once.
    pub authors: Vec<String>,
    /// The publisher's categories, each once.
    pub categories: Vec<String>,
    /// As declared; never the time of reading.
    pub published: Option<Timestamp>,
    /// As declared, where it differs from `published`.
    pub updated: Option<Timestamp>,
    /// As declared for this entry.
    pub language: Option<String>,
    /// Copyright or licence, plain text.
    pub rights: Option<String>,
    /// The wire agency that the text credits, see [`agency`](crate::agency).
    pub agency: Option<String>,
    /// Whether a text was too long and was cut, or the fullest ends as cut texts do: an ellipsis, "read more".
    pub truncated: bool,
}

impl Entry {
    /// What makes this entry the same at the next reading: its id, else its link, else a hash of its text.
    pub fn identity(&self) -> String {
        let told = self.guid.as_ref().or(self.url.as_ref());
        told.cloned().unwrap_or_else(|| {
            let text = [&self.headline, &self.summary, &self.body].map(|text| text.as_deref().unwrap_or(""));
            format!("text:{}", digest(text))
        })
    }
}

/// A text as the feed marks it up.
pub(crate) type Marked = (String, Markup);

/// An entry as its format tells it.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) guid: Option<String>,
    /// Absolute, or relative to `base`.
    pub(crate) link: Option<String>,
    pub(crate) headline: Option<Marked>,
    pub(crate) summary: Option<Marked>,
    pub(crate) body: Option<Marked>,
    pub(crate) images: Vec<Image>,
    pub(crate) authors: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) language: Option<String>,
    pub(crate) rights: Option<Marked>,
    /// What relative links of the texts are relative to (`xml:base`); else the entry's own address, else the feed's.
    pub(crate) base: Option<String>,
}

impl Draft {
    /// The entry, in a feed that came from `feed_url`.
    pub(crate) fn finish(self, feed_url: Option<&str>) -> Entry {
        let guid = self.guid.as_deref().and_then(line);
        let url = self.link.as_deref().and_then(|link| absolute(link, feed_url));
        let url = url.or_else(|| site::canonical(guid.as_deref()?));
        let base = self.base.as_deref().or(url.as_deref()).or(feed_url);
        let mut links = Vec::new();
        let read = |field, marked: Option<Marked>| {
            let (source, markup) = marked?;
            let found = text::plain(field, &source, markup, base);
            (!found.text.is_empty()).then_some(found)
        };
        let (headline, mut summary, body) =
            (read("headline", self.headline), read("summary", self.summary), read("body", self.body));
        if body.is_some() && summary.as_ref().map(|found| &found.text) == body.as_ref().map(|found| &found.text) {
            summary = None;
        }
        let mut cut = false;
        let mut keep = |found: Option<text::Text>| {
            found.map(|found| {
                cut |= found.cut;
                links.extend(found.links);
                found.text
            })
        };
        let (headline, summary, body) = (keep(headline), keep(summary), keep(body));
        let fullest = body.as_deref().or(summary.as_deref());
        let (agency, truncated) = (fullest.and_then(agency), cut || fullest.is_some_and(text::is_cut));
        Entry {
            agency,
            truncated,
            images: self.images.into_iter().filter_map(|image| picture(image, base)).take(LIST_LIMIT).collect(),
            authors: distinct(self.authors),
            categories: distinct(self.categories),
            published: self.published.filter(|at| !at.is_absent()),
            updated: self.updated.filter(|at| !at.is_absent() && Some(*at) != self.published),
            language: self.language.as_deref().and_then(line),
            rights: self.rights.and_then(one_line),
            guid,
            url,
            headline,
            summary,
            body,
            links,
        }
    }
}

/// The canonical absolute address of a link.
pub(crate) fn absolute(link: &str, base: Option<&str>) -> Option<String> {
    site::canonical(link).or_else(|| {
        let base = url::Url::parse(base?).ok()?;
        site::canonical(base.join(link.trim()).ok()?.as_str())
    })
}

/// Marked-up text whose links don't matter, such as a feed's title.
pub(crate) fn one_line((source, markup): Marked) -> Option<String> {
    line(&text::plain("", &source, markup, None).text)
}

/// White space collapsed; `None` where nothing is left.
pub(crate) fn line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn picture(image: Image, base: Option<&str>) -> Option<Image> {
    let url = match url::Url::parse(&image.url) {
        Ok(url) => url,
        Err(_) => url::Url::parse(base?).ok()?.join(&image.url).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then(|| Image { url: url.into(), text: image.text })
}

/// Each once, in the feed's order.
fn distinct(list: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for value in list.into_iter().filter_map(|value| one_line((value, Markup::Auto))) {
        if kept.len() < LIST_LIMIT && !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_told_never_random() {
        let draft = |guid: Option<&str>, link: Option<&str>| Draft {
            guid: guid.map(Into::into),
            link: link.map(Into::into),
            headline: Some(("Storm".into(), Markup::Auto)),
            ..Draft::default()
        };
        let identity = |guid, link| draft(guid, link).finish(Some("https://e.org/feed")).identity();
        assert_eq!(identity(Some(" a1\n"), Some("/x")), "a1");
        assert_eq!(identity(None, Some("/x?utm_source=y")), "https://e.org/x");
        assert_eq!(identity(Some(""), None), identity(None, None));
        assert!(identity(None, None).starts_with("text:"));
    }
}
