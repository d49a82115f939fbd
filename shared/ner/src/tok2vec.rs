//! From lexemes to vectors: hash embeddings mixed per word, then layers that look at the neighbours.
//!
//! spaCy's `MultiHashEmbed` and `MaxoutWindowEncoder`: Bloom embeddings (Serrà and Karatzoglou 2017,
//! <https://arxiv.org/abs/1706.03993>) and residual maxout convolutions. The first part is a function of the word
//! alone, so a session keeps it, and what it adds to the first layer. The second sees `depth * window` words to each side
//! and no further, so a long text is encoded in windows without changing the result; in sixteen bits, but for the
//! rounding, in which up to three words more have a part.

use crate::{
    Precision,
    kernel::{self, Linear, Matrix, Maxout},
    lexeme::Lexeme,
    murmur,
    pack::{Attribute, Error, Pack, unusable},
    words::Input,
};
use ahash::AHashMap;

/// Words that are mixed at a time, which bounds the room for their parts.
const BLOCK: usize = 64;

#[derive(Debug)]
pub(crate) struct Tok2Vec {
    width: usize,
    embeds: Vec<Embed>,
    vectors: Option<Vectors>,
    mix: Maxout,
    encode: Vec<Maxout>,
    share: Linear,
    window: usize,
    project: Linear,
    project_bias: Vec<f32>,
}

#[derive(Debug)]
struct Embed {
    attribute: Attribute,
    seed: u32,
    table: Vec<f32>,
}

/// Pretrained vectors of words, projected to the network's width.
#[derive(Debug)]
struct Vectors {
    rows: AHashMap<u64, usize>,
    table: Vec<f32>,
}

/// Room for intermediate results, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    input: Vec<f32>,
    padded: Vec<f32>,
    pub layer: kernel::Scratch,
}

impl Tok2Vec {
    pub fn read(pack: &Pack<'_>) -> Result<Self, Error> {
        let network = &pack.header.network;
        let width = network.width;
        if [width, network.pieces, network.window, network.depth, network.input, network.embeds.len()].contains(&0) {
            return Err(unusable("its network has a size of 0"));
        }
        let embeds = network.embeds.iter().enumerate().map(|(number, embed)| {
            let name = format!("embed.{number}");
            let rows =
                pack.rows(&name).filter(|rows| *rows > 0).ok_or_else(|| unusable(format!("it has no {name}")))?;
            let table = pack.floats(&name, rows * width)?;
            Ok(Embed { attribute: embed.attribute, seed: embed.seed, table })
        });
        let embeds = embeds.collect::<Result<Vec<_>, Error>>()?;
        let vectors = pack.rows("vectors").map(|rows| Vectors::read(pack, rows)).transpose()?;
        let parts = embeds.len() + usize::from(vectors.is_some());
        let places = 2 * network.window + 1;
        let encode = (0..network.depth).map(|layer| Maxout::read(pack, &format!("encode.{layer}"), width, places));
        let encode = encode.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            width,
            embeds,
            vectors,
            mix: Maxout::read(pack, "mix", parts * width, 1)?,
            share: encode[0].share(),
            encode,
            window: network.window,
            project: Linear::new(Matrix::read(pack, "project.weights", width, network.input)?, 1),
            project_bias: pack.floats("project.bias", network.input)?,
        })
    }

    /// What it computes in from here on.
    pub fn compute_in(&mut self, precision: Precision) {
        self.mix.compute_in(precision);
        // of the first, the products come of the shares
        self.encode.iter_mut().skip(1).for_each(|layer| layer.compute_in(precision));
        self.share.compute_in(precision);
        self.project.compute_in(precision);
    }

    /// How many words to each side a vector depends on.
    pub fn reach(&self) -> usize {
        self.encode.len() * self.window
    }

    /// Numbers of a word's vector before the encoder.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Appends what is a function of the word alone.
    pub fn embed(&self, words: &[Lexeme], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let parts = self.embeds.len() + usize::from(self.vectors.is_some());
        for words in words.chunks(BLOCK) {
            scratch.input.clear();
            scratch.input.resize(words.len() * parts * self.width, 0.0);
            let rows = scratch.input.chunks_exact_mut(parts * self.width);
            words.iter().zip(rows).for_each(|(word, row)| self.look_up(word, row));
            let start = out.len();
            out.resize(start + words.len() * self.width, 0.0);
            self.mix.add(&scratch.input, &mut out[start..], &mut scratch.layer);
        }
    }

    fn look_up(&self, word: &Lexeme, row: &mut [f32]) {
        let width = self.width;
        let mut parts = row.chunks_exact_mut(width);
        for (embed, part) in self.embeds.iter().zip(&mut parts) {
            let rows = embed.table.len() / width;
            for hash in murmur::rows(word.attribute(embed.attribute), embed.seed) {
                let at = hash as usize % rows * width;
                part.iter_mut().zip(&embed.table[at..at + width]).for_each(|(sum, value)| *sum += value);
            }
        }
        if let (Some(vectors), Some(part)) = (&self.vectors, parts.next())
            && let Some(row) = vectors.rows.get(&word.orth)
        {
            part.copy_from_slice(&vectors.table[row * width..(row + 1) * width]);
        }
    }

    /// Numbers of what [`Tok2Vec::share`] appends of a word.
    pub fn share_len(&self) -> usize {
        self.share.outputs()
    }

    /// Appends what each word, given its embedding, adds to the first layer's products.
    pub fn share(&self, words: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        self.share.append(words, &mut scratch.layer, out);
    }

    /// `out` becomes the vectors of the words in the middle: there are [`Tok2Vec::reach`] to each side of them, which
    /// beyond the ends of the text are `None`.
    pub fn encode<'a>(
        &self,
        words: impl Iterator<Item = Option<Input<'a>>>,
        scratch: &mut Scratch,
        out: &mut Vec<f32>,
    ) {
        let (width, Scratch { padded, layer: room, .. }) = (self.width, scratch);
        padded.clear();
        let mut shares = Vec::with_capacity(words.size_hint().0);
        for word in words {
            match &word {
                Some(word) => padded.extend_from_slice(word.embedding),
                None => padded.resize(padded.len() + width, 0.0),
            }
            shares.push(word.map(|word| word.share));
        }
        self.encode[0].convolve_shared(padded, &shares, self.window, room);
        for (layer, maxout) in self.encode.iter().enumerate().skip(1) {
            // what lies further out than the layers above can see is not computed
            let (first, last) = (layer * self.window, shares.len() - layer * self.window);
            maxout.convolve(&mut padded[first * width..last * width], self.window, room);
        }
        let count = shares.len() - 2 * self.reach();
        let first = self.reach() * width;
        self.project.multiply(&padded[first..first + count * width], room, out);
        for row in out.chunks_exact_mut(self.project_bias.len()) {
            row.iter_mut().zip(&self.project_bias).for_each(|(value, bias)| *value += bias);
        }
    }
}

impl Vectors {
    fn read(pack: &Pack<'_>, rows: usize) -> Result<Self, Error> {
        let table = pack.floats("vectors", rows * pack.header.network.width)?;
        let keys = pack.pairs("vectors.rows")?;
        if keys.iter().any(|(_, row)| *row >= rows as u64) {
            return Err(unusable("its array vectors.rows names rows that vectors lacks"));
        }
        Ok(Self { rows: keys.into_iter().map(|(key, row)| (key, row as usize)).collect(), table })
    }
}
