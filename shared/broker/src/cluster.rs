//! What there is to say of a cluster of one: where everything is, how large it is, and that nobody guards it.

use crate::node::{ID, Node};
use crate::topics::is_name;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsResponse,
    DescribeClusterResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, FindCoordinatorResponse, MetadataRequest,
    MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

const CLUSTER: StrBytes = StrBytes::from_static_str("tidings-embedded");
const NO_AUTHORIZER: StrBytes = StrBytes::from_static_str("the embedded broker has no ACLs: it is on loopback only");

impl Node {
    /// Where the only coordinator of everything is.
    fn endpoint(&self) -> (BrokerId, StrBytes, i32) {
        (ID, self.address.ip().to_string().into(), i32::from(self.address.port()))
    }

    pub fn metadata(&self, request: &MetadataRequest, version: i16) -> MetadataResponse {
        if let Some(count) = self.auto_create.filter(|_| request.allow_auto_topic_creation) {
            let names = request.topics.iter().flatten().filter_map(|t| t.name.as_ref());
            names.for_each(|name| self.make_if_missing(name, count));
        }
        let topics = self.topics.read();
        let describe = |name: &str| {
            let response = MetadataResponseTopic::default()
                .with_name(Some(TopicName(name.to_owned().into())))
                .with_topic_authorized_operations(i32::MIN);
            let Some(topic) = topics.get(name) else {
                let error = match is_name(name) {
                    true => ResponseError::UnknownTopicOrPartition,
                    false => ResponseError::InvalidTopicException,
                };
                return response.with_error_code(error.code());
            };
            let partitions = (0i32..).zip(&topic.partitions).map(|(index, _)| {
                MetadataResponsePartition::default()
                    .with_partition_index(index)
                    .with_leader_id(ID)
                    .with_leader_epoch(if version >= 7 { 0 } else { -1 })
                    .with_replica_nodes(vec![ID])
                    .with_isr_nodes(vec![ID])
            });
            response.with_partitions(partitions.collect())
        };
        let described = match &request.topics {
            Some(names) if !(names.is_empty() && version == 0) => {
                names.iter().map(|t| describe(t.name.as_ref().map_or("", |name| name.as_str()))).collect()
            }
            _ => topics.keys().map(|name| describe(name)).collect(),
        };
        let (id, host, port) = self.endpoint();
        MetadataResponse::default()
            .with_brokers(vec![MetadataResponseBroker::default().with_node_id(id).with_host(host).with_port(port)])
            .with_cluster_id(Some(CLUSTER))
            .with_controller_id(ID)
            .with_topics(described)
            .with_cluster_authorized_operations(i32::MIN)
    }

    /// What can't be made is told as unknown.
    fn make_if_missing(&self, name: &str, count: i32) {
        if !self.topics.read().contains_key(name) {
            let made = self.topics.create(&mut self.store(), name, count, BTreeMap::new(), false);
            tracing::debug!(name, ?made, "topic made because it was asked for");
        }
    }

    pub fn find_coordinator(&self) -> FindCoordinatorResponse {
        let (id, host, port) = self.endpoint();
        FindCoordinatorResponse::default().with_node_id(id).with_host(host).with_port(port)
    }

    pub fn describe_cluster(&self) -> DescribeClusterResponse {
        let (id, host, port) = self.endpoint();
        let broker = DescribeClusterBroker::default().with_broker_id(id).with_host(host).with_port(port);
        DescribeClusterResponse::default().with_cluster_id(CLUSTER).with_controller_id(ID).with_brokers(vec![broker])
    }

    pub fn describe_log_dirs(&self, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        let wanted = |name: &str, index: i32| {
            let mut all = request.topics.iter().flatten();
            request.topics.is_none() || all.any(|t| t.topic.as_str() == name && t.partitions.contains(&index))
        };
        let topics = self.topics.read();
        let described = topics.iter().map(|(name, topic)| {
            let partitions = (0i32..).zip(&topic.partitions).filter(|(index, _)| wanted(name, *index));
            let partitions = partitions.map(|(index, partition)| {
                let size = i64::try_from(partition.log().size()).unwrap_or(i64::MAX);
                DescribeLogDirsPartition::default().with_partition_index(index).with_partition_size(size)
            });
            let name = TopicName(name.clone().into());
            DescribeLogDirsTopic::default().with_name(name).with_partitions(partitions.collect())
        });
        let directory = self.topics.directory().display().to_string();
        let result = DescribeLogDirsResult::default()
            .with_log_dir(directory.into())
            .with_topics(described.filter(|t| !t.partitions.is_empty()).collect());
        DescribeLogDirsResponse::default().with_results(vec![result])
    }

    /// As Apache Kafka answers that has no authorizer.
    pub fn describe_acls(&self) -> DescribeAclsResponse {
        let code = ResponseError::SecurityDisabled.code();
        DescribeAclsResponse::default().with_error_code(code).with_error_message(Some(NO_AUTHORIZER))
    }

    pub fn create_acls(&self, request: &CreateAclsRequest) -> CreateAclsResponse {
        let code = ResponseError::SecurityDisabled.code();
        let refused = AclCreationResult::default().with_error_code(code).with_error_message(Some(NO_AUTHORIZER));
        CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
    }

    pub fn delete_acls(&self, request: &DeleteAclsRequest) -> DeleteAclsResponse {
        let code = ResponseError::SecurityDisabled.code();
        let refused = DeleteAclsFilterResult::default().with_error_code(code).with_error_message(Some(NO_AUTHORIZER));
        DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
    }
}
