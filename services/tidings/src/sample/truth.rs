//! What a perfect pipeline would find in the sample feeds: copies, events and names, written to `sample/truth.json`.
//!
//! It is derived from the same files as the feeds. A name counts for an article if its last version mentions it, in
//! any of its spellings.

use super::content::{Article, CATALOGUE, Event, parse};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// An article, and what is true of it.
#[derive(Serialize)]
pub struct Truth {
    /// Id of the outlet.
    pub outlet: String,
    /// Paths of the feeds that carry it.
    pub feeds: Vec<String>,
    /// Its link, as printed.
    pub url: String,
    /// Headline of the last version.
    pub headline: String,
    /// Id of the event that it is about.
    pub event: String,
    /// Link of the article that it reprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<String>,
    /// Link of the original, shared by all copies and the original itself.
    pub cluster: String,
    /// Versions printed over the whole show.
    pub revisions: usize,
    /// Whether the outlet takes it back before the end.
    pub withdrawn: bool,
    /// Names, by type, each type in the order of `entities.toml`.
    pub entities: Vec<Entity>,
}

/// A name in an article.
#[derive(Serialize)]
pub struct Entity {
    /// Its usual form.
    pub name: &'static str,
    /// `person`, `organisation` or `place`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The forms found in the article.
    pub variants: Vec<&'static str>,
}

/// The truth about every article, in the order of the files.
pub fn truth() -> Vec<Truth> {
    let articles = CATALOGUE.events.iter().flat_map(|event| event.article.iter().map(move |article| (event, article)));
    articles.map(|(event, article)| about(event, article)).collect()
}

/// The truth as the file holds it: JSON, one article a line.
pub fn file() -> String {
    let lines =
        truth().iter().map(|truth| serde_json::to_string(truth).expect("plain values become JSON")).collect::<Vec<_>>();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn about(event: &Event, article: &Article) -> Truth {
    let outlet = CATALOGUE.outlet(&article.outlet).expect("an article's outlet exists");
    let url = outlet.link(article);
    let copy_of = article.copy_of.as_ref().map(|path| {
        let (outlet, slug) = path.split_once('/').expect("copy_of is outlet/slug");
        let outlet = CATALOGUE.outlet(outlet).expect("the copied outlet exists");
        let mut articles = CATALOGUE.articles(outlet);
        let (source, original) = articles.find(|(_, original)| original.slug == slug).expect("the original exists");
        assert!(original.copy_of.is_none(), "{path} is itself a copy");
        assert!(source.id == event.id && original.at < article.at, "{path} is no earlier article of the event");
        outlet.link(original)
    });
    let last = article.printed(i64::MAX);
    let text = [Some(last.headline), last.summary, last.body].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let carrying = outlet.feed.iter().filter(|feed| outlet.carries(feed, article));
    Truth {
        feeds: carrying.map(|feed| outlet.feed_path(feed)).collect(),
        outlet: outlet.id.clone(),
        cluster: copy_of.clone().unwrap_or_else(|| url.clone()),
        url,
        headline: last.headline.to_owned(),
        event: event.id.clone(),
        copy_of,
        revisions: 1 + article.edit.len(),
        withdrawn: article.withdrawn_at.is_some(),
        entities: NAMES.found_in(text.replace(&outlet.title, "")),
    }
}

static NAMES: LazyLock<Names> = LazyLock::new(|| parse(include_str!("../../sample/entities.toml")));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    person: Vec<Name>,
    organisation: Vec<Name>,
    place: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
    #[serde(default)]
    variants: Vec<String>,
}

impl Names {
    /// Longer forms take their text first, so that "Sael Rovers" is not also the town of Sael.
    fn found_in(&'static self, mut text: String) -> Vec<Entity> {
        let mut found: Vec<Entity> = Vec::new();
        let mut forms: Vec<(usize, &'static str)> = Vec::new();
        let kinds = [("person", &self.person), ("organisation", &self.organisation), ("place", &self.place)];
        for (kind, names) in kinds {
            for Name { name, variants } in names {
                forms.extend(std::iter::once(name).chain(variants).map(|form| (found.len(), form.as_str())));
                found.push(Entity { name, kind, variants: vec![] });
            }
        }
        forms.sort_by_key(|(_, form)| std::cmp::Reverse(form.len()));
        for (entity, form) in forms {
            let places: Vec<usize> = text.match_indices(form).map(|(at, _)| at).collect();
            let whole = |at: &usize| {
                let (before, after) = (text[..*at].chars().next_back(), text[at + form.len()..].chars().next());
                ![before, after].into_iter().flatten().any(char::is_alphanumeric)
            };
            let places: Vec<usize> = places.into_iter().filter(whole).collect();
            if !places.is_empty() {
                found[entity].variants.push(form);
            }
            for at in places {
                text.replace_range(at..at + form.len(), &"_".repeat(form.len()));
            }
        }
        found.retain(|entity| !entity.variants.is_empty());
        for entity in &mut found {
            entity.variants.sort_unstable();
        }
        found
    }
}
