//! Whole feeds: what readers of the crate get, and what hostile bytes get.

use super::*;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<Feed, NotAFeed> {
    parse(bytes, &Hints { content_type: None, url: Some("https://e.org/feed") })
}

#[test]
fn an_rss_feed() {
    let feed = read(
        "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'>
        <channel><title>The &lt;i&gt;Herald&lt;/i&gt;</title><link>/</link><language>en-GB</language><ttl>30</ttl><copyright>© H</copyright>
        <item><guid>h-1</guid><link>/a?utm_source=rss</link><title>Dam holds &amp;amp; town sleeps</title>
          <description>ARDEN (AP) — It held.</description>
          <content:encoded><![CDATA[<p>ARDEN (AP) — The <a href='dam'>dam</a> held.</p><p>Read more]]></content:encoded>
          <dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>Ann Bell</dc:creator><author>Ann Bell</author><category>World</category>
          <pubDate>Tue, 24 Nov 2026 13:00:00 +0100</pubDate><enclosure url='i.jpg' type='image/jpeg'/></item>
        </channel></rss>".as_bytes(),
    )
    .unwrap();
    assert_eq!(feed.title.as_deref(), Some("The Herald"));
    assert_eq!((feed.home.as_deref(), feed.language.as_deref()), (Some("https://e.org/"), Some("en-gb")));
    assert_eq!((feed.ttl, feed.rights.as_deref()), (Some(Duration::from_secs(1_800)), Some("© H")));
    assert_eq!(feed.repairs, [""; 0]);
    let [entry] = &feed.entries[..] else { panic!("one entry") };
    assert_eq!((entry.guid.as_deref(), entry.url.as_deref()), (Some("h-1"), Some("https://e.org/a")));
    assert_eq!(entry.headline.as_deref(), Some("Dam holds & town sleeps"));
    assert_eq!(entry.summary.as_deref(), Some("ARDEN (AP) — It held."));
    assert_eq!(entry.body.as_deref(), Some("ARDEN (AP) — The dam held.\nRead more"));
    let link = &entry.links[0];
    assert_eq!((link.field.as_str(), link.start, link.end, link.url.as_str()), ("body", 17, 20, "https://e.org/dam"));
    assert_eq!((&entry.authors[..], &entry.categories[..]), (&["Ann Bell".into()][..], &["World".into()][..]));
    assert_eq!(entry.published.map(|at| at.to_string()).as_deref(), Some("2026-11-24T12:00:00.000Z"));
    assert_eq!((entry.updated, entry.agency.as_deref(), entry.truncated), (None, Some("AP"), true));
    assert_eq!(entry.images[0].url, "https://e.org/i.jpg");
}

#[test]
fn an_atom_feed() {
    let feed = read(
        br#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0" xml:base="https://a.org/x/">
        <title>A</title><link rel="self" href="feed"/><link href="."/>
        <at:deleted-entry ref="tag:a.org,2026:2" when="2026-11-24T12:00:00Z"/>
        <entry><id>tag:a.org,2026:1</id><title type="html">Storm &amp;amp; sea</title><link rel="edit" href="e"/><link href="1"/>
          <author><name>Cy</name></author><published>2026-11-24T12:00:00Z</published><updated>2026-11-24T13:00:00Z</updated>
          <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">See <a href="2">this</a>.</div></content></entry></feed>"#,
    )
    .unwrap();
    assert_eq!((feed.home.as_deref(), &feed.deleted[..]), (Some("https://a.org/x/"), &["tag:a.org,2026:2".into()][..]));
    let [entry] = &feed.entries[..] else { panic!("one entry") };
    assert_eq!((entry.guid.as_deref(), entry.url.as_deref()), (Some("tag:a.org,2026:1"), Some("https://a.org/x/1")));
    assert_eq!((entry.headline.as_deref(), entry.body.as_deref()), (Some("Storm & sea"), Some("See this.")));
    assert_eq!(entry.links[0].url, "https://a.org/x/2");
    assert!(entry.updated > entry.published);
}

#[test]
fn what_is_no_feed_says_so() {
    for (bytes, says) in [
        (&b" \n"[..], "an empty answer, not a feed"),
        (b"<!doctype html><title>Not found</title>", "an HTML page, not a feed"),
        (b"Too many requests", "not a readable feed: no RSS, Atom or JSON feed; it begins with \"Too many requests\""),
        (b"{}", "not a readable feed: JSON without `items`; a JSON Feed has them"),
    ] {
        assert_eq!(read(bytes).unwrap_err().to_string(), says);
    }
    assert!(read(&vec![b' '; FEED_LIMIT + 1]).unwrap_err().to_string().contains("feeds of up to 16777216 are read"));
}

/// Each of these made the library below panic, fail or swell when it was given the bytes as they came.
#[test]
fn feeds_that_break_the_library() {
    let late = b"<rss version='2.0'><channel><title>a</title><?xml version='1.0' encoding='ISO-8859-1'?><item><title>b</title></item></channel></rss>";
    let utf16: Vec<u8> = "<?xml version='1.0' encoding='utf-16'?><rss version='2.0'><channel><item><title>b</title></item></channel></rss>"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let media = b"<rss xmlns:media='http://search.yahoo.com/mrss/'><channel><item><title>b</title><media:group><media:description></media:description></media:group></item></channel></rss>";
    for (what, bytes) in [
        ("a declaration in the middle", &late[..]),
        ("UTF-16BE without a mark", &utf16),
        ("empty media:description", media),
    ] {
        let feed = read(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(feed.entries[0].headline.as_deref(), Some("b"), "{what}");
    }
}

#[test]
fn entries_without_id_or_link_are_the_same_each_time() {
    let bytes = b"<rss><channel><item><title>a</title></item><item><title>b</title></item></channel></rss>";
    let identities = || read(bytes).unwrap().entries.iter().map(Entry::identity).collect::<Vec<_>>();
    assert_eq!(identities(), identities());
    assert_ne!(identities()[0], identities()[1]);
    assert_eq!(read(bytes).unwrap().entries[0].guid, None);
}

#[test]
fn of_too_many_entries_the_newest_are_kept() {
    let item = |n: usize| {
        let (day, hour, minute) = (1 + n / 1440, n / 60 % 24, n % 60);
        format!("<item><guid>{n}</guid><pubDate>2026-11-{day:02}T{hour:02}:{minute:02}:00Z</pubDate></item>")
    };
    let items: String = (0..ENTRY_LIMIT + 50).map(item).collect();
    let feed = read(format!("<rss><channel>{items}</channel></rss>").as_bytes()).unwrap();
    assert_eq!((feed.entries.len(), feed.entries[0].guid.as_deref()), (ENTRY_LIMIT, Some("50")));
}

/// Pieces that go wrong together.
const PIECES: [&str; 28] = [
    "<rss>",
    "<rss version='2.0'><channel>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<item>",
    "</item>",
    "<entry>",
    "</entry>",
    "<title>",
    "</title>",
    "<content type='xhtml'>",
    "<description>",
    "</description>",
    "<a href='/b?c&d'>",
    "<media:group>",
    "<media:content url='u'>",
    "<media:thumbnail/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#x0;",
    "<?xml encoding='utf-16'?>",
    "<!DOCTYPE a [",
    "\u{feff}é\u{1}",
    "<x xml:base='a/'>",
    "<",
    "[a](/b)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_is_read_or_refused(picks in prop::collection::vec(0..PIECES.len(), 0..40), root in 0..3_usize) {
        let feed: String = std::iter::once(root).chain(picks).map(|piece| PIECES[piece]).collect();
        let read = read(feed.as_bytes());
        prop_assert_ne!(&read, &Err(NotAFeed::Panicked));
        // a root was met, so whatever follows can be repaired
        prop_assert!(read.is_ok(), "{:?}", read);
    }

    #[test]
    fn a_feed_with_broken_bytes_is_read_or_refused(breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12), cut in any::<prop::sample::Index>()) {
        let mut bytes = include_bytes!("../tests/herald.xml").to_vec();
        for (at, byte) in breaks {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        prop_assert_ne!(read(&bytes), Err(NotAFeed::Panicked));
    }

    #[test]
    fn offsets_of_links_are_those_of_their_anchors(source in "(\\[[a-zé ]{0,4}\\]\\([/a.]{1,4}\\)|<a href=/b>|</a>|<p>|[ñ\n &;]|&eacute;){0,24}") {
        let found = text::plain("body", &source, text::Markup::Auto, None);
        for link in &found.links {
            let anchor: String = found.text.chars().skip(link.start as usize).take((link.end - link.start) as usize).collect();
            prop_assert_eq!(&anchor, &link.text);
            prop_assert_eq!(anchor.trim(), anchor.as_str());
        }
        prop_assert_eq!(found.text.trim(), found.text.as_str());
    }
}
