//! Whether the broker's memory stays flat under load: `cargo run --release -p tidings-broker --example soak`.
//!
//! ```text
//! soak [--minutes 60] [--rate 500]     load of so many records a second on a broker in a process of its own
//! soak serve ADDRESS DIRECTORY         that process; also for other clients' suites, for it makes topics by itself
//! ```
//! The load is everything that takes memory: idempotent and transactional producers (every fifth transaction
//! aborts), clients that come and go, a group that commits and rebalances, a compacted topic, and retention
//! that deletes as fast as records come. Each minute it prints the broker's memory. It fails if the median of
//! the run's last third is more than a twentieth and 2 MiB above the median of the third before, so a run of
//! less than ten minutes says little.

#![allow(clippy::unwrap_used)] // a measurement: any failure ends it

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tidings_broker::{Broker, Config};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WAIT: Duration = Duration::from_secs(15);
const PARTITIONS: i32 = 3;
/// Records of a client's life, and of a transaction.
const LIFE: u64 = 20_000;
const TRANSACTION: u64 = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, address, directory] = &arguments[..]
        && mode == "serve"
    {
        return serve(address, Path::new(directory));
    }
    let number = |name: &str, default: u64| {
        let given = arguments.iter().skip_while(|a| *a != name).nth(1);
        given.map_or(default, |value| value.parse().expect("--minutes and --rate take a number"))
    };
    soak(number("--minutes", 60), number("--rate", 500));
}

fn serve(address: &str, directory: &Path) {
    let listen = address.parse().expect("serve takes an address such as 127.0.0.1:9092");
    let config = Config { listen, data: directory.to_owned(), fsync: false, auto_create: Some(4) };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let broker = Broker::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        println!("{}", broker.address());
        tokio::signal::ctrl_c().await.unwrap();
        broker.stop().await;
    });
}

/// The broker's process, which ends with this one's interest in it.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn soak(minutes: u64, rate: u64) {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["serve", "127.0.0.1:0"])
        .arg(home.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let served = Served(child);
    let brokers = BufReader::new(output).lines().next().unwrap().unwrap();
    for (topic, policy) in [("deleted", "delete"), ("compacted", "compact"), ("transactions", "delete")] {
        create(&brokers, topic, policy);
    }
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let counts = [const { AtomicU64::new(0) }; 4];
    let [deleted, compacted, transactions, read] = &counts;
    let mut memory = Vec::new();
    std::thread::scope(|scope| {
        let brokers = &brokers;
        scope.spawn(move || idempotent(brokers, "deleted", rate, end, deleted));
        scope.spawn(move || idempotent(brokers, "compacted", rate, end, compacted));
        scope.spawn(move || transactional(brokers, rate, end, transactions));
        scope.spawn(move || group(brokers, end, read));
        scope.spawn(move || group(brokers, end, read));
        println!("minute  broker KiB  in 'deleted'  in 'compacted'  in transactions  read by the group");
        for minute in 1..=minutes {
            std::thread::sleep((end - Duration::from_secs(60 * (minutes - minute))) - Instant::now());
            memory.push(resident(served.0.id()));
            let [a, b, c, d] = counts.each_ref().map(|n| n.load(Ordering::Relaxed));
            println!("{minute:6}  {:10}  {a:12}  {b:14}  {c:15}  {d:17}", memory[memory.len() - 1]);
        }
    });
    let third = memory.len() / 3;
    let (before, last) = (median(&memory[third..2 * third]), median(&memory[2 * third..]));
    println!("median of the second third {before} KiB, of the last {last} KiB");
    assert!(last <= before + before / 20 + 2_048, "the broker's memory grows");
    assert!(counts.iter().all(|n| n.load(Ordering::Relaxed) > 0), "a part of the load did nothing");
}

/// Resident memory of a process, KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("log_level", "2");
    config
}

fn create(brokers: &str, topic: &str, policy: &str) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let topic = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1))
        .set("cleanup.policy", policy)
        .set("segment.bytes", "1048576")
        .set("segment.ms", "10000")
        .set("delete.retention.ms", "1000")
        .set("retention.bytes", "4194304");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(admin.create_topics(&[topic], &AdminOptions::new())).unwrap().remove(0).unwrap();
}

/// Sends a record, waiting for room; then as long as the rate demands.
fn send(producer: &BaseProducer, topic: &str, count: u64, rate: u64, began: Instant) {
    let (key, value) = (format!("k{}", count % 1_000), format!("{count:0>500}"));
    loop {
        let partition = (count % PARTITIONS.unsigned_abs() as u64) as i32;
        match producer.send(BaseRecord::to(topic).partition(partition).key(&key).payload(&value)) {
            Ok(()) => break,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(10));
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
    let due = began + Duration::from_millis(1_000 * count / rate);
    producer.poll(due.saturating_duration_since(Instant::now()));
}

/// Each life is a new client with a new producer id.
fn idempotent(brokers: &str, topic: &str, rate: u64, end: Instant, count: &AtomicU64) {
    while Instant::now() < end {
        let producer: BaseProducer =
            client(brokers).set("enable.idempotence", "true").set("compression.type", "lz4").create().unwrap();
        let began = Instant::now();
        for n in 1..=LIFE {
            send(&producer, topic, n, rate, began);
            count.fetch_add(1, Ordering::Relaxed);
            if Instant::now() > end {
                break;
            }
        }
        producer.flush(WAIT).unwrap();
    }
}

fn transactional(brokers: &str, rate: u64, end: Instant, count: &AtomicU64) {
    while Instant::now() < end {
        let producer: BaseProducer = client(brokers).set("transactional.id", "soak").create().unwrap();
        producer.init_transactions(WAIT).unwrap();
        let began = Instant::now();
        for n in 1..=LIFE / TRANSACTION {
            producer.begin_transaction().unwrap();
            for m in 0..TRANSACTION {
                send(&producer, "transactions", (n - 1) * TRANSACTION + m, rate, began);
            }
            producer.flush(WAIT).unwrap();
            match n % 5 {
                0 => producer.abort_transaction(WAIT).unwrap(),
                _ => producer.commit_transaction(WAIT).unwrap(),
            }
            count.fetch_add(TRANSACTION, Ordering::Relaxed);
            if Instant::now() > end {
                break;
            }
        }
    }
}

/// A member of a group that commits what it reads, leaves, and comes again.
fn group(brokers: &str, end: Instant, count: &AtomicU64) {
    while Instant::now() < end {
        let member: BaseConsumer = client(brokers)
            .set("group.id", "soak")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        member.subscribe(&["deleted", "compacted", "transactions"]).unwrap();
        for n in 1..=LIFE {
            if let Some(Ok(message)) = member.poll(Duration::from_millis(100)) {
                count.fetch_add(1, Ordering::Relaxed);
                if n % 500 == 0 {
                    let _ = member.commit_message(&message, CommitMode::Async); // refused in a rebalance
                }
            }
            if Instant::now() > end {
                break;
            }
        }
    }
}
