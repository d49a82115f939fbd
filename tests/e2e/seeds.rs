//! Snippets of one event by several publishers: each is news of its own, none is lost or doubled however often it is
//! handed in, and spellings of a name are one entity.

use crate::{LIMIT, values};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tidings_model::{digest, topic};
use tidings_tests::line::Line;
use tidings_tests::{root, until};

struct Snippets {
    file: PathBuf,
    documents: usize,
    /// Two spellings of one person's name.
    spellings: [&'static str; 2],
}

/// Ours, and the sample input where it lies beside the repository.
fn snippets() -> Vec<Snippets> {
    let ours = root().join("tests/e2e/three.txt");
    let seeds = root().join("../shared/data/seeds.txt");
    let mut all = vec![Snippets { file: ours, documents: 3, spellings: ["Zoryansky", "Zoryanskiy"] }];
    if seeds.is_file() {
        all.push(Snippets { file: seeds, documents: 7, spellings: ["Zelensky", "Zelenskiy"] });
    } else {
        println!("left out: {} is absent", seeds.display());
    }
    all
}

#[test]
fn embedded() {
    for snippets in snippets() {
        let mut line = Line::embedded("");
        line.start_all(&[]);
        check(&line, &snippets);
    }
}

#[test]
fn on_kafka() {
    for snippets in snippets() {
        let mut line = Line::on_kafka("");
        line.start_five();
        check(&line, &snippets);
    }
}

fn check(line: &Line, Snippets { file, documents, spellings }: &Snippets) {
    ingest(line, file);
    ingest(line, file);
    assert_eq!(settled(line, "one").len(), *documents, "enriched, handed in twice");
    ingest(line, file);
    let enriched = settled(line, "two");
    assert_eq!(enriched.len(), *documents, "enriched, handed in again");
    assert_eq!(values(line, &topic::DUPLICATES).len(), 0, "different articles on one event are no copies");
    assert_eq!(values(line, &topic::DLQ).len(), 0, "dead letters");

    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entity in enriched.iter().flat_map(|record| record["entities"].as_array().unwrap()) {
        for mention in entity["mentions"].as_array().unwrap() {
            let words = mention["text"].as_str().unwrap().split_whitespace();
            let spelling = words.last().and_then(|last| spellings.iter().find(|spelling| last == **spelling));
            if let Some(spelling) = spelling {
                ids.entry(spelling).or_default().insert(entity["id"].as_str().unwrap());
            }
        }
    }
    let found: BTreeSet<_> = ids.values().flatten().collect();
    assert_eq!((ids.len(), found.len()), (2, 1), "two spellings, one entity: {ids:?}");
}

fn ingest(line: &Line, file: &Path) {
    line.run(&["ingest", file.to_str().unwrap(), "--format", "lead-extract"]);
}

/// What is enriched once all that was handed in before has gone through. Markers are sent behind it, enough of them
/// to take every way through the partitions. They have no external id, as documents have none: with one, an item has
/// the same key on each topic, and no marker would follow a document from partition 1 to partition 0.
fn settled(line: &Line, round: &str) -> Vec<Value> {
    const MARKERS: usize = 64;
    let provider = format!("marker {round}");
    let marker = |no: usize| {
        // words that no two markers share: alike, they would be copies of each other
        let digest = digest([round, &no.to_string()]);
        let words: Vec<&str> = (0..8).map(|word| &digest[word * 4..word * 4 + 4]).collect();
        let words = words.join(" ");
        format!("{}\n", json!({"provider": provider, "headline": words}))
    };
    let path = line.dir().join("markers.jsonl");
    fs::write(&path, (0..MARKERS).map(marker).collect::<String>()).unwrap();
    line.run(&["ingest", path.to_str().unwrap(), "--format", "jsonl"]);
    until(LIMIT, "the markers are enriched", || {
        let enriched = values(line, &topic::ENRICHED);
        let provider_of = |record: &Value| record["item"]["origin"]["provider"].as_str().unwrap_or_default().to_owned();
        let through = enriched.iter().filter(|record| provider_of(record) == provider).count();
        let rest = enriched.into_iter().filter(|record| !provider_of(record).starts_with("marker"));
        (through == MARKERS).then(|| rest.collect())
    })
}
