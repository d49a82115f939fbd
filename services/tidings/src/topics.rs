//! `topics …` and `schema`: the contract with subscribers, from the registry.

use crate::cli::Topics;
use anyhow::{Context as _, bail};
use std::{
    fs,
    io::{self, Write as _, stdout},
    path::Path,
    process::ExitCode,
};
use tidings_model::{
    schema,
    topic::{self, Cleanup, Partitions},
};
use tidings_stream::{Kafka, admin};

/// Prints the registry.
fn list(markdown: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    let partitions = |partitions| if partitions == Partitions::One { "1" } else { "P" };
    let cleanup = |cleanup| match cleanup {
        Cleanup::Compact => "compact".to_owned(),
        Cleanup::Delete(days) => format!("delete {days} d"),
        Cleanup::CompactDelete(days) => format!("compact + delete {days} d"),
    };
    if markdown {
        writeln!(
            out,
            "| topic | key | partitions | cleanup | largest value | what |\n| --- | --- | --- | --- | --- | --- |"
        )?;
    }
    for topic in topic::ALL {
        let (name, key, about) = (topic.name, topic.key, topic.about);
        let (p, c, limit) = (partitions(topic.partitions), cleanup(topic.cleanup), topic.limit / 1024);
        if markdown {
            writeln!(out, "| `{name}` | {key} | {p} | {c} | {limit} KiB | {about} |")?;
        } else {
            writeln!(out, "{name:<20} {p}  {c:<22} {limit:>4} KiB  by {key:<13} {about}")?;
        }
    }
    Ok(())
}

/// Prints the registry as manifests of Strimzi's topic operator, as production has it.
fn manifests() -> io::Result<()> {
    let mut out = stdout().lock();
    for topic in topic::ALL {
        let partitions = if topic.partitions == Partitions::One { 1 } else { 12 };
        writeln!(out, "---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic")?;
        writeln!(out, "metadata:\n  name: {}\n  labels: {{strimzi.io/cluster: kafka}}", topic.name)?;
        writeln!(out, "spec:\n  partitions: {partitions}\n  replicas: 3\n  config:")?;
        for (key, value) in topic.config() {
            let quote = if value.contains(',') { "\"" } else { "" };
            writeln!(out, "    {key}: {quote}{value}{quote}")?;
        }
        writeln!(out, "    min.insync.replicas: 2")?;
    }
    Ok(())
}

/// Carries out a `topics` command, on `line` where it needs a cluster.
pub fn run(line: impl FnOnce() -> anyhow::Result<Kafka>, command: &Topics) -> anyhow::Result<ExitCode> {
    match command {
        Topics::List { strimzi: true, .. } => manifests()?,
        Topics::List { markdown, .. } => list(*markdown)?,
        Topics::Create => {
            for name in admin::create(&line()?)? {
                println!("created {name}");
            }
        }
        Topics::Diff => {
            let lines = admin::diff(&line()?)?;
            lines.iter().try_for_each(|line| writeln!(stdout(), "{line}"))?;
            return Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints schemas, or writes one file for each topic.
pub fn schemas(name: Option<&str>, out: Option<&Path>) -> anyhow::Result<()> {
    let chosen: Vec<_> =
        schema::all().into_iter().filter(|published| name.is_none_or(|name| name == published.topic.name)).collect();
    if chosen.is_empty() {
        bail!("topic {:?} has no schema; public topics are in `tidings topics list`", name.unwrap_or_default());
    }
    for published in chosen {
        let text = serde_json::to_string_pretty(&published.schema)? + "\n";
        match out {
            None => write!(stdout(), "{text}")?,
            Some(dir) => {
                fs::create_dir_all(dir).with_context(|| format!("can't create {}", dir.display()))?;
                let file = dir.join(format!("{}.json", published.topic.name));
                fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
            }
        }
    }
    Ok(())
}
