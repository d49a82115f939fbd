//! Generates items with copies among them, as lines of JSON that carry their truth: for `tidings dedup | judge_dedup`.

use clap::{Parser, ValueEnum};
use std::{
    io::{self, Write as _},
    path::PathBuf,
};
use tidings_bench::{lines, news, stream};

/// Generates items with copies among them.
#[derive(Parser)]
struct Options {
    /// What the items look like.
    #[arg(long, value_enum, default_value = "snippets")]
    kind: Kind,
    /// How many articles; copies come on top.
    #[arg(long, default_value_t = 5000)]
    count: usize,
    /// The same seed gives the same items.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Articles to copy instead of invented ones: lines with `headline` or `title`, and `body`, `text` or `summary`.
    #[arg(long)]
    texts: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// A headline and 30 to 40 words
    Snippets,
    /// A headline alone
    Titles,
    /// A headline and up to 300 words
    Long,
    /// Feeds as they are: copies, own words, recurring reports, round-ups
    Natural,
    /// What a search engine shows
    Extracts,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut yours = Vec::new();
    if let Some(path) = &options.texts {
        yours = lines::read(path, news::read)?;
        anyhow::ensure!(!yours.is_empty(), "{}: no articles; one per line, as JSON", path.display());
    }
    let kind = match options.kind {
        Kind::Snippets => stream::Kind::Snippets,
        Kind::Titles => stream::Kind::Titles,
        Kind::Long => stream::Kind::Long,
        Kind::Natural => stream::Kind::Natural,
        Kind::Extracts => stream::Kind::Extracts,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    for item in stream::items(kind, options.count, options.seed, &yours) {
        writeln!(out, "{item}")?;
    }
    Ok(out.flush()?)
}
