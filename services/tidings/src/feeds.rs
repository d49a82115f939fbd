//! `feeds …`: subscriptions, on the topic that fetch reads them from.

use crate::cli::Feeds;
use anyhow::{Context as _, bail};
use std::{
    collections::BTreeMap,
    fs,
    io::{Write as _, stdout},
    path::Path,
};
use tidings_model::{FeedId, FeedSpec, FeedStatus, Message as _, Record, topic};
use tidings_stream::{From, Kafka, Producer, Reader};

/// Carries out a `feeds` command.
pub fn run(kafka: &Kafka, command: &Feeds) -> anyhow::Result<()> {
    match command {
        Feeds::Add { url, title } => {
            let spec = FeedSpec::new(url, title.clone()).map_err(anyhow::Error::msg)?;
            let added = subscribe(kafka, vec![spec])?;
            println!("{}", if added == 0 { "already subscribed" } else { "subscribed" });
        }
        Feeds::Remove { url } => {
            let spec = FeedSpec::new(url, None).map_err(anyhow::Error::msg)?;
            if !subscriptions(kafka)?.contains_key(&spec.id) {
                bail!("{url} is not subscribed to; `tidings feeds list` prints what is");
            }
            let end = Record { value: None, ..spec.record() };
            Producer::new(kafka)?.send_all([end]).map_err(anyhow::Error::msg)?;
            println!("ended");
        }
        Feeds::Import { file } => {
            let specs = read_opml(file)?;
            let total = specs.len();
            let added = subscribe(kafka, specs)?;
            println!("{added} subscribed, {} already were", total as u64 - added);
        }
        Feeds::Export => {
            let specs: Vec<FeedSpec> = subscriptions(kafka)?.into_values().collect();
            writeln!(stdout(), "{}", tidings_fetch::opml::export(&specs))?;
        }
        Feeds::List => list(kafka)?,
    }
    Ok(())
}

/// The feeds of an OPML file; what is wrong with single ones is told on stderr, and the rest is taken.
pub fn read_opml(file: &Path) -> anyhow::Result<Vec<FeedSpec>> {
    let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let import = tidings_fetch::opml::import(&text).with_context(|| format!("{}", file.display()))?;
    for problem in &import.refused {
        eprintln!("{}: {problem}", file.display());
    }
    if import.feeds.is_empty() {
        bail!("{} has no feed that can be polled", file.display());
    }
    Ok(import.feeds)
}

/// Subscribes to those that are not subscribed to as they are; returns how many.
pub fn subscribe(kafka: &Kafka, specs: Vec<FeedSpec>) -> anyhow::Result<u64> {
    let known = subscriptions(kafka)?;
    let new = specs.into_iter().filter(|spec| known.get(&spec.id) != Some(spec)).map(|spec| spec.record());
    Producer::new(kafka)?.send_all(new).map_err(anyhow::Error::msg)
}

fn subscriptions(kafka: &Kafka) -> anyhow::Result<BTreeMap<FeedId, FeedSpec>> {
    let mut reader = Reader::open(kafka, &[&topic::FEEDS], From::Beginning)?;
    let mut specs = BTreeMap::new();
    while let Some(received) = reader.next_until_end() {
        let id = FeedId::parse(&String::from_utf8_lossy(&received.key)).map_err(anyhow::Error::msg)?;
        match received.value.as_deref().map(serde_json::from_slice) {
            None => drop(specs.remove(&id)),
            Some(Ok(spec)) => drop(specs.insert(id, spec)),
            Some(Err(error)) => tracing::warn!(%id, %error, "a subscription that can't be read"),
        }
    }
    Ok(specs)
}

fn list(kafka: &Kafka) -> anyhow::Result<()> {
    let mut status = BTreeMap::new();
    let mut reader = Reader::open(kafka, &[&topic::FEEDS_STATUS], From::Beginning)?;
    while let Some(received) = reader.next_until_end() {
        if let Some(Ok(told)) = received.value.as_deref().map(serde_json::from_slice::<FeedStatus>) {
            status.insert(told.id.clone(), told);
        }
    }
    for (id, spec) in subscriptions(kafka)? {
        let (title, message) = match status.get(&id) {
            Some(status) => (status.title.clone().or(spec.title), status.message.clone()),
            None => (spec.title, "not polled yet".to_owned()),
        };
        writeln!(stdout(), "{}\t{message}\t{}", spec.url, title.unwrap_or_default())?;
    }
    Ok(())
}
