//! What a session keeps of words, all of it a function of the word alone: its lexeme, its embedding, and what it adds
//! to the encoder's first layer.
//!
//! The last is nine times as large as the embedding, so it is kept of fewer words, and made again when it is needed.

use crate::{
    lexeme::Lexeme,
    tok2vec::{Scratch, Tok2Vec},
};
use ahash::AHashMap;

/// Words that are kept: with vectors of 96 numbers, 6 MiB.
const WORDS: usize = 16_384;
/// Words of which also the share of the first layer is kept: with three pieces of 96 numbers, 10 MiB.
const SHARES: usize = 3072;

/// A word's number. It is good for one text, for then there may be no more room.
pub(crate) type Word = usize;

#[derive(Debug)]
pub(crate) struct Words {
    /// Numbers of an embedding, and of a share.
    sizes: (usize, usize),
    numbers: AHashMap<(u64, u64), Word>,
    lexemes: Vec<Lexeme>,
    embedded: Vec<f32>,
    /// Of each word, which of the shares is its own.
    slots: Vec<Option<usize>>,
    shares: Vec<f32>,
    gathered: Vec<f32>,
}

/// What the encoder reads of a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub embedding: &'a [f32],
    /// What it adds to the first layer's products, for each place in a window, one after another.
    pub share: &'a [f32],
}

impl Words {
    /// None yet; those of a network.
    pub fn new(network: &Tok2Vec) -> Self {
        let sizes = (network.width(), network.share_len());
        Self {
            sizes,
            numbers: AHashMap::new(),
            lexemes: Vec::new(),
            embedded: Vec::new(),
            slots: Vec::new(),
            // growing it would hold it twice
            shares: Vec::with_capacity(SHARES * sizes.1),
            gathered: Vec::new(),
        }
    }

    pub fn is_full(&self) -> bool {
        self.lexemes.len() > WORDS
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.lexemes.clear();
        self.embedded.clear();
        self.forget_shares();
    }

    fn forget_shares(&mut self) {
        self.slots.clear();
        self.shares.clear();
    }

    pub fn number(&mut self, lexeme: Lexeme) -> Word {
        *self.numbers.entry((lexeme.orth, lexeme.norm)).or_insert_with(|| {
            self.lexemes.push(lexeme);
            self.lexemes.len() - 1
        })
    }

    pub fn lexeme(&self, word: Word) -> &Lexeme {
        &self.lexemes[word]
    }

    /// Makes ready what [`Words::input`] tells of these words; of others, it may forget it. They are a window of a
    /// text: of a whole one there may be more than there is room for.
    pub fn prepare(&mut self, words: impl ExactSizeIterator<Item = Word>, network: &Tok2Vec, scratch: &mut Scratch) {
        let (width, share) = self.sizes;
        network.embed(&self.lexemes[self.embedded.len() / width..], scratch, &mut self.embedded);
        let mut count = self.shares.len() / share;
        if count + words.len() > SHARES {
            self.forget_shares();
            count = 0;
        }
        self.slots.resize(self.lexemes.len(), None);
        self.gathered.clear();
        for word in words {
            if self.slots[word].is_none() {
                self.slots[word] = Some(count);
                count += 1;
                self.gathered.extend_from_slice(&self.embedded[word * width..(word + 1) * width]);
            }
        }
        network.share(&self.gathered, scratch, &mut self.shares);
    }

    /// Of a word that was made ready.
    pub fn input(&self, word: Word) -> Input<'_> {
        let (width, share) = self.sizes;
        let slot = self.slots[word].expect("it was made ready");
        Input {
            embedding: &self.embedded[word * width..(word + 1) * width],
            share: &self.shares[slot * share..(slot + 1) * share],
        }
    }
}
