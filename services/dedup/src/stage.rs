//! The stage: of each item of `news.raw.v1`, whether it is news, an update or a copy, and of what.
//!
//! An item is compared with what was first seen within the window of it: by address, then by its words. It joins
//! the cluster of its best match only, and keeps it in all its revisions.

use crate::{
    Config,
    entry::{Basis, Change, Entry, Role},
    memory::{Kept, Memory},
    probe::{Match, Probe},
};
use serde_json::from_slice;
use std::sync::Arc;
use tidings_model::{
    Carried, Cluster, ClusterId, Duplicate, Item, Message, Of, OriginKind, Record, Relation, Status, Timestamp, Topic,
    Unique, Verdict, topic,
};
use tidings_stage::{Event, Input, Never, Output, Reject, Share, Stage, Step};
use xxhash_rust::xxh3::xxh3_64;

/// How many items leave the window, and how many are forgotten, at most with one arrival.
const LEAVERS: usize = 32;
/// A copy at another publisher with at least this share of the text is syndicated, not just alike.
const SYNDICATED: f32 = 0.8;

/// Finds copies.
pub struct Dedup {
    config: Config,
    memory: Memory,
}

/// An item of `news.raw.v1`, to be passed on unread.
#[derive(Debug, Clone)]
pub struct RawItem(pub Carried<Item>);

/// What was found of an item, and what it took to find it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What is published.
    pub outcome: Outcome,
    /// How many texts it was compared with.
    pub candidates: usize,
    /// How many items the window held.
    pub window: usize,
}

/// What an item is.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// News, or an update of it.
    Unique(Unique),
    /// A copy.
    Duplicate(Duplicate),
}

impl Dedup {
    /// With nothing remembered.
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone(), memory: Memory::default() }
    }

    /// An item that is not remembered.
    fn first(&self, at: Timestamp, item: &Carried<Item>) -> Result<Step<Self>, Reject> {
        let mut entry = entry(item, self.memory.next_arrival(), at, None, Role::Unique);
        if item.status == Status::Withdrawn {
            return Ok(self.publish(item, entry, Verdict::Update, 0));
        }
        if item.url.is_none() && item.texts().all(|(_, text)| text.trim().is_empty()) {
            let mend = "a headline, summary, body or url: without all of them there is nothing to tell";
            return Err(Reject::new("text_missing", "headline", "", mend));
        }
        // all canaries look alike, and each must come through
        if item.origin.kind == OriginKind::Canary {
            return Ok(self.publish(item, entry, Verdict::New, 0));
        }
        let probe = Probe::new(&self.memory, item, at, self.config.window);
        let (found, candidates) = probe.find();
        entry.fingerprint = Some(probe.fingerprint);
        let mut verdict = Verdict::New;
        if let Some(Match { of, basis, update }) = found {
            entry.cluster = Some(of.cluster());
            verdict = Verdict::Update;
            entry.role = if update { Role::Unique } else { Role::Copy(basis) };
        }
        Ok(self.publish(item, entry, verdict, candidates))
    }

    /// An item that is remembered: the same again, a revision or a withdrawal. Its cluster stays.
    fn again(&self, kept: &Kept, item: &Carried<Item>) -> Step<Self> {
        let (known, cluster) = (&*kept.entry, kept.cluster());
        let mut entry = entry(item, known.arrival, known.seen, known.cluster.clone(), known.role);
        // a search engine's extract depends on the query: another text is no edit
        let extract = item.origin.kind == OriginKind::Search && !entry.withdrawn;
        let stale = entry.revision < known.revision;
        if entry.content == known.content || stale || extract || entry.withdrawn && known.withdrawn {
            return Step::default();
        }
        if self.memory.representative(&cluster).is_some_and(|representative| representative.id == item.id) {
            entry.role = Role::Unique;
        }
        if entry.withdrawn {
            return self.publish(item, entry, Verdict::Update, 0);
        }
        let probe = Probe::new(&self.memory, item, known.seen, self.config.window);
        let mut candidates = 0;
        if let Role::Copy(before) = entry.role {
            let (found, compared) = probe.find_in(&cluster);
            candidates = compared;
            entry.role = match found {
                Some(Match { basis, update: false, .. }) => Role::Copy(basis),
                // the others have left the window: nothing speaks against the earlier verdict
                None if compared == 0 => Role::Copy(before),
                _ => Role::Unique,
            };
        }
        entry.fingerprint = Some(probe.fingerprint);
        self.publish(item, entry, Verdict::Update, candidates)
    }

    /// Publishes an item as its entry says, with `verdict` if it is no copy, and lets the oldest go.
    fn publish(&self, item: &Carried<Item>, entry: Entry, verdict: Verdict, candidates: usize) -> Step<Self> {
        let cluster = entry.cluster.clone().unwrap_or_else(|| item.id.clone().into());
        let copy = match entry.role {
            Role::Copy(basis) => self.memory.representative(&cluster).map(|of| (basis, of)),
            Role::Unique => None,
        };
        let outcome = match copy {
            Some((basis, of)) => Outcome::Duplicate(duplicate(item, &entry, cluster, basis, of)),
            None => Outcome::Unique(Unique { item: item.clone(), cluster: Cluster { id: cluster, verdict } }),
        };
        let aged = self.memory.aged(self.config.window, LEAVERS);
        let aged = aged.map(|kept| (kept, Change::Remember(kept.id.clone(), Arc::new(kept.entry.faded()))));
        let expired = self.memory.expired(self.config.memory, LEAVERS);
        let expired = expired.map(|kept| (kept, Change::Forget(kept.id.clone())));
        let leave = aged.chain(expired).filter(|(kept, _)| kept.id != item.id).map(|(_, change)| change);
        let stay = Change::Remember(item.id.clone(), Arc::new(entry));
        Step {
            changes: leave.chain([stay]).collect(),
            out: vec![Decision { outcome, candidates, window: self.memory.in_window() }],
            asks: Vec::new(),
        }
    }
}

/// The entry of an item as it now is, out of the window.
fn entry(item: &Item, arrival: u64, seen: Timestamp, cluster: Option<ClusterId>, role: Role) -> Entry {
    let publisher = item.publisher.as_ref();
    Entry {
        arrival,
        seen,
        cluster,
        publisher: publisher.and_then(|publisher| publisher.name.as_deref()).map(Box::from),
        domain: publisher.and_then(|publisher| publisher.domain.as_deref()).map(Box::from),
        agency: item.agency.is_some(),
        revision: item.revision.no,
        content: xxh3_64(item.revision_hash().as_bytes()),
        role,
        withdrawn: item.status == Status::Withdrawn,
        fingerprint: None,
    }
}

fn duplicate(item: &Carried<Item>, entry: &Entry, cluster: ClusterId, basis: Basis, of: &Kept) -> Duplicate {
    let (score, why) = match basis {
        Basis::Address => (1.0, "same url".to_owned()),
        Basis::Text => (1.0, "same text".to_owned()),
        // to three digits: more would mean nothing
        Basis::Resemblance { score, text, lead } => {
            ((score * 1000.0).round() / 1000.0, format!("text {text:.2}, lead {lead:.2}"))
        }
    };
    let behind = if of.entry.seen.is_absent() { 0 } else { entry.seen.since(of.entry.seen).as_millis() };
    Duplicate {
        item: item.clone(),
        cluster,
        of: Of { id: of.id.clone(), publisher: of.entry.publisher() },
        relation: relation(entry, &of.entry, basis),
        score,
        why,
        behind_ms: u64::try_from(behind).unwrap_or(u64::MAX),
    }
}

fn relation(copy: &Entry, of: &Entry, basis: Basis) -> Relation {
    match basis {
        Basis::Address => Relation::SameArticle,
        _ if copy.same_publisher(of) => Relation::SameArticle,
        Basis::Text => Relation::Syndicated,
        Basis::Resemblance { text, .. } if text >= SYNDICATED || copy.agency || of.agency => Relation::Syndicated,
        Basis::Resemblance { .. } => Relation::NearDuplicate,
    }
}

impl Stage for Dedup {
    const NAME: &'static str = "dedup";
    const SHARE: Share = Share::Whole;
    const STATE: Option<&'static Topic> = Some(&topic::DEDUP_STATE);
    type In = RawItem;
    type Out = Decision;
    type Change = Change;
    type Ask = Never;
    type Reply = Never;

    fn decide(&self, at: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        let Event::Record(RawItem(item)) = event else { return Ok(Step::default()) };
        match self.memory.get(&item.id) {
            Some(known) => Ok(self.again(known, item)),
            None => self.first(at, item),
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Remember(id, entry) => self.memory.put(id, entry),
            Change::Forget(id) => self.memory.forget(id),
        }
    }
}

impl Input for RawItem {
    fn topics() -> Vec<&'static Topic> {
        vec![&topic::RAW]
    }

    fn decode(topic: &Topic, _: &[u8], value: Option<&[u8]>) -> Result<Self, Reject> {
        let value = value.ok_or_else(|| Reject::new("tombstone", "value", "null", "this topic has no tombstones"))?;
        from_slice(value).map(Self).map_err(|error| {
            let code = if error.is_data() { "schema" } else { "json" };
            Reject::new(code, topic.name, error, "one JSON object as `tidings schema` prints it")
        })
    }

    fn seen(&self) -> Option<Timestamp> {
        Message::seen(&*self.0)
    }
}

impl Output for Decision {
    fn record(&self) -> Record {
        match &self.outcome {
            Outcome::Unique(unique) => Message::record(unique),
            Outcome::Duplicate(duplicate) => Message::record(duplicate),
        }
    }
}

#[cfg(test)]
mod tests;
