//! Speed and memory of dedup beside gaoya's MinHash, on the same texts and on one thread: `make bench-dedup`.
//!
//! Prints rows of a Markdown table. CPU time, not wall time, and the best of three runs, so that other work on the
//! machine counts little; each run is a process of its own that reads its texts from a file, so that its resident
//! memory is what it remembers.
//! "decides" is a text in and a verdict out, as peers do it; "with records" reads the item's JSON before and writes the
//! records after it, with their headers; "restores" reads them back from the changelog.

use std::{
    collections::HashSet,
    env, fs,
    hint::black_box,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
};
use tidings_bench::traffic;
use tidings_dedup::{Change, Config, Dedup, RawItem};
use tidings_model::topic;
use tidings_stage::{Change as _, Event, Input, Stage};

/// Windows at which the cost of the next documents is measured.
const AT: [usize; 4] = [10_000, 100_000, 300_000, 1_000_000];
/// How many documents a measurement takes.
const SAMPLE: usize = 10_000;
/// How often each row is measured; of each figure the best is told.
const RUNS: usize = 3;
/// How many are read at a time: they take little room beside what is remembered.
const PORTION: usize = 1000;
const SEED: u64 = 42;
/// The rows of the table: their names, and what measures them with the files of a folder.
const ROWS: [(&str, Measure); 4] = [
    ("Tidings decides", |folder| dedup(folder, false)),
    ("Tidings with records", |folder| dedup(folder, true)),
    ("Tidings restores", restore),
    ("gaoya 42×3, t .4", gaoya),
];

/// Documents per CPU second at each of [`AT`], and bytes of memory per document.
type Row = ([Option<f64>; AT.len()], usize);
type Measure = fn(&Path) -> Row;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut words = arguments.iter().map(String::as_str);
    match (words.next(), words.next()) {
        (Some("row"), Some(folder)) => {
            let number = words.next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
            let (_, measure) = ROWS.get(number).expect("one of ROWS");
            let (rates, bytes) = measure(Path::new(folder));
            rates.iter().flatten().for_each(|rate| print!("{rate:.0} "));
            println!("{bytes}");
        }
        (Some(count), Some(folder)) if count.parse::<usize>().is_ok() => {
            compare(count.parse().unwrap_or(AT[3]), Path::new(folder));
        }
        _ => panic!("usage: bench-dedup COUNT FOLDER: how many documents, and where their texts may lie"),
    }
}

/// Writes the texts, and measures each row in a process of its own.
fn compare(count: usize, folder: &Path) {
    let write = |name: &str, lines: Vec<String>| {
        let mut file = BufWriter::new(fs::File::create(folder.join(name)).expect("the folder can be written to"));
        lines.iter().for_each(|line| writeln!(file, "{line}").expect("there is room for the texts"));
    };
    fs::create_dir_all(folder).expect("the folder can be made");
    write("items", traffic::lines(count, SEED));
    write("texts", traffic::texts(count, SEED));
    println!("| documents per CPU second at a window of | 10k | 100k | 300k | 1M | bytes each |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let itself = env::current_exe().expect("a program knows where it is");
    for (number, (name, _)) in ROWS.iter().enumerate() {
        let run = || {
            let output = Command::new(&itself).arg("row").arg(folder).arg(number.to_string()).output();
            let output = output.ok().filter(|output| output.status.success());
            let output = output.unwrap_or_else(|| panic!("{name} failed: run {} row", itself.display()));
            let told = String::from_utf8_lossy(&output.stdout);
            told.split_whitespace().map(|figure| figure.parse().expect("a run prints figures")).collect()
        };
        let mut runs: Vec<Vec<u64>> = (0..RUNS).map(|_| run()).collect();
        let bytes = runs.iter_mut().filter_map(Vec::pop).min().unwrap_or_default();
        let best = |at: usize| runs.iter().filter_map(|rates| rates.get(at)).max();
        let rates = (0..AT.len()).map(|at| best(at).map_or_else(|| "–".to_owned(), u64::to_string));
        println!("| {name} | {} | {bytes} |", rates.collect::<Vec<_>>().join(" | "));
    }
}

/// The lines of a file of `folder`, a portion at a time, read outside of the measurement.
fn lines(folder: &Path, name: &str) -> impl Iterator<Item = Vec<String>> {
    let path: PathBuf = folder.join(name);
    let file = fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = BufReader::new(file).lines();
    std::iter::from_fn(move || {
        let portion: Vec<_> = lines.by_ref().take(PORTION).map(|line| line.expect("texts are UTF-8")).collect();
        (!portion.is_empty()).then_some(portion)
    })
}

/// Runs `work` over portions, and tells the rate of the last sample before each window, and the memory that stays.
fn measure<T>(portions: impl Iterator<Item = Vec<T>>, mut work: impl FnMut(T)) -> Row {
    let (mut rates, mut done, before) = ([None; AT.len()], 0, resident());
    let mut spent = 0.0;
    for portion in portions {
        if done % SAMPLE == 0 {
            spent = 0.0;
        }
        done += portion.len();
        let begun = cpu();
        portion.into_iter().for_each(&mut work);
        spent += cpu() - begun;
        if let Some(place) = AT.iter().position(|at| *at == done) {
            rates[place] = Some(SAMPLE as f64 / spent);
        }
    }
    (rates, resident().saturating_sub(before) / done.max(1))
}

/// The stage over the items; with records it writes its changelog for [`restore`].
fn dedup(folder: &Path, records: bool) -> Row {
    let read = |line: &String| RawItem::decode(&topic::RAW, b"", Some(line.as_bytes())).expect("an item");
    let mut stage = Dedup::new(&Config::default());
    if !records {
        let portions = lines(folder, "items").map(|portion| portion.iter().map(read).collect());
        return measure(portions, |item: RawItem| {
            let at = item.seen().unwrap_or_default();
            let step = stage.decide(at, &Event::Record(item)).expect("accepted");
            step.changes.iter().for_each(|change| stage.apply(change));
            black_box(step.out);
        });
    }
    let mut log = BufWriter::new(fs::File::create(folder.join("changelog")).expect("the folder can be written to"));
    measure(lines(folder, "items"), |line| {
        let item = read(&line);
        let prepared = stage.step(item.seen().unwrap_or_default(), &Event::Record(item)).expect("accepted");
        for record in prepared.changes {
            for part in [record.key, record.value.unwrap_or_default()] {
                log.write_all(&(part.len() as u32).to_le_bytes()).expect("there is room for the changelog");
                log.write_all(&part).expect("there is room for the changelog");
            }
        }
        black_box(prepared.out);
    })
}

/// Rebuilds the state from its changelog.
fn restore(folder: &Path) -> Row {
    let mut log = BufReader::new(fs::File::open(folder.join("changelog")).expect("the row before wrote it"));
    let mut part = move || {
        use std::io::Read as _;
        let mut length = [0; 4];
        log.read_exact(&mut length).ok()?;
        let mut part = vec![0; u32::from_le_bytes(length) as usize];
        log.read_exact(&mut part).ok().map(|()| part)
    };
    let portions = std::iter::from_fn(move || {
        let portion: Vec<_> = std::iter::from_fn(|| Some((part()?, part()?))).take(PORTION).collect();
        (!portion.is_empty()).then_some(portion)
    });
    let mut stage = Dedup::new(&Config::default());
    measure(portions, |(key, value)| {
        let value = (!value.is_empty()).then_some(&value[..]);
        stage.apply(&Change::decode(&key, value).expect("what was written is read"));
    })
}

/// gaoya as its README uses it: word pairs, query, insert.
fn gaoya(folder: &Path) -> Row {
    use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32};
    let hasher = MinHasher32::new(42 * 3);
    let mut index: MinHashIndex<u32, usize> = MinHashIndex::new(42, 3, 0.4);
    let mut n = 0;
    measure(lines(folder, "texts"), |text| {
        let words: Vec<&str> = text.split(' ').collect();
        let pairs: HashSet<(&str, &str)> = words.windows(2).map(|two| (two[0], two[1])).collect();
        let signature = hasher.create_signature(pairs.into_iter());
        black_box(index.query(&signature));
        index.insert(n, signature);
        n += 1;
    })
}

/// CPU time of this thread in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).map_or(f64::NAN, |ran| ran as f64 / 1e9)
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}
