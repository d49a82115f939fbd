//! What is remembered of a feed: one record of `fetch.state.v1`, whole at each change.
//!
//! A record stays under its topic's limit by construction: at most [`SEEN_LIMIT`] entries are remembered, and where
//! their headlines and addresses do not fit, those of the entries that were absent longest go first. Only an
//! inferred withdrawal needs them.

use crate::{EntryKey, poll::BodyHash, poll::Validators};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, sync::Arc};
use tidings_model::{FeedId, FeedState, Timestamp, topic};
use tidings_stage::{Change, state};

/// Entries remembered of one feed. A document has at most 2,000.
pub const SEEN_LIMIT: usize = 3_000;
/// An entry is forgotten once it was absent from so many documents.
pub const FORGET_AFTER: u16 = 100;
/// The longest remembered headline, in characters: enough to recognise a withdrawn article by.
const HEADLINE_LIMIT: usize = 160;
/// The largest record.
const SIZE_LIMIT: usize = topic::FETCH_STATE.limit / 10 * 9;

/// What is remembered of one feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedMemory {
    /// Its address, as subscribed.
    pub url: String,
    /// Its name, as subscribed.
    pub title: Option<String>,
    /// Seconds between polls, as subscribed.
    pub interval_s: Option<u32>,
    /// When the subscription was first seen; of two addresses of one feed, the earlier stays.
    pub added: Timestamp,
    /// When the subscription last changed; answers to polls of an earlier generation are ignored.
    pub generation: Timestamp,
    /// Where it is polled after permanent redirects.
    pub adopted: Option<String>,
    /// A permanent redirect that is not yet adopted.
    pub moving: Option<Moving>,
    /// Where the last document came from, after all redirects.
    pub served_at: Option<String>,
    /// For the next conditional request.
    pub validators: Validators,
    /// Of the last document; none before the first.
    pub body: Option<BodyHash>,
    /// As the feed names itself.
    pub own_title: Option<String>,
    /// Seconds that the feed asks its readers to wait between polls.
    pub ttl_s: Option<u32>,
    /// How it is; none before the first answer.
    pub health: Option<Health>,
    /// Failed polls in a row.
    pub failures: u32,
    /// When it is polled next, as of this record: unchanged documents leave none.
    pub due: Timestamp,
    /// Whether it gives one guid to several entries.
    pub guids_repeat: bool,
    /// Its entries: those of the last document in its order, then absent ones, the longest absent last.
    pub seen: Arc<Vec<Seen>>,
}

/// A permanent redirect, seen some times in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// Where to.
    pub to: String,
    /// How often in a row.
    pub times: u8,
}

/// How a feed is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// In one word.
    pub state: FeedState,
    /// For a reader.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Entries at the last good poll.
    pub entries: Option<u32>,
    /// The feed that it is another address of, for `duplicate`.
    pub copy_of: Option<FeedId>,
}

/// A remembered entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which.
    pub key: EntryKey,
    /// Its last revision.
    pub no: u32,
    /// Of headline, summary and body; 32 bits each, so one edit in four thousand million goes unnoticed.
    pub hashes: [u32; 3],
    /// As declared.
    pub published: Option<Timestamp>,
    /// When its first revision was seen.
    pub first_seen: Timestamp,
    /// Documents in a row without it.
    pub missing: u16,
    /// Whether its withdrawal was told.
    pub withdrawn: bool,
    /// What a withdrawal needs; gone once no withdrawal can be inferred.
    pub told: Option<Box<Told>>,
}

/// What a withdrawn entry is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Shortened.
    pub headline: Option<String>,
    /// Canonical.
    pub url: Option<String>,
}

impl Told {
    /// Of an entry's headline and link.
    pub fn new(headline: Option<&str>, url: Option<&str>) -> Box<Self> {
        let cut = |text: &str| text.chars().take(HEADLINE_LIMIT).collect();
        Box::new(Self { headline: headline.map(cut), url: url.map(str::to_owned) })
    }
}

impl FeedMemory {
    /// Where it is polled now.
    pub fn polled_at(&self) -> &str {
        self.adopted.as_deref().unwrap_or(&self.url)
    }

    /// Its state, once it was polled.
    pub fn state(&self) -> Option<FeedState> {
        self.health.as_ref().map(|health| health.state)
    }

    /// Whether it is no longer polled.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state(), Some(FeedState::Gone | FeedState::Duplicate))
    }

    /// Brings the record under its topic's limit.
    pub fn fit(&mut self) {
        let mut size = state::to_bytes(self).len();
        if size <= SIZE_LIMIT && self.seen.len() <= SEEN_LIMIT {
            return;
        }
        let seen = Arc::make_mut(&mut self.seen);
        seen.truncate(SEEN_LIMIT);
        for seen in seen.iter_mut().rev() {
            if size <= SIZE_LIMIT {
                break;
            }
            size -= seen.told.take().map_or(0, |told| state::to_bytes(&told).len());
        }
    }
}

/// A change of state: a feed's memory, or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Which feed.
    pub feed: FeedId,
    /// Its memory; none once its subscription ended.
    pub memory: Option<Arc<FeedMemory>>,
}

#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    V1(Cow<'a, FeedMemory>),
}

impl Change for Remembered {
    fn key(&self) -> Vec<u8> {
        self.feed.as_str().as_bytes().to_vec()
    }

    fn encode(&self) -> Option<Vec<u8>> {
        self.memory.as_ref().map(|memory| state::to_bytes(&Stored::V1(Cow::Borrowed(memory))))
    }

    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, String> {
        let key = str::from_utf8(key).map_err(|error| format!("feed id: {error}"))?;
        let memory = match value {
            Some(bytes) => {
                let Stored::V1(memory) = state::from_bytes(bytes)?;
                Some(Arc::new(memory.into_owned()))
            }
            None => None,
        };
        Ok(Self { feed: FeedId::parse(key)?, memory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(feed: &FeedId, number: usize, url: &str) -> Seen {
        Seen {
            key: EntryKey::of(feed, &[&number.to_string()]),
            no: u32::MAX,
            hashes: [u32::MAX; 3],
            published: Some(Timestamp::from_millis(i64::MAX)),
            first_seen: Timestamp::from_millis(i64::MAX),
            missing: u16::MAX,
            withdrawn: true,
            told: Some(Told::new(Some(&"é".repeat(500)), Some(url))),
        }
    }

    #[test]
    fn the_largest_memory_fits_its_topic_and_survives() {
        let feed = FeedId::of(["a"]);
        let long = format!("https://example.org/{}", "x".repeat(2_000));
        let mut memory = FeedMemory {
            url: long.clone(),
            title: Some(long.clone()),
            interval_s: Some(u32::MAX),
            added: Timestamp::ABSENT,
            generation: Timestamp::ABSENT,
            adopted: Some(long.clone()),
            moving: Some(Moving { to: long.clone(), times: 2 }),
            served_at: Some(long.clone()),
            validators: Validators { etag: Some(long.clone()), last_modified: None },
            body: Some(BodyHash::of(b"x")),
            own_title: None,
            ttl_s: None,
            health: Some(Health {
                state: FeedState::Duplicate,
                message: String::new(),
                since: Timestamp::ABSENT,
                entries: None,
                copy_of: Some(feed.clone()),
            }),
            failures: 0,
            due: Timestamp::ABSENT,
            guids_repeat: true,
            seen: Arc::new((0..SEEN_LIMIT + 10).map(|number| seen(&feed, number, &long)).collect()),
        };
        memory.fit();
        assert_eq!(memory.seen.len(), SEEN_LIMIT);
        assert!(memory.seen[0].told.is_some() && memory.seen[SEEN_LIMIT - 1].told.is_none(), "the oldest go first");
        let change = Remembered { feed, memory: Some(Arc::new(memory)) };
        let bytes = change.encode().unwrap();
        assert!(bytes.len() < topic::FETCH_STATE.limit, "{} bytes", bytes.len());
        assert!(bytes.len() > SIZE_LIMIT / 10 * 9, "{} bytes: more is dropped than needed", bytes.len());
        assert_eq!(Remembered::decode(&change.key(), Some(&bytes)), Ok(change));
    }
}
