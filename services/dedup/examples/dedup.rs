//! The stage as a filter, without the rest of Tidings: `cargo run --release -p tidings-dedup --example dedup < items`.
//!
//! What `tidings dedup` does, for trying a change of the stage without building the line; `-- --explain` tells why.

use std::io;
use tidings_dedup::{Config, Dedup};
use tidings_stage::filter;

fn main() -> io::Result<()> {
    let refused = |line, reject: &tidings_stage::Reject| eprintln!("line {line}: {reject}");
    let stage = Dedup::new(&Config::default());
    let stage = if std::env::args().any(|option| option == "--explain") { stage.explaining() } else { stage };
    let tally = filter::run(stage, io::stdin().lock(), io::stdout().lock(), refused)?;
    eprintln!("{tally:?}");
    Ok(())
}
