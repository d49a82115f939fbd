//! `make prove`: the tests behind `docs/guarantees.md`, several times in a row on Apache Kafka, and what each found.
//!
//! A test tells a figure on a line that begins with `figure: `; the last round's are kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tidings_tests::{figures, kafka::Kafka, root};

const ROUNDS: usize = 3;
/// Package and test binary; all that run on Apache Kafka.
const SUITES: [[&str; 2]; 3] =
    [["tidings-tests", "e2e"], ["tidings-stream", "runner"], ["tidings-broker", "conformance"]];

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
    let mut records = BTreeMap::<String, Record>::new();
    for round in 1..=rounds {
        for [package, suite] in SUITES {
            println!("round {round} of {rounds}: {suite}");
            // e2e kills brokers, so it has its own
            let shared = (suite != "e2e").then(|| kafka.brokers());
            run(package, suite, shared, &mut records);
        }
    }
    figures::record("prove", &table(&records));
    let failed: Vec<&String> = records.iter().filter(|(_, record)| record.failed > 0).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}

fn run(package: &str, suite: &str, brokers: Option<&str>, records: &mut BTreeMap<String, Record>) {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["test", "-q", "-p", package, "--test", suite, "--"]);
    cargo.args(["--test-threads=1", "--nocapture", "--format=pretty", "--skip", "embedded"]);
    if let Some(brokers) = brokers {
        cargo.env("KAFKA_BROKERS", brokers);
    }
    let mut child = cargo.stdout(Stdio::piped()).spawn().expect("cargo can be run");
    let mut current = None::<(String, Vec<String>)>;
    // a test's name comes with its first line, which may be its last: it began when the one before it ended
    let mut began = Instant::now();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("tests print text");
        println!("{line}");
        let mut rest = line.as_str();
        if let Some((name, after)) = line.strip_prefix("test ").and_then(|test| test.split_once(" ... ")) {
            current = Some((format!("{suite} {name}"), Vec::new()));
            rest = after;
        } else if line.starts_with("running ") {
            began = Instant::now();
        }
        let Some((name, figures)) = &mut current else { continue };
        figures.extend(rest.strip_prefix("figure: ").map(str::to_owned));
        if matches!(rest, "ok" | "FAILED") {
            let record = records.entry(name.clone()).or_default();
            record.passed += usize::from(rest == "ok");
            record.failed += usize::from(rest != "ok");
            record.took.push(began.elapsed());
            record.figures = std::mem::take(figures);
            current = None;
            began = Instant::now();
        }
    }
    child.wait().expect("a child can be waited for");
}

fn table(records: &BTreeMap<String, Record>) -> String {
    let mut table = "| test | passed | s | found last |\n| --- | --- | ---: | --- |\n".to_owned();
    for (name, Record { passed, failed, took, figures }) in records {
        let slowest = took.iter().max().map_or(0.0, Duration::as_secs_f64);
        let figures = figures.join("; ");
        writeln!(table, "| `{name}` | {passed} of {} | {slowest:.0} | {figures} |", passed + failed)
            .expect("memory is written");
    }
    table
}
