//! When a feed is polled next. Pure: what looks random is a hash of the feed and of where it stands.

use crate::{Config, FeedMemory};
use std::time::Duration;
use tidings_model::{FeedId, Timestamp, digest};

/// Polls after a start spread over a tenth of the interval, at most over so long.
const STAGGER_LIMIT: Duration = Duration::from_secs(5);
/// The longest `Retry-After` that is believed.
const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The configured intervals.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    interval: Duration,
    min: Duration,
    max: Duration,
}

impl Schedule {
    pub fn new(config: &Config) -> Self {
        Self { interval: config.interval, min: config.min_interval, max: config.max_interval }
    }

    /// After a start, or a change of the subscription: soon, but not all at once.
    pub fn soon(&self, feed: &FeedId, at: Timestamp) -> Timestamp {
        at.plus((self.interval / 10).min(STAGGER_LIMIT).mul_f64(fraction(feed, "start")))
    }

    /// After a restart: as it was remembered, or soon where that is over. What lies further ahead than any poll is put
    /// off was remembered by a clock that has been set back since, and is over, too.
    pub fn again(&self, feed: &FeedId, memory: &FeedMemory, at: Timestamp) -> Timestamp {
        let longest = self.max.max(self.interval(memory)).max(RETRY_AFTER_LIMIT).mul_f64(1.1);
        let is_ahead = memory.due > at && memory.due <= at.plus(longest);
        if is_ahead { memory.due } else { self.soon(feed, at) }
    }

    /// After a good answer. A host's hints (how long caches may keep the answer, the feed's ttl) lengthen the
    /// configured interval, never one that the subscription names. Up to a tenth is added, lest feeds that started
    /// together stay together.
    pub fn next(&self, feed: &FeedId, memory: &FeedMemory, at: Timestamp, fresh_for: Option<Duration>) -> Timestamp {
        let ttl = memory.ttl_s.map(|seconds| Duration::from_secs(seconds.into()));
        let interval = match memory.interval_s {
            Some(_) => self.interval(memory),
            None => [fresh_for, ttl].into_iter().flatten().fold(self.interval, Duration::max).min(self.max),
        };
        at.plus(interval.mul_f64(1.0 + fraction(feed, &at.millis().to_string()) / 10.0))
    }

    /// After `failures` failed polls in a row: the interval doubles each time up to the longest, less up to a
    /// quarter of it; never earlier than the host asks for.
    pub fn retry(&self, feed: &FeedId, memory: &FeedMemory, at: Timestamp, retry_after: Option<Duration>) -> Timestamp {
        let interval = self.interval(memory);
        let doubled = interval.saturating_mul(1 << memory.failures.min(20)).min(self.max.max(interval));
        let delay = doubled.mul_f64(1.0 - fraction(feed, &memory.failures.to_string()) / 4.0);
        at.plus(delay.max(retry_after.unwrap_or_default().min(RETRY_AFTER_LIMIT)))
    }

    fn interval(&self, memory: &FeedMemory) -> Duration {
        match memory.interval_s {
            Some(seconds) => Duration::from_secs(seconds.into()).max(self.min),
            None => self.interval,
        }
    }
}

/// In [0, 1), the same for the same feed and salt.
fn fraction(feed: &FeedId, salt: &str) -> f64 {
    let hash = digest([feed.as_str(), salt]);
    f64::from(u32::from_str_radix(&hash[..8], 16).expect("eight hex digits")) / 2f64.powi(32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::tests::memory;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn intervals_and_hints() {
        let schedule = Schedule::new(&Config::default());
        let (feed, at) = (FeedId::of(["a"]), Timestamp::from_millis(1_000_000));
        for (interval_s, fresh_for, ttl_s, least) in [
            (None, None, None, 10 * MINUTE),
            (None, Some(30 * MINUTE), Some(60), 30 * MINUTE),
            (None, None, Some(u32::MAX), 24 * 60 * MINUTE),
            (Some(120), Some(30 * MINUTE), Some(1_800), 2 * MINUTE),
            (Some(1), None, None, MINUTE),
        ] {
            let memory = FeedMemory { interval_s, ttl_s, ..memory() };
            let wait = schedule.next(&feed, &memory, at, fresh_for).since(at);
            assert!(wait >= least && wait <= least.mul_f64(1.1), "{interval_s:?} {fresh_for:?}: {wait:?}");
        }
    }

    #[test]
    fn failures_back_off_to_a_limit_and_retry_after_is_honoured() {
        let schedule = Schedule::new(&Config::default());
        let (feed, at) = (FeedId::of(["a"]), Timestamp::from_millis(1_000_000));
        for (failures, retry_after, most) in [
            (1, None, 20 * MINUTE),
            (3, None, 80 * MINUTE),
            (u32::MAX, None, 24 * 60 * MINUTE),
            (1, Some(MINUTE), 20 * MINUTE),
        ] {
            let memory = FeedMemory { failures, ..memory() };
            let wait = schedule.retry(&feed, &memory, at, retry_after).since(at);
            assert!(wait <= most && wait >= most.mul_f64(0.75), "{failures}: {wait:?}");
        }
        let memory = FeedMemory { failures: 1, ..memory() };
        for (asked, honoured) in [(60 * MINUTE, 60 * MINUTE), (9_000 * MINUTE, 24 * 60 * MINUTE)] {
            assert_eq!(schedule.retry(&feed, &memory, at, Some(asked)).since(at), honoured);
        }
    }

    #[test]
    fn a_restart_keeps_what_is_due_unless_the_clock_was_set_back() {
        let schedule = Schedule::new(&Config::default());
        let (feed, at) = (FeedId::of(["a"]), Timestamp::from_millis(1_000_000));
        let soon = schedule.soon(&feed, at);
        let (past, ahead) = (Timestamp::from_millis(999_999), at.plus(26 * 60 * MINUTE));
        for (due, expected) in [
            (past, soon),
            (at, soon),
            (at.plus(MINUTE), at.plus(MINUTE)),
            (ahead, ahead),
            (ahead.plus(60 * MINUTE), soon),
        ] {
            assert_eq!(schedule.again(&feed, &FeedMemory { due, ..memory() }, at), expected, "{due:?}");
        }
    }

    #[test]
    fn a_start_is_spread_over_a_few_seconds() {
        let schedule = Schedule::new(&Config::default());
        let at = Timestamp::from_millis(1_000_000);
        let waits: Vec<_> =
            (0..100).map(|n| schedule.soon(&FeedId::of([n.to_string().as_str()]), at).since(at)).collect();
        assert!(waits.iter().all(|wait| *wait < STAGGER_LIMIT));
        assert!(waits.iter().filter(|wait| **wait < STAGGER_LIMIT / 2).count().abs_diff(50) < 25);
    }
}
