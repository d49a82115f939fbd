//! `tail` and `why`: looking at the stream without touching it.

use crate::{paint::Paint, show};
use anyhow::bail;
use std::{
    io::{Write as _, stdout},
    time::Duration,
};
use tidings_model::{Topic, topic};
use tidings_stream::{From, Kafka, Reader, Received, Stop, clock};

/// How records are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line for people.
    People,
    /// JSON lines.
    Json,
}

/// Follows topics until stopped, or to their ends.
pub fn tail(
    kafka: &Kafka,
    topics: &[&'static Topic],
    from: From,
    until_end: bool,
    style: Style,
    stop: &Stop,
) -> anyhow::Result<()> {
    let mut reader = Reader::open(kafka, topics, from)?;
    let paint = Paint::stdout();
    while !stop.is_stopped() {
        let received = if until_end { reader.next_until_end() } else { reader.next(Duration::from_millis(200)) };
        let now = (from == From::End).then(clock);
        match received {
            Some(received) => {
                let line = match style {
                    Style::People => show::line(&received, now, paint),
                    Style::Json => Some(show::json(&received)),
                };
                if let Some(line) = line {
                    writeln!(stdout(), "{line}")?;
                }
            }
            None if until_end => return Ok(()),
            None => {}
        }
    }
    Ok(())
}

/// The topics that `tail` shows: one by its name, or the stories.
pub fn topics(name: Option<&str>) -> anyhow::Result<Vec<&'static Topic>> {
    match name {
        None => Ok(show::TOPICS.to_vec()),
        Some(name) => match topic::find(name) {
            Some(topic) => Ok(vec![topic]),
            None => bail!("topic {name:?} is not known; `tidings topics list` prints them"),
        },
    }
}

/// What became of one item.
pub fn why(kafka: &Kafka, id: &str, style: Style) -> anyhow::Result<()> {
    let along: [&Topic; 6] =
        [&topic::RAW, &topic::UNIQUE, &topic::DUPLICATES, &topic::ENRICHED, &topic::ALERTS, &topic::DLQ];
    let mut found = 0;
    for topic in along {
        let mut reader = Reader::open(kafka, &[topic], From::Beginning)?;
        while let Some(received) = reader.next_until_end() {
            if concerns(&received, id) {
                found += 1;
                match style {
                    Style::Json => writeln!(stdout(), "{}", show::json(&received))?,
                    Style::People => writeln!(stdout(), "{}", explain(&received))?,
                }
            }
        }
    }
    if found == 0 {
        bail!("no record of item {id:?}; ids are in `tidings tail --json`, and topics keep seven days");
    }
    Ok(())
}

/// Whether a record tells of the item: carries it, was copied from it, or rests on it.
fn concerns(received: &Received, id: &str) -> bool {
    let Some(value) = received.value.as_deref() else { return false };
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(value) else {
        return received.key.starts_with(id.as_bytes());
    };
    let is = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.starts_with(id));
    is(&value["id"])
        || is(&value["item"]["id"])
        || is(&value["of"]["id"])
        || value["evidence"].as_array().is_some_and(|evidence| evidence.iter().any(is))
}

fn explain(received: &Received) -> String {
    let value: serde_json::Value =
        received.value.as_deref().and_then(|value| serde_json::from_slice(value).ok()).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let item = if value["item"].is_object() { &value["item"] } else { &value };
    let what = match received.topic {
        t if *t == topic::RAW => format!(
            "revision {} of {} · {} · {}",
            item["revision"]["no"],
            text(&item["id"]),
            text(&item["publisher"]["name"]),
            text(&item["headline"])
        ),
        t if *t == topic::UNIQUE => {
            format!("{} · cluster {}", text(&value["cluster"]["verdict"]), text(&value["cluster"]["id"]))
        }
        t if *t == topic::DUPLICATES => format!(
            "{} · {} is a copy of {} ({}): {}, score {}",
            text(&value["relation"]),
            text(&item["id"]),
            text(&value["of"]["id"]),
            text(&value["of"]["publisher"]["name"]),
            text(&value["why"]),
            value["score"]
        ),
        t if *t == topic::ENRICHED => {
            let name = |entity: &serde_json::Value| {
                format!("{} ({}, {})", text(&entity["name"]), text(&entity["type"]), text(&entity["id"]))
            };
            let names: Vec<String> = value["entities"].as_array().into_iter().flatten().map(name).collect();
            format!("{} · {}", text(&value["entities_status"]), names.join(", "))
        }
        t if *t == topic::ALERTS => format!("{} · {}", text(&value["rule"]), text(&value["summary"])),
        _ => {
            let note = |name: &str| {
                let header = received.headers.iter().find(|(key, _)| key == name);
                header.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into_owned())
            };
            format!("{} refused it: {}", note("dlq.stage"), note("dlq.message"))
        }
    };
    format!("{}  {:<18}  {what}", received.at, received.topic.name)
}
