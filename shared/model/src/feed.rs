//! Feeds: which ones are polled, and how each of them is.

use crate::{FeedId, Timestamp, item::open_enum, site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `feeds.v1`: a feed to poll. A tombstone (a null value) ends the subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedSpec {
    /// Of the normalised URL.
    pub id: FeedId,
    /// Where to poll it.
    pub url: String,
    /// A name for people; the feed's own title where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Seconds between polls; the configured interval where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u32>,
}

impl FeedSpec {
    /// A feed by its address, which must be an absolute http or https URL with a host.
    pub fn new(url: &str, title: Option<String>) -> Result<Self, String> {
        let url = site::normalise(url)?;
        Ok(Self { id: FeedId::of([url.as_str()]), url, title, interval_s: None })
    }
}

/// `feeds.status.v1`: how a feed is; told when it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedStatus {
    /// Of `feeds.v1`.
    pub id: FeedId,
    /// Where it is polled now (after a permanent redirect: the new place).
    pub url: String,
    /// As it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How it is.
    pub state: FeedState,
    /// For a reader: `ok, 20 entries`, `403 Forbidden`, `an HTML page, not a feed`.
    pub message: String,
    /// Entries in it at the last good poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u32>,
    /// Since when it is so.
    pub since: Timestamp,
}

open_enum!(
    /// How a feed is.
    FeedState {
        /// Polls and parses.
        #[default]
        Ok,
        /// Answers, but not with a feed.
        NotAFeed,
        /// Answers with an error, or not at all.
        Failing,
        /// Forbidden by its address: private network, bad scheme.
        Refused,
        /// Gone for good (410).
        Gone,
        /// The same feed as another one, under another address.
        Duplicate,
    }
);
