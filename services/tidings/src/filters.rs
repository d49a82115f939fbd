//! The stages as filters: `parse | dedup | enrich | alerts`, JSON lines in and out, without Kafka.

use crate::{config::Config, ingest::DATA_ERROR};
use anyhow::Context as _;
use std::{
    fs,
    io::{self, BufWriter, ErrorKind, Read as _, stdin, stdout},
    path::Path,
    process::ExitCode,
};
use tidings_feed::Hints;
use tidings_stage::{Output as _, Stage, filter};
use tidings_stream::clock;

/// Runs a stage over standard input. Exit code 65 where some lines were refused; each is told on stderr.
pub fn run<S: Stage>(stage: S) -> anyhow::Result<ExitCode> {
    let refused = |line, reject: &tidings_stage::Reject| eprintln!("line {line}: {reject}");
    match filter::run(stage, stdin().lock(), BufWriter::new(stdout().lock()), refused) {
        Ok(tally) if tally.refused == 0 => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(DATA_ERROR.into()),
        Err(error) => pipe(error),
    }
}

/// The reader of our pipe may go at any time.
fn pipe(error: io::Error) -> anyhow::Result<ExitCode> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(ExitCode::SUCCESS) } else { Err(error.into()) }
}

/// Bytes of a feed in, items out.
pub fn parse(config: &Config, file: &Path, url: &str, content_type: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
    }
    let feed = match tidings_feed::parse(&bytes, &Hints { content_type, url: Some(url) }) {
        Ok(feed) => feed,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return Ok(DATA_ERROR.into());
        }
    };
    let items = tidings_fetch::items(&config.fetch, url, feed, clock()).map_err(anyhow::Error::msg)?;
    let mut out = BufWriter::new(stdout().lock());
    for item in items {
        if let Err(error) = filter::write(&mut out, &item.record()) {
            return pipe(error);
        }
    }
    Ok(ExitCode::SUCCESS)
}
