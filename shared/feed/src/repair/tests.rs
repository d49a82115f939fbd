//! What becomes of broken, old and hostile XML.

use super::*;

const ATOM: &str = "<feed xmlns='http://www.w3.org/2005/Atom'>";

/// The repaired feed without its root.
fn inner(source: &str) -> String {
    let xml = repair(source, None).unwrap().xml;
    let from = xml.find("<channel>").map_or_else(|| xml.find('>').unwrap() + 1, |at| at + "<channel>".len());
    let to = xml.rfind("</channel>").unwrap_or(xml.len() - "</atom:feed>".len());
    xml[from..to].to_owned()
}

#[test]
fn rss_of_every_age() {
    for (what, source, repaired) in [
        (
            "bare and unknown references, control characters",
            "<rss><channel><title>A & B &co; \u{1}&eacute;</title>",
            "<title>A &amp; B &amp;co; é</title>",
        ),
        (
            "RSS 1.0: items beside the channel, identity by rdf:about",
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>
             <channel><title>t</title><items><rdf:Seq><rdf:li/></rdf:Seq></items></channel><item rdf:about='u'><link>l</link></item></rdf:RDF>",
            "<title>t</title><item><guid>u</guid><link>l</link></item>",
        ),
        (
            "names in any case, no rss element",
            "<Channel><ITEM><TITLE>t</TITLE><pubdate>d</pubdate></ITEM></Channel>",
            "<item><title>t</title><pubDate>d</pubDate></item>",
        ),
        (
            "an item that never ends, a title that never ends",
            "<rss><channel><item><title>a</title><item><title>b<item><link>c</link></item></channel></rss>",
            "<item><title>a</title></item><item><title>b</title></item><item><link>c</link></item>",
        ),
        (
            "mis-nested and stray ends",
            "<rss><channel></b><item><description>a<p>b</description></p></item></channel></rss>",
            "<item><description>a&lt;p&gt;b</description></item>",
        ),
        (
            "inline markup is text, prefixes and most attributes gone",
            "<rss><channel><item><description>a<h:a xmlns:h='x' onclick='y' href='/b?c&amp;d'>e</h:a></description></item></channel></rss>",
            "<item><description>a&lt;a href=&quot;/b?c&amp;amp;d&quot;&gt;e&lt;/a&gt;</description></item>",
        ),
        (
            "empty media, unknown elements and empty texts are dropped",
            "<rss xmlns:media='http://search.yahoo.com/mrss/'><channel><item><media:group><media:description/></media:group>
             <x:y xmlns:x='urn:z'><item>no</item></x:y><guid> </guid></item></channel></rss>",
            "<item></item>",
        ),
        (
            "an Atom link in RSS",
            "<rss><channel><item><atom:link rel='self' href='s'/><atom:link href='p'/></item></channel></rss>",
            "<item><link>p</link></item>",
        ),
        (
            "Dublin Core only where RSS is silent",
            "<rss><channel><item><title>t</title><dc:title>no</dc:title><dc:description>d</dc:description></item></channel></rss>",
            "<item><title>t</title><description>d</description></item>",
        ),
        (
            "a news sitemap",
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>
             <url><loc>l</loc><news:news><news:publication><news:name>N</news:name></news:publication>
             <news:publication_date>d</news:publication_date><news:title>t</news:title></news:news></url></urlset>",
            "<item><link>l</link><pubDate>d</pubDate><title>t</title></item>",
        ),
        ("cut off", "<rss><channel><item><title>t</title><link>l</li", "<item><title>t</title><link>l</link></item>"),
    ] {
        assert_eq!(inner(source), repaired, "{what}");
    }
}

#[test]
fn atom_of_either_age() {
    for (what, source, repaired) in [
        (
            "0.3 names and modes",
            "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><tagline mode='escaped'>&lt;b></tagline><entry><issued>d</issued>
             <content mode='base64'>PGI+eA==</content></entry></feed>",
            "<atom:subtitle type=\"html\">&lt;b&gt;</atom:subtitle><atom:entry><atom:published>d</atom:published>\
             <atom:content type=\"html\">&lt;b&gt;x</atom:content></atom:entry>",
        ),
        (
            "XHTML becomes HTML",
            "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:entry><a:summary type='xhtml'><div>1 &lt; 2<br/></div></a:summary></a:entry></a:feed>",
            "<atom:entry><atom:summary type=\"html\">&lt;div&gt;1 &amp;lt; 2&lt;br/&gt;&lt;/div&gt;</atom:summary></atom:entry>",
        ),
        (
            "a title within content is no title of the entry",
            &format!("{ATOM}<entry><content type='html'><title>x</title></content><title>t</title></entry></feed>"),
            "<atom:entry><atom:content type=\"html\">&lt;title&gt;x&lt;/title&gt;</atom:content><atom:title type=\"text\">t</atom:title></atom:entry>",
        ),
        ("an entry by itself", "<entry xmlns='http://www.w3.org/2005/Atom'><id>i</id></entry>", "<atom:entry><atom:id>i</atom:id></atom:entry>"),
        (
            "xml:base is made absolute",
            &format!("{ATOM}<entry xml:base='http://e.org/a/'><content xml:base='b/'>t</content></entry></feed>"),
            "<atom:entry xml:base=\"http://e.org/a/\"><atom:content xml:base=\"http://e.org/a/b/\" type=\"text\">t</atom:content></atom:entry>",
        ),
    ] {
        assert_eq!(inner(source), repaired, "{what}");
    }
}

#[test]
fn beside_the_xml() {
    let told = |source: &str| repair(source, None).unwrap();
    let found = told(&format!(
        "{ATOM}<at:deleted-entry ref='tag:a&amp;b' when='x'><at:comment>c</at:comment></at:deleted-entry></feed>"
    ));
    assert_eq!((found.deleted, found.repairs), (vec!["tag:a&b".to_owned()], vec!["undeclared prefix"]));
    let alone = told("<entry xmlns='http://www.w3.org/2005/Atom'><title/><dc:title>t</dc:title></entry> ");
    assert_eq!((alone.xml.matches(">t</atom:title>").count(), alone.repairs), (1, vec!["undeclared prefix"]));
    let syndication = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'";
    let found = told(&format!(
        "<rss {syndication}><channel><sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency></channel></rss>"
    ));
    assert_eq!((found.ttl, found.repairs), (Some(Duration::from_secs(1_800)), vec![]));
}

#[test]
fn what_is_no_feed() {
    for (source, html) in [
        ("<!DOCTYPE html><html><body><p>x", true),
        ("<HTML>", true),
        ("<!doctype HTML>\n", true),
        ("<sitemapindex/>", false),
        ("just text", false),
        ("<", false),
    ] {
        let error = repair(source, None).map(|found| found.xml).unwrap_err();
        assert_eq!(error == NotAFeed::Html, html, "{source}: {error}");
    }
}

/// What the library below would need gigabytes or seconds for does not reach it.
#[test]
fn hostile_structure_is_cut_down() {
    let media = "xmlns:media='http://search.yahoo.com/mrss/'";
    for (what, source, most) in [
        ("nested xml:base", format!("{ATOM}{}", "<x xml:base='a/'>".repeat(70_000)), 1_000),
        (
            "nested entries with xml:base",
            format!("{ATOM}{}", "<entry xml:base='http://e.org/'><id>x</id>".repeat(25_000)),
            4_000_000,
        ),
        ("deep inline markup", format!("{ATOM}<entry><content>{}", "<b>".repeat(300_000)), 4_000_000),
        ("deep groups", format!("<rss {media}><channel><item>{}", "<media:group>".repeat(80_000)), 2_000),
        (
            "groups times thumbnails",
            format!(
                "<rss {media}><channel><item>{}{}",
                "<media:thumbnail url='u'/>".repeat(9_000),
                "<media:group><media:content/></media:group>".repeat(9_000)
            ),
            10_000,
        ),
        ("many attributes", format!("{ATOM}<link {}/>", "href='x' ".repeat(80_000)), 2_000),
        ("items without end", format!("<rss><channel>{}", "<item>".repeat(170_000)), 500_000),
        (
            "billion laughs",
            format!(
                "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>{}]><rss><channel><title>&h;&a;</title>",
                ('b'..'i').map(|c| format!("<!ENTITY {c} '&a;&a;&a;'>")).collect::<String>()
            ),
            1_000,
        ),
        ("open comments", format!("<rss><channel>{}", "<!--".repeat(300_000)), 1_000),
        ("open quotes", format!("<rss><channel>{}", "<a b=\"<c d='".repeat(100_000)), 1_000),
        ("open doctypes", "<!DOCTYPE [".repeat(100_000) + "<rss>", 1_000),
        ("quotes in a tag", format!("<rss><a {}", "' \" ".repeat(300_000)), 1_000),
    ] {
        match repair(&source, None) {
            Ok(found) => assert!(found.xml.len() <= most, "{what}: {} bytes", found.xml.len()),
            Err(error) => assert!(matches!(error, NotAFeed::Malformed(_)), "{what}: {error}"),
        }
    }
}
