//! `make prove`: the tests behind `docs/guarantees.md`, several times in a row on Apache Kafka, and the broker's own on
//! the embedded one as well; and what each found.
//!
//! A test tells a figure on a line that begins with `figure: `; the last round's are kept. One that says `skipped: ` did
//! not run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tidings_tests::{figures, kafka::Kafka, root};

const ROUNDS: usize = 3;
/// Package, test binary and what it runs on.
const SUITES: [(&str, &str, Broker); 4] = [
    ("tidings-tests", "e2e", Broker::Kafka),
    ("tidings-stream", "runner", Broker::Shared),
    ("tidings-broker", "conformance", Broker::Shared),
    ("tidings-broker", "conformance", Broker::Embedded),
];

/// What a suite runs on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Broker {
    /// Apache Kafka, which the suite starts itself: it kills brokers.
    Kafka,
    /// Apache Kafka, started for several suites.
    Shared,
    /// Ours.
    Embedded,
}

impl Broker {
    fn name(self) -> &'static str {
        if self == Self::Embedded { "embedded" } else { "Kafka" }
    }
}

/// Test binary, test and broker.
type Name = (String, String, &'static str);

/// What became of one test.
#[derive(Default)]
struct Record {
    passed: usize,
    failed: usize,
    took: Vec<Duration>,
    figures: Vec<String>,
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("prove [ROUNDS], a number"));
    let kafka = Kafka::start();
    let mut records = BTreeMap::<Name, Record>::new();
    for round in 1..=rounds {
        for (package, suite, broker) in SUITES {
            println!("round {round} of {rounds}: {suite}, {}", broker.name());
            let shared = (broker == Broker::Shared).then(|| kafka.brokers());
            run(package, suite, broker, shared, &mut records);
        }
    }
    figures::record("prove", &table(&records));
    let failed: Vec<&Name> = records.iter().filter(|(_, record)| record.failed > 0).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}

fn run(package: &str, suite: &str, on: Broker, brokers: Option<&str>, records: &mut BTreeMap<Name, Record>) {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["test", "-q", "-p", package, "--test", suite, "--"]);
    cargo.args(["--test-threads=1", "--nocapture", "--format=pretty", "--skip", "embedded"]);
    match brokers {
        Some(brokers) => cargo.env("KAFKA_BROKERS", brokers),
        None => cargo.env_remove("KAFKA_BROKERS"),
    };
    let mut child = cargo.stdout(Stdio::piped()).spawn().expect("cargo can be run");
    let mut current = None::<(Name, Vec<String>)>;
    let mut skipped = false;
    // a test's name comes with its first line, which may be its last: it began when the one before it ended
    let mut began = Instant::now();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("tests print text");
        println!("{line}");
        let mut rest = line.as_str();
        if let Some((name, after)) = line.strip_prefix("test ").and_then(|test| test.split_once(" ... ")) {
            current = Some(((suite.to_owned(), name.to_owned(), on.name()), Vec::new()));
            rest = after;
        } else if line.starts_with("running ") {
            began = Instant::now();
        }
        let Some((name, figures)) = &mut current else { continue };
        figures.extend(rest.strip_prefix("figure: ").map(str::to_owned));
        skipped |= rest.starts_with("skipped: ");
        if matches!(rest, "ok" | "FAILED") {
            if !std::mem::take(&mut skipped) || rest != "ok" {
                let record = records.entry(name.clone()).or_default();
                record.passed += usize::from(rest == "ok");
                record.failed += usize::from(rest != "ok");
                record.took.push(began.elapsed());
                record.figures = std::mem::take(figures);
            }
            current = None;
            began = Instant::now();
        }
    }
    let status = child.wait().expect("a child can be waited for");
    let seen = records.iter().any(|((of, ..), record)| of == suite && record.failed > 0);
    assert!(status.success() || seen, "{suite} ended with {status}, and no test of it failed");
}

fn table(records: &BTreeMap<Name, Record>) -> String {
    let mut table = "| test | broker | passed | s | found last |\n| --- | --- | --- | ---: | --- |\n".to_owned();
    for ((suite, test, broker), Record { passed, failed, took, figures }) in records {
        let slowest = took.iter().max().map_or(0.0, Duration::as_secs_f64);
        let figures = figures.join("; ");
        writeln!(table, "| `{suite} {test}` | {broker} | {passed} of {} | {slowest:.0} | {figures} |", passed + failed)
            .expect("memory is written");
    }
    table
}
