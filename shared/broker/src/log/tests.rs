//! A log on real files: restarts, torn writes, compaction, retention.

use super::batch::tests::{ANYONE, From, batch as encoded};
use super::*;
use kafka_protocol::records::Compression;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

/// The batches of these tests carry times of 1970, so retention by time would take them at once.
const KEEP: &[(&str, &str)] = &[("retention.ms", "-1")];
/// Each batch in a segment of its own.
const COMPACT: &[(&str, &str)] = &[("cleanup.policy", "compact"), ("segment.bytes", "14")];

fn open(home: &TempDir, config: &[(&str, &str)]) -> Log {
    let config = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let config = TopicConfig::read(&config.collect()).unwrap();
    Log::open(home.path().join("t-0"), config, false).unwrap()
}

fn by(producer_id: i64, sequence: i32, transactional: bool) -> From {
    From { producer_id, epoch: 0, sequence, transactional }
}

fn batch(from: From, pairs: &[(&str, Option<&str>)]) -> Vec<u8> {
    encoded(from, Compression::Lz4, pairs)
}

fn append(log: &mut Log, from: From, pairs: &[(&str, Option<&str>)]) -> i64 {
    log.append(&batch(from, pairs)).unwrap().base_offset
}

/// `offset key` of all records, and how many transactions are told to be aborted.
fn content(log: &Log) -> (Vec<String>, usize) {
    let (mut seen, mut offset) = (vec![], log.start());
    loop {
        let fetched = log.fetch(offset, 1, log.end()).unwrap();
        let Some(header) = Header::parse(&fetched.records) else {
            return (seen, log.aborted(0, log.end()).count());
        };
        if !header.is_control() {
            let note = |r: &batch::Record| {
                let key = String::from_utf8_lossy(r.key.unwrap()).into_owned();
                seen.push(format!("{} {key}", r.offset));
            };
            batch::each_record(&fetched.records, note).unwrap();
        }
        offset = fetched.next_offset;
    }
}

fn compact(log: &mut Log) {
    let cleaned = log.snapshot().unwrap().clean(now(), &AtomicBool::new(false)).unwrap();
    log.install(cleaned).unwrap();
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_is_as_before() {
    let home = tempfile::tempdir().unwrap();
    let mut log = open(&home, KEEP);
    append(&mut log, ANYONE, &[("a", Some("1")), ("b", Some("2"))]);
    append(&mut log, by(5, 0, true), &[("c", Some("3"))]);
    let before = (content(&log), log.end(), log.last_stable());
    drop(log);
    let file = Segment::path(&home.path().join("t-0"), 0);
    let torn = &batch(ANYONE, &[("torn", Some("never acknowledged"))])[..70];
    fs::OpenOptions::new().append(true).open(file).unwrap().write_all(torn).unwrap();
    let mut log = open(&home, KEEP);
    assert_eq!((content(&log), log.end(), log.last_stable()), before);
    assert_eq!(log.last_stable(), 2, "the transaction is still open");
    assert_eq!(append(&mut log, by(5, 0, true), &[("c", Some("3"))]), 2, "sent again, found again");
    assert_eq!(append(&mut log, ANYONE, &[("d", None)]), 3);
}

#[test]
fn what_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut log = open(&home, &[("max.message.bytes", "200")]);
    let good = batch(ANYONE, &[("a", Some("1"))]);
    let mut stamped = good.clone();
    batch::stamp(&mut stamped, 1);
    let large = encoded(ANYONE, Compression::None, &[("a", Some(&"x".repeat(200)))]);
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    for (bytes, wanted) in [
        (bad, ResponseError::CorruptMessage),
        (Vec::new(), ResponseError::CorruptMessage),
        ([&good[..], &good].concat(), ResponseError::InvalidRecord),
        (batch::marker(1, 0, true, 0), ResponseError::InvalidRecord),
        (batch::filter(&good, |_| false).unwrap(), ResponseError::InvalidRecord),
        (stamped, ResponseError::InvalidTimestamp),
        (large, ResponseError::MessageTooLarge),
    ] {
        assert_eq!(log.append(&bytes), Err(wanted));
    }
    assert_eq!(log.end(), 0);
    let mut compacted = open(&home, COMPACT);
    let keyless = batch(ANYONE, &[("a", None), ("", Some("1"))]);
    assert_eq!(compacted.append(&keyless), Err(ResponseError::InvalidRecord));
}

#[test]
fn a_fetch_gives_whole_batches_up_to_a_limit() {
    let home = tempfile::tempdir().unwrap();
    let two = 2 * batch(ANYONE, &[("k", Some("0")), ("l", None)]).len();
    let config = [("retention.ms", "-1"), ("segment.bytes", &two.to_string())];
    let mut log = open(&home, &config);
    for n in 0..6 {
        append(&mut log, ANYONE, &[("k", Some(&n.to_string())), ("l", None)]);
    }
    for (offset, most, limit, next) in [
        (0, 1, 12, 2),     // at least one
        (1, 1, 12, 2),     // the batch that holds the offset
        (0, 9_999, 12, 4), // no further than a segment
        (0, 9_999, 2, 2),  // no further than the last stable offset
        (4, 9_999, 4, 4),  // nothing
        (12, 9_999, 12, 12),
    ] {
        let fetched = log.fetch(offset, most, limit).unwrap();
        assert_eq!(fetched.next_offset, next, "{offset} {most} {limit}");
        assert_eq!(fetched.records.is_empty(), next == offset);
    }
    assert_eq!(log.offset_for_time(1001).unwrap(), Some((1, 1001)));
    assert_eq!(log.offset_for_time(1002).unwrap(), None);
}

#[test]
fn compaction_keeps_the_newest_of_each_key_and_nothing_aborted() {
    let home = tempfile::tempdir().unwrap();
    let mut log = open(&home, COMPACT);
    append(&mut log, ANYONE, &[("a", Some("1")), ("b", Some("1"))]); // 0, 1
    append(&mut log, by(7, 0, true), &[("b", Some("never"))]); // 2
    log.append_marker(7, 0, false).unwrap(); // 3
    append(&mut log, by(8, 0, true), &[("a", Some("2")), ("c", None)]); // 4, 5
    log.append_marker(8, 0, true).unwrap(); // 6
    append(&mut log, by(9, 0, true), &[("a", Some("open"))]); // 7
    append(&mut log, ANYONE, &[("a", Some("4"))]); // 8
    append(&mut log, ANYONE, &[("z", Some("active"))]); // 9
    compact(&mut log);
    // The tombstone `c` is of 1970 and goes. What is at or above the open transaction stays.
    let wanted = ["1 b", "4 a", "7 a", "8 a", "9 z"].map(String::from).to_vec();
    assert_eq!(content(&log), (wanted.clone(), 0));
    assert!(log.snapshot().is_none(), "nothing to do until something changes");
    drop(log);
    let mut log = open(&home, COMPACT);
    assert_eq!((content(&log).0, log.last_stable(), log.end()), (wanted, 7, 10));
    log.append_marker(9, 0, false).unwrap();
    append(&mut log, ANYONE, &[("y", Some("active"))]);
    compact(&mut log);
    assert_eq!(content(&log).0, ["1 b", "8 a", "9 z", "11 y"]);
}

/// An offset that was given is never given again, even if all records near the end are gone.
#[test]
fn offsets_and_sequences_go_on_after_compaction_and_restart() {
    let home = tempfile::tempdir().unwrap();
    let mut log = open(&home, COMPACT);
    append(&mut log, by(7, 0, false), &[("a", Some("1"))]);
    append(&mut log, by(7, 1, false), &[("b", Some("1"))]);
    append(&mut log, by(7, 2, false), &[("a", Some("2"))]);
    append(&mut log, by(8, 0, true), &[("x", Some("aborted"))]);
    log.append_marker(8, 1, false).unwrap();
    append(&mut log, ANYONE, &[("a", Some("3"))]);
    compact(&mut log);
    log.roll(now()).unwrap();
    drop(log);
    let mut log = open(&home, COMPACT);
    assert_eq!(content(&log).0, ["1 b", "5 a"]);
    let out_of_order = log.append(&batch(by(7, 2, false), &[("c", Some("1")), ("d", Some("1"))]));
    assert_eq!(out_of_order, Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(append(&mut log, by(7, 2, false), &[("a", Some("2"))]), 2, "sent again, found again");
    assert_eq!(append(&mut log, by(7, 3, false), &[("c", Some("1"))]), 6, "the next");
}

/// A restoring reader stops when it has got to the end: compaction must not leave it short of it.
#[test]
fn the_end_of_a_compacted_log_can_be_reached() {
    for commit in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let mut log = open(&home, COMPACT);
        append(&mut log, ANYONE, &[("a", Some("1"))]);
        append(&mut log, by(8, 0, true), &[("x", None)]);
        log.append_marker(8, 0, commit).unwrap();
        log.roll(now()).unwrap();
        compact(&mut log);
        assert_eq!(content(&log).0, ["0 a"]);
        let last = log.fetch(2, 1, log.end()).unwrap();
        assert_eq!((last.next_offset, last.records.is_empty()), (3, false));
    }
}

#[test]
fn retention_by_time_and_size_stops_at_open_transactions() {
    let three = |log: &mut Log, at: i32| {
        for n in 0..3 {
            append(log, by(7, at + n, false), &[("k", Some("value"))]);
        }
    };
    let size = batch(by(7, 0, false), &[("k", Some("value"))]).len();
    let limit = (2 * size).to_string();
    for (config, starts) in [
        ([("retention.ms", "1000"), ("segment.bytes", "14")], [3, 3]),
        ([("retention.ms", "-1"), ("segment.bytes", "14")], [0, 0]),
        ([("retention.bytes", limit.as_str()), ("segment.bytes", "14")], [3, 3]),
    ] {
        let home = tempfile::tempdir().unwrap();
        let mut log = open(&home, &config);
        three(&mut log, 0);
        log.retain().unwrap();
        assert_eq!(log.start(), starts[0], "{config:?}");
        append(&mut log, by(8, 0, true), &[("k", Some("open"))]);
        three(&mut log, 3);
        log.retain().unwrap();
        assert_eq!(log.start(), starts[1], "{config:?}");
        drop(log);
        let log = open(&home, &config);
        assert_eq!((log.start(), log.end()), (starts[1], 7));
    }
}
