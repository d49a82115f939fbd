//! What is compared of a text: tables.

use super::*;

fn item(json: &str) -> Item {
    serde_json::from_str(json).unwrap()
}

#[test]
fn headlines_lose_labels_and_publishers() {
    let daily = item(
        r#"{"id":"1","publisher":{"name":"The Daily Example","domain":"example.org"},
            "origin":{"kind":"feed","feed":{"id":"f","url":"https://example.org/f","title":"Coast FM | Top stories"}}}"#,
    );
    for (headline, left) in [
        ("Storm closes ports in the north", "Storm closes ports in the north"),
        ("Storm closes ports | Daily Example", "Storm closes ports"),
        ("Storm closes ports - example.org", "Storm closes ports"),
        ("Storm closes ports – BBC News", "Storm closes ports"),
        ("Storm closes ports - Coast FM", "Storm closes ports"),
        ("Storm closes ports » Top Stories", "Storm closes ports"),
        ("Storm closes ports - officials", "Storm closes ports - officials"),
        ("Storm closes ports (AP)", "Storm closes ports"),
        ("UPDATE 2-Storm closes ports", "Storm closes ports"),
        ("BREAKING: Live: Storm closes ports", "Storm closes ports"),
        ("Live-in carers strike", "Live-in carers strike"),
        ("Update: ", "Update:"),
        ("Live - BBC News", "Live - BBC News"),
    ] {
        assert_eq!(credit::strip_headline(headline, |name| Outlet(&daily).is_called(name)), left, "{headline}");
    }
}

#[test]
fn texts_lose_datelines_credits_and_tails() {
    for (text, left) in [
        ("LONDON (Reuters) - Ports closed.", "Ports closed."),
        ("NEW YORK, March 3 (AP) -- Ports closed.", "Ports closed."),
        ("Paris (AFP) – Ports closed.", "Ports closed."),
        ("KYIV — Ports closed.", "Ports closed."),
        ("(AP) Ports closed.", "Ports closed."),
        ("AFP - Ports closed.", "Ports closed."),
        ("By Jo Doe, AP Writer Ports closed.", "Ports closed."),
        ("Ports closed - for a day - by the storm.", "Ports closed - for a day - by the storm."),
        ("Ports closed by the storm. (Reporting by Jo Doe; Editing by Al Roe)", "Ports closed by the storm."),
        ("Ports closed by the storm. © 2026 AFP All rights reserved", "Ports closed by the storm."),
        ("Ports closed by the storm. Read more...", "Ports closed by the storm."),
        ("Ports closed by the storm… [+2345 chars]", "Ports closed by the storm…"),
        ("Ports closed by the storm. Follow Jo on Twitter.", "Ports closed by the storm."),
        ("Ports closed by the storm. Follow the road.", "Ports closed by the storm. Follow the road."),
        ("Read more", "Read more"),
        ("Häfen im Norden geschlossen wegen Sturm. Weiterlesen", "Häfen im Norden geschlossen wegen Sturm."),
    ] {
        assert_eq!(credit::strip_text(text), left, "{text}");
    }
}

#[test]
fn a_tail_is_found_by_how_it_begins() {
    for (begins, goes_on) in credit::TAILS {
        let text = format!("Ports closed by the storm. {begins}{goes_on}");
        assert_eq!(credit::strip_text(&text), "Ports closed by the storm.", "{begins}");
    }
}

#[test]
fn markup_is_undone() {
    for (text, left) in [
        ("a &amp; b &#8217;s &#x27; &nosuch; &", "a & b ’s ' &nosuch; &"),
        ("a<br/>b <b>c</b> 1 < 2", "a b  c  1 < 2"),
        ("see [the report](https://example.org/a?b=c) now] (x)", "see [the report  now] (x)"),
        ("Ukraineʼs ﬁrst", "Ukraine's first"),
        ("cafe\u{301}", "café"),
        ("é<", "é<"),
    ] {
        assert_eq!(clean::clean(text), left, "{text}");
    }
}

#[test]
fn words_are_what_is_left_without_case_and_punctuation() {
    let hashes = |text: &str| {
        let mut hashes = Vec::new();
        words::hash(text, &mut hashes);
        hashes
    };
    for (a, b) in [
        ("“Ports” closed — ÉLAN!", "ports closed élan"),
        ("China's", "china s"),
        ("", "… – 🎉"),
        ("习近平", "习近 近平"),
        ("习", "习"),
        ("在 BBC 说", "在bbc说"),
        ("CafÉ-É3x naÏve", "café é3x naïve"),
        ("abC๎d Kelvin", "abcd kelvin"),
        ("在3说4", "在 3 说 4"),
    ] {
        assert_eq!(hashes(a), hashes(b), "{a:?} {b:?}");
    }
    assert_eq!(hashes("习近平访问").len(), 4);
    assert_eq!(hashes("น้ำท่วม").len(), 4);
    assert_eq!(hashes("12 dead").iter().map(|word| word & 1).collect::<Vec<_>>(), [1, 0]);
    // stored in the changelog: must never change
    assert_eq!(hashes("ports"), [4_142_554_732 & 0x00ff_fffe]);
}

#[test]
fn summary_and_body_are_joined_unless_one_repeats_the_other() {
    let words = |json: &str| Text::of(&item(json)).words.len();
    for (fields, title, count) in [
        (r#""headline":"a b""#, 2, 2),
        (r#""headline":"a b","summary":"…""#, 2, 2),
        (r#""headline":"a b","summary":"c d e""#, 2, 5),
        (r#""summary":"c d e","body":"f g""#, 0, 5),
        (r#""summary":"c d ef...","body":"c d efgh i""#, 0, 4),
        (r#""summary":"c","body":"c d""#, 0, 2),
        (r#""summary":"c","body":"d""#, 0, 2),
        (r#""summary":"c d","body":"c d""#, 0, 2),
    ] {
        let json = format!(r#"{{"id":"1",{fields}}}"#);
        assert_eq!((Text::of(&item(&json)).title, words(&json)), (title, count), "{fields}");
    }
    let long = "word ".repeat(1000);
    assert_eq!(words(&format!(r#"{{"id":"1","headline":"{long}","body":"{long}"}}"#)), HEADLINE + LONGEST);
}

#[test]
fn what_is_cut_ends_in_an_ellipsis() {
    for (fields, cut) in [
        (r#""headline":"a b…""#, true),
        (r#""headline":"a b…","summary":"c d""#, false),
        (r#""headline":"a b","summary":"c d [...]""#, true),
        (r#""headline":"a b","summary":"c…","body":"d e.""#, false),
    ] {
        assert_eq!(Text::of(&item(&format!(r#"{{"id":"1",{fields}}}"#))).cut, cut, "{fields}");
    }
}

#[test]
fn a_text_without_a_headline_may_be_one() {
    let words = |field: &str, text: &str| Text::of(&item(&format!(r#"{{"id":"1","{field}":"{text}"}}"#))).words;
    let bare = words("headline", "Storm closes ports in the north");
    assert_eq!(words("summary", "UPDATE 2-Storm closes ports in the north - BBC News"), bare);
    assert_eq!(words("body", "Storm closes ports in the north (AP)"), bare);
}
