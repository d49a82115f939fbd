//! A place is the one of its name that the text says.

use super::super::entities;
use crate::{
    kb::Kb,
    recognise::{Recognise, Span},
    token::Token,
};
use tidings_model::Item;

/// A recogniser that finds every word with a capital and takes it for a place.
struct Capitals;

impl Recognise for Capitals {
    fn name(&self) -> &str {
        "capitals"
    }

    fn is_model(&self) -> bool {
        true
    }

    fn knows(&self, _: &str) -> bool {
        true
    }

    fn recognise(&self, _: &str, tokens: &[Token<'_>]) -> Vec<Span> {
        let names = tokens.iter().filter(|token| token.is_capital() && !token.text.ends_with("an"));
        let kind = tidings_model::EntityType::Place;
        names.map(|name| Span { start: name.start, end: name.end, kind, confidence: 0.9, told: false }).collect()
    }
}

/// The ids of these names, in reading order; `-` for a local one.
fn ids(text: &str, names: &[&str]) -> String {
    let item: Item = serde_json::from_value(serde_json::json!({"id": "1", "body": text})).unwrap();
    let mut told = Vec::new();
    for entity in entities(&item, Some("en"), Some(&Capitals), &Kb::load(None).unwrap(), 0.4) {
        let id = if entity.id.len() < 20 { entity.id.clone() } else { "-".to_owned() };
        let mentions = entity.mentions.iter().filter(|mention| names.contains(&mention.text.as_str()));
        told.extend(mentions.map(|mention| (mention.start, id.clone())));
    }
    told.sort();
    told.into_iter().map(|(_, id)| id).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_region_tells_which_city_is_meant() {
    for (text, name, want) in [
        ("met in Paris, Texas, again. People in Paris said no", "Paris", "4717560 4717560"),
        ("met in Paris, Ohio, again. People in Paris said no", "Paris", "- -"),
        ("met in Paris, France, again", "Paris", "Q90"),
        ("met in Birmingham, Ala., again", "Birmingham", "4049979"),
        ("met in Birmingham, England, again", "Birmingham", "2655603"),
        ("met in London, Ontario, again", "London", "6058560"),
        ("met in Cambridge, MA, again", "Cambridge", "4931972"),
        ("met in Cambridge again", "Cambridge", "-"),
        ("met in Portland, Maine, again", "Portland", "4975802"),
        ("met in Portland, Oregon, and in Portland, Maine, again", "Portland", "5746545 4975802"),
        ("met in Hyderabad, Pakistan, again", "Hyderabad", "1176734"),
        ("met in Alexandria, Egypt, and in Tripoli, Lebanon, again", "Tripoli", "266826"),
        ("met in Perth, Western Australia, again", "Perth", "Q3183"),
        // a list, and what the sentence goes on with
        ("met in London, California and Tokyo again", "London", "Q84"),
        ("after talks in London, Canada's envoy said no", "London", "Q84"),
        ("after talks in London, Canada said no", "London", "Q84"),
        ("in London, California lawmakers met", "London", "Q84"),
        ("met in Moscow, Ukraine, and Poland", "Moscow", "Q649"),
    ] {
        assert_eq!(ids(text, &[name]), want, "{text}");
    }
}

#[test]
fn a_region_is_the_one_of_its_city() {
    for (text, name, want) in [
        ("met in Atlanta, Georgia, again", "Georgia", "Q1428"),
        ("met in Athens, Georgia, while Georgia voted", "Georgia", "Q1428 Q1428"),
        ("met in Tbilisi, Georgia, while Georgia voted", "Georgia", "Q230 Q230"),
        ("when Georgia Gov. Brian Kemp spoke", "Georgia", "Q1428"),
        ("when Armenia and Georgia met", "Georgia", "Q230"),
        ("when the United States and Georgia met in Tbilisi", "Georgia", "Q230"),
        // the state or the country: nobody can tell
        ("when the United States looked at Georgia", "Georgia", "-"),
        ("met in Seattle, Washington, again", "Washington", "Q1223"),
        ("met in Washington again", "Washington", "Q61"),
        ("met in Buffalo, New York, again", "York", ""),
        ("met in Lincoln, Neb., again", "Neb", "Q1553"),
    ] {
        assert_eq!(ids(text, &[name]), want, "{text}");
    }
    assert_eq!(ids("met in Buffalo, New York, again", &["New York"]), "Q1384");
    assert_eq!(ids("met in New York state and New York", &["New York state", "New York"]), "Q1384 Q60");
}
