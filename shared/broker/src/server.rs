//! The port: connections, frames, and the order of answers.
//!
//! A connection's requests are answered one after the other, as the protocol demands. Promise: a frame takes
//! memory only as its bytes arrive, and one that claims more than [`LARGEST_FRAME`] closes its connection, as
//! does anything that can't be read; the others never notice. A request whose client has gone is dropped.
//!
//! <https://kafka.apache.org/protocol#protocol_network>

use crate::api;
use crate::decode;
use crate::node::Node;
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::Encodable;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes of one request (`socket.request.max.bytes`).
const LARGEST_FRAME: usize = 100 << 20;
/// Api key, version and correlation id.
const SMALLEST_FRAME: usize = 8;
/// Memory is taken in steps of this many bytes while a frame arrives.
const STEP: usize = 1 << 20;

/// Serves until `stop` changes or its sender is gone; then closes everything.
pub async fn serve(node: Arc<Node>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let node = Arc::clone(&node);
                    connections.spawn(async move {
                        if let Err(error) = converse(&node, stream).await {
                            tracing::debug!(%peer, %error, "connection closed");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, mostly: the next attempt would fail at once.
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "connection died");
            },
            _ = stop.changed() => break,
        }
    }
    connections.shutdown().await;
}

async fn converse(node: &Node, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(256 << 10, reader);
    while let Some(frame) = read_frame(&mut reader).await? {
        tokio::select! {
            biased;
            response = respond(node, frame) => if let Some(response) = response? {
                writer.write_all(&response).await?;
            },
            () = ended(&mut reader) => break,
        }
    }
    Ok(())
}

/// Returns when the client has closed the connection, if nothing more has come from it before.
async fn ended(reader: &mut (impl AsyncBufRead + Unpin)) {
    match reader.fill_buf().await {
        Ok(bytes) if !bytes.is_empty() => std::future::pending().await,
        Ok(_) | Err(_) => {}
    }
}

/// The next frame; `None` when the client has closed the connection.
async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    let claimed = match reader.read_i32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(claimed).unwrap_or(0);
    if !(SMALLEST_FRAME..=LARGEST_FRAME).contains(&length) {
        return Err(malformed(format!("a frame of {claimed} bytes")));
    }
    let mut frame = BytesMut::new();
    while frame.len() < length {
        let missing = length - frame.len();
        if frame.len() == frame.capacity() {
            frame.reserve(missing.min(STEP));
        }
        if reader.take(missing as u64).read_buf(&mut frame).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(frame.freeze()))
}

/// Answers one request, framed; `None` for a produce request that wants no answer.
async fn respond(node: &Node, frame: Bytes) -> io::Result<Option<BytesMut>> {
    let number = i16::from_be_bytes([frame[0], frame[1]]);
    let version = i16::from_be_bytes([frame[2], frame[3]]);
    let correlation = i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
    let api = ApiKey::try_from(number).map_err(|()| malformed(format!("api {number}")))?;
    if !api::serves(api, version) {
        if api == ApiKey::ApiVersions {
            let table = api::versions(Some(ResponseError::UnsupportedVersion));
            return encode(api, 0, correlation, &ResponseKind::ApiVersions(table)).map(Some);
        }
        return Err(malformed(format!("{api:?} version {version} is not served")));
    }
    let (request, client) = decode::request(api, version, &frame)?;
    drop(frame);
    let silent = matches!(&request, RequestKind::Produce(produce) if produce.acks == 0);
    let response = api::handle(node, request, version, client).await;
    let response = response.ok_or_else(|| malformed(format!("{api:?} is not served")))?;
    if silent {
        return Ok(None);
    }
    encode(api, version, correlation, &response).map(Some)
}

fn encode(api: ApiKey, version: i16, correlation: i32, response: &ResponseKind) -> io::Result<BytesMut> {
    let mut frame = BytesMut::with_capacity(256);
    frame.extend_from_slice(&[0; 4]);
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut frame, api.response_header_version(version)).map_err(malformed)?;
    response.encode(&mut frame, version).map_err(|error| {
        // A field that this version lacks: a bug here, which a client sees as a lost connection.
        tracing::error!(?api, version, %error, "response not encoded");
        malformed(error)
    })?;
    let length = i32::try_from(frame.len() - 4).map_err(malformed)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

fn malformed(what: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
