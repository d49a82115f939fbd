//! Measures the compiled-in model: `pace TEXTS ROUNDS [int16]` prints tokens, the CPU seconds of the best round, the
//! median and the 99th percentile of a text in milliseconds of the CPU, and the memory in MiB, as JSON. Linux only: it
//! reads `/proc`.

use rustix::time::{ClockId, clock_gettime};
use std::{env, error::Error, fs, sync::Arc};
use tidings_ner::{ENGLISH_SMALL, Model, Precision, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(path), Some(rounds)) = (arguments.next(), arguments.next()) else {
        return Err("pace TEXTS ROUNDS [int16]".into());
    };
    let texts = fs::read_to_string(path)?;
    let texts: Vec<&str> = texts.lines().collect();
    let precision = match arguments.next().as_deref() {
        None => Precision::F32,
        Some("int16") => Precision::Int16,
        Some(other) => return Err(format!("{other}: a precision is int16, or left out").into()),
    };
    let model = Arc::new(Model::read(ENGLISH_SMALL)?.with_precision(precision));
    let (mut tokens, mut best, mut each) = (0, f64::INFINITY, Vec::new());
    for round in 0..rounds.parse()? {
        // each round begins with empty caches
        let mut session = Session::new(Arc::clone(&model));
        let start = cpu_seconds();
        for text in &texts {
            let before = cpu_seconds();
            let found = session.analyse(text).tokens.len();
            if round == 0 {
                tokens += found;
                each.push((cpu_seconds() - before) * 1000.0);
            }
        }
        best = best.min(cpu_seconds() - start);
    }
    each.sort_by(f64::total_cmp);
    let quantile = |percent: usize| each.get(each.len() * percent / 100).copied().unwrap_or_default();
    let rss = status("VmHWM:")? / 1024.0;
    let told = serde_json::json!({
        "tokens": tokens, "seconds": best, "p50": quantile(50), "p99": quantile(99), "rss": rss,
    });
    println!("{told}");
    Ok(())
}

/// On the processor, of this thread: other work of the machine does not count.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn status(key: &str) -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/status")?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such line in /proc/self/status")?;
    Ok(value.split_whitespace().next().ok_or("an empty line")?.parse()?)
}
