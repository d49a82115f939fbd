//! Speed and memory of dedup beside gaoya's MinHash, on the same texts and on one thread: `make bench-dedup`.
//!
//! CPU time, not wall time. "decides" is a text in and a verdict out, as peers do it; "with records" reads the item's
//! JSON before and writes the records after it, with their headers. With a file name as second argument the texts are
//! written there, for `peers`.

use std::{collections::HashSet, env, fs, hint::black_box, io::Write as _};
use tidings_bench::traffic;
use tidings_dedup::{Change, Config, Dedup, RawItem};
use tidings_model::topic;
use tidings_stage::{Change as _, Event, Input, Stage};

/// Windows at which the cost of the next documents is measured.
const AT: [usize; 4] = [10_000, 100_000, 300_000, 1_000_000];
/// How many documents a measurement takes.
const SAMPLE: usize = 10_000;

fn main() {
    let mut arguments = env::args().skip(1);
    let count: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(300_000);
    if let Some(path) = arguments.next() {
        let mut file = fs::File::create(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for text in traffic::texts(count, SEED) {
            writeln!(file, "{text}").unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
    println!("{:<24} {:>9} {:>9} {:>9} {:>9}", "docs/s at a window of", "10k", "100k", "300k", "1M");
    let lines = traffic::lines(count, SEED);
    let (decides, log) = dedup(&lines, false);
    row("tidings decides", &decides);
    drop(log);
    let (records, log) = dedup(&lines, true);
    row("tidings with records", &records);
    restore(count, &log);
    drop((lines, log));
    row("gaoya 42×3, t .4", &gaoya(count));
}

const SEED: u64 = 42;

fn row(name: &str, rates: &[Option<f64>; AT.len()]) {
    let shown = |rate: &Option<f64>| rate.map_or_else(|| format!("{:>9}", "-"), |rate| format!("{rate:>9.0}"));
    println!("{name:<24} {}", rates.iter().map(shown).collect::<Vec<_>>().join(" "));
}

/// Runs `work` over all documents and tells the rate of the last of each window.
fn rates(count: usize, mut work: impl FnMut(usize)) -> [Option<f64>; AT.len()] {
    let mut rates = [None; AT.len()];
    let mut begun = 0.0;
    for n in 0..count {
        for (rate, at) in rates.iter_mut().zip(AT) {
            if n + SAMPLE == at {
                begun = cpu();
            }
            if n == at {
                *rate = Some(SAMPLE as f64 / (cpu() - begun));
            }
        }
        work(n);
    }
    if let Some(place) = AT.iter().position(|at| *at == count) {
        rates[place] = Some(SAMPLE as f64 / (cpu() - begun));
    }
    rates
}

type Log = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The stage over the items, and with records its changelog.
fn dedup(lines: &[String], records: bool) -> ([Option<f64>; AT.len()], Log) {
    let read = |line: &String| RawItem::decode(&topic::RAW, b"", Some(line.as_bytes())).expect("an item");
    let mut stage = Dedup::new(&Config::default());
    let mut log = Vec::new();
    // without records, items are read a sample ahead, outside of the measurement
    let mut ahead: Vec<RawItem> = Vec::new();
    let rates = rates(lines.len(), |n| {
        if records {
            let item = read(&lines[n]);
            let prepared = stage.step(item.seen().unwrap_or_default(), &Event::Record(item)).expect("accepted");
            log.extend(prepared.changes.into_iter().map(|record| (record.key, record.value)));
            black_box(prepared.out);
            return;
        }
        if n % SAMPLE == 0 {
            let from = cpu();
            ahead = lines[n..].iter().take(SAMPLE).map(read).collect();
            ahead.reverse();
            skip(cpu() - from);
        }
        let Some(item) = ahead.pop() else { return };
        let at = item.seen().unwrap_or_default();
        let step = stage.decide(at, &Event::Record(item)).expect("accepted");
        step.changes.iter().for_each(|change| stage.apply(change));
        black_box(step.out);
    });
    (rates, log)
}

/// Rebuilds the state, and tells what it takes.
fn restore(count: usize, log: &Log) {
    let stored: usize = log.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
    let (before, begun) = (resident(), cpu());
    let mut stage = Dedup::new(&Config::default());
    for (key, value) in log {
        stage.apply(&Change::decode(key, value.as_deref()).expect("what was written is read"));
    }
    let rate = count as f64 / (cpu() - begun);
    let memory = (resident().saturating_sub(before)) / count;
    println!("tidings: restores {rate:.0} docs/s; {memory} bytes of memory and {} of changelog per doc", stored / count);
    black_box(&stage);
}

/// gaoya as its README uses it: word pairs, insert, query first.
fn gaoya(count: usize) -> [Option<f64>; AT.len()] {
    use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32};
    let texts = traffic::texts(count, SEED);
    let hasher = MinHasher32::new(42 * 3);
    let mut index: MinHashIndex<u32, usize> = MinHashIndex::new(42, 3, 0.4);
    let before = resident();
    let rates = rates(count, |n| {
        let words: Vec<&str> = texts[n].split(' ').collect();
        let pairs: HashSet<(&str, &str)> = words.windows(2).map(|two| (two[0], two[1])).collect();
        let signature = hasher.create_signature(pairs.into_iter());
        black_box(index.query(&signature));
        index.insert(n, signature);
    });
    println!("gaoya: {} bytes of memory per doc", resident().saturating_sub(before) / count);
    rates
}

thread_local! {
    static SKIPPED: std::cell::Cell<f64> = const { std::cell::Cell::new(0.0) };
}

/// Leaves time out of the measurement.
fn skip(seconds: f64) {
    SKIPPED.with(|skipped| skipped.set(skipped.get() + seconds));
}

/// CPU time of this thread in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ran = stat.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).map_or(f64::NAN, |ran| ran as f64 / 1e9);
    ran - SKIPPED.with(std::cell::Cell::get)
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}
