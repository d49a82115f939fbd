//! Who works on which partition: the consumer group's word, and nothing else.
//!
//! An instance subscribes to its stage's *owner topic* with every partition paused, so the group protocol only
//! says who owns what. The owner topic is the first input for stages that share partitions out, and the
//! one-partition changelog for stages of which one instance is active and the others stand by. Each owned
//! partition is one task on a thread of its own.

use crate::{
    Error, Kafka, Metrics, Stop,
    metrics::Meters,
    task::{End, Task},
};
use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    topic_partition_list::TopicPartitionListElem,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tidings_stage::{Hands, Input, Share, Stage, Watch};

/// A stage with its surroundings.
pub struct Assembly<S: Stage> {
    /// Makes the stage, empty.
    pub new: Box<dyn Fn() -> S + Send + Sync>,
    /// Performs its asks.
    pub hands: Arc<dyn Hands<S>>,
    /// Watches its committed steps.
    pub watch: Arc<dyn Watch<S>>,
}

/// Runs a stage until it is stopped; blocks. Topics must exist ([`crate::admin::ensure`]).
pub fn run<S: Stage + 'static>(
    kafka: &Kafka,
    assembly: Assembly<S>,
    metrics: &Metrics,
    stop: &Stop,
) -> Result<(), Error> {
    let owner = Arc::new(Owner {
        kafka: kafka.clone(),
        assembly,
        meters: metrics.stage(S::NAME),
        tasks: Mutex::default(),
        refused: Mutex::default(),
    });
    let topic = match (S::SHARE, S::STATE) {
        (Share::Whole, Some(changelog)) => changelog,
        _ => S::In::topics()[0],
    };
    let session = kafka.config().session_timeout;
    let mut config = kafka.consumer(&kafka.group(S::NAME));
    config
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.as_millis().to_string())
        .set("heartbeat.interval.ms", (session / 4).as_millis().to_string())
        .set("auto.offset.reset", "latest");
    let member: BaseConsumer<Member<S>> =
        config.create_with_context(Member(owner.clone())).map_err(|error| kafka.error(error))?;
    member.subscribe(&[&kafka.name(topic)]).map_err(|error| kafka.error(error))?;
    while !stop.is_stopped() && owner.refused().is_none() {
        if let Some(Err(error)) = member.poll(Duration::from_millis(100)) {
            tracing::debug!(stage = S::NAME, %error, "membership goes on");
        }
    }
    owner.end_all();
    leave(member);
    owner.refused().take().map_or(Ok(()), |problem| Err(Error::Topics(problem)))
}

/// Leaves the group. Dropping a consumer can hang (rust-rdkafka 453, 509), so it gets a bounded time.
fn leave<S: Stage + 'static>(member: BaseConsumer<Member<S>>) {
    member.unsubscribe();
    let leaving = thread::spawn(move || drop(member));
    for _ in 0..100 {
        if leaving.is_finished() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    tracing::warn!(stage = S::NAME, "leaving the group takes too long; its session will time out instead");
}

struct Owner<S: Stage> {
    kafka: Kafka,
    assembly: Assembly<S>,
    meters: Meters,
    tasks: Mutex<BTreeMap<i32, Running>>,
    refused: Mutex<Option<String>>,
}

struct Running {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl<S: Stage + 'static> Owner<S> {
    fn start(self: &Arc<Self>, partition: i32) {
        let (owner, stop) = (self.clone(), Stop::new());
        let told = stop.clone();
        let thread = thread::Builder::new()
            .name(format!("{}.{partition}", S::NAME))
            .spawn(move || owner.work(partition, &told))
            .expect("the system has threads to give");
        self.tasks().insert(partition, Running { stop, thread });
        self.meters.tasks.inc();
    }

    /// Runs the task, and builds it anew for as long as the partition is ours.
    fn work(&self, partition: i32, stop: &Stop) {
        let mut poison = BTreeSet::new();
        while !stop.is_stopped() {
            let (kafka, assembly, meters) = (&self.kafka, &self.assembly, &self.meters);
            match (Task { kafka, assembly, partition, stop, meters, poison: &poison }).run() {
                Ok(End::Stopped) => return,
                Ok(End::Poisoned(places)) => poison.extend(places),
                Ok(End::Fenced(why)) => {
                    self.meters.fenced.inc();
                    tracing::warn!(stage = S::NAME, partition, why, "task is over; the group decides who goes on");
                    stop.wait(Duration::from_secs(4));
                }
                Ok(End::Refused(problem)) => {
                    tracing::error!(stage = S::NAME, partition, problem, "task must not run");
                    *self.refused() = Some(problem);
                    return;
                }
                Err(error) => {
                    tracing::warn!(stage = S::NAME, partition, %error, "task failed and is built anew");
                    stop.wait(Duration::from_secs(1));
                }
            }
        }
    }

    /// Ends tasks and waits for them: what they have in hand is committed or aborted.
    fn end(&self, partitions: impl IntoIterator<Item = i32>) {
        let ending: Vec<Running> = partitions.into_iter().filter_map(|p| self.tasks().remove(&p)).collect();
        ending.iter().for_each(|task| task.stop.stop());
        for task in ending {
            drop(task.thread.join());
            self.meters.tasks.dec();
        }
    }

    fn end_all(&self) {
        let all: Vec<i32> = self.tasks().keys().copied().collect();
        self.end(all);
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<i32, Running>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, Option<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Member<S: Stage>(Arc<Owner<S>>);

impl<S: Stage + 'static> ClientContext for Member<S> {}

impl<S: Stage + 'static> ConsumerContext for Member<S> {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.0.end(list.elements().iter().map(TopicPartitionListElem::partition));
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) if list.count() > 0 => {
                if let Err(error) = consumer.pause(list) {
                    tracing::warn!(stage = S::NAME, %error, "owner topic is not paused");
                }
                list.elements().iter().for_each(|entry| self.0.start(entry.partition()));
            }
            Rebalance::Error(error) => tracing::warn!(stage = S::NAME, %error, "rebalance"),
            _ => {}
        }
    }
}
