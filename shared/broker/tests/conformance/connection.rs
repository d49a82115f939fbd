//! A connection that speaks the protocol by itself, for what no client would send.

use crate::cluster::Cluster;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::{Decodable, Encodable};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The correlation id of every request.
const ID: i32 = 7;

pub struct Connection(pub TcpStream);

/// A request as it goes over the wire, without its length.
pub fn frame(api: ApiKey, version: i16, request: &RequestKind) -> Result<BytesMut, String> {
    let mut frame = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(api as i16)
        .with_request_api_version(version)
        .with_correlation_id(ID)
        .with_client_id(Some("wire".into()));
    header.encode(&mut frame, api.request_header_version(version)).unwrap();
    request.encode(&mut frame, version).map_err(|e| format!("not asked: {e}"))?;
    Ok(frame)
}

impl Connection {
    pub fn to(cluster: &Cluster) -> Connection {
        let stream = TcpStream::connect(&cluster.brokers).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Connection(stream)
    }

    /// Which requests are served, in which versions.
    pub fn table(mut self) -> Vec<(ApiKey, i16)> {
        let ask = RequestKind::ApiVersions(ApiVersionsRequest::default());
        let Ok(ResponseKind::ApiVersions(table)) = self.ask(ApiKey::ApiVersions, 0, &ask) else {
            panic!("no table");
        };
        let versions = |row: kafka_protocol::messages::api_versions_response::ApiVersion| {
            let api = ApiKey::try_from(row.api_key).unwrap();
            // Produce 0 to 2 are listed for librdkafka's sake only (KAFKA-18659).
            let lowest = if api == ApiKey::Produce { 3 } else { row.min_version };
            (lowest..=row.max_version).map(move |version| (api, version))
        };
        table.api_keys.into_iter().flat_map(versions).collect()
    }

    /// The answer to a request, or why there is none.
    pub fn ask(&mut self, api: ApiKey, version: i16, request: &RequestKind) -> Result<ResponseKind, String> {
        self.send(&frame(api, version, request)?).map_err(|e| format!("not sent: {e}"))?;
        let mut length = [0; 4];
        self.0.read_exact(&mut length).map_err(|e| format!("no answer: {e}"))?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut answer).unwrap();
        let mut answer = Bytes::from(answer);
        let header = ResponseHeader::decode(&mut answer, api.response_header_version(version));
        assert_eq!(header.map_err(|e| e.to_string())?.correlation_id, ID);
        let response = ResponseKind::decode(api, &mut answer, version).map_err(|e| e.to_string())?;
        match answer.remaining() {
            0 => Ok(response),
            left => Err(format!("{left} bytes too many")),
        }
    }

    /// Sends a frame with its length before it.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.0.write_all(&[&(frame.len() as u32).to_be_bytes(), frame].concat())
    }

    /// Sends bytes and waits for the broker to close the connection.
    pub fn closes_after(mut self, bytes: &[u8]) -> bool {
        let _ = self.0.write_all(bytes);
        self.rest().is_ok_and(|answer| answer.is_empty())
    }

    /// Sends a frame as the last; what is answered before the broker closes the connection.
    pub fn last(mut self, frame: &[u8]) -> io::Result<Vec<u8>> {
        let _ = self.send(frame);
        let _ = self.0.shutdown(Shutdown::Write);
        self.rest()
    }

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        match self.0.read_to_end(&mut answer) {
            // A reset is a close, too: the broker didn't read what came after the length.
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
            _ => Ok(answer),
        }
    }
}
