//! How fast dedup decides and restores, and how much it keeps: `cargo run --release -p tidings-dedup --example
//! throughput -- 100000`.
//!
//! Generated items of 20 to 60 words over a vocabulary of Zipf's kind; every tenth is an edited copy of one of the
//! newest 50,000. One thread's CPU time on Linux, no Kafka; reading and
//! writing the records' JSON is included.

use std::{env, fs, hint::black_box};
use tidings_dedup::{Config, Dedup, RawItem};
use tidings_model::topic;
use tidings_stage::{Change, Event, Input, Stage};

fn main() {
    let count: usize = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let lines = lines(count);
    let begun = cpu();
    lines.iter().for_each(|line| drop(black_box(read(line))));
    println!("{profile}: reading alone {:.0} items/s", count as f64 / (cpu() - begun));
    let mut stage = Dedup::new(&Config::default());
    let (mut log, mut candidates, mut copies) = (Vec::new(), 0, 0);
    let before = resident();
    let mut begun = cpu();
    for (n, line) in lines.iter().enumerate() {
        let item = read(line);
        let at = item.seen().unwrap_or_default();
        let prepared = match stage.step(at, &Event::Record(item)) {
            Ok(prepared) => prepared,
            Err(reject) => panic!("{reject}"),
        };
        candidates += prepared.step.out[0].candidates;
        copies += usize::from(prepared.out[0].topic == &topic::DUPLICATES);
        log.extend(prepared.changes);
        if (n + 1) % (count / 5).max(1) == 0 {
            let rate = (count / 5) as f64 / (cpu() - begun);
            println!("{profile}: {} items in the window, {rate:.0} items/s", n + 1);
            begun = cpu();
        }
    }
    let stored: usize = log.iter().map(|record| record.key.len() + record.value.as_ref().map_or(0, Vec::len)).sum();
    println!("{copies} copies, {:.1} candidates per item", candidates as f64 / count as f64);
    println!("{} bytes of changelog per item", stored / count);
    let between = resident();
    let begun = cpu();
    let mut restored = Dedup::new(&Config::default());
    for record in &log {
        match tidings_dedup::Change::decode(&record.key, record.value.as_deref()) {
            Ok(change) => restored.apply(&change),
            Err(error) => panic!("{error}"),
        }
    }
    println!("restored {:.0} items/s", count as f64 / (cpu() - begun));
    println!(
        "resident: {} MB of input, +{} MB with state and log, +{} MB by the restored state",
        before >> 20,
        resident().saturating_sub(before) >> 20,
        resident().saturating_sub(between) >> 20
    );
}

fn read(line: &str) -> RawItem {
    RawItem::decode(&topic::RAW, b"", Some(line.as_bytes())).expect("generated items are items")
}

/// CPU time of this thread in seconds, on Linux.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).map_or(f64::NAN, |ran| ran as f64 / 1e9)
}

/// Resident memory in bytes, on Linux.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}

fn lines(count: usize) -> Vec<String> {
    let mut seed = 42u64;
    let mut roll = move |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    let mut texts: Vec<Vec<u32>> = Vec::new();
    let mut lines = Vec::new();
    for n in 0..count {
        let text = if n > 100 && roll(10) == 0 {
            let mut text = texts[n - 1 - roll(n.min(50_000))].clone();
            let place = roll(text.len());
            text[place] = roll(100_000) as u32;
            text
        } else {
            (0..20 + roll(40)).map(|_| (roll(400) * roll(400) / (1 + roll(400))) as u32).collect()
        };
        let words = |part: &[u32]| part.iter().map(|word| format!("w{word:x}e")).collect::<Vec<_>>().join(" ");
        lines.push(format!(
            r#"{{"id":"{n:032x}","headline":"{}","summary":"{}","url":"https://example.org/{n}","first_seen_at":"2026-11-24T{:02}:{:02}:00Z","publisher":{{"name":"Publisher {}","domain":"example{}.org"}}}}"#,
            words(&text[..8]), words(&text[8..]), n * 24 / count, n % 60, n % 500, n % 500,
        ));
        texts.push(text);
    }
    lines
}
