//! One transaction after the other under one transactional id.
//!
//! Follows KIP-98 and KIP-447 as librdkafka offers them. What was learnt on the way is in `docs/adr/`: rdkafka's
//! `flush` costs 100 ms whenever something is in flight, so deliveries are drained by polling; an abort fails
//! until they are; a commit that timed out may only be committed again, never aborted.

use crate::{
    kafka::{Kafka, RENEWAL, STEP},
    stop::Stop,
};
use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
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
    /// Aborted: the brokers refuse records of these events.
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
    producer: BaseProducer<Deliveries>,
    stop: Stop,
}

#[derive(Default)]
struct Deliveries {
    failed: Mutex<Vec<(usize, Code)>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, event: usize) {
        if let Err((error, _)) = result {
            let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).push((event, code));
        }
    }
}

/// Longer than any transaction may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same once it is time to end: what is not committed by then is aborted by the next owner, and done again.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

impl Writer {
    /// Takes over the transactional id: fences whoever had it, and returns once what they left open is decided.
    /// `None` when stopped meanwhile; an error where that takes so long that a new client is worth a try.
    pub(crate) fn fence(kafka: &Kafka, id: &str, stop: &Stop) -> Result<Option<Self>, Failure> {
        let mut config = kafka.producer();
        config.set("transactional.id", id).set("transaction.timeout.ms", "30000");
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default()).map_err(|error| Failure::Fenced(error.to_string()))?;
        let began = Instant::now();
        loop {
            match producer.init_transactions(STEP) {
                Ok(()) => return Ok(Some(Self { producer, stop: stop.clone() })),
                Err(error) if is_fatal(&error) => return Err(Failure::Fenced(format!("init: {error}"))),
                Err(error) if began.elapsed() > RENEWAL => return Err(Failure::Again(error)),
                Err(error) => {
                    tracing::debug!(id, %error, "waiting for the transaction coordinator");
                    if stop.wait(Duration::from_millis(100)) {
                        return Ok(None);
                    }
                }
            }
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
        self.send(records, pace)?;
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

    /// Whether the brokers take `records`: sends them and aborts.
    pub(crate) fn accepts(&self, records: &[Outgoing], only: &BTreeSet<usize>) -> Result<bool, Failure> {
        let chosen: Vec<&Outgoing> = records.iter().filter(|record| only.contains(&record.event)).collect();
        match self.send(chosen, Pace::Singly) {
            Ok(()) => self.abort().map(|()| true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Begins, sends and waits for the acknowledgements; on failure aborts.
    fn send<'a>(&self, records: impl IntoIterator<Item = &'a Outgoing>, pace: Pace) -> Result<(), Failure> {
        self.failed().clear();
        self.producer.begin_transaction().map_err(|error| Failure::Fenced(format!("begin: {error}")))?;
        let sent = records.into_iter().try_for_each(|record| {
            self.enqueue(record)?;
            if pace == Pace::Singly {
                self.drain();
            }
            Ok(())
        });
        self.drain();
        let failed = std::mem::take(&mut *self.failed());
        let refused: BTreeSet<usize> =
            failed.iter().filter(|(_, code)| is_refusal(*code)).map(|(event, _)| *event).collect();
        let error = match (sent, failed.first()) {
            (Err(error), _) => error,
            (Ok(()), Some((_, code))) => KafkaError::MessageProduction(*code),
            (Ok(()), None) if self.producer.in_flight_count() > 0 => {
                KafkaError::MessageProduction(Code::MessageTimedOut)
            }
            (Ok(()), None) => return Ok(()),
        };
        if self.is_over(&error) {
            return Err(Failure::Fenced(error.to_string()));
        }
        self.abort()?;
        Err(if refused.is_empty() { Failure::Again(error) } else { Failure::Refused(refused) })
    }

    fn enqueue(&self, record: &Outgoing) -> KafkaResult<()> {
        loop {
            let mut base = BaseRecord::with_opaque_to(&record.topic, record.event).key(&record.key);
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
            match self.producer.send(base) {
                Ok(()) => {
                    self.producer.poll(Duration::ZERO);
                    return Ok(());
                }
                // back-pressure: wait for room
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) => {
                    self.producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => {
                    if let Some(code) = error.rdkafka_error_code() {
                        self.failed().push((record.event, code));
                    }
                    return Err(error);
                }
            }
        }
    }

    fn drain(&self) {
        let start = Instant::now();
        while self.producer.in_flight_count() > 0 && start.elapsed() < self.patience() {
            self.producer.poll(Duration::from_micros(200));
            if self.producer.client().fatal_error().is_some() {
                return;
            }
        }
    }

    fn abort(&self) -> Result<(), Failure> {
        if self.stop.is_stopped() {
            return Err(Failure::Fenced("ended amid a transaction, which the next owner aborts".to_owned()));
        }
        let start = Instant::now();
        loop {
            self.producer.poll(Duration::from_millis(1));
            match self.producer.abort_transaction(STEP) {
                Ok(()) => {
                    self.drain();
                    self.producer.poll(Duration::from_millis(1));
                    // what the abort purged has told its failure now: it is not the next transaction's
                    self.failed().clear();
                    return Ok(());
                }
                Err(error) if self.is_over(&error) || start.elapsed() > self.patience() => {
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
                Err(error) if is_retriable(&error) && start.elapsed() < self.patience() => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                result => return result,
            }
        }
    }

    fn patience(&self) -> Duration {
        if self.stop.is_stopped() { LAST_PATIENCE } else { PATIENCE }
    }

    fn is_over(&self, error: &KafkaError) -> bool {
        is_fatal(error) || self.producer.client().fatal_error().is_some()
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Code)>> {
        self.producer.context().failed.lock().unwrap_or_else(PoisonError::into_inner)
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
