//! Administration: topics, partitions, records below an offset.

use crate::node::Node;
use crate::topics::Refusal;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// The error code and message of a result.
pub fn told(result: Result<(), Refusal>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(()) => (0, None),
        Err(refusal) => (refusal.code.code(), Some(refusal.message.into())),
    }
}

impl Node {
    pub fn create_topics(&self, request: CreateTopicsRequest) -> CreateTopicsResponse {
        let mut named = BTreeMap::<_, Vec<CreatableTopic>>::new();
        for topic in request.topics {
            named.entry(topic.name.clone()).or_default().push(topic);
        }
        let topics = named.into_values().map(|mut same| {
            let topic = same.remove(0);
            let partitions = match (topic.num_partitions, topic.assignments.len()) {
                (-1, 0) => 1,
                (-1, assigned) => i32::try_from(assigned).unwrap_or(i32::MAX),
                (count, _) => count,
            };
            let created = match same.len() {
                0 => self.create_topic(&topic, partitions, request.validate_only),
                more => Err(Refusal {
                    code: ResponseError::InvalidRequest,
                    message: format!("found {} times in the request, wanted once", more + 1),
                }),
            };
            let (code, message) = told(created);
            CreatableTopicResult::default()
                .with_name(topic.name)
                .with_error_code(code)
                .with_error_message(message)
                .with_num_partitions(partitions)
                .with_replication_factor(1)
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    }

    fn create_topic(&self, topic: &CreatableTopic, partitions: i32, dry: bool) -> Result<(), Refusal> {
        if !matches!(topic.replication_factor, -1 | 1) {
            return Err(Refusal {
                code: ResponseError::InvalidReplicationFactor,
                message: format!("found {}, wanted 1: this broker is a single node", topic.replication_factor),
            });
        }
        let configs = topic.configs.iter();
        let config = configs.filter_map(|c| Some((c.name.to_string(), c.value.as_ref()?.to_string()))).collect();
        self.topics.create(&mut self.store(), &topic.name, partitions, config, dry)
    }

    pub fn delete_topics(&self, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
        let mut store = self.store();
        let responses = request.topic_names.into_iter().map(|name| {
            let (code, message) = told(self.topics.delete(&mut store, &name));
            DeletableTopicResult::default().with_name(Some(name)).with_error_code(code).with_error_message(message)
        });
        let response = DeleteTopicsResponse::default().with_responses(responses.collect());
        self.appended.notify_waiters();
        response
    }

    pub fn create_partitions(&self, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
        let mut store = self.store();
        let results = request.topics.into_iter().map(|topic| {
            let grown = self.topics.grow(&mut store, &topic.name, topic.count, request.validate_only);
            let (code, message) = told(grown);
            CreatePartitionsTopicResult::default()
                .with_name(topic.name)
                .with_error_code(code)
                .with_error_message(message)
        });
        CreatePartitionsResponse::default().with_results(results.collect())
    }

    pub fn delete_records(&self, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|wanted| {
                let response = DeleteRecordsPartitionResult::default().with_partition_index(wanted.partition_index);
                let start = self.delete_before(&topic.name, wanted.partition_index, wanted.offset);
                match start {
                    Ok(start) => response.with_low_watermark(start),
                    Err(error) => response.with_error_code(error.code()).with_low_watermark(-1),
                }
            });
            let partitions = partitions.collect();
            DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions)
        });
        DeleteRecordsResponse::default().with_topics(topics.collect())
    }

    /// Deletes records below an offset, -1 for all; the new start.
    fn delete_before(&self, topic: &str, index: i32, offset: i64) -> Result<i64, ResponseError> {
        let partition = self.topics.partition(topic, index)?;
        let mut log = partition.log();
        let offset = if offset < 0 { log.end() } else { offset };
        if offset > log.end() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        log.advance_start(offset).map_err(|error| {
            tracing::error!(directory = %log.directory().display(), %error, "not deleted");
            ResponseError::KafkaStorageError
        })?;
        Ok(log.start())
    }
}
