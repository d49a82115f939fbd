//! Event time: how far the stream has come, by the first sight of its newest stories.
//!
//! It follows the newest story, and never goes back for a late one. A record may lie, though, and a machine's clock
//! may have been wrong: a story more than [`AHEAD`] of the median of the newest 15 does not move it, and where that
//! median lies more than [`BEHIND`] it, it goes back to where most of them agree.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_model::Timestamp;

const WITNESSES: usize = 15;
/// Longer than a stream is silent.
const AHEAD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Longer than stories are late.
const BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// Event time, and the stories that bear witness to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    now: Timestamp,
    /// First sights of the newest stories, oldest arrival first.
    witnesses: Vec<Timestamp>,
}

impl Clock {
    /// How far the stream has come.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// After one more story.
    #[must_use]
    pub fn after(&self, seen: Timestamp) -> Self {
        let kept = self.witnesses.len().saturating_sub(WITNESSES - 1);
        let mut witnesses = self.witnesses[kept..].to_vec();
        witnesses.push(seen);
        let mut sorted = witnesses.clone();
        sorted.sort_unstable();
        let median = sorted[(sorted.len() - 1) / 2];
        let plausible = if seen > median.plus(AHEAD) { median } else { seen };
        let now = if self.now > median.plus(BEHIND) { plausible } else { plausible.max(self.now) };
        Self { now, witnesses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const YEARS: i64 = 2 * 365 * 24;

    /// Event time in hours after each story, seen at so many hours.
    fn run(seen: &[i64]) -> Vec<i64> {
        let mut clock = Clock::default();
        let mut step = |hour: &i64| {
            clock = clock.after(Timestamp::from_millis(hour * HOUR));
            clock.now().millis() / HOUR
        };
        seen.iter().map(&mut step).collect()
    }

    #[test]
    fn it_follows_the_newest_and_never_goes_back_for_a_late_one() {
        assert_eq!(run(&[1000, 1001, 999, 1002]), [1000, 1001, 1001, 1002]);
        assert_eq!(run(&[1000, 1010, 1020])[2], 1020, "a slow stream is followed at once");
    }

    #[test]
    fn a_false_date_does_not_move_it() {
        assert_eq!(run(&[1000, 1001, 1001 + YEARS, 1002]), [1000, 1001, 1001, 1002]);
        assert_eq!(run(&[1000, 1001, 1500, 1002, 1003]), [1000, 1001, 1500, 1002, 1003], "a smaller one is left again");
        assert_eq!(run(&[YEARS, 1000, 1001]).last(), Some(&1001), "even where it came first");
        assert_eq!(run(&[YEARS, YEARS, 1, YEARS + 1]).last(), Some(&(YEARS + 1)), "nor does one of the past");
    }

    #[test]
    fn where_most_agree_it_goes_there_and_back() {
        let there: Vec<i64> = (0..20).map(|n| 1000 + n).chain((0..20).map(|n| YEARS + n)).collect();
        assert_eq!(run(&there).last(), Some(&(YEARS + 19)));
        let back: Vec<i64> = there.iter().copied().chain((0..20).map(|n| 1020 + n)).collect();
        assert_eq!(run(&back).last(), Some(&1039));
    }
}
