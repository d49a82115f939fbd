//! Odd texts, found by `examples/enrich_fuzz.rs` and by readers: none panics, each is reported where it stands, and what
//! becomes of the largest fits its topic.

use tidings_enrich::{Config, Enrich, Models};
use tidings_model::{Item, Timestamp, Unique, topic};
use tidings_stage::{Event, Stage as _};

#[test]
fn odd_texts_have_entities_where_they_say() {
    let config = Config::default();
    let mut stage = Enrich::new(&config, &Models::load(&config).unwrap());
    for line in include_str!("odd.txt").split('\n') {
        let item =
            serde_json::json!({"id": "1", "headline": line, "summary": line.to_uppercase(), "body": line.repeat(3)});
        let item: Item = serde_json::from_value(item).unwrap();
        let prepared = stage.step(Timestamp::ABSENT, &Event::Record(unique(&item))).unwrap();
        for mention in prepared.step.out[0].entities.iter().flat_map(|entity| &entity.mentions) {
            let (_, text) = item.texts().find(|(name, _)| *name == mention.field).unwrap();
            let there: String =
                text.chars().skip(mention.start as usize).take((mention.end - mention.start) as usize).collect();
            assert_eq!(there, mention.text, "{line:?}");
        }
    }
}

#[test]
fn the_largest_item_with_the_most_mentions_fits_its_topic() {
    let config = Config::default();
    let mut stage = Enrich::new(&config, &Models::load(&config).unwrap());
    let line = |n: usize| {
        let name = ["Alexandra Featherstonehaugh", "Maximilian Oberhauser", "Konstantin Papadopoulos"][n % 3];
        format!("\"{name} {}\" met the Ministry of Energy in Wolverhampton.\n", char::from(b'A' + (n / 3 % 26) as u8))
    };
    let body: String = (0..4000).map(line).collect();
    let summary = "\"The ministers said that they would meet again.\"\n".repeat(2000);
    let item = serde_json::json!({"id": "1", "headline": "Ministers meet", "summary": summary, "body": body});
    let mut item: Item = serde_json::from_value(item).unwrap();
    item.fit();
    let prepared = stage.step(Timestamp::ABSENT, &Event::Record(unique(&item))).unwrap();
    let mentions: usize = prepared.step.out[0].entities.iter().map(|entity| entity.mentions.len()).sum();
    assert_eq!(mentions, 500, "the most that an item has");
    let size = prepared.out[0].value.as_ref().unwrap().len();
    assert!(size > topic::RAW.limit / 2 && size <= topic::ENRICHED.limit, "{size} bytes");
}

fn unique(item: &Item) -> Unique {
    let unique = serde_json::json!({"item": item, "cluster": {"id": "c", "verdict": "new"}}).to_string();
    serde_json::from_str(&unique).expect("an item that is new")
}
