//! What dedup shows: verdicts, relations, how late copies come, and how much it compares.
//!
//! All of it is a fold over committed steps.

use crate::stage::{Decision, Dedup, Outcome};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use tidings_model::{Relation, Timestamp, Verdict};
use tidings_stage::{Event, Step, Watch};

/// Counters, gauges and histograms of dedup.
pub struct Metrics {
    items: IntCounterVec,
    copies: IntCounterVec,
    behind: Histogram,
    candidates: Histogram,
    window: IntGauge,
    reach: IntGauge,
    remembered: IntGauge,
    crowded_out: IntCounter,
}

impl Metrics {
    /// Registers them, every label value at zero.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name, help, label| IntCounterVec::new(Opts::new(name, help), &[label]);
        let histogram = |name, help, buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))
        };
        let metrics = Self {
            items: counter("tidings_dedup_items_total", "Items by verdict; repeats were known already.", "verdict")?,
            copies: counter("tidings_dedup_copies_total", "Copies by their relation to the original.", "relation")?,
            behind: histogram(
                "tidings_dedup_copy_delay_seconds",
                "How long after the original a copy was first seen.",
                &[1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 4.0 * 3600.0, 12.0 * 3600.0, 86_400.0, 3.0 * 86_400.0],
            )?,
            candidates: histogram(
                "tidings_dedup_candidates",
                "Texts that an item was compared with.",
                &[0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0],
            )?,
            window: IntGauge::new("tidings_dedup_window_items", "Items that new ones are compared with.")?,
            reach: IntGauge::new("tidings_dedup_window_seconds", "How far back the window reaches.")?,
            remembered: IntGauge::new("tidings_dedup_remembered_items", "Items whose cluster is remembered.")?,
            crowded_out: IntCounter::new(
                "tidings_dedup_crowded_out_total",
                "Items that left the window or were forgotten before their time, for want of room.",
            )?,
        };
        for verdict in ["new", "update", "copy", "repeat"] {
            metrics.items.with_label_values(&[verdict]);
        }
        for relation in [Relation::SameArticle, Relation::Syndicated, Relation::NearDuplicate] {
            metrics.copies.with_label_values(&[label(relation)]);
        }
        registry.register(Box::new(metrics.items.clone()))?;
        registry.register(Box::new(metrics.copies.clone()))?;
        registry.register(Box::new(metrics.behind.clone()))?;
        registry.register(Box::new(metrics.candidates.clone()))?;
        registry.register(Box::new(metrics.window.clone()))?;
        registry.register(Box::new(metrics.reach.clone()))?;
        registry.register(Box::new(metrics.remembered.clone()))?;
        registry.register(Box::new(metrics.crowded_out.clone()))?;
        Ok(metrics)
    }
}

fn label(relation: Relation) -> &'static str {
    match relation {
        Relation::SameArticle => "same_article",
        Relation::Syndicated => "syndicated",
        _ => "near_duplicate",
    }
}

impl Watch<Dedup> for Metrics {
    fn committed(&self, _: Timestamp, event: &Event<Dedup>, step: &Step<Dedup>) {
        if matches!(event, Event::Record(_)) && step.out.is_empty() {
            self.items.with_label_values(&["repeat"]).inc();
        }
        for Decision { outcome, candidates, fill, .. } in &step.out {
            let verdict = match outcome {
                Outcome::Duplicate(copy) => {
                    self.copies.with_label_values(&[label(copy.relation)]).inc();
                    self.behind.observe(copy.behind_ms as f64 / 1000.0);
                    "copy"
                }
                Outcome::Unique(unique) if unique.cluster.verdict == Verdict::New => "new",
                Outcome::Unique(_) => "update",
            };
            self.items.with_label_values(&[verdict]).inc();
            self.candidates.observe(*candidates as f64);
            self.window.set(fill.window as i64);
            self.reach.set(i64::try_from(fill.reach.as_secs()).unwrap_or(i64::MAX));
            self.remembered.set(fill.remembered as i64);
            self.crowded_out.inc_by(fill.crowded_out as u64);
        }
    }

    fn released(&self, _: &Dedup) {
        [&self.window, &self.reach, &self.remembered].into_iter().for_each(|gauge| gauge.set(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, RawItem};
    use prometheus::TextEncoder;
    use tidings_model::topic;
    use tidings_stage::{Input, Stage};

    #[test]
    fn verdicts_are_counted_and_every_series_exists_from_the_start() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let mut stage = Dedup::new(&Config::default());
        for json in [
            r#"{"id":"a","headline":"Storm closes all ports","first_seen_at":"2026-11-24T12:00:00Z"}"#,
            r#"{"id":"b","headline":"Storm closes all ports","first_seen_at":"2026-11-24T12:01:00Z"}"#,
            r#"{"id":"b","headline":"Storm closes all ports","first_seen_at":"2026-11-24T12:01:00Z"}"#,
        ] {
            let item = RawItem::decode(&topic::RAW, b"", Some(json.as_bytes())).unwrap();
            let (at, event) = (item.seen().unwrap(), Event::Record(item));
            let step = stage.step(at, &event).map_err(|reject| reject.code).unwrap().step;
            metrics.committed(at, &event, &step);
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            r#"tidings_dedup_items_total{verdict="new"} 1"#,
            r#"tidings_dedup_items_total{verdict="update"} 0"#,
            r#"tidings_dedup_items_total{verdict="copy"} 1"#,
            r#"tidings_dedup_items_total{verdict="repeat"} 1"#,
            r#"tidings_dedup_copies_total{relation="same_article"} 0"#,
            r#"tidings_dedup_copies_total{relation="syndicated"} 1"#,
            "tidings_dedup_copy_delay_seconds_sum 60",
            "tidings_dedup_candidates_count 2",
            "tidings_dedup_window_items 1",
            "tidings_dedup_window_seconds 0",
            "tidings_dedup_remembered_items 1",
            "tidings_dedup_crowded_out_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
