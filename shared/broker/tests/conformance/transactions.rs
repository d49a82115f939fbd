//! Exactly once: what aborts is never seen, who is fenced never writes, offsets move with the records.

use crate::clients::{Undecided, WAIT, at, drain, flush, send, unique, until};
use crate::cluster::Cluster;
use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer;
use std::time::Duration;

#[test]
fn what_aborts_is_not_seen_and_nothing_passes_an_open_transaction() {
    let cluster = Cluster::any();
    let topic = cluster.topic("transactions", 1, &[]);
    let producer = cluster.transactional(&unique("id"), 60_000);
    for (value, commit) in [("aborted", false), ("committed", true)] {
        producer.begin_transaction().unwrap();
        for _ in 0..5 {
            send(&producer, &topic, 0, None, Some(value));
        }
        drain(&producer);
        match commit {
            true => producer.commit_transaction(WAIT).unwrap(),
            false => producer.abort_transaction(WAIT).unwrap(),
        }
    }
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 0, None, Some("open"));
    drain(&producer);
    let other = cluster.producer(&[]);
    send(&other, &topic, 0, None, Some("behind"));
    flush(&other);
    assert_eq!(cluster.values(&topic, "read_committed"), ["committed"; 5]);
    assert_eq!(cluster.values(&topic, "read_uncommitted").len(), 12);
    producer.commit_transaction(WAIT).unwrap();
    let all = cluster.values(&topic, "read_committed");
    assert_eq!(all[5..], ["open", "behind"]);
}

#[test]
fn offsets_move_with_their_transaction() {
    let cluster = Cluster::any();
    let Undecided { source, target, group, consumer, producer } = Undecided::begin(&cluster);
    producer.abort_transaction(WAIT).unwrap();
    assert_eq!(cluster.committed(&group, &source).0, Offset::Invalid);
    producer.begin_transaction().unwrap();
    send(&producer, &target, 0, None, Some("committed"));
    let member = consumer.group_metadata().unwrap();
    producer.send_offsets_to_transaction(&at(&source, 1), &member, WAIT).unwrap();
    drain(&producer);
    producer.commit_transaction(WAIT).unwrap();
    assert_eq!(cluster.committed(&group, &source).0, Offset::Offset(1));
    assert_eq!(cluster.values(&target, "read_committed"), ["committed"]);
}

#[test]
fn a_zombie_with_the_same_id_is_fenced() {
    let cluster = Cluster::any();
    let topic = cluster.topic("fenced", 1, &[]);
    let id = unique("id");
    let zombie = cluster.transactional(&id, 60_000);
    zombie.begin_transaction().unwrap();
    send(&zombie, &topic, 0, None, Some("zombie"));
    drain(&zombie);
    let heir = cluster.transactional(&id, 60_000);
    heir.begin_transaction().unwrap();
    send(&heir, &topic, 0, None, Some("heir"));
    drain(&heir);
    heir.commit_transaction(WAIT).unwrap();
    send(&zombie, &topic, 0, None, Some("zombie again"));
    drain(&zombie);
    let refused = zombie.commit_transaction(WAIT).unwrap_err();
    assert!(matches!(&refused, KafkaError::Transaction(e) if e.is_fatal()), "{refused:?}");
    assert_eq!(cluster.values(&topic, "read_committed"), ["heir"]);
}

/// KIP-447: offsets of a generation that has passed are refused.
#[test]
fn offsets_of_a_late_generation_are_refused() {
    let cluster = Cluster::any();
    let source = cluster.topic("source", 2, &[]);
    let group = unique("g");
    let join = || {
        let member = cluster.consumer(&group, &[]);
        member.subscribe(&[&source]).unwrap();
        member
    };
    let first = join();
    until(WAIT, "one member has both", || {
        first.poll(Duration::from_millis(50));
        first.assignment().unwrap().count() == 2
    });
    let stale = first.group_metadata().unwrap();
    let second = join();
    until(2 * WAIT, "each has one", || {
        first.poll(Duration::from_millis(20));
        second.poll(Duration::from_millis(20));
        [&first, &second].iter().all(|m| m.assignment().unwrap().count() == 1)
    });
    let producer = cluster.transactional(&unique("id"), 60_000);
    producer.begin_transaction().unwrap();
    let refused = producer.send_offsets_to_transaction(&at(&source, 7), &stale, WAIT).unwrap_err();
    assert!(matches!(&refused, KafkaError::Transaction(e) if e.txn_requires_abort()), "{refused:?}");
    producer.abort_transaction(WAIT).unwrap();
    producer.begin_transaction().unwrap();
    let fresh = first.group_metadata().unwrap();
    producer.send_offsets_to_transaction(&at(&source, 7), &fresh, WAIT).unwrap();
    producer.commit_transaction(WAIT).unwrap();
    assert_eq!(cluster.committed(&group, &source).0, Offset::Offset(7));
}

#[test]
fn a_transaction_out_of_time_is_aborted_and_its_producer_fenced() {
    let cluster = Cluster::any();
    let topic = cluster.topic("late", 1, &[]);
    let producer = cluster.transactional(&unique("id"), 2_000);
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 0, None, Some("late"));
    drain(&producer);
    let other = cluster.producer(&[]);
    send(&other, &topic, 0, None, Some("behind"));
    flush(&other);
    assert!(cluster.values(&topic, "read_committed").is_empty());
    until(cluster.patience(), "the way is free", || cluster.values(&topic, "read_committed") == ["behind"]);
    producer.commit_transaction(WAIT).unwrap_err();
    assert_eq!(cluster.values(&topic, "read_committed"), ["behind"]);
}
