//! Judges what dedup found: reads its records on standard input, and the truth from the items themselves or a file.
//!
//! `generate_news | tidings dedup | judge_dedup`, or with documents of yours `tidings dedup < docs.jsonl |
//! judge_dedup --truth truth.jsonl`. With files of such records, a table that compares them.

use anyhow::anyhow;
use clap::Parser;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{self, BufRead as _},
    path::PathBuf,
};
use tidings_bench::{
    clusters::{Found, Verdict, table, text},
    lines,
};

/// Compares clusters with the truth.
#[derive(Parser)]
struct Options {
    /// Records of dedup, a file for each column of a table; none: standard input.
    found: Vec<PathBuf>,
    /// Lines of {"id","cluster"}: which documents belong together, where the items do not say it themselves.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Fail unless the pairs' F1 is at least this: of every file, or with `NAME=F1` of the file of that name.
    #[arg(long, value_parser = least)]
    least: Vec<(Option<String>, f64)>,
    /// Fail if more than this share of the documents, in percent, is in mixed clusters.
    #[arg(long, default_value_t = 100.0)]
    mixed: f64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut truths = BTreeMap::new();
    if let Some(path) = &options.truth {
        truths.extend(lines::read(path, truth)?);
    }
    let mut verdicts = Vec::new();
    for path in &options.found {
        let mut found = Found::default();
        let texts = lines::read(path, |line| Ok(line.to_owned()))?;
        texts.iter().try_for_each(|line| found.read(line)).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        verdicts.push((name, Verdict::of(&found.judge(&truths))));
    }
    if verdicts.is_empty() {
        let mut found = Found::default();
        for (number, line) in (1..).zip(io::stdin().lock().lines()) {
            found.read(&line?).map_err(|error| anyhow!("standard input, line {number}: {error}"))?;
        }
        verdicts.push(("standard input".to_owned(), Verdict::of(&found.judge(&truths))));
        print!("{}", verdicts[0].1);
    } else {
        print!("{}", table(&verdicts));
    }
    for (name, verdict) in &verdicts {
        anyhow::ensure!(verdict.documents > 0, "{name}: nothing to judge: no document carries a truth");
        for (_, least) in options.least.iter().filter(|(of, _)| of.as_ref().is_none_or(|of| of == name)) {
            anyhow::ensure!(verdict.f1() >= *least, "{name}: F1 {:.4} is below {least}", verdict.f1());
        }
        let mixed = 100.0 * verdict.mixed_share();
        anyhow::ensure!(mixed <= options.mixed, "{name}: {mixed:.2} % in mixed clusters, more than {}", options.mixed);
    }
    Ok(())
}

fn truth(line: &str) -> Result<(String, String), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    text(&value["id"]).zip(text(&value["cluster"])).ok_or_else(|| "a line has `id` and `cluster`".to_owned())
}

fn least(given: &str) -> Result<(Option<String>, f64), String> {
    let (name, number) = given.rsplit_once('=').map_or((None, given), |(name, number)| (Some(name.to_owned()), number));
    number.parse().map(|number| (name, number)).map_err(|_| "a number such as 0.99, or NAME=0.99".to_owned())
}
