//! Records come back as they were sent.

use crate::clients::{Deliveries, WAIT, drain, flush, poll, send, unique};
use crate::cluster::Cluster;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn assigned(cluster: &Cluster, topic: &str, offset: i64) -> BaseConsumer {
    let consumer = cluster.consumer(&unique("reader"), &[]);
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    consumer.assign(&places).unwrap();
    consumer
}

#[test]
fn keys_values_headers_and_times() {
    let cluster = Cluster::any();
    let topic = cluster.topic("records", 1, &[]);
    let producer = cluster.producer(&[]);
    let headers = OwnedHeaders::new()
        .insert(Header { key: "ce_id", value: Some("1:2") })
        .insert(Header { key: "empty", value: None::<&str> });
    let time = 1_679_313_600_123;
    let record = BaseRecord::to(&topic).partition(0).key("k1").payload("v1").timestamp(time);
    producer.send(record.headers(headers)).unwrap();
    send(&producer, &topic, 0, Some("k2"), None);
    send(&producer, &topic, 0, None, Some(""));
    send(&producer, &topic, 0, Some(""), Some("Łódź"));
    flush(&producer);

    let consumer = assigned(&cluster, &topic, 0);
    let first = loop {
        if let Some(message) = consumer.poll(WAIT) {
            break message.unwrap().detach();
        }
    };
    let headers: Vec<_> = first.headers().unwrap().iter().map(|h| (h.key, h.value)).collect();
    assert_eq!(headers, [("ce_id", Some(&b"1:2"[..])), ("empty", None)]);
    assert_eq!(first.timestamp(), Timestamp::CreateTime(time));
    let read: Vec<_> = cluster.read(&topic, "read_committed").into_iter().map(|r| (r.offset, r.key, r.value)).collect();
    let text = |s: &str| Some(s.to_owned());
    let bytes = |s: &str| Some(s.as_bytes().to_vec());
    let wanted =
        [(0, bytes("k1"), text("v1")), (1, bytes("k2"), None), (2, None, text("")), (3, bytes(""), text("Łódź"))];
    assert_eq!(read, wanted);
}

#[test]
fn every_codec() {
    let cluster = Cluster::any();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = cluster.topic(codec, 1, &[]);
        let producer = cluster.producer(&[("compression.type", codec), ("linger.ms", "50")]);
        let value = |n: usize| format!("value {n} {}", "x".repeat(200));
        for n in 0..500 {
            send(&producer, &topic, 0, Some("k"), Some(&value(n)));
        }
        flush(&producer);
        let read = cluster.values(&topic, "read_committed");
        assert!(read.iter().enumerate().all(|(n, v)| *v == value(n)), "{codec}");
        assert_eq!(read.len(), 500, "{codec}");
    }
}

#[test]
fn append_time_where_the_topic_says_so() {
    let cluster = Cluster::any();
    let topic = cluster.topic("append-time", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let before = clock();
    let producer = cluster.producer(&[("compression.type", "zstd")]);
    for n in 0..10 {
        let value = n.to_string();
        let record = BaseRecord::<str, str>::to(&topic).partition(0).payload(&value).timestamp(1_000);
        producer.send(record).unwrap();
    }
    flush(&producer);
    let range = before - 2..=clock() + 2;
    let is_now = |timestamp| matches!(timestamp, Timestamp::LogAppendTime(at) if range.contains(&at));
    let read = cluster.read(&topic, "read_committed");
    assert!(read.len() == 10 && read.iter().all(|r| is_now(r.timestamp)), "{read:?}");
    let arrived = producer.context().arrived.lock().unwrap();
    assert!(arrived.iter().all(|(_, _, at)| is_now(*at)), "told to the producer: {arrived:?}");
}

#[test]
fn a_record_by_its_time() {
    let cluster = Cluster::any();
    let topic = cluster.topic("by-time", 1, &[]);
    let producer = cluster.producer(&[]);
    let origin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 - 60_000;
    for n in 0..10 {
        let record = BaseRecord::<str, str>::to(&topic).partition(0).payload("v");
        producer.send(record.timestamp(origin + n * 10)).unwrap();
    }
    flush(&producer);
    let consumer = cluster.consumer(&unique("g"), &[]);
    for (time, wanted) in
        [(origin + 41, Offset::Offset(5)), (origin - 1, Offset::Offset(0)), (origin + 91, Offset::End)]
    {
        let mut places = TopicPartitionList::new();
        places.add_partition_offset(&topic, 0, Offset::Offset(time)).unwrap();
        let found = consumer.offsets_for_times(places, WAIT).unwrap();
        assert_eq!(found.elements()[0].offset(), wanted);
    }
    assert_eq!(consumer.fetch_watermarks(&topic, 0, WAIT).unwrap(), (0, 10));
}

#[test]
fn an_offset_out_of_range_starts_again_as_configured() {
    let cluster = Cluster::any();
    let topic = cluster.topic("out-of-range", 1, &[]);
    let producer = cluster.producer(&[]);
    for _ in 0..5 {
        send(&producer, &topic, 0, None, Some("v"));
    }
    flush(&producer);
    assert_eq!(poll(&assigned(&cluster, &topic, 9_999), 5)[0].offset, 0);
}

#[test]
fn what_can_not_be_produced_is_told() {
    let cluster = Cluster::any();
    let fails = |settings: &[(&str, &str)], topic: &str, value: &str| {
        let producer = cluster.producer(settings);
        send(&producer, topic, 0, None, Some(value));
        drain(&producer);
        let Deliveries { lost, .. } = &**producer.context();
        lost.lock().unwrap().first().and_then(rdkafka::error::KafkaError::rdkafka_error_code)
    };
    let topic = cluster.topic("small", 1, &[("max.message.bytes", "100000")]);
    let settings = [("message.max.bytes", "8000000")];
    let large = "z".repeat(3_000_000);
    assert_eq!(fails(&settings, &topic, &large), Some(RDKafkaErrorCode::MessageSizeTooLarge));
    let compacted = cluster.topic("keyless", 1, &[("cleanup.policy", "compact")]);
    let error = fails(&[], &compacted, "no key");
    assert_eq!(error, Some(RDKafkaErrorCode::InvalidRecord));
    let missing = unique("missing");
    let error = fails(&[("message.timeout.ms", "3000")], &missing, "v");
    let unknown = [
        RDKafkaErrorCode::UnknownTopic,
        RDKafkaErrorCode::UnknownTopicOrPartition,
        RDKafkaErrorCode::UnknownPartition,
        RDKafkaErrorCode::MessageTimedOut,
    ];
    assert!(error.is_some_and(|e| unknown.contains(&e)), "{error:?}");
    std::thread::sleep(Duration::from_millis(200));
    let metadata = cluster.admin().inner().fetch_metadata(None, WAIT).unwrap();
    assert!(metadata.topics().iter().all(|t| t.name() != missing), "topics are never made by themselves");
}
