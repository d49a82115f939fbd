//! The language of Tidings: what its services say to each other, and nothing else.
//!
//! Ids, time, topics and the records on them. Everything here is plain data with a published JSON
//! schema; there is no I/O, no clock and no Kafka.
//!
//! - [`topic`] is the one place that names topics.
//! - [`Item`] is the unit that flows; [`Unique`], [`Duplicate`] and [`Enriched`] carry it on unread.
//! - [`Message`] ties a record type to its topic, its key and its CloudEvents headers.

mod alert;
mod carried;
mod dead;
mod entity;
mod feed;
mod id;
mod inbox;
mod item;
mod message;
mod news;
pub mod schema;
pub mod site;
mod time;
pub mod topic;

pub use alert::{Alert, AlertState, Severity, Window};
pub use carried::Carried;
pub use dead::DeadLetter;
pub use entity::{Entity, EntityType, IdKind, Mention};
pub use feed::{FeedSpec, FeedState, FeedStatus};
pub use id::{ClusterId, FeedId, ItemId, digest};
pub use inbox::Inbox;
pub use item::{
    BODY_LIMIT, Content, ContentKind, Image, Ingest, Item, Language, LanguageSource, Link, Origin, OriginFeed,
    OriginKind, PublishedFrom, Publisher, Revision, Status,
};
pub use message::{Message, Record};
pub use news::{Cluster, Duplicate, Enriched, EntitiesStatus, Of, Relation, Unique, Verdict};
pub use time::Timestamp;
pub use topic::Topic;
