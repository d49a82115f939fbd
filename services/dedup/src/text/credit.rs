//! Strips what tells who wrote, sent or hosts a text: labels and publisher names of headlines, datelines, agency
//! credits, and the tails that sites append.

/// Wire agencies, as datelines credit them.
const AGENCIES: [&str; 15] = [
    "reuters",
    "ap",
    "afp",
    "xinhua",
    "dpa",
    "cnn",
    "bloomberg",
    "upi",
    "tass",
    "pti",
    "ani",
    "efe",
    "ansa",
    "kyodo",
    "the associated press",
];

/// Publishers whose names stand at the end of headlines that others carry.
const PUBLISHERS: [&str; 22] = [
    "AP",
    "AP News",
    "ABC News",
    "Al Jazeera",
    "BBC",
    "BBC News",
    "Bloomberg",
    "CBS News",
    "CNN",
    "CNN Politics",
    "CNN.com",
    "Financial Times",
    "Fox News",
    "NBC News",
    "NPR",
    "New York Times",
    "Politico",
    "Reuters",
    "Sky News",
    "The Guardian",
    "USA Today",
    "Washington Post",
];

/// What editors put before a headline, with a colon, or in capitals with a dash (`UPDATE 2-…`).
const LABELS: [&str; 11] =
    ["analysis", "breaking", "corrected", "exclusive", "live", "refile", "rpt", "update", "updated", "watch", "wrapup"];

/// Where tails begin that sites append, and what must follow in the tail for it to be one.
pub(super) const TAILS: [(&str, &str); 20] = [
    ("(Reporting by", ""),
    ("(Editing by", ""),
    ("Reporting by ", "diting by"),
    ("Copyright 20", ""),
    ("© 20", ""),
    ("All rights reserved", ""),
    ("The post ", "appeared first"),
    ("Click here to", ""),
    ("Sign up for our newsletter", ""),
    ("Read more", ""),
    ("Read More", ""),
    ("Continue reading", ""),
    ("Keep reading", ""),
    ("Read the full", ""),
    ("Follow ", " on Twitter"),
    ("[+", " chars]"),
    ("Weiterlesen", ""),
    ("Lire la suite", ""),
    ("Seguir leyendo", ""),
    ("Leer más", ""),
];
/// A tail is this long at most, in bytes, and leaves at least so much before it.
const TAIL: usize = 180;
const KEPT: usize = 20;
/// The first byte of © in UTF-8.
const SIGN: u8 = 0xc2;

/// What parts the name of a publisher from a headline, beside the hyphen.
pub(super) const SEPARATORS: [char; 6] = ['|', '–', '—', ':', '·', '»'];

/// A headline without labels before it and without the outlet's name or an agency credit after it.
pub(super) fn strip_headline(headline: &str, is_outlet: impl Fn(&str) -> bool) -> &str {
    let mut text = headline.trim();
    while let Some(rest) = after_label(text) {
        text = rest;
    }
    let parted = text.as_bytes().windows(2).any(|two| two[0] == b' ' && matches!(two[1], b'|' | b'-' | b':' | 0x80..));
    for separator in [" | ", " - ", " – ", " — ", " : ", " · ", " » "].into_iter().filter(|_| parted) {
        if let Some((title, name)) = text.rsplit_once(separator)
            && title.len() >= 10
            && (is_outlet(name) || PUBLISHERS.iter().any(|known| super::same_name(known, name)))
        {
            text = title.trim_end();
            break;
        }
    }
    match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
        Some((title, credit)) if is_agency(credit) => title.trim_end(),
        _ => text,
    }
}

/// What follows a label, if `text` begins with one.
fn after_label(text: &str) -> Option<&str> {
    let head = &text[..text.floor_char_boundary(16)];
    let end = head.find([':', '-'])?;
    let label = head[..end].trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let capitals = text[end..].starts_with(':') || label.bytes().all(|byte| byte.is_ascii_uppercase());
    let rest = text[end + 1..].trim_start();
    let known = LABELS.iter().any(|known| label.eq_ignore_ascii_case(known));
    (known && capitals && !rest.is_empty()).then_some(rest)
}

/// A text without byline, dateline and agency credit before it, and without a site's tails after it.
pub(super) fn strip_text(text: &str) -> &str {
    let mut text = after_byline(text.trim());
    text = after_dateline(text);
    if let Some((credit, rest)) = text.strip_prefix('(').and_then(|text| text.split_once(')'))
        && is_agency(credit)
    {
        text = rest.trim_start_matches(|c: char| c.is_whitespace() || "-–—".contains(c));
    }
    while let Some(before) = before_tail(text) {
        text = before;
    }
    text
}

/// `By Name, AP Writer`.
fn after_byline(text: &str) -> &str {
    let head = &text[..text.floor_char_boundary(80)];
    match head.strip_prefix("By ").and_then(|_| head.find(" Writer ")) {
        Some(at) => text[at + " Writer ".len()..].trim_start(),
        None => text,
    }
}

fn after_dateline(text: &str) -> &str {
    let head = &text[..text.floor_char_boundary(70)];
    let separator = |at: usize| {
        let begins = |separator: &&str| head[at..].starts_with(separator);
        [" -- ", " - ", " — ", " – "].into_iter().find(begins).map(|separator| (at, separator.len()))
    };
    match head.match_indices(' ').find_map(|(at, _)| separator(at)) {
        Some((at, length)) if is_dateline(&head[..at]) => text[at + length..].trim_start(),
        _ => text,
    }
}

/// `AFP`; `LONDON, March 3 (Reuters)`; a place in capitals.
fn is_dateline(head: &str) -> bool {
    if let Some((_, credit)) = head.strip_suffix(')').and_then(|head| head.rsplit_once('('))
        && is_agency(credit)
    {
        return true;
    }
    let place = head.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    let capitals = place.chars().count() >= 3 && place.chars().all(char::is_uppercase);
    is_agency(head) || capitals && head.split_whitespace().count() <= 6
}

fn is_agency(name: &str) -> bool {
    AGENCIES.iter().any(|agency| name.eq_ignore_ascii_case(agency))
}

/// The text before its last tail.
fn before_tail(text: &str) -> Option<&str> {
    let far = text.ceil_char_boundary(text.len().saturating_sub(TAIL)).max(KEPT);
    // all tails begin with a capital, a bracket or a sign
    let begins = |byte: &u8| matches!(*byte, b'A'..=b'Z' | b'(' | b'[' | SIGN);
    let is_tail = |text: &str| TAILS.iter().any(|(begins, goes_on)| text.starts_with(begins) && text.contains(goes_on));
    let mut tail = text.as_bytes().get(far..)?;
    let at = loop {
        let at = tail.iter().rposition(begins)?;
        if is_tail(&text[far + at..]) {
            break far + at;
        }
        tail = &tail[..at];
    };
    Some(text[..at].trim_end_matches(|c: char| c.is_whitespace() || c == '('))
}
