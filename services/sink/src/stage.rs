//! The stage: judges each live story by every rule, publishes what they find, and sees to the deliveries.
//!
//! Alerts go by event time alone ([`Clock`], from the first sight of stories); only deliveries go by
//! the runner's clock, and they decide nothing about alerts.

use crate::{
    Change, Clock, Config, Delivered, Delivery, News, Outcome,
    rules::{Finding, Note, Ruled, Story},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tidings_model::{Alert, AlertState, Enriched, Ingest, Status, Timestamp, Topic, digest, topic};
use tidings_stage::{Event, Problem, Reject, Share, Stage, Step};

/// How often a delivery is attempted before it is given up, and the pause after the first failure; each later
/// pause is four times the one before: 10 s, 40 s, 160 s, 640 s.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(10);

/// Raises alerts.
pub struct Sink {
    rules: Vec<Ruled>,
    routes: Vec<Route>,
    clock: Clock,
    pending: BTreeMap<String, Delivery>,
    /// State that no configured rule claims: of a rule that was removed or changed its kind or its bins.
    orphans: BTreeSet<(String, String)>,
}

/// Which alerts go to a receiver.
struct Route {
    receiver: String,
    /// Names of rules; empty for all.
    rules: Vec<String>,
}

impl Sink {
    /// The sink by its configuration, or everything that is wrong with it.
    pub fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let rules = config.build()?;
        let routes = config.webhooks.iter();
        let routes = routes.map(|webhook| Route { receiver: webhook.name.clone(), rules: webhook.rules.clone() });
        Ok(Self {
            rules,
            routes: routes.collect(),
            clock: Clock::default(),
            pending: BTreeMap::new(),
            orphans: BTreeSet::new(),
        })
    }

    fn judge(&self, at: Timestamp, news: &Enriched) -> Step<Self> {
        let mut step = Step::default();
        if news.item.ingest != Ingest::Live || news.item.status == Status::Withdrawn {
            return step;
        }
        let clock = self.clock.after(at);
        let story = Story { at: clock.now(), news };
        step.changes.push(Change::Clock(clock));
        for ruled in &self.rules {
            let decision = ruled.rule.decide(&story);
            let remembered = |note| Change::Rule { rule: ruled.path(), note };
            step.changes.extend(decision.notes.into_iter().map(remembered));
            for finding in decision.findings {
                let alert = alert(ruled, finding);
                for delivery in self.deliveries(&alert) {
                    step.changes.push(Change::Delivery { key: delivery.key(), delivery: Some(delivery.clone()) });
                    step.asks.push(delivery);
                }
                step.out.push(alert);
            }
        }
        step
    }

    /// At once: the time of a story may lie ahead.
    fn deliveries(&self, alert: &Alert) -> Vec<Delivery> {
        let takes = |route: &&Route| route.rules.is_empty() || route.rules.contains(&alert.rule);
        let delivery = |route: &Route| Delivery {
            receiver: route.receiver.clone(),
            dedupe_key: alert.dedupe_key.clone(),
            body: serde_json::to_string(alert).expect("alerts serialise to memory"),
            attempt: 1,
            due: Timestamp::ABSENT,
        };
        self.routes.iter().filter(takes).map(delivery).collect()
    }

    fn answered(&self, at: Timestamp, reply: &Delivered) -> Step<Self> {
        let Some(delivery) = self.pending.get(&reply.key) else { return Step::default() };
        let again = match reply.outcome {
            Outcome::Failed(_) if delivery.attempt < ATTEMPTS => {
                let due = at.plus(PAUSE * 4_u32.pow(delivery.attempt - 1));
                Some(Delivery { attempt: delivery.attempt + 1, due, ..delivery.clone() })
            }
            _ => None,
        };
        Step {
            changes: vec![Change::Delivery { key: reply.key.clone(), delivery: again.clone() }],
            asks: again.into_iter().collect(),
            ..Step::default()
        }
    }

    /// Asks again for every delivery without an answer, and forgets what the configuration no longer names.
    fn restored(&self) -> Step<Self> {
        let named = |delivery: &&Delivery| self.routes.iter().any(|route| route.receiver == delivery.receiver);
        let (kept, dropped): (Vec<_>, Vec<_>) = self.pending.values().partition(named);
        let deliveries = dropped.into_iter().map(|gone| Change::Delivery { key: gone.key(), delivery: None });
        let notes = self
            .orphans
            .iter()
            .map(|(rule, key)| Change::Rule { rule: rule.clone(), note: Note { key: key.clone(), value: None } });
        Step {
            changes: deliveries.chain(notes).collect(),
            asks: kept.into_iter().cloned().collect(),
            ..Step::default()
        }
    }
}

/// Firing and resolved are two tellings, so their keys differ; the one is the other with `:resolved` after it.
fn alert(ruled: &Ruled, finding: Finding) -> Alert {
    let key = digest([ruled.name.as_str(), &finding.occasion]);
    let dedupe_key = if finding.state == AlertState::Resolved { format!("{key}:resolved") } else { key };
    Alert {
        dedupe_key,
        rule: ruled.name.clone(),
        kind: ruled.kind.to_owned(),
        severity: ruled.severity,
        state: finding.state,
        subject: finding.subject.unwrap_or_else(|| ruled.name.clone()),
        subject_id: finding.subject_id,
        summary: finding.summary,
        window: finding.window,
        observed: finding.observed,
        expected: finding.expected,
        score: finding.score,
        evidence: finding.evidence,
    }
}

impl Stage for Sink {
    const NAME: &'static str = "sink";
    const SHARE: Share = Share::Whole;
    const STATE: Option<&'static Topic> = Some(&topic::SINK_STATE);
    type In = News;
    type Out = Alert;
    type Change = Change;
    type Ask = Delivery;
    type Reply = Delivered;

    fn decide(&self, at: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        Ok(match event {
            Event::Record(news) if news.is_canary() => Step::default(),
            Event::Record(News::Enriched(enriched)) => self.judge(at, enriched),
            Event::Reply(reply) => self.answered(at, reply),
            Event::Restored => self.restored(),
            Event::Record(News::Duplicate(_)) | Event::Tick => Step::default(),
        })
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Clock(clock) => self.clock = clock.clone(),
            Change::Rule { rule, note } => {
                let owner = self.rules.iter_mut().find(|ruled| ruled.path() == *rule);
                let claimed = owner.is_some_and(|ruled| ruled.rule.apply(note));
                let orphan = (rule.clone(), note.key.clone());
                if claimed || note.value.is_none() {
                    self.orphans.remove(&orphan);
                } else {
                    self.orphans.insert(orphan);
                }
            }
            Change::Delivery { key, delivery: Some(delivery) } => {
                self.pending.insert(key.clone(), delivery.clone());
            }
            Change::Delivery { key, delivery: None } => {
                self.pending.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
