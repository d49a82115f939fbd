//! Listens to clients for why brokers turn us away: a call fails then as if no broker were there.

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Every client tries again each second; one of them is told of, so often.
const AGAIN: Duration = Duration::from_secs(60);

/// The context of a client that needs no other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listener;

impl ClientContext for Listener {
    fn error(&self, error: KafkaError, reason: &str) {
        hear(&error, reason);
    }
}

impl ConsumerContext for Listener {}

/// Polls a consumer, one of whose calls failed, for why: that comes among other events, and a moment later.
pub(crate) fn ask(consumer: &BaseConsumer<Listener>) {
    (0..10).for_each(|_| drop(consumer.poll(Duration::from_millis(20))));
}

/// Tells of an error that an operator can mend, if none was told of lately. Clients bring them when they are polled.
pub(crate) fn hear(error: &KafkaError, reason: &str) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mend = match error.rdkafka_error_code() {
        Some(Code::Authentication) => "look at [kafka.sasl]",
        Some(Code::SSL) => "look at [kafka.tls]",
        _ => return,
    };
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_none_or(|told| told.elapsed() > AGAIN) {
        *told = Some(Instant::now());
        tracing::error!(reason, "the brokers turn us away: {mend}");
    }
}
