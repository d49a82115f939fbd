//! `dlq …`: dead letters, looked at and sent again.

use crate::cli::Letters;
use anyhow::bail;
use std::io::{Write as _, stdout};
use tidings_model::{Record, topic};
use tidings_stream::{From, Kafka, Producer, Reader, Received};

/// Carries out a `dlq` command.
pub fn run(kafka: &Kafka, command: &Letters) -> anyhow::Result<()> {
    match command {
        Letters::List { code } => {
            for letter in letters(kafka, code.as_deref())? {
                let (stage, message) = (letter.note("stage"), letter.note("message"));
                writeln!(stdout(), "{}\t{}\t{stage}\t{}\t{message}", letter.0.offset, letter.0.at, letter.place())?;
            }
        }
        Letters::Show { offset } => {
            let letter = find(kafka, *offset)?;
            for (name, value) in &letter.0.headers {
                eprintln!("{name}: {}", String::from_utf8_lossy(value));
            }
            eprintln!("key: {}\n", String::from_utf8_lossy(&letter.0.key));
            stdout().write_all(letter.0.value.as_deref().unwrap_or_default())?;
        }
        Letters::Retry { offset, code } => {
            let chosen = match (offset, code) {
                (Some(offset), _) => vec![find(kafka, *offset)?],
                (None, code) => letters(kafka, code.as_deref())?,
            };
            let producer = Producer::new(kafka)?;
            let mut sent = 0;
            for letter in &chosen {
                match letter.original(kafka) {
                    Ok((record, partition)) => {
                        producer.send_to(&record, partition).map_err(anyhow::Error::msg)?;
                        sent += 1;
                    }
                    Err(why) => eprintln!("{}: {why}", letter.0.offset),
                }
            }
            println!("{sent} sent again, {} left", chosen.len() - sent);
        }
    }
    Ok(())
}

struct Letter(Received);

impl Letter {
    /// What its `dlq.*` header says.
    fn note(&self, name: &str) -> String {
        let header = self.0.headers.iter().find(|(key, _)| key.strip_prefix("dlq.") == Some(name));
        header.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// Where it lay: topic, partition and offset.
    fn place(&self) -> String {
        ["topic", "partition", "offset"].map(|name| self.note(name)).join(" ")
    }

    /// The record as it was, for the partition that it lay in.
    fn original(&self, kafka: &Kafka) -> Result<(Record, i32), String> {
        let name = self.note("topic");
        let topic = topic::ALL
            .into_iter()
            .find(|topic| kafka.name(topic) == name)
            .ok_or_else(|| format!("it came from no topic ({name:?}): there is nothing to send again"))?;
        for (note, what) in [("cut_from", "value"), ("key_cut_from", "key"), ("headers_left_out", "headers")] {
            if !self.note(note).is_empty() {
                return Err(format!("dlq.{note} is {}: the {what} that it has are not the record's", self.note(note)));
            }
        }
        let partition = self.note("partition").parse().map_err(|_| "its partition is not known".to_owned())?;
        let headers = self.0.headers.iter().filter(|(name, _)| !name.starts_with("dlq.")).cloned().collect();
        Ok((Record { topic, key: self.0.key.clone(), route: None, headers, value: self.0.value.clone() }, partition))
    }
}

fn letters(kafka: &Kafka, code: Option<&str>) -> anyhow::Result<Vec<Letter>> {
    let mut reader = Reader::open(kafka, &[&topic::DLQ], From::Beginning)?;
    let all = std::iter::from_fn(|| reader.next_until_end()).map(Letter);
    Ok(all.filter(|letter| code.is_none_or(|code| letter.note("code") == code)).collect())
}

fn find(kafka: &Kafka, offset: i64) -> anyhow::Result<Letter> {
    match letters(kafka, None)?.into_iter().find(|letter| letter.0.offset == offset) {
        Some(letter) => Ok(letter),
        None => bail!("there is no dead letter {offset}; `tidings dlq list` prints them"),
    }
}
