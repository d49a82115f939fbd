//! Dedup: every item once, with its copies accounted for. Reads `news.raw.v1`, publishes `news.unique.v1` and
//! `news.duplicates.v1`.
//!
//! The way of an item: `text` reads its words without what publishers add → `sketch` makes the keys under
//! which near-duplicates find each other → `memory` gives the candidates of the window → `compare` looks at
//! all the words, `weights` judge what it saw, `recurring` and `figures` look closer at what matches → `stage` says
//! whether it is news, an update or a copy, and of what.
//!
//! Promises:
//! - A verdict is a function of the items before it, in their order: a replay gives the same ones.
//! - A revision never changes cluster while it is remembered.
//! - What is remembered is bounded by time, 72 hours of words and 30 days of clusters, and by number. A false date
//!   does not move that time, nor do late items, however many.
//! - Restored from its changelog, compacted or not, it decides as if it had never stopped.

mod compare;
mod config;
mod entry;
mod explain;
mod figures;
mod frequency;
mod index;
mod kept;
mod memory;
mod metrics;
mod postings;
mod probe;
mod recurring;
mod shingles;
mod sketch;
mod sources;
mod stage;
mod text;
mod weights;

pub use config::Config;
pub use entry::{Basis, Change, Entry, Fingerprint, Role, Words};
pub use explain::{Compared, Explanation};
pub use metrics::Metrics;
pub use stage::{Decision, Dedup, Fill, Outcome, RawItem};
