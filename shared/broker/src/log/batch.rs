//! One record batch, format v2, as bytes: what the broker reads of it and the few fields that it may write.
//!
//! Batches are kept exactly as clients sent them. The broker sets the base offset (outside the checksum),
//! stamps append time where the topic says so, writes transaction markers, and leaves records out when it
//! compacts; a kept record's bytes are copied, never encoded anew.
//!
//! Layout: <https://kafka.apache.org/documentation/#recordbatch> (KIP-98).

use bytes::{Buf, Bytes, BytesMut};
use flate2::read::GzDecoder;
use kafka_protocol::compression::{Compressor, Decompressor, Gzip, Lz4, Snappy, Zstd};
use std::io::{self, Read};

/// Bytes before the first record.
pub const HEADER: usize = 61;
const LEADER_EPOCH: usize = 12;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const MAX_TIMESTAMP: usize = 35;
const COUNT: usize = 57;
/// Bytes of a batch's records: sixty times what a batch may have by default.
const MOST_UNPACKED: u64 = 64 << 20;
const CODEC: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// The fixed part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub base_offset: i64,
    /// Of the whole batch, bytes.
    pub length: usize,
    attributes: i16,
    /// Last offset less base offset.
    pub span: i32,
    base_timestamp: i64,
    pub max_timestamp: i64,
    /// -1: not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
}

impl Header {
    /// Reads the batch at the start of `bytes`; `None` unless it is whole, version 2 and its checksum is right.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        if bytes.len() < HEADER || bytes[MAGIC] != 2 {
            return None;
        }
        let mut fields = bytes;
        let base_offset = fields.get_i64();
        let length = usize::try_from(fields.get_i32()).ok()?.checked_add(12)?;
        if length < HEADER || length > bytes.len() {
            return None;
        }
        fields.advance(CRC - LEADER_EPOCH);
        let crc = fields.get_u32();
        let header = Header {
            base_offset,
            length,
            attributes: fields.get_i16(),
            span: fields.get_i32(),
            base_timestamp: fields.get_i64(),
            max_timestamp: fields.get_i64(),
            producer_id: fields.get_i64(),
            producer_epoch: fields.get_i16(),
            base_sequence: fields.get_i32(),
            count: fields.get_i32(),
        };
        (header.span >= 0 && crc == crc32c::crc32c(&bytes[ATTRIBUTES..length])).then_some(header)
    }

    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.span)
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// A transaction marker, invisible to consumers.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub fn has_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }
}

/// Sets where the batch stands in the log. The checksum doesn't cover these fields.
pub fn place(batch: &mut [u8], base_offset: i64) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[LEADER_EPOCH..MAGIC].copy_from_slice(&0i32.to_be_bytes());
}

/// Makes `now` the timestamp of every record: `message.timestamp.type=LogAppendTime`.
pub fn stamp(batch: &mut [u8], now: i64) {
    let attributes = i16::from_be_bytes([batch[ATTRIBUTES], batch[ATTRIBUTES + 1]]);
    batch[ATTRIBUTES..ATTRIBUTES + 2].copy_from_slice(&(attributes | LOG_APPEND_TIME).to_be_bytes());
    batch[MAX_TIMESTAMP..MAX_TIMESTAMP + 8].copy_from_slice(&now.to_be_bytes());
    seal(batch);
}

fn seal(batch: &mut [u8]) {
    let length = (batch.len() - 12) as i32;
    batch[8..LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[ATTRIBUTES..]);
    batch[CRC..ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
}

/// The control batch that ends a transaction.
pub fn marker(producer_id: i64, epoch: i16, commit: bool, now: i64) -> Vec<u8> {
    let mut batch = vec![0; HEADER];
    batch[MAGIC] = 2;
    batch[ATTRIBUTES..ATTRIBUTES + 2].copy_from_slice(&(TRANSACTIONAL | CONTROL).to_be_bytes());
    batch[27..35].copy_from_slice(&now.to_be_bytes());
    batch[MAX_TIMESTAMP..43].copy_from_slice(&now.to_be_bytes());
    batch[43..51].copy_from_slice(&producer_id.to_be_bytes());
    batch[51..53].copy_from_slice(&epoch.to_be_bytes());
    batch[53..COUNT].copy_from_slice(&(-1i32).to_be_bytes());
    batch[COUNT..HEADER].copy_from_slice(&1i32.to_be_bytes());
    // One record; lengths are zigzag varints. Key: version 0, type. Value: version 0, coordinator epoch 0.
    batch.extend_from_slice(&[32, 0, 0, 0, 8, 0, 0, 0, u8::from(commit), 12]);
    batch.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0]);
    seal(&mut batch);
    batch
}

/// Whether a control batch commits; `None` if it is no marker.
pub fn commits(batch: &[u8]) -> Option<bool> {
    let mut decision = None;
    each_record(batch, |record| {
        if let Some([0, 0, 0, kind @ (0 | 1)]) = record.key {
            decision = Some(*kind == 1);
        }
    })
    .ok()?;
    decision
}

/// A record inside its batch.
pub struct Record<'a> {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// A null value: the key is deleted.
    pub is_tombstone: bool,
    bytes: &'a [u8],
}

/// Calls `look` with each record, in order.
pub fn each_record(batch: &[u8], mut look: impl FnMut(&Record)) -> io::Result<()> {
    let header = Header::parse(batch).ok_or_else(|| malformed("no whole batch"))?;
    let body = decompress(&header, &batch[HEADER..header.length])?;
    let mut rest = &body[..];
    for _ in 0..header.count {
        look(&record(&header, &mut rest).ok_or_else(|| malformed("record runs past its batch"))?);
    }
    Ok(())
}

/// The same batch with only the records that `keep` wants: offsets, sequence numbers and timestamps stay.
///
/// Without any record left it is an empty batch, which still tells the producer's last sequence number.
pub fn filter(batch: &[u8], mut keep: impl FnMut(&Record) -> bool) -> io::Result<Vec<u8>> {
    let header = Header::parse(batch).ok_or_else(|| malformed("no whole batch"))?;
    let mut body = BytesMut::new();
    let mut kept = 0i32;
    each_record(batch, |record| {
        if keep(record) {
            body.extend_from_slice(record.bytes);
            kept += 1;
        }
    })?;
    if kept == header.count {
        return Ok(batch[..header.length].to_vec());
    }
    let mut out = batch[..HEADER].to_vec();
    out[COUNT..HEADER].copy_from_slice(&kept.to_be_bytes());
    if kept == 0 {
        let attributes = header.attributes & !CODEC;
        out[ATTRIBUTES..ATTRIBUTES + 2].copy_from_slice(&attributes.to_be_bytes());
    } else {
        out.extend_from_slice(&compress(&header, &body)?);
    }
    seal(&mut out);
    Ok(out)
}

fn record<'a>(header: &Header, rest: &mut &'a [u8]) -> Option<Record<'a>> {
    let whole = *rest;
    let length = usize::try_from(varint(rest)?).ok()?;
    let prefix = whole.len() - rest.len();
    let mut fields = rest.get(..length)?;
    *rest = &rest[length..];
    fields = fields.get(1..)?; // attributes, unused
    let timestamp = header.base_timestamp.checked_add(varint(&mut fields)?)?;
    let offset = header.base_offset.checked_add(varint(&mut fields)?)?;
    let key = blob(&mut fields)?;
    let value = blob(&mut fields)?;
    Some(Record {
        offset,
        timestamp: if header.has_append_time() { header.max_timestamp } else { timestamp },
        key,
        is_tombstone: value.is_none(),
        bytes: &whole[..prefix + length],
    })
}

/// Bytes under their length; the inner `None` is null.
#[allow(clippy::option_option)]
fn blob<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Ok(length) = usize::try_from(varint(bytes)?) else {
        return Some(None);
    };
    let blob = bytes.get(..length)?;
    *bytes = &bytes[length..];
    Some(Some(blob))
}

/// A zigzag varint of up to 64 bits.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Without end nothing is read: a few hundred bytes may unpack to gigabytes.
fn decompress(header: &Header, body: &[u8]) -> io::Result<Bytes> {
    let packed: Box<dyn Read> = match header.attributes & CODEC {
        0 => return Ok(Bytes::copy_from_slice(body)),
        1 => Box::new(GzDecoder::new(body)),
        // at most 21 times its size, and framed in a way of its own
        2 => {
            let plain = Snappy::decompress(&mut Bytes::copy_from_slice(body), |plain| Ok(plain.split_off(0)));
            return plain.map_err(|error| malformed(&error.to_string()));
        }
        3 => Box::new(lz4::Decoder::new(body)?),
        4 => Box::new(zstd::Decoder::with_buffer(body)?),
        codec => return Err(malformed(&format!("compression codec {codec} is unknown"))),
    };
    let mut plain = Vec::new();
    packed.take(MOST_UNPACKED + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MOST_UNPACKED {
        return Err(malformed(&format!("a batch unpacks to more than {MOST_UNPACKED} bytes")));
    }
    Ok(plain.into())
}

fn compress(header: &Header, body: &[u8]) -> io::Result<BytesMut> {
    let mut out = BytesMut::new();
    macro_rules! with {
        ($codec:ident) => {
            $codec::compress(&mut out, |plain| {
                plain.extend_from_slice(body);
                Ok(())
            })
        };
    }
    match header.attributes & CODEC {
        1 => with!(Gzip),
        2 => with!(Snappy),
        3 => with!(Lz4),
        4 => with!(Zstd),
        _ => {
            out.extend_from_slice(body);
            return Ok(out);
        }
    }
    .map_err(|error| malformed(&error.to_string()))?;
    Ok(out)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
pub mod tests;
