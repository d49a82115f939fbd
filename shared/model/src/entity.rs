//! A person, organisation or place that a text names, and where it does.

use crate::item::open_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom or what a text names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Stable: `Q212` (Wikidata), a GeoNames id, or 32 hex digits of its folded name and its type.
    pub id: String,
    /// What kind of id that is.
    pub id_kind: IdKind,
    /// The fullest form of the name: the knowledge base's, or the text's.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntityType,
    /// The Wikidata id of the country that it belongs to, or is, or that a nationality names, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where it is named, in reading order.
    pub mentions: Vec<Mention>,
    /// How much the text is about it, in [0, 1].
    pub salience: f32,
    /// Whether the headline names it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_headline: bool,
}

open_enum!(
    /// Whose id an entity has.
    IdKind {
        /// Wikidata.
        Wikidata,
        /// GeoNames.
        Geonames,
        /// Tidings' own: the hash of the folded name.
        #[default]
        Local,
    }
);

open_enum!(
    /// What an entity is.
    EntityType {
        /// A person.
        Person,
        /// A company, party, ministry, team.
        Organisation,
        /// A country, town, region, building.
        Place,
        /// A nationality, religion or political group.
        Group,
        /// Another name.
        #[default]
        Other,
    }
);

/// Where a text names an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// `headline`, `summary` or `body`.
    pub field: String,
    /// First Unicode code point in the field.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The words.
    pub text: String,
    /// How sure the recogniser is, in [0, 1].
    pub confidence: f32,
    /// Whether it stands in a link to another article: in an anchor that is longer than a name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_link: bool,
}
