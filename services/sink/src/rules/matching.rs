//! `match`: stories that name certain entities or use certain words, once per cluster.

use super::{Built, Decision, Finding, Kind, Note, Rule, Story, is_public, keys, phrase::Folded, recent::Recent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tidings_model::{AlertState, Entity, Timestamp, Window};
use tidings_stage::{
    Problem,
    state::{from_bytes, to_bytes},
};

pub(super) const KIND: Kind = Kind {
    name: "match",
    about: "stories that name certain entities or use certain words, once per cluster",
    example: include_str!("examples/match.toml"),
    build,
};

/// Clusters of which it is remembered that they fired.
const CLUSTERS: usize = 50_000;

/// Longest headline in a summary, in characters.
const HEADLINE: usize = 200;

/// All that are given must hold.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    /// Ids or names, of which one must be an entity of the story.
    entities: Vec<String>,
    /// Phrases, of which one must stand in the headline, summary or body.
    any: Vec<String>,
    /// Phrases that must all stand there.
    all: Vec<String>,
    /// Phrases of which none may stand there.
    none: Vec<String>,
    /// Domains or names, of which one must be the publisher's.
    publishers: Vec<String>,
}

struct Match {
    entities: Vec<(String, Folded)>,
    any: Vec<Folded>,
    all: Vec<Folded>,
    none: Vec<Folded>,
    publishers: Vec<Folded>,
    fired: Recent<()>,
}

#[derive(Serialize, Deserialize)]
enum Fired {
    V1(Timestamp),
}

fn build(table: toml::Table) -> Built {
    let keys: Keys = keys(table)?;
    let mut problems = Vec::new();
    let mut folded = |key: &str, texts: &[String]| -> Vec<Folded> {
        for (i, text) in texts.iter().enumerate().filter(|(_, text)| Folded::new(text).is_empty()) {
            let found = format_args!("{text:?}");
            problems.push(Problem::new(format!("{key}[{i}]"), found, "it must have a letter or a digit"));
        }
        texts.iter().map(|text| Folded::new(text)).collect()
    };
    let rule = Match {
        entities: keys.entities.iter().cloned().zip(folded("entities", &keys.entities)).collect(),
        any: folded("any", &keys.any),
        all: folded("all", &keys.all),
        none: folded("none", &keys.none),
        publishers: folded("publishers", &keys.publishers),
        fired: Recent::new(CLUSTERS),
    };
    if rule.entities.is_empty() && rule.any.is_empty() && rule.all.is_empty() && rule.publishers.is_empty() {
        let mend = "it would match everything: give one of entities, any, all, publishers";
        problems.push(Problem::new("entities", "[]", mend));
    }
    if problems.is_empty() { Ok(Box::new(rule)) } else { Err(problems) }
}

impl Match {
    /// The most salient of the story's entities that the rule asks for.
    fn entity<'a>(&self, story: &Story<'a>) -> Option<&'a Entity> {
        let asked = |entity: &&Entity| {
            let mut names: Vec<&str> = entity.mentions.iter().map(|mention| mention.text.as_str()).collect();
            names.push(&entity.name);
            let names: Vec<Folded> = names.into_iter().map(Folded::new).collect();
            self.entities.iter().any(|(id, name)| *id == entity.id || names.contains(name))
        };
        story.news.entities.iter().find(asked)
    }

    fn holds(&self, story: &Story<'_>) -> bool {
        let item = &story.news.item;
        let texts: Vec<Folded> = item.texts().map(|(_, text)| Folded::new(text)).collect();
        let says = |phrase: &Folded| texts.iter().any(|text| text.contains(phrase));
        let publisher = item.publisher.iter().flat_map(|publisher| [&publisher.domain, &publisher.name]);
        let publisher: Vec<Folded> = publisher.flatten().map(|name| Folded::new(name)).collect();
        (self.any.is_empty() || self.any.iter().any(says))
            && self.all.iter().all(says)
            && !self.none.iter().any(says)
            && (self.publishers.is_empty() || self.publishers.iter().any(|name| publisher.contains(name)))
    }
}

impl Rule for Match {
    fn decide(&self, story: &Story<'_>) -> Decision {
        let cluster = story.news.cluster.id.as_str();
        let entity = self.entity(story);
        if self.fired.get(cluster).is_some() || (entity.is_none() && !self.entities.is_empty()) || !self.holds(story) {
            return Decision::default();
        }
        let item = &story.news.item;
        let headline = item.texts().next().map_or("", |(_, text)| text);
        let end = headline.char_indices().nth(HEADLINE).map_or(headline.len(), |(end, _)| end);
        let subject = entity.filter(|entity| is_public(entity));
        let finding = Finding {
            occasion: cluster.to_owned(),
            state: AlertState::Firing,
            subject: subject.map(|entity| entity.name.clone()),
            subject_id: subject.map(|entity| entity.id.clone()),
            summary: format!("{}: {}", item.publisher_label(), &headline[..end]),
            window: Window { start: story.at, end: story.at },
            observed: 1.0,
            expected: None,
            score: None,
            evidence: vec![item.id.clone()],
        };
        let forget = |key| Note { key, value: None };
        let remember = Note { key: cluster.to_owned(), value: Some(to_bytes(&Fired::V1(story.at))) };
        let gone = self.fired.crowded_out(&BTreeSet::from([cluster])).into_iter().map(forget);
        Decision { findings: vec![finding], notes: gone.chain([remember]).collect() }
    }

    fn apply(&mut self, note: &Note) -> bool {
        match note.value.as_deref().map(from_bytes) {
            None => self.fired.remove(&note.key),
            Some(Ok(Fired::V1(at))) => self.fired.insert(note.key.clone(), at.millis(), ()),
            Some(Err(_)) => return false,
        }
        true
    }
}
