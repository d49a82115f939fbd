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
    let text = text();
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("{DOCUMENT} has no {open}"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{DOCUMENT} has no {close}"));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (date, processor) = (date(), processor());
    let on = format!("{date} on {cores} cores of {processor}, broker, load and other work on the machine included.");
    write(&format!("{before}{open}\n{on}\n\n{table}{close}{after}"));
}

/// Today, as the machine has it.
pub fn date() -> String {
    output(Command::new("date").arg("+%Y-%m-%d")).trim_end().to_owned()
}

/// The document.
pub(crate) fn text() -> String {
    fs::read_to_string(root().join(DOCUMENT)).unwrap_or_else(|error| panic!("{DOCUMENT}: {error}"))
}

pub(crate) fn write(text: &str) {
    fs::write(root().join(DOCUMENT), text).unwrap_or_else(|error| panic!("{DOCUMENT}: {error}"));
}

/// What speed depends on: the processor, as Linux names it, and what the recogniser has of its instructions.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| text.lines().find(|line| line.starts_with(name))?.split_once(':').map(|(_, value)| value);
    let flags = field("flags").unwrap_or_default();
    let instructions =
        ["avx512_vnni", "avx2", "sse2"].into_iter().find(|set| flags.split(' ').any(|flag| flag == *set));
    format!("{} ({})", field("model name").unwrap_or("a processor").trim(), instructions.unwrap_or("portable"))
}
