//! Puts records on topics from the edge of the line: ingest, the HTTP door, feed subscriptions.
//!
//! Idempotent and acknowledged by all in-sync replicas; no transaction, for there is nothing to be atomic with.

use crate::{Error, Kafka, listener, partition::Counts, polled::Polled};
use rdkafka::{
    ClientContext,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext},
};
use std::{
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};
use tidings_model::Record;

/// A producer for the edges; shared by reference among threads.
pub struct Producer {
    kafka: Kafka,
    inner: Polled<Acknowledge>,
    counts: Counts,
}

/// No room: try again later. The record was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

struct Acknowledge;

impl ClientContext for Acknowledge {
    fn error(&self, error: KafkaError, reason: &str) {
        listener::hear(&error, reason);
    }
}

impl ProducerContext for Acknowledge {
    type DeliveryOpaque = Box<Mutex<Option<Done>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, done: Self::DeliveryOpaque) {
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = done {
            done(result.as_ref().map(drop).map_err(|(error, _)| error.to_string()));
        }
    }
}

impl Producer {
    /// Connects in the background.
    pub fn new(kafka: &Kafka) -> Result<Self, Error> {
        let mut config = kafka.producer();
        config.set("message.timeout.ms", "30000");
        let inner = Polled::new(&config, Acknowledge).map_err(|error| kafka.error(error))?;
        Ok(Self { kafka: kafka.clone(), inner, counts: Counts::default() })
    }

    /// Sends a record; `done` is told, from another thread, once it is on all in-sync replicas or has failed.
    pub fn send(&self, record: &Record, done: impl FnOnce(Result<(), String>) + Send + 'static) -> Result<(), Busy> {
        self.enqueue(record, None, done)
    }

    /// Sends a record to a partition and waits until it is acknowledged.
    pub fn send_to(&self, record: &Record, partition: i32) -> Result<(), String> {
        let (tell, told) = mpsc::channel();
        self.enqueue(record, Some(partition), move |result| drop(tell.send(result)))
            .map_err(|Busy| "no room: try again".to_owned())?;
        told.recv().map_err(|error| error.to_string())?
    }

    fn enqueue(
        &self,
        record: &Record,
        partition: Option<i32>,
        done: impl FnOnce(Result<(), String>) + Send + 'static,
    ) -> Result<(), Busy> {
        let topic = self.kafka.name(record.topic);
        let done: Done = Box::new(done);
        let mut base = BaseRecord::with_opaque_to(&topic, Box::new(Mutex::new(Some(done)))).key(&record.key);
        if let Some(value) = &record.value {
            base = base.payload(value);
        }
        let routed = match (partition, &record.route) {
            (Some(partition), _) => Some(partition),
            (None, Some(route)) => Some(self.counts.partition(self.inner.client(), &topic, route).map_err(|_| Busy)?),
            (None, None) => None,
        };
        if let Some(partition) = routed {
            base = base.partition(partition);
        }
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        match self.inner.send(base.headers(headers)) {
            Ok(()) => Ok(()),
            Err((KafkaError::MessageProduction(Code::QueueFull), _)) => Err(Busy),
            Err((error, base)) => {
                let done = base.delivery_opaque.into_inner().unwrap_or_else(PoisonError::into_inner);
                if let Some(done) = done {
                    done(Err(error.to_string()));
                }
                Ok(())
            }
        }
    }

    /// Sends records and waits until all are acknowledged; the first failure otherwise.
    pub fn send_all(&self, records: impl IntoIterator<Item = Record>) -> Result<u64, String> {
        let (tell, told) = mpsc::channel();
        let mut sent = 0;
        for record in records {
            loop {
                let tell = tell.clone();
                match self.send(&record, move |result| drop(tell.send(result))) {
                    Ok(()) => break,
                    Err(Busy) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
            sent += 1;
        }
        drop(tell);
        told.iter().collect::<Result<Vec<()>, String>>().map(|_| sent)
    }
}
