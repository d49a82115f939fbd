//! `ingest`: puts a file, or standard input, on the inbox, as it comes.

use crate::cli::Format;
use anyhow::Context as _;
use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, stderr, stdin},
    path::Path,
    process::ExitCode,
    sync::mpsc,
    thread,
};
use tidings_intake::{LineError, jsonl, lead_extract};
use tidings_model::{Inbox, Message as _};
use tidings_stream::{Kafka, Producer, clock};

/// Records put on the wire at most before waiting for their acknowledgements.
const CHUNK: usize = 1000;
/// EX_DATAERR of sysexits.h: some input was not as it should be.
pub const DATA_ERROR: u8 = 65;

/// Takes in what can be, tells what can't on stderr, line by line.
pub fn run(kafka: &Kafka, file: &Path, format: Format, provider: Option<&str>) -> anyhow::Result<ExitCode> {
    let input: Box<dyn BufRead + Send> = if file == Path::new("-") {
        Box::new(BufReader::new(stdin()))
    } else {
        Box::new(BufReader::new(File::open(file).with_context(|| format!("can't read {}", file.display()))?))
    };
    let mut items: Box<dyn Iterator<Item = Result<Inbox, LineError>> + Send> = match format {
        Format::Jsonl => Box::new(jsonl(input)),
        Format::LeadExtract => Box::new(lead_extract(input)),
    };
    let producer = Producer::new(kafka)?;
    // whoever writes the input may pause: what has come until then does not wait for the rest of a chunk
    let (read, come) = mpsc::sync_channel(CHUNK);
    thread::spawn(move || items.all(|item| read.send(item).is_ok()));
    let (mut taken, mut refused, mut chunk) = (0, 0, Vec::new());
    let mut next = come.recv().ok();
    while let Some(item) = next {
        match item {
            Ok(mut inbox) => {
                if inbox.first_seen_at.is_absent() {
                    inbox.first_seen_at = clock();
                }
                inbox.provider = inbox.provider.or_else(|| provider.map(str::to_owned));
                chunk.push(inbox.record());
            }
            Err(error) => {
                refused += 1;
                eprintln!("{}: {error}", file.display());
            }
        }
        next = come.try_recv().ok();
        if chunk.len() == CHUNK || next.is_none() {
            taken += send(&producer, &mut chunk)?;
            progress(taken);
            next = next.or_else(|| come.recv().ok());
        }
    }
    eprintln!("{taken} taken in, {refused} refused");
    Ok(if refused == 0 { ExitCode::SUCCESS } else { DATA_ERROR.into() })
}

fn send(producer: &Producer, chunk: &mut Vec<tidings_model::Record>) -> anyhow::Result<u64> {
    producer.send_all(chunk.drain(..)).map_err(|error| anyhow::anyhow!("kafka did not take the items: {error}"))
}

fn progress(taken: u64) {
    if stderr().is_terminal() {
        eprint!("\r{taken} taken in");
    }
}
