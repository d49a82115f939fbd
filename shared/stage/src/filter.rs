//! A stage as a Unix filter: JSON lines in, JSON lines out, the same `step` as on Kafka.
//!
//! A line is `{"topic","key","value"}`, of which the stage takes the topics that it reads, or a bare value of its
//! first input topic, or where that carries an item, the item alone. Each record that the stage publishes is written as `{"topic","key","value"}`. Asks are not
//! performed. A record without a time of its own is taken at the time of the record before it: input order.

use crate::{Event, Input, Reject, Stage, Step};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    io::{self, BufRead, Write},
};
use tidings_model::{Record, Timestamp, topic};

/// What a filter did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines read, empty ones aside.
    pub read: usize,
    /// Lines of topics that the stage does not read.
    pub passed_over: usize,
    /// Records written.
    pub written: usize,
    /// Lines refused, each reported to `refused`.
    pub refused: usize,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Runs `stage` over `lines`; `refused` is told the number (from 1) of a line that the stage can't process, and why.
pub fn run<S: Stage>(
    mut stage: S,
    mut lines: impl BufRead,
    mut out: impl Write,
    mut refused: impl FnMut(usize, &Reject),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut clock = Timestamp::ABSENT;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let bytes = line.trim_ascii();
        if bytes.is_empty() {
            continue;
        }
        tally.read += 1;
        let input = match parse::<S::In>(bytes) {
            Ok(None) => {
                tally.passed_over += 1;
                continue;
            }
            Ok(Some(input)) => Ok(input),
            Err(reject) => Err(reject),
        };
        let prepared = input.and_then(|input| {
            clock = input.seen().unwrap_or(clock);
            stage.step(clock, &Event::Record(input))
        });
        match prepared {
            Ok(prepared) => {
                prepared.out.iter().try_for_each(|record| write(&mut out, record))?;
                tally.written += prepared.out.len();
            }
            Err(reject) => {
                tally.refused += 1;
                refused(number, &reject);
            }
        }
    }
    out.flush()?;
    Ok(tally)
}

/// Writes a record as one line `{"topic","key","value"}`; a tombstone's value is null.
pub fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let value = record.value.as_deref().unwrap_or(b"null");
    let value: &RawValue = serde_json::from_slice(value)?;
    let key = String::from_utf8_lossy(&record.key);
    serde_json::to_writer(&mut *out, &Envelope { topic: record.topic.name.into(), key, value })?;
    out.write_all(b"\n")
}

/// `None` for a record of a topic that the stage does not read.
fn parse<I: Input>(line: &[u8]) -> Result<Option<I>, Reject> {
    let topics = I::topics();
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else {
        return I::bare(line).map(Some);
    };
    let Some(topic) = topics.into_iter().find(|topic| topic.name == envelope.topic) else {
        return match topic::find(&envelope.topic) {
            Some(_) => Ok(None),
            None => Err(Reject::new("topic", "topic", &envelope.topic, "a topic that `tidings topics list` prints")),
        };
    };
    let value = (envelope.value.get() != "null").then(|| envelope.value.get().as_bytes());
    I::decode(topic, envelope.key.as_bytes(), value).map(Some)
}

/// The records that a stage publishes over these events, for tests and golden files.
pub fn steps<S: Stage>(stage: &mut S, events: Vec<(Timestamp, Event<S>)>) -> Vec<Result<Step<S>, Reject>> {
    events.into_iter().map(|(at, event)| stage.step(at, &event).map(|prepared| prepared.step)).collect()
}

#[cfg(test)]
mod tests;
