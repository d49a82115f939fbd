//! Consumer groups of the classic protocol.

use crate::clients::{Sender, WAIT, flush, options, poll, send, unique, until, wait};
use crate::cluster::{Cluster, process};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn numbers(producer: &Sender, topic: &str, range: std::ops::Range<usize>) {
    for n in range {
        send(producer, topic, (n % 4) as i32, None, Some(&n.to_string()));
    }
    flush(producer);
}

/// Polls members, committing what they read, until `done`; counts how often each number was read.
fn work(
    members: &[&BaseConsumer],
    seen: &mut BTreeMap<String, usize>,
    what: &str,
    done: impl Fn(&[usize], usize) -> bool,
) {
    until(3 * WAIT, what, || {
        for member in members {
            if let Some(message) = member.poll(Duration::from_millis(20)) {
                let message = message.unwrap();
                let value = String::from_utf8_lossy(rdkafka::Message::payload(&message).unwrap());
                *seen.entry(value.into_owned()).or_default() += 1;
                let _ = member.commit_message(&message, CommitMode::Async); // refused in a rebalance
            }
        }
        let owned: Vec<_> = members.iter().map(|m| m.assignment().unwrap().count()).collect();
        done(&owned, seen.len())
    });
}

/// Partitions are shared when a member comes and taken over when it leaves; nothing is missed.
fn shared(strategy: &str) {
    let cluster = Cluster::any();
    let topic = cluster.topic(strategy, 4, &[]);
    let group = unique("g");
    let producer = cluster.producer(&[]);
    let member = || {
        let settings = [("partition.assignment.strategy", strategy)];
        let member = cluster.consumer(&group, &settings);
        member.subscribe(&[&topic]).unwrap();
        member
    };
    let mut seen = BTreeMap::new();
    numbers(&producer, &topic, 0..400);
    let first = member();
    work(&[&first], &mut seen, "one member has all", |owned, seen| owned == [4] && seen == 400);
    let second = member();
    work(&[&first, &second], &mut seen, "two members share", |owned, _| owned == [2, 2]);
    numbers(&producer, &topic, 400..800);
    work(&[&first, &second], &mut seen, "both read", |_, seen| seen == 800);
    let _ = first.commit_consumer_state(CommitMode::Sync); // an error, if all is committed already
    drop(first);
    numbers(&producer, &topic, 800..1_200);
    work(&[&second], &mut seen, "one took over", |owned, seen| owned == [4] && seen == 1_200);
    let again = seen.values().filter(|count| **count > 1).count();
    assert!(again < 20, "{again} were read again: more than what a rebalance may repeat");
}

#[test]
fn range() {
    shared("range");
}

#[test]
fn cooperative_sticky() {
    shared("cooperative-sticky");
}

#[test]
fn a_dead_members_partitions_are_taken_over_after_its_session() {
    let cluster = Cluster::any();
    let topic = cluster.topic("takeover", 2, &[]);
    let group = unique("g");
    let variables = [("MEMBER_BROKERS", cluster.brokers.as_str()), ("MEMBER_TOPIC", &topic), ("MEMBER_GROUP", &group)];
    let mut doomed = process("groups::member", &variables);
    let survivor = cluster.consumer(&group, &[]);
    survivor.subscribe(&[&topic]).unwrap();
    let owns = |count| {
        survivor.poll(Duration::from_millis(50));
        survivor.assignment().unwrap().count() == count
    };
    until(WAIT, "it has all", || owns(2));
    until(WAIT, "they share", || owns(1));
    doomed.kill().unwrap(); // SIGKILL: it says no good-bye
    doomed.wait().unwrap();
    let died = Instant::now();
    until(WAIT, "the survivor has all", || owns(2));
    assert!(died.elapsed() > Duration::from_secs(3), "its session was still alive");
}

/// Not a test: a member in a process of its own.
#[test]
#[ignore = "run by a_dead_members_partitions_are_taken_over_after_its_session"]
fn member() {
    let Ok(brokers) = std::env::var("MEMBER_BROKERS") else {
        return;
    };
    // Later than the survivor, so that the group is there when it joins.
    std::thread::sleep(Duration::from_secs(1));
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("session.timeout.ms", "6000");
    config.set("group.id", std::env::var("MEMBER_GROUP").unwrap());
    let member: BaseConsumer = config.create().unwrap();
    member.subscribe(&[&std::env::var("MEMBER_TOPIC").unwrap()]).unwrap();
    for _ in 0..600 {
        member.poll(Duration::from_millis(100));
    }
}

#[test]
fn a_static_member_comes_back_at_once() {
    let cluster = Cluster::any();
    let topic = cluster.topic("static", 2, &[]);
    let group = unique("g");
    let member = || {
        let settings = [("group.instance.id", "i1"), ("session.timeout.ms", "30000")];
        let member = cluster.consumer(&group, &settings);
        member.subscribe(&[&topic]).unwrap();
        until(WAIT, "it is assigned", || {
            member.poll(Duration::from_millis(50));
            member.assignment().unwrap().count() == 2
        });
        member
    };
    drop(member());
    member(); // within `WAIT`, half of the session timeout
}

#[test]
fn a_group_goes_on_where_it_committed() {
    let cluster = Cluster::any();
    let topic = cluster.topic("commit", 4, &[]);
    let group = unique("g");
    let producer = cluster.producer(&[]);
    for n in 0..100 {
        send(&producer, &topic, 0, None, Some(&n.to_string()));
    }
    flush(&producer);
    let consumer = cluster.consumer(&group, &[]);
    consumer.subscribe(&[&topic]).unwrap();
    let read = poll(&consumer, 50);
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(&topic, 0, Offset::Offset(read[49].offset + 1)).unwrap();
    places.find_partition(&topic, 0).unwrap().set_metadata("a note");
    consumer.commit(&places, CommitMode::Sync).unwrap();
    let listed = consumer.fetch_group_list(Some(&group), WAIT).unwrap();
    let described = &listed.groups()[0];
    assert_eq!((described.state(), described.members().len()), ("Stable", 1));
    drop(consumer);
    assert_eq!(cluster.committed(&group, &topic), (Offset::Offset(50), "a note".to_owned()));
    let consumer = cluster.consumer(&group, &[]);
    consumer.subscribe(&[&topic]).unwrap();
    assert_eq!(poll(&consumer, 1)[0].offset, 50);
    drop(consumer);
    let deleted = wait(cluster.admin().delete_groups(&[&group], &options())).unwrap();
    assert_eq!(deleted, [Ok(group.clone())]);
    assert_eq!(cluster.committed(&group, &topic).0, Offset::Invalid);
}
