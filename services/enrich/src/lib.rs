//! The enrich service: names the people, organisations and places of a text and links them.
//!
//! A pure, stateless stage between `news.unique.v1` and `news.enriched.v1`; instances share the partitions. For
//! each item:
//!
//! 1. [`language`] chooses a recogniser; where there is none, the knowledge base alone is used.
//! 2. [`recognise`] finds names place by place ([`neural`]: a model; [`names`]: rules for capitals).
//! 3. [`kb`] knows countries, cities, organisations and persons, with their Wikidata ids where certain.
//! 4. [`document`] makes entities of both: one id for every spelling and short form of a name.
//!
//! Promises: the item is carried on unread; every unique item gives one enriched one, withdrawn ones included;
//! an unknown name has the same id in every item that spells it, or nearly so ([`fold`]).

pub mod aliases;
mod config;
pub mod document;
pub mod fold;
mod inflect;
pub mod kb;
pub mod language;
pub mod lexicon;
mod metrics;
pub mod names;
pub mod neural;
pub mod recognise;
pub mod token;

pub use config::Config;
pub use metrics::Metrics;
pub use neural::Models;

use kb::Kb;
use names::CapitalisedNames;
use recognise::Recognise;
use tidings_model::{Enriched, EntitiesStatus, Timestamp, Topic, Unique};
use tidings_stage::{Event, Never, Reject, Share, Stage, Step};

/// `Enriched::model` where no recogniser ran.
const NO_MODEL: &str = "none";

/// The stage.
pub struct Enrich {
    min_confidence: f32,
    /// The first that knows a language is used for it.
    recognisers: Vec<Box<dyn Recognise>>,
    kb: Kb,
}

impl Enrich {
    /// With these models, and the rules for languages that have none.
    pub fn new(config: &Config, models: &Models) -> Self {
        let mut recognisers: Vec<Box<dyn Recognise>> = Vec::new();
        recognisers.extend(models.recognisers().map(|neural| Box::new(neural) as _));
        recognisers.push(Box::new(CapitalisedNames::latin()));
        Self { min_confidence: config.min_confidence, recognisers, kb: models.kb().clone() }
    }

    fn recogniser(&self, language: &str) -> Option<&dyn Recognise> {
        self.recognisers.iter().map(AsRef::as_ref).find(|recogniser| recogniser.knows(language))
    }

    fn enrich(&self, unique: &Unique) -> Enriched {
        let item = &unique.item;
        let has_text = item.texts().any(|(_, text)| !text.trim().is_empty());
        let language = has_text.then(|| language::of(item)).flatten();
        let language = language.as_deref();
        let recogniser = language.and_then(|language| self.recogniser(language));
        Enriched {
            item: item.clone(),
            cluster: unique.cluster.clone(),
            entities: document::entities(item, language, recogniser, &self.kb, self.min_confidence),
            entities_status: match recogniser {
                _ if !has_text => EntitiesStatus::None,
                Some(recogniser) if recogniser.is_model() => EntitiesStatus::Model,
                _ => EntitiesStatus::Gazetteer,
            },
            model: recogniser.map_or(NO_MODEL, Recognise::name).to_owned(),
            kb: self.kb.name().to_owned(),
        }
    }
}

impl Stage for Enrich {
    const NAME: &'static str = "enrich";
    const SHARE: Share = Share::Partition;
    const STATE: Option<&'static Topic> = None;
    type In = Unique;
    type Out = Enriched;
    type Change = Never;
    type Ask = Never;
    type Reply = Never;

    fn decide(&self, _: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        let Event::Record(unique) = event else { return Ok(Step::default()) };
        Ok(Step { out: vec![self.enrich(unique)], ..Step::default() })
    }

    fn apply(&mut self, change: &Never) {
        match *change {}
    }
}

#[cfg(test)]
mod tests;
