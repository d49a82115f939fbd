//! What the sink remembers: how far time has come, what its rules remember, and what is still to be delivered.

use crate::{clock::Clock, rules::Note};
use serde::{Deserialize, Serialize};
use tidings_model::Timestamp;
use tidings_stage::state::{from_bytes, to_bytes};

/// A change of the sink's state.
///
/// Keys: `clock`; `rule/<kind>/<name>/<the rule's own key>`; `delivery/<receiver>/<dedupe key>`.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Event time: alerts go by it.
    Clock(Clock),
    /// Something that a rule remembers.
    Rule {
        /// `<kind>/<name>` of the rule.
        rule: String,
        /// What it remembers.
        note: Note,
    },
    /// An alert on its way to a receiver.
    Delivery {
        /// [`Delivery::key`].
        key: String,
        /// Absent once it has arrived or is given up.
        delivery: Option<Delivery>,
    },
}

/// An alert to be taken to a receiver: what the sink asks of its hands, and remembers until they answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The receiver's name in the configuration.
    pub receiver: String,
    /// The alert's: the same at each attempt.
    pub dedupe_key: String,
    /// The alert as JSON: the same bytes at each attempt.
    pub body: String,
    /// From 1.
    pub attempt: u32,
    /// Not before this time.
    pub due: Timestamp,
}

impl Delivery {
    /// One alert goes to one receiver once.
    pub fn key(&self) -> String {
        format!("{}/{}", self.receiver, self.dedupe_key)
    }
}

/// How an attempt at a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// [`Delivery::key`].
    pub key: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt at a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Arrived,
    /// The receiver may take it later: no connection, a timeout, 408, 429 or 5xx.
    Failed(String),
    /// The receiver will never take it: any other status.
    Refused(String),
}

#[derive(Serialize, Deserialize)]
enum StoredClock {
    V1(Clock),
}

#[derive(Serialize, Deserialize)]
enum StoredDelivery {
    V1(Delivery),
}

impl tidings_stage::Change for Change {
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Clock(_) => b"clock".to_vec(),
            Self::Rule { rule, note } => format!("rule/{rule}/{}", note.key).into_bytes(),
            Self::Delivery { key, .. } => format!("delivery/{key}").into_bytes(),
        }
    }

    fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::Clock(clock) => Some(to_bytes(&StoredClock::V1(clock.clone()))),
            Self::Rule { note, .. } => note.value.clone(),
            Self::Delivery { delivery, .. } => delivery.clone().map(|delivery| to_bytes(&StoredDelivery::V1(delivery))),
        }
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let unknown = || format!("sink state has no key {:?}", String::from_utf8_lossy(key));
        let text = std::str::from_utf8(key).map_err(|_| unknown())?;
        match (text.split_once('/'), value) {
            (None, Some(value)) if text == "clock" => {
                let StoredClock::V1(clock) = from_bytes(value)?;
                Ok(Self::Clock(clock))
            }
            (Some(("rule", rest)), value) => {
                // neither kinds nor rule names hold a slash; the rule's own key may
                let end = rest.match_indices('/').nth(1).ok_or_else(unknown)?.0;
                let note = Note { key: rest[end + 1..].to_owned(), value: value.map(<[u8]>::to_vec) };
                Ok(Self::Rule { rule: rest[..end].to_owned(), note })
            }
            (Some(("delivery", key)), value) => {
                let delivery = value.map(from_bytes).transpose()?.map(|StoredDelivery::V1(delivery)| delivery);
                Ok(Self::Delivery { key: key.to_owned(), delivery })
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_stage::Change as _;

    #[test]
    fn changes_are_read_as_they_were_written() {
        let delivery = Delivery {
            receiver: "desk".into(),
            dedupe_key: "k:resolved".into(),
            body: "{}".into(),
            attempt: 2,
            due: Timestamp::from_millis(7),
        };
        for (key, change) in [
            ("clock", Change::Clock(Clock::default().after(Timestamp::from_millis(9)))),
            (
                "rule/burst/b/600x3/subject/a/b",
                Change::Rule {
                    rule: "burst/b".into(),
                    note: Note { key: "600x3/subject/a/b".into(), value: Some(vec![1]) },
                },
            ),
            ("rule/match/m/c", Change::Rule { rule: "match/m".into(), note: Note { key: "c".into(), value: None } }),
            ("delivery/desk/k:resolved", Change::Delivery { key: delivery.key(), delivery: Some(delivery) }),
        ] {
            assert_eq!(change.key(), key.as_bytes());
            assert_eq!(Change::decode(&change.key(), change.encode().as_deref()), Ok(change), "{key}");
        }
        assert!(Change::decode(b"else", Some(b"")).unwrap_err().contains("else"));
    }
}
