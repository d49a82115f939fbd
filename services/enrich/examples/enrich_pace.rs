//! Measures the stage as a filter: `enrich_pace ITEMS` reads JSON lines and prints the CPU milliseconds of an item, on
//! average, the best of three rounds.

use rustix::time::{ClockId, clock_gettime};
use std::{env, error::Error, fs, io};
use tidings_enrich::{Config, Enrich, Models};
use tidings_stage::filter;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("enrich_pace ITEMS")?;
    let items = fs::read(path)?;
    let config = Config::default();
    let models = Models::load(&config).map_err(|problems| problems[0].to_string())?;
    let lines = items.iter().filter(|byte| **byte == b'\n').count();
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let stage = Enrich::new(&config, &models);
        let start = cpu_seconds();
        filter::run(stage, &items[..], io::sink(), |line, reject| eprintln!("line {line}: {reject}"))?;
        best = best.min(cpu_seconds() - start);
    }
    println!("{lines} items, {:.3} ms of the CPU each, the best of three rounds", best * 1000.0 / lines as f64);
    Ok(())
}

/// On the processor, of this thread: other work of the machine does not count.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
