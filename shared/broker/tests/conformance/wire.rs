//! Bytes on the connection: every version that is advertised is answered, and what is no request harms nobody.

use crate::clients::unique;
use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::requests::request;
use bytes::BytesMut;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, GroupId, RequestHeader, RequestKind, ResponseKind};
use kafka_protocol::protocol::{Encodable, HeaderVersion};
use std::io::{Read, Write};

/// Once a field that a version lacks dropped the connection; aiokafka found it.
#[test]
fn every_advertised_version_is_answered() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let topic = cluster.topic("wire", 1, &[]);
    let table = Connection::to(&cluster).table();
    for &(api, version) in &table {
        let request = request(api, version, &topic);
        let response = Connection::to(&cluster).ask(api, version, &request);
        assert!(response.is_ok(), "{api:?} {version}: {response:?}");
    }
    assert!(table.len() > 120, "{}", table.len());
    let mut connection = Connection::to(&cluster);
    let described = connection.ask(ApiKey::DescribeConfigs, 4, &request(ApiKey::DescribeConfigs, 4, &topic));
    let Ok(ResponseKind::DescribeConfigs(described)) = described else {
        panic!("{described:?}");
    };
    let policy = described.results[0].configs.iter().find(|c| c.name.as_str() == "cleanup.policy");
    assert_eq!(policy.unwrap().value.as_deref(), Some("compact,delete"), "incrementally altered");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let cluster = Cluster::any();
    let name = unique("twice");
    let RequestKind::CreateTopics(mut twice) = request(ApiKey::CreateTopics, 5, &name) else { unreachable!() };
    twice.topics.extend(twice.topics.clone());
    let answer = Connection::to(&cluster).ask(ApiKey::CreateTopics, 5, &RequestKind::CreateTopics(twice));
    let Ok(ResponseKind::CreateTopics(answer)) = answer else { panic!("{answer:?}") };
    let codes: Vec<i16> = answer.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [ResponseError::InvalidRequest.code()], "a topic twice");

    let RequestKind::JoinGroup(join) = request(ApiKey::JoinGroup, 5, &name) else { unreachable!() };
    let join = RequestKind::JoinGroup(join.with_group_id(GroupId("".into())));
    let answer = Connection::to(&cluster).ask(ApiKey::JoinGroup, 5, &join);
    let Ok(ResponseKind::JoinGroup(answer)) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.error_code, ResponseError::InvalidGroupId.code(), "a group without a name");
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
    connection.send(&frame).unwrap();
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
    assert!(peak().is_none_or(|kilobytes| kilobytes < 4 << 20), "{:?} kB", peak());
    drop(claims);
}

/// The most memory that this process ever had, kB, where the system tells.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
}
