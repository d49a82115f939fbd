//! The embedded broker's promise: what was acknowledged survives its death.

use crate::clients::{Undecided, WAIT, at, flush, send, unique, until};
use crate::cluster::{Cluster, config, process};
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::producer::Producer;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use tidings_broker::{Broker, Error};

#[test]
fn topics_records_and_offsets_with_their_notes() {
    let Some(mut cluster) = Cluster::embedded() else {
        return;
    };
    let topic = cluster.topic("restart", 2, &[("retention.ms", "123456789")]);
    let producer = cluster.producer(&[]);
    send(&producer, &topic, 0, Some("k"), Some("before"));
    flush(&producer);
    let group = unique("g");
    let places = at(&topic, 1);
    places.find_partition(&topic, 0).unwrap().set_metadata("a note");
    cluster.consumer(&group, &[]).commit(&places, CommitMode::Sync).unwrap();
    cluster.restart();
    assert_eq!(cluster.committed(&group, &topic), (Offset::Offset(1), "a note".to_owned()));
    send(&producer, &topic, 0, Some("k"), Some("after"));
    flush(&producer);
    assert_eq!(cluster.values(&topic, "read_committed"), ["before", "after"]);
}

/// Once the offsets of an open transaction were lost with the broker: 200 records were read twice.
#[test]
fn an_open_transaction_with_its_offsets() {
    let Some(mut cluster) = Cluster::embedded() else {
        return;
    };
    let Undecided { source, target, group, producer, .. } = Undecided::begin(&cluster);
    cluster.restart();
    assert!(cluster.values(&target, "read_committed").is_empty(), "still open");
    producer.commit_transaction(WAIT).unwrap();
    assert_eq!(cluster.values(&target, "read_committed"), ["out"]);
    assert_eq!(cluster.committed(&group, &source).0, Offset::Offset(1));
}

#[test]
fn a_second_broker_on_the_same_data_and_any_beyond_loopback_are_refused() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = |listen: &str, data: &Path| {
        let listen: SocketAddr = listen.parse().unwrap();
        runtime.block_on(Broker::start(config(listen, data))).err().unwrap()
    };
    let refused = start("127.0.0.1:0", cluster.home());
    assert!(matches!(&refused, Error::Locked(path) if path == cluster.home()), "{refused}");
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = start("0.0.0.0:0", elsewhere.path());
    assert!(matches!(refused, Error::NotLoopback(_)) && refused.to_string().contains("Apache Kafka"));
    let refused = start(&cluster.brokers, elsewhere.path());
    assert!(matches!(refused, Error::Listen { .. }), "{refused}");
}

/// Starts a broker in its own process and waits until it listens.
fn broker_process(data: &Path, port: u16) -> Child {
    let variables = [("BROKER_DATA", data.to_str().unwrap()), ("BROKER_PORT", &port.to_string())];
    let mut child = process("restart::broker", &variables);
    listening(&mut BufReader::new(child.stdout.take().unwrap()).lines());
    child
}

/// Waits for a broker in its own process to listen; its process id.
pub fn listening(output: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    output.find_map(|line| Some(line.unwrap().strip_prefix("listens ")?.to_owned())).expect("the broker starts")
}

/// Not a test: a broker in a process of its own.
#[test]
#[ignore = "run by every_acknowledged_record_survives_kill_9"]
fn broker() {
    let (Ok(data), Ok(port)) = (std::env::var("BROKER_DATA"), std::env::var("BROKER_PORT")) else {
        return;
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let _broker = Broker::start(config(listen, Path::new(&data))).await.unwrap();
        println!("\nlistens {}", std::process::id());
        tokio::time::sleep(Duration::from_secs(120)).await;
    });
}

#[test]
fn every_acknowledged_record_survives_kill_9() {
    // Only to know whether it is the embedded broker's turn, and to have a free port.
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let brokers = cluster.brokers.clone();
    let port = brokers.parse::<SocketAddr>().unwrap().port();
    drop(cluster);
    let home = tempfile::tempdir().unwrap();
    let cluster = Cluster::elsewhere(brokers);
    let mut broker = broker_process(home.path(), port);
    let topic = cluster.topic("killed", 1, &[]);
    let producer = cluster.producer(&[("linger.ms", "1"), ("reconnect.backoff.max.ms", "200")]);
    let mut sent = 0;
    for _ in 0..3 {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            send(&producer, &topic, 0, None, Some(&sent.to_string()));
            sent += 1;
            if producer.in_flight_count() > 2_000 {
                producer.poll(Duration::from_millis(5));
            }
        }
        broker.kill().unwrap();
        broker.wait().unwrap();
        broker = broker_process(home.path(), port);
    }
    until(2 * WAIT, "all arrived", || {
        producer.poll(Duration::from_millis(50));
        producer.in_flight_count() == 0
    });
    flush(&producer);
    let read = cluster.values(&topic, "read_committed");
    assert!(read.iter().enumerate().all(|(n, value)| *value == n.to_string()), "in order");
    assert_eq!(read.len(), sent, "each once");
    let offsets: BTreeSet<_> =
        producer.context().arrived.lock().unwrap().iter().map(|(_, offset, _)| *offset).collect();
    assert_eq!(offsets.len(), sent, "each acknowledged at an offset of its own");
    broker.kill().unwrap();
    broker.wait().unwrap();
}
