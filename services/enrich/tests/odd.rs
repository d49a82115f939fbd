//! Odd texts, found by `examples/enrich_fuzz.rs` and by readers: none panics, each is reported where it stands.

use tidings_enrich::{Config, Enrich, Models};
use tidings_model::{Item, Timestamp, Unique};
use tidings_stage::{Event, Stage as _};

#[test]
fn odd_texts_have_entities_where_they_say() {
    let config = Config::default();
    let mut stage = Enrich::new(&config, &Models::load(&config).unwrap());
    for line in include_str!("odd.txt").split('\n') {
        let item =
            serde_json::json!({"id": "1", "headline": line, "summary": line.to_uppercase(), "body": line.repeat(3)});
        let item: Item = serde_json::from_value(item).unwrap();
        let unique = serde_json::json!({"item": item, "cluster": {"id": "c", "verdict": "new"}}).to_string();
        let unique: Unique = serde_json::from_str(&unique).unwrap();
        let prepared = stage.step(Timestamp::ABSENT, &Event::Record(unique)).unwrap();
        for mention in prepared.step.out[0].entities.iter().flat_map(|entity| &entity.mentions) {
            let (_, text) = item.texts().find(|(name, _)| *name == mention.field).unwrap();
            let there: String =
                text.chars().skip(mention.start as usize).take((mention.end - mention.start) as usize).collect();
            assert_eq!(there, mention.text, "{line:?}");
        }
    }
}
