//! The sink's metrics and log messages: a fold over committed steps.

mod top;

use crate::{Change, Config, Delivered, News, Outcome, Sink, rules::is_public};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};
use tidings_model::{AlertState, EntityType, IdKind, Ingest, Item, Relation, Severity, Timestamp, Verdict};
use tidings_stage::{Event, Step, Watch};
use top::Top;

/// Entities that are counted by name.
const ENTITIES: usize = 50;

/// The sink's metrics; `verdict`, `relation`, `result`, `rule`, `severity` and `webhook` are bounded and touched at
/// start, `entity` is bounded to the most named.
pub struct Metrics {
    items: IntCounterVec,
    duplicates: IntCounterVec,
    alerts: IntCounterVec,
    deliveries: IntCounterVec,
    freshness: Histogram,
    behind: HistogramVec,
    mentions: IntCounterVec,
    top: Mutex<Top>,
}

impl Metrics {
    /// Registers them; labels follow from the configuration, which must be free of problems.
    pub fn new(registry: &Registry, config: &Config) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let freshness = HistogramOpts::new(
            "tidings_sink_freshness_seconds",
            "From the first sight of a new live item to its commit by the sink",
        );
        let freshness =
            Histogram::with_opts(freshness.buckets(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0]))?;
        let behind = HistogramOpts::new(
            "tidings_sink_duplicate_behind_seconds",
            "How long after its original a copy was first seen",
        );
        let behind =
            behind.buckets(vec![1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0]);
        let behind = HistogramVec::new(behind, &["relation"])?;
        registry.register(Box::new(freshness.clone()))?;
        registry.register(Box::new(behind.clone()))?;
        let metrics = Self {
            items: counter(
                "tidings_sink_items_total",
                "Enriched items, by what they do to their cluster",
                &["verdict"],
            )?,
            duplicates: counter("tidings_sink_duplicates_total", "Copies, by how they are copies", &["relation"])?,
            alerts: counter("tidings_sink_alerts_total", "Alerts that fired", &["rule", "severity"])?,
            deliveries: counter(
                "tidings_sink_deliveries_total",
                "Attempts to deliver an alert: arrived, failed and to be tried again, or given up",
                &["webhook", "result"],
            )?,
            freshness,
            behind,
            mentions: counter(
                "tidings_sink_entity_items_total",
                "New live items that name an entity, for the most named ones that Wikidata knows or that are places",
                &["entity", "id"],
            )?,
            top: Mutex::new(Top::new(ENTITIES)),
        };
        for verdict in [Verdict::New, Verdict::Update, Verdict::Unknown] {
            metrics.items.with_label_values(&[verdict_label(verdict)]);
        }
        for relation in [Relation::SameArticle, Relation::Syndicated, Relation::NearDuplicate, Relation::Unknown] {
            metrics.duplicates.with_label_values(&[relation_label(relation)]);
            metrics.behind.with_label_values(&[relation_label(relation)]);
        }
        for rule in config.build().unwrap_or_default() {
            metrics.alerts.with_label_values(&[&rule.name, severity_label(rule.severity)]);
        }
        for webhook in &config.webhooks {
            for result in ["arrived", "retried", "given_up"] {
                metrics.deliveries.with_label_values(&[&webhook.name, result]);
            }
        }
        Ok(metrics)
    }

    fn read(&self, news: &News) {
        match news {
            News::Enriched(enriched) => {
                self.items.with_label_values(&[verdict_label(enriched.cluster.verdict)]).inc();
                if enriched.cluster.verdict != Verdict::New || enriched.item.ingest != Ingest::Live {
                    return;
                }
                self.freshness.observe(age(&enriched.item));
                let mut top = self.top.lock().unwrap_or_else(PoisonError::into_inner);
                let counted = |id_kind, kind| id_kind == IdKind::Wikidata || kind == EntityType::Place;
                let entities = enriched.entities.iter().filter(|entity| is_public(entity));
                for entity in entities.filter(|entity| counted(entity.id_kind, entity.kind)) {
                    let seen = top.see(&entity.id, &entity.name);
                    if let Some((id, name)) = seen.dropped {
                        // it may never have been counted
                        let _ = self.mentions.remove_label_values(&[&name, &id]);
                    }
                    if let Some(name) = seen.counted {
                        self.mentions.with_label_values(&[&name, &entity.id]).inc();
                    }
                }
            }
            News::Duplicate(duplicate) => {
                let relation = relation_label(duplicate.relation);
                self.duplicates.with_label_values(&[relation]).inc();
                self.behind.with_label_values(&[relation]).observe(duplicate.behind_ms as f64 / 1000.0);
            }
        }
    }

    fn answered(&self, reply: &Delivered, step: &Step<Sink>) {
        let Some(Change::Delivery { delivery: again, .. }) = step.changes.first() else { return };
        let (webhook, alert) = reply.key.split_once('/').unwrap_or((&reply.key, ""));
        let result = match (&reply.outcome, again) {
            (Outcome::Arrived, _) => "arrived",
            (Outcome::Failed(reason) | Outcome::Refused(reason), Some(again)) => {
                let (attempt, due) = (again.attempt, again.due);
                tracing::warn!(webhook, alert, reason, attempt, %due, "delivery failed, trying again");
                "retried"
            }
            (Outcome::Failed(reason) | Outcome::Refused(reason), None) => {
                tracing::error!(
                    webhook,
                    alert,
                    reason,
                    "alert not delivered, given up: see the webhook's url and its server"
                );
                "given_up"
            }
        };
        self.deliveries.with_label_values(&[webhook, result]).inc();
    }
}

impl Watch<Sink> for Metrics {
    fn committed(&self, _: Timestamp, event: &Event<Sink>, step: &Step<Sink>) {
        match event {
            Event::Record(news) if !news.is_canary() => self.read(news),
            Event::Reply(reply) => self.answered(reply, step),
            Event::Restored => {
                for change in &step.changes {
                    if let Change::Delivery { key, .. } = change {
                        tracing::warn!(delivery = key, "delivery dropped: its webhook is no longer configured");
                    }
                }
            }
            Event::Record(_) | Event::Tick => {}
        }
        for alert in &step.out {
            let (rule, severity) = (alert.rule.as_str(), severity_label(alert.severity));
            if alert.state == AlertState::Firing {
                self.alerts.with_label_values(&[rule, severity]).inc();
            }
            tracing::info!(rule, severity, state = ?alert.state, alert = alert.dedupe_key, "{}", alert.summary);
        }
    }
}

/// Seconds from first sight until now. The clock is read here, outside the stage, right after the commit.
fn age(item: &Item) -> f64 {
    let seen = u64::try_from(item.first_seen_at.millis()).unwrap_or(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(std::time::Duration::from_millis(seen)).as_secs_f64()
}

fn verdict_label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::New => "new",
        Verdict::Update => "update",
        _ => "unknown",
    }
}

fn relation_label(relation: Relation) -> &'static str {
    match relation {
        Relation::SameArticle => "same_article",
        Relation::Syndicated => "syndicated",
        Relation::NearDuplicate => "near_duplicate",
        _ => "unknown",
    }
}

fn severity_label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests;
