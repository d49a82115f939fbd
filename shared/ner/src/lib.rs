//! spaCy's named-entity recognisers in Rust, exact and fast: tokens and entities are those of spaCy itself.
//!
//! A [`Model`] is one packed file, written once by `tools/pack` from any spaCy pipeline whose recogniser is a greedy
//! transition system over hash embeddings and a window encoder: Explosion's `sm`, `md` and `lg` pipelines of all
//! languages that spaCy's own tokenizer splits. [`ENGLISH_SMALL`] is compiled in. A [`Session`] reads texts with it.
//!
//! ```
//! use std::sync::Arc;
//! use tidings_ner::{ENGLISH_SMALL, Model, Session};
//!
//! let model = Arc::new(Model::read(ENGLISH_SMALL)?);
//! let mut session = Session::new(model);
//! let text = "The delegation left Jakarta on Tuesday.";
//! let analysis = session.analyse(text);
//! let city = &analysis.entities[0];
//! assert_eq!((&text[city.bytes.clone()], &session.model().labels()[city.label]), ("Jakarta", &"GPE".to_owned()));
//! # Ok::<(), tidings_ner::Error>(())
//! ```
//!
//! Promises: no global state, no threads, no input or output but [`Model::open`]; any text gives an analysis, none
//! panics; the same text gives the same analysis, whatever was read before it.
//!
//! The pieces, in the order of the work: [`pack`](self) reads the file; `tokenizer` splits by `expression`s; `lexeme`
//! hashes what the network sees of a word; `tok2vec` makes vectors of words in their context; `transitions` decides;
//! `session` drives all of it and keeps chunks, and `words` what is known of words. `kernel` computes, in f32 or, as
//! `kernel::int16`, in whole numbers.

mod code_points;
mod expression;
mod kernel;
mod lexeme;
mod murmur;
mod pack;
mod session;
mod tok2vec;
mod tokenizer;
mod transitions;
mod words;

pub use code_points::CodePoints;
pub use pack::Error;
pub use session::{Analysis, Entity, Session};

use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// What a model that computes in sixteen bits is called by, after its version.
const INT16: &str = "-int16";

/// The small English pipeline of spaCy, `en_core_web_sm` 3.8.0, in f16. MIT; notices stand beside it in `models/`.
pub static ENGLISH_SMALL: &[u8] = include_bytes!("../models/en_core_web_sm.pack");

/// What the network computes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Exact: what spaCy finds is found.
    #[default]
    F32,
    /// In sixteen bits: quicker, the same entities on every processor, and next to none of them other than in f32. The
    /// figures are in the README.
    Int16,
}

/// A recogniser.
#[derive(Debug)]
pub struct Model {
    name: String,
    language: String,
    vocabulary: lexeme::Vocabulary,
    tokenizer: tokenizer::Tokenizer,
    tok2vec: tok2vec::Tok2Vec,
    transitions: transitions::Transitions,
}

impl Model {
    /// Reads a packed file.
    ///
    /// # Errors
    /// The bytes are no packed file, of another version, damaged, or their parts do not fit each other.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let pack = pack::Pack::read(bytes)?;
        let vocabulary = lexeme::Vocabulary::read(&pack)?;
        Ok(Self {
            name: format!("{}-{}", pack.header.name, pack.header.version),
            language: pack.header.language.clone(),
            tokenizer: tokenizer::Tokenizer::read(&pack.header.tokenizer, &vocabulary)?,
            vocabulary,
            tok2vec: tok2vec::Tok2Vec::read(&pack)?,
            transitions: transitions::Transitions::read(&pack)?,
        })
    }

    /// Reads a packed file from the disk.
    ///
    /// # Errors
    /// As [`Model::read`], and where the file can't be read; each names the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|error| Error::Unreadable { path: path.to_owned(), error })?;
        Self::read(&bytes).map_err(|error| Error::File { path: path.to_owned(), error: Box::new(error) })
    }

    /// The same model, computing in another precision.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.name.truncate(self.name.strip_suffix(INT16).map_or(self.name.len(), str::len));
        if precision == Precision::Int16 {
            self.name.push_str(INT16);
        }
        self.tok2vec.compute_in(precision);
        self.transitions.compute_in(precision);
        self
    }

    /// The pipeline and its version, as `en_core_web_sm-3.8.0`, and what it computes in where that is not f32:
    /// `en_core_web_sm-3.8.0-int16`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its language: a BCP 47 primary subtag.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The types of entities, as the pipeline names them.
    pub fn labels(&self) -> &[String] {
        self.transitions.labels()
    }
}
