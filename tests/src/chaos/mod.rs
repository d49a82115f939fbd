//! The line under fire: a steady stream of items that is known beforehand, faults at random, and then the proof that
//! every record is there once and is what the filters make of the same input.
//!
//! The faults and their order follow from a seed. What they meet in the stream at that moment does not: a run that
//! found something is repeated with its seed until it finds it again.

mod fault;
mod load;
mod proof;

pub use fault::{Deck, Fault, Fire, SESSION};
pub use load::{Load, words};
pub use proof::{Proof, prove};

use crate::{kafka::Kafka, line::Line};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How a run went.
#[derive(Debug)]
pub struct Report {
    /// What the order of the faults follows from.
    pub seed: u64,
    /// How long items flowed.
    pub took: Duration,
    /// How often each kind of fault was made.
    pub faults: BTreeMap<&'static str, usize>,
    /// From each fault to the next commit of what it hit, sorted.
    pub recovered: Vec<Duration>,
    /// Transactions by result, as far as processes lived to tell.
    pub transactions: BTreeMap<&'static str, u64>,
    /// What the topics hold.
    pub proof: Proof,
}

/// Runs the line under the faults of `deck`, in rounds, until at least `items` items are out; then proves what the
/// topics hold. `kafka` is the cluster's, where it is ours to kill.
pub fn run(line: &mut Line, load: &Load, kafka: Option<&mut Kafka>, deck: Deck, items: usize) -> Report {
    let began = Instant::now();
    let mut fire = Fire::new(deck.seed(), kafka);
    let rounds = deck.rounds();
    let last = rounds.len() - 1;
    for (number, round) in rounds.into_iter().enumerate() {
        load.resume();
        for fault in round {
            fire.make(fault, line);
        }
        while number == last && load.issued() < items {
            std::thread::sleep(Duration::from_millis(200));
        }
        load.pause();
        // all that was told is known, so that it can be edited and withdrawn
        proof::await_raw(line, load);
        if number < last {
            load.end_round();
        }
    }
    let took = began.elapsed();
    let proof = prove(line, load);
    let (faults, recovered, transactions) = fire.end(line);
    Report { seed: load.seed(), took, faults, recovered, transactions, proof }
}

/// The value below which that share of the sorted values lies.
pub fn quantile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

impl Report {
    /// For people, as Markdown.
    pub fn table(&self) -> String {
        let faults = self.faults.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ");
        let proof = &self.proof;
        let seconds =
            |share| quantile(&self.recovered, share).map_or("–".to_owned(), |d| format!("{:.1} s", d.as_secs_f64()));
        let delay =
            |share| quantile(&proof.delays, share).map_or("–".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1e3));
        let transactions = |result| self.transactions.get(result).copied().unwrap_or(0);
        let mut table = String::from("| | |\n| --- | --- |\n");
        let mut row = |name: &str, value: String| writeln!(table, "| {name} | {value} |").expect("memory is written");
        row("seed", self.seed.to_string());
        row("items flowed for", format!("{} s", self.took.as_secs()));
        row("faults", format!("{}: {faults}", self.faults.values().sum::<usize>()));
        for (topic, count) in &proof.records {
            row(topic, format!("{count} records"));
        }
        row("lost, doubled, wrong", format!("{}, {}, {}", proof.lost.len(), proof.doubled.len(), proof.wrong.len()));
        row("entries in fetch's state", format!("{}, each once", proof.remembered));
        row("alerts of order-bound rules: live, replayed", format!("{}, {}", proof.bursts.0, proof.bursts.1));
        row(
            "transactions committed, aborted, fenced",
            ["committed", "aborted", "fenced"].map(transactions).map(|n| n.to_string()).join(", "),
        );
        row("fault to next commit: p50, p99", format!("{}, {}", seconds(0.5), seconds(0.99)));
        row("first seen to enriched, faults included: p50, p99", format!("{}, {}", delay(0.5), delay(0.99)));
        table
    }
}
