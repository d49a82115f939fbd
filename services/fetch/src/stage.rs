//! The stage: which polls to ask for, and what an answer means.
//!
//! There is no tick: the schedule is a chain of asks. Each answer asks for the next poll, which its hands hold until
//! it is due; after a restart every feed's chain is taken up again. An unchanged document leaves no record.

use crate::{
    Ask, BodyHash, Config, FeedMemory, Outcome, Poll, Polled, Remembered, Validators,
    item::Source,
    revision::{self, News, Reading},
    schedule::Schedule,
    status::{self, TITLE_LIMIT, URL_LIMIT},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tidings_feed::Feed;
use tidings_model::{
    FeedId, FeedSpec, FeedState, FeedStatus, Ingest, Item, Message, Record, Timestamp, Topic, site, topic,
};
use tidings_stage::{Event, Input, Output, Reject, Share, Stage, Step, json};

/// Polls feeds.
pub struct Fetch {
    schedule: Schedule,
    withdraw_after: u16,
    feeds: BTreeMap<FeedId, Arc<FeedMemory>>,
}

/// What is read: subscriptions, of `feeds.v1`.
#[derive(Debug, Clone)]
pub enum Feeds {
    /// A feed to poll, or a change of one.
    Set(FeedSpec),
    /// The end of a subscription.
    Removed(FeedId),
}

/// What is published.
#[derive(Debug, Clone)]
pub enum Out {
    /// On `news.raw.v1`.
    Item(Box<Item>),
    /// On `feeds.status.v1`.
    Status {
        /// How the feed is.
        status: FeedStatus,
        /// Its address as subscribed chooses the partition: a redirect must not leave a stale status in another.
        home: String,
    },
    /// On `feeds.status.v1`: a tombstone, for the subscription ended.
    Ended {
        /// Which feed.
        feed: FeedId,
        /// Its address as subscribed.
        home: String,
    },
}

impl Fetch {
    /// With no feeds yet.
    pub fn new(config: &Config) -> Self {
        Self { schedule: Schedule::new(config), withdraw_after: config.withdraw_after, feeds: BTreeMap::new() }
    }

    /// The feeds that it knows.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = &FeedId> {
        self.feeds.keys()
    }

    fn subscribe(&self, at: Timestamp, spec: &FeedSpec) -> Result<Step<Self>, Reject> {
        let mend = "an absolute http or https URL of at most 700 bytes";
        let url = site::normalise(&spec.url).map_err(|_| Reject::new("url", "url", &spec.url, mend))?;
        if url.len() > URL_LIMIT {
            return Err(Reject::new("url", "url", format_args!("{} bytes", url.len()), mend));
        }
        let title = spec.title.as_deref().map(|title| status::shortened(title, TITLE_LIMIT));
        let old = self.feeds.get(&spec.id).map(Arc::as_ref);
        let same = |old: &FeedMemory| old.url == url && old.title == title && old.interval_s == spec.interval_s;
        if old.is_some_and(|old| same(old) && !old.is_stopped()) {
            return Ok(Step::default());
        }
        let mut memory = match old {
            // a new address: where the old one led and what its server said are void
            Some(old) if old.url != url => FeedMemory { body: old.body, ..blank(old.added) },
            Some(old) => old.clone(),
            None => blank(at),
        };
        if let Some(old) = old {
            memory.seen.clone_from(&old.seen);
            memory.guids_repeat = old.guids_repeat;
            memory.generation = at.max(old.generation.plus(Duration::from_millis(1)));
        }
        let (id, interval_s) = (&spec.id, spec.interval_s);
        let due = self.schedule.soon(id, at);
        let memory = FeedMemory { url, title, interval_s, health: None, failures: 0, due, ..memory };
        Ok(Step { asks: vec![ask(id, &memory)], changes: vec![remember(id, memory)], ..Step::default() })
    }

    fn unsubscribe(&self, at: Timestamp, id: &FeedId) -> Step<Self> {
        let Some(memory) = self.feeds.get(id) else {
            return Step::default();
        };
        let mut step = self.release(at, id);
        step.out.push(Out::Ended { feed: id.clone(), home: memory.url.clone() });
        step.changes.push(Remembered { feed: id.clone(), memory: None });
        step.asks.push(Ask::Stop { feed: id.clone(), state: None });
        step
    }

    /// Polls the other addresses of a feed again that is polled no more.
    fn release(&self, at: Timestamp, id: &FeedId) -> Step<Self> {
        let mut step = Step::default();
        let is_copy = |memory: &FeedMemory| memory.health.as_ref().is_some_and(|h| h.copy_of.as_ref() == Some(id));
        for (copy, memory) in self.feeds.iter().filter(|(_, memory)| is_copy(memory)) {
            let memory = FeedMemory { health: None, due: self.schedule.soon(copy, at), ..memory.as_ref().clone() };
            step.asks.push(ask(copy, &memory));
            step.changes.push(remember(copy, memory));
        }
        step
    }

    fn restored(&self, at: Timestamp) -> Step<Self> {
        let asks = self.feeds.iter().map(|(id, memory)| match memory.state() {
            state @ Some(_) if memory.is_stopped() => Ask::Stop { feed: id.clone(), state },
            _ => ask(id, &FeedMemory { due: self.schedule.again(id, memory, at), ..memory.as_ref().clone() }),
        });
        Step { asks: asks.collect(), ..Step::default() }
    }

    fn answered(&self, polled: &Polled) -> Step<Self> {
        let id = &polled.feed;
        let Some(memory) = self.feeds.get(id).filter(|memory| memory.generation == polled.generation) else {
            return Step::default();
        };
        if memory.is_stopped() {
            return Step::default();
        }
        match (&polled.outcome, status::failure(&polled.outcome)) {
            (_, Some((state, message))) => self.failed(memory, polled, state, &message),
            (Outcome::Document { feed, body }, _) => self.document(memory, polled, feed, *body),
            _ => self.good(memory, polled, None, revision::again(memory, self.withdraw_after)),
        }
    }

    fn failed(&self, memory: &FeedMemory, polled: &Polled, state: FeedState, message: &str) -> Step<Self> {
        let id = &polled.feed;
        let mut next = memory.clone();
        status::failed(&mut next);
        status::settle(&mut next, polled.at, state, message, None, None);
        next.due = self.schedule.retry(id, &next, polled.at, polled.retry_after);
        let mut step = if next.is_stopped() { self.release(polled.at, id) } else { Step::default() };
        self.conclude(&mut step, id, memory, next);
        step
    }

    fn document(&self, memory: &FeedMemory, polled: &Polled, feed: &Feed, body: BodyHash) -> Step<Self> {
        let id = &polled.feed;
        let other = self.feeds.iter().find(|(other, known)| {
            let same_bytes = !feed.entries.is_empty() && known.body == Some(body);
            let same_place = known.served_at.as_deref() == Some(&polled.url);
            *other != id && known.state() == Some(FeedState::Ok) && (same_bytes || same_place)
        });
        match other {
            Some((other, known)) if (known.added, other) < (memory.added, id) => {
                let mut step = Step::default();
                self.retire(&mut step, polled.at, (id, memory), (other, known));
                step
            }
            other => {
                let reading = revision::compare(id, memory, feed, polled.at, self.withdraw_after);
                let mut step = self.good(memory, polled, Some((feed, body)), reading);
                if let Some((other, known)) = other {
                    self.retire(&mut step, polled.at, (other, known), (id, memory));
                }
                step
            }
        }
    }

    /// Stops polling a feed that is another address of an earlier one.
    fn retire(
        &self,
        step: &mut Step<Self>,
        at: Timestamp,
        (id, memory): (&FeedId, &FeedMemory),
        (earlier, kept): (&FeedId, &FeedMemory),
    ) {
        let mut next = memory.clone();
        let message = format!("the same feed as {}; polls have stopped", kept.url);
        status::settle(&mut next, at, FeedState::Duplicate, &message, None, Some(earlier.clone()));
        self.conclude(step, id, memory, next);
    }

    /// After a document, or none because it is the same again; `reading` is what it says that was not known.
    fn good(
        &self,
        memory: &FeedMemory,
        polled: &Polled,
        document: Option<(&Feed, BodyHash)>,
        reading: Option<Reading<'_>>,
    ) -> Step<Self> {
        let id = &polled.feed;
        let mut next = memory.clone();
        next.validators = polled.validators.clone();
        next.failures = 0;
        status::follow(&mut next, polled.moved.as_deref());
        let mut entries = memory.health.as_ref().and_then(|health| health.entries).unwrap_or(0);
        if let Some((feed, body)) = document {
            entries = u32::try_from(feed.entries.len()).unwrap_or(u32::MAX);
            next.body = Some(body);
            next.served_at = (polled.url.len() <= URL_LIMIT).then(|| polled.url.clone());
            next.own_title = feed.title.as_deref().map(|title| status::shortened(title, TITLE_LIMIT));
            next.ttl_s = feed.ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX));
        }
        let message = status::ok(entries, &next);
        status::settle(&mut next, polled.at, FeedState::Ok, &message, Some(entries), None);
        next.due = self.schedule.next(id, &next, polled.at, polled.fresh_for);

        let nothing_new = reading.is_none()
            && (&memory.health, &memory.moving, &memory.adopted) == (&next.health, &next.moving, &next.adopted)
            && (memory.failures, memory.body.is_some()) == (0, true);
        if nothing_new {
            return Step { asks: vec![ask(id, &next)], ..Step::default() };
        }
        let mut step = Step::default();
        if let Some(reading) = reading {
            let source = Source { id, memory: &next, feed: document.map(|(feed, _)| feed) };
            let ingest = if memory.body.is_none() { Ingest::Backfill } else { Ingest::Live };
            let items = reading.news.iter().map(|(seen, news)| match news {
                News::New(entry) => source.published(seen, entry, &[], ingest),
                News::Edited(entry, changed) => source.published(seen, entry, changed, Ingest::Live),
                News::Withdrawn => source.withdrawn(seen),
            });
            step.out.extend(items.map(|item| Out::Item(Box::new(item))));
            next.seen = Arc::new(reading.seen);
            next.guids_repeat = reading.guids_repeat;
        }
        self.conclude(&mut step, id, memory, next);
        step
    }

    /// Adds status, memory and the next ask.
    fn conclude(&self, step: &mut Step<Self>, id: &FeedId, before: &FeedMemory, mut next: FeedMemory) {
        next.fit();
        if let Some(status) = status::told(id, before.health.as_ref(), &next) {
            step.out.push(Out::Status { status, home: next.url.clone() });
        }
        step.asks.push(match next.state() {
            state @ Some(_) if next.is_stopped() => Ask::Stop { feed: id.clone(), state },
            _ => ask(id, &next),
        });
        step.changes.push(remember(id, next));
    }
}

fn remember(id: &FeedId, memory: FeedMemory) -> Remembered {
    Remembered { feed: id.clone(), memory: Some(Arc::new(memory)) }
}

fn ask(id: &FeedId, memory: &FeedMemory) -> Ask {
    Ask::Poll(Box::new(Poll {
        feed: id.clone(),
        generation: memory.generation,
        url: memory.polled_at().to_owned(),
        validators: memory.validators.clone(),
        body: memory.body,
        due: memory.due,
        state: memory.state(),
    }))
}

/// A feed of which nothing is known yet.
fn blank(added: Timestamp) -> FeedMemory {
    FeedMemory {
        url: String::new(),
        title: None,
        interval_s: None,
        added,
        generation: added,
        adopted: None,
        moving: None,
        served_at: None,
        validators: Validators::default(),
        body: None,
        own_title: None,
        ttl_s: None,
        health: None,
        failures: 0,
        due: added,
        guids_repeat: false,
        seen: Arc::default(),
    }
}

impl Stage for Fetch {
    const NAME: &'static str = "fetch";
    const SHARE: Share = Share::Partition;
    const STATE: Option<&'static Topic> = Some(&topic::FETCH_STATE);
    type In = Feeds;
    type Out = Out;
    type Change = Remembered;
    type Ask = Ask;
    type Reply = Polled;

    fn decide(&self, at: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        Ok(match event {
            Event::Record(Feeds::Set(spec)) => self.subscribe(at, spec)?,
            Event::Record(Feeds::Removed(id)) => self.unsubscribe(at, id),
            Event::Reply(polled) => self.answered(polled),
            Event::Restored => self.restored(at),
            Event::Tick => Step::default(),
        })
    }

    fn apply(&mut self, change: &Remembered) {
        match &change.memory {
            Some(memory) => self.feeds.insert(change.feed.clone(), memory.clone()),
            None => self.feeds.remove(&change.feed),
        };
    }
}

impl Input for Feeds {
    fn topics() -> Vec<&'static Topic> {
        vec![FeedSpec::TOPIC]
    }

    fn decode(_: &Topic, key: &[u8], value: Option<&[u8]>) -> Result<Self, Reject> {
        match value {
            Some(_) => json(value).map(Self::Set),
            None => {
                let key = String::from_utf8_lossy(key);
                let id = FeedId::parse(&key).map_err(|found| Reject::new("key", "key", found, "the feed's id"))?;
                Ok(Self::Removed(id))
            }
        }
    }
}

impl Output for Out {
    fn record(&self) -> Record {
        let route = |home: &str| site::domain(home).map(String::into_bytes);
        match self {
            Self::Item(item) => Message::record(item.as_ref()),
            Self::Status { status, home } => Record { route: route(home), ..Message::record(status) },
            Self::Ended { feed, home } => Record {
                topic: FeedStatus::TOPIC,
                key: feed.as_str().as_bytes().to_vec(),
                route: route(home),
                headers: Vec::new(),
                value: None,
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
