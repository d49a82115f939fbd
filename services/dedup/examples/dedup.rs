//! The stage as a filter, without the rest of Tidings: `cargo run --release -p tidings-dedup --example dedup < items`.
//!
//! What `tidings dedup` does, for trying a change of the stage without building the line.

use std::io;
use tidings_dedup::{Config, Dedup};
use tidings_stage::filter;

fn main() -> io::Result<()> {
    let refused = |line, reject: &tidings_stage::Reject| eprintln!("line {line}: {reject}");
    let tally = filter::run(Dedup::new(&Config::default()), io::stdin().lock(), io::stdout().lock(), refused)?;
    eprintln!("{tally:?}");
    Ok(())
}
