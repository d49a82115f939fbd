//! Runs stages on Kafka, exactly once. The only user of rdkafka.
//!
//! - [`run`] joins the stage's consumer group (who owns which partition), and runs one task per owned partition:
//!   fence the predecessor, restore the state, consume, step, commit.
//! - A batch's outputs, changes, dead letters and input positions are one transaction. A commit that failed is
//!   aborted and the same records are sent again; nothing is stepped twice.
//! - What the stage asks of the outside starts only once the asking step is committed.
//! - [`Producer`] and [`Reader`] are for the edges: ingest, `tail`, `why`.
//!
//! The promise is Kafka to Kafka, exactly once for `read_committed` readers (KIP-98, KIP-447); the argument and
//! the runs that back it are in `docs/adr/`.

pub mod admin;
mod batch;
mod config;
mod kafka;
mod listener;
mod metrics;
mod ownership;
mod partition;
mod poison;
mod polled;
mod position;
mod produce;
mod restore;
mod stop;
mod tail;
mod task;
mod transaction;

pub use config::{Config, Sasl, Tls};
pub use kafka::{Error, Kafka, clock};
pub use metrics::Metrics;
pub use ownership::{Assembly, run};
pub use produce::{Busy, Producer};
pub use stop::Stop;
pub use tail::{From, Reader, Received};
