//! Reading texts with a model: the caches of one reader, and what it finds.
//!
//! Chunks between white space are split once, as long as there is room for them; what is found never depends on what
//! was read before.

use crate::{
    Model,
    tok2vec::Scratch,
    tokenizer::{Piece, chunks},
    transitions::Found,
    words::{Word, Words},
};
use ahash::AHashMap;
use std::{ops::Range, sync::Arc};

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
    pieces: Vec<(usize, Word)>,
    words: Words,
    scratch: Scratch,
    vectors: Vec<f32>,
    split: Vec<Piece>,
}

/// A token: its place and its word.
#[derive(Debug, Clone)]
struct Token {
    bytes: Range<usize>,
    word: Word,
}

impl Session {
    /// With empty caches.
    pub fn new(model: Arc<Model>) -> Self {
        Self {
            words: Words::new(&model.tok2vec),
            model,
            chunks: AHashMap::new(),
            pieces: Vec::new(),
            scratch: Scratch::default(),
            vectors: Vec::new(),
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
        if self.words.is_full() || self.chunks.len() > CHUNKS || self.pieces.len() > PIECES {
            self.chunks.clear();
            self.pieces.clear();
            self.words.clear();
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
            let word = self.words.number(piece.lexeme);
            self.pieces.push((piece.len, word));
        }
        self.split = split;
        if chunk.len() <= LONGEST {
            self.chunks.insert(chunk.into(), start..self.pieces.len());
        }
        start..self.pieces.len()
    }

    /// Exceptions of several chunks, or that affixes have split, get the tokens of the exception.
    fn join_phrases(&mut self, text: &str, tokens: Vec<Token>) -> Vec<Token> {
        let model = Arc::clone(&self.model);
        let orths: Vec<u64> = tokens.iter().map(|token| self.words.lexeme(token.word).orth).collect();
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
                let word = self.words.number(piece.lexeme);
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
        let reach = network.reach();
        let mut decoder = transitions.decoder();
        for first in (0..tokens.len()).step_by(WINDOW) {
            let count = WINDOW.min(tokens.len() - first);
            let seen = &tokens[first.saturating_sub(reach)..tokens.len().min(first + count + reach)];
            self.words.prepare(seen.iter().map(|token| token.word), network, &mut self.scratch);
            let token = |at: usize| at.checked_sub(reach).and_then(|at| tokens.get(at));
            let inputs = (first..first + count + 2 * reach).map(|at| Some(self.words.input(token(at)?.word)));
            network.encode(inputs, &mut self.scratch, &mut self.vectors);
            let is_space = |at: usize| self.words.lexeme(tokens[at].word).is_space;
            decoder.read(&self.vectors, first, tokens.len(), is_space, &mut self.scratch.layer);
        }
        decoder.found
    }
}
