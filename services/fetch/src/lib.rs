//! Fetch: polls feeds and tells what is new in them.
//!
//! [`Fetch`] is the stage: pure, it decides when a feed is polled and what an answer means: new entries, edits,
//! withdrawals, the feed's health. [`Poller`] is its hands: it waits until a poll is due, goes out over HTTP within
//! the limits of size, time and address, and brings back what it found as values; a feed that is down is no error.
//!
//! Promises:
//! - An entry is told once per revision, as long as its feed's memory is kept ([`FeedMemory`]); items, status and
//!   memory are one step, so one transaction.
//! - No request goes to an address outside the public internet unless `fetch.allow` names it, on any hop.
//! - A host is asked at the pace that the configuration, and the host itself (`Retry-After`, cache hints), set.

mod config;
mod entry_key;
mod item;
mod memory;
mod metrics;
pub mod opml;
mod poll;
mod poller;
mod revision;
mod schedule;
mod stage;
mod status;

pub use config::Config;
pub use entry_key::EntryKey;
pub use memory::{FeedMemory, Health, Moving, Remembered, Seen, Told};
pub use metrics::Metrics;
pub use poll::{Ask, BodyHash, Outcome, Poll, Polled, Validators};
pub use poller::Poller;
pub use stage::{Feeds, Fetch, Out};
