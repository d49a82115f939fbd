//! One transaction after the other under one transactional id.
//!
//! Follows KIP-98 and KIP-447 as librdkafka offers them. What was learnt on the way is in `docs/adr/`: rdkafka's
//! `flush` costs 100 ms whenever something is in flight, so a thread of the producer's takes the acknowledgements and
//! they are counted; an abort fails until all have come; a commit that timed out may only be committed again, never
//! aborted.

use crate::{
    kafka::{Kafka, STEP, patiently},
    polled::Polled,
    stop::Stop,
};
use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext},
};
use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tidings_model::Record;

/// A record on its way out, and the event of the batch that it comes from.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub event: usize,
    pub topic: String,
    pub partition: Option<i32>,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    /// What chooses the partition, until it is chosen.
    pub route: Option<Vec<u8>>,
}

impl Outgoing {
    /// A record of the event with that number in its batch.
    pub(crate) fn new(kafka: &Kafka, record: Record, event: usize) -> Self {
        let Record { topic, key, route, headers, value } = record;
        Self { event, topic: kafka.name(topic), partition: None, key, value, headers, route }
    }
}

/// Why a transaction did not commit.
pub(crate) enum Failure {
    /// Aborted: send the same again.
    Again(KafkaError),
    /// Aborted: the brokers refuse these of the records, by their numbers, or others of their Kafka batch.
    Refused(BTreeSet<usize>),
    /// This producer is over: another has taken its id, or its transaction timed out.
    Fenced(String),
}

/// How records are put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As Kafka batches them.
    Batched,
    /// One by one: brokers limit the size of a batch, and a topic may allow less than a batch of ours.
    Singly,
}

/// The producer of one task.
pub(crate) struct Writer {
    producer: Polled<Deliveries>,
    stop: Stop,
}

/// What became of the records of a transaction.
#[derive(Default)]
struct Deliveries {
    state: Mutex<Delivered>,
    settled: Condvar,
}

#[derive(Default)]
struct Delivered {
    /// Sent, and neither acknowledged nor failed.
    open: usize,
    /// Numbers of the records that failed.
    failed: Vec<(usize, Code)>,
}

impl Deliveries {
    fn state(&self) -> MutexGuard<'_, Delivered> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let mut state = self.state();
        if let Err((error, _)) = result {
            state.failed.push((number, error.rdkafka_error_code().unwrap_or(Code::Unknown)));
        }
        state.open -= 1;
        if state.open == 0 {
            self.settled.notify_all();
        }
    }
}

/// Longer than any transaction may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same for all that is left to do once it is time to end: what is not committed by then is aborted by the next
/// owner, and done again.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

impl Writer {
    /// Takes over the transactional id: fences whoever had it, and returns once what they left open is decided.
    /// `None` when stopped meanwhile; an error where that takes so long that a new client is worth a try.
    pub(crate) fn fence(kafka: &Kafka, id: &str, stop: &Stop) -> Result<Option<Self>, Failure> {
        let mut config = kafka.producer();
        config.set("transactional.id", id).set("transaction.timeout.ms", "30000");
        let producer =
            Polled::new(&config, Deliveries::default()).map_err(|error| Failure::Fenced(error.to_string()))?;
        // librdkafka looks for the coordinator at once, and again only half a second later: connect before it looks.
        // Whether that came to pass is told by what follows.
        let _ = producer.client().fetch_cluster_id(STEP);
        let ready = patiently(stop, id, || match producer.init_transactions(STEP) {
            Err(error) if is_fatal(&error) => Ok(Err(error)),
            result => result.map(Ok),
        });
        match ready.map_err(Failure::Again)? {
            Some(Ok(())) => Ok(Some(Self { producer, stop: stop.clone() })),
            Some(Err(error)) => Err(Failure::Fenced(format!("init: {error}"))),
            None => Ok(None),
        }
    }

    /// Sends `records` and `offsets` as one transaction.
    pub(crate) fn commit(
        &self,
        records: &[Outgoing],
        pace: Pace,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), Failure> {
        self.send(records.iter().enumerate(), pace)?;
        let sent = if offsets.count() == 0 {
            Ok(()) // librdkafka takes an empty list for a no-op
        } else {
            self.retry(|| self.producer.send_offsets_to_transaction(offsets, group, STEP))
        };
        match sent.and_then(|()| self.retry(|| self.producer.commit_transaction(STEP))) {
            Ok(()) => Ok(()),
            Err(error) if self.is_over(&error) || is_retriable(&error) => Err(Failure::Fenced(error.to_string())),
            Err(error) => {
                self.abort()?;
                Err(Failure::Again(error))
            }
        }
    }

    /// Whether the brokers take those of `records` that have these numbers: sends them and aborts.
    pub(crate) fn accepts(&self, records: &[Outgoing], numbers: &BTreeSet<usize>) -> Result<bool, Failure> {
        match self.send(numbers.iter().map(|number| (*number, &records[*number])), Pace::Singly) {
            Ok(()) => self.abort().map(|()| true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Begins, sends numbered records and waits for the acknowledgements; on failure aborts.
    fn send<'a>(&self, mut records: impl Iterator<Item = (usize, &'a Outgoing)>, pace: Pace) -> Result<(), Failure> {
        self.producer.begin_transaction().map_err(|error| Failure::Fenced(format!("begin: {error}")))?;
        let sent = records.try_for_each(|(number, record)| {
            self.enqueue(number, record)?;
            if pace == Pace::Singly {
                self.settle();
            }
            Ok(())
        });
        let settled = self.settle();
        let failed = std::mem::take(&mut self.deliveries().state().failed);
        let refused: BTreeSet<usize> =
            failed.iter().filter(|(_, code)| is_refusal(*code)).map(|(number, _)| *number).collect();
        let error = match (sent, failed.first()) {
            (Err(error), _) => error,
            (Ok(()), Some((_, code))) => KafkaError::MessageProduction(*code),
            (Ok(()), None) if settled => return Ok(()),
            (Ok(()), None) => KafkaError::MessageProduction(Code::MessageTimedOut),
        };
        if self.is_over(&error) {
            return Err(Failure::Fenced(error.to_string()));
        }
        self.abort()?;
        Err(if refused.is_empty() { Failure::Again(error) } else { Failure::Refused(refused) })
    }

    fn enqueue(&self, number: usize, record: &Outgoing) -> KafkaResult<()> {
        let start = Instant::now();
        loop {
            let mut base = BaseRecord::with_opaque_to(&record.topic, number).key(&record.key);
            if let Some(value) = &record.value {
                base = base.payload(value);
            }
            if let Some(partition) = record.partition {
                base = base.partition(partition);
            }
            if !record.headers.is_empty() {
                let headers = record.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
                    headers.insert(Header { key, value: Some(value) })
                });
                base = base.headers(headers);
            }
            // before it is sent: its acknowledgement may overtake us
            self.deliveries().state().open += 1;
            let Err((error, _)) = self.producer.send(base) else { return Ok(()) };
            let mut state = self.deliveries().state();
            state.open -= 1;
            match error {
                // back-pressure: wait for room
                KafkaError::MessageProduction(Code::QueueFull) if !self.is_late(start) => {
                    drop(state);
                    std::thread::sleep(Duration::from_millis(1));
                }
                error => {
                    state.failed.extend(error.rdkafka_error_code().map(|code| (number, code)));
                    return Err(error);
                }
            }
        }
    }

    /// Waits until every record is acknowledged or has failed; `false` where that takes too long.
    fn settle(&self) -> bool {
        let start = Instant::now();
        let mut state = self.deliveries().state();
        while state.open > 0 && !self.is_late(start) && self.producer.client().fatal_error().is_none() {
            let woken = self.deliveries().settled.wait_timeout(state, Duration::from_millis(100));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.open == 0
    }

    fn abort(&self) -> Result<(), Failure> {
        if self.stop.is_stopped() {
            return Err(Failure::Fenced("ended amid a transaction, which the next owner aborts".to_owned()));
        }
        let start = Instant::now();
        loop {
            match self.producer.abort_transaction(STEP) {
                Ok(()) => {
                    // what the abort purged tells its failure first: it is not the next transaction's
                    self.settle();
                    self.deliveries().state().failed.clear();
                    return Ok(());
                }
                Err(error) if self.is_over(&error) || self.is_late(start) => {
                    return Err(Failure::Fenced(format!("abort: {error}")));
                }
                Err(error) => {
                    tracing::debug!(%error, "abort is tried again");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    fn retry<T>(&self, mut call: impl FnMut() -> KafkaResult<T>) -> KafkaResult<T> {
        let start = Instant::now();
        loop {
            match call() {
                Err(error) if is_retriable(&error) && !self.is_late(start) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                result => return result,
            }
        }
    }

    fn is_late(&self, start: Instant) -> bool {
        match self.stop.since() {
            Some(since) => since.elapsed() > LAST_PATIENCE,
            None => start.elapsed() > PATIENCE,
        }
    }

    fn is_over(&self, error: &KafkaError) -> bool {
        is_fatal(error) || self.producer.client().fatal_error().is_some()
    }

    fn deliveries(&self) -> &Deliveries {
        self.producer.context()
    }
}

fn is_fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_fatal())
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}

/// The record itself is at fault: it would be refused again.
fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidRecord
            | Code::InvalidMessage
            | Code::InvalidTimestamp
            | Code::InvalidMessageSize
    )
}
