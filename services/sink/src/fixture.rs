//! Stories for tests.

use serde_json::json;
use tidings_model::{Enriched, Entity, Timestamp};

/// 2026-11-01T00:00:00Z.
const START: i64 = 1_793_491_200_000;

/// So many minutes into the tests' time.
pub fn at(minutes: f64) -> Timestamp {
    Timestamp::from_millis(START + (minutes * 60_000.0) as i64)
}

/// An entity by its type, kind of id, id and name.
pub fn entity(kind: &str, id_kind: &str, id: &str, name: &str) -> Entity {
    let entity = json!({"id": id, "id_kind": id_kind, "name": name, "type": kind, "salience": 0.5, "mentions": [
        {"field": "headline", "start": 0, "end": 5, "text": name, "confidence": 0.9}]});
    serde_json::from_value(entity).unwrap()
}

/// The place most written about.
pub fn arden() -> Entity {
    entity("place", "local", "arden", "Arden")
}

/// A new live story of its own cluster.
pub fn story(id: usize, minutes: f64, publisher: &str, headline: &str, entities: &[Entity]) -> Enriched {
    change(id, minutes, publisher, headline, entities, "new", &json!({}))
}

/// A story with another verdict and other fields.
pub fn change(
    id: usize,
    minutes: f64,
    publisher: &str,
    headline: &str,
    entities: &[Entity],
    verdict: &str,
    fields: &serde_json::Value,
) -> Enriched {
    let mut item = json!({"id": id.to_string(), "headline": headline, "first_seen_at": at(minutes),
        "publisher": {"name": publisher, "domain": format!("{publisher}.example")}});
    let fields = fields.as_object().unwrap().clone();
    item.as_object_mut().unwrap().extend(fields);
    let enriched = json!({"item": item, "cluster": {"id": id.to_string(), "verdict": verdict}, "entities": entities,
        "entities_status": "model", "model": "m", "kb": "k"});
    serde_json::from_value(enriched).unwrap()
}
