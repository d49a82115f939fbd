//! The hands of the stage: waits until a poll is due, performs it, and brings back what it found.
//!
//! A waiting poll is a sleeping task of a few hundred bytes. One feed has at most one: a newer ask takes its place,
//! so nothing is polled twice as often after a restart or a change of its subscription.

mod addresses;
mod exchange;
mod guard;
mod headers;
mod hosts;

pub use guard::Allow;

use crate::{Ask, Config, Fetch, Metrics, Outcome, Poll, Polled};
use exchange::Exchange;
use reqwest::dns::Resolve;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tidings_model::{FeedId, Timestamp};
use tidings_stage::{Answer, Hands};
use tokio::runtime::Handle;

/// Polls feeds over HTTP. Cheap to clone; clones share pace, limits and waiting polls.
#[derive(Clone)]
pub struct Poller {
    runtime: Handle,
    shared: Arc<Shared>,
}

struct Shared {
    exchange: Exchange,
    /// The newest ask of each feed.
    tickets: Mutex<HashMap<FeedId, u64>>,
    metrics: Metrics,
}

impl Poller {
    /// Polls on `runtime`. Fails where TLS can't be set up.
    pub fn new(runtime: Handle, config: &Config, metrics: &Metrics) -> reqwest::Result<Self> {
        Self::resolving(runtime, config, metrics, Arc::new(guard::System))
    }

    fn resolving(
        runtime: Handle,
        config: &Config,
        metrics: &Metrics,
        names: Arc<dyn Resolve>,
    ) -> reqwest::Result<Self> {
        let shared =
            Shared { exchange: Exchange::new(config, names)?, tickets: Mutex::default(), metrics: metrics.clone() };
        Ok(Self { runtime, shared: Arc::new(shared) })
    }
}

impl Hands<Fetch> for Poller {
    fn perform(&self, ask: Ask, answer: Answer<Fetch>) {
        match ask {
            Ask::Stop { feed, .. } => self.shared.no_ticket(&feed),
            Ask::Poll(poll) => {
                let shared = self.shared.clone();
                let ticket = shared.ticket(&poll.feed);
                self.runtime.spawn(async move {
                    until(poll.due).await;
                    if shared.is_newest(&poll.feed, ticket)
                        && let Some(polled) = shared.poll(*poll, ticket).await
                    {
                        answer(polled);
                    }
                });
            }
        }
    }
}

impl Shared {
    /// `None` where a newer ask took this one's place before it began.
    async fn poll(&self, poll: Poll, ticket: u64) -> Option<Polled> {
        let turn = self.exchange.turn(&poll.url).await;
        if !self.is_newest(&poll.feed, ticket) {
            return None;
        }
        let started = Instant::now();
        let url = poll.url.clone();
        let polled = self.exchange.perform(poll, turn).await;
        let took = started.elapsed();
        self.metrics.polled(&polled, took);
        tracing::debug!(feed = %polled.feed, url, outcome = label(&polled.outcome), bytes = polled.bytes, ?took, "polled");
        Some(polled)
    }

    fn ticket(&self, feed: &FeedId) -> u64 {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = tickets.entry(feed.clone()).or_default();
        *ticket += 1;
        *ticket
    }

    fn no_ticket(&self, feed: &FeedId) {
        // counted on, never removed: a number that comes back would wake a poll that was stopped
        self.ticket(feed);
    }

    fn is_newest(&self, feed: &FeedId, ticket: u64) -> bool {
        let tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.get(feed) == Some(&ticket)
    }
}

/// The bounded label of an outcome in metrics and logs.
pub(crate) fn label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Document { .. } => "ok",
        Outcome::Unchanged => "unchanged",
        Outcome::NotAFeed(_) => "not_a_feed",
        Outcome::Http(300..400) => "http_3xx",
        Outcome::Http(400..500) => "http_4xx",
        Outcome::Http(_) => "http_5xx",
        Outcome::TooLarge(_) => "too_large",
        Outcome::TimedOut(_) => "timeout",
        Outcome::Refused(_) => "refused",
        Outcome::Network(_) => "network",
    }
}

/// Waits by the wall clock: timers stand still while a laptop sleeps, so none is longer than a minute.
async fn until(due: Timestamp) {
    loop {
        let left = due.since(now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(60))).await;
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests;
