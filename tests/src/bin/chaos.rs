//! `make chaos`: fifty faults amid twenty thousand items, on Apache Kafka with three replicas of everything. The seed is
//! printed; `chaos SEED` takes it.

use std::time::{SystemTime, UNIX_EPOCH};
use tidings_tests::chaos::{Deck, Fault, Load, SESSION, run};
use tidings_tests::{figures, kafka::Kafka, line::Line, promises};

const ITEMS: usize = 20_000;
const FAULTS: [(Fault, usize); 6] = [
    (Fault::Kill, 18),
    (Fault::KillTwice, 6),
    (Fault::Pause, 8),
    (Fault::Broker, 6),
    (Fault::Add, 6),
    (Fault::Remove, 6),
];
const ROUNDS: usize = 5;

fn main() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = std::env::args().nth(1).map_or(clock, |seed| seed.parse().expect("chaos [SEED], a number"));
    println!("seed {seed}");
    let mut kafka = Kafka::replicated();
    let mut load = Load::new(seed, 16, 24);
    let session = format!("replication = 3\nsession_timeout = \"{}s\"\n", SESSION.as_secs());
    let mut line = Line::on(kafka.brokers(), &(session + &load.config()));
    line.run(&["topics", "create"]);
    line.start_five();
    line.import(&load.opml());
    load.start(line.tool());
    let report = run(&mut line, &load, Some(&mut kafka), Deck::new(seed, &FAULTS, ROUNDS), ITEMS);
    println!("\n{}", report.table());
    report.proof.assert_exact();
    figures::record("chaos", &report.table());
    let told = format!("{}: lost, doubled, wrong 0, 0, 0", figures::date());
    promises::tell(|tests| tests.starts_with("`make chaos`").then(|| told.clone()));
}
