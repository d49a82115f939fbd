//! Topic configuration: which keys are served, which are only kept, and what their values mean.
//!
//! Promise: a value that can't be right is refused when the topic is created or altered, by name, with the
//! mend; nothing is ignored silently. Meanings: <https://kafka.apache.org/documentation/#topicconfigs>.

use std::collections::BTreeMap;

/// Keys that change what this broker does, with their defaults.
pub const SERVED: [(&str, &str); 8] = [
    ("cleanup.policy", "delete"),
    ("delete.retention.ms", "86400000"),
    ("max.message.bytes", "1048588"),
    ("message.timestamp.type", "CreateTime"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "67108864"),
    ("segment.ms", "604800000"),
];

/// Keys that Apache Kafka knows and a single node has no use for: kept and described, without effect.
const KEPT: [&str; 17] = [
    "compression.type",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "max.compaction.lag.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "segment.index.bytes",
    "segment.jitter.ms",
    "unclean.leader.election.enable",
];

/// What a partition log does with its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// Keep only the newest record of each key.
    pub compact: bool,
    /// Delete by age and size.
    pub delete: bool,
    /// Milliseconds; `None`: for ever.
    pub retention_ms: Option<i64>,
    /// Bytes of one partition; `None`: unlimited.
    pub retention_bytes: Option<u64>,
    /// A segment is closed at this size, bytes.
    pub segment_bytes: u64,
    /// A segment is closed at this age, milliseconds.
    pub segment_ms: i64,
    /// How long a compacted log keeps tombstones and markers, milliseconds.
    pub delete_retention_ms: i64,
    /// The largest batch taken, bytes.
    pub max_message_bytes: usize,
    /// Records carry the time of their append, not the client's.
    pub append_time: bool,
}

impl TopicConfig {
    /// Reads `given` over the defaults. The error says which key is wrong and what would be right.
    pub fn read(given: &BTreeMap<String, String>) -> Result<TopicConfig, String> {
        for key in given.keys() {
            if !KEPT.contains(&key.as_str()) && !SERVED.iter().any(|(known, _)| known == key) {
                return Err(format!("{key}: no such topic configuration"));
            }
        }
        let text = |key: &str| {
            let default = SERVED.iter().find(|(known, _)| *known == key);
            let default = default.expect("only served keys are read").1;
            given.get(key).map_or(default, String::as_str)
        };
        let number = |key: &str, least: i64| match text(key).parse::<i64>() {
            Ok(value) if value >= least => Ok(value),
            _ => Err(format!("{key}: found {:?}, wanted a number from {least}", text(key))),
        };
        let (mut compact, mut delete) = (false, false);
        for policy in text("cleanup.policy").split(',').map(str::trim) {
            match policy {
                "compact" => compact = true,
                "delete" => delete = true,
                _ => {
                    return Err(format!("cleanup.policy: found {policy:?}, wanted compact, delete or both"));
                }
            }
        }
        let append_time = match text("message.timestamp.type") {
            "CreateTime" => false,
            "LogAppendTime" => true,
            other => {
                return Err(format!("message.timestamp.type: found {other:?}, wanted CreateTime or LogAppendTime"));
            }
        };
        Ok(TopicConfig {
            compact,
            delete,
            retention_ms: Some(number("retention.ms", -1)?).filter(|ms| *ms >= 0),
            retention_bytes: u64::try_from(number("retention.bytes", -1)?).ok(),
            segment_bytes: number("segment.bytes", 14)?.unsigned_abs(),
            segment_ms: number("segment.ms", 1)?,
            delete_retention_ms: number("delete.retention.ms", 0)?,
            max_message_bytes: usize::try_from(number("max.message.bytes", 0)?)
                .map_err(|_| "max.message.bytes: larger than memory".to_owned())?,
            append_time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<TopicConfig, String> {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        TopicConfig::read(&pairs.collect())
    }

    #[test]
    fn values_and_their_mends() {
        let config = read(&[
            ("cleanup.policy", "compact, delete"),
            ("retention.ms", "-1"),
            ("message.timestamp.type", "LogAppendTime"),
            ("min.insync.replicas", "2"),
        ])
        .unwrap();
        assert!(config.compact && config.delete && config.append_time);
        assert_eq!((config.retention_ms, config.retention_bytes), (None, None));
        for (key, value, mend) in [
            ("retention.ms", "7d", "retention.ms: found \"7d\", wanted a number from -1"),
            ("segment.bytes", "0", "segment.bytes: found \"0\", wanted a number from 14"),
            ("cleanup.policy", "", "cleanup.policy: found \"\", wanted compact, delete or both"),
            (
                "message.timestamp.type",
                "now",
                "message.timestamp.type: found \"now\", wanted CreateTime or LogAppendTime",
            ),
            ("retention", "1", "retention: no such topic configuration"),
        ] {
            assert_eq!(read(&[(key, value)]).unwrap_err(), mend);
        }
    }
}
