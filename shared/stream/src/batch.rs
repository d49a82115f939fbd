//! A batch of events, stepped: what a transaction sends, and what follows once it is committed.

use crate::{Kafka, transaction::Outgoing};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tidings_model::{DeadLetter, Record, Timestamp, Topic};
use tidings_stage::{Event, Input, Prepared, Reject, Stage, Step, state::newest};

/// The code of what the brokers refuse.
const REFUSED: &str = "refused_by_broker";

/// Where a record lies: topic (as named on the cluster), partition, offset.
pub(crate) type Place = (String, i32, i64);

/// Stepped events and their records.
pub(crate) struct Batch<S: Stage> {
    /// What was stepped, in order; a rejected record is not among them.
    pub done: Vec<Done<S>>,
    /// What the transaction sends.
    pub records: Vec<Outgoing>,
    /// Where each event lies; none for replies and ticks. `Outgoing::event` points here.
    pub places: Vec<Option<Place>>,
    /// How often each code rejected.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Bytes taken in, for the memory budget.
    pub bytes: usize,
}

/// An event and what the stage answered.
pub(crate) struct Done<S: Stage> {
    pub at: Timestamp,
    pub event: Event<S>,
    pub step: Step<S>,
}

impl<S: Stage> Batch<S> {
    pub(crate) fn new() -> Self {
        Self { done: Vec::new(), records: Vec::new(), places: Vec::new(), rejects: BTreeMap::new(), bytes: 0 }
    }

    /// Keeps the newest change of each key, as Kafka's compaction would later: the laws of stages say that a changelog
    /// means the same then.
    pub(crate) fn compact(&mut self, changelog: &str) {
        let keys = self.records.iter().map(|record| (record.topic == changelog).then_some(&record.key[..]));
        let mut kept = newest(keys).into_iter();
        self.records.retain(|_| kept.next().unwrap_or(true));
    }

    /// Events in it.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Steps a record; a refused one becomes a dead letter.
    pub(crate) fn record(
        &mut self,
        kafka: &Kafka,
        stage: &mut S,
        topic: &'static Topic,
        message: &BorrowedMessage<'_>,
        now: Timestamp,
        poisoned: bool,
    ) {
        let place = (message.topic().to_owned(), message.partition(), message.offset());
        self.places.push(Some(place));
        self.bytes += message.payload().map_or(0, <[u8]>::len);
        let key = message.key().unwrap_or_default();
        let stepped = if poisoned {
            Err(Reject::new(REFUSED, topic.name, "a record that the brokers refuse", "see their log"))
        } else {
            S::In::decode(topic, key, message.payload()).and_then(|input| {
                let at = input.seen().unwrap_or(now);
                let event = Event::Record(input);
                stage.step(at, &event).map(|prepared| (at, event, prepared))
            })
        };
        match stepped {
            Ok((at, event, prepared)) => self.take(kafka, at, event, prepared),
            Err(reject) => {
                let letter = DeadLetter {
                    stage: S::NAME,
                    code: reject.code,
                    message: &reject.to_string(),
                    topic: message.topic(),
                    partition: message.partition(),
                    offset: message.offset(),
                    key,
                    value: message.payload(),
                    headers: &headers(message),
                };
                self.reject(kafka, &reject, letter.record());
            }
        }
    }

    /// Steps an event that is no record.
    pub(crate) fn event(&mut self, kafka: &Kafka, stage: &mut S, now: Timestamp, event: Event<S>) {
        self.places.push(None);
        match stage.step(now, &event) {
            Ok(prepared) => self.take(kafka, now, event, prepared),
            Err(reject) => {
                let message = reject.to_string();
                tracing::error!(stage = S::NAME, %reject, "a reply was refused");
                let letter = DeadLetter {
                    stage: S::NAME,
                    code: reject.code,
                    message: &message,
                    topic: "",
                    partition: -1,
                    offset: -1,
                    key: S::NAME.as_bytes(),
                    value: Some(message.as_bytes()),
                    headers: &[],
                };
                self.reject(kafka, &reject, letter.record());
            }
        }
    }

    /// Makes a dead letter of an outgoing record that the brokers refuse, where no record is to blame for it.
    pub(crate) fn bury(&mut self, kafka: &Kafka, number: usize) {
        let Outgoing { event, topic, partition, key, value, headers, .. } = &self.records[number];
        let letter = DeadLetter {
            stage: S::NAME,
            code: REFUSED,
            message: "what comes of a reply, and the brokers refuse: see their log",
            topic,
            partition: partition.unwrap_or(-1),
            offset: -1,
            key,
            value: value.as_deref(),
            headers,
        };
        *self.rejects.entry(REFUSED).or_default() += 1;
        self.records[number] = Outgoing::new(kafka, letter.record(), *event);
    }

    fn take(&mut self, kafka: &Kafka, at: Timestamp, event: Event<S>, prepared: Prepared<S>) {
        let Prepared { step, out, changes } = prepared;
        for record in out.into_iter().chain(changes) {
            self.push(kafka, record);
        }
        self.done.push(Done { at, event, step });
    }

    fn reject(&mut self, kafka: &Kafka, reject: &Reject, letter: Record) {
        *self.rejects.entry(reject.code).or_default() += 1;
        tracing::debug!(stage = S::NAME, %reject, "dead letter");
        self.push(kafka, letter);
    }

    fn push(&mut self, kafka: &Kafka, record: Record) {
        let event = self.places.len() - 1;
        self.records.push(Outgoing::new(kafka, record, event));
    }
}

/// A message's headers; one without a value has an empty one. One whose name is no text is left out: rdkafka panics at it.
pub(crate) fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Vec<u8>)> {
    let Some(headers) = message.headers() else { return Vec::new() };
    let header = |index| {
        let header = catch_unwind(AssertUnwindSafe(|| headers.get(index)));
        let header = header.inspect_err(|_| tracing::warn!("a header's name is no UTF-8: left out")).ok()?;
        Some((header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
    };
    (0..headers.count()).filter_map(header).collect()
}
