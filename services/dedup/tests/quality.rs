//! How well copies are told from news, on generated articles whose truth is known.
//!
//! 300 articles, each of its own words, and eight ways in which copies differ from them, streamed in disorder.
//! Articles share a vocabulary of common words, places and numbers, so that they overlap as news does; a tenth of
//! them follow one template with other names and figures. Figures are pairs of items in one cluster.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tidings_dedup::{Change, Config, Dedup, Outcome, RawItem};
use tidings_model::{Timestamp, topic};
use tidings_stage::{Change as _, Event, Input, Stage};

const ARTICLES: usize = 300;
const START: i64 = 1_795_521_600_000;

/// A splitmix64 generator: the same articles each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    /// A word of the language: a few are very common, most are rare (Zipf).
    fn word(&mut self) -> String {
        const COMMON: [&str; 16] =
            ["the", "of", "to", "a", "in", "and", "said", "on", "that", "for", "was", "is", "with", "at", "has", "by"];
        const HEADS: [&str; 12] = ["ba", "co", "di", "fe", "gra", "ho", "li", "mo", "pre", "su", "tra", "ve"];
        const TAILS: [&str; 12] = ["al", "ent", "ing", "ion", "ist", "ness", "or", "ous", "rate", "ter", "tion", "ure"];
        if self.roll(5) < 2 {
            return self.pick(&COMMON).to_owned();
        }
        let rank = self.roll(40) * self.roll(40) + self.roll(3);
        format!("{}{}{}", HEADS[rank % 12], HEADS[rank / 12 % 12], TAILS[rank / 7 % 12])
    }

    fn words(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.word()).collect()
    }
}

#[derive(Clone)]
struct Article {
    truth: usize,
    headline: String,
    text: Vec<String>,
    publisher: &'static str,
}

const PUBLISHERS: [&str; 6] =
    ["Northern Star", "Daily Example", "The Courier", "Evening Post", "Wire Desk", "Coast FM"];

fn article(truth: usize, dice: &mut Dice) -> Article {
    let publisher = dice.pick(&PUBLISHERS);
    if truth.is_multiple_of(10) {
        let (index, points, percent) = (dice.word(), dice.roll(9000), dice.roll(99));
        let city = dice.words(2).join(" ");
        let reason = dice.words(12).join(" ");
        let text = format!(
            "Shares in {city} closed at {points} points on the {index} index, a change of 0.{percent} percent from the \
             day before, as investors weighed {reason}"
        );
        let headline = format!("{city} shares close at {points}");
        return Article { truth, headline, text: text.split(' ').map(str::to_owned).collect(), publisher };
    }
    let (headline, length) = (dice.roll(5) + 6, dice.roll(60) + 25);
    Article { truth, headline: dice.words(headline).join(" "), text: dice.words(length), publisher }
}

/// A copy, as another publisher brings it; `way` says how it differs.
fn copy(article: &Article, way: usize, dice: &mut Dice) -> Article {
    let mut copy = Article { publisher: dice.pick(&PUBLISHERS), ..article.clone() };
    let words = copy.text.len();
    match way {
        0 => copy.text.extend(dice.words(words / 2)),
        1 => {
            copy.text.truncate(words * (60 + dice.roll(30)) / 100);
            copy.text.push("…".to_owned());
        }
        2 => copy.text.insert(0, format!("{}, Nov 24 (Reuters) -", dice.pick(&["LONDON", "NEW YORK", "KYIV"]))),
        3 => copy.text[dice.roll(words)] = "replaced".to_owned(),
        4 => copy.text.push("(Reporting by Jo Doe; Editing by Al Roe)".to_owned()),
        5 => copy.headline = format!("UPDATE 2-{} | {}", copy.headline, copy.publisher),
        6 => {
            copy.text.insert(0, "PARIS (AFP) —".to_owned());
            copy.text.remove(dice.roll(words) + 1);
            copy.text.push("Read more...".to_owned());
        }
        _ => copy.headline = copy.headline.to_uppercase(),
    }
    copy
}

/// The stream: articles and copies, each moved by at most 300 places.
fn stream() -> Vec<Article> {
    let mut dice = Dice(20);
    let mut stream = Vec::new();
    for truth in 0..ARTICLES {
        let original = article(truth, &mut dice);
        for _ in 0..dice.roll(5) {
            let way = dice.roll(8);
            stream.push(copy(&original, way, &mut dice));
        }
        stream.push(original);
    }
    let mut placed: Vec<_> = stream.into_iter().enumerate().map(|(n, item)| (n + dice.roll(300), n, item)).collect();
    placed.sort_by_key(|(place, n, _)| (*place, *n));
    placed.into_iter().map(|(.., item)| item).collect()
}

fn value(n: usize, article: &Article) -> Value {
    json!({
        "id": n,
        "headline": article.headline,
        "summary": article.text.join(" "),
        "publisher": {"name": article.publisher},
        "first_seen_at": Timestamp::from_millis(START + n as i64 * 60_000),
    })
}

/// The cluster of each of these items, and the changes that they made.
fn clusters(stage: &mut Dedup, items: impl Iterator<Item = (usize, Value)>) -> (Vec<String>, Vec<Change>) {
    let mut changes = Vec::new();
    let cluster = |(n, value): (usize, Value)| {
        let item = RawItem::decode(&topic::RAW, b"", Some(value.to_string().as_bytes())).expect("an item");
        let at = item.seen().expect("a time");
        let step = stage.step(at, &Event::Record(item)).unwrap_or_else(|reject| panic!("{n}: {reject}")).step;
        changes.extend(step.changes);
        match &step.out[0].outcome {
            Outcome::Unique(unique) => unique.cluster.id.to_string(),
            Outcome::Duplicate(copy) => copy.cluster.to_string(),
        }
    };
    (items.map(cluster).collect(), changes)
}

fn values(stream: &[Article]) -> impl Iterator<Item = (usize, Value)> {
    stream.iter().enumerate().map(|(n, article)| (n, value(n, article)))
}

/// All pairs of items that have the same key.
fn pairs<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeSet<(usize, usize)> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    keys.enumerate().for_each(|(n, key)| groups.entry(key).or_default().push(n));
    let pairs_of = |group: &Vec<usize>| {
        let pairs = group.iter().flat_map(|a| group.iter().map(move |b| (*a, *b)));
        pairs.filter(|(a, b)| a < b).collect::<Vec<_>>()
    };
    groups.values().flat_map(pairs_of).collect()
}

#[test]
fn copies_are_found_and_news_is_kept() {
    let stream = stream();
    let (clusters, _) = clusters(&mut Dedup::new(&Config::default()), values(&stream));
    let (truth, found) = (pairs(stream.iter().map(|article| article.truth)), pairs(clusters.iter()));
    let right = truth.intersection(&found).count() as f64;
    let (precision, recall) = (right / found.len() as f64, right / truth.len() as f64);
    println!("figure: {} items, {} pairs: precision {precision:.4}, recall {recall:.4}", stream.len(), truth.len());
    assert!(recall >= 0.99 && precision >= 0.995, "precision {precision:.4}, recall {recall:.4}");
}

/// The state is a function of the set of entries: built in any order, it decides the same.
#[test]
fn the_order_of_restoring_does_not_matter() {
    let stream = stream();
    let config = Config { window: Duration::from_secs(4 * 3600), ..Config::default() };
    let mut live = Dedup::new(&config);
    let (_, changes) = clusters(&mut live, values(&stream).take(600));
    let newest: BTreeMap<Vec<u8>, &Change> = changes.iter().map(|change| (change.key(), change)).collect();
    assert!(changes.len() > 900, "items left the window: {} changes", changes.len());
    let expected = clusters(&mut live, values(&stream).skip(600)).0;
    let mut dice = Dice(7);
    for _ in 0..5 {
        let mut order: Vec<_> = newest.values().map(|change| (dice.roll(usize::MAX), change)).collect();
        order.sort_unstable_by_key(|(place, _)| *place);
        let mut restored = Dedup::new(&config);
        order.iter().for_each(|(_, change)| restored.apply(change));
        assert_eq!(clusters(&mut restored, values(&stream).skip(600)).0, expected);
    }
}
