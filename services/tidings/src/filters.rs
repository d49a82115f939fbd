//! The stages as filters: `parse | dedup | enrich | alerts`, JSON lines in and out, without Kafka.

use crate::{config::Config, ingest::DATA_ERROR};
use anyhow::{Context as _, bail};
use std::{
    fs,
    io::{BufWriter, Read as _, Write as _, stdin, stdout},
    path::Path,
    process::ExitCode,
};
use tidings_feed::{Feed, Hints};
use tidings_fetch::{Ask, BodyHash, Feeds, Fetch, Outcome, Polled};
use tidings_model::{FeedSpec, Item, Message as _, Record};
use tidings_stage::{Event, Reject, Stage, filter};
use tidings_stream::clock;

/// Runs a stage over standard input. Exit code 65 where some lines were refused; each is told on stderr.
pub fn run<S: Stage>(stage: S) -> anyhow::Result<ExitCode> {
    let refused = |line, reject: &Reject| eprintln!("line {line}: {reject}");
    let tally = filter::run(stage, stdin().lock(), BufWriter::new(stdout().lock()), refused)?;
    Ok(if tally.refused == 0 { ExitCode::SUCCESS } else { DATA_ERROR.into() })
}

/// Bytes of a feed in, items out: what its subscriber sees when these entries come out.
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
    let mut out = BufWriter::new(stdout().lock());
    for record in subscriber(Fetch::new(&config.fetch), url, feed, BodyHash::of(&bytes))? {
        filter::write(&mut out, &record)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Lets the stage itself subscribe, find an empty feed, and then this one: so its entries are news, no backlog.
fn subscriber(mut fetch: Fetch, url: &str, feed: Feed, body: BodyHash) -> anyhow::Result<Vec<Record>> {
    let at = clock();
    let spec = FeedSpec::new(url, None).map_err(anyhow::Error::msg)?;
    let mut told = fetch.step(at, &Event::Record(Feeds::Set(spec))).map_err(|reject| refused(&reject))?;
    let mut records = Vec::new();
    for (feed, body) in [(Feed::default(), BodyHash::of(b"")), (feed, body)] {
        let Some(Ask::Poll(poll)) = told.step.asks.pop() else { bail!("{url} would not be polled") };
        let polled = Polled {
            feed: poll.feed,
            generation: poll.generation,
            at,
            url: poll.url,
            moved: None,
            validators: poll.validators,
            retry_after: None,
            fresh_for: None,
            outcome: Outcome::Document { feed: Box::new(feed), body },
            bytes: 0,
        };
        told = fetch.step(at, &Event::Reply(polled)).map_err(|reject| refused(&reject))?;
        records.extend(told.out.drain(..).filter(|record| record.topic == Item::TOPIC));
    }
    Ok(records)
}

fn refused(reject: &Reject) -> anyhow::Error {
    anyhow::Error::msg(reject.to_string())
}
