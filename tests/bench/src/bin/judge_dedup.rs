//! Judges what dedup found: reads its records on standard input, and the truth from the items themselves or a file.
//!
//! `generate_news | tidings dedup | judge_dedup`, or with documents of yours `tidings dedup < docs.jsonl |
//! judge_dedup --truth truth.jsonl`.

use anyhow::{Context as _, anyhow};
use clap::Parser;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _},
    path::PathBuf,
};
use tidings_bench::clusters::{Found, Verdict, text};

/// Compares clusters with the truth.
#[derive(Parser)]
struct Options {
    /// Lines of {"id","cluster"}: which documents belong together, where the items do not say it themselves.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Fail unless the pairs' F1 is at least this.
    #[arg(long, default_value_t = 0.0)]
    least: f64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut truths = BTreeMap::new();
    if let Some(path) = &options.truth {
        let lines = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        for (number, line) in (1..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line).with_context(|| format!("truth, line {number}"))?;
            let pair = text(&value["id"]).zip(text(&value["cluster"]));
            let (id, cluster) = pair.ok_or_else(|| anyhow!("truth, line {number}: a line has `id` and `cluster`"))?;
            truths.insert(id, cluster);
        }
    }
    let mut found = Found::default();
    for (number, line) in (1..).zip(io::stdin().lock().lines()) {
        found.read(&line?).map_err(|error| anyhow!("standard input, line {number}: {error}"))?;
    }
    let verdict = Verdict::of(&found.judge(&truths));
    print!("{verdict}");
    anyhow::ensure!(verdict.documents > 0, "nothing to judge: no document carries a truth");
    anyhow::ensure!(verdict.f1() >= options.least, "F1 {:.4} is below {}", verdict.f1(), options.least);
    Ok(())
}
