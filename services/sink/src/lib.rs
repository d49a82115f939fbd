//! The sink: raises alerts on what the enriched stream shows, and takes them to whoever asked for them.
//!
//! - [`Sink`] is the stage: it reads enriched items and copies, judges each story by the configured [`rules`],
//!   publishes alerts and keeps track of their delivery. It is pure; all its decisions about alerts go by event
//!   time, so that a replay raises the alerts that the live stream raised.
//! - [`Notifier`] is its hands: one file per kind of receiver under `notify/`.
//! - [`Metrics`] watches it from outside.
//!
//! Promises: an alert is published exactly once with the records that it rests on; it is delivered at least once,
//! with the same `dedupe_key` each time; a delivery that is given up is logged and counted. A person without a
//! Wikidata id is never the subject of an alert, nor a metric's label.

mod clock;
mod config;
#[cfg(test)]
mod fixture;
mod metrics;
mod news;
mod notify;
pub mod rules;
mod stage;
mod state;

pub use clock::Clock;
pub use config::Config;
pub use metrics::Metrics;
pub use news::News;
pub use notify::{Notifier, WebhookConfig};
pub use stage::Sink;
pub use state::{Change, Delivered, Delivery, Outcome};
