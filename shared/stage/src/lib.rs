//! The shape of every stage: it decides, somebody else acts.
//!
//! A stage is a pure state machine. It is told what happened ([`Event`]) and answers what to publish, what to
//! remember and what to ask of the outside ([`Step`]). It never does any of it: the Kafka runner commits a step
//! in one transaction, the command-line [`filter`] prints it, a test looks at it.
//!
//! Promises, held by the types:
//! - [`Stage::decide`] takes `&self`: a rejected event leaves no trace.
//! - State changes only through [`Stage::apply`]: live state and restored state are the same fold.
//! - Time is an argument: the same events give the same steps, today and in a replay.
//!
//! [`laws::hold`] checks the promises of a stage in one line of its tests.

pub mod filter;
pub mod laws;
mod problem;
mod reject;
pub mod state;
mod step;
mod wire;

pub use problem::Problem;
pub use reject::Reject;
pub use state::{Change, Never};
pub use step::{Prepared, Step};
pub use wire::{Input, Output, bare, json};

use std::time::Duration;
use tidings_model::{Timestamp, Topic};

/// What a stage is told.
pub enum Event<S: Stage> {
    /// A record of an input topic.
    Record(S::In),
    /// The answer to an earlier ask.
    Reply(S::Reply),
    /// The state is complete again after a start: time to repeat what was asked and not answered.
    Restored,
    /// [`Stage::TICK`] has passed.
    Tick,
}

/// Which part of the stream an instance of a stage works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// One partition of the first input topic; instances share the partitions out among them.
    Partition,
    /// All partitions of all input topics; one instance is active, the others stand by.
    Whole,
}

/// A pure state machine between topics. It owns its state, and the runner moves it between threads.
pub trait Stage: Send + Sized + 'static {
    /// Names the consumer group, the transactional ids and the metrics.
    const NAME: &'static str;
    /// What an instance works on.
    const SHARE: Share;
    /// Its changelog; a stage that remembers nothing has none, and [`Never`] as its `Change`.
    const STATE: Option<&'static Topic>;
    /// How often it wants to be told that time has passed.
    const TICK: Option<Duration> = None;
    /// The records that it reads.
    type In: Input;
    /// The records that it publishes.
    type Out: Output;
    /// What it remembers: a key and the key's whole new value.
    type Change: Change;
    /// What it asks of the outside; [`Never`] for most.
    type Ask: Send + 'static;
    /// What the outside answers.
    type Reply: Send + 'static;

    /// Answers an event, or refuses it: a refused record goes to the dead letters, whole.
    ///
    /// `at` is the record's own first sight where it has one ([`Input::seen`]), so that a replay decides as the
    /// live stream did; else the runner's clock.
    fn decide(&self, at: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject>;

    /// Remembers. Infallible, and independent of everything but `self` and `change`.
    fn apply(&mut self, change: &Self::Change);

    /// Decides, prepares the records within their size limits, and remembers. The runner and the filter both
    /// call this, and nothing else does.
    fn step(&mut self, at: Timestamp, event: &Event<Self>) -> Result<Prepared<Self>, Reject> {
        let prepared = Prepared::new(self.decide(at, event)?)?;
        prepared.step.changes.iter().for_each(|change| self.apply(change));
        Ok(prepared)
    }
}

/// The outside of a stage: performs what it asks, once the asking step is committed.
pub trait Hands<S: Stage>: Send + Sync {
    /// Performs an ask and answers at most once, now or later, from any thread. An ask that is never answered
    /// (the process ends) is repeated by the stage when it is told [`Event::Restored`].
    fn perform(&self, ask: S::Ask, answer: Answer<S>);
}

/// Takes the reply to one ask back to the stage that asked.
pub type Answer<S> = Box<dyn FnOnce(<S as Stage>::Reply) + Send>;

/// No hands, for stages that ask nothing.
impl<S: Stage<Ask = Never>> Hands<S> for () {
    fn perform(&self, ask: Never, _: Answer<S>) {
        match ask {}
    }
}

/// Watches a stage from outside: metrics are such a fold.
pub trait Watch<S: Stage>: Send + Sync {
    /// A step was committed.
    fn committed(&self, at: Timestamp, event: &Event<S>, step: &Step<S>);

    /// A stage is somebody else's from now on, as it last was: what is told of its state is no longer so.
    fn released(&self, _stage: &S) {}
}

/// Nobody watches.
impl<S: Stage> Watch<S> for () {
    fn committed(&self, _: Timestamp, _: &Event<S>, _: &Step<S>) {}
}
