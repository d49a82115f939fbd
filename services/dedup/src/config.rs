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
}

const HOUR: Duration = Duration::from_secs(3600);

impl Default for Config {
    fn default() -> Self {
        Self { window: 72 * HOUR, memory: kept(&topic::DEDUP_STATE) }
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
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_names_its_key() {
        let keys = |window, memory| {
            let problems = Config { window: window * HOUR, memory: memory * HOUR }.problems();
            problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        assert_eq!(Config::default().problems(), []);
        assert_eq!(keys(0, 720), ["window"]);
        assert_eq!(keys(72, 71), ["window"]);
        assert_eq!(keys(800, 721), ["window", "memory"]);
    }

    #[test]
    fn durations_are_human() {
        let config: Config = serde_json::from_str(r#"{"window":"36h"}"#).unwrap();
        assert_eq!(config, Config { window: 36 * HOUR, ..Config::default() });
        assert_eq!(serde_json::to_string(&config).unwrap(), r#"{"window":"36h","memory":"720h"}"#);
        assert!(serde_json::from_str::<Config>(r#"{"windows":"36h"}"#).is_err());
    }
}
