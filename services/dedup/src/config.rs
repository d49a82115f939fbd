//! What an operator may choose about dedup: how far back it looks, and how long it remembers.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_model::{
    topic,
    topic::{Cleanup, Topic},
};
use tidings_stage::Problem;

/// The `[dedup]` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Two items are compared if they were first seen within this of each other. Longer windows merge the
    /// recurring reports of a template: of 31 labelled pairs of such reports, 24 lie more than 72 h apart.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub window: Duration,
    /// How long an item's cluster is remembered after its first sight: a revision within it stays in its cluster.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub memory: Duration,
    /// At most so many items are in the window, at some 600 bytes each; the oldest leave it early when it is full.
    pub window_items: usize,
    /// At most so many items are remembered, at some 150 bytes each beyond the window; the oldest are forgotten early.
    pub memory_items: usize,
}

/// Indexes number items in 31 bits.
const MOST: usize = 1 << 30;
const HOUR: Duration = Duration::from_secs(3600);

impl Default for Config {
    fn default() -> Self {
        let memory = kept(&topic::DEDUP_STATE);
        Self { window: 72 * HOUR, memory, window_items: 2_000_000, memory_items: 10_000_000 }
    }
}

/// How long the changelog keeps a record: nothing older can be restored.
fn kept(topic: &Topic) -> Duration {
    match topic.cleanup {
        Cleanup::Delete(days) | Cleanup::CompactDelete(days) => 24 * HOUR * days,
        Cleanup::Compact => Duration::MAX,
    }
}

impl Config {
    /// All that is wrong; keys are relative to the section.
    pub fn problems(&self) -> Vec<Problem> {
        let kept = kept(&topic::DEDUP_STATE);
        let mut problems = Vec::new();
        if self.window.is_zero() || self.window > self.memory {
            let mend = "a duration above 0 and at most `memory`, such as 72h";
            problems.push(Problem::new("window", format_args!("{:?}", self.window), mend));
        }
        if self.memory > kept {
            let mend = format!("at most {}h: the changelog keeps no more", kept.as_secs() / 3600);
            problems.push(Problem::new("memory", format_args!("{:?}", self.memory), mend));
        }
        if self.window_items == 0 || self.window_items > MOST {
            let mend = format!("1 to {MOST}, such as 2000000");
            problems.push(Problem::new("window_items", self.window_items, mend));
        }
        if self.memory_items < self.window_items || self.memory_items > MOST {
            let mend = format!("at least `window_items` and at most {MOST}");
            problems.push(Problem::new("memory_items", self.memory_items, mend));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_names_its_key() {
        let keys = |window, memory| {
            let problems = Config { window: window * HOUR, memory: memory * HOUR, ..Config::default() }.problems();
            problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        assert_eq!(Config::default().problems(), []);
        assert_eq!(keys(0, 720), ["window"]);
        assert_eq!(keys(72, 71), ["window"]);
        assert_eq!(keys(800, 721), ["window", "memory"]);
        let full = Config { window_items: 0, memory_items: MOST + 1, ..Config::default() };
        assert_eq!(
            full.problems().into_iter().map(|problem| problem.key).collect::<Vec<_>>(),
            ["window_items", "memory_items"]
        );
    }

    #[test]
    fn durations_are_human() {
        let config: Config = serde_json::from_str(r#"{"window":"36h"}"#).unwrap();
        assert_eq!(config, Config { window: 36 * HOUR, ..Config::default() });
        assert_eq!(
            serde_json::to_string(&config).unwrap(),
            r#"{"window":"36h","memory":"720h","window_items":2000000,"memory_items":10000000}"#
        );
        assert!(serde_json::from_str::<Config>(r#"{"windows":"36h"}"#).is_err());
    }
}
