//! The door for everything that is no feed: search-engine snippets, results of APIs, files.
//!
//! - [`Intake`] is the stage: what lies on the inbox becomes items. It remembers nothing.
//! - [`jsonl`] and [`lead_extract`] read files line by line, for `tidings ingest`.
//! - [`router`] is `POST /v1/items`, off unless configured.
//!
//! All three ask the same question of a record, [`item`]: what is refused is refused at the door with the line, the
//! field and the mend, and only what came onto the inbox past the doors ends as a dead letter.
//!
//! Promise: nothing is invented. An address, a date or a publisher that was not given is absent; the same snippet
//! twice, from whichever query, is one item.

mod config;
mod http;
mod item;
mod lines;
mod metrics;
mod stage;

pub use config::{Config, Http, Token};
pub use http::{Accept, Busy, TokenFile, router};
pub use item::item;
pub use lines::{LINE_LIMIT, LineError, jsonl, lead_extract};
pub use metrics::Metrics;
pub use stage::Intake;
