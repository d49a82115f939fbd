//! Alert rules: one file and one line in [`KINDS`] per kind.
//!
//! A rule is a small stage of its own: it decides about a story without changing, and remembers by applying the
//! notes that it decided. It decides by event time and by what it remembers, never by a clock, and what it
//! remembers is bounded.

mod burst;
mod matching;
mod phrase;
mod recent;

use serde::{Deserialize, de::DeserializeOwned};
use tidings_model::{AlertState, Enriched, Entity, EntityType, IdKind, ItemId, Severity, Timestamp, Verdict, Window};
use tidings_stage::Problem;

/// Every kind of rule.
pub static KINDS: [Kind; 2] = [matching::KIND, burst::KIND];

/// A kind of rule.
pub struct Kind {
    /// As in `kind = "…"`.
    pub name: &'static str,
    /// What it watches for, in one line.
    pub about: &'static str,
    /// A configuration that shows every key.
    pub example: &'static str,
    /// Builds a rule from its own keys, or tells everything that is wrong with them.
    build: fn(toml::Table) -> Built,
}

type Built = Result<Box<dyn Rule>, Vec<Problem>>;

/// A rule.
pub trait Rule: Send + Sync {
    /// What it makes of a story.
    fn decide(&self, story: &Story<'_>) -> Decision;
    /// Remembers a note, or forgets it; false for one that is none of its own: it is then erased.
    fn apply(&mut self, note: &Note) -> bool;
}

/// A live item that its publisher stands by.
pub struct Story<'a> {
    /// First sight; never before that of an earlier story.
    pub at: Timestamp,
    /// The item, its cluster and its entities.
    pub news: &'a Enriched,
}

impl Story<'_> {
    /// Whether it is a story of its own: updates and copies are not.
    pub fn is_new(&self) -> bool {
        self.news.cluster.verdict == Verdict::New
    }

    /// Who tells it: the domain, where it is known.
    pub fn publisher(&self) -> &str {
        let domain = self.news.item.publisher.as_ref().and_then(|publisher| publisher.domain.as_deref());
        domain.unwrap_or_else(|| self.news.item.publisher_label())
    }
}

/// What a rule makes of a story.
#[derive(Debug, Default)]
pub struct Decision {
    /// Alerts to raise or to resolve.
    pub findings: Vec<Finding>,
    /// What to remember.
    pub notes: Vec<Note>,
}

/// Something that a rule remembers, under a key of its own: the whole new value, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Any text.
    pub key: String,
    /// Postcard of an `enum { V1(…) }`; absent to forget.
    pub value: Option<Vec<u8>>,
}

/// What a rule found: an alert, but for what all alerts of the rule have in common.
#[derive(Debug)]
pub struct Finding {
    /// The same for the same occurrence, and for nothing else that the rule finds.
    pub occasion: String,
    /// Firing or resolved.
    pub state: AlertState,
    /// As [`tidings_model::Alert::subject`]; the rule's own name where absent.
    pub subject: Option<String>,
    /// As [`tidings_model::Alert::subject_id`].
    pub subject_id: Option<String>,
    /// As [`tidings_model::Alert::summary`].
    pub summary: String,
    /// As [`tidings_model::Alert::window`].
    pub window: Window,
    /// As [`tidings_model::Alert::observed`].
    pub observed: f64,
    /// As [`tidings_model::Alert::expected`].
    pub expected: Option<f64>,
    /// As [`tidings_model::Alert::score`].
    pub score: Option<f64>,
    /// As [`tidings_model::Alert::evidence`].
    pub evidence: Vec<ItemId>,
}

/// A rule of the configuration.
pub(crate) struct Ruled {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) severity: Severity,
    pub(crate) rule: Box<dyn Rule>,
}

impl Ruled {
    /// Names its part of the state: a rule that changes its kind starts anew.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// Whether alerts may be about it and metrics may count it by name: a private person must not be. Whom Wikidata
/// knows is a public figure; an unknown name counts only where it was recognised as a place or an organisation.
pub(crate) fn is_public(entity: &Entity) -> bool {
    entity.id_kind == IdKind::Wikidata || matches!(entity.kind, EntityType::Place | EntityType::Organisation)
}

/// Names of rules and receivers: they become metric labels and parts of keys.
pub(crate) fn name_problem(name: &str) -> Option<Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let good = (1..=64).contains(&name.len()) && name.chars().all(fits);
    (!good).then(|| Problem::new("name", format_args!("{name:?}"), "1 to 64 letters, digits, `-` or `_`"))
}

/// The keys that rules of all kinds have.
#[derive(Deserialize)]
#[serde(default)]
struct Common {
    name: String,
    kind: String,
    severity: Severity,
}

impl Default for Common {
    fn default() -> Self {
        Self { name: String::new(), kind: String::new(), severity: Severity::Warning }
    }
}

/// Builds the rule of one `[[rules]]` table; the keys of problems are relative to it.
pub(crate) fn build(table: &toml::Table) -> Result<Ruled, Vec<Problem>> {
    let shared = |(key, _): &(String, toml::Value)| ["name", "kind", "severity"].contains(&key.as_str());
    let (common, own): (toml::Table, toml::Table) = table.clone().into_iter().partition(shared);
    let Common { name, kind, severity } = keys(common)?;
    let mut problems = Vec::from_iter(name_problem(&name));
    if severity == Severity::Unknown {
        problems.push(Problem::new("severity", &table["severity"], "one of info, warning, critical"));
    }
    let Some(kind) = KINDS.iter().find(|known| known.name == kind) else {
        let known = KINDS.each_ref().map(|kind| kind.name).join(", ");
        problems.push(Problem::new("kind", format_args!("{kind:?}"), format!("one of {known}")));
        return Err(problems);
    };
    match (kind.build)(own) {
        Ok(rule) if problems.is_empty() => Ok(Ruled { name, kind: kind.name, severity, rule }),
        built => Err(problems.into_iter().chain(built.err().into_iter().flatten()).collect()),
    }
}

/// Reads keys that are all optional, and tells of every one that can't be read.
fn keys<T: DeserializeOwned>(table: toml::Table) -> Result<T, Vec<Problem>> {
    let alone = |(key, value): (&String, &toml::Value)| {
        let table = toml::Table::from_iter([(key.clone(), value.clone())]);
        let error = table.try_into::<T>().err()?;
        Some(Problem::new(key, value, error.message().trim()))
    };
    let problems: Vec<_> = table.iter().filter_map(alone).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(table.try_into().expect("each key was read by itself"))
}
