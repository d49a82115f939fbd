//! Every topic, once: the only place that names them. Topic creation, `tidings topics`, schemas and the
//! tables of the documentation are made from this list.
//!
//! `message.timestamp.type` is `LogAppendTime` throughout: the time of the event is in the payload, so old or
//! future items are neither deleted early nor refused.

/// A Kafka topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// Without the configured prefix.
    pub name: &'static str,
    /// What its keys are.
    pub key: &'static str,
    /// How many partitions.
    pub partitions: Partitions,
    /// What is kept.
    pub cleanup: Cleanup,
    /// The largest value in bytes; a larger one is refused before it is sent.
    pub limit: usize,
    /// What it is, in one line.
    pub about: &'static str,
}

/// How many partitions a topic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// One: total order, or one active instance.
    One,
    /// As configured (`kafka.partitions`): 12 in production, 2 embedded. Never changed in place.
    Many,
}

/// What a topic keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// The newest record of each key.
    Compact,
    /// So many days.
    Delete(u32),
    /// The newest record of each key, for so many days.
    CompactDelete(u32),
}

const KIB: usize = 1024;

const fn topic(
    name: &'static str,
    key: &'static str,
    partitions: Partitions,
    cleanup: Cleanup,
    limit: usize,
    about: &'static str,
) -> Topic {
    Topic { name, key, partitions, cleanup, limit, about }
}

use Cleanup::{Compact, CompactDelete, Delete};
use Partitions::{Many, One};

/// Feeds to poll; partition by the feed's registrable domain, so that one owner paces a host.
pub static FEEDS: Topic = topic("feeds.v1", "feed id", Many, Compact, 64 * KIB, "feeds to poll");
/// How each feed is.
pub static FEEDS_STATUS: Topic =
    topic("feeds.status.v1", "feed id", Many, Compact, 2 * KIB, "how each feed is, told when it changes");
/// Fetch's memory.
pub static FETCH_STATE: Topic =
    topic("fetch.state.v1", "feed id", Many, Compact, 900 * KIB, "private: validators, seen entries");
/// What is no feed.
pub static INBOX: Topic =
    topic("news.inbox.v1", "origin id", Many, Delete(7), 512 * KIB, "snippets, API results, files to take in");
/// Every item, in one order.
pub static RAW: Topic = topic("news.raw.v1", "item id", One, Delete(7), 512 * KIB, "every item in one order");
/// Dedup's memory.
pub static DEDUP_STATE: Topic =
    topic("dedup.state.v1", "item id", One, CompactDelete(30), 900 * KIB, "private: tokens and clusters");
/// Items that are news.
pub static UNIQUE: Topic =
    topic("news.unique.v1", "cluster id", Many, Delete(7), 600 * KIB, "items that are news, and updates of them");
/// Copies.
pub static DUPLICATES: Topic =
    topic("news.duplicates.v1", "cluster id", Many, Delete(7), 600 * KIB, "copies, each with what it is a copy of");
/// Unique items with entities.
pub static ENRICHED: Topic =
    topic("news.enriched.v1", "cluster id", Many, Delete(7), 900 * KIB, "unique items with their entities");
/// The sink's memory.
pub static SINK_STATE: Topic =
    topic("sink.state.v1", "subject", One, Compact, 900 * KIB, "private: counts, pending deliveries");
/// Alerts.
pub static ALERTS: Topic = topic("news.alerts.v1", "subject", Many, Delete(30), 64 * KIB, "what the rules saw");
/// Dead letters.
pub static DLQ: Topic = topic(
    "news.dlq.v1",
    "original key",
    One,
    Delete(14),
    950 * KIB,
    "what could not be processed, whole, with the reason",
);

/// The registry.
pub static ALL: [&Topic; 12] = [
    &FEEDS,
    &FEEDS_STATUS,
    &FETCH_STATE,
    &INBOX,
    &RAW,
    &DEDUP_STATE,
    &UNIQUE,
    &DUPLICATES,
    &ENRICHED,
    &SINK_STATE,
    &ALERTS,
    &DLQ,
];

impl Topic {
    /// Its Kafka configuration.
    pub fn config(&self) -> Vec<(&'static str, String)> {
        const DAY_MS: u64 = 86_400_000;
        let mut config = vec![
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("max.message.bytes", (1024 * KIB + 12).to_string()),
        ];
        let days = |days: u32| ("retention.ms", (u64::from(days) * DAY_MS).to_string());
        match self.cleanup {
            Cleanup::Compact => config.push(("cleanup.policy", "compact".to_owned())),
            Cleanup::Delete(kept) => config.extend([("cleanup.policy", "delete".to_owned()), days(kept)]),
            Cleanup::CompactDelete(kept) => {
                config.extend([("cleanup.policy", "compact,delete".to_owned()), days(kept)]);
            }
        }
        if !matches!(self.cleanup, Cleanup::Delete(_)) {
            // a slow reader must still meet the tombstones (KIP-71 default is one day)
            config.push(("delete.retention.ms", (7 * DAY_MS).to_string()));
        }
        config
    }
}

/// The topic of that name.
pub fn find(name: &str) -> Option<&'static Topic> {
    ALL.into_iter().find(|topic| topic.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_versioned() {
        for topic in ALL {
            assert_eq!(ALL.iter().filter(|other| other.name == topic.name).count(), 1, "{}", topic.name);
            assert!(topic.name.rsplit('.').next().is_some_and(|v| v.starts_with('v')), "{}", topic.name);
            assert!(topic.limit < 1024 * KIB, "{}: room for key and headers", topic.name);
        }
    }
}
