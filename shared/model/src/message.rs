//! A record type on its topic: key, partition, time and CloudEvents headers follow from the value.

use crate::{
    Alert, Carried, Cluster, Duplicate, Enriched, EntitiesStatus, FeedSpec, FeedStatus, Inbox, Item, OriginKind,
    Timestamp, Topic, Unique, Verdict, digest, site, topic,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

/// A record ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where to.
    pub topic: &'static Topic,
    /// Kafka key.
    pub key: Vec<u8>,
    /// What chooses the partition, where that is not the key.
    pub route: Option<Vec<u8>>,
    /// Kafka headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// JSON on public topics; absent for a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A record type that has a topic.
pub trait Message: Serialize + DeserializeOwned + JsonSchema {
    /// Its topic.
    const TOPIC: &'static Topic;

    /// Its Kafka key.
    fn key(&self) -> String;

    /// What chooses its partition, where that is not the key.
    fn route(&self) -> Option<String> {
        None
    }

    /// When Tidings first saw what it tells of, where it says so. Decisions about it are made at this time.
    fn seen(&self) -> Option<Timestamp> {
        None
    }

    /// The item that it carries, where it carries one.
    fn item(&self) -> Option<&Item> {
        None
    }

    /// Reads a line that someone wrote by hand: the value, or for what carries an item the item alone.
    fn bare(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }

    /// As a record, with the headers of the CloudEvents Kafka binding (binary mode, version 1.0) and a W3C
    /// `traceparent` whose trace id is the item's: one trace from feed to alert.
    fn record(&self) -> Record {
        Record {
            topic: Self::TOPIC,
            key: self.key().into_bytes(),
            route: self.route().map(String::into_bytes),
            headers: headers(self),
            value: Some(serde_json::to_vec(self).expect("records serialise to memory")),
        }
    }
}

/// The item of a line that is an item alone; `None` where it is a record that carries one.
fn alone(json: &[u8]) -> serde_json::Result<Option<Carried<Item>>> {
    #[derive(Deserialize)]
    struct Carrier {
        item: Option<IgnoredAny>,
    }
    let carrier: Carrier = serde_json::from_slice(json)?;
    carrier.item.is_none().then(|| serde_json::from_slice(json)).transpose()
}

/// An item is the first of its cluster unless someone says otherwise.
fn first(item: &Item) -> Cluster {
    Cluster { id: item.id.clone().into(), verdict: Verdict::New, promoted: None }
}

fn headers<M: Message>(message: &M) -> Vec<(String, Vec<u8>)> {
    let name = M::TOPIC.name;
    let key = message.key();
    let (id, source, canary) = match message.item() {
        Some(item) => (
            format!("{}:{}:{name}", item.id, item.revision.no),
            item.origin.feed.as_ref().map_or_else(|| item.publisher_label().to_owned(), |feed| feed.url.clone()),
            item.origin.kind == OriginKind::Canary,
        ),
        None => (format!("{key}:{name}"), "tidings".to_owned(), false),
    };
    let trace = digest([message.item().map_or(key.as_str(), |item| item.id.as_str())]);
    let span = &digest([id.as_str()])[..16];
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_type", if canary { format!("canary.{name}") } else { name.to_owned() }),
        ("ce_source", source),
        ("content-type", "application/json".to_owned()),
        ("traceparent", format!("00-{trace}-{span}-01")),
        ("ce_id", id),
    ];
    headers.extend(message.seen().map(|at| ("ce_time", at.to_string())));
    headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
}

fn seen(item: &Item) -> Option<Timestamp> {
    (!item.first_seen_at.is_absent()).then_some(item.first_seen_at)
}

impl Message for Item {
    const TOPIC: &'static Topic = &topic::RAW;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn seen(&self) -> Option<Timestamp> {
        seen(self)
    }
    fn item(&self) -> Option<&Item> {
        Some(self)
    }
}

impl Message for Unique {
    const TOPIC: &'static Topic = &topic::UNIQUE;
    fn bare(json: &[u8]) -> serde_json::Result<Self> {
        match alone(json)? {
            Some(item) => Ok(Self { cluster: first(&item), item }),
            None => serde_json::from_slice(json),
        }
    }
    fn key(&self) -> String {
        self.cluster.id.to_string()
    }
    fn seen(&self) -> Option<Timestamp> {
        seen(&self.item)
    }
    fn item(&self) -> Option<&Item> {
        Some(&self.item)
    }
}

impl Message for Duplicate {
    const TOPIC: &'static Topic = &topic::DUPLICATES;
    fn key(&self) -> String {
        self.cluster.to_string()
    }
    fn seen(&self) -> Option<Timestamp> {
        seen(&self.item)
    }
    fn item(&self) -> Option<&Item> {
        Some(&self.item)
    }
}

impl Message for Enriched {
    const TOPIC: &'static Topic = &topic::ENRICHED;
    fn bare(json: &[u8]) -> serde_json::Result<Self> {
        match alone(json)? {
            Some(item) => Ok(Self {
                cluster: first(&item),
                item,
                entities: Vec::new(),
                entities_status: EntitiesStatus::None,
                model: "none".to_owned(),
                kb: "none".to_owned(),
            }),
            None => serde_json::from_slice(json),
        }
    }
    fn key(&self) -> String {
        self.cluster.id.to_string()
    }
    fn seen(&self) -> Option<Timestamp> {
        seen(&self.item)
    }
    fn item(&self) -> Option<&Item> {
        Some(&self.item)
    }
}

impl Message for Alert {
    const TOPIC: &'static Topic = &topic::ALERTS;
    fn key(&self) -> String {
        self.subject.clone()
    }
    fn seen(&self) -> Option<Timestamp> {
        Some(self.window.end)
    }
}

impl Message for Inbox {
    const TOPIC: &'static Topic = &topic::INBOX;
    fn key(&self) -> String {
        let provider = self.provider.as_deref().unwrap_or("");
        match &self.external_id {
            Some(id) => digest([provider, id]),
            None => digest([&self.headline, &self.summary, &self.body].map(|text| text.as_deref().unwrap_or(""))),
        }
    }
    fn seen(&self) -> Option<Timestamp> {
        (!self.first_seen_at.is_absent()).then_some(self.first_seen_at)
    }
}

impl Message for FeedSpec {
    const TOPIC: &'static Topic = &topic::FEEDS;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn route(&self) -> Option<String> {
        site::domain(&self.url)
    }
}

impl Message for FeedStatus {
    const TOPIC: &'static Topic = &topic::FEEDS_STATUS;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn route(&self) -> Option<String> {
        site::domain(&self.url)
    }
    fn seen(&self) -> Option<Timestamp> {
        Some(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_alone_is_the_first_of_its_cluster() {
        let unique = Unique::bare(br#"{"id":"7","headline":"a","x":1}"#).unwrap();
        assert_eq!((unique.cluster.id.as_str(), unique.cluster.verdict), ("7", Verdict::New));
        assert!(unique.item.json().contains("\"x\":1"), "carried unread");
        let json = serde_json::to_vec(&unique).unwrap();
        assert_eq!(Unique::bare(&json).unwrap().cluster.id.as_str(), "7", "a whole record is read as one");
        let error = Enriched::bare(br#"{"id":"7","headline":1}"#).unwrap_err().to_string();
        assert!(error.contains("expected a string"), "{error}");
    }
}
