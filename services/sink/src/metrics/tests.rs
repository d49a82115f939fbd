//! What a scrape shows: every bounded series from the start, and no private names ever.

use super::*;
use crate::fixture::{arden, at, change, entity, story};
use prometheus::TextEncoder;
use serde_json::json;
use tidings_stage::Stage;

const CONFIG: &str = r#"
    [[rules]]
    name = "burst"
    kind = "burst"
    warmup = "0s"
    [[webhooks]]
    name = "desk"
    url = "http://127.0.0.1:9/"
"#;

fn watched(news: Vec<News>, replies: &[Outcome]) -> String {
    let config: Config = toml::from_str(CONFIG).unwrap();
    let registry = Registry::new();
    let metrics = Metrics::new(&registry, &config).unwrap();
    let mut sink = Sink::new(&config).unwrap();
    let mut asked = Vec::new();
    let mut watch = |event: Event<Sink>, asked: &mut Vec<String>| {
        let step = sink.decide(at(1.0), &event).unwrap();
        step.changes.iter().for_each(|change| sink.apply(change));
        asked.extend(step.asks.iter().map(crate::Delivery::key));
        metrics.committed(at(1.0), &event, &step);
    };
    news.into_iter().for_each(|news| watch(Event::Record(news), &mut asked));
    for outcome in replies {
        let reply = Delivered { key: asked[0].clone(), outcome: outcome.clone() };
        watch(Event::Reply(reply), &mut Vec::new());
    }
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

fn shows(text: &str, series: &[(&str, u32)]) {
    for (name, value) in series {
        assert!(text.lines().any(|line| line == format!("{name} {value}")), "{name} {value} is not in\n{text}");
    }
}

#[test]
fn every_bounded_series_is_there_from_the_start() {
    let series = [
        "tidings_sink_items_total{verdict=\"new\"}",
        "tidings_sink_items_total{verdict=\"update\"}",
        "tidings_sink_duplicates_total{relation=\"same_article\"}",
        "tidings_sink_duplicates_total{relation=\"syndicated\"}",
        "tidings_sink_duplicates_total{relation=\"near_duplicate\"}",
        "tidings_sink_duplicate_behind_seconds_count{relation=\"syndicated\"}",
        "tidings_sink_alerts_total{rule=\"burst\",severity=\"warning\"}",
        "tidings_sink_deliveries_total{result=\"arrived\",webhook=\"desk\"}",
        "tidings_sink_deliveries_total{result=\"retried\",webhook=\"desk\"}",
        "tidings_sink_deliveries_total{result=\"given_up\",webhook=\"desk\"}",
        "tidings_sink_freshness_seconds_count",
    ];
    shows(&watched(vec![], &[]), &series.map(|name| (name, 0)));
}

#[test]
fn committed_steps_are_counted() {
    let named =
        [arden(), entity("person", "local", "k", "Mira Kell"), entity("organisation", "local", "b", "Brennick")];
    let mut news: Vec<News> =
        (0..4).map(|i| News::Enriched(story(i, 1.0, ["post", "daily"][i % 2], "x", &named))).collect();
    news.push(News::Enriched(change(5, 1.0, "post", "x", &named, "update", &json!({}))));
    news.push(News::Enriched(change(6, 1.0, "post", "x", &named, "new", &json!({"origin": {"kind": "canary"}}))));
    let copy = json!({"item": story(7, 1.0, "post", "x", &[]).item, "cluster": "c", "of": {"id": "o"},
        "relation": "near_duplicate", "score": 0.9, "why": "text 0.9", "behind_ms": 5000});
    news.push(News::Duplicate(serde_json::from_value(copy).unwrap()));
    let text = watched(news, &[Outcome::Failed("503".into()), Outcome::Refused("404".into()), Outcome::Arrived]);
    shows(
        &text,
        &[
            ("tidings_sink_items_total{verdict=\"new\"}", 4),
            ("tidings_sink_items_total{verdict=\"update\"}", 1),
            ("tidings_sink_duplicates_total{relation=\"near_duplicate\"}", 1),
            ("tidings_sink_duplicate_behind_seconds_sum{relation=\"near_duplicate\"}", 5),
            ("tidings_sink_freshness_seconds_count", 4),
            ("tidings_sink_entity_items_total{entity=\"Arden\",id=\"arden\"}", 2),
            ("tidings_sink_alerts_total{rule=\"burst\",severity=\"warning\"}", 2),
            ("tidings_sink_deliveries_total{result=\"retried\",webhook=\"desk\"}", 1),
            ("tidings_sink_deliveries_total{result=\"given_up\",webhook=\"desk\"}", 1),
            ("tidings_sink_deliveries_total{result=\"arrived\",webhook=\"desk\"}", 0),
        ],
    );
    assert!(!text.contains("Kell") && !text.contains("Brennick"), "{text}");
}
