//! Figures in the documents: what a run found is written between the marks that bear its name.

use crate::{output, root};
use std::fs;
use std::process::Command;

const DOCUMENT: &str = "docs/guarantees.md";

/// Writes `table` between `<!-- name -->` and `<!-- /name -->` of `docs/guarantees.md`, with what it was measured on.
///
/// # Panics
/// When the document has no such marks.
pub fn record(name: &str, table: &str) {
    let path = root().join(DOCUMENT);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{DOCUMENT}: {error}"));
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("{DOCUMENT} has no {open}"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{DOCUMENT} has no {close}"));
    let date = output(Command::new("date").arg("+%Y-%m-%d"));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let on = format!("{} on {cores} cores, broker, load and other work on the machine included.", date.trim_end());
    let text = format!("{before}{open}\n{on}\n\n{table}{close}{after}");
    fs::write(&path, text).unwrap_or_else(|error| panic!("{DOCUMENT}: {error}"));
}
