//! Recognises names with a neural model: spaCy's pipelines, read by `tidings-ner`.
//!
//! The English one is compiled in; models of other languages, or another English one, are packed files named in the
//! configuration. They are read once, at start, and shared by all tasks.

use crate::{
    Config,
    kb::Kb,
    names,
    recognise::{Recognise, Span},
    token::Token,
};
use std::{cell::RefCell, collections::BTreeMap, fmt, path::Path, sync::Arc};
use tidings_model::EntityType;
use tidings_ner::{CodePoints, ENGLISH_SMALL, Model, Session};
use tidings_stage::Problem;

/// The language whose model is compiled in.
const ENGLISH: &str = "en";

/// The language of spaCy's pipelines for all languages.
const ANY: &str = "xx";

/// Raised to this power, a margin is about the share of such names that are right: on our own sentences, by eye, half of
/// those with a margin of .1 to .3, three of four at .5.
const CALIBRATION: f32 = 0.4;

/// From this confidence on, the model's type stands against the words around a name.
const CERTAIN: f32 = 0.99;

/// From this confidence on, the rules know a name where the model sees none.
const CUED: f32 = 0.55;

/// What a configuration names files of: the models, by language, and the knowledge base.
#[derive(Debug, Clone)]
pub struct Models {
    by_language: BTreeMap<String, Arc<Model>>,
    kb: Kb,
}

impl Models {
    /// Reads those that the configuration names, and the English one where it names none for English.
    ///
    /// # Errors
    /// A problem for each file that is no packed model or knowledge base, or is a model of another language.
    pub fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut models = BTreeMap::new();
        let mut problems = Vec::new();
        let shared = |model: Model| Arc::new(model.with_precision(config.precision));
        if !config.models.contains_key(ENGLISH) {
            let model = Model::read(ENGLISH_SMALL).expect("a test reads the compiled-in model");
            models.insert(ENGLISH.to_owned(), shared(model));
        }
        for (language, path) in &config.models {
            match open(language, path) {
                Ok(model) => _ = models.insert(language.clone(), shared(model)),
                Err(mend) => problems.push(Problem::new(format!("enrich.models.{language}"), path.display(), mend)),
            }
        }
        match Kb::load(config.kb.as_deref()) {
            Ok(kb) if problems.is_empty() => return Ok(Self { by_language: models, kb }),
            Ok(_) => {}
            Err(error) => {
                let path = config.kb.iter().map(|path| path.display().to_string()).collect::<String>();
                problems.push(Problem::new("enrich.kb", path, error.to_string()));
            }
        }
        Err(problems)
    }

    pub(crate) fn kb(&self) -> &Kb {
        &self.kb
    }

    pub(crate) fn recognisers(&self) -> impl Iterator<Item = Neural> {
        self.by_language.iter().map(|(language, model)| Neural::new(language, model))
    }
}

fn open(language: &str, path: &Path) -> Result<Model, String> {
    let model = Model::open(path).map_err(|error| error.to_string())?;
    match model.language() {
        of if of == language || of == ANY => Ok(model),
        of => Err(format!("the model {} is of the language {of}: name it as enrich.models.{of}", model.name())),
    }
}

/// A model that reads one language; in English, with the rules for what it misses.
pub struct Neural {
    language: String,
    model: Arc<Model>,
    /// What each label of the model is called here; `None` for dates, sums and the like, which are no names.
    kinds: Vec<Option<EntityType>>,
    /// Its caches change no result.
    session: RefCell<Session>,
}

impl Neural {
    fn new(language: &str, model: &Arc<Model>) -> Self {
        Self {
            language: language.to_owned(),
            model: Arc::clone(model),
            kinds: model.labels().iter().map(|label| kind(label)).collect(),
            session: RefCell::new(Session::new(Arc::clone(model))),
        }
    }
}

impl fmt::Debug for Neural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neural").field("model", &self.model.name()).finish_non_exhaustive()
    }
}

impl Recognise for Neural {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn is_model(&self) -> bool {
        true
    }

    fn knows(&self, language: &str) -> bool {
        self.language == language
    }

    fn recognise(&self, text: &str, tokens: &[Token<'_>]) -> Vec<Span> {
        let mut spans = self.read(text);
        if self.language == ENGLISH {
            let rules = names::Text::of(tokens);
            spans.iter_mut().for_each(|span| judge_again(span, &rules));
            let cued = rules.names().into_iter().filter(|name| name.confidence >= CUED);
            let missed = cued.filter(|name| !spans.iter().any(|span| span.start < name.end && name.start < span.end));
            let missed: Vec<Span> = missed.collect();
            spans.extend(missed);
            spans.sort_by_key(|span| span.start);
        }
        spans
    }
}

impl Neural {
    /// What the model finds.
    fn read(&self, text: &str) -> Vec<Span> {
        let mut session = self.session.borrow_mut();
        let mut points = CodePoints::new(text);
        let mut spans = Vec::new();
        let mut at = 0;
        // field by field, paragraph by paragraph: no name crosses an empty line, and a headline has no full stop
        for paragraph in text.split_inclusive("\n\n") {
            for entity in session.analyse(paragraph).entities {
                if let Some(kind) = self.kinds[entity.label] {
                    let start = points.before(at + entity.bytes.start);
                    let end = points.before(at + entity.bytes.end);
                    // thousandths, for the last bits are the processor's own
                    let confidence = (entity.margin.powf(CALIBRATION) * 1000.0).round() / 1000.0;
                    spans.push(Span { start, end, kind, confidence, told: false });
                }
            }
            at += paragraph.len();
        }
        spans
    }
}

/// Types a span by the words in it and around it, where the model is not certain: it knows few of the world's names, and
/// grammar does not depend on them. Of places and peoples it is nearly always right.
fn judge_again(span: &mut Span, rules: &names::Text<'_, '_>) {
    let open = span.confidence < CERTAIN && !matches!(span.kind, EntityType::Place | EntityType::Group);
    match rules.cue(span) {
        Some((kind, sure)) if kind == span.kind => {
            (span.confidence, span.told) = (span.confidence.max(sure), true);
        }
        Some((kind, sure)) if open => (span.kind, span.confidence, span.told) = (kind, sure, true),
        _ => {}
    }
}

/// The labels of spaCy's pipelines: OntoNotes' in English, Chinese and others, WikiNER's in most of Europe, and a few
/// of single corpora.
fn kind(label: &str) -> Option<EntityType> {
    match label {
        "PERSON" | "PER" | "PRS" | "persName" => Some(EntityType::Person),
        "ORG" | "ORGANIZATION" | "orgName" => Some(EntityType::Organisation),
        "GPE" | "LOC" | "FAC" | "GPE_LOC" | "placeName" | "geogName" => Some(EntityType::Place),
        "NORP" => Some(EntityType::Group),
        "EVENT" | "PRODUCT" | "WORK_OF_ART" | "LAW" | "MISC" | "EVT" | "WRK" => Some(EntityType::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;
    use tidings_ner::Precision;

    fn names(text: &str) -> Vec<(String, EntityType)> {
        let models = Models::load(&Config::default()).unwrap();
        let english = models.recognisers().next().unwrap();
        let chars: Vec<char> = text.chars().collect();
        let spans = english.recognise(text, &tokens(text));
        spans.iter().map(|span| (chars[span.start..span.end].iter().collect(), span.kind)).collect()
    }

    #[test]
    fn names_have_their_places_in_code_points() {
        let text = "🦀 Two killed in Jakarta\n\nThe French envoy, Luis Ibáñez, left Berlin for Google on Friday.";
        let want = [
            ("Jakarta", EntityType::Place),
            ("French", EntityType::Group),
            ("Luis Ibáñez", EntityType::Person),
            ("Berlin", EntityType::Place),
            ("Google", EntityType::Organisation),
        ];
        assert_eq!(names(text), want.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn the_rules_add_names_that_their_surroundings_tell() {
        let text = "\"People die every day,\" said Lilya, who lives in the south.";
        assert_eq!(names(text).last(), Some(&("Lilya".to_owned(), EntityType::Person)));
    }

    #[test]
    fn the_words_around_a_name_correct_the_model() {
        let cases = [
            (
                "It is said that traders reopened the border markets in Balochistan on Friday.",
                "Balochistan",
                EntityType::Place,
            ),
            ("She asked why Governor Biswo Nath Poudel had cut rates again.", "Biswo Nath Poudel", EntityType::Person),
            ("The court told the power utility Eskom to pay.", "Eskom", EntityType::Organisation),
            (
                "They lost by six wickets at the National Bank Stadium on Sunday.",
                "National Bank Stadium",
                EntityType::Place,
            ),
            (
                "\"We slept in the open,\" said Somchai Rattanakul, a noodle seller.",
                "Somchai Rattanakul",
                EntityType::Person,
            ),
        ];
        for (text, name, kind) in cases {
            let names = names(text);
            assert!(names.iter().any(|(told, of)| told.trim_start_matches("the ") == name && *of == kind), "{names:?}");
        }
    }

    #[test]
    fn a_model_that_does_not_load_names_its_key_its_file_and_the_mend() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let english = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/ner/models/en_core_web_sm.pack");
        let models = [("de", "/nowhere/de.pack"), ("es", file), ("fr", english)];
        let models = models.map(|(language, path)| (language.to_owned(), path.into())).into();
        let config = Config { models, kb: Some("/nowhere.kb".into()), ..Config::default() };
        let problems = Models::load(&config).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let want = [
            ["enrich.models.de", "/nowhere/de.pack", "can't read"],
            ["enrich.models.es", "Cargo.toml", "tools/pack"],
            ["enrich.models.fr", "en_core_web_sm.pack", "enrich.models.en"],
            ["enrich.kb", "/nowhere.kb", "tidings kb build"],
        ];
        assert_eq!(told.len(), want.len());
        for (told, want) in told.iter().zip(want) {
            assert!(want.iter().all(|part| told.contains(part)), "{told}");
        }
        let own = Config { models: [("en".to_owned(), english.into())].into(), ..Config::default() };
        assert_eq!(Models::load(&own).unwrap().recognisers().count(), 1);
    }

    #[test]
    fn a_model_says_in_its_name_what_it_computes_in() {
        for (precision, int16) in [(Precision::F32, false), (Precision::Int16, true)] {
            let models = Models::load(&Config { precision, ..Config::default() }).unwrap();
            let english = models.recognisers().next().unwrap();
            assert_eq!(english.name().ends_with("-int16"), int16, "{}", english.name());
        }
    }
}
