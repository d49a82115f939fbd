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

#[test]
fn tokens_and_entities_are_spacys() {
    let fixture = include_str!("english.jsonl");
    let wanted: Vec<Found> = fixture.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(wanted.iter().map(|wanted| wanted.entities.len()).sum::<usize>() > 1000);
    let mut session = Session::new(Arc::clone(&MODEL));
    for wanted in wanted {
        assert_eq!(found(&wanted.text, &session.analyse(&wanted.text)), wanted);
    }
}

/// What a promise of the README and of [`Precision::Int8`] rests on.
#[test]
fn eight_bits_lose_at_most_a_fifth_of_a_point() {
    let model = Model::read(ENGLISH_SMALL).unwrap().with_precision(Precision::Int8);
    assert!(model.name().ends_with("-3.8.0-int8"), "{}", model.name());
    let mut session = Session::new(Arc::new(model));
    let (mut same, mut ours, mut spacys) = (0, 0, 0);
    for line in include_str!("english.jsonl").lines() {
        let wanted: Found = serde_json::from_str(line).unwrap();
        let found = found(&wanted.text, &session.analyse(&wanted.text));
        assert_eq!(found.tokens, wanted.tokens);
        same += found.entities.iter().filter(|entity| wanted.entities.contains(entity)).count();
        ours += found.entities.len();
        spacys += wanted.entities.len();
    }
    let f1 = 200.0 * same as f64 / (ours + spacys) as f64;
    println!("in int8, {ours} entities, {same} of them among spaCy's {spacys}: F1 {f1:.2}");
    assert!(f1 >= 99.8, "F1 {f1:.2}");
    assert!(same < spacys, "not one differs: that is the f32 model");
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
