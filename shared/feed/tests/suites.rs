//! How many of the feedparser and gofeed test feeds are usable: feedparser 6 finds content in them, and so do we,
//! with no fewer entries. We give plain text, so where all that feedparser finds is markup without a word in it
//! (`<span abbr="">`, a test of its sanitiser) or a field that we do not have, only entries are counted.
//!
//! Needs the suites beside the workspace (`../shared/data/feeds`); skips without them.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tidings_feed::{
    Entry, Feed, Hints, NotAFeed, parse,
    text::{Markup, plain},
};

/// Of the two suites together, and of those of their feeds that have words in them.
const GOAL: f64 = 0.975;

#[test]
fn usable_share_of_the_public_suites() {
    let Some(suites) = suites() else { return };
    let expected = fs::read_to_string(suites.join("expected.jsonl")).unwrap();
    let mut shares: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    let mut lost = Vec::new();
    let (mut dates, mut dates_alike) = (0, 0);
    for line in expected.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let file = case["file"].as_str().unwrap();
        let hints = Hints {
            content_type: case["request"]["content_type"].as_str(),
            url: case["request"]["content_location"].as_str(),
        };
        let read = parse(&fs::read(suites.join(file)).unwrap(), &hints);
        assert_ne!(read, Err(NotAFeed::Panicked), "{file}");
        if case["nonempty"] != true {
            continue;
        }
        let entries = case["entries"].as_array().unwrap();
        let readable = is_readable(&case);
        let usable =
            read.as_ref().is_ok_and(|feed| (has_content(feed) || !readable) && feed.entries.len() >= entries.len());
        for (theirs, ours) in entries.iter().zip(read.iter().flat_map(|feed| &feed.entries)) {
            if let Some(published) = theirs["published"].as_i64() {
                dates += 1;
                dates_alike += u32::from(ours.published.is_some_and(|at| at.millis() / 1000 == published));
            }
        }
        let suite = file.split('/').take(if file.starts_with("gofeed") { 1 } else { 2 }).collect::<Vec<_>>().join("/");
        let worded = if readable { "all with words" } else { "all without" };
        for share in [suite, "all".to_owned(), worded.to_owned()] {
            let [all, good] = shares.entry(share).or_default();
            (*all, *good) = (*all + 1, *good + u32::from(usable));
        }
        if !usable {
            lost.push(match read {
                Ok(feed) => format!("{file}: {} of {} entries", feed.entries.len(), entries.len()),
                Err(error) => format!("{file}: {error}"),
            });
        }
    }
    for (suite, [all, good]) in &shares {
        println!("{suite:24} {good:5} of {all:5} usable: {:5.1} %", 100.0 * f64::from(*good) / f64::from(*all));
    }
    println!("published dates as feedparser reads them: {dates_alike} of {dates}");
    lost.iter().for_each(|line| println!("  {line}"));
    for share in ["all", "all with words"] {
        let [all, good] = shares[share];
        assert!(f64::from(good) >= GOAL * f64::from(all), "{share}: {good} of {all}");
    }
}

/// Every feed of the suites, cut off and with broken bytes, is read or refused.
#[test]
fn broken_copies_of_the_public_suites() {
    let Some(suites) = suites() else { return };
    const PIECES: &[u8] = b"<>&\"';[]!-/\xe9\0 x";
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move |below: usize| {
        // xorshift64 (Marsaglia 2003): the same copies in each run
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below.max(1) as u64) as usize
    };
    let expected = fs::read_to_string(suites.join("expected.jsonl")).unwrap();
    for line in expected.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let file = case["file"].as_str().unwrap();
        let whole = fs::read(suites.join(file)).unwrap();
        for _ in 0..8 {
            let mut bytes = whole.clone();
            for _ in 0..next(6) {
                let (at, piece) = (next(bytes.len()), PIECES[next(PIECES.len())]);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = piece;
                }
            }
            bytes.truncate(bytes.len() - next(bytes.len() / 2));
            assert_ne!(parse(&bytes, &Hints::default()), Err(NotAFeed::Panicked), "{file}: {bytes:?}");
        }
    }
}

fn suites() -> Option<PathBuf> {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/feeds");
    let found = suites.is_dir();
    if !found {
        println!("skipped: no {}", suites.display());
    }
    found.then_some(suites)
}

fn has_content(feed: &Feed) -> bool {
    let entry = |entry: &Entry| *entry != Entry::default();
    feed.title.is_some()
        || feed.description.is_some()
        || feed.home.is_some()
        || feed.language.is_some()
        || feed.rights.is_some()
        || feed.ttl.is_some()
        || !feed.deleted.is_empty()
        || feed.entries.iter().any(entry)
}

/// Whether feedparser finds words, an address or a date in the fields that we have too.
fn is_readable(case: &Value) -> bool {
    let any = |found: &Value, fields: &[&str]| {
        fields.iter().any(|field| match &found[field] {
            Value::String(text) => !plain("body", text, Markup::Html, None).text.is_empty(),
            value => value.is_number(),
        })
    };
    let mut entries = case["entries"].as_array().into_iter().flatten();
    any(case, &["title", "link", "summary"])
        || entries.any(|entry| any(entry, &["title", "link", "id", "summary", "content", "published"]))
}
