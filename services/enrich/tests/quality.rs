//! How well names are found in news of the world that people labelled, typed spans to the letter.
//!
//! The rules were written looking at the first half of the documents, so the second one is what counts; it is a little
//! worse. `make judge-entities` prints all figures.

use std::path::Path;
use tidings_bench::entities::Gold;
use tidings_enrich::{Config, Enrich, Models};
use tidings_model::{Timestamp, Unique};
use tidings_stage::{Event, Stage};

#[test]
fn names_in_news_of_the_world() {
    let gold = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bench/entities/worldwide.txt");
    let gold = Gold::read(&gold).unwrap();
    let config = Config::default();
    let enrich = Enrich::new(&config, &Models::load(&config).unwrap());
    let enriched = gold.items().map(|item| {
        let unique = format!(r#"{{"item":{item},"cluster":{{"id":"c","verdict":"new"}}}}"#);
        let unique: Unique = serde_json::from_str(&unique).unwrap();
        let step = enrich.decide(Timestamp::ABSENT, &Event::Record(unique)).unwrap();
        serde_json::to_value(&step.out[0]).unwrap()
    });
    let verdict = gold.judge(enriched).unwrap();
    println!("figure: F1 {:.1}", verdict.f1());
    assert!(verdict.f1() >= 81.0, "{verdict}");
}
