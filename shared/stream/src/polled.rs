//! A producer whose acknowledgements are taken by a thread of its own.
//!
//! rdkafka has one, `ThreadedProducer`. It asks for events for 100 ms at a time, rounds what is left of them down to
//! whole milliseconds, and so spins through the last one: a hundredth of a core for each producer, idle or not.

use rdkafka::{
    ClientConfig,
    error::KafkaResult,
    producer::{BaseProducer, ProducerContext},
};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Whole milliseconds, and what it takes to be asked to wait for them.
const WAIT: Duration = Duration::from_micros(100_050);

/// A producer; its context is told of acknowledgements from another thread.
pub(crate) struct Polled<C: ProducerContext + 'static> {
    producer: Arc<BaseProducer<C>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<C: ProducerContext + 'static> Polled<C> {
    /// Connects in the background.
    pub(crate) fn new(config: &ClientConfig, context: C) -> KafkaResult<Self> {
        let producer: Arc<BaseProducer<C>> = Arc::new(config.create_with_context(context)?);
        let over = Arc::new(AtomicBool::new(false));
        let (polled, ends) = (producer.clone(), over.clone());
        let poll = move || {
            while !ends.load(Ordering::Relaxed) {
                polled.poll(WAIT);
            }
        };
        let thread = thread::Builder::new().name("acknowledge".to_owned()).spawn(poll).expect("threads can be had");
        Ok(Self { producer, over, thread: Some(thread) })
    }
}

impl<C: ProducerContext + 'static> Deref for Polled<C> {
    type Target = BaseProducer<C>;

    fn deref(&self) -> &BaseProducer<C> {
        &self.producer
    }
}

impl<C: ProducerContext + 'static> Drop for Polled<C> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // a context that panicked has told so
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
