//! A place is the one of its name that the text says.

use super::super::{entities, spans::Found};
use crate::{
    kb::{
        Kb,
        wikidata::{Options, build},
    },
    recognise::{Recognise, Span},
    token::Token,
};
use tidings_model::{EntityType, Item};

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
        let kind = EntityType::Place;
        names.map(|name| Span { start: name.start, end: name.end, kind, confidence: 0.9, told: false }).collect()
    }
}

/// The ids of these names, in reading order; `-` for a local one.
fn ids(text: &str, names: &[&str]) -> String {
    ids_by(&Kb::load(None).unwrap(), text, names)
}

fn ids_by(kb: &Kb, text: &str, names: &[&str]) -> String {
    let item: Item = serde_json::from_value(serde_json::json!({"id": "1", "body": text})).unwrap();
    let mut told = Vec::new();
    for entity in entities(&item, Some("en"), Some(&Capitals), kb, 0.4) {
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
        ("in London, New York, and Tokyo", "London", "Q84"),
        ("in Tokyo, London, New York", "London", "Q84"),
        ("in Moscow, Washington, and Kyiv", "Moscow", "Q649"),
        ("in Rome, New York and Paris", "Rome", "Q220"),
        ("in Amsterdam, New York and London", "Amsterdam", "Q727"),
        ("in Athens, Georgia and Armenia", "Athens", "Q1524"),
        ("met in Rome, New York (AP) again", "Rome", "5134295"),
        ("met in Rome, New York, and Paris, Texas, again", "Rome", "5134295"),
        ("met in Melbourne, Victoria, again", "Melbourne", "Q3141"),
        ("met in Richmond, Victoria, again", "Victoria", "-"),
        ("met near Victoria again", "Victoria", ""),
        // an abbreviation that is a word, a code that is one
        ("met in Columbus, Miss., again", "Columbus", "-"),
        ("in Columbus, Miss Smith said", "Columbus", "4509177"),
        ("MINISTERS MET AGAIN IN LONDON, OR SO THEY SAID", "LONDON", "Q84"),
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
        ("in London, New York, and Tokyo", "Tokyo", "Q1490"),
        ("in Moscow, Washington, and Kyiv", "Washington", "Q61"),
        ("met in Buffalo, New York, again", "York", ""),
        ("met in Lincoln, Neb., again", "Neb", "Q1553"),
    ] {
        assert_eq!(ids(text, &[name]), want, "{text}");
    }
    assert_eq!(ids("met in Buffalo, New York, again", &["New York"]), "Q1384");
    assert_eq!(ids("met in New York state and New York", &["New York state", "New York"]), "Q1384 Q60");
}

/// The user's knowledge base with one city, of which the country alone is known.
fn with_city(id: &str, name: &str, country: &str) -> Kb {
    let of = serde_json::json!([{"mainsnak": {"datavalue": {"value": {"id": country}}}}]);
    let claims = serde_json::json!({"P625": [], "P17": of});
    let city = serde_json::json!({"id": id, "labels": {"en": {"value": name}}, "claims": claims});
    let options = Options { min_sitelinks: 0, languages: vec!["en".to_owned()] };
    let file = tempfile::NamedTempFile::new().unwrap();
    build(format!("[\n{city}\n]\n").as_bytes(), file.as_file(), "users", &options).unwrap();
    Kb::load(Some(file.path())).unwrap()
}

#[test]
fn a_region_of_its_country_takes_no_id_of_the_users() {
    let kb = with_city("Q5083", "Seattle", "Q30");
    for (text, want) in
        [("met in Seattle, Washington, again", "Q5083"), ("met in Seattle, Ontario, again", "-"), ("Seattle", "Q5083")]
    {
        assert_eq!(ids_by(&kb, text, &["Seattle"]), want, "{text}");
    }
    let kb = with_city("Q6106", "Portland", "Q30");
    for (text, want) in [("met in Portland, Oregon, again", "Q6106"), ("met in Portland, Maine, again", "4975802")] {
        assert_eq!(ids_by(&kb, text, &["Portland"]), want, "{text}");
    }
}

#[test]
fn a_person_is_no_city() {
    let told = [("Jackson", EntityType::Place, 7), ("Jackson", EntityType::Person, 28)];
    let text = "met in Jackson, Miss., when Jackson spoke";
    let tokens = crate::token::tokens(text);
    let mut found: Vec<Found> = told
        .iter()
        .map(|(name, kind, start)| {
            let first = tokens.iter().position(|token| token.start == *start && token.text == *name).unwrap();
            Found { first, last: first + 1, known: None, kind: *kind, confidence: 0.9, told: false }
        })
        .collect();
    super::settle(&Kb::load(None).unwrap(), &tokens, &mut found);
    assert!(found[0].known.is_some());
    assert_eq!((found[1].known, found[1].kind), (None, EntityType::Person));
}
