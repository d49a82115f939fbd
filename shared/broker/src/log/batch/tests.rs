//! Batches made by kafka-protocol's encoder, read and altered by ours, read back by its decoder.

use super::*;
use kafka_protocol::records::{
    Compression, Record as Decoded, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

/// What a test batch says of its producer.
#[derive(Clone, Copy)]
pub struct From {
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub transactional: bool,
}

/// No idempotence.
pub const ANYONE: From = From { producer_id: -1, epoch: -1, sequence: -1, transactional: false };

/// A batch of (key, value) at offset 0, timestamps 1000, 1001, …; an empty key stands for none.
pub fn batch(from: From, codec: Compression, pairs: &[(&str, Option<&str>)]) -> Vec<u8> {
    let records: Vec<Decoded> = (0i32..)
        .zip(pairs)
        .map(|(n, (key, value))| Decoded {
            transactional: from.transactional,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: from.producer_id,
            producer_epoch: from.epoch,
            timestamp_type: TimestampType::Creation,
            offset: i64::from(n),
            sequence: if from.sequence < 0 { n } else { from.sequence + n },
            timestamp: 1000 + i64::from(n),
            key: (!key.is_empty()).then(|| Bytes::copy_from_slice(key.as_bytes())),
            value: value.map(|v| Bytes::copy_from_slice(v.as_bytes())),
            headers: Default::default(),
        })
        .collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: codec };
    RecordBatchEncoder::encode(&mut out, records.iter(), &options).unwrap();
    out.to_vec()
}

fn decoded(bytes: &[u8]) -> Vec<Decoded> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    RecordBatchDecoder::decode(&mut bytes).unwrap().records
}

#[test]
fn filtering_keeps_offsets_and_sequences_under_every_codec() {
    for codec in CODECS {
        let from = From { producer_id: 7, epoch: 1, sequence: 40, transactional: true };
        let mut whole = batch(from, codec, &[("a", Some("1")), ("b", None), ("c", Some("3"))]);
        place(&mut whole, 100);
        let before = Header::parse(&whole).unwrap();
        let thinned = filter(&whole, |r| r.key != Some(b"b")).unwrap();
        let after = Header::parse(&thinned).unwrap();
        assert_eq!((after.last_offset(), after.base_sequence), (102, 40), "{codec:?}");
        assert_eq!((before.count, after.count), (3, 2));
        let read: Vec<_> = decoded(&thinned).into_iter().map(|r| (r.offset, r.timestamp, r.key.unwrap())).collect();
        assert_eq!(read, [(100, 1000, "a".into()), (102, 1002, "c".into())], "{codec:?}");
        let empty = Header::parse(&filter(&whole, |_| false).unwrap()).unwrap();
        assert_eq!((empty.count, empty.last_offset(), empty.length), (0, 102, HEADER));
    }
}

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// A client's bug may put anything under a right checksum.
#[test]
fn a_senseless_body_is_an_error_and_no_panic() {
    let (mut read, mut refused) = (0, 0);
    for codec in CODECS {
        let good = batch(ANYONE, codec, &[("key", Some("value")), ("other", None)]);
        for at in HEADER..good.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= change;
                seal(&mut bad);
                match each_record(&bad, |_| {}) {
                    Ok(()) => read += 1, // another key or value
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(read > 20 && refused > 200, "{read} {refused}");
}

#[test]
fn a_bomb_is_an_error() {
    let zeros = "0".repeat(MOST_UNPACKED as usize);
    for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let bomb = batch(ANYONE, codec, &[("key", Some(&zeros))]);
        assert!(bomb.len() < 1 << 20, "{codec:?}: {}", bomb.len());
        let error = each_record(&bomb, |_| {}).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than"), "{codec:?}: {error}");
    }
}

#[test]
fn append_time_is_every_records_time() {
    let mut bytes = batch(ANYONE, Compression::Zstd, &[("a", None), ("b", Some("2"))]);
    stamp(&mut bytes, 5_000);
    let mut seen = vec![];
    each_record(&bytes, |r| seen.push((r.timestamp, r.is_tombstone))).unwrap();
    assert_eq!(seen, [(5_000, true), (5_000, false)]);
    assert!(decoded(&bytes).iter().all(|r| r.timestamp_type == TimestampType::LogAppend));
}

#[test]
fn markers_are_read_by_others_and_by_us() {
    for commit in [true, false] {
        let bytes = marker(9, 3, commit, 77);
        let header = Header::parse(&bytes).unwrap();
        assert!(header.is_control() && header.is_transactional());
        assert_eq!(commits(&bytes), Some(commit));
        let record = &decoded(&bytes)[0];
        assert_eq!((record.producer_id, record.producer_epoch, record.timestamp), (9, 3, 77));
        assert_eq!(record.key.as_deref(), Some(&[0, 0, 0, u8::from(commit)][..]));
    }
}

#[test]
fn damage_is_never_taken_for_a_batch() {
    let good = batch(ANYONE, Compression::None, &[("a", Some("1")), ("b", Some("2"))]);
    assert!(Header::parse(&good).is_some());
    for cut in 0..good.len() {
        assert!(Header::parse(&good[..cut]).is_none(), "cut at {cut}");
    }
    for at in (8..12).chain(16..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 0x80;
        assert!(Header::parse(&bad).is_none(), "bit flipped at {at}");
    }
}
