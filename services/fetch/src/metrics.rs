//! What fetch counts and logs. Items and feeds are a fold over committed steps; polls are counted where they are made.

use crate::{Ask, Fetch, Out, Polled, poller};
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, exponential_buckets,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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
    states: Arc<Mutex<HashMap<FeedId, &'static str>>>,
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
            states: Arc::default(),
        };
        OUTCOMES.iter().for_each(|outcome| drop(metrics.polls.with_label_values(&[outcome])));
        KINDS.iter().for_each(|kind| drop(metrics.items.with_label_values(&[kind])));
        STATES.iter().for_each(|state| drop(metrics.feeds.with_label_values(&[state])));
        registry.register(Box::new(metrics.polls.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.items.clone()))?;
        registry.register(Box::new(metrics.feeds.clone()))?;
        Ok(metrics)
    }

    /// A poll was made.
    pub(crate) fn polled(&self, polled: &Polled, took: Duration) {
        self.polls.with_label_values(&[poller::label(&polled.outcome)]).inc();
        self.seconds.observe(took.as_secs_f64());
        self.bytes.inc_by(polled.bytes as u64);
    }

    /// The state that a feed is known to be in.
    fn state(&self, feed: &FeedId) -> Option<&'static str> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(feed).copied()
    }

    /// Feeds in the other state are as many fewer; `None` where the subscription ended.
    fn moved(&self, feed: &FeedId, state: Option<&'static str>) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match state {
            Some(state) => states.insert(feed.clone(), state),
            None => states.remove(feed),
        };
        if before != state {
            before.iter().for_each(|before| self.feeds.with_label_values(&[before]).dec());
            state.iter().for_each(|state| self.feeds.with_label_values(&[state]).inc());
        }
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
                Ask::Poll(poll) => self.moved(&poll.feed, Some(label(poll.state))),
                Ask::Stop { feed, state: Some(state) } => self.moved(feed, Some(label(Some(*state)))),
                Ask::Stop { feed, state: None } => self.moved(feed, None),
            }
        }
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
}
