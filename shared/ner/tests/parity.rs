//! What the compiled-in model finds is what spaCy finds: our own sentences against `english.jsonl`, which
//! `make parity` writes anew. And what holds for any text.

use proptest::prelude::*;
use serde::Deserialize;
use std::sync::{Arc, LazyLock};
use tidings_ner::{Analysis, CodePoints, ENGLISH_SMALL, Model, Precision, Session};

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(Model::read(ENGLISH_SMALL).expect("it is whole")));

#[derive(Debug, PartialEq, Deserialize)]
struct Found {
    text: String,
    tokens: Vec<(usize, usize)>,
    entities: Vec<(usize, usize, String)>,
}

fn found(text: &str, analysis: &Analysis) -> Found {
    let mut points = CodePoints::new(text);
    let mut places = |bytes: &std::ops::Range<usize>| (points.before(bytes.start), points.before(bytes.end));
    let tokens = analysis.tokens.iter().map(&mut places).collect();
    let entities = analysis.entities.iter().map(|entity| {
        let (start, end) = places(&entity.bytes);
        (start, end, MODEL.labels()[entity.label].clone())
    });
    Found { text: text.to_owned(), tokens, entities: entities.collect() }
}

fn fixture() -> Vec<Found> {
    let lines = include_str!("english.jsonl").lines();
    let wanted: Vec<Found> = lines.map(|line| serde_json::from_str(line).expect("a line is a text")).collect();
    assert!(wanted.iter().map(|wanted| wanted.entities.len()).sum::<usize>() > 1000);
    wanted
}

#[test]
fn tokens_and_entities_are_spacys() {
    let mut session = Session::new(Arc::clone(&MODEL));
    let wanted = fixture();
    for wanted in &wanted {
        assert_eq!(found(&wanted.text, &session.analyse(&wanted.text)), *wanted);
    }
    let count = |of: fn(&Found) -> usize| wanted.iter().map(of).sum::<usize>();
    println!("figure: {} tokens, {} entities, none differs", count(|f| f.tokens.len()), count(|f| f.entities.len()));
}

/// More words than a session keeps anything of.
#[test]
fn forgetting_changes_nothing() {
    let line = |first: usize, words: usize| {
        let word = |at| format!("{}{at}", ["Agata", "port", "of", "Kell"][at % 4]);
        (first..first + words).map(word).collect::<Vec<_>>().join(" ")
    };
    let short = "The delegation of Agata0 left Jakarta for Kell3 on Tuesday.";
    let texts = [short.to_owned(), line(0, 4_000), short.to_owned(), line(2_000, 20_000), short.to_owned()];
    let mut session = Session::new(Arc::clone(&MODEL));
    for text in &texts {
        assert_eq!(session.analyse(text), Session::new(Arc::clone(&MODEL)).analyse(text));
    }
}

/// What a promise of the README and of [`Precision::Int16`] rests on.
#[test]
fn sixteen_bits_lose_nothing() {
    let model = Model::read(ENGLISH_SMALL).unwrap().with_precision(Precision::Int16);
    assert!(model.name().ends_with("-3.8.0-int16"), "{}", model.name());
    let (mut session, mut exact) = (Session::new(Arc::new(model)), Session::new(Arc::clone(&MODEL)));
    let mut furthest = 0.0_f32;
    for wanted in fixture() {
        let analysis = session.analyse(&wanted.text);
        assert_eq!(found(&wanted.text, &analysis), wanted);
        let pairs = analysis.entities.into_iter().zip(exact.analyse(&wanted.text).entities);
        furthest = pairs.fold(furthest, |most, (one, other)| most.max((one.margin - other.margin).abs()));
    }
    println!("in sixteen bits, margins are off by {furthest} at most");
    assert!(furthest > 0.0, "not one margin differs: that is the f32 model");
    assert!(furthest < 0.02, "{furthest}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_text_has_an_analysis_that_depends_on_nothing_else(
        texts in prop::collection::vec(
            "\\PC{0,60}|(?s).{0,30}|((don't|U\\.S\\.|http://a\\.b|:-\\)|Kyiv|é|\u{301}|的|'s|\"|—|1,000|\\$|km|Dr\\.)[ .,\n\t(-]{0,3}){0,25}",
            4,
        ),
    ) {
        let mut session = Session::new(Arc::clone(&MODEL));
        for text in &texts {
            let analysis = session.analyse(text);
            let mut end = 0;
            for token in &analysis.tokens {
                prop_assert!(end <= token.start && token.start < token.end && text[end..token.start].trim_matches(' ').is_empty());
                end = token.end;
            }
            prop_assert!(text[end..].trim_matches(' ').is_empty());
            let mut from = 0;
            for entity in &analysis.entities {
                prop_assert!(from <= entity.tokens.start && entity.tokens.start < entity.tokens.end);
                prop_assert!((0.0..=1.0).contains(&entity.margin), "{}", entity.margin);
                from = entity.tokens.end;
            }
            prop_assert_eq!(&analysis, &Session::new(Arc::clone(&MODEL)).analyse(text));
        }
    }
}
