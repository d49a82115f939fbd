//! Documents in a row, and what each of them says that was not known.

use super::*;
use crate::stage::tests::memory;

const AFTER: u16 = 2;

/// A feed whose entries, newest first, are written `guid`, `guid=headline` or `guid@link`.
fn feed(entries: &str, deleted: &[&str]) -> Feed {
    let entries = entries.split_whitespace().enumerate().map(|(place, text)| {
        let (rest, link) = text.split_once('@').unwrap_or((text, ""));
        let (guid, headline) = rest.split_once('=').unwrap_or((rest, rest));
        let day = guid.parse().unwrap_or(1_000 - place as i64);
        Entry {
            guid: Some(guid.to_owned()),
            url: (!link.is_empty()).then(|| link.to_owned()),
            headline: Some(headline.to_owned()),
            published: Some(Timestamp::from_millis(day * 1_000)),
            ..Entry::default()
        }
    });
    Feed {
        entries: entries.collect(),
        deleted: deleted.iter().map(|&guid| guid.to_owned()).collect(),
        ..Feed::default()
    }
}

/// Entries and the guids that the document declares as deleted; `304` for the same document again.
type Document<'a> = (&'a str, &'a [&'a str]);

/// Reads documents one after the other; each line says what was told.
fn read(documents: &[Document<'_>]) -> Vec<String> {
    let id = FeedId::of(["feed"]);
    let mut memory = memory();
    let mut told = Vec::new();
    for (place, (entries, deleted)) in documents.iter().enumerate() {
        let feed = feed(entries, deleted);
        let at = Timestamp::from_millis(place as i64);
        let reading = match *entries {
            "304" => again(&memory, AFTER),
            _ => compare(&id, &memory, &feed, at, AFTER),
        };
        let Some(reading) = reading else {
            told.push("-".to_owned());
            continue;
        };
        let line: Vec<String> = reading.news.iter().map(|(seen, news)| show(seen, news)).collect();
        told.push(line.join(" "));
        memory.seen = std::sync::Arc::new(reading.seen);
        memory.guids_repeat = reading.guids_repeat;
    }
    told
}

fn show(seen: &Seen, news: &News<'_>) -> String {
    let headline = seen.told.as_ref().and_then(|told| told.headline.clone()).unwrap_or_else(|| "?".to_owned());
    match news {
        News::New(_) => format!("+{headline}"),
        News::Edited(_, changed) => format!("~{headline}:{}({})", seen.no, changed.join(",")),
        News::Withdrawn => format!("x{headline}:{}", seen.no),
    }
}

#[test]
fn documents_in_a_row() {
    let cases: [(&str, &[Document<'_>], &[&str]); 17] = [
        ("the oldest is told first", &[("3 2 1", &[])], &["+1 +2 +3"]),
        ("the same again", &[("2 1", &[]), ("2 1", &[]), ("1 2", &[])], &["+1 +2", "-", "-"]),
        ("an edit", &[("1", &[]), ("1=one", &[]), ("1=uno", &[])], &["+1", "~one:2(headline)", "~uno:3(headline)"]),
        (
            "off the end",
            &[("3 2 1", &[]), ("4 3 2", &[]), ("5 4 3", &[]), ("304", &[])],
            &["+1 +2 +3", "+4", "+5", "-"],
        ),
        ("from the middle", &[("3 2 1", &[]), ("3 1", &[]), ("3 1", &[])], &["+1 +2 +3", "", "x2:2"]),
        (
            "from the top, once something newer is there",
            &[("3 2 1", &[]), ("2 1", &[]), ("2 1", &[]), ("304", &[]), ("4 2 1", &[])],
            &["+1 +2 +3", "", "-", "-", "+4 x3:2"],
        ),
        (
            "an old copy from a cache",
            &[("3 2 1", &[]), ("2 1", &[]), ("2 1", &[]), ("304", &[]), ("4 3 2 1", &[])],
            &["+1 +2 +3", "", "-", "-", "+4"],
        ),
        (
            "confirmed by a 304",
            &[("3 2 1", &[]), ("3 1", &[]), ("304", &[]), ("304", &[])],
            &["+1 +2 +3", "", "x2:2", "-"],
        ),
        ("missing only once", &[("3 2 1", &[]), ("3 1", &[]), ("3 2 1", &[]), ("3 1", &[])], &["+1 +2 +3", "", "", ""]),
        (
            "missing, then overtaken by the end",
            &[("3 2 1", &[]), ("3 1", &[]), ("4 3", &[]), ("304", &[])],
            &["+1 +2 +3", "", "+4", "-"],
        ),
        (
            "by popularity, not by date",
            &[("1 3 2", &[]), ("3 1", &[]), ("3 1", &[]), ("1 3", &[]), ("304", &[])],
            &["+1 +2 +3", "", "-", "-", "-"],
        ),
        ("declared", &[("3 2 1", &[]), ("3 1", &["2", "9"]), ("304", &[])], &["+1 +2 +3", "x2:2", "-"]),
        ("declared, but listed", &[("2 1", &["2"])], &["+1 +2"]),
        (
            "back after a withdrawal",
            &[("3 2 1", &[]), ("3 1", &["2"]), ("3 2=b 1", &[])],
            &["+1 +2 +3", "x2:2", "~b:3(status,headline)"],
        ),
        ("one guid for two", &[("g=a@a g=b@b", &[]), ("g=c@c g=a@a g=b@b", &[]), ("g=c@c", &[])], &["+b +a", "+c", ""]),
        (
            "known before its guid repeats",
            &[("g=a@a", &[]), ("g=b@b g=a@a", &[]), ("g=b@b g=a2@a", &[])],
            &["+a", "+b", "~a2:2(headline)"],
        ),
        ("the very same twice", &[("g=a@a g=a@a", &[]), ("g=b@a", &[])], &["+a", "~b:2(headline)"]),
    ];
    for (name, documents, told) in cases {
        assert_eq!(read(documents), told, "{name}");
    }
}

#[test]
fn an_unordered_feed_withdraws_nothing() {
    let told = read(&[("1 3 2 0", &[]), ("1 3 0", &[]), ("1 3 0", &[]), ("304", &[])]);
    assert_eq!(told[1..], ["", "-", "-"]);
}

#[test]
fn the_same_guid_and_link_with_another_text_is_another_entry() {
    let told = read(&[("g=a@x g=b@x", &[]), ("g=c@x g=a@x g=b@x", &[]), ("g=c@x", &[])]);
    assert_eq!(told, ["+b +a", "+c", ""]);
}

#[test]
fn absent_entries_are_forgotten_in_the_end() {
    let documents: Vec<String> = (0..i64::from(FORGET_AFTER) + 10).map(|day| day.to_string()).collect();
    let mut documents: Vec<Document<'_>> = documents.iter().map(|day| (day.as_str(), &[][..])).collect();
    documents.push(("20", &[]));
    documents.push(("0", &[]));
    let told = read(&documents);
    assert_eq!(told[told.len() - 2..], ["", "+0"]);
}
