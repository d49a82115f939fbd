//! The stage: of each item of `news.raw.v1`, whether it is news, an update or a copy, and of what.
//!
//! An item is compared with what was first seen within the window of it: by address, then by its words. It joins
//! the cluster of its best match only, and keeps it in all its revisions.

use crate::{
    Config,
    entry::{Basis, Change, Entry, Role},
    explain::Explanation,
    kept::{Id, Kept},
    memory::Memory,
    probe::{Match, Probe},
    sketch::ALGORITHM,
    sources::same_publisher,
    text::is_extract,
    weights::Weights,
};
use serde_json::from_slice;
use std::{sync::Arc, time::Duration};
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
    weights: Weights,
    explains: bool,
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
    /// How full the memory was.
    pub fill: Fill,
    /// What it was compared with, if that was asked for.
    pub explanation: Option<Explanation>,
}

/// How full the memory was before an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fill {
    /// Items in the window.
    pub window: usize,
    /// How far back it reaches.
    pub reach: Duration,
    /// Items that are remembered, in the window and beyond.
    pub remembered: usize,
    /// Items that had to leave the window or be forgotten early, because there was no room for them.
    pub crowded_out: usize,
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
        Self { config: config.clone(), memory: Memory::default(), weights: Weights::shipped(), explains: false }
    }

    /// The same, telling with each verdict what it rests on.
    #[must_use]
    pub fn explaining(self) -> Self {
        Self { explains: true, ..self }
    }

    fn probe<'a>(&'a self, item: &'a Item, seen: Timestamp) -> Probe<'a> {
        Probe::new(&self.memory, &self.weights, item, seen, self.config.window)
    }

    /// An item that is not remembered.
    fn first(&self, at: Timestamp, item: &Carried<Item>) -> Result<Step<Self>, Reject> {
        // what is late leaves with what it came with
        let came = at.max(self.memory.now(self.config.window));
        let mut entry = entry(item, self.memory.next_arrival(), (at, came), None, Role::Unique);
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
        let probe = self.probe(item, at);
        let (found, candidates) = probe.find();
        entry.fingerprint = Some(probe.fingerprint());
        let mut verdict = Verdict::New;
        if let Some(Match { of, basis, update }) = found {
            entry.cluster = Some(of.cluster());
            verdict = Verdict::Update;
            entry.role = if update { Role::Unique } else { Role::Copy(basis) };
        }
        Ok(self.publish(item, entry, verdict, candidates))
    }

    /// An item that is remembered: the same again, a revision or a withdrawal. Its cluster stays.
    fn again(&self, known: &Kept, item: &Carried<Item>) -> Step<Self> {
        let cluster = known.cluster();
        let joined = (*known.cluster_id() != known.id).then(|| cluster.clone());
        let mut entry = entry(item, known.arrival, (known.seen, known.came()), joined, known.role());
        // a search engine's extract depends on the query: another text is no edit
        let extract = is_extract(item) && !entry.withdrawn;
        let stale = entry.revision < known.revision;
        if entry.content == known.content {
            return self.refresh(known, item, entry);
        }
        if stale || extract || entry.withdrawn && known.withdrawn {
            return Step::default();
        }
        if self.memory.representative(&cluster).is_some_and(|representative| representative.id == known.id) {
            entry.role = Role::Unique;
        }
        if entry.withdrawn {
            return self.publish(item, entry, Verdict::Update, 0);
        }
        let probe = self.probe(item, known.seen);
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
        if self.memory.is_recent(known, self.config.window) {
            entry.fingerprint = Some(probe.fingerprint());
        }
        self.publish(item, entry, Verdict::Update, candidates)
    }

    /// The same item once more. After an upgrade of the algorithm it is read and sketched anew; what was published of
    /// it stands.
    fn refresh(&self, known: &Kept, item: &Carried<Item>, mut entry: Entry) -> Step<Self> {
        if known.print.as_ref().is_none_or(|print| print.algorithm == ALGORITHM) {
            return Step::default();
        }
        entry.fingerprint = Some(self.probe(item, known.seen).fingerprint());
        Step { changes: vec![Change::Remember(item.id.clone(), Arc::new(entry))], ..Step::default() }
    }

    /// Publishes an item as its entry says, with `verdict` if it is no copy, and lets the oldest go.
    fn publish(&self, item: &Carried<Item>, entry: Entry, verdict: Verdict, candidates: usize) -> Step<Self> {
        let cluster = entry.cluster.clone().unwrap_or_else(|| item.id.clone().into());
        let representative = self.memory.representative(&cluster);
        let copy = match entry.role {
            Role::Copy(basis) => representative.map(|of| (basis, of)),
            Role::Unique => None,
        };
        let outcome = match copy {
            Some((basis, of)) => Outcome::Duplicate(self.duplicate(item, &entry, cluster, basis, of)),
            None => {
                let led = representative.is_some_and(|of| of.id == Id::new(item.id.as_str()));
                let promoted = (entry.withdrawn && led).then(|| self.memory.successor(&cluster, &item.id)).flatten();
                let promoted = promoted.map(|kept| self.of(kept));
                Outcome::Unique(Unique { item: item.clone(), cluster: Cluster { id: cluster, verdict, promoted } })
            }
        };
        let now = self.memory.now(self.config.window);
        let itself = Id::new(item.id.as_str());
        let (mut changes, mut crowded_out) = (Vec::new(), 0);
        let others = |(kept, _): &(&Kept, bool)| kept.id != itself;
        for (kept, crowded) in self.memory.aged(now, &self.config, LEAVERS).into_iter().filter(others) {
            crowded_out += usize::from(crowded);
            let faded = kept.faded(self.memory.sources.names(kept.source));
            changes.push(Change::Remember(kept.id(), Arc::new(faded)));
        }
        for (kept, crowded) in self.memory.expired(now, &self.config, LEAVERS).into_iter().filter(others) {
            crowded_out += usize::from(crowded);
            changes.push(Change::Forget(kept.id()));
        }
        changes.push(Change::Remember(item.id.clone(), Arc::new(entry)));
        let fill = Fill {
            window: self.memory.in_window(),
            reach: self.memory.reach(now),
            remembered: self.memory.remembered(),
            crowded_out,
        };
        let explanation = self.explains.then(|| Explanation::new(&self.probe(item, item.first_seen_at), &self.memory));
        Step { changes, out: vec![Decision { outcome, candidates, fill, explanation }], asks: Vec::new() }
    }

    fn of(&self, kept: &Kept) -> Of {
        Of { id: kept.id(), publisher: self.memory.sources.publisher(kept.source) }
    }

    fn duplicate(&self, item: &Carried<Item>, entry: &Entry, cluster: ClusterId, basis: Basis, of: &Kept) -> Duplicate {
        // to three digits: more would mean nothing
        let round = |score: f32| (score * 1000.0).round() / 1000.0;
        let (score, why) = match basis {
            Basis::Address => (1.0, "same url".to_owned()),
            Basis::Text => (1.0, "same text".to_owned()),
            Basis::Resemblance { score, text, lead } => (round(score), format!("text {text:.2}, lead {lead:.2}")),
            Basis::Sentences(share) => (round(share), format!("sentences {share:.2}")),
        };
        let behind = if of.seen.is_absent() { 0 } else { entry.seen.since(of.seen).as_millis() };
        let publisher = (entry.publisher.as_deref(), entry.domain.as_deref());
        let one = same_publisher(publisher, self.memory.sources.names(of.source)) == Some(true);
        Duplicate {
            item: item.clone(),
            cluster,
            of: self.of(of),
            relation: match basis {
                Basis::Address => Relation::SameArticle,
                _ if one => Relation::SameArticle,
                Basis::Text => Relation::Syndicated,
                Basis::Resemblance { text, .. } if text >= SYNDICATED || entry.agency || of.agency => {
                    Relation::Syndicated
                }
                Basis::Resemblance { .. } | Basis::Sentences(_) => Relation::NearDuplicate,
            },
            score,
            why,
            behind_ms: u64::try_from(behind).unwrap_or(u64::MAX),
        }
    }
}

/// The entry of an item as it now is, out of the window.
fn entry(
    item: &Item,
    arrival: u64,
    (seen, came): (Timestamp, Timestamp),
    cluster: Option<ClusterId>,
    role: Role,
) -> Entry {
    let publisher = item.publisher.as_ref();
    Entry {
        arrival,
        seen,
        came,
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
        let record = match &self.outcome {
            Outcome::Unique(unique) => Message::record(unique),
            Outcome::Duplicate(duplicate) => Message::record(duplicate),
        };
        match &self.explanation {
            Some(explanation) => explanation.added_to(record),
            None => record,
        }
    }
}

#[cfg(test)]
mod tests;
