//! Reading texts with a model: the caches of one reader, and what it finds.
//!
//! Chunks between white space are split once, and words embedded once, as long as there is room for them; what is
//! found never depends on what was read before.

use crate::{
    Model,
    lexeme::Lexeme,
    tok2vec::Scratch,
    tokenizer::{Piece, chunks},
    transitions::Found,
};
use ahash::AHashMap;
use std::{ops::Range, sync::Arc};

/// Words that are kept: with vectors of 96 numbers, 6 MiB.
const WORDS: usize = 16_384;
/// Chunks that are kept.
const CHUNKS: usize = 32_768;
/// Tokens of chunks that are kept; those of long chunks stay until there are too many.
const PIECES: usize = 2 * CHUNKS;
/// Longer chunks, in bytes, are rare and not kept.
const LONGEST: usize = 64;
/// Tokens that are encoded at a time: what is in hand fits the processor's cache.
const WINDOW: usize = 128;

/// A name, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its tokens.
    pub tokens: Range<usize>,
    /// Its place in the text, in bytes.
    pub bytes: Range<usize>,
    /// What it is: a number into [`Model::labels`].
    pub label: usize,
    /// How sure the model is, in [0, 1]: the least, over the entity's tokens, by which the probability of the chosen
    /// transition exceeded that of the next best.
    pub margin: f32,
}

/// What a text consists of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analysis {
    /// The tokens, in bytes of the text; white space beyond single spaces is a token of its own.
    pub tokens: Vec<Range<usize>>,
    /// The names, in reading order; none overlap.
    pub entities: Vec<Entity>,
}

/// Reads texts one after another with one model; each thread has its own.
#[derive(Debug)]
pub struct Session {
    model: Arc<Model>,
    chunks: AHashMap<Box<str>, Range<usize>>,
    /// The tokens of the chunks: their length in bytes, and their word.
    pieces: Vec<(usize, usize)>,
    words: AHashMap<(u64, u64), usize>,
    lexemes: Vec<Lexeme>,
    /// The embeddings of the words.
    embedded: Vec<f32>,
    scratch: Scratch,
    padded: Vec<f32>,
    vectors: Vec<f32>,
    features: Vec<f32>,
    split: Vec<Piece>,
}

/// A token: its place and its word.
#[derive(Debug, Clone)]
struct Token {
    bytes: Range<usize>,
    word: usize,
}

impl Session {
    /// With empty caches.
    pub fn new(model: Arc<Model>) -> Self {
        Self {
            model,
            chunks: AHashMap::new(),
            pieces: Vec::new(),
            words: AHashMap::new(),
            lexemes: Vec::new(),
            embedded: Vec::new(),
            scratch: Scratch::default(),
            padded: Vec::new(),
            vectors: Vec::new(),
            features: Vec::new(),
            split: Vec::new(),
        }
    }

    /// What it reads with.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The tokens and entities of a text.
    pub fn analyse(&mut self, text: &str) -> Analysis {
        let tokens = self.tokenize(text);
        let entities = self.recognise(&tokens).into_iter().map(|found| Entity {
            bytes: tokens[found.tokens.start].bytes.start..tokens[found.tokens.end - 1].bytes.end,
            tokens: found.tokens,
            label: found.label,
            margin: found.margin,
        });
        Analysis { entities: entities.collect(), tokens: tokens.into_iter().map(|token| token.bytes).collect() }
    }

    fn tokenize(&mut self, text: &str) -> Vec<Token> {
        if self.lexemes.len() > WORDS || self.chunks.len() > CHUNKS || self.pieces.len() > PIECES {
            self.chunks.clear();
            self.pieces.clear();
            self.words.clear();
            self.lexemes.clear();
            self.embedded.clear();
        }
        let mut tokens = Vec::with_capacity(text.len() / 4);
        for chunk in chunks(text) {
            let kept = self.chunks.get(&text[chunk.clone()]).cloned();
            let kept = kept.unwrap_or_else(|| self.split(&text[chunk.clone()]));
            let mut at = chunk.start;
            tokens.extend(self.pieces[kept].iter().map(|(len, word)| {
                at += len;
                Token { bytes: at - len..at, word: *word }
            }));
        }
        self.join_phrases(text, tokens)
    }

    /// Splits a chunk into pieces that are kept, at least for this text.
    fn split(&mut self, chunk: &str) -> Range<usize> {
        let model = Arc::clone(&self.model);
        let mut split = std::mem::take(&mut self.split);
        model.tokenizer.split(&model.vocabulary, chunk, &mut split);
        let start = self.pieces.len();
        for piece in split.drain(..) {
            let word = self.word(piece.lexeme);
            self.pieces.push((piece.len, word));
        }
        self.split = split;
        if chunk.len() <= LONGEST {
            self.chunks.insert(chunk.into(), start..self.pieces.len());
        }
        start..self.pieces.len()
    }

    fn word(&mut self, lexeme: Lexeme) -> usize {
        *self.words.entry((lexeme.orth, lexeme.norm)).or_insert_with(|| {
            self.lexemes.push(lexeme);
            self.lexemes.len() - 1
        })
    }

    /// Exceptions of several chunks, or that affixes have split, get the tokens of the exception.
    fn join_phrases(&mut self, text: &str, tokens: Vec<Token>) -> Vec<Token> {
        let model = Arc::clone(&self.model);
        let orths: Vec<u64> = tokens.iter().map(|token| self.lexemes[token.word].orth).collect();
        let bytes = |first: usize, last: usize| &text[tokens[first].bytes.start..tokens[last - 1].bytes.end];
        let phrases = model.tokenizer.phrases(&orths, bytes);
        if phrases.is_empty() {
            return tokens;
        }
        let (mut joined, mut from) = (Vec::with_capacity(tokens.len()), 0);
        for (first, last, pieces) in phrases {
            let Some(pieces) = pieces else { continue };
            joined.extend_from_slice(&tokens[from..first]);
            let mut at = tokens[first].bytes.start;
            for piece in pieces {
                let word = self.word(piece.lexeme);
                joined.push(Token { bytes: at..at + piece.len, word });
                at += piece.len;
            }
            from = last;
        }
        joined.extend_from_slice(&tokens[from..]);
        joined
    }

    fn recognise(&mut self, tokens: &[Token]) -> Vec<Found> {
        let (network, transitions) = (&self.model.tok2vec, &self.model.transitions);
        let width = network.width();
        let new = self.embedded.len() / width;
        network.embed(&self.lexemes[new..], &mut self.scratch, &mut self.embedded);
        let reach = network.reach();
        let mut decoder = transitions.decoder();
        let is_space = |at: usize| self.lexemes[tokens[at].word].is_space;
        for first in (0..tokens.len()).step_by(WINDOW) {
            let count = WINDOW.min(tokens.len() - first);
            self.padded.clear();
            for at in first..first + count + 2 * reach {
                match at.checked_sub(reach).and_then(|at| tokens.get(at)) {
                    Some(token) => {
                        let row = token.word * width;
                        self.padded.extend_from_slice(&self.embedded[row..row + width]);
                    }
                    None => self.padded.resize(self.padded.len() + width, 0.0),
                }
            }
            network.encode(&mut self.padded, count, &mut self.scratch, &mut self.vectors);
            let side = self.vectors.len() / count;
            transitions.features(count, &self.vectors, side, &mut self.features);
            decoder.read(&self.features, first, tokens.len(), is_space);
        }
        decoder.found
    }
}
