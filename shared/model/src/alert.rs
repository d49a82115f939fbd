//! An alert: what a rule saw in the stream.

use crate::{ItemId, Timestamp, item::open_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `news.alerts.v1`: a rule fired, or what it saw is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// The same each time the same alert is told, so that whoever is told twice can see it.
    pub dedupe_key: String,
    /// The rule's name in the rules file.
    pub rule: String,
    /// The rule's kind: `match`, `burst`.
    pub kind: String,
    /// How urgent.
    pub severity: Severity,
    /// Firing or resolved.
    pub state: AlertState,
    /// What it is about: an entity's name, or the rule's own name.
    pub subject: String,
    /// The subject's entity id, where it is an entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// For a reader, in one line: `Arden: 9 stories in 30 min, 1.2 expected`.
    pub summary: String,
    /// The time that it looks at.
    pub window: Window,
    /// What was counted.
    pub observed: f64,
    /// What was to be expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// How unusual that is: −log₁₀ of the tail probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The items that it rests on, newest first, at most 20.
    pub evidence: Vec<ItemId>,
}

/// A span of time, by first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Inclusive.
    pub start: Timestamp,
    /// Inclusive.
    pub end: Timestamp,
}

open_enum!(
    /// How urgent an alert is.
    Severity {
        /// Good to know.
        #[default]
        Info,
        /// Look at it today.
        Warning,
        /// Look at it now.
        Critical,
    }
);

open_enum!(
    /// Whether an alert stands.
    AlertState {
        /// It does.
        #[default]
        Firing,
        /// It is over.
        Resolved,
    }
);
