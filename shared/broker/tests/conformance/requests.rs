//! One request of each kind.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

fn batch() -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 1_700_000_000_000,
        key: None,
        value: Some("v".into()),
        headers: Default::default(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).unwrap();
    bytes.freeze()
}

/// A request with something in it, so that the answer has, too.
pub fn request(api: ApiKey, version: i16, topic: &str) -> RequestKind {
    use RequestKind as Ask;
    let name = || TopicName(topic.to_owned().into());
    let group = || GroupId("wire".into());
    match api {
        ApiKey::Produce => {
            use produce_request::{PartitionProduceData, TopicProduceData};
            let partition = PartitionProduceData::default().with_records(Some(batch()));
            let data = TopicProduceData::default().with_name(name()).with_partition_data(vec![partition]);
            Ask::Produce(ProduceRequest::default().with_acks(-1).with_topic_data(vec![data]))
        }
        ApiKey::Fetch => {
            use fetch_request::{FetchPartition, FetchTopic};
            let partition = FetchPartition::default().with_partition_max_bytes(1_000);
            let wanted = FetchTopic::default().with_topic(name()).with_partitions(vec![partition]);
            let fetch = FetchRequest::default().with_max_bytes(1_000).with_isolation_level(1);
            Ask::Fetch(fetch.with_topics(vec![wanted]))
        }
        ApiKey::ListOffsets => {
            use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
            let partition = ListOffsetsPartition::default().with_timestamp(-1);
            let wanted = ListOffsetsTopic::default().with_name(name()).with_partitions(vec![partition]);
            Ask::ListOffsets(ListOffsetsRequest::default().with_topics(vec![wanted]))
        }
        ApiKey::Metadata => {
            let wanted = metadata_request::MetadataRequestTopic::default().with_name(Some(name()));
            Ask::Metadata(MetadataRequest::default().with_topics(Some(vec![wanted])))
        }
        ApiKey::OffsetCommit => {
            use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
            let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
            let wanted = OffsetCommitRequestTopic::default().with_name(name()).with_partitions(vec![partition]);
            Ask::OffsetCommit(OffsetCommitRequest::default().with_group_id(group()).with_topics(vec![wanted]))
        }
        ApiKey::OffsetFetch => {
            let wanted = offset_fetch_request::OffsetFetchRequestTopic::default()
                .with_name(name())
                .with_partition_indexes(vec![0]);
            Ask::OffsetFetch(OffsetFetchRequest::default().with_group_id(group()).with_topics(Some(vec![wanted])))
        }
        ApiKey::JoinGroup => {
            let protocol = join_group_request::JoinGroupRequestProtocol::default().with_name("range".into());
            let join = JoinGroupRequest::default()
                .with_group_id(GroupId(format!("wire-{version}").into()))
                .with_session_timeout_ms(6_000)
                .with_protocol_type("consumer".into());
            Ask::JoinGroup(join.with_protocols(vec![protocol]))
        }
        ApiKey::LeaveGroup if version >= 3 => {
            let member = leave_group_request::MemberIdentity::default();
            Ask::LeaveGroup(LeaveGroupRequest::default().with_group_id(group()).with_members(vec![member]))
        }
        ApiKey::DescribeGroups => {
            Ask::DescribeGroups(DescribeGroupsRequest::default().with_groups(vec![GroupId("wire-0".into())]))
        }
        ApiKey::CreateTopics => {
            let new = create_topics_request::CreatableTopic::default()
                .with_name(TopicName(format!("{topic}-{version}").into()))
                .with_num_partitions(1)
                .with_replication_factor(1);
            Ask::CreateTopics(CreateTopicsRequest::default().with_topics(vec![new]))
        }
        ApiKey::DeleteTopics => {
            let gone = TopicName(format!("{topic}-{version}").into());
            Ask::DeleteTopics(DeleteTopicsRequest::default().with_topic_names(vec![gone]))
        }
        ApiKey::DeleteRecords => {
            use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
            let wanted = DeleteRecordsTopic::default()
                .with_name(name())
                .with_partitions(vec![DeleteRecordsPartition::default()]);
            Ask::DeleteRecords(DeleteRecordsRequest::default().with_topics(vec![wanted]))
        }
        ApiKey::InitProducerId => {
            let id = Some(TransactionalId("wire".into()));
            let init = InitProducerIdRequest::default().with_transactional_id(id);
            Ask::InitProducerId(init.with_transaction_timeout_ms(1_000))
        }
        ApiKey::AddPartitionsToTxn => {
            let wanted = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
                .with_name(name())
                .with_partitions(vec![0]);
            let add = AddPartitionsToTxnRequest::default();
            Ask::AddPartitionsToTxn(add.with_v3_and_below_topics(vec![wanted]))
        }
        ApiKey::TxnOffsetCommit => {
            use txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
            let wanted = TxnOffsetCommitRequestTopic::default()
                .with_name(name())
                .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
            Ask::TxnOffsetCommit(TxnOffsetCommitRequest::default().with_topics(vec![wanted]))
        }
        ApiKey::DescribeConfigs => {
            let resource = describe_configs_request::DescribeConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(topic.to_owned().into())
                .with_configuration_keys(None);
            Ask::DescribeConfigs(DescribeConfigsRequest::default().with_resources(vec![resource]))
        }
        ApiKey::AlterConfigs => {
            let resource = alter_configs_request::AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(topic.to_owned().into());
            Ask::AlterConfigs(AlterConfigsRequest::default().with_resources(vec![resource]))
        }
        ApiKey::IncrementalAlterConfigs => {
            use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
            let change = AlterableConfig::default()
                .with_name("cleanup.policy".into())
                .with_config_operation(2) // append
                .with_value(Some("compact".into()));
            let resource = AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(topic.to_owned().into())
                .with_configs(vec![change]);
            let alter = IncrementalAlterConfigsRequest::default();
            Ask::IncrementalAlterConfigs(alter.with_resources(vec![resource]))
        }
        ApiKey::CreatePartitions => {
            let wanted = create_partitions_request::CreatePartitionsTopic::default()
                .with_name(name())
                .with_count(i32::from(version) + 2);
            Ask::CreatePartitions(CreatePartitionsRequest::default().with_topics(vec![wanted]))
        }
        ApiKey::DeleteGroups => Ask::DeleteGroups(DeleteGroupsRequest::default().with_groups_names(vec![group()])),
        ApiKey::FindCoordinator => Ask::FindCoordinator(FindCoordinatorRequest::default().with_key("wire".into())),
        ApiKey::SyncGroup => Ask::SyncGroup(SyncGroupRequest::default().with_group_id(group())),
        ApiKey::Heartbeat => Ask::Heartbeat(HeartbeatRequest::default().with_group_id(group())),
        ApiKey::LeaveGroup => Ask::LeaveGroup(LeaveGroupRequest::default().with_group_id(group())),
        ApiKey::ListGroups => Ask::ListGroups(ListGroupsRequest::default()),
        ApiKey::ApiVersions => Ask::ApiVersions(ApiVersionsRequest::default()),
        ApiKey::AddOffsetsToTxn => Ask::AddOffsetsToTxn(AddOffsetsToTxnRequest::default()),
        ApiKey::EndTxn => Ask::EndTxn(EndTxnRequest::default()),
        ApiKey::OffsetDelete => {
            use offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
            let wanted = OffsetDeleteRequestTopic::default()
                .with_name(name())
                .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
            Ask::OffsetDelete(OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![wanted]))
        }
        ApiKey::OffsetForLeaderEpoch => {
            use offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
            let wanted = OffsetForLeaderTopic::default()
                .with_topic(name())
                .with_partitions(vec![OffsetForLeaderPartition::default()]);
            Ask::OffsetForLeaderEpoch(OffsetForLeaderEpochRequest::default().with_topics(vec![wanted]))
        }
        ApiKey::DescribeCluster => Ask::DescribeCluster(DescribeClusterRequest::default()),
        ApiKey::DescribeLogDirs => Ask::DescribeLogDirs(DescribeLogDirsRequest::default().with_topics(None)),
        ApiKey::DescribeAcls => Ask::DescribeAcls(DescribeAclsRequest::default()),
        ApiKey::CreateAcls => {
            let new = create_acls_request::AclCreation::default();
            Ask::CreateAcls(CreateAclsRequest::default().with_creations(vec![new]))
        }
        ApiKey::DeleteAcls => {
            let filter = delete_acls_request::DeleteAclsFilter::default();
            Ask::DeleteAcls(DeleteAclsRequest::default().with_filters(vec![filter]))
        }
        other => panic!("{other:?} is advertised: say here how to ask for it"),
    }
}
