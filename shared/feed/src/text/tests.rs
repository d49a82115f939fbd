//! What readers see of marked-up text, and where its links stand.

use super::{BODY_LIMIT, Markup, Markup::*, is_cut, plain};

fn read(kind: Markup, source: &str) -> (String, Vec<String>) {
    let found = plain("body", source, kind, Some("https://e.org/news/a"));
    let links = found.links.iter().map(|link| {
        let anchor: String =
            found.text.chars().skip(link.start as usize).take((link.end - link.start) as usize).collect();
        assert_eq!(anchor, link.text, "offsets in {source}");
        format!("{anchor}={}", link.url)
    });
    (found.text.clone(), links.collect())
}

#[test]
fn html_as_readers_see_it() {
    for (source, text, links) in [
        ("<p>One</p>\n<p>two &amp; 3&nbsp;&lt;4</p>", "One\ntwo & 3 <4", vec![]),
        ("a<br/>b<b>c</b>d", "a\nbcd", vec![]),
        ("x<script>if (a<b) '</p>'</script>y<style>p{}</style>z", "xyz", vec![]),
        ("<a href='/x'> the\n plan </a>now", "the plan now", vec!["the plan=https://e.org/x"]),
        ("日本<a href='b'>語</a>", "日本語", vec!["語=https://e.org/news/b"]),
        ("<a href='#top'>up</a><a>x</a><a href='javascript:x'>y</a><a href=/i><img></a>", "upxy", vec![]),
        ("<a href='/1'>one<a href='/2'>two", "onetwo", vec!["one=https://e.org/1", "two=https://e.org/2"]),
        ("<ul><li>a<li>b</ul><table><tr><td>c<td>d</table>", "a\nb\nc d", vec![]),
        ("[a](/b) &copy &unknown;", "[a](/b) © &unknown;", vec![]),
    ] {
        assert_eq!(read(Html, source), (text.into(), links.iter().map(ToString::to_string).collect()), "{source}");
    }
}

#[test]
fn other_markup() {
    for (kind, source, text, links) in [
        (Auto, "if 1 < 2 & AT&T, <Group of Seven>", "if 1 < 2 & AT&T, <Group of Seven>", vec![]),
        (Auto, "[a](/b?c=1&amp;d) &amp; <i>e</i>", "a & e", vec!["a=https://e.org/b?c=1&d"]),
        (Auto, "Xi [called for ](/x)more", "Xi called for more", vec!["called for=https://e.org/x"]),
        (Markdown, "<b>[a](/b)</b>", "<b>a</b>", vec!["a=https://e.org/b"]),
        (Plain, " [a](/b)\r\n\r\n  &amp;\tx\u{ad}\u{92}y\u{1} ", "[a](/b)\n&amp; x’y", vec![]),
    ] {
        assert_eq!(read(kind, source), (text.into(), links.iter().map(ToString::to_string).collect()), "{source}");
    }
}

#[test]
fn relative_links_without_a_base_are_marked() {
    let found = plain("summary", "[a](/b) [c](https://e.org/d)", Markdown, None);
    let links: Vec<_> = found.links.iter().map(|link| (link.url.as_str(), link.resolved)).collect();
    assert_eq!(links, [("/b", false), ("https://e.org/d", true)]);
    assert_eq!(found.links[0].field, "summary");
}

#[test]
fn cut_texts() {
    for (text, cut) in [
        ("The port closed. Read more »", true),
        ("The port closed…", true),
        ("The port ...", true),
        ("The port [...]", true),
        ("The port closed. Continue reading...", true),
        ("The port closed.", false),
        ("", false),
    ] {
        assert_eq!(is_cut(text), cut, "{text}");
    }
}

#[test]
fn a_tag_of_a_megabyte_is_dropped_and_its_text_stays() {
    let attributes: String = (0..150_000).map(|n| format!(" a{n}")).collect();
    let source = format!("<p>a <b{attributes}>b</b> <img src=\"data:,{}\">c <i{attributes}", ">".repeat(5_000));
    assert_eq!(read(Html, &source).0, "a b c");
}

#[test]
fn long_texts_are_cut_and_their_links_are_within() {
    for (field, limit) in [("body", BODY_LIMIT), ("summary", 64 * 1024)] {
        let found = plain(field, &"[é](/b) x\n".repeat(BODY_LIMIT / 4), Markdown, None);
        assert!(found.cut && found.text.len() <= limit && found.text.len() > limit - 8, "{}", found.text.len());
        assert!(found.links.iter().all(|link| (link.end as usize) <= found.text.chars().count()));
        assert!(
            !found.links.is_empty()
                && found.links.iter().map(|link| link.url.len() + link.text.len()).sum::<usize>() <= 32 * 1024
        );
    }
    assert!(!plain("body", "x", Markdown, None).cut);
}
