//! Who works on which partition: the consumer group's word, and nothing else.
//!
//! An instance subscribes to its stage's *owner topic* with every partition paused, so the group protocol only
//! says who owns what. The owner topic is the first input for stages that share partitions out, and the
//! one-partition changelog for stages of which one instance is active and the others stand by. Each owned
//! partition is one task on a thread of its own, which another attends to; a standby's thread tails the changelog until
//! it is its turn.

use crate::{
    Error, Kafka, Metrics, Stop,
    batch::Place,
    listener,
    metrics::Meters,
    restore::{Changelog, Replica, Unrestored},
    task::{End, Task},
};
use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult},
    topic_partition_list::TopicPartitionListElem,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tidings_model::Topic;
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
pub fn run<S: Stage>(kafka: &Kafka, assembly: Assembly<S>, metrics: &Metrics, stop: &Stop) -> Result<(), Error> {
    let owner = Arc::new(Owner {
        kafka: kafka.clone(),
        assembly,
        meters: metrics.stage(S::NAME),
        terms: Mutex::default(),
        refused: Mutex::default(),
    });
    let closing = Stop::new();
    let (topic, standby) = match (S::SHARE, S::STATE) {
        (Share::Whole, Some(changelog)) => (changelog, Some(owner.stand_by(changelog, &closing))),
        _ => (S::In::topics()[0], None),
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
    // no term begins from here on: only polling the member begins one
    closing.stop();
    owner.end_all();
    if let Some(standby) = standby {
        within(Duration::from_secs(1), || standby.is_finished());
    }
    leave(member);
    owner.refused().take().map_or(Ok(()), |problem| Err(Error::Topics(problem)))
}

/// Leaves the group. Dropping a consumer can hang (rust-rdkafka 453, 509), so it gets a bounded time.
fn leave<S: Stage>(member: BaseConsumer<Member<S>>) {
    member.unsubscribe();
    let leaving = thread::spawn(move || drop(member));
    if !within(Duration::from_secs(2), || leaving.is_finished()) {
        tracing::warn!(stage = S::NAME, "leaving the group takes too long; its session will time out instead");
    }
}

/// Waits until it is done, for at most `limit`; returns whether it is.
fn within(limit: Duration, done: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !done() && began.elapsed() < limit {
        thread::sleep(Duration::from_millis(20));
    }
    done()
}

/// How long a task may take to end: what it allows itself, and a margin.
const END: Duration = Duration::from_secs(6);
/// How often whoever attends to a task looks after it, …
const ROUND: Duration = Duration::from_millis(50);
/// … and so many rounds without a sign of life (10 s) mean that it hangs in a call: none may take longer than `STEP`.
/// Rounds are counted, not time: who was paused together with the task must not take it for hanging.
const ROUNDS: u32 = 200;
/// A task that was let go keeps its memory, and one that hangs again and again may just be slow: after so many the
/// process ends, to begin anew.
const LET_GO: usize = 5;

struct Owner<S: Stage> {
    kafka: Kafka,
    assembly: Assembly<S>,
    meters: Meters,
    terms: Mutex<BTreeMap<i32, Term>>,
    refused: Mutex<Option<String>>,
}

/// For as long as a partition is ours.
#[derive(Clone, Default)]
struct Term {
    /// Its end is asked for.
    over: Stop,
    /// Its work has ended.
    ended: Stop,
}

impl<S: Stage> Owner<S> {
    /// A partition is ours from now on.
    fn begin(self: &Arc<Self>, partition: i32) {
        let term = Term::default();
        self.terms().insert(partition, term.clone());
        self.meters.tasks.inc();
        if S::SHARE == Share::Partition || S::STATE.is_none() {
            let owner = self.clone();
            spawn(&format!("{}.{partition}", S::NAME), move || owner.work(partition, &term, None));
        }
    }

    /// Ends terms and waits for them: what they have in hand is committed or aborted. They stay in sight until then,
    /// for a standby that has not taken its term up yet must still find it to end it. A task that hangs is not waited
    /// for: whoever owns the partition next fences it, and what it had in hand is aborted.
    fn end(&self, partitions: impl IntoIterator<Item = i32>) {
        let partitions: Vec<i32> = partitions.into_iter().collect();
        let ending: Vec<Term> = partitions.iter().filter_map(|p| self.terms().get(p).cloned()).collect();
        ending.iter().for_each(|term| term.over.stop());
        let began = Instant::now();
        if !ending.iter().all(|term| term.ended.wait(END.saturating_sub(began.elapsed()))) {
            tracing::warn!(stage = S::NAME, ?partitions, "a task hangs in a call; its next owner will fence it");
        }
        for partition in partitions {
            if self.terms().remove(&partition).is_some() {
                self.meters.tasks.dec();
            }
        }
    }

    fn end_all(&self) {
        let all: Vec<i32> = self.terms().keys().copied().collect();
        self.end(all);
    }

    /// A thread that tails the changelog until it is this instance's turn, and works while it is.
    fn stand_by(self: &Arc<Self>, changelog: &'static Topic, closing: &Stop) -> JoinHandle<()> {
        let (owner, closing) = (self.clone(), closing.clone());
        spawn(&format!("{}.0", S::NAME), move || {
            while !closing.is_stopped() {
                let replica = owner.tail(changelog, &closing);
                owner.meters.standby.set(-1);
                if let Some(term) = owner.due() {
                    owner.work(0, &term, replica);
                }
            }
            if let Some(term) = owner.due() {
                term.ended.stop();
            }
        })
    }

    /// The term that waits for the standby's thread.
    fn due(&self) -> Option<Term> {
        self.terms().get(&0).filter(|term| !term.ended.is_stopped()).cloned()
    }

    /// The stage as of the changelog's end, by the time that it is needed; `None` where it could not be read.
    fn tail(&self, changelog: &Topic, closing: &Stop) -> Option<Replica<S>> {
        let done = || closing.is_stopped() || self.due().is_some();
        let mut replica = Replica::new((self.assembly.new)());
        let topic = &self.kafka.name(changelog);
        let consumer: Result<BaseConsumer, _> = self.kafka.consumer(&self.kafka.group(S::NAME)).create();
        let tailed = consumer.map_err(Unrestored::from).and_then(|consumer| {
            let changelog = Changelog { consumer: &consumer, topic, partition: 0 };
            replica.tail(changelog, done, |behind| self.meters.standby.set(behind))
        });
        match tailed {
            Ok(()) => Some(replica),
            Err(error) => {
                if let Unrestored::Unreadable(why) = error {
                    tracing::error!(
                        stage = S::NAME,
                        why,
                        "standby can't follow; this version would refuse to take over"
                    );
                }
                while !done() {
                    closing.wait(Duration::from_millis(100));
                }
                None
            }
        }
    }

    /// Runs the task, and builds it anew for as long as the partition is ours.
    fn work(self: &Arc<Self>, partition: i32, term: &Term, mut standby: Option<Replica<S>>) {
        let (mut poison, mut let_go) = (BTreeSet::new(), 0);
        let over = &term.over;
        while !over.is_stopped() && self.refused().is_none() {
            match self.attend(partition, over, &poison, standby.take()) {
                None => {
                    self.meters.fenced.inc();
                    tracing::warn!(stage = S::NAME, partition, "task hangs in a call; its successor fences it");
                    let_go += 1;
                    if let_go == LET_GO {
                        let problem = format!("{LET_GO} tasks of {} {partition} hung in calls: see the log", S::NAME);
                        *self.refused() = Some(problem);
                    }
                }
                Some(Ok(End::Stopped)) => break,
                Some(Ok(End::Poisoned(places))) => poison.extend(places),
                Some(Ok(End::Fenced(why))) => {
                    self.meters.fenced.inc();
                    tracing::warn!(stage = S::NAME, partition, why, "task is over; the group decides who goes on");
                    over.wait(Duration::from_secs(4));
                }
                Some(Ok(End::Refused(problem))) => {
                    tracing::error!(stage = S::NAME, partition, problem, "task must not run");
                    *self.refused() = Some(problem);
                }
                Some(Err(error)) => {
                    tracing::warn!(stage = S::NAME, partition, %error, "task failed and is built anew");
                    over.wait(Duration::from_secs(1));
                }
            }
        }
        term.ended.stop();
    }

    /// Runs a task until it ends; `None` where it hangs and is let go.
    ///
    /// Some calls of librdkafka (2.12) have no limit, whatever they are told: without a coordinator,
    /// `send_offsets_to_transaction` stores its timeout and never looks at it (`rd_kafka_coord_req`).
    fn attend(
        self: &Arc<Self>,
        partition: i32,
        over: &Stop,
        poison: &BTreeSet<Place>,
        standby: Option<Replica<S>>,
    ) -> Option<KafkaResult<End>> {
        let (owner, stop, gone, poison) = (self.clone(), Stop::new(), Stop::new(), poison.clone());
        let told = (stop.clone(), gone.clone());
        let task = spawn(&format!("{}.{partition}", S::NAME), move || {
            let Owner { kafka, assembly, meters, .. } = &*owner;
            Task { kafka, assembly, partition, stop: &told.0, gone: &told.1, meters, poison: &poison }.run(standby)
        });
        let (mut looks, mut rounds) = (0, 0);
        while !task.is_finished() && rounds < ROUNDS {
            if over.wait(ROUND) {
                stop.stop();
                thread::sleep(ROUND);
            }
            rounds = if stop.looks() == looks { rounds + 1 } else { 0 };
            looks = stop.looks();
        }
        if !task.is_finished() {
            // should it wake, it finds that it is over
            gone.stop();
            stop.stop();
            return None;
        }
        Some(task.join().unwrap_or_else(|_| Ok(End::Refused(format!("{} {partition} panicked: see the log", S::NAME)))))
    }

    fn terms(&self) -> MutexGuard<'_, BTreeMap<i32, Term>> {
        self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, Option<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("the system has threads to give")
}

struct Member<S: Stage>(Arc<Owner<S>>);

impl<S: Stage> ClientContext for Member<S> {
    fn error(&self, error: KafkaError, reason: &str) {
        listener::hear(&error, reason);
    }
}

impl<S: Stage> ConsumerContext for Member<S> {
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
                list.elements().iter().for_each(|entry| self.0.begin(entry.partition()));
            }
            Rebalance::Error(error) => tracing::warn!(stage = S::NAME, %error, "rebalance"),
            _ => {}
        }
    }
}
