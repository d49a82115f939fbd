//! Streams of items whose truth is known: each item carries it in its field `truth`, which the filters pass on unread.

use crate::{
    clusters::ORIGINAL,
    copies::{Told, Way, first_words},
    dice::Dice,
    news::{Article, Teller},
    words,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What items of a stream look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A headline and 30 to 40 words.
    Snippets,
    /// A headline alone.
    Titles,
    /// A headline and up to 300 words.
    Long,
    /// Feeds as they are: several publishers tell of one event, some in copies and some in their own words; reports
    /// of the same kind recur; round-ups repeat others' headlines; notices stand where a text should be.
    Natural,
    /// What a search engine shows: a lead and some sentences, in any order.
    Extracts,
}

/// An item to be, and its truth.
struct Part {
    cluster: usize,
    class: String,
    told: Told,
    search: bool,
}

/// How far items may move from their place: originals and copies meet in any order.
const DISORDER: usize = 3000;
/// Half of the articles have copies.
const COPIED: usize = 50;

/// The items of `count` articles: invented ones, or yours.
pub fn items(kind: Kind, count: usize, seed: u64, yours: &[Article]) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    let articles = articles(kind, count, seed, yours);
    let mut parts = Vec::new();
    for (cluster, article) in articles.iter().enumerate() {
        let told = shown(kind, article, &mut dice);
        if told.headline.is_empty() && told.text.is_empty() {
            continue;
        }
        let original = Part { cluster, class: ORIGINAL.to_owned(), told, search: false };
        if dice.chance(COPIED) {
            let mut ways = ways(kind);
            dice.shuffle(&mut ways);
            let copies = [1, 1, 2, 3][dice.roll(4)].min(ways.len());
            for way in &ways[..copies] {
                let other = &articles[dice.roll(articles.len())];
                if let Some(told) = way.copy(&original.told, article, other, &mut dice) {
                    parts.push(Part {
                        cluster,
                        class: way.name(),
                        told,
                        search: matches!(way, Way::Extracted | Way::Clipped),
                    });
                }
            }
        }
        parts.push(original);
    }
    if kind == Kind::Natural {
        round_ups(&articles, &mut parts, &mut dice);
        hidden(&articles, &mut parts, &mut dice);
    }
    let mut placed: Vec<_> =
        parts.into_iter().enumerate().map(|(n, part)| (n + dice.roll(DISORDER), n, part)).collect();
    placed.sort_by_key(|(place, n, _)| (*place, *n));
    placed.iter().enumerate().map(|(n, (.., part))| item(n, part)).collect()
}

/// In which ways items of a kind are copied.
fn ways(kind: Kind) -> Vec<Way> {
    match kind {
        Kind::Titles => Way::OF_HEADLINES.to_vec(),
        Kind::Extracts => vec![Way::Extracted, Way::Clipped],
        // all of the article is shown
        Kind::Long => Way::OF_TEXTS.into_iter().filter(|way| *way != Way::Continued).collect(),
        Kind::Snippets | Kind::Natural => Way::OF_TEXTS.to_vec(),
    }
}

fn articles(kind: Kind, count: usize, seed: u64, yours: &[Article]) -> Vec<Article> {
    if !yours.is_empty() {
        return yours.iter().take(count).cloned().collect();
    }
    let mut dice = Dice::new(!seed);
    let mut teller = Teller::new(seed);
    let mut articles = Vec::new();
    while articles.len() < count {
        let sentences = if kind == Kind::Titles { 1 } else { dice.between(6, 20) };
        match kind {
            Kind::Natural if dice.chance(20) => articles.push(teller.recurring()),
            Kind::Natural => {
                let tellings = dice.between(1, 4);
                articles.extend(teller.event(tellings, sentences));
            }
            _ => articles.extend(teller.event(1, sentences)),
        }
    }
    articles.truncate(count);
    articles
}

fn shown(kind: Kind, article: &Article, dice: &mut Dice) -> Told {
    let text = match kind {
        Kind::Titles => String::new(),
        Kind::Snippets => first_words(&article.text(), dice.between(30, 40)),
        Kind::Natural => first_words(&article.text(), dice.between(20, 60)),
        Kind::Long | Kind::Extracts => first_words(&article.text(), 300),
    };
    Told { headline: article.headline.clone(), text }
}

/// One item in fifty repeats the headlines of five others, and is a copy of none.
fn round_ups(articles: &[Article], parts: &mut Vec<Part>, dice: &mut Dice) {
    for n in 0..articles.len() / 50 {
        let picked: Vec<_> = (0..5).map(|_| articles[dice.roll(articles.len())].headline.clone()).collect();
        let told = Told { headline: "What to know this morning".to_owned(), text: picked.join(". ") + "." };
        parts.push(Part { cluster: articles.len() + n, class: ORIGINAL.to_owned(), told, search: false });
    }
}

/// One item in fifty is an article that is hidden behind a notice, under a headline of its own.
fn hidden(articles: &[Article], parts: &mut Vec<Part>, dice: &mut Dice) {
    let headlines: BTreeSet<&str> = articles.iter().map(|article| article.headline.as_str()).collect();
    let headlines: Vec<_> = headlines.into_iter().collect();
    let first = articles.len() + articles.len() / 50;
    for n in 0..articles.len() / 50 {
        // headlines of the articles themselves would be copies
        let [one, two] = [(); 2].map(|()| headlines[dice.roll(headlines.len())]);
        let half = |headline: &str| headline.split_whitespace().count().div_ceil(2);
        let rest: Vec<_> = two.split_whitespace().skip(half(two)).collect();
        let headline = format!("{} {}", first_words(one, half(one)), rest.join(" "));
        let told = Told { headline, text: dice.pick(&words::NOTICES).to_owned() };
        parts.push(Part { cluster: first + n, class: ORIGINAL.to_owned(), told, search: false });
    }
}

fn item(n: usize, part: &Part) -> Value {
    let mut item = json!({
        "id": n,
        "truth": {"cluster": part.cluster, "class": part.class},
    });
    if !part.told.headline.is_empty() {
        item["headline"] = json!(part.told.headline);
    }
    if part.search {
        item["origin"] = json!({"kind": "search"});
        item["content"] = json!({"kind": "extract"});
        item["body"] = json!(part.told.text);
    } else if !part.told.text.is_empty() {
        item["summary"] = json!(part.told.text);
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_reproducible_and_hold_every_way() {
        for kind in [Kind::Snippets, Kind::Titles, Kind::Long, Kind::Natural, Kind::Extracts] {
            let stream = items(kind, 400, 7, &[]);
            assert_eq!(stream, items(kind, 400, 7, &[]));
            assert_ne!(stream, items(kind, 400, 8, &[]));
            let has = |way: &Way| stream.iter().any(|item| item["truth"]["class"] == way.name());
            assert!(stream.len() > 500 && ways(kind).iter().all(has), "{kind:?}");
        }
    }

    #[test]
    fn your_articles_are_copied_likewise() {
        let yours = [Article { headline: "A storm in a port town".into(), sentences: vec!["One two three.".into()] }];
        let stream = items(Kind::Titles, 10, 1, &yours);
        assert!(stream.iter().any(|item| item["headline"] == "A storm in a port town"), "{stream:?}");
    }
}
