//! What becomes of an element: the table that brings every dialect to RSS 2.0 or Atom 1.0.

use super::{
    scan::Tag,
    vocabulary::Vocabulary::{
        self, Atom, Content, DublinCore, DublinCoreTerms, Itunes, Media, News, Rss, Sitemap, Syndication, Tombstone,
        Xhtml,
    },
};

/// The format that a feed is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// RSS of any version, RDF, and sitemaps; becomes RSS 2.0.
    Rss,
    /// Atom 0.3 and 1.0; becomes Atom 1.0.
    Atom,
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Directly in the feed.
    Feed,
    /// Directly in an entry.
    Entry,
    /// Deeper.
    Inside,
}

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Starts an entry.
    Entry,
    /// Written, its child elements too.
    Container(Vocabulary, &'static str),
    /// Written with everything in it as text; dropped where that is nothing.
    Text(Vocabulary, &'static str),
    /// The same, written only while nothing else gave the entry or feed this field.
    Fallback(&'static str),
    /// Written for its attributes, even when empty.
    Void(Vocabulary, &'static str),
    /// A link to the page by attribute, where RSS wants it as text.
    Page,
    /// Only its children are of interest.
    Elided,
    /// Read, not written: a part of the update period.
    Period(&'static str),
    /// Read, not written: an entry taken back.
    Deleted,
    /// Dropped, with everything in it.
    Dropped,
}

use Fate::{Container, Deleted, Dropped, Elided, Fallback, Page, Period, Text, Void};
use Place::{Entry, Feed, Inside};

/// Names of RSS elements, which publishers write in any case.
const RSS_NAMES: [&str; 23] = [
    "author",
    "body",
    "category",
    "channel",
    "copyright",
    "description",
    "enclosure",
    "guid",
    "image",
    "item",
    "items",
    "language",
    "lastBuildDate",
    "link",
    "managingEditor",
    "pubDate",
    "summary",
    "title",
    "ttl",
    "updated",
    "url",
    "abstract",
    "fullitem",
];

/// What becomes of `tag`, whose name is `local` of `vocabulary`.
pub(super) fn fate(shape: Shape, place: Place, vocabulary: Vocabulary, local: &str, tag: &Tag) -> Fate {
    match vocabulary {
        Media => return media(shape, place, local),
        Tombstone if place == Feed && local == "deleted-entry" => return Deleted,
        Syndication if place == Feed && local == "updatePeriod" => return Period("updatePeriod"),
        Syndication if place == Feed && local == "updateFrequency" => return Period("updateFrequency"),
        _ => {}
    }
    match shape {
        Shape::Atom => atom(place, vocabulary, local),
        Shape::Rss => {
            let known = RSS_NAMES.iter().find(|name| name.eq_ignore_ascii_case(local));
            rss(place, vocabulary, if vocabulary == Rss { known.copied().unwrap_or(local) } else { local }, tag)
        }
    }
}

fn rss(place: Place, vocabulary: Vocabulary, local: &str, tag: &Tag) -> Fate {
    match (vocabulary, place, local) {
        (Rss, _, "item") | (Sitemap, Feed, "url") => Fate::Entry,
        (Rss, Feed, "channel" | "items") | (News, _, "news") => Elided,
        (Rss, Feed, "image") => Container(Rss, "image"),
        (Rss, Inside, "url") => Text(Rss, "url"),
        (Rss | Atom, Feed, "link") if tag.attribute("href").is_some() => Void(Atom, "link"),
        (Rss | Atom, Entry, "link") if tag.attribute("href").is_some() => {
            if matches!(tag.attribute("rel"), None | Some("alternate")) { Page } else { Dropped }
        }
        (Rss, _, "title") | (Atom, Feed | Entry, "title") | (News, Entry, "title") => Text(Rss, "title"),
        (Rss, _, "link") | (Sitemap, Entry, "loc") => Text(Rss, "link"),
        (Rss, Feed | Entry, "description" | "summary" | "abstract" | "tagline" | "subtitle")
        | (Atom, Entry, "summary")
        | (Atom, Feed, "subtitle" | "tagline") => Text(Rss, "description"),
        (DublinCore | DublinCoreTerms, Feed | Entry, "title") | (Itunes, Entry, "title") => Fallback("title"),
        (DublinCore | DublinCoreTerms, Feed | Entry, "description" | "abstract")
        | (Itunes, Feed | Entry, "summary" | "subtitle") => Fallback("description"),
        (Content | Vocabulary::Other, Entry, "encoded")
        | (Rss, Entry, "body" | "fullitem" | "content")
        | (Atom, Entry, "content" | "encoded")
        | (Xhtml, Entry, "body" | "div") => Text(Content, "encoded"),
        (Rss, Entry, "guid") | (Atom, Entry, "id") => Text(Rss, "guid"),
        (DublinCore, Entry, "identifier") => Fallback("guid"),
        (Rss, Feed | Entry, "pubDate") | (Atom, _, "published") | (News, Entry, "publication_date") => {
            Text(Rss, "pubDate")
        }
        (DublinCore | DublinCoreTerms, Feed | Entry, "date" | "issued" | "created") => Text(Rss, "pubDate"),
        (Rss | Atom, Feed, "lastBuildDate" | "updated") => Text(Rss, "lastBuildDate"),
        (Rss | Atom, Entry, "updated" | "modified")
        | (DublinCoreTerms, Entry, "modified")
        | (Sitemap, Entry, "lastmod") => Text(Atom, "updated"),
        (Rss, Entry, "author") | (Itunes, Entry, "author") => Text(Rss, "author"),
        (DublinCore, Entry, "creator") => Text(DublinCore, "creator"),
        (Rss, Feed | Entry, "category") | (DublinCore, Entry, "subject") | (News, Entry, "keywords") => {
            Void(Rss, "category")
        }
        (Rss, Entry, "enclosure") => Void(Rss, "enclosure"),
        (Rss | DublinCore, Feed, "language") => Text(Rss, "language"),
        (Rss, Feed, "copyright") | (DublinCore, Feed, "rights") => Text(Rss, "copyright"),
        (Rss, Feed, "managingEditor") => Text(Rss, "managingEditor"),
        (Rss, Feed, "ttl") => Text(Rss, "ttl"),
        _ => Dropped,
    }
}

fn atom(place: Place, vocabulary: Vocabulary, local: &str) -> Fate {
    let text = |name| Text(Atom, name);
    match (vocabulary, place, local) {
        (Atom | Rss, Feed | Entry, "entry" | "item") => Fate::Entry,
        (Atom | Rss, Entry, "author" | "contributor") => {
            Container(Atom, if local == "author" { "author" } else { "contributor" })
        }
        (Atom | Rss, Inside, "name") => text("name"),
        (Atom | Rss, Inside, "email") => text("email"),
        (Atom | Rss, Feed | Entry, "link") => Void(Atom, "link"),
        (Atom | Rss, Feed | Entry, "category") => Void(Atom, "category"),
        (Atom | Rss, Feed | Entry, "title") => text("title"),
        (Atom | Rss, Feed, "subtitle" | "tagline") => text("subtitle"),
        (Atom | Rss, Entry, "summary") => text("summary"),
        (Atom | Rss, Entry, "content") => text("content"),
        (Atom | Rss, Feed | Entry, "rights" | "copyright") => text("rights"),
        (Atom | Rss, Feed | Entry, "id" | "guid") => text("id"),
        (Atom | Rss, Feed | Entry, "updated" | "modified") | (DublinCoreTerms, Feed | Entry, "modified") => {
            text("updated")
        }
        (Atom | Rss, Entry, "published" | "issued" | "created" | "pubDate")
        | (DublinCoreTerms, Entry, "issued" | "created")
        | (DublinCore, Entry, "date") => text("published"),
        (DublinCore, Feed | Entry, "title") => Fallback("title"),
        (DublinCore, Entry, "description") => Fallback("summary"),
        (DublinCore, Feed, "description") => Fallback("subtitle"),
        _ => Dropped,
    }
}

fn media(shape: Shape, place: Place, local: &str) -> Fate {
    match (place, local) {
        (Feed, _) => Dropped,
        (Entry, "title") => Fallback("title"),
        (Entry, "description") => Fallback(if shape == Shape::Atom { "summary" } else { "description" }),
        // the library copies what stands beside a group into each group
        (_, "group") => Elided,
        (_, "content") => Container(Media, "content"),
        (_, "title") => Text(Media, "title"),
        (_, "description") => Text(Media, "description"),
        (_, "thumbnail") => Void(Media, "thumbnail"),
        _ => Dropped,
    }
}

/// How the text of an element is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// References resolve to the text, which may be HTML.
    Escaped,
    /// Child elements are its markup.
    Inline,
    /// As base64.
    Base64,
}

/// How the text of an Atom text construct is given, and whether it is declared to be HTML: by `type` (RFC 4287
/// §3.1.1, §4.1.3) and Atom 0.3's `mode`.
pub(super) fn form(tag: &Tag, is_content: bool) -> (Form, bool) {
    let kind = tag.attribute("type").unwrap_or("").trim().to_ascii_lowercase();
    let mode = tag.attribute("mode").unwrap_or("");
    let xml = kind == "xhtml" || kind.ends_with("+xml") || kind.ends_with("/xml");
    let text = matches!(kind.as_str(), "" | "text" | "plain") || kind.starts_with("text/") && kind != "text/html";
    match (mode, kind.as_str()) {
        ("base64", _) | (_, "application/octet-stream") => (Form::Base64, true),
        ("escaped", _) => (Form::Escaped, kind != "text/plain"),
        ("xml", _) => (Form::Inline, true),
        _ if xml => (Form::Inline, true),
        (_, "html" | "text/html") => (Form::Escaped, true),
        _ if text => (Form::Escaped, false),
        _ if is_content && kind.contains('/') => (Form::Base64, true),
        _ => (Form::Escaped, true),
    }
}

/// Base64 (RFC 4648 §4) of UTF-8, white space ignored.
pub(super) fn base64(text: &str) -> Option<String> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => continue,
            byte if byte.is_ascii_whitespace() => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_text() {
        for (attributes, given) in [
            (vec![], (Form::Escaped, false)),
            (vec![("type", "html")], (Form::Escaped, true)),
            (vec![("type", "XHTML")], (Form::Inline, true)),
            (vec![("type", "application/xhtml+xml"), ("mode", "escaped")], (Form::Escaped, true)),
            (vec![("type", "text/html"), ("mode", "xml")], (Form::Inline, true)),
            (vec![("type", "text/plain"), ("mode", "base64")], (Form::Base64, true)),
            (vec![("type", "image/png")], (Form::Base64, true)),
            (vec![("type", "text/x-markdown")], (Form::Escaped, false)),
            (vec![("type", "gibberish")], (Form::Escaped, true)),
        ] {
            let tag = Tag { name: "content", attributes, empty: false };
            assert_eq!(form(&tag, true), given, "{tag:?}");
        }
        assert_eq!(base64("RXhh\nbXBsZSA8Yj4=").as_deref(), Some("Example <b>"));
        assert_eq!(base64("no!"), None);
    }
}
