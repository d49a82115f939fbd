//! librdkafka clients as the product configures them, and what the cases ask of them.

use crate::cluster::Cluster;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Message, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub const WAIT: Duration = Duration::from_secs(15);

/// What became of the records that a producer sent.
#[derive(Default)]
pub struct Deliveries {
    /// Partition, offset and timestamp of each that arrived.
    pub arrived: Mutex<Vec<(i32, i64, Timestamp)>>,
    /// Why others didn't.
    pub lost: Mutex<Vec<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(m) => self.arrived.lock().unwrap().push((m.partition(), m.offset(), m.timestamp())),
            Err((error, _)) => self.lost.lock().unwrap().push(error.clone()),
        }
    }
}

pub type Sender = BaseProducer<Deliveries>;

/// A record that was read, and still is when its consumer has gone.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<String>,
    pub timestamp: Timestamp,
}

impl From<&BorrowedMessage<'_>> for Read {
    fn from(message: &BorrowedMessage) -> Read {
        Read {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(|v| String::from_utf8_lossy(v).into_owned()),
            timestamp: message.timestamp(),
        }
    }
}

/// A name that no other case and no other run has.
pub fn unique(name: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{name}-{}", since.as_nanos() % 1_000_000_000_000)
}

impl Cluster {
    fn client(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("log_level", "2");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client(&[]).create().unwrap()
    }

    /// Makes a topic with a unique name.
    pub fn topic(&self, name: &str, partitions: i32, config: &[(&str, &str)]) -> String {
        let name = unique(name);
        let mut topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        for (key, value) in config {
            topic = topic.set(key, value);
        }
        let made = wait(self.admin().create_topics(&[topic], &options())).unwrap();
        assert_eq!(made, [Ok(name.clone())]);
        let ready = || {
            let metadata = self.admin().inner().fetch_metadata(Some(&name), WAIT).unwrap();
            metadata.topics()[0].partitions().iter().filter(|p| p.leader() >= 0).count() == partitions as usize
        };
        until(WAIT, "the topic has leaders", ready);
        name
    }

    pub fn producer(&self, settings: &[(&str, &str)]) -> Sender {
        let mut config = self.client(&[
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("linger.ms", "5"),
            ("message.timeout.ms", "20000"),
        ]);
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create_with_context(Deliveries::default()).unwrap()
    }

    /// A transactional producer, initialised.
    pub fn transactional(&self, id: &str, timeout_ms: u32) -> Sender {
        let timeout = timeout_ms.to_string();
        let message_timeout = (timeout_ms - 500).to_string();
        let producer = self.producer(&[
            ("transactional.id", id),
            ("transaction.timeout.ms", &timeout),
            ("message.timeout.ms", &message_timeout),
        ]);
        producer.init_transactions(WAIT).unwrap();
        producer
    }

    pub fn consumer(&self, group: &str, settings: &[(&str, &str)]) -> BaseConsumer {
        let mut config = self.client(&[
            ("group.id", group),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
            ("fetch.wait.max.ms", "100"),
        ]);
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().unwrap()
    }

    /// Reads a topic to the end that its partitions have now, for the given isolation level.
    pub fn read(&self, topic: &str, isolation: &str) -> Vec<Read> {
        let settings = [("isolation.level", isolation), ("enable.partition.eof", "true")];
        let consumer = self.consumer(&unique("reader"), &settings);
        let metadata = consumer.fetch_metadata(Some(topic), WAIT).unwrap();
        let mut open = metadata.topics()[0].partitions().len();
        let mut places = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            places.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
        }
        consumer.assign(&places).unwrap();
        let (mut read, began) = (vec![], Instant::now());
        while open > 0 {
            assert!(began.elapsed() < 2 * WAIT, "reading {topic} doesn't end");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => read.push(Read::from(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                Some(Err(error)) => panic!("{error}"),
                None => {}
            }
        }
        read
    }

    /// The values of a topic, as [`Cluster::read`] has them.
    pub fn values(&self, topic: &str, isolation: &str) -> Vec<String> {
        self.read(topic, isolation).into_iter().map(|r| r.value.unwrap_or_default()).collect()
    }

    /// Where a group stands in partition 0, and its note.
    pub fn committed(&self, group: &str, topic: &str) -> (Offset, String) {
        let mut places = TopicPartitionList::new();
        places.add_partition(topic, 0);
        let consumer = self.consumer(group, &[]);
        let committed = consumer.committed_offsets(places, WAIT).unwrap();
        let element = &committed.elements()[0];
        (element.offset(), element.metadata().to_owned())
    }
}

/// An offset in a topic's first partition.
pub fn at(topic: &str, offset: i64) -> TopicPartitionList {
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    places
}

/// A transaction that has read one record, written one, and moved its group's offset, all undecided.
pub struct Undecided {
    pub source: String,
    pub target: String,
    pub group: String,
    pub consumer: BaseConsumer,
    pub producer: Sender,
}

impl Undecided {
    pub fn begin(cluster: &Cluster) -> Undecided {
        let (source, target) = (cluster.topic("source", 1, &[]), cluster.topic("target", 1, &[]));
        let group = unique("g");
        let feeder = cluster.producer(&[]);
        send(&feeder, &source, 0, None, Some("in"));
        flush(&feeder);
        let consumer = cluster.consumer(&group, &[]);
        consumer.subscribe(&[&source]).unwrap();
        poll(&consumer, 1);
        let producer = cluster.transactional(&unique("id"), 60_000);
        producer.begin_transaction().unwrap();
        send(&producer, &target, 0, None, Some("out"));
        let member = consumer.group_metadata().unwrap();
        producer.send_offsets_to_transaction(&at(&source, 1), &member, WAIT).unwrap();
        drain(&producer);
        Undecided { source, target, group, consumer, producer }
    }
}

pub fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(WAIT)).request_timeout(Some(WAIT))
}

/// Waits for a future of the admin client.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn send(producer: &Sender, topic: &str, partition: i32, key: Option<&str>, value: Option<&str>) {
    loop {
        let mut record = BaseRecord::<str, str>::to(topic).partition(partition);
        record.key = key;
        record.payload = value;
        match producer.send(record) {
            Ok(()) => break,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(10));
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
    producer.poll(Duration::ZERO);
}

/// Waits until nothing is in flight. Unlike `flush` it doesn't take 100 ms when there is little to do.
pub fn drain(producer: &Sender) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_micros(200));
    }
}

/// Drains, and insists that all arrived.
pub fn flush(producer: &Sender) {
    drain(producer);
    let lost = producer.context().lost.lock().unwrap();
    assert!(lost.is_empty(), "{} lost: {:?}", lost.len(), lost.first());
}

/// Polls until `count` records came.
pub fn poll(consumer: &BaseConsumer, count: usize) -> Vec<Read> {
    let (mut read, began) = (vec![], Instant::now());
    while read.len() < count {
        assert!(began.elapsed() < 2 * WAIT, "{} of {count} records came", read.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => read.push(Read::from(&message)),
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    read
}

/// Waits for something to become true.
pub fn until(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < patience, "not in {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
