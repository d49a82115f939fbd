//! What fetch counts and logs. Items and feeds are a fold over committed steps; polls are counted where they are made.

use crate::{Ask, Fetch, Out, Polled, poller};
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, exponential_buckets,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tidings_model::{FeedId, FeedState, Ingest, Item, Status, Timestamp};
use tidings_stage::{Event, Step, Watch};

const OUTCOMES: [&str; 10] =
    ["ok", "unchanged", "not_a_feed", "http_3xx", "http_4xx", "http_5xx", "timeout", "too_large", "refused", "network"];
const KINDS: [&str; 4] = ["new", "edit", "withdrawal", "backfill"];
const STATES: [&str; 7] = ["unpolled", "ok", "not_a_feed", "failing", "refused", "gone", "duplicate"];

/// The metrics of fetch. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    polls: IntCounterVec,
    seconds: Histogram,
    bytes: IntCounter,
    items: IntCounterVec,
    feeds: IntGaugeVec,
    due: Gauge,
    known: Arc<Mutex<Known>>,
}

/// What is known of the feeds.
#[derive(Default)]
struct Known {
    /// The state of each, and when it is to be polled, if it is.
    feeds: HashMap<FeedId, (&'static str, Option<Timestamp>)>,
    due: BTreeSet<(Timestamp, FeedId)>,
}

impl Metrics {
    /// Registers them, every series at its start value.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let buckets = exponential_buckets(0.01, 2.0, 12)?;
        let metrics = Self {
            polls: IntCounterVec::new(Opts::new("tidings_fetch_polls_total", "Polls by outcome"), &["outcome"])?,
            seconds: Histogram::with_opts(
                HistogramOpts::new("tidings_fetch_poll_seconds", "From the first connection to the parsed document")
                    .buckets(buckets),
            )?,
            bytes: IntCounter::new("tidings_fetch_bytes_total", "Bytes of documents, after decompression")?,
            items: IntCounterVec::new(Opts::new("tidings_fetch_items_total", "Items published by kind"), &["kind"])?,
            feeds: IntGaugeVec::new(Opts::new("tidings_fetch_feeds", "Subscribed feeds by state"), &["state"])?,
            due: Gauge::new(
                "tidings_fetch_oldest_due_timestamp_seconds",
                "When the poll was or is due that is due first, in UNIX time; 0 where no feed is to be polled",
            )?,
            known: Arc::default(),
        };
        OUTCOMES.iter().for_each(|outcome| drop(metrics.polls.with_label_values(&[outcome])));
        KINDS.iter().for_each(|kind| drop(metrics.items.with_label_values(&[kind])));
        STATES.iter().for_each(|state| drop(metrics.feeds.with_label_values(&[state])));
        registry.register(Box::new(metrics.polls.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.items.clone()))?;
        registry.register(Box::new(metrics.feeds.clone()))?;
        registry.register(Box::new(metrics.due.clone()))?;
        Ok(metrics)
    }

    /// A poll was made.
    pub(crate) fn polled(&self, polled: &Polled, took: Duration) {
        self.polls.with_label_values(&[poller::label(&polled.outcome)]).inc();
        self.seconds.observe(took.as_secs_f64());
        self.bytes.inc_by(polled.bytes as u64);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state that a feed is known to be in.
    fn state(&self, feed: &FeedId) -> Option<&'static str> {
        self.known().feeds.get(feed).map(|(state, _)| *state)
    }

    /// A feed is in this state now, and is to be polled when it is due; `None` where it is no longer ours.
    fn moved(&self, feed: &FeedId, now: Option<(&'static str, Option<Timestamp>)>) {
        let mut known = self.known();
        let before = match now {
            Some(now) => known.feeds.insert(feed.clone(), now),
            None => known.feeds.remove(feed),
        };
        if let Some((state, due)) = before {
            self.feeds.with_label_values(&[state]).dec();
            due.map(|due| known.due.remove(&(due, feed.clone())));
        }
        if let Some((state, due)) = now {
            self.feeds.with_label_values(&[state]).inc();
            known.due.extend(due.map(|due| (due, feed.clone())));
        }
        self.due.set(known.due.first().map_or(0.0, |(due, _)| due.millis() as f64 / 1e3));
    }
}

impl Watch<Fetch> for Metrics {
    fn committed(&self, _: Timestamp, _: &Event<Fetch>, step: &Step<Fetch>) {
        for out in &step.out {
            match out {
                Out::Item(item) => self.items.with_label_values(&[kind(item)]).inc(),
                // what else changes, such as how many entries it shows, is on the topic
                Out::Status { status, .. } if self.state(&status.id) != Some(label(Some(status.state))) => {
                    tracing::info!(feed = %status.id, url = status.url, state = label(Some(status.state)), why = status.message, "feed has changed");
                }
                Out::Status { .. } => {}
                Out::Ended { feed, .. } => tracing::info!(%feed, "feed has ended"),
            }
        }
        // each feed that is remembered is asked for, or asked to be left alone, after a start and at each change
        for ask in &step.asks {
            match ask {
                Ask::Poll(poll) => self.moved(&poll.feed, Some((label(poll.state), Some(poll.due)))),
                Ask::Stop { feed, state: Some(state) } => self.moved(feed, Some((label(Some(*state)), None))),
                Ask::Stop { feed, state: None } => self.moved(feed, None),
            }
        }
    }

    fn released(&self, stage: &Fetch) {
        stage.feeds().for_each(|feed| self.moved(feed, None));
    }
}

fn kind(item: &Item) -> &'static str {
    match (item.status, item.revision.no, item.ingest) {
        (Status::Withdrawn, ..) => "withdrawal",
        (_, 1, Ingest::Backfill) => "backfill",
        (_, 1, _) => "new",
        _ => "edit",
    }
}

fn label(state: Option<FeedState>) -> &'static str {
    match state {
        None => "unpolled",
        Some(FeedState::NotAFeed) => "not_a_feed",
        Some(FeedState::Failing) => "failing",
        Some(FeedState::Refused) => "refused",
        Some(FeedState::Gone) => "gone",
        Some(FeedState::Duplicate) => "duplicate",
        Some(_) => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Outcome, stage::tests::polled};
    use tidings_model::FeedSpec;
    use tidings_stage::Stage;

    #[test]
    fn feeds_are_counted_by_state_and_polls_by_outcome() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let shown = |wanted: &str| {
            let families = registry.gather();
            let family = families.iter().find(|family| family.name() == wanted).unwrap();
            let lines = family.get_metric().iter().filter_map(|metric| {
                let value = metric.get_counter().get_value() + metric.get_gauge().get_value();
                (value != 0.0).then(|| format!("{} {value}", metric.get_label()[0].value()))
            });
            (family.get_metric().len(), lines.collect::<Vec<_>>())
        };
        let mut stage = crate::Fetch::new(&Config::default());
        let mut play = |event: Event<Fetch>| {
            let step = stage.step(Timestamp::from_millis(1), &event).unwrap().step;
            metrics.committed(Timestamp::from_millis(1), &event, &step);
        };
        let [a, b] = ["https://a.example/", "https://b.example/"].map(|url| FeedSpec::new(url, None).unwrap());
        play(Event::Record(crate::Feeds::Set(a.clone())));
        play(Event::Record(crate::Feeds::Set(b.clone())));
        play(Event::Restored);
        assert_eq!(shown("tidings_fetch_feeds"), (STATES.len(), vec!["unpolled 2".to_owned()]));
        play(Event::Record(crate::Feeds::Removed(a.id)));
        assert_eq!(shown("tidings_fetch_feeds").1, ["unpolled 1"]);

        for code in [404, 500] {
            metrics.polled(&polled("https://b.example/", 0, 0, Outcome::Http(code)), Duration::from_secs(1));
        }
        assert_eq!(shown("tidings_fetch_polls_total").1, ["http_4xx 1", "http_5xx 1"]);
        assert_eq!(shown("tidings_fetch_polls_total").0, OUTCOMES.len());
        assert_eq!(shown("tidings_fetch_items_total").0, KINDS.len());
    }

    #[test]
    fn the_oldest_poll_that_is_due_is_told_until_its_partition_is_somebody_elses() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let mut stage = crate::Fetch::new(&Config::default());
        let at = Timestamp::from_millis(1_000_000_000);
        assert_eq!(metrics.due.get(), 0.0);
        for url in ["https://a.example/", "https://b.example/"] {
            let event = Event::Record(crate::Feeds::Set(FeedSpec::new(url, None).unwrap()));
            let step = stage.step(at, &event).unwrap().step;
            metrics.committed(at, &event, &step);
        }
        assert!((1e6..1e6 + 60.0).contains(&metrics.due.get()), "{}", metrics.due.get());
        metrics.released(&stage);
        assert_eq!((metrics.due.get(), metrics.feeds.with_label_values(&["unpolled"]).get()), (0.0, 0));
    }
}
