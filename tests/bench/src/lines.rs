//! Files of one record a line, as the programs here read them.

use anyhow::{Context as _, anyhow};
use std::{fs, path::Path};

/// Reads each line that is not empty; an error names the file and the line.
pub fn read<T>(path: &Path, read: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let named = |(number, line)| read(line).map_err(|error| anyhow!("{}, line {number}: {error}", path.display()));
    lines.map(named).collect()
}
