//! Why an item is what dedup says: what it was compared with, and how alike they are.

use crate::{
    compare::FEATURES,
    entry::Basis,
    memory::Memory,
    probe::{Comparison, Probe},
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_model::{ItemId, Record};

/// What a verdict rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// How many words are compared, and how many of them are the headline's.
    pub words: usize,
    /// See `words`.
    pub headline_words: usize,
    /// How many sentences are remembered, of longer texts and extracts.
    pub sentences: usize,
    /// What it was compared with, the likest first.
    pub compared: Vec<Compared>,
}

/// One comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The other item.
    pub id: ItemId,
    /// Its publisher, by name or domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// How sure it is that one is a copy of the other: from 0.5 on it is one.
    pub score: f32,
    /// What speaks for it: `same url`, `same text`, `resemblance`, `sentences`; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'static str>,
    /// Whether this one has other figures or more paragraphs.
    pub update: bool,
    /// How alike they are; absent where a glance at their rare words was enough.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<&'static str, f32>,
}

impl Explanation {
    pub(crate) fn new(probe: &Probe<'_>, memory: &Memory) -> Self {
        let (words, headline_words, sentences) = probe.sizes();
        let mut compared: Vec<_> = probe.comparisons().iter().map(|one| Compared::new(one, memory)).collect();
        compared.sort_by(|a, b| b.score.total_cmp(&a.score));
        Self { words, headline_words, sentences, compared }
    }

    /// The record with this in its value, as `explanation`.
    pub(crate) fn added_to(&self, record: Record) -> Record {
        let value = record.value.as_deref().and_then(|value| serde_json::from_slice::<Value>(value).ok());
        let Some(Value::Object(mut value)) = value else { return record };
        value.insert("explanation".to_owned(), serde_json::to_value(self).unwrap_or_default());
        Record { value: Some(Value::Object(value).to_string().into_bytes()), ..record }
    }
}

impl Compared {
    fn new(comparison: &Comparison<'_>, memory: &Memory) -> Self {
        let publisher = memory.sources.publisher(comparison.with.source);
        let features = comparison.resemblance.iter().flat_map(|resemblance| {
            FEATURES.into_iter().zip(resemblance.features).chain([("about", resemblance.about)])
        });
        Self {
            id: comparison.with.id(),
            publisher: publisher.and_then(|publisher| publisher.label().map(str::to_owned)),
            score: comparison.score,
            basis: comparison.basis.map(|basis| match basis {
                Basis::Address => "same url",
                Basis::Text => "same text",
                Basis::Resemblance { .. } => "resemblance",
                Basis::Sentences(_) => "sentences",
            }),
            update: comparison.update,
            features: features.collect(),
        }
    }
}
