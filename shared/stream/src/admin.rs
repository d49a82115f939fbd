//! Topics as the registry wants them: created, checked, compared. Never altered behind an operator's back.

use crate::{
    Error, Kafka, Stop,
    kafka::CALL,
    listener::{self, Listener},
};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    types::RDKafkaErrorCode as Code,
};
use std::{collections::BTreeMap, time::Duration};
use tidings_model::{
    Topic,
    topic::{self, Partitions},
};

/// Waits for the brokers, creates missing topics where that is allowed, and checks the rest.
pub fn ensure(kafka: &Kafka, stop: &Stop) -> Result<(), Error> {
    let found = loop {
        match partitions(kafka) {
            Ok(found) => break found,
            Err(error) => {
                tracing::warn!(brokers = kafka.brokers(), %error, "kafka can't be reached; trying again");
                if stop.wait(Duration::from_secs(2)) {
                    return Err(Error::Stopped);
                }
            }
        }
    };
    let missing: Vec<&Topic> = topic::ALL.into_iter().filter(|topic| !found.contains_key(&kafka.name(topic))).collect();
    if missing.is_empty() {
        return check(kafka, &found);
    }
    if !kafka.config().create_topics {
        let names: Vec<String> = missing.iter().map(|topic| kafka.name(topic)).collect();
        let names = names.join(", ");
        return Err(Error::Topics(format!(
            "topics are missing: {names}; run `tidings topics create`, or set kafka.create_topics"
        )));
    }
    create(kafka)?;
    loop {
        let found = partitions(kafka)?;
        if topic::ALL.into_iter().all(|topic| found.contains_key(&kafka.name(topic))) {
            return check(kafka, &found);
        }
        if stop.wait(Duration::from_millis(100)) {
            return Err(Error::Stopped);
        }
    }
}

/// Creates the topics that are missing; returns their names.
pub fn create(kafka: &Kafka) -> Result<Vec<String>, Error> {
    let client: AdminClient<DefaultClientContext> = kafka.client().create().map_err(|error| kafka.error(error))?;
    let names: Vec<String> = topic::ALL.into_iter().map(|topic| kafka.name(topic)).collect();
    let configs: Vec<Vec<(&str, String)>> = topic::ALL.into_iter().map(|topic| config(kafka, topic)).collect();
    let wanted: Vec<NewTopic<'_>> = topic::ALL
        .into_iter()
        .zip(&names)
        .zip(&configs)
        .map(|((topic, name), config)| {
            let replication = TopicReplication::Fixed(kafka.config().replication.unwrap_or(-1));
            let new = NewTopic::new(name, count(kafka, topic), replication);
            config.iter().fold(new, |new, (key, value)| new.set(key, value))
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL));
    let results = pollster::block_on(client.create_topics(&wanted, &options)).map_err(|error| kafka.error(error))?;
    let mut created = Vec::new();
    for result in results {
        match result {
            Ok(name) => created.push(name),
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(Error::Topics(format!("topic {name} can't be created: {code}"))),
        }
    }
    Ok(created)
}

/// What differs from the registry, one line each; empty where all is as it should be.
pub fn diff(kafka: &Kafka) -> Result<Vec<String>, Error> {
    let found = partitions(kafka)?;
    let client: AdminClient<DefaultClientContext> = kafka.client().create().map_err(|error| kafka.error(error))?;
    let mut lines = Vec::new();
    for topic in topic::ALL {
        let name = kafka.name(topic);
        let Some(partitions) = found.get(&name) else {
            lines.push(format!("{name}: missing"));
            continue;
        };
        if *partitions != count(kafka, topic) {
            lines.push(format!("{name}: {partitions} partitions, {} configured", count(kafka, topic)));
        }
        let resource = ResourceSpecifier::Topic(&name);
        let options = AdminOptions::new();
        let described = client.describe_configs([&resource], &options);
        let described = pollster::block_on(described).map_err(|error| kafka.error(error))?;
        let resource = described.into_iter().next().and_then(Result::ok);
        let actual = resource.map(|resource| {
            resource.entry_map().into_iter().map(|(k, v)| (k.to_owned(), v.value.clone())).collect::<BTreeMap<_, _>>()
        });
        for (key, wanted) in config(kafka, topic) {
            let found = actual.as_ref().and_then(|actual| actual.get(key)?.clone()).unwrap_or_default();
            let same = found == wanted
                || (key == "cleanup.policy"
                    && found.contains("compact")
                    && found.contains("delete")
                    && wanted.contains(','));
            if !same {
                lines.push(format!("{name}: {key} is {found:?}, should be {wanted:?}"));
            }
        }
    }
    Ok(lines)
}

/// What every topic must satisfy for the stages to be right.
fn check(kafka: &Kafka, found: &BTreeMap<String, i32>) -> Result<(), Error> {
    let count = |topic: &Topic| found.get(&kafka.name(topic)).copied().unwrap_or(0);
    for topic in topic::ALL {
        if topic.partitions == Partitions::One && count(topic) != 1 {
            let name = kafka.name(topic);
            return Err(Error::Topics(format!("topic {name} has {} partitions; it must have one", count(topic))));
        }
    }
    // fetch owns a partition of feeds and writes its state and status to the same one
    for topic in [&topic::FEEDS_STATUS, &topic::FETCH_STATE] {
        if count(topic) != count(&topic::FEEDS) {
            let (name, feeds) = (kafka.name(topic), kafka.name(&topic::FEEDS));
            return Err(Error::Topics(format!("topics {name} and {feeds} must have the same number of partitions")));
        }
    }
    Ok(())
}

fn partitions(kafka: &Kafka) -> Result<BTreeMap<String, i32>, Error> {
    let consumer: BaseConsumer<Listener> =
        kafka.client().create_with_context(Listener).map_err(|error| kafka.error(error))?;
    let metadata = consumer.fetch_metadata(None, CALL).map_err(|error| {
        listener::ask(&consumer);
        kafka.error(error)
    })?;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
}

fn count(kafka: &Kafka, topic: &Topic) -> i32 {
    match topic.partitions {
        Partitions::One => 1,
        Partitions::Many => kafka.config().partitions.unwrap_or(12),
    }
}

fn config(kafka: &Kafka, topic: &Topic) -> Vec<(&'static str, String)> {
    let mut config = topic.config();
    if kafka.config().replication.is_some_and(|replication| replication >= 3) {
        config.push(("min.insync.replicas", "2".to_owned()));
    }
    config
}
