//! `make prove`: the tests that `docs/guarantees.md` names, several times in a row: those of the line and the runner on
//! Apache Kafka, those of the broker on both. What each found is written beside its promise.
//!
//! `prove ROUNDS SUITE` runs the suites anew whose name has that in it, and keeps what was found last of the others.
//!
//! A test tells a figure on a line that begins with `figure: `; the last round's are kept. One that says `skipped: ` did
//! not run, and does not count.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;
use tidings_tests::promises::{self, Named, Suite};
use tidings_tests::{figures, kafka::Kafka, root};

/// Where the outcomes are kept.
const KEPT: &str = "target/prove.json";

/// What a suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Broker {
    /// Apache Kafka.
    Kafka,
    /// Ours.
    Embedded,
    /// None.
    Without,
}

/// A suite on a broker.
type Run = (Suite, Broker);

/// What became of one test.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    passed: usize,
    failed: usize,
    figures: Vec<String>,
}

/// What became of a run in all rounds.
#[derive(Default, Serialize, Deserialize)]
struct Outcome {
    tests: BTreeMap<String, Record>,
    /// Of the longest round.
    seconds: f64,
    /// The day of the last one.
    date: String,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let rounds: usize =
        args.next().and_then(|rounds| rounds.parse().ok()).expect("prove ROUNDS [SUITE], a number first");
    let only = args.next();
    let cells = promises::cells();
    let suites: BTreeSet<Suite> =
        cells.iter().flat_map(|cell| promises::tests(cell)).map(|named| named.suite).collect();
    let is_wanted = |run: &Run| only.as_ref().is_none_or(|only| title(run).contains(only));
    let runs: Vec<Run> = suites.iter().flat_map(runs).filter(is_wanted).collect();
    let mut outcomes = if only.is_some() { kept() } else { BTreeMap::new() };
    outcomes.retain(|run, _| !runs.contains(run));
    let kafka = Kafka::start();
    for round in 1..=rounds {
        for run in &runs {
            println!("round {round} of {rounds}: {}", title(run));
            perform(run, kafka.brokers(), outcomes.entry(run.clone()).or_default());
            keep(&outcomes);
        }
    }
    figures::record("prove", &table(&outcomes));
    promises::tell(|cell| found(&promises::tests(cell), &outcomes));
    let tests = || outcomes.values().flat_map(|outcome| &outcome.tests);
    let failed: Vec<&String> = tests().filter(|(_, record)| record.failed > 0).map(|(test, _)| test).collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
    let has_run = |named: Named| matching(&named, &outcomes).next().is_some();
    let absent: Vec<&String> = cells.iter().filter(|cell| !promises::tests(cell).into_iter().all(has_run)).collect();
    assert!(absent.is_empty(), "docs/guarantees.md names tests that did not run: {absent:#?}");
}

/// What runs before this one found.
fn kept() -> BTreeMap<Run, Outcome> {
    let text = fs::read(root().join(KEPT)).unwrap_or_else(|error| panic!("{KEPT}: {error}; run all suites first"));
    let kept: Vec<(Run, Outcome)> = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{KEPT}: {error}"));
    kept.into_iter().collect()
}

fn keep(outcomes: &BTreeMap<Run, Outcome>) {
    let text = serde_json::to_vec(&outcomes.iter().collect::<Vec<_>>()).expect("outcomes serialise");
    fs::write(root().join(KEPT), text).unwrap_or_else(|error| panic!("{KEPT}: {error}"));
}

/// Which brokers a suite runs on.
fn runs(suite: &Suite) -> Vec<Run> {
    let brokers: &[Broker] = match suite.target.as_deref() {
        Some("conformance") => &[Broker::Kafka, Broker::Embedded],
        Some("e2e" | "runner") => &[Broker::Kafka],
        _ => &[Broker::Without],
    };
    brokers.iter().map(|broker| (suite.clone(), *broker)).collect()
}

fn perform((suite, on): &Run, brokers: &str, outcome: &mut Outcome) {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["test", "-q", "-p", &suite.package]);
    match &suite.target {
        Some(target) => cargo.args(["--test", target]),
        None => cargo.arg(if suite.is_library { "--lib" } else { "--bins" }),
    };
    cargo.args(["--", "--test-threads=1", "--nocapture", "--format=pretty"]);
    cargo.env_remove("KAFKA_BROKERS");
    match suite.target.as_deref() {
        // on their own clusters, whose brokers they kill
        Some("e2e") => cargo.args(["--skip", "embedded"]),
        _ if *on == Broker::Kafka => cargo.env("KAFKA_BROKERS", brokers),
        _ => &mut cargo,
    };
    let began = Instant::now();
    let mut child = cargo.stdout(Stdio::piped()).spawn().expect("cargo can be run");
    let mut current = None::<(String, Vec<String>)>;
    let mut skipped = false;
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("tests print text");
        println!("{line}");
        let mut rest = line.as_str();
        if let Some((name, after)) = line.strip_prefix("test ").and_then(|test| test.split_once(" ... ")) {
            current = Some((name.to_owned(), Vec::new()));
            rest = after;
        }
        let Some((name, figures)) = &mut current else { continue };
        figures.extend(rest.strip_prefix("figure: ").map(str::to_owned));
        skipped |= rest.starts_with("skipped: ");
        if matches!(rest, "ok" | "FAILED") {
            let record = outcome.tests.entry(name.clone()).or_default();
            record.passed += usize::from(rest == "ok" && !skipped);
            record.failed += usize::from(rest == "FAILED");
            record.figures = std::mem::take(figures);
            skipped = false;
            current = None;
        }
    }
    outcome.seconds = outcome.seconds.max(began.elapsed().as_secs_f64());
    outcome.date = figures::date();
    let status = child.wait().expect("a child can be waited for");
    let seen = outcome.tests.values().any(|record| record.failed > 0);
    assert!(status.success() || seen, "{suite:?} ended with {status}, and no test of it failed");
}

fn matching<'a>(named: &'a Named, outcomes: &'a BTreeMap<Run, Outcome>) -> impl Iterator<Item = &'a Record> {
    let of_suite = outcomes.iter().filter(|((suite, _), _)| *suite == named.suite);
    let tests = of_suite.flat_map(|(_, outcome)| &outcome.tests);
    tests.filter(|(test, _)| named.is(test)).map(|(_, record)| record)
}

/// What is told beside a promise; nothing where no test of it ran.
fn found(names: &[Named], outcomes: &BTreeMap<Run, Outcome>) -> Option<String> {
    let records: Vec<&Record> = names.iter().flat_map(|named| matching(named, outcomes)).collect();
    let figures = records.iter().flat_map(|record| record.figures.iter().cloned());
    let told: Vec<String> = std::iter::once(in_a_row(&records)).chain(figures).collect();
    (!records.is_empty()).then(|| told.join("; "))
}

/// How often tests passed, as "4 tests, each 3 of 3".
fn in_a_row(records: &[&Record]) -> String {
    let ran: Vec<&&Record> = records.iter().filter(|record| record.passed + record.failed > 0).collect();
    let Some(worst) = ran.iter().max_by_key(|record| record.failed) else { return "skipped here".to_owned() };
    let often = format!("{} of {}", worst.passed, worst.passed + worst.failed);
    match (ran.len(), worst.failed) {
        (1, _) => often,
        (count, 0) => format!("{count} tests, each {often}"),
        (count, _) => format!("{count} tests, at worst {often}"),
    }
}

fn title((suite, broker): &Run) -> String {
    let target = suite.target.as_deref().map(|target| format!(" {target}")).unwrap_or_default();
    let on = match broker {
        Broker::Kafka => ", on Apache Kafka",
        Broker::Embedded => ", on the embedded broker",
        Broker::Without => "",
    };
    format!("{}{target}{on}", suite.package)
}

fn table(outcomes: &BTreeMap<Run, Outcome>) -> String {
    let mut table = "| suite | passed | a round took at most, s | on |\n| --- | --- | ---: | --- |\n".to_owned();
    for (run, Outcome { tests, seconds, date }) in outcomes {
        let passed = in_a_row(&tests.values().collect::<Vec<_>>());
        writeln!(table, "| {} | {passed} | {seconds:.0} | {date} |", title(run)).expect("memory is written");
    }
    table
}
