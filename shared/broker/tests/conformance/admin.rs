//! Topics and their configuration.

use crate::clients::{WAIT, flush, options, send, unique, until, wait};
use crate::cluster::Cluster;
use rdkafka::admin::{AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

fn setting(cluster: &Cluster, topic: &str, key: &str) -> String {
    let admin = cluster.admin();
    let described = wait(admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &options()));
    let resource = described.unwrap().remove(0).unwrap();
    let entry = resource.entries.into_iter().find(|e| e.name == key).unwrap();
    entry.value.unwrap()
}

fn partitions(cluster: &Cluster, topic: &str) -> usize {
    let metadata = cluster.admin().inner().fetch_metadata(None, WAIT).unwrap();
    metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len())
}

#[test]
fn a_topic_is_made_altered_grown_and_deleted() {
    let cluster = Cluster::any();
    let admin = cluster.admin();
    let topic = cluster.topic("admin", 3, &[("cleanup.policy", "compact")]);
    assert_eq!(partitions(&cluster, &topic), 3);
    assert_eq!(setting(&cluster, &topic, "cleanup.policy"), "compact");
    assert_eq!(setting(&cluster, &topic, "retention.ms"), "604800000", "the default");

    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "1000");
    wait(admin.alter_configs(&[change], &options())).unwrap().remove(0).unwrap();
    until(WAIT, "altered", || setting(&cluster, &topic, "retention.ms") == "1000");
    assert_eq!(setting(&cluster, &topic, "cleanup.policy"), "delete", "AlterConfigs replaces all");

    wait(admin.create_partitions(&[NewPartitions::new(&topic, 5)], &options())).unwrap().remove(0).unwrap();
    until(WAIT, "grown", || partitions(&cluster, &topic) == 5);
    let shrunk = wait(admin.create_partitions(&[NewPartitions::new(&topic, 2)], &options()));
    assert_eq!(shrunk.unwrap().remove(0).unwrap_err().1, RDKafkaErrorCode::InvalidPartitions);

    wait(admin.delete_topics(&[&topic], &options())).unwrap().remove(0).unwrap();
    until(WAIT, "deleted", || partitions(&cluster, &topic) == 0);
    let again = wait(admin.delete_topics(&[&topic], &options())).unwrap();
    assert_eq!(again, [Err((topic, RDKafkaErrorCode::UnknownTopicOrPartition))]);
}

#[test]
fn what_can_not_be_made() {
    let cluster = Cluster::any();
    let there = cluster.topic("there", 1, &[]);
    let fresh = unique("fresh");
    let new = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (topic, wanted) in [
        (new(&there, 1), RDKafkaErrorCode::TopicAlreadyExists),
        (new(&fresh, 1).set("retention.ms", "soon"), RDKafkaErrorCode::InvalidConfig),
        (new(&fresh, 1).set("no.such.key", "1"), RDKafkaErrorCode::InvalidConfig),
        (new("no/such/name", 1), RDKafkaErrorCode::InvalidTopic),
        (NewTopic::new(&fresh, 1, TopicReplication::Fixed(9)), RDKafkaErrorCode::InvalidReplicationFactor),
    ] {
        let refused = wait(cluster.admin().create_topics(&[topic], &options())).unwrap().remove(0);
        assert_eq!(refused.unwrap_err().1, wanted);
    }
}

/// A deleted topic's records don't come back with its name.
#[test]
fn a_topic_made_again_is_empty() {
    let cluster = Cluster::any();
    let topic = cluster.topic("again", 1, &[]);
    let producer = cluster.producer(&[]);
    send(&producer, &topic, 0, None, Some("old"));
    flush(&producer);
    let admin = cluster.admin();
    wait(admin.delete_topics(&[&topic], &options())).unwrap().remove(0).unwrap();
    until(WAIT, "made again", || {
        let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
        wait(admin.create_topics(&[new], &options())).unwrap()[0].is_ok()
    });
    until(WAIT, "served", || partitions(&cluster, &topic) == 1);
    assert!(cluster.values(&topic, "read_uncommitted").is_empty());
}

#[test]
fn records_below_an_offset_are_deleted() {
    let cluster = Cluster::any();
    let topic = cluster.topic("delete-records", 1, &[]);
    let producer = cluster.producer(&[]);
    for n in 0..10 {
        send(&producer, &topic, 0, None, Some(&n.to_string()));
    }
    flush(&producer);
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(&topic, 0, Offset::Offset(6)).unwrap();
    wait(cluster.admin().delete_records(&places, &options())).unwrap();
    let watermarks = cluster.admin().inner().fetch_watermarks(&topic, 0, WAIT).unwrap();
    assert_eq!(watermarks, (6, 10));
    assert_eq!(cluster.values(&topic, "read_committed"), ["6", "7", "8", "9"]);
}
