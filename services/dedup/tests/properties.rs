//! What holds for any input: nothing panics, what is delivered twice is published once, unrelated items do not matter,
//! and the order of what was seen at the same time changes no cluster of copies.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidings_dedup::{Config, Dedup, Outcome, RawItem};
use tidings_model::topic;
use tidings_stage::{Event, Input, Stage};

/// The cluster of an item; none if nothing is published, or the code of its refusal.
fn cluster(stage: &mut Dedup, item: &Value) -> Result<Option<String>, String> {
    let item = RawItem::decode(&topic::RAW, b"", Some(item.to_string().as_bytes())).expect("an item");
    let step = stage.step(item.seen().unwrap_or_default(), &Event::Record(item));
    let step = step.map_err(|reject| reject.code.to_owned())?.step;
    Ok(step.out.first().map(|decision| match &decision.outcome {
        Outcome::Unique(unique) => unique.cluster.id.to_string(),
        Outcome::Duplicate(copy) => copy.cluster.to_string(),
    }))
}

/// What feeds are made of, and what breaks parsers of it.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,9}",
        "[A-Z][a-z]{2,8}",
        "[0-9]{1,5}",
        any::<String>().prop_map(|text| text.chars().take(12).collect()),
        prop::sample::select(vec![
            "&amp;",
            "&#x27;",
            "&#999999999;",
            "&",
            "<b>",
            "</",
            "<",
            "](http://x.example)",
            "](",
            "…",
            "...",
            " - ",
            " | ",
            "(AP)",
            "(",
            ")",
            "UPDATE 2-",
            "LONDON (Reuters) - ",
            "By Jo Doe, AP Writer ",
            "Read more",
            "© 20",
            "[+12 chars]",
            "习近平",
            "น้ำท่วม",
            "ﬁ",
            "\u{2bc}",
            "\u{301}",
            "\u{a0}",
            "İ",
            "\u{0}",
            "🎉",
            ". ",
            "。",
        ])
        .prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..60).prop_map(|parts| parts.join(" "))
}

fn item() -> impl Strategy<Value = Value> {
    (any::<Option<u8>>(), text(), text(), text(), 0..4u8).prop_map(|(id, headline, summary, body, shape)| {
        let mut item = json!({"id": id.unwrap_or(7), "headline": headline});
        if shape > 0 {
            item["summary"] = json!(summary);
        }
        if shape > 1 {
            item["body"] = json!(body);
        }
        if shape > 2 {
            item["origin"] = json!({"kind": "search"});
        }
        item
    })
}

/// A text of a language of its own: its words occur in no other.
fn story(number: usize, salt: usize) -> Value {
    let word = |n: usize| format!("{}{}", ["ka", "lo", "mi", "nu", "pe"][(n + salt) % 5], number * 100 + n);
    let text: Vec<String> = (0..30).map(word).collect();
    json!({"headline": text[..6].join(" "), "summary": text[6..].join(" "), "first_seen_at": "2026-11-24T12:00:00Z"})
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Also the fuzzing of normalisation: `PROPTEST_CASES=1000000 cargo test -p tidings-dedup --test properties`.
    #[test]
    fn any_item_is_published_refused_or_known(items in prop::collection::vec(item(), 1..12)) {
        let mut stage = Dedup::new(&Config::default());
        let mut explaining = Dedup::new(&Config::default()).explaining();
        for item in &items {
            let told = cluster(&mut stage, item);
            prop_assert_eq!(&told, &cluster(&mut explaining, item));
            // once more: nothing, or refused again
            match told {
                Ok(_) => prop_assert_eq!(cluster(&mut stage, item), Ok(None)),
                Err(code) => prop_assert_eq!(cluster(&mut stage, item), Err(code)),
            }
        }
    }

    #[test]
    fn items_seen_at_the_same_time_have_the_same_copies_in_any_order(
        order in Just((0..24usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut stage = Dedup::new(&Config::default());
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for n in order {
            let mut item = story(n % 8, 0);
            item["id"] = json!(n);
            item["publisher"] = json!({"name": format!("p{n}")});
            let cluster = cluster(&mut stage, &item).expect("accepted").expect("published");
            found.entry(cluster).or_default().push(n % 8);
        }
        prop_assert_eq!(found.len(), 8);
        prop_assert!(found.values().all(|stories| stories.iter().all(|story| *story == stories[0])));
    }

    #[test]
    fn unrelated_items_change_no_verdict(strangers in prop::collection::vec(100..400usize, 0..40)) {
        let pair = |id: &str| {
            let mut item = story(1, 0);
            item["id"] = json!(id);
            if id == "b" {
                item["summary"] = json!(format!("PARIS (AFP) - {} and so on", item["summary"].as_str().unwrap_or("")));
            }
            item
        };
        let mut stage = Dedup::new(&Config::default());
        prop_assert_eq!(cluster(&mut stage, &pair("a")), Ok(Some("a".to_owned())));
        for (n, stranger) in strangers.iter().enumerate() {
            let mut item = story(*stranger, 3);
            item["id"] = json!(n + 1000);
            cluster(&mut stage, &item).expect("accepted");
        }
        prop_assert_eq!(cluster(&mut stage, &pair("b")), Ok(Some("a".to_owned())));
    }
}
