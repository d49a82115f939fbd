//! Throughput, for the docs: `cargo test -p tidings-broker --test conformance -- --ignored --nocapture measure`.

use crate::clients::{WAIT, drain, flush, send, unique};
use crate::cluster::Cluster;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 3;

fn value() -> String {
    (0..1_024).map(|n| char::from(b' ' + (n * 37 % 95) as u8)).collect()
}

fn rate(what: &str, count: usize, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", count as f64 / seconds);
}

#[test]
#[ignore = "measures"]
fn produce_and_consume() {
    let cluster = Cluster::any();
    let topic = cluster.topic("measure", PARTITIONS, &[]);
    let settings = [("linger.ms", "10"), ("queue.buffering.max.kbytes", "65536")];
    let producer = cluster.producer(&settings);
    let (count, value) = (300_000, value());
    let began = Instant::now();
    for n in 0..count {
        send(&producer, &topic, n as i32 % PARTITIONS, Some("key"), Some(&value));
    }
    flush(&producer);
    rate("produce 1 KB, acks=all, idempotent", count, began);
    let consumer = cluster.consumer(&unique("g"), &[("queued.max.messages.kbytes", "65536")]);
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        places.add_partition_offset(&topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&places).unwrap();
    let began = Instant::now();
    let mut read = 0;
    while read < count {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            assert_eq!(message.unwrap().payload_len(), value.len());
            read += 1;
        }
    }
    rate("consume 1 KB", count, began);
}

#[test]
#[ignore = "measures"]
fn transactions() {
    let cluster = Cluster::any();
    let (source, target) = (cluster.topic("in", PARTITIONS, &[]), cluster.topic("out", PARTITIONS, &[]));
    let feeder = cluster.producer(&[("linger.ms", "10")]);
    let (count, batch, value) = (100_000, 500, value());
    for n in 0..count {
        send(&feeder, &source, n as i32 % PARTITIONS, Some("key"), Some(&value));
    }
    flush(&feeder);
    let consumer = cluster.consumer(&unique("g"), &[("isolation.level", "read_committed")]);
    consumer.subscribe(&[&source]).unwrap();
    let id = unique("id");
    let producer = cluster.producer(&[("linger.ms", "1"), ("transactional.id", &id)]);
    producer.init_transactions(WAIT).unwrap();
    let (mut done, mut began, mut places) = (0, None, BTreeMap::new());
    while done < count {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        let message = message.unwrap();
        began.get_or_insert_with(Instant::now);
        if done % batch == 0 {
            producer.begin_transaction().unwrap();
        }
        let value = std::str::from_utf8(message.payload().unwrap()).unwrap();
        send(&producer, &target, message.partition(), Some("key"), Some(value));
        places.insert(message.partition(), message.offset() + 1);
        done += 1;
        if done % batch == 0 {
            let mut offsets = TopicPartitionList::new();
            for (partition, offset) in std::mem::take(&mut places) {
                offsets.add_partition_offset(&source, partition, Offset::Offset(offset)).unwrap();
            }
            drain(&producer);
            let member = consumer.group_metadata().unwrap();
            producer.send_offsets_to_transaction(&offsets, &member, WAIT).unwrap();
            producer.commit_transaction(WAIT).unwrap();
        }
    }
    rate("transactions of 500, consume and produce 1 KB", count, began.unwrap());
}
