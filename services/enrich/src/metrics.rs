//! What the enrich stage shows of itself: a fold over its committed steps.

use crate::Enrich;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};
use tidings_model::{Enriched, EntitiesStatus, Timestamp};
use tidings_stage::{Event, Step, Watch};

/// Languages with a label of their own.
const LANGUAGES: [&str; 12] = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "pt", "ru", "tr", "zh"];
/// Any other declared language.
const OTHER: &str = "other";
/// No declared language.
const UNDECLARED: &str = "undeclared";

const STATUSES: [&str; 3] = ["model", "gazetteer", "none"];

/// Counters of the enrich stage.
#[derive(Debug, Clone)]
pub struct Metrics {
    items: IntCounterVec,
    entities: Histogram,
}

impl Metrics {
    /// Registers them, with every label value touched.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let items = IntCounterVec::new(
            Opts::new(
                "tidings_enrich_items_total",
                "Items enriched, by how their entities were found and by declared language.",
            ),
            &["status", "language"],
        )?;
        let entities = Histogram::with_opts(
            HistogramOpts::new("tidings_enrich_item_entities", "Entities of an item.")
                .buckets(vec![0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]),
        )?;
        for status in STATUSES {
            for language in LANGUAGES.into_iter().chain([OTHER, UNDECLARED]) {
                items.with_label_values(&[status, language]);
            }
        }
        registry.register(Box::new(items.clone()))?;
        registry.register(Box::new(entities.clone()))?;
        Ok(Self { items, entities })
    }
}

impl Watch<Enrich> for Metrics {
    fn committed(&self, _: Timestamp, _: &Event<Enrich>, step: &Step<Enrich>) {
        for enriched in &step.out {
            self.items.with_label_values(&[status(enriched.entities_status), language(enriched)]).inc();
            self.entities.observe(enriched.entities.len() as f64);
        }
    }
}

fn status(status: EntitiesStatus) -> &'static str {
    match status {
        EntitiesStatus::Model => "model",
        EntitiesStatus::Gazetteer => "gazetteer",
        _ => "none",
    }
}

fn language(enriched: &Enriched) -> &'static str {
    let Some(declared) = &enriched.item.language else { return UNDECLARED };
    let subtag = declared.tag.split(['-', '_']).next().unwrap_or("");
    LANGUAGES.into_iter().find(|language| subtag.eq_ignore_ascii_case(language)).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::unique;
    use tidings_stage::Stage;

    #[test]
    fn items_are_counted_by_status_and_language() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let mut stage = crate::tests::stage();
        for item in [
            r#"{"id":"1","headline":"Xi meets Putin in Moscow","language":{"tag":"en-GB","source":"declared"}}"#,
            r#"{"id":"2","headline":"Xi"}"#,
            r#"{"id":"3"}"#,
        ] {
            let event = Event::Record(unique(item));
            let prepared = stage.step(Timestamp::ABSENT, &event).unwrap();
            metrics.committed(Timestamp::ABSENT, &event, &prepared.step);
        }
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            "tidings_enrich_items_total{language=\"en\",status=\"model\"} 1",
            "tidings_enrich_items_total{language=\"undeclared\",status=\"gazetteer\"} 1",
            "tidings_enrich_items_total{language=\"undeclared\",status=\"none\"} 1",
            "tidings_enrich_items_total{language=\"zh\",status=\"model\"} 0",
            "tidings_enrich_item_entities_sum 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
