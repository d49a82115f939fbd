//! OPML in and out (OPML 2.0): the list of feeds that every reader can write and read.
//!
//! Lenient: what people export misses attributes, nests at will and mixes in outlines that are no feeds. Whatever
//! has an `xmlUrl` that can be polled is taken; whatever has one that can't is reported with its line.

use quick_xml::{
    Reader, XmlVersion,
    escape::escape,
    events::{BytesStart, Event},
};
use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};
use tidings_model::FeedSpec;

/// The feeds of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Each once, in the list's order.
    pub feeds: Vec<FeedSpec>,
    /// Outlines whose address can't be polled.
    pub refused: Vec<Refused>,
}

/// An outline that is left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// From 1.
    pub line: usize,
    /// Its title.
    pub title: Option<String>,
    /// What is wrong with its address, and what would be right.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.title.as_deref().unwrap_or("untitled");
        write!(f, "line {}, {title:?}: {}", self.line, self.why)
    }
}

/// A text that is no OPML.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpml {
    /// No element of OPML in it.
    #[error("no <outline> found: is this an OPML file?")]
    NoOutline,
    /// Not XML.
    #[error("line {line}: {why}")]
    Xml {
        /// From 1.
        line: usize,
        /// What the parser met.
        why: String,
    },
}

/// Reads the feeds of an OPML document.
pub fn import(text: &str) -> Result<Import, NotOpml> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut import = Import::default();
    let mut known = BTreeSet::new();
    let mut outlines = 0;
    let line = |position: u64| {
        let end = usize::try_from(position).unwrap_or(usize::MAX).min(text.len());
        1 + text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
    };
    loop {
        let at = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Eof) if outlines == 0 => return Err(NotOpml::NoOutline),
            Ok(Event::Eof) => return Ok(import),
            Ok(Event::Start(element) | Event::Empty(element)) if is(element.name().as_ref(), "outline") => {
                outlines += 1;
                let Some(url) = attribute(&element, "xmlUrl") else { continue };
                let title = attribute(&element, "title").or_else(|| attribute(&element, "text"));
                match FeedSpec::new(&url, title.clone()) {
                    Ok(feed) if known.insert(feed.id.clone()) => import.feeds.push(feed),
                    Ok(_) => {}
                    Err(why) => import.refused.push(Refused { line: line(at), title, why }),
                }
            }
            Ok(_) => {}
            Err(error) => return Err(NotOpml::Xml { line: line(reader.error_position()), why: error.to_string() }),
        }
    }
}

/// Writes feeds as an OPML document.
pub fn export(feeds: &[FeedSpec]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  \
                    <head><title>Feeds</title></head>\n  <body>\n"
        .to_owned();
    for feed in feeds {
        let (title, url) = (escape(feed.title.as_deref().unwrap_or(&feed.url)), escape(&feed.url));
        writeln!(text, "    <outline type=\"rss\" text=\"{title}\" xmlUrl=\"{url}\"/>").expect("memory does not fail");
    }
    text + "  </body>\n</opml>\n"
}

/// Not empty; as written where its escapes are broken, for a bare `&` in an address is common.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| is(attribute.key.as_ref(), name))?;
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    let value = value.unwrap_or_else(|_| found.value.clone());
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_polled_is_taken_and_the_rest_reported() {
        let text = "\u{feff}<opml version='1.1'><head><title>x</title></head><body>
            <outline text='World'>
                <outline title='A &amp; B' xmlUrl='https://a.example/feed?x=1&amp;y=2'/>
                <Outline text='B' xmlurl='https://b.example/?x=1&y=2'><outline xmlUrl='HTTP://C.example'/></Outline>
                <outline text='bad' xmlUrl='feed.xml'/>
                <outline text='again' xmlUrl='https://a.example/feed?x=1&amp;y=2'/>
            </outline>
            <outline text='a page' htmlUrl='https://d.example/'/>
            <outline xmlUrl='ftp://e.example/'/>
        </body></opml>";
        let import = import(text).unwrap();
        let feeds: Vec<_> = import.feeds.iter().map(|feed| (feed.title.as_deref(), feed.url.as_str())).collect();
        assert_eq!(
            feeds,
            [
                (Some("A & B"), "https://a.example/feed?x=1&y=2"),
                (Some("B"), "https://b.example/?x=1&y=2"),
                (None, "http://c.example/"),
            ]
        );
        let refused: Vec<_> = import.refused.iter().map(ToString::to_string).collect();
        assert!(refused[0].starts_with("line 5, \"bad\": url \"feed.xml\""), "{refused:?}");
        assert!(refused[1].starts_with("line 9, \"untitled\": ") && refused.len() == 2, "{refused:?}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let feed = |url, title: &str| FeedSpec::new(url, Some(title.to_owned())).unwrap();
        let feeds = vec![feed("https://a.example/?a=1&b=\"2\"", "<A> & \"B\""), feed("https://b.example/", "Ü")];
        assert_eq!(import(&export(&feeds)).unwrap().feeds, feeds);
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(import("https://a.example/\nhttps://b.example/"), Err(NotOpml::NoOutline));
        assert!(matches!(import("<opml>\n<body>\n<outline xmlUrl='"), Err(NotOpml::Xml { line: 3, .. })));
        assert!(import(&"<outline>".repeat(200_000)).is_ok(), "depth costs no stack");
    }
}
