//! Frames that no client sends: a request that went wrong somewhere costs its connection at most.
//!
//! `PROPTEST_CASES=100000 cargo test --release -p tidings-broker --test conformance fuzz` goes on for longer.

use crate::cluster::Cluster;
use crate::connection::{Connection, frame};
use crate::requests::request;
use crate::wire::peak;
use kafka_protocol::messages::ApiKey;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What each is of the cases that proptest is asked for, because one takes a fraction of a millisecond.
const CASES: u32 = 16;
/// A count beyond all bounds, as four bytes and as a varint.
const LARGEST: [&[u8]; 2] = [&[0x7f, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xff, 0x07]];

/// Panics on the threads of brokers.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().name().is_some_and(|name| name.starts_with("tokio")) {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            report(info);
        }));
    });
}

/// A frame of every request in every version that is served.
fn corpus(cluster: &Cluster, topic: &str) -> Vec<Vec<u8>> {
    let encode = |(api, version)| frame(api, version, &request(api, version, topic)).unwrap().to_vec();
    Connection::to(cluster).table().into_iter().map(encode).collect()
}

/// The broker closes the connection in time, and does not panic.
fn survives(cluster: &Cluster, frame: &[u8]) -> Result<(), String> {
    Connection::to(cluster).last(frame).map_err(|error| format!("not closed: {error}"))?;
    match PANICS.load(Ordering::Relaxed) {
        0 => Ok(()),
        _ => Err("the broker panicked".to_owned()),
    }
}

/// All that is shared is still there, and memory has not run away.
fn is_well(cluster: &Cluster, topic: &str) {
    for api in [ApiKey::ListGroups, ApiKey::DescribeGroups, ApiKey::InitProducerId, ApiKey::Metadata, ApiKey::Fetch] {
        let answer = Connection::to(cluster).ask(api, 4, &request(api, 4, topic));
        assert!(answer.is_ok(), "{api:?}: {answer:?}");
    }
    assert!(peak().is_none_or(|kilobytes| kilobytes < 4 << 20), "{:?} kB", peak());
}

/// Once the decoder believed an array that claimed 2^31 elements in a frame of 20 bytes, and the process was gone.
#[test]
fn a_count_beyond_all_bounds_anywhere() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    count_panics();
    let topic = cluster.topic("counts", 1, &[]);
    for whole in corpus(&cluster, &topic) {
        for claim in LARGEST {
            for at in 8..whole.len() {
                let mut frame = whole.clone();
                suffer(&mut frame, &[], &Mishap::Overwrite(at, claim.to_vec()));
                survives(&cluster, &frame).unwrap_or_else(|what| panic!("{what}: {frame:02x?}"));
            }
        }
    }
    is_well(&cluster, &topic);
}

/// What happens to a frame; places are taken modulo its length.
#[derive(Clone, Debug)]
enum Mishap {
    Overwrite(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Cut(usize, usize),
    /// A part of itself once more.
    Repeat(usize, usize),
    /// Another frame's end.
    Splice(usize, usize),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    const NUMBERS: [i32; 12] = [0, 1, 127, 128, 255, 65_535, i32::MAX, i32::MIN, -1, -2, 1 << 20, 1 << 24];
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..9),
        proptest::sample::select(&NUMBERS[..]).prop_map(|n| n.to_be_bytes().to_vec()).boxed(),
        proptest::sample::select(&LARGEST[..]).prop_map(<[u8]>::to_vec).boxed(),
    ];
    let place = any::<usize>();
    prop_oneof![
        4 => (place, bytes.clone()).prop_map(|(at, bytes)| Mishap::Overwrite(at, bytes)),
        1 => (place, bytes).prop_map(|(at, bytes)| Mishap::Insert(at, bytes)),
        1 => (place, 1..20_usize).prop_map(|(at, length)| Mishap::Cut(at, length)),
        1 => (place, 1..60_usize).prop_map(|(at, length)| Mishap::Repeat(at, length)),
        1 => (place, place).prop_map(|(at, other)| Mishap::Splice(at, other)),
    ]
}

fn suffer(frame: &mut Vec<u8>, corpus: &[Vec<u8>], mishap: &Mishap) {
    let length = frame.len();
    let span = |at: usize, wanted: usize| at % length..(at % length + wanted).min(length);
    match mishap {
        Mishap::Overwrite(at, bytes) => {
            let span = span(*at, bytes.len());
            frame.splice(span, bytes.iter().copied());
        }
        Mishap::Insert(at, bytes) => {
            frame.splice(span(*at, 0), bytes.iter().copied());
        }
        Mishap::Cut(at, wanted) => {
            frame.drain(span(*at, *wanted));
        }
        Mishap::Repeat(at, wanted) => {
            let again = frame[span(*at, *wanted)].to_vec();
            frame.splice(span(*at, 0), again);
        }
        Mishap::Splice(at, other) => {
            let other = &corpus[other % corpus.len()];
            frame.truncate(at % length);
            frame.extend_from_slice(&other[at % other.len()..]);
        }
    }
    if frame.is_empty() {
        frame.push(0);
    }
}

#[test]
fn any_mishap_costs_its_connection_at_most() {
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    count_panics();
    let topic = cluster.topic("mishaps", 1, &[]);
    let corpus = corpus(&cluster, &topic);
    let config = Config { cases: CASES * Config::default().cases, failure_persistence: None, ..Config::default() };
    let cases = (any::<usize>(), proptest::collection::vec(mishap(), 1..6));
    let ran = TestRunner::new(config).run(&cases, |(which, mishaps)| {
        let mut frame = corpus[which % corpus.len()].clone();
        mishaps.iter().for_each(|mishap| suffer(&mut frame, &corpus, mishap));
        survives(&cluster, &frame).map_err(|what| TestCaseError::fail(format!("{what}: {frame:02x?}")))
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
    is_well(&cluster, &topic);
}
