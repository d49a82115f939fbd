//! One owned partition, from taking over to giving up.
//!
//! fence → restore → committed offsets → (collect → step → commit → asks)*. A task ends when it is stopped, when
//! its producer is fenced, or when it must be built anew because the brokers refuse a record.

use crate::{
    Assembly, Kafka,
    batch::{Batch, Done, Place},
    kafka::{STEP, clock, patiently},
    metrics::Meters,
    partition::Counts,
    poison,
    position::{self, Positions},
    restore::{Changelog, Replica, Unrestored},
    stop::Stop,
    transaction::{Failure, Outgoing, Pace, Writer},
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    topic_partition_list::TopicPartitionListElem,
};
use std::{
    collections::BTreeSet,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    time::{Duration, Instant},
};
use tidings_model::{Topic, topic};
use tidings_stage::{Event, Input, Share, Stage};

/// A batch is cut at so many events, …
const EVENTS: usize = 1000;
/// … so many bytes, …
const BYTES: usize = 8 * 1024 * 1024;
/// … or so long after its first event. It ends before, where nothing more waits to be read: so this delays nobody, and
/// a partition that is behind has fewer transactions.
const SPAN: Duration = Duration::from_millis(200);
/// Replies that may wait for the stage; whoever answers waits beyond that.
const REPLIES: usize = 256;

/// How often lag is looked at.
const MEASURE: Duration = Duration::from_secs(5);

/// How a task ended.
pub(crate) enum End {
    /// It was told to.
    Stopped,
    /// Its producer is over: build it anew once the group has had its say.
    Fenced(String),
    /// The brokers refuse what these records lead to: build it anew and dead-letter them.
    Poisoned(BTreeSet<Place>),
    /// It must not run: for the operator.
    Refused(String),
}

/// What a task needs.
pub(crate) struct Task<'a, S: Stage> {
    pub kafka: &'a Kafka,
    pub assembly: &'a Assembly<S>,
    pub partition: i32,
    pub stop: &'a Stop,
    /// Stopped once it was let go: its successor is at work.
    pub gone: &'a Stop,
    pub meters: &'a Meters,
    pub poison: &'a BTreeSet<Place>,
}

impl<S: Stage> Task<'_, S> {
    /// Works until it ends, from the state that stood by, if there is one.
    pub(crate) fn run(&self, standby: Option<Replica<S>>) -> KafkaResult<End> {
        let began = Instant::now();
        let id = self.kafka.transactional_id(S::NAME, self.partition);
        let writer = match Writer::fence(self.kafka, &id, self.stop) {
            Ok(Some(writer)) => writer,
            Ok(None) => return Ok(End::Stopped),
            Err(Failure::Fenced(why)) => return Ok(End::Fenced(why)),
            Err(Failure::Again(error)) => return Err(error),
            Err(Failure::Refused(_)) => unreachable!("nothing was sent yet"),
        };
        let consumer: BaseConsumer = self.kafka.consumer(&self.kafka.group(S::NAME)).create()?;
        let mut replica = standby.unwrap_or_else(|| Replica::new((self.assembly.new)()));
        let (counts, known) = (Counts::default(), replica.changes);
        // What others committed meanwhile (a zombie that fenced this task, a transaction that hung and was decided) shows
        // in the changelog: offsets and state belong together where it did not grow while the offsets were asked for.
        if let Some(end) = self.restore(&mut replica, &consumer)? {
            return Ok(end);
        }
        let committed = loop {
            // pending ones (KIP-447) are waited for, however long: the last stable ones are not yet, or no longer, the truth
            let committed = patiently(self.stop, &id, || self.committed(&consumer, &counts))?;
            let Some(committed) = committed else { return Ok(End::Stopped) };
            let read = replica.next;
            if let Some(end) = self.restore(&mut replica, &consumer)? {
                return Ok(end);
            }
            if replica.next == read {
                break committed;
            }
        };
        if let Some(problem) = position::ahead(&replica.positions, &committed) {
            return Ok(End::Refused(problem));
        }
        let (changes, partition) = (replica.changes - known, self.partition);
        self.meters.restored.inc_by(changes);
        tracing::debug!(stage = S::NAME, partition, known, changes, "restored");
        consumer.assign(&offsets(&committed)?)?;
        self.meters.restore.observe(began.elapsed().as_secs_f64());
        tracing::info!(stage = S::NAME, partition = self.partition, took = ?began.elapsed(), "task owns its partition");
        let (answers, replies) = sync_channel(REPLIES);
        let topics = S::In::topics().into_iter().map(|topic| (self.kafka.name(topic), topic)).collect();
        Working {
            task: self,
            stage: replica.stage,
            writer,
            consumer,
            counts,
            topics,
            positions: committed,
            answers,
            replies,
            restored: false,
            ticked: Instant::now(),
            measured: Instant::now(),
        }
        .work()
    }

    /// Reads the changelog to its end, if there is one; tells how the task ends where it can't.
    fn restore(&self, replica: &mut Replica<S>, consumer: &BaseConsumer) -> KafkaResult<Option<End>> {
        let Some(changelog) = S::STATE else { return Ok(None) };
        let topic = &self.kafka.name(changelog);
        match replica.catch_up(Changelog { consumer, topic, partition: self.partition }, self.stop) {
            Ok(()) => Ok(None),
            Err(Unrestored::Stopped) => Ok(Some(End::Stopped)),
            Err(Unrestored::Unreadable(why)) => Ok(Some(End::Refused(why))),
            Err(Unrestored::Kafka(error)) => Err(error),
        }
    }

    /// The group's offsets of all partitions that this task reads.
    fn committed(&self, consumer: &BaseConsumer, counts: &Counts) -> KafkaResult<Positions> {
        let mut wanted = TopicPartitionList::new();
        for topic in S::In::topics() {
            let name = self.kafka.name(topic);
            match S::SHARE {
                Share::Partition => drop(wanted.add_partition(&name, self.partition)),
                Share::Whole => {
                    wanted.add_partition_range(&name, 0, counts.of(consumer.client(), &name)? - 1);
                }
            }
        }
        let committed = consumer.committed_offsets(wanted, STEP)?;
        let position = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        let known = |entry: &TopicPartitionListElem<'_>| {
            entry.error()?;
            Ok(((entry.topic().to_owned(), entry.partition()), position(entry.offset())))
        };
        committed.elements().iter().map(known).collect()
    }
}

/// A task whose state is complete.
struct Working<'a, S: Stage> {
    task: &'a Task<'a, S>,
    stage: S,
    writer: Writer,
    consumer: BaseConsumer,
    counts: Counts,
    topics: Vec<(String, &'static Topic)>,
    positions: Positions,
    answers: SyncSender<S::Reply>,
    replies: Receiver<S::Reply>,
    restored: bool,
    ticked: Instant,
    measured: Instant,
}

impl<S: Stage> Working<'_, S> {
    fn work(mut self) -> KafkaResult<End> {
        while !self.task.stop.is_stopped() {
            let mut batch = self.collect()?;
            let late = self.measured.elapsed() >= MEASURE;
            let read = batch.places.iter().any(Option::is_some) || late && self.pass_markers()?;
            // a reply that changes nothing has nothing to commit: only asks
            if (read || !batch.records.is_empty())
                && let Some(end) = self.commit(&mut batch, read)?
            {
                return Ok(end);
            }
            self.follow(batch);
            if late {
                self.measure();
            }
        }
        Ok(End::Stopped)
    }

    /// Steps what there is: replies, ticks, records.
    fn collect(&mut self) -> KafkaResult<Batch<S>> {
        let Task { kafka, poison, .. } = self.task;
        let mut batch = Batch::new();
        if !self.restored {
            self.restored = true;
            batch.event(kafka, &mut self.stage, clock(), Event::Restored);
        }
        let start = Instant::now();
        let in_time = || start.elapsed() < SPAN && !self.task.stop.is_stopped();
        while batch.len() < EVENTS && batch.bytes < BYTES && in_time() {
            while batch.len() < EVENTS
                && in_time()
                && let Ok(reply) = self.replies.try_recv()
            {
                batch.event(kafka, &mut self.stage, clock(), Event::Reply(reply));
            }
            if S::TICK.is_some_and(|tick| self.ticked.elapsed() >= tick) {
                self.ticked = Instant::now();
                batch.event(kafka, &mut self.stage, clock(), Event::Tick);
            }
            let wait = if batch.len() > 0 { Duration::ZERO } else { Duration::from_millis(10) };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let Some((_, topic)) = self.topics.iter().find(|(name, _)| name == message.topic()) else {
                        continue;
                    };
                    let poisoned = !poison.is_empty()
                        && poison.contains(&(message.topic().to_owned(), message.partition(), message.offset()));
                    batch.record(kafka, &mut self.stage, topic, &message, clock(), poisoned);
                    self.positions.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => tracing::debug!(stage = S::NAME, %error, "consumer goes on"),
                None if batch.len() > 0 => break,
                None => {}
            }
        }
        Ok(batch)
    }

    /// Commits a batch, and the positions if they moved; tells how the task ends where it can't.
    fn commit(&mut self, batch: &mut Batch<S>, read: bool) -> KafkaResult<Option<End>> {
        if let Some(changelog) = S::STATE {
            batch.compact(&self.task.kafka.name(changelog));
            if read {
                let event = batch.len().saturating_sub(1);
                let record = position::record(changelog, &self.positions);
                batch.records.push(Outgoing::new(self.task.kafka, record, event));
            }
        }
        self.place(&mut batch.records)?;
        let group = self.consumer.group_metadata().ok_or(KafkaError::Subscription("no group".to_owned()))?;
        let offsets = if read { offsets(&self.positions)? } else { TopicPartitionList::new() };
        let began = Instant::now();
        let mut pace = Pace::Batched;
        loop {
            match self.writer.commit(&batch.records, pace, &offsets, &group) {
                Ok(()) => break,
                Err(Failure::Again(error)) => {
                    self.task.meters.aborted.inc();
                    tracing::debug!(stage = S::NAME, %error, "aborted; the same is sent again");
                    if self.task.stop.wait(Duration::from_millis(10)) {
                        return Ok(Some(End::Stopped));
                    }
                }
                Err(Failure::Refused(suspects)) => {
                    self.task.meters.aborted.inc();
                    if let Some(end) = self.poisoned(batch, suspects, &mut pace) {
                        return Ok(Some(end));
                    }
                }
                Err(Failure::Fenced(why)) => return Ok(Some(End::Fenced(why))),
            }
        }
        self.task.meters.committed.inc();
        self.task.meters.commit.observe(began.elapsed().as_secs_f64());
        Ok(None)
    }

    /// Gives each record the partition that it must have.
    fn place(&self, records: &mut [Outgoing]) -> KafkaResult<()> {
        let changelog = S::STATE.map(|topic| self.task.kafka.name(topic));
        for record in records {
            if Some(&record.topic) == changelog.as_ref() {
                record.partition = Some(self.task.partition);
            } else if let Some(route) = &record.route {
                record.partition = Some(self.counts.partition(self.consumer.client(), &record.topic, route)?);
            }
        }
        Ok(())
    }

    /// Sees to what the brokers refuse. What comes of a record ends the task: built anew, it dead-letters that record.
    /// What comes of a reply becomes a dead letter itself. `None`: send again.
    fn poisoned(&self, batch: &mut Batch<S>, suspects: BTreeSet<usize>, pace: &mut Pace) -> Option<End> {
        let Task { kafka, .. } = self.task;
        let guilty = match poison::find(&self.writer, &batch.records, suspects) {
            Ok(guilty) => guilty,
            Err(Failure::Fenced(why)) => return Some(End::Fenced(why)),
            Err(_) => return Some(End::Fenced("trial failed".to_owned())),
        };
        if guilty.is_empty() {
            // each is taken alone, so what was refused is their batch
            let tried = std::mem::replace(pace, Pace::Singly) == Pace::Singly;
            return tried.then(|| End::Fenced("brokers refuse together what they take one by one".to_owned()));
        }
        let place = |number: &usize| batch.places.get(batch.records[*number].event)?.clone();
        let letters = kafka.name(&topic::DLQ);
        let changelog = S::STATE.map(|topic| kafka.name(topic));
        // neither can be done without, nor be cut any further
        let needed = |number: &&usize| {
            let Outgoing { topic, key, .. } = &batch.records[**number];
            let is_change = Some(topic) == changelog.as_ref();
            *topic == letters || is_change && (place(number).is_none() || position::is_position(key))
        };
        if let Some(number) = guilty.iter().find(needed) {
            let topic = &batch.records[*number].topic;
            return Some(End::Fenced(format!("brokers refuse a record of {topic}: raise its max.message.bytes")));
        }
        let places: BTreeSet<Place> = guilty.iter().filter_map(place).collect();
        if !places.is_empty() {
            tracing::warn!(stage = S::NAME, ?places, "brokers refuse what comes of these records");
            return Some(End::Poisoned(places));
        }
        guilty.into_iter().for_each(|number| batch.bury(kafka, number));
        None
    }

    /// What follows a commit: metrics, then the asks.
    fn follow(&self, batch: Batch<S>) {
        let Task { assembly, meters, gone, .. } = self.task;
        if gone.is_stopped() {
            return; // its successor asks
        }
        let now = clock();
        meters.consumed.inc_by(batch.places.iter().flatten().count() as u64);
        meters.produced.inc_by(batch.records.len() as u64);
        batch.rejects.iter().for_each(|(code, count)| meters.rejected(code, *count));
        for Done { at, event, step } in batch.done {
            assembly.watch.committed(at, &event, &step);
            if matches!(&event, Event::Record(_)) && !step.out.is_empty() {
                meters.freshness.observe(now.since(at).as_secs_f64());
            }
            for ask in step.asks {
                let (answers, gone) = (self.answers.clone(), Stop::clone(gone));
                let answer = move |mut reply| {
                    // whoever answers waits for room, but not for a task that was let go
                    while let Err(TrySendError::Full(back)) = answers.try_send(reply)
                        && !gone.wait(Duration::from_millis(5))
                    {
                        reply = back;
                    }
                };
                assembly.hands.perform(ask, Box::new(answer));
            }
        }
    }

    /// Moves the positions over transaction markers at the ends, which are no records: or else whoever scales by
    /// lag (KEDA #5675) sees one record that never goes away. Returns whether one moved.
    fn pass_markers(&mut self) -> KafkaResult<bool> {
        let mut moved = false;
        for entry in self.consumer.position()?.elements() {
            if let Offset::Offset(offset) = entry.offset()
                && let Some(known) = self.positions.get_mut(&(entry.topic().to_owned(), entry.partition()))
                && offset > *known
            {
                *known = offset;
                moved = true;
            }
        }
        Ok(moved)
    }

    /// Tells how far behind the task is, as far as the brokers say so now: no partition is waited for after another.
    fn measure(&mut self) {
        self.measured = Instant::now();
        for ((topic, partition), position) in &self.positions {
            let ends = self.consumer.fetch_watermarks(topic, *partition, Duration::from_secs(1));
            let (Ok((low, high)), false) = (ends, self.task.stop.is_stopped()) else { return };
            self.task.meters.lag(topic, *partition, (high - (*position).max(low)).max(0));
        }
    }
}

impl<S: Stage> Drop for Working<'_, S> {
    fn drop(&mut self) {
        if self.task.gone.is_stopped() {
            return; // all of this is its successor's
        }
        self.task.assembly.watch.released(&self.stage);
        self.positions.keys().for_each(|(topic, partition)| self.task.meters.forget_lag(topic, *partition));
    }
}

fn offsets(positions: &Positions) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in positions {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    Ok(list)
}
