//! What dedup and enrich make of an item: unique, a copy, or enriched. Each carries the item on unread.

use crate::{Carried, ClusterId, Entity, Item, ItemId, Publisher, item::open_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `news.unique.v1`: an item that is news, or that changes a known story.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Unique {
    /// As on `news.raw.v1`.
    pub item: Carried<Item>,
    /// Where it belongs.
    pub cluster: Cluster,
}

/// The cluster of copies that an item belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// The id of its first item.
    pub id: ClusterId,
    /// What the item does to it.
    pub verdict: Verdict,
    /// Where the item is withdrawn and others were copies of it: which of them they are copies of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<Of>,
}

open_enum!(
    /// What an item does to its cluster.
    Verdict {
        /// Opens it.
        #[default]
        New,
        /// Changes it: a revision, a withdrawal, or a copy with other figures.
        Update,
    }
);

/// `news.duplicates.v1`: a copy, complete, so that nobody needs a join.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Duplicate {
    /// As on `news.raw.v1`.
    pub item: Carried<Item>,
    /// The cluster that it joins.
    pub cluster: ClusterId,
    /// What it is a copy of.
    pub of: Of,
    /// In which way.
    pub relation: Relation,
    /// How sure: 1.0 for the same address or the same words, else the verification's score in [0, 1].
    pub score: f32,
    /// What the verdict rests on, for a reader: `same url`, `same text`, `text 0.82, lead 0.91`.
    pub why: String,
    /// How long after the original it was first seen, in milliseconds.
    pub behind_ms: u64,
}

/// The item that a copy is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Of {
    /// Its id.
    pub id: ItemId,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Publisher>,
}

open_enum!(
    /// In which way an item is a copy.
    Relation {
        /// The same article of the same publisher: its address, or its text, in another feed.
        SameArticle,
        /// The same text at another publisher.
        Syndicated,
        /// Nearly the same text.
        #[default]
        NearDuplicate,
    }
);

/// `news.enriched.v1`: a unique item with its people, organisations and places.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Enriched {
    /// As on `news.raw.v1`.
    pub item: Carried<Item>,
    /// As on `news.unique.v1`.
    pub cluster: Cluster,
    /// Whom and what the text names, most salient first.
    pub entities: Vec<Entity>,
    /// How they were found.
    pub entities_status: EntitiesStatus,
    /// The recogniser and its version.
    pub model: String,
    /// The knowledge base and its version.
    pub kb: String,
}

open_enum!(
    /// How an item's entities were found.
    EntitiesStatus {
        /// By a recogniser for its language.
        Model,
        /// By the gazetteer, and by rules for capitals where its script has them: there is no model for its language.
        #[default]
        Gazetteer,
        /// Not at all.
        None,
    }
);
