//! The runner on a real broker: the one that `KAFKA_BROKERS` names, else the embedded one.
//!
//! The stage counts, so a lost, repeated or stale change of state shows in what it publishes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tidings_model::{Inbox, Item, ItemId, Message as _, Record, Timestamp, Topic, topic};
use tidings_stage::{self as stage, Answer, Event, Hands, Input as _, Never, Reject, Share, Stage, Step};
use tidings_stream::{Assembly, Config, From, Kafka, Metrics, Producer, Reader, Received, Stop, admin, run};

/// Numbers the items of each provider; `WHOLE` reads all partitions in one instance.
#[derive(Default)]
struct Count<const WHOLE: bool>(BTreeMap<String, u64>);

struct Counted {
    provider: String,
    count: u64,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    V1(u64),
}

impl stage::Change for Counted {
    fn key(&self) -> Vec<u8> {
        self.provider.as_bytes().to_vec()
    }
    fn encode(&self) -> Option<Vec<u8>> {
        Some(stage::state::to_bytes(&Stored::V1(self.count)))
    }
    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let Stored::V1(count) = stage::state::from_bytes(value.ok_or("no tombstones here")?)?;
        Ok(Self { provider: String::from_utf8_lossy(key).into_owned(), count })
    }
}

impl<const WHOLE: bool> Stage for Count<WHOLE> {
    const NAME: &'static str = "count";
    const SHARE: Share = if WHOLE { Share::Whole } else { Share::Partition };
    const STATE: Option<&'static Topic> = Some(if WHOLE { &topic::SINK_STATE } else { &topic::FETCH_STATE });
    type In = Inbox;
    type Out = Item;
    type Change = Counted;
    type Ask = Never;
    type Reply = Never;

    fn decide(&self, _: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        let Event::Record(inbox) = event else { return Ok(Step::default()) };
        let provider = inbox.provider.clone().unwrap_or_default();
        let count = self.0.get(&provider).copied().unwrap_or(0) + 1;
        let mut item: Item = serde_json::from_value(serde_json::json!({"id": format!("{provider}-{count}")})).unwrap();
        item.headline = inbox.external_id.clone();
        item.body = inbox.body.clone();
        Ok(Step { out: vec![item], changes: vec![Counted { provider, count }], ..Step::default() })
    }

    fn apply(&mut self, change: &Counted) {
        if change.provider.starts_with("slow ") {
            thread::sleep(Duration::from_micros(200));
        }
        self.0.insert(change.provider.clone(), change.count);
    }
}

const STEP: Duration = Duration::from_secs(2);

struct World {
    kafka: Kafka,
    _broker: Option<(tidings_broker::Broker, tempfile::TempDir)>,
    _runtime: tokio::runtime::Runtime,
}

/// A broker with the topics under a prefix of the test's own.
fn world(prefix: &str) -> World {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (brokers, broker) = match std::env::var("KAFKA_BROKERS") {
        Ok(brokers) => (brokers, None),
        Err(_) => {
            let dir = tempfile::tempdir().unwrap();
            let listen = "127.0.0.1:0".parse().unwrap();
            let data = dir.path().into();
            let config = tidings_broker::Config { listen, data, fsync: false, auto_create: None };
            let broker = runtime.block_on(tidings_broker::Broker::start(config)).unwrap();
            (broker.address().to_string(), Some((broker, dir)))
        }
    };
    let prefix = format!("{prefix}{}.", std::process::id());
    let config = Config { brokers: Some(brokers), prefix, partitions: Some(3), ..Config::default() };
    let config = Config { session_timeout: Duration::from_secs(6), ..config };
    let kafka = Kafka::new(config).unwrap();
    admin::ensure(&kafka, &Stop::new()).unwrap();
    World { kafka, _broker: broker, _runtime: runtime }
}

/// An instance of the stage on a thread of its own.
struct Instance {
    stop: Stop,
    registry: prometheus::Registry,
    thread: thread::JoinHandle<Result<(), tidings_stream::Error>>,
}

impl Instance {
    fn start<const WHOLE: bool>(kafka: &Kafka) -> Self {
        Self::start_with(kafka, Count::<WHOLE>::default, Arc::new(()))
    }

    fn start_with<S: Stage>(kafka: &Kafka, new: fn() -> S, hands: Arc<dyn Hands<S>>) -> Self {
        let (kafka, stop, registry) = (kafka.clone(), Stop::new(), prometheus::Registry::new());
        let (told, metrics) = (stop.clone(), Metrics::new(&registry).unwrap());
        let thread = thread::spawn(move || {
            run(&kafka, Assembly { new: Box::new(new), hands, watch: Arc::new(()) }, &metrics, &told)
        });
        Self { stop, registry, thread }
    }

    fn end(self) -> Result<(), tidings_stream::Error> {
        self.stop.stop();
        self.thread.join().unwrap()
    }

    fn gauge(&self, name: &str) -> Option<f64> {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name)?;
        Some(family.get_metric().first()?.get_gauge().get_value())
    }
}

/// The sum of a counter, or the count of a histogram.
fn total(registry: &prometheus::Registry, name: &str) -> u64 {
    let families = registry.gather();
    let metrics =
        families.iter().filter(|family| family.name() == name).flat_map(prometheus::proto::MetricFamily::get_metric);
    metrics.map(|m| m.get_counter().get_value() as u64 + m.get_histogram().get_sample_count()).sum()
}

fn inbox(n: u64, body: Option<String>) -> Record {
    let provider = Some(format!("p{}", n % 40));
    Inbox { provider, external_id: Some(n.to_string()), body, ..Inbox::default() }.record()
}

/// One partition for each provider, so that its count is one task's business.
fn by_provider(n: u64, body: Option<String>) -> Record {
    Record { route: Some(format!("p{}", n % 40).into_bytes()), ..inbox(n, body) }
}

/// All records of a topic.
fn all(kafka: &Kafka, topic: &'static Topic) -> Vec<Received> {
    let mut reader = Reader::open(kafka, &[topic], From::Beginning).unwrap();
    std::iter::from_fn(|| reader.next_until_end()).collect()
}

fn items(kafka: &Kafka) -> Vec<Item> {
    let item = |record: Received| serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
    all(kafka, &topic::RAW).into_iter().map(item).collect()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: not within 60 s");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn each_record_counts_once_while_instances_come_and_go() {
    let world = world("count.");
    let producer = Producer::new(&world.kafka).unwrap();
    let total = 6_000;
    let mut instances = Vec::new();
    for part in 0..6 {
        producer.send_all((0..1000).map(|n| by_provider(part * 1000 + n, None))).unwrap();
        instances.push(Instance::start::<false>(&world.kafka));
        thread::sleep(Duration::from_millis(700));
        if part % 2 == 1 {
            instances.remove(0).end().unwrap();
        }
    }
    until("all records", || items(&world.kafka).len() >= total as usize);
    instances.into_iter().for_each(|instance| instance.end().unwrap());
    assert_each_once(&world.kafka, total);
}

/// Each record is counted once, and each count is there once: no state lost, doubled or stale.
fn assert_each_once(kafka: &Kafka, total: u64) {
    let items = items(kafka);
    let once: BTreeSet<_> = items.iter().filter_map(|item| item.headline.clone()).collect();
    assert_eq!((items.len(), once.len()), (total as usize, total as usize), "each record once");
    let counts: BTreeSet<_> = items.iter().map(|item| item.id.clone()).collect();
    let expected = (0..40).flat_map(|p| (1..=total / 40).map(move |n| ItemId::parse(&format!("p{p}-{n}")).unwrap()));
    assert_eq!(counts, expected.collect(), "each count once");
}

#[test]
fn what_cannot_be_processed_is_a_dead_letter_and_the_rest_goes_on() {
    let world = world("poison.");
    let kafka = &world.kafka;
    // a refusal that no check of ours foresees
    limit(kafka, &topic::RAW, "3000");
    let producer = Producer::new(kafka).unwrap();
    let noise = || Some((0..6000u64).map(|n| char::from(b'a' + (n * n * 31 % 1_009 % 26) as u8)).collect::<String>());
    let broken = Record {
        value: Some(b"{\"provider\": no json".to_vec()),
        headers: vec![("who".into(), b"me".to_vec())],
        ..inbox(0, None)
    };
    let mut records: Vec<Record> = (0..400).map(|n| by_provider(n, None)).collect();
    records.insert(100, broken.clone());
    records.insert(200, by_provider(1_000, noise().map(|text| text + &blob(6000))));
    records.insert(300, by_provider(1_001, noise().map(|text| text + &blob(6000))));
    let heavy = vec![("who".into(), b"me".to_vec()), ("heavy".into(), blob(1_000_000).into_bytes())];
    records.insert(350, Record { headers: heavy, ..broken.clone() });
    let refused = records[300].clone();
    producer.send_all(records).unwrap();

    let instance = Instance::start::<false>(kafka);
    until("400 items", || items(kafka).len() >= 400);
    instance.end().unwrap();
    assert_each_once(kafka, 400);
    let letters = letters(kafka);
    let mut codes: Vec<_> = letters.iter().map(|letter| note(letter, "code")).collect();
    codes.sort();
    assert_eq!(codes, ["json", "json", "refused_by_broker", "refused_by_broker"]);
    for json in letters.iter().filter(|letter| note(letter, "code") == "json") {
        assert_eq!((&json.key, &json.value), (&broken.key, &broken.value), "original key and bytes");
        assert!(json.headers.contains(&("who".to_owned(), b"me".to_vec())), "original headers");
    }
    assert!(letters.iter().any(|letter| note(letter, "headers_left_out") == "1"), "a header too large for a letter");
    assert!(letters.iter().any(|letter| (&letter.key, &letter.value) == (&refused.key, &refused.value)), "as it was");
}

/// The dead letters.
fn letters(kafka: &Kafka) -> Vec<Received> {
    all(kafka, &topic::DLQ)
}

/// What a dead letter's header says.
fn note(letter: &Received, name: &str) -> String {
    let header = letter.headers.iter().find(|(key, _)| key.strip_prefix("dlq.") == Some(name));
    header.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// Asks for each record, and publishes what it is told. `HANGS`: the first record never comes back from `decide`.
#[derive(Default)]
struct Asks<const HANGS: bool>;

impl<const HANGS: bool> Stage for Asks<HANGS> {
    const NAME: &'static str = "asks";
    const SHARE: Share = Share::Partition;
    const STATE: Option<&'static Topic> = None;
    type In = Inbox;
    type Out = Item;
    type Change = Never;
    type Ask = Inbox;
    type Reply = Inbox;

    fn decide(&self, _: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        static HUNG: AtomicBool = AtomicBool::new(false);
        Ok(match event {
            Event::Record(inbox) => {
                if HANGS && !HUNG.swap(true, Ordering::Relaxed) {
                    // what some calls of librdkafka do now and then
                    loop {
                        thread::park();
                    }
                }
                Step { asks: vec![inbox.clone()], ..Step::default() }
            }
            Event::Reply(inbox) => {
                let id = inbox.external_id.as_deref().unwrap();
                let mut item: Item = serde_json::from_value(serde_json::json!({ "id": id })).unwrap();
                item.body.clone_from(&inbox.body);
                Step { out: vec![item], ..Step::default() }
            }
            Event::Restored | Event::Tick => Step::default(),
        })
    }

    fn apply(&mut self, change: &Never) {
        match *change {}
    }
}

/// Answers with what is asked.
struct Echo;

impl<const HANGS: bool> Hands<Asks<HANGS>> for Echo {
    fn perform(&self, ask: Inbox, answer: Answer<Asks<HANGS>>) {
        thread::spawn(move || answer(ask));
    }
}

#[test]
fn what_comes_of_a_reply_and_is_refused_is_a_dead_letter_and_the_rest_goes_on() {
    let world = world("reply.");
    let kafka = &world.kafka;
    limit(kafka, &topic::RAW, "3000");
    let body = |n: u64| (n == 70).then(|| blob(6000));
    Producer::new(kafka).unwrap().send_all((0..100).map(|n| inbox(n, body(n)))).unwrap();
    let instance = Instance::start_with(kafka, Asks::<false>::default, Arc::new(Echo));
    until("99 items and a letter", || items(kafka).len() >= 99 && !letters(kafka).is_empty());
    instance.end().unwrap();
    assert_eq!(items(kafka).len(), 99);
    let letters = letters(kafka);
    let [letter] = &letters[..] else { panic!("one letter, not {}", letters.len()) };
    assert_eq!(
        (note(letter, "code"), note(letter, "topic")),
        ("refused_by_broker".to_owned(), kafka.name(&topic::RAW))
    );
    assert_eq!((&*letter.key, note(letter, "offset")), (&b"70"[..], "-1".to_owned()));
    let item: Item = serde_json::from_slice(letter.value.as_deref().unwrap()).unwrap();
    assert_eq!(item.body, body(70));
}

#[test]
fn a_task_that_hangs_is_let_go() {
    let world = world("hangs.");
    let kafka = &world.kafka;
    Producer::new(kafka).unwrap().send_all((0..100).map(|n| inbox(n, None))).unwrap();
    let instance = Instance::start_with(kafka, Asks::<true>::default, Arc::new(Echo));
    until("100 items", || items(kafka).len() >= 100);
    let began = Instant::now();
    instance.end().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "it ended after {:?}", began.elapsed());
    assert_eq!(items(kafka).len(), 100);
}

fn administrator(kafka: &Kafka) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", kafka.brokers()).create().unwrap()
}

/// Makes the brokers take less than the registry thinks.
fn limit(kafka: &Kafka, topic: &Topic, bytes: &str) {
    let client = administrator(kafka);
    let name = kafka.name(topic);
    let alter = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", bytes);
    let altered = pollster::block_on(client.alter_configs(&[alter], &AdminOptions::new())).unwrap();
    altered.into_iter().for_each(|result| drop(result.unwrap()));
}

/// Text that does not compress.
fn blob(length: usize) -> String {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        char::from(33 + (x % 90) as u8)
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_changelog_that_is_ahead_of_its_offsets_is_refused() {
    let world = world("ahead.");
    let producer = Producer::new(&world.kafka).unwrap();
    producer.send_all((0..100).map(|n| by_provider(n, None))).unwrap();
    let instance = Instance::start::<false>(&world.kafka);
    until("100 items", || items(&world.kafka).len() >= 100);
    instance.end().unwrap();

    let client = administrator(&world.kafka);
    let group = format!("{}count", world.kafka.config().prefix);
    until("the group is gone", || {
        let deleted = pollster::block_on(client.delete_groups(&[&group], &AdminOptions::new())).unwrap();
        deleted.iter().all(Result::is_ok)
    });
    let instance = Instance::start::<false>(&world.kafka);
    let error = instance.thread.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("reset the group to"), "{error}");
    assert_eq!(items(&world.kafka).len(), 100, "nothing is counted twice");
}

/// Someone who takes itself for the owner as well (a zombie that woke, until the group tells it) fences the instance amid
/// its start, and commits: what it then reads is newer than what it read before, which is no reset of the group.
#[test]
fn an_owner_that_is_fenced_amid_its_start_takes_no_commit_for_a_reset() {
    let world = world("usurped.");
    let (kafka, prefix) = (&world.kafka, &world.kafka.config().prefix);
    let (inbox, changelog) = (kafka.name(&topic::INBOX), kafka.name(&topic::FETCH_STATE));
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", kafka.brokers()).set("group.id", format!("{prefix}count"));
    let group = client.create::<BaseConsumer>().unwrap().group_metadata().unwrap();
    client.set("transactional.id", format!("{prefix}count.0")).set("queue.buffering.max.messages", "1000000");
    let usurp = |offset: i64, changes: usize| {
        let producer: BaseProducer = client.create()?;
        producer.init_transactions(STEP * 5)?;
        producer.begin_transaction()?;
        let (position, value) = (format!("{inbox} 0 {offset}"), stage::state::to_bytes(&Stored::V1(1)));
        let send = |key: &str, value: &[u8]| {
            producer.send(BaseRecord::to(&changelog).partition(0).key(key).payload(value)).map_err(|(error, _)| error)
        };
        (0..changes).try_for_each(|n| send(&n.to_string(), &value))?;
        send("\0positions", position.as_bytes())?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&inbox, 0, Offset::Offset(offset))?;
        producer.send_offsets_to_transaction(&offsets, &group, STEP * 5)?;
        producer.commit_transaction(STEP * 10)
    };
    // takes longer to restore than to usurp
    usurp(1, 400_000).unwrap();
    let over = Stop::new();
    thread::scope(|scope| {
        let usurper = scope.spawn(|| {
            let offsets = (2..).take_while(|_| !over.wait(Duration::from_millis(100)));
            offsets.filter(|offset| usurp(*offset, 0).is_ok()).count()
        });
        let starts = (0..4).map(|_| {
            let instance = Instance::start::<false>(kafka);
            over.wait(Duration::from_secs(3));
            let restored = total(&instance.registry, "tidings_stream_restored_changes_total");
            (instance.end().map_err(|error| error.to_string()), restored)
        });
        let (ends, restored): (Vec<_>, Vec<_>) = starts.unzip();
        over.stop();
        assert!(usurper.join().unwrap() >= 3, "it fences and commits");
        assert_eq!(ends, vec![Ok(()); 4]);
        assert!(restored.iter().any(|changes| *changes >= 400_000), "none was ever restored: {restored:?}");
    });
}

#[test]
fn a_standby_follows_and_takes_over() {
    let world = world("standby.");
    let producer = Producer::new(&world.kafka).unwrap();
    let instances = [(); 2].map(|()| Instance::start::<true>(&world.kafka));
    producer.send_all((0..1000).map(|n| by_provider(n, None))).unwrap();
    until("1000 items", || items(&world.kafka).len() >= 1000);

    let active = |instance: &Instance| instance.gauge("tidings_stream_tasks") == Some(1.0);
    let behind = |instance: &Instance| instance.gauge("tidings_stream_standby_lag_records");
    let (active, standby): (Vec<_>, Vec<_>) = instances.into_iter().partition(active);
    let ([active], [standby]) = (active.try_into().ok().unwrap(), standby.try_into().ok().unwrap());
    assert_eq!(behind(&active), Some(-1.0), "the active one does not stand by");
    until("the standby has read all", || behind(&standby) == Some(0.0));

    active.end().unwrap();
    producer.send_all((1000..2000).map(|n| by_provider(n, None))).unwrap();
    until("2000 items", || items(&world.kafka).len() >= 2000);
    assert_eq!(behind(&standby), Some(-1.0));
    standby.end().unwrap();
    assert_each_once(&world.kafka, 2000);
}

/// Also between the moment when a partition is assigned and the moment when its task takes it up.
#[test]
fn an_instance_ends_whenever_it_is_told_to() {
    let world = world("ends.");
    for millis in (0..600).step_by(40) {
        let instance = Instance::start::<true>(&world.kafka);
        thread::sleep(Duration::from_millis(millis));
        let told = Instant::now();
        assert_eq!(instance.end().map_err(|error| error.to_string()), Ok(()));
        assert!(told.elapsed() < Duration::from_secs(10), "told after {millis} ms, ended {:?} later", told.elapsed());
    }
}

#[test]
fn an_instance_ends_amid_its_restore() {
    let world = world("restore.");
    let change = |n: u64| {
        let (key, value) = (format!("slow {n}").into_bytes(), Some(stage::state::to_bytes(&Stored::V1(n))));
        // all in one partition
        Record { topic: &topic::FETCH_STATE, key, route: Some(Vec::new()), headers: Vec::new(), value }
    };
    Producer::new(&world.kafka).unwrap().send_all((0..50_000).map(change)).unwrap();
    let instance = Instance::start::<false>(&world.kafka);
    let restored = |registry: &prometheus::Registry| total(registry, "tidings_stream_restore_seconds");
    until("two of its three partitions are restored", || restored(&instance.registry) >= 2);
    let (registry, told) = (instance.registry.clone(), Instant::now());
    instance.end().unwrap();
    assert!(told.elapsed() < Duration::from_secs(10), "it ended {:?} later", told.elapsed());
    assert_eq!(restored(&registry), 2, "it was told too late: all were restored");
}

#[test]
fn topics_are_as_the_registry_wants_them() {
    let world = world("topics.");
    assert_eq!(admin::create(&world.kafka).unwrap(), Vec::<String>::new());
    assert_eq!(admin::diff(&world.kafka).unwrap(), Vec::<String>::new());
    assert_eq!(Inbox::topics(), [&topic::INBOX]);
}
