//! Committed offsets: OffsetCommit, OffsetFetch and OffsetDelete.
//!
//! Promise: a commit that was acknowledged is in the store, with its metadata. Offsets that wait for their
//! transaction are told as unstable to who asks for stable ones (KIP-447).

use crate::node::Node;
use crate::store::{Content, Entry, Offset, Phase};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse, TopicName,
};
use std::collections::BTreeMap;

/// Bytes of metadata beside an offset (`offset.metadata.max.bytes`).
pub const MOST_METADATA: usize = 4_096;

impl Node {
    pub fn commit_offsets(&self, request: OffsetCommitRequest) -> OffsetCommitResponse {
        let group = request.group_id.to_string();
        let mut groups = self.groups();
        let instance = request.group_instance_id.as_deref();
        let generation = request.generation_id_or_member_epoch;
        let mut allowed = groups.check(&group, &request.member_id, instance, generation);
        if allowed.is_ok() && groups.is_completing(&group) {
            allowed = Err(ResponseError::RebalanceInProgress);
        }
        let mut entries = Vec::new();
        let mut topics = Vec::new();
        for topic in request.topics {
            let mut partitions = Vec::new();
            for partition in topic.partitions {
                let index = partition.partition_index;
                let metadata = partition.committed_metadata.map(|m| m.to_string()).unwrap_or_default();
                let result = allowed.and_then(|()| {
                    self.topics.partition(&topic.name, index)?;
                    if metadata.len() > MOST_METADATA {
                        return Err(ResponseError::OffsetMetadataTooLarge);
                    }
                    entries.push(Entry::Offset(Offset {
                        group: group.clone(),
                        topic: topic.name.to_string(),
                        partition: index,
                        offset: partition.committed_offset,
                        leader_epoch: Some(partition.committed_leader_epoch).filter(|epoch| *epoch >= 0),
                        metadata,
                    }));
                    Ok(())
                });
                partitions.push(
                    OffsetCommitResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(result.map_or_else(|error| error.code(), |()| 0)),
                );
            }
            topics.push(OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions));
        }
        if !entries.is_empty() && self.store().record(entries).is_err() {
            let failed = ResponseError::CoordinatorNotAvailable.code();
            let partitions = topics.iter_mut().flat_map(|t| &mut t.partitions);
            partitions.filter(|p| p.error_code == 0).for_each(|p| p.error_code = failed);
        }
        OffsetCommitResponse::default().with_topics(topics)
    }

    pub fn fetch_offsets(&self, request: OffsetFetchRequest) -> OffsetFetchResponse {
        let group = request.group_id.to_string();
        let store = self.store();
        let content = store.content();
        let committed = content.offsets.get(&group);
        let wanted: Vec<(String, Vec<i32>)> = match request.topics {
            Some(topics) => topics.into_iter().map(|t| (t.name.to_string(), t.partition_indexes)).collect(),
            None => {
                let mut all = BTreeMap::<String, Vec<i32>>::new();
                for (topic, partition) in committed.into_iter().flat_map(BTreeMap::keys) {
                    all.entry(topic.clone()).or_default().push(*partition);
                }
                all.into_iter().collect()
            }
        };
        let answer = |topic: &str, index: i32| {
            let response = OffsetFetchResponsePartition::default()
                .with_partition_index(index)
                .with_committed_offset(-1)
                .with_committed_leader_epoch(-1)
                .with_metadata(Some("".into()));
            if request.require_stable && is_pending(content, &group, topic, index) {
                return response.with_error_code(ResponseError::UnstableOffsetCommit.code());
            }
            match committed.and_then(|c| c.get(&(topic.to_owned(), index))) {
                None => response,
                Some(offset) => response
                    .with_committed_offset(offset.offset)
                    .with_committed_leader_epoch(offset.leader_epoch.unwrap_or(-1))
                    .with_metadata(Some(offset.metadata.clone().into())),
            }
        };
        let topics = wanted.into_iter().map(|(topic, indexes)| {
            OffsetFetchResponseTopic::default()
                .with_partitions(indexes.into_iter().map(|index| answer(&topic, index)).collect())
                .with_name(TopicName(topic.into()))
        });
        OffsetFetchResponse::default().with_topics(topics.collect())
    }

    /// Forgets offsets of topics that no member reads (KIP-496).
    pub fn delete_offsets(&self, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
        let group = request.group_id.to_string();
        let groups = self.groups();
        let mut store = self.store();
        let response = OffsetDeleteResponse::default();
        if !groups.exists(&group) && !store.content().offsets.contains_key(&group) {
            return response.with_error_code(ResponseError::GroupIdNotFound.code());
        }
        let topics = request.topics.into_iter().map(|topic| {
            let read = groups.reads(&group, &topic.name);
            let mut delete = |partition: i32| {
                self.topics.partition(&topic.name, partition)?;
                if read {
                    return Err(ResponseError::GroupSubscribedToTopic);
                }
                let (group, topic) = (group.clone(), topic.name.to_string());
                let recorded = store.record(vec![Entry::OffsetDeleted { group, topic, partition }]);
                recorded.map_err(|_| ResponseError::CoordinatorNotAvailable)
            };
            let partitions = topic.partitions.iter().map(|wanted| {
                let deleted = delete(wanted.partition_index);
                OffsetDeleteResponsePartition::default()
                    .with_partition_index(wanted.partition_index)
                    .with_error_code(deleted.map_or_else(|error| error.code(), |()| 0))
            });
            let partitions = partitions.collect();
            OffsetDeleteResponseTopic::default().with_partitions(partitions).with_name(topic.name.clone())
        });
        response.with_topics(topics.collect())
    }
}

/// Whether a transaction that may still commit moves this offset.
fn is_pending(content: &Content, group: &str, topic: &str, partition: i32) -> bool {
    let moves = |o: &Offset| o.group == group && o.topic == topic && o.partition == partition;
    content.transactions.values().any(|transaction| {
        matches!(transaction.phase, Phase::Ongoing | Phase::PrepareCommit) && transaction.offsets.iter().any(moves)
    })
}
