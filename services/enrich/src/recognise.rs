//! The seam behind which a recogniser of names stands.

use crate::token::Token;
use tidings_model::EntityType;

/// A name in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First Unicode code point.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What it is, judged from this place alone.
    pub kind: EntityType,
    /// How sure, in [0, 1].
    pub confidence: f32,
    /// Whether the words in it or around it say what it is.
    pub told: bool,
}

/// Finds names in a text.
///
/// A recogniser judges each place by itself. That one name is one entity throughout a document, what the
/// knowledge base says of it and what its short forms are is the document pass's work, whoever recognises.
pub trait Recognise: Send {
    /// Its name and version, for `Enriched::model`.
    fn name(&self) -> &str;

    /// Whether it is a model, learnt from labelled text in its language.
    fn is_model(&self) -> bool;

    /// Whether it reads a language, given by its BCP 47 primary subtag.
    fn knows(&self, language: &str) -> bool;

    /// The names, in reading order, none overlapping. Fields are parted by an empty line, which no name crosses.
    /// `tokens` are those of the text.
    fn recognise(&self, text: &str, tokens: &[Token<'_>]) -> Vec<Span>;
}
