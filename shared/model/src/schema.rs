//! The published JSON Schema of each topic's records, generated from the types.

use crate::{Alert, Duplicate, Enriched, FeedSpec, FeedStatus, Inbox, Item, Message, Topic, Unique};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};

/// A public topic and the schema of its values.
pub struct Published {
    /// The topic.
    pub topic: &'static Topic,
    /// JSON Schema, draft 2020-12.
    pub schema: Schema,
}

/// Every public topic whose records have a schema.
pub fn all() -> Vec<Published> {
    vec![
        of::<FeedSpec>(),
        of::<FeedStatus>(),
        of::<Inbox>(),
        of::<Item>(),
        of::<Unique>(),
        of::<Duplicate>(),
        of::<Enriched>(),
        of::<Alert>(),
    ]
}

fn of<M: Message>() -> Published {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<M>();
    schema.insert("title".to_owned(), M::TOPIC.name.into());
    schema.insert(
        "$comment".to_owned(),
        "fields may be added and enumerations may grow: ignore what you do not know".into(),
    );
    Published { topic: M::TOPIC, schema }
}
