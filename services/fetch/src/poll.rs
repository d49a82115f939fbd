//! What passes between the stage and its hands: a poll asked for, and what it found.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_feed::Feed;
use tidings_model::{FeedId, FeedState, Timestamp};

/// What the stage asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Poll a feed once it is due. A later ask for the same feed takes its place.
    Poll(Box<Poll>),
    /// Poll a feed no more: forget the waiting poll. Never answered.
    Stop {
        /// Which feed.
        feed: FeedId,
        /// How it is; none where its subscription ended.
        state: Option<FeedState>,
    },
}

/// A poll to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// Which feed.
    pub feed: FeedId,
    /// Of the subscription; comes back in the answer.
    pub generation: Timestamp,
    /// Where.
    pub url: String,
    /// Of the last document.
    pub validators: Validators,
    /// Of the last document: the same bytes again are [`Outcome::Unchanged`].
    pub body: Option<BodyHash>,
    /// Not before.
    pub due: Timestamp,
    /// How the feed is; none before the first answer.
    pub state: Option<FeedState>,
}

/// For a conditional request (RFC 9110 §13.1), as the server gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// For `If-None-Match`.
    pub etag: Option<String>,
    /// For `If-Modified-Since`.
    pub last_modified: Option<String>,
}

/// 128 bits of BLAKE3 over a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyHash([u8; 16]);

impl BodyHash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hash = blake3::hash(bytes);
        Self(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
    }
}

/// What a poll found.
#[derive(Debug)]
pub struct Polled {
    /// Which feed.
    pub feed: FeedId,
    /// As asked.
    pub generation: Timestamp,
    /// When the answer was complete.
    pub at: Timestamp,
    /// Where the answer came from, after redirects.
    pub url: String,
    /// Where permanent redirects (301, 308) lead; none unless the first hop was one.
    pub moved: Option<String>,
    /// To be sent next time; those of the ask where the answer gave none with a 304.
    pub validators: Validators,
    /// `Retry-After`, from `at` on.
    pub retry_after: Option<Duration>,
    /// For how long caches may keep the answer, from `at` on.
    pub fresh_for: Option<Duration>,
    /// Size of the document, after decompression.
    pub bytes: usize,
    /// The answer.
    pub outcome: Outcome,
}

/// The answer to a poll; failures are values.
#[derive(Debug)]
pub enum Outcome {
    /// A feed.
    Document {
        /// Parsed.
        feed: Box<Feed>,
        /// Of its bytes.
        body: BodyHash,
    },
    /// 304, or the same bytes as last time.
    Unchanged,
    /// A document that is no feed, and what it is.
    NotAFeed(String),
    /// Any other HTTP status.
    Http(u16),
    /// No answer, or no end of it, within so long.
    TimedOut(Duration),
    /// More bytes than the limit, which is this.
    TooLarge(ByteSize),
    /// An address that must not be asked: which, why, and the mend.
    Refused(String),
    /// Anything else between here and there, such as `connection refused`.
    Network(String),
}
