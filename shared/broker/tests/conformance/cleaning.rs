//! Compaction and retention at run time. Apache Kafka does both minutes later, unless it is configured to hurry, as the
//! fixture's is (`log.cleaner.backoff.ms`, `log.retention.check.interval.ms`).

use crate::clients::{WAIT, drain, flush, send, unique, until};
use crate::cluster::Cluster;
use rdkafka::producer::Producer;
use std::collections::BTreeMap;

#[test]
fn a_compacted_topic_keeps_the_newest_of_each_key() {
    let mut cluster = Cluster::any();
    let config = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("segment.ms", "1000"),
        ("message.timestamp.type", "LogAppendTime"),
    ];
    for codec in ["none", "snappy", "zstd"] {
        let topic = cluster.topic("compacted", 1, &config);
        let id = unique("id");
        let producer = cluster.transactional(&id, 60_000);
        for n in 0..1_000 {
            if n % 100 == 0 {
                producer.begin_transaction().unwrap();
            }
            send(&producer, &topic, 0, Some(&format!("k{}", n % 20)), Some(&n.to_string()));
            if n % 100 == 99 {
                drain(&producer);
                match n {
                    999 => producer.abort_transaction(WAIT).unwrap(),
                    _ => producer.commit_transaction(WAIT).unwrap(),
                }
            }
        }
        let other = cluster.producer(&[("compression.type", codec)]);
        for n in 0..400 {
            let value = (n != 399).then_some("x".repeat(300));
            send(&other, &topic, 0, Some(&format!("other{}", n % 10)), value.as_deref());
        }
        flush(&other);
        let read = |cluster: &Cluster| cluster.read(&topic, "read_committed");
        until(2 * WAIT, "compacted", || {
            send(&other, &topic, 0, Some("tick"), Some("t")); // closes the segment before it
            flush(&other);
            read(&cluster).len() < 60
        });
        let check = |cluster: &Cluster| {
            let read = read(cluster);
            assert!(read.windows(2).all(|pair| pair[0].offset < pair[1].offset));
            let newest: BTreeMap<_, _> =
                read.into_iter().map(|r| (String::from_utf8(r.key.unwrap()).unwrap(), r.value)).collect();
            assert_eq!(newest.len(), 31, "{newest:?}");
            for n in 0..20 {
                assert_eq!(newest[&format!("k{n}")], Some((880 + n).to_string()), "{codec}");
            }
            assert_eq!(newest["other9"], None, "the tombstone stays for a day");
        };
        check(&cluster);
        if cluster.is_embedded() {
            cluster.restart();
            check(&cluster);
        }
        // The old producers go on: the broker still knows their sequence numbers.
        send(&other, &topic, 0, Some("tick"), Some("on"));
        flush(&other);
        producer.begin_transaction().unwrap();
        send(&producer, &topic, 0, Some("k0"), Some("on"));
        drain(&producer);
        producer.commit_transaction(WAIT).unwrap();
        assert_eq!(cluster.values(&topic, "read_committed").last().unwrap(), "on");
    }
}

#[test]
fn retention_deletes_old_segments() {
    let cluster = Cluster::any();
    // Apache Kafka allows no smaller segments (KIP-1030)
    let config = [("retention.ms", "8000"), ("segment.bytes", "1048576")];
    let topic = cluster.topic("retention", 1, &config);
    let producer = cluster.producer(&[]);
    for n in 0..500 {
        send(&producer, &topic, 0, None, Some(&format!("{n:6000}")));
    }
    flush(&producer);
    assert_eq!(cluster.values(&topic, "read_committed").len(), 500);
    until(WAIT, "all gone", || cluster.admin().inner().fetch_watermarks(&topic, 0, WAIT).unwrap() == (500, 500));
    send(&producer, &topic, 0, None, Some("new"));
    flush(&producer);
    assert_eq!(cluster.values(&topic, "read_committed"), ["new"]);
}
