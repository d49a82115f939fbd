//! Bytes on the connection: every version that is advertised is answered, and what is no request harms nobody.

use crate::clients::unique;
use crate::cluster::Cluster;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

struct Connection(TcpStream);

impl Connection {
    fn to(cluster: &Cluster) -> Connection {
        let stream = TcpStream::connect(&cluster.brokers).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Connection(stream)
    }

    /// The answer to a request, or why there is none.
    fn ask(&mut self, api: ApiKey, version: i16, request: &RequestKind) -> Result<ResponseKind, String> {
        let mut frame = BytesMut::new();
        let header = RequestHeader::default()
            .with_request_api_key(api as i16)
            .with_request_api_version(version)
            .with_correlation_id(7)
            .with_client_id(Some("wire".into()));
        header.encode(&mut frame, api.request_header_version(version)).unwrap();
        request.encode(&mut frame, version).map_err(|e| format!("not asked: {e}"))?;
        self.0.write_all(&(frame.len() as u32).to_be_bytes()).unwrap();
        self.0.write_all(&frame).unwrap();
        let mut length = [0; 4];
        self.0.read_exact(&mut length).map_err(|e| format!("no answer: {e}"))?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut answer).unwrap();
        let mut answer = Bytes::from(answer);
        let header = ResponseHeader::decode(&mut answer, api.response_header_version(version));
        assert_eq!(header.map_err(|e| e.to_string())?.correlation_id, 7);
        let response = ResponseKind::decode(api, &mut answer, version).map_err(|e| e.to_string())?;
        match answer.remaining() {
            0 => Ok(response),
            left => Err(format!("{left} bytes too many")),
        }
    }

    /// Sends bytes and waits for the broker to close the connection.
    fn closes_after(mut self, bytes: &[u8]) -> bool {
        let _ = self.0.write_all(bytes);
        let mut answer = Vec::new();
        // A reset is a close, too: the broker didn't read what came after the length.
        match self.0.read_to_end(&mut answer) {
            Ok(_) => answer.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

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
fn request(api: ApiKey, version: i16, topic: &str) -> RequestKind {
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
        other => panic!("{other:?} is advertised: say here how to ask for it"),
    }
}

/// Once a field that a version lacks dropped the connection; aiokafka found it.
#[test]
fn every_advertised_version_is_answered() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let topic = cluster.topic("wire", 1, &[]);
    let ask = ApiVersionsRequest::default();
    let table = Connection::to(&cluster).ask(ApiKey::ApiVersions, 0, &RequestKind::ApiVersions(ask));
    let Ok(ResponseKind::ApiVersions(table)) = table else {
        panic!("{table:?}");
    };
    let mut answered = 0;
    for row in table.api_keys {
        let api = ApiKey::try_from(row.api_key).unwrap();
        // Produce 0 to 2 are listed for librdkafka's sake only (KAFKA-18659).
        let lowest = if api == ApiKey::Produce { 3 } else { row.min_version };
        for version in lowest..=row.max_version {
            let request = request(api, version, &topic);
            let response = Connection::to(&cluster).ask(api, version, &request);
            assert!(response.is_ok(), "{api:?} {version}: {response:?}");
            answered += 1;
        }
    }
    assert!(answered > 120, "{answered}");
    let mut connection = Connection::to(&cluster);
    let described = connection.ask(ApiKey::DescribeConfigs, 4, &request(ApiKey::DescribeConfigs, 4, &topic));
    let Ok(ResponseKind::DescribeConfigs(described)) = described else {
        panic!("{described:?}");
    };
    let policy = described.results[0].configs.iter().find(|c| c.name.as_str() == "cleanup.policy");
    assert_eq!(policy.unwrap().value.as_deref(), Some("compact,delete"), "incrementally altered");
}

#[test]
fn a_client_from_the_future_is_told_what_there_is() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let mut frame = BytesMut::new();
    let header = RequestHeader::default().with_request_api_key(18).with_request_api_version(9);
    header.encode(&mut frame, ApiVersionsRequest::header_version(3)).unwrap();
    let mut connection = Connection::to(&cluster);
    connection.0.write_all(&(frame.len() as u32).to_be_bytes()).unwrap();
    connection.0.write_all(&frame).unwrap();
    let mut answer = [0; 10];
    connection.0.read_exact(&mut answer).unwrap();
    assert_eq!(answer[8..], 35i16.to_be_bytes(), "UNSUPPORTED_VERSION, in version 0");
}

#[test]
fn what_is_no_request_closes_its_connection_only() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let mut bystander = Connection::to(&cluster);
    let framed = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    for (what, bytes) in [
        ("2 GiB claimed", 0x7fff_ffff_u32.to_be_bytes().to_vec()),
        ("just over the limit", ((100 << 20) + 1_u32).to_be_bytes().to_vec()),
        ("negative", (-1_i32).to_be_bytes().to_vec()),
        ("no room for a header", framed(&[0; 7])),
        ("a web browser", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("no such api", framed(&[0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff])),
        ("no such version", framed(&[0, 0, 0, 99, 0, 0, 0, 1, 0xff, 0xff])),
        ("a body cut short", framed(&[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0])),
    ] {
        assert!(Connection::to(&cluster).closes_after(&bytes), "{what}");
    }
    let metadata = request(ApiKey::Metadata, 9, &unique("none"));
    assert!(bystander.ask(ApiKey::Metadata, 9, &metadata).is_ok());
}

/// Memory is taken as bytes arrive: a thousand claims of 100 MiB would be 100 GB.
#[test]
fn a_claim_alone_takes_no_memory() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let claims: Vec<_> = (0..500)
        .map(|_| {
            let mut connection = Connection::to(&cluster);
            connection.0.write_all(&(100_u32 << 20).to_be_bytes()).unwrap();
            connection
        })
        .collect();
    let metadata = request(ApiKey::Metadata, 9, &unique("none"));
    assert!(Connection::to(&cluster).ask(ApiKey::Metadata, 9, &metadata).is_ok());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    assert!(peak.is_none_or(|kilobytes| kilobytes < 4 << 20), "{peak:?} kB");
    drop(claims);
}
