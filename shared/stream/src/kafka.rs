//! The cluster: names with their prefix, and clients configured the one way that Tidings uses them.

use crate::{config::Config, stop::Stop};
use rdkafka::{
    ClientConfig,
    error::{KafkaError, KafkaResult},
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tidings_model::{Timestamp, Topic};

/// How long a call to the brokers may take before it is tried again.
pub(crate) const CALL: Duration = Duration::from_secs(10);

/// The same for a task, which looks between two calls whether it is to stop: no call can be broken off.
pub(crate) const STEP: Duration = Duration::from_secs(2);

/// How long a start may stand still before its clients are built anew: what hangs in one of them does not hang for ever.
pub(crate) const RENEWAL: Duration = Duration::from_secs(10);

/// Calls, for a task of that transactional id, until it succeeds, or `None` when stopped; an error where that takes so
/// long that a new client is worth a try.
pub(crate) fn patiently<T>(stop: &Stop, id: &str, mut call: impl FnMut() -> KafkaResult<T>) -> KafkaResult<Option<T>> {
    let began = Instant::now();
    loop {
        match call() {
            Ok(value) => return Ok(Some(value)),
            Err(error) if began.elapsed() > RENEWAL => return Err(error),
            Err(error) => {
                tracing::debug!(id, %error, "tried again");
                if stop.wait(Duration::from_millis(100)) {
                    return Ok(None);
                }
            }
        }
    }
}

/// A cluster that can be reached, cheap to clone.
#[derive(Debug, Clone)]
pub struct Kafka {
    config: Arc<Config>,
    brokers: Arc<str>,
}

/// What went wrong with Kafka, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration names no brokers.
    #[error("kafka.brokers is missing: write host:port, or use `tidings run all`, which brings its own broker")]
    NoBrokers,
    /// librdkafka refused or failed.
    #[error("kafka at {brokers}: {error}")]
    Client {
        /// Where it was tried.
        brokers: String,
        /// What it said.
        error: KafkaError,
    },
    /// Topics are not as they must be.
    #[error("{0}")]
    Topics(String),
    /// It was stopped while waiting.
    #[error("stopped")]
    Stopped,
}

impl Kafka {
    /// The cluster that the configuration names.
    pub fn new(config: Config) -> Result<Self, Error> {
        let brokers = config.brokers.as_deref().ok_or(Error::NoBrokers)?.into();
        Ok(Self { config: Arc::new(config), brokers })
    }

    /// Where it is.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// How it is configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A topic's name on this cluster.
    pub fn name(&self, topic: &Topic) -> String {
        format!("{}{}", self.config.prefix, topic.name)
    }

    /// The consumer group of a stage.
    pub(crate) fn group(&self, stage: &str) -> String {
        format!("{}{stage}", self.config.prefix)
    }

    /// The transactional id of a stage's partition.
    pub(crate) fn transactional_id(&self, stage: &str, partition: i32) -> String {
        format!("{}{stage}.{partition}", self.config.prefix)
    }

    pub(crate) fn error(&self, error: KafkaError) -> Error {
        Error::Client { brokers: self.brokers.to_string(), error }
    }

    /// What every client has in common.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &*self.brokers)
            .set("client.id", "tidings")
            .set("allow.auto.create.topics", "false")
            .set("reconnect.backoff.max.ms", "1000")
            // our own log tells what matters; librdkafka repeats itself while a broker is away
            .set("log_level", "2");
        match (&self.config.tls, &self.config.sasl) {
            (None, None) => {}
            (Some(_), None) => drop(client.set("security.protocol", "ssl")),
            (None, Some(_)) => drop(client.set("security.protocol", "sasl_plaintext")),
            (Some(_), Some(_)) => drop(client.set("security.protocol", "sasl_ssl")),
        }
        if let Some(tls) = &self.config.tls {
            let files = [
                ("ssl.ca.location", &tls.ca_file),
                ("ssl.certificate.location", &tls.certificate_file),
                ("ssl.key.location", &tls.key_file),
            ];
            for (key, file) in files {
                if let Some(file) = file {
                    client.set(key, file);
                }
            }
        }
        if let Some(sasl) = &self.config.sasl {
            client.set("sasl.mechanism", &sasl.mechanism).set("sasl.username", &sasl.username);
            client.set("sasl.password", sasl.secret().unwrap_or_default());
        }
        client
    }

    /// A consumer that is told what to read and commits nothing by itself.
    pub(crate) fn consumer(&self, group: &str) -> ClientConfig {
        let mut client = self.client();
        client
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50")
            // the memory budget: what librdkafka may hold ahead of us, per consumer
            .set("queued.max.messages.kbytes", "16384")
            // full, it is looked at again this soon; after the default of a second it is long empty in a restore
            .set("fetch.queue.backoff.ms", "20");
        client
    }

    /// A producer that loses, doubles and reorders nothing, with Java's partitioner.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut client = self.client();
        client
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "zstd")
            // records are 6 % larger than at the default of 3, for two thirds of the work
            .set("compression.level", "1")
            .set("message.max.bytes", "1048588")
            .set("queue.buffering.max.kbytes", "65536");
        client
    }
}

/// The wall clock. Only the runner and the edges ask it; stages are told.
pub fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
