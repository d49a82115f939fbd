//! The stage as a whole: its laws, and what it passes on.

use super::*;
use tidings_stage::laws;

/// An item of `news.raw.v1` as dedup passes it on.
pub(crate) fn unique(item: &str) -> Unique {
    serde_json::from_str(&format!(r#"{{"item":{item},"cluster":{{"id":"c","verdict":"new"}}}}"#)).unwrap()
}

fn enrich(item: &str) -> Enriched {
    Enrich::new(&Config::default()).enrich(&unique(item))
}

const ITEMS: [&str; 5] = [
    r#"{"id":"1","headline":"Kell offers arbitration","body":"Mira Kell spoke in Velmont on Friday.","x":{"y":1.0}}"#,
    r#"{"id":"2","status":"withdrawn","headline":"Xi meets Putin"}"#,
    r#"{"id":"3","status":"withdrawn"}"#,
    r#"{"id":"4","headline":"習近平","language":{"tag":"zh","source":"declared"}}"#,
    r#"{"id":"5","headline":"\u0000 \ud83d\ude00"}"#,
];

#[test]
fn laws_hold() {
    let events = || ITEMS.iter().map(|item| (Timestamp::ABSENT, Event::Record(unique(item)))).collect();
    laws::hold(|| Enrich::new(&Config::default()), events);
}

#[test]
fn the_item_is_carried_on_unread() {
    for item in ITEMS {
        assert_eq!(enrich(item).item.json(), item);
    }
}

#[test]
fn the_record_says_how_its_entities_were_found() {
    let english = r#"{"id":"1","headline":"Talks","body":"The envoy said that the talks are over."}"#;
    let cases = [
        (english, EntitiesStatus::Model, "names-1"),
        (ITEMS[2], EntitiesStatus::None, "none"),
        (ITEMS[3], EntitiesStatus::Gazetteer, "none"),
        (
            r#"{"id":"6","headline":"Merz in Paris","language":{"tag":"de","source":"declared"}}"#,
            EntitiesStatus::Gazetteer,
            "none",
        ),
    ];
    for (item, status, model) in cases {
        let enriched = enrich(item);
        assert_eq!((enriched.entities_status, enriched.model.as_str()), (status, model), "{item}");
        assert_eq!(enriched.kb, "tidings-kb-1");
    }
}

#[test]
fn the_largest_item_full_of_names_fits_its_topic() {
    let body: String = (0..).map(|i: u32| format!("with Anna Berg{}x ", char::from_u32(97 + i % 26).unwrap())).take(15_000).collect();
    let names: String = (0..26u32 * 26 * 20).map(|i| {
        let letter = |n: u32| char::from_u32(97 + n % 26).unwrap();
        format!("as Maximiliana{}{} Featherstonehaugh{}{} said ", letter(i), letter(i / 26), letter(i / 676), letter(i / 7))
    }).collect();
    for text in [body, names] {
        let mut item: Item = serde_json::from_str(r#"{"id":"1"}"#).unwrap();
        item.body = Some(text);
        item.fit();
        let mut stage = Enrich::new(&Config::default());
        let event = Event::Record(unique(&serde_json::to_string(&item).unwrap()));
        assert!(stage.step(Timestamp::ABSENT, &event).is_ok());
    }
}
