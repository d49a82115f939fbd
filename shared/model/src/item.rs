//! An item: one article, snippet or entry, as its publisher tells it, on `news.raw.v1` and carried on from there.
//!
//! Names follow IPTC ninjs and RSS/Atom where they have one. Only `id` and one text field are needed; a field
//! that is not known is absent, never null and never invented.

use crate::{FeedId, ItemId, Timestamp, digest, topic};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest `body` in bytes of UTF-8; a longer one is cut at a character and marked `truncated`.
pub const BODY_LIMIT: usize = 256 * 1024;
const SUMMARY_LIMIT: usize = 64 * 1024;
const HEADLINE_LIMIT: usize = 4 * 1024;
const LINKS_LIMIT: usize = 500;

/// One article, snippet or entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The same for every revision of the same entry.
    pub id: ItemId,
    /// Which telling of it this is.
    #[serde(default)]
    pub revision: Revision,
    /// Whether its publisher still stands by it.
    #[serde(default)]
    pub status: Status,
    /// Where Tidings had it from.
    #[serde(default)]
    pub origin: Origin,
    /// Whether it is news, or older than the subscription to its feed.
    #[serde(default)]
    pub ingest: Ingest,
    /// Canonical address, tracking parameters removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Plain text: the feed's summary or the snippet's lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Plain text: the feed's content or the snippet's extract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How much of the article this is.
    #[serde(default)]
    pub content: Content,
    /// Links of the text fields, HTML and markdown alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Pictures that the feed names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Bylines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The publisher's own categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Who tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Publisher>,
    /// The wire agency credited in the text, such as `AP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// When its publisher says that it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// What `published_at` rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_from: Option<PublishedFrom>,
    /// When its publisher says that it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// When Tidings first saw any revision of it. Decisions go by this time, never by the publisher's.
    #[serde(default, skip_serializing_if = "Timestamp::is_absent")]
    pub first_seen_at: Timestamp,
    /// Copyright or licence as the feed states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
}

/// Which telling of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// 1 for the first.
    pub no: u32,
    /// Of the text fields and the status; empty where whoever made the item left it to the reader.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// Names of the fields that differ from the revision before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

impl Default for Revision {
    fn default() -> Self {
        Self { no: 1, hash: String::new(), changed: Vec::new() }
    }
}

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value of a later version: readers must expect new ones.
            #[serde(other)]
            Unknown,
        }
    };
}
pub(crate) use open_enum;

open_enum!(
    /// Whether the publisher still stands by an item.
    Status {
        /// It is out.
        #[default]
        Published,
        /// It was taken back.
        Withdrawn,
    }
);

open_enum!(
    /// Whether an item is news.
    Ingest {
        /// Seen as it came out.
        #[default]
        Live,
        /// Was in its feed already when the feed was first polled.
        Backfill,
        /// Processed again from recorded topics.
        Replay,
    }
);

/// Where an item was had from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The kind of source.
    #[serde(default)]
    pub kind: OriginKind,
    /// The feed, for `feed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<OriginFeed>,
    /// The search engine, API or collection, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The query that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Its place in the answer to that query, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
}

open_enum!(
    /// The kind of source that an item was had from.
    OriginKind {
        /// An RSS, Atom, RDF or JSON feed.
        Feed,
        /// A search engine's snippet. Its text depends on the query, so another text is no edit.
        Search,
        /// A program.
        Api,
        /// A file.
        #[default]
        File,
        /// Tidings itself, to see whether the line is alive.
        Canary,
    }
);

/// The feed that an item stood in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OriginFeed {
    /// Of `feeds.v1`.
    pub id: FeedId,
    /// Where it is polled.
    pub url: String,
    /// As it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// How much of an article the text fields hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// The fullest text field.
    #[serde(default)]
    pub kind: ContentKind,
    /// Cut by the publisher (an ellipsis, "read more") or at Tidings' size limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Characters in `headline`, `summary` and `body`.
    #[serde(default)]
    pub chars: u32,
}

open_enum!(
    /// What the text fields hold.
    ContentKind {
        /// Only a headline.
        Headline,
        /// A headline and a summary.
        #[default]
        Summary,
        /// The article.
        Full,
        /// Passages picked by a search engine.
        Extract,
    }
);

/// A link in a text field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The field that the anchor stands in: `headline`, `summary` or `body`.
    pub field: String,
    /// The anchor.
    pub text: String,
    /// Absolute where `resolved`, else as written.
    pub url: String,
    /// Where the anchor starts in the field, in Unicode code points.
    pub start: u32,
    /// Where it ends, exclusive.
    pub end: u32,
    /// Whether `url` is absolute: a relative link in a text without a known base is not.
    pub resolved: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Its address.
    pub url: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Who published an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
pub struct Publisher {
    /// As readers know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Registrable domain (Public Suffix List).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

impl Publisher {
    /// The name, or else the domain.
    pub fn label(&self) -> Option<&str> {
        self.name.as_deref().or(self.domain.as_deref())
    }
}

/// A language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Language {
    /// BCP 47, such as `en` or `pt-BR`.
    pub tag: String,
    /// What it rests on.
    pub source: LanguageSource,
}

open_enum!(
    /// What a language rests on.
    LanguageSource {
        /// The publisher says so.
        #[default]
        Declared,
        /// The text looks like it.
        Detected,
    }
);

open_enum!(
    /// What `published_at` rests on.
    PublishedFrom {
        /// The publisher says so.
        #[default]
        Declared,
        /// Worked out from something else, such as the address.
        Inferred,
        /// Not known: the time of first sight.
        FirstSeen,
    }
);

impl Item {
    /// The text fields with their names, in reading order.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("headline", &self.headline), ("summary", &self.summary), ("body", &self.body)]
            .into_iter()
            .filter_map(|(name, text)| text.as_deref().map(|text| (name, text)))
    }

    /// The revision's hash, worked out where it was left empty: 32 hex digits over status and text fields.
    pub fn revision_hash(&self) -> String {
        if self.revision.hash.is_empty() { self.content_hash() } else { self.revision.hash.clone() }
    }

    /// Hash of what makes a revision: status and text fields.
    pub fn content_hash(&self) -> String {
        let status = if self.status == Status::Withdrawn { "withdrawn" } else { "published" };
        digest([
            status,
            self.headline.as_deref().unwrap_or(""),
            self.summary.as_deref().unwrap_or(""),
            self.body.as_deref().unwrap_or(""),
        ])
    }

    /// The publisher as readers know it, or else the origin, or else `unknown`.
    pub fn publisher_label(&self) -> &str {
        let publisher = self.publisher.as_ref().and_then(Publisher::label);
        publisher.or(self.origin.provider.as_deref()).unwrap_or("unknown")
    }

    /// Cuts the text fields to what `news.raw.v1` takes, marks what was cut, and counts characters.
    pub fn fit(&mut self) {
        let mut limit = BODY_LIMIT;
        for (text, limit) in [(&mut self.headline, HEADLINE_LIMIT), (&mut self.summary, SUMMARY_LIMIT)] {
            self.content.truncated |= cut(text, limit);
        }
        self.links.truncate(LINKS_LIMIT);
        loop {
            self.content.truncated |= cut(&mut self.body, limit);
            self.content.chars = self.texts().map(|(_, text)| text.chars().count() as u32).sum();
            // escapes make JSON longer than its text
            if limit < 1024 || serde_json::to_vec(self).map_or(0, |json| json.len()) <= topic::RAW.limit {
                break;
            }
            limit /= 2;
        }
        let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count() as u32);
        let (headline, summary, body) = (length(&self.headline), length(&self.summary), length(&self.body));
        self.links.retain(|link| {
            link.end
                <= match link.field.as_str() {
                    "headline" => headline,
                    "summary" => summary,
                    _ => body,
                }
        });
    }
}

/// Cuts a text at a character; tells whether there was something to cut.
fn cut(text: &mut Option<String>, limit: usize) -> bool {
    match text {
        Some(text) if text.len() > limit => {
            text.truncate(text.floor_char_boundary(limit));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_one_text_field_are_enough() {
        let item: Item = serde_json::from_str(r#"{"id":"1","headline":"Storm closes ports"}"#).unwrap();
        assert_eq!(item.revision.no, 1);
        assert_eq!(item.status, Status::Published);
        assert!(item.first_seen_at.is_absent());
        assert!(!serde_json::to_string(&item).unwrap().contains("null"));
    }

    #[test]
    fn values_of_later_versions_are_read() {
        let item: Item =
            serde_json::from_str(r#"{"id":"1","status":"embargoed","ingest":"x","headline":"a"}"#).unwrap();
        assert_eq!((item.status, item.ingest), (Status::Unknown, Ingest::Unknown));
    }

    #[test]
    fn a_long_body_is_cut_at_a_character_and_marked() {
        let mut item: Item = serde_json::from_str(r#"{"id":"1","headline":"a"}"#).unwrap();
        item.body = Some("é".repeat(BODY_LIMIT));
        item.fit();
        assert!(item.content.truncated);
        assert_eq!(item.body.as_ref().map(String::len), Some(BODY_LIMIT));
        assert_eq!(item.content.chars as usize, BODY_LIMIT / 2 + 1);
    }

    #[test]
    fn an_item_always_fits_its_topic() {
        let mut item: Item = serde_json::from_str(r#"{"id":"1"}"#).unwrap();
        item.body = Some("\u{1}".repeat(BODY_LIMIT)); // six bytes of JSON each
        item.summary = Some("\"".repeat(BODY_LIMIT));
        item.fit();
        assert!(serde_json::to_vec(&item).unwrap().len() <= topic::RAW.limit);
        assert!(item.body.is_some_and(|body| body.len() > 10_000));
    }
}
