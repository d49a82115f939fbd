//! What a stage answers, and the same made ready to be sent.

use crate::{Output, Reject, Stage, state};
use tidings_model::Record;

/// What a stage answers.
pub struct Step<S: Stage> {
    /// Records to publish.
    pub out: Vec<S::Out>,
    /// What to remember.
    pub changes: Vec<S::Change>,
    /// Work for the outside, started only once the step is committed.
    pub asks: Vec<S::Ask>,
}

impl<S: Stage> Default for Step<S> {
    fn default() -> Self {
        Self { out: Vec::new(), changes: Vec::new(), asks: Vec::new() }
    }
}

/// A step with its records encoded, each within its topic's size limit.
pub struct Prepared<S: Stage> {
    /// What was answered.
    pub step: Step<S>,
    /// `step.out` as records.
    pub out: Vec<Record>,
    /// `step.changes` as records of the changelog.
    pub changes: Vec<Record>,
}

impl<S: Stage> Prepared<S> {
    pub(crate) fn new(step: Step<S>) -> Result<Self, Reject> {
        let out = step.out.iter().map(Output::record).collect();
        let changes = match S::STATE {
            Some(topic) => step.changes.iter().map(|change| state::record(topic, change)).collect(),
            None => Vec::new(),
        };
        let prepared = Self { step, out, changes };
        prepared.out.iter().chain(&prepared.changes).try_for_each(fits)?;
        Ok(prepared)
    }
}

fn fits(record: &Record) -> Result<(), Reject> {
    match record.value.as_ref().map_or(0, Vec::len) {
        size if size > record.topic.limit => Err(Reject::new(
            "too_large",
            record.topic.name,
            format_args!("{size} bytes"),
            "cut the text: each topic's limit is in `tidings topics list`",
        )),
        _ => Ok(()),
    }
}
