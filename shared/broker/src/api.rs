//! The requests that are served, in which versions, and by what.
//!
//! Promise: a version is advertised only if the conformance suite has had an answer in it.

use crate::log::now;
use crate::node::Node;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, RequestKind, ResponseKind};
use std::ops::RangeInclusive;

/// What is answered: about what Apache Kafka 3.0 knew, which is what clients take it for that conclude from
/// one request's versions to another's. The gaps are ZooKeeper's, replication's, tokens', quotas' and the newer group protocols'.
const SERVED: &[(ApiKey, RangeInclusive<i16>)] = &[
    (ApiKey::Produce, 3..=9),
    (ApiKey::Fetch, 4..=12),
    (ApiKey::ListOffsets, 1..=7),
    (ApiKey::Metadata, 0..=9),
    (ApiKey::OffsetCommit, 2..=8),
    (ApiKey::OffsetFetch, 1..=7),
    (ApiKey::FindCoordinator, 0..=3),
    (ApiKey::JoinGroup, 0..=6),
    (ApiKey::Heartbeat, 0..=4),
    (ApiKey::LeaveGroup, 0..=4),
    (ApiKey::SyncGroup, 0..=5),
    (ApiKey::DescribeGroups, 0..=5),
    (ApiKey::ListGroups, 0..=4),
    (ApiKey::ApiVersions, 0..=4),
    (ApiKey::CreateTopics, 2..=5),
    (ApiKey::DeleteTopics, 1..=5),
    (ApiKey::DeleteRecords, 0..=2),
    (ApiKey::InitProducerId, 0..=4),
    (ApiKey::AddPartitionsToTxn, 0..=3),
    (ApiKey::AddOffsetsToTxn, 0..=3),
    (ApiKey::EndTxn, 0..=3),
    (ApiKey::TxnOffsetCommit, 0..=3),
    (ApiKey::DescribeConfigs, 1..=4),
    (ApiKey::AlterConfigs, 0..=2),
    (ApiKey::CreatePartitions, 0..=3),
    (ApiKey::DeleteGroups, 0..=2),
    (ApiKey::IncrementalAlterConfigs, 0..=1),
    (ApiKey::OffsetDelete, 0..=0),
    (ApiKey::OffsetForLeaderEpoch, 2..=4),
    (ApiKey::DescribeCluster, 0..=1),
    (ApiKey::DescribeLogDirs, 1..=2),
    (ApiKey::DescribeAcls, 1..=2),
    (ApiKey::CreateAcls, 1..=2),
    (ApiKey::DeleteAcls, 1..=2),
];

/// Whether a request can be answered.
pub fn serves(api: ApiKey, version: i16) -> bool {
    SERVED.iter().any(|(served, versions)| *served == api && versions.contains(&version))
}

/// The table, as clients ask for it; with an error for one that asked in a version of the future (KIP-511).
pub fn versions(error: Option<ResponseError>) -> ApiVersionsResponse {
    let keys = SERVED.iter().map(|(api, versions)| {
        let lowest = match api {
            // librdkafka doesn't compress for a broker that doesn't list version 0; Apache Kafka 4, which has
            // dropped it as well, lists it for the same reason (KAFKA-18659).
            ApiKey::Produce => 0,
            _ => *versions.start(),
        };
        ApiVersion::default().with_api_key(*api as i16).with_min_version(lowest).with_max_version(*versions.end())
    });
    ApiVersionsResponse::default()
        .with_error_code(error.map_or(0, |e| e.code()))
        .with_api_keys(keys.collect())
        .with_finalized_features_epoch(-1)
}

/// Answers a request; `None` for one that isn't served.
pub async fn handle(node: &Node, request: RequestKind, version: i16, client: String) -> Option<ResponseKind> {
    use RequestKind as Ask;
    use ResponseKind as Say;
    Some(match request {
        Ask::Produce(r) => Say::Produce(node.produce(r)),
        Ask::Fetch(r) => Say::Fetch(node.fetch(r).await),
        Ask::ListOffsets(r) => Say::ListOffsets(node.list_offsets(r, version)),
        Ask::Metadata(r) => Say::Metadata(node.metadata(&r, version)),
        Ask::OffsetCommit(r) => Say::OffsetCommit(node.commit_offsets(r)),
        Ask::OffsetFetch(r) => Say::OffsetFetch(node.fetch_offsets(r)),
        Ask::FindCoordinator(_) => Say::FindCoordinator(node.find_coordinator()),
        Ask::JoinGroup(r) => Say::JoinGroup(node.join_group(r, version, client).await),
        Ask::Heartbeat(r) => Say::Heartbeat(node.heartbeat(&r)),
        Ask::LeaveGroup(r) => Say::LeaveGroup(node.leave_group(r, version)),
        Ask::SyncGroup(r) => Say::SyncGroup(node.sync_group(r).await),
        Ask::DescribeGroups(r) => Say::DescribeGroups(node.describe_groups(r)),
        Ask::ListGroups(r) => Say::ListGroups(node.list_groups(&r)),
        Ask::DeleteGroups(r) => Say::DeleteGroups(node.delete_groups(r)),
        Ask::ApiVersions(_) => Say::ApiVersions(versions(None)),
        Ask::CreateTopics(r) => Say::CreateTopics(node.create_topics(r)),
        Ask::DeleteTopics(r) => Say::DeleteTopics(node.delete_topics(r)),
        Ask::DeleteRecords(r) => Say::DeleteRecords(node.delete_records(r)),
        Ask::InitProducerId(r) => Say::InitProducerId(node.init_producer_id(&r, now())),
        Ask::AddPartitionsToTxn(r) => Say::AddPartitionsToTxn(node.add_partitions(r, now())),
        Ask::AddOffsetsToTxn(r) => Say::AddOffsetsToTxn(node.add_offsets(&r, now())),
        Ask::EndTxn(r) => Say::EndTxn(node.end_transaction(&r)),
        Ask::TxnOffsetCommit(r) => Say::TxnOffsetCommit(node.commit_offsets_in_transaction(r)),
        Ask::DescribeConfigs(r) => Say::DescribeConfigs(node.describe_configs(r)),
        Ask::AlterConfigs(r) => Say::AlterConfigs(node.alter_configs(r)),
        Ask::IncrementalAlterConfigs(r) => Say::IncrementalAlterConfigs(node.change_configs(r)),
        Ask::CreatePartitions(r) => Say::CreatePartitions(node.create_partitions(r)),
        Ask::OffsetDelete(r) => Say::OffsetDelete(node.delete_offsets(r)),
        Ask::OffsetForLeaderEpoch(r) => Say::OffsetForLeaderEpoch(node.epoch_ends(r)),
        Ask::DescribeCluster(_) => Say::DescribeCluster(node.describe_cluster()),
        Ask::DescribeLogDirs(r) => Say::DescribeLogDirs(node.describe_log_dirs(&r)),
        Ask::DescribeAcls(_) => Say::DescribeAcls(node.describe_acls()),
        Ask::CreateAcls(r) => Say::CreateAcls(node.create_acls(&r)),
        Ask::DeleteAcls(r) => Say::DeleteAcls(node.delete_acls(&r)),
        _ => return None,
    })
}
