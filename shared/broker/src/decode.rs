//! Requests out of frames, in memory that is in proportion to the frame.
//!
//! The generated decoders make room for as many elements as an array claims before they look for the first, so
//! that 20 bytes could ask for 200 GB. Therefore a frame is decoded twice. The first time its bytes are
//! [`Wary`]: a count that can't be true is told in such a way that its array fails, with little memory taken.
//! What passes has true counts only, and is decoded as it is.
//!
//! Promise: no more than room for a few times [`MOST`] elements is taken for a frame that is refused, and one
//! that passes has at most [`MOST`] fields.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::{ByteBuf, NotEnoughBytesError};
use std::fmt::Display;
use std::io;
use std::ops::Range;

/// Fields of one request; and bytes of one field that holds no records.
const MOST: usize = 1 << 20;
/// A length of four groups of seven bits is beyond the largest frame.
const LONGEST_VARINT: u32 = 4;

/// A request, and the name that its client gives itself.
pub fn request(api: ApiKey, version: i16, frame: &Bytes) -> io::Result<(RequestKind, String)> {
    parts(api, version, &mut Wary::new(frame.clone(), api == ApiKey::Produce))?;
    parts(api, version, &mut frame.clone())
}

fn parts(api: ApiKey, version: i16, bytes: &mut impl ByteBuf) -> io::Result<(RequestKind, String)> {
    let header: RequestHeader = decode(bytes, api.request_header_version(version))?;
    let request = kind(api, version, bytes)?;
    Ok((request, header.client_id.map(|c| c.to_string()).unwrap_or_default()))
}

fn decode<T: Decodable>(bytes: &mut impl ByteBuf, version: i16) -> io::Result<T> {
    T::decode(bytes, version).map_err(malformed)
}

/// `RequestKind::decode` takes no buffer but its own.
fn kind(api: ApiKey, version: i16, bytes: &mut impl ByteBuf) -> io::Result<RequestKind> {
    macro_rules! of {
        ($($api:ident)*) => {
            match api {
                $(ApiKey::$api => decode(bytes, version).map(RequestKind::$api),)*
                other => Err(malformed(format!("{other:?} is not served"))),
            }
        };
    }
    of!(
        Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat LeaveGroup
        SyncGroup DescribeGroups ListGroups ApiVersions CreateTopics DeleteTopics DeleteRecords InitProducerId
        AddPartitionsToTxn AddOffsetsToTxn EndTxn TxnOffsetCommit DescribeConfigs AlterConfigs CreatePartitions
        DeleteGroups IncrementalAlterConfigs OffsetDelete OffsetForLeaderEpoch DescribeCluster DescribeLogDirs
        DescribeAcls CreateAcls DeleteAcls
    )
}

/// Bytes that don't let a decoder believe a count that is larger than what is left, or than [`MOST`].
///
/// A four-byte count can't be told from any other number, such as a time-out, so it is not refused: it is told
/// as one more than what is possible, and then its array runs out of bytes or of fields. Where the next thing
/// asked for is a blob, it was the length of that, and the blob is skipped by its true length. All other
/// numbers decide nothing.
///
/// Varints are counts, lengths and tags, so one that is too large is refused, unless it may be the length of
/// records, which the fields of a produce request allow to say for certain: there a byte by itself is always a
/// varint. Elsewhere it may be a truth value that looks like the beginning of one, and then the varint is
/// taken for larger than it is, never for smaller.
struct Wary {
    bytes: Bytes,
    /// Fields that may still be read.
    fields: usize,
    has_records: bool,
    /// What the varint that is being read amounts to so far, and its bytes.
    varint: (usize, u32),
    /// The true length of the blob that comes next, if a blob comes next.
    blob: Option<usize>,
}

impl Wary {
    fn new(bytes: Bytes, has_records: bool) -> Wary {
        Wary { bytes, fields: MOST, has_records, varint: (0, 0), blob: None }
    }

    /// The largest count that may be true.
    fn most(&self) -> usize {
        self.remaining().min(MOST)
    }

    /// Nothing more can be read.
    fn refuse(&mut self) -> TryGetError {
        self.fields = 0;
        TryGetError { requested: 1, available: 0 }
    }

    /// A varint has ended with `byte`; the byte to tell for it.
    fn ended(&mut self, value: usize, shift: u32, byte: u8) -> Result<u8, TryGetError> {
        // Compact counts and lengths are one larger than what they count.
        let count = value.saturating_sub(1);
        if count <= self.most() {
            return Ok(byte);
        }
        if !self.has_records || count > self.remaining() {
            return Err(self.refuse());
        }
        let before = value - (usize::from(byte) << shift);
        let told = ((MOST + 2).saturating_sub(before) >> shift) + 1;
        self.blob = Some(count);
        u8::try_from(told).map_err(|_| self.refuse())
    }
}

impl Buf for Wary {
    fn remaining(&self) -> usize {
        if self.fields == 0 { 0 } else { self.bytes.remaining() }
    }

    fn chunk(&self) -> &[u8] {
        if self.fields == 0 { &[] } else { self.bytes.chunk() }
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.fields = self.fields.saturating_sub(1);
        self.varint = (0, 0);
        self.blob = None;
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let (value, length) = self.varint;
        if !self.has_remaining() || length == LONGEST_VARINT {
            return Err(self.refuse());
        }
        let byte = self.chunk()[0];
        self.advance(1);
        let shift = 7 * length;
        let value = value | usize::from(byte & 0x7f) << shift;
        if byte & 0x80 != 0 {
            self.varint = (value, length + 1);
            return Ok(byte);
        }
        self.ended(value, shift, byte)
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let mut number = [0; 4];
        self.try_copy_to_slice(&mut number)?;
        let number = i32::from_be_bytes(number);
        let Ok(count) = usize::try_from(number) else {
            return Ok(number);
        };
        self.blob = Some(count);
        Ok(count.min(self.most() + 1) as i32) // no more than it was
    }
}

impl ByteBuf for Wary {
    fn peek_bytes(&mut self, range: Range<usize>) -> Bytes {
        self.bytes.peek_bytes(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        let size = self.blob.unwrap_or(size);
        let blob = self.bytes.slice(..size);
        self.advance(size);
        blob
    }

    fn try_get_bytes(&mut self, size: usize) -> Result<Bytes, NotEnoughBytesError> {
        if self.remaining() < self.blob.unwrap_or(size) {
            return Err(NotEnoughBytesError);
        }
        Ok(self.get_bytes(size))
    }
}

fn malformed(what: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
