//! The numeric kernel: a product of matrices, and the layer that all of the network is made of.
//!
//! The only module that may have `unsafe`: one call of `gemm`, and those of what `int16` compiles for several
//! processors. Both choose by the processor (AVX-512, AVX2 or less) at run time, as does `pulp` for all that the
//! compiler makes vectors of; what is computed is the same, to the bit, but for the order in which `gemm` sums.
#![allow(unsafe_code)]

mod int16;

use crate::{
    Precision,
    pack::{Error, Pack},
};
use std::ops::Range;

/// Weights of a linear map: `inputs` rows of `outputs` numbers.
#[derive(Debug)]
pub(crate) struct Matrix {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
}

impl Matrix {
    pub fn read(pack: &Pack<'_>, name: &str, inputs: usize, outputs: usize) -> Result<Self, Error> {
        Ok(Self { inputs, outputs, weights: pack.floats(name, inputs * outputs)? })
    }

    /// The map to some of the outputs.
    pub fn columns(&self, range: Range<usize>) -> Self {
        let rows = self.weights.chunks_exact(self.outputs).flat_map(|row| &row[range.clone()]);
        Self { inputs: self.inputs, outputs: range.len(), weights: rows.copied().collect() }
    }

    /// `out` becomes `rows` rows of products. Row `r` of the input starts at `r * stride`: rows may overlap, which is
    /// how a window over neighbours is had without copying them.
    pub fn multiply(&self, rows: usize, input: &[f32], stride: usize, out: &mut Vec<f32>) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        if rows == 0 {
            return out.clear();
        }
        assert!((rows - 1) * stride + inputs <= input.len(), "the input has all rows");
        // one alone may be summed in another order, so it is computed twice
        let (count, stride) = if rows == 1 { (2, 0) } else { (rows, stride) };
        out.resize(count * outputs, 0.0);
        // SAFETY: `input` has every element r * stride + i of r < count and i < inputs, as was just asserted (with a
        // stride of 0 the same ones twice); `weights` has inputs * outputs elements, as all that make one see to; `out` has count * outputs, as was just resized,
        // and is borrowed by nobody else. The strides below are those of these row-major layouts, all in elements
        // and below isize::MAX, for the slices exist. `out` is not read before it is written (`read_dst` is false).
        unsafe {
            gemm::gemm(
                count,
                outputs,
                inputs,
                out.as_mut_ptr(),
                1,
                outputs as isize,
                false,
                input.as_ptr(),
                1,
                stride as isize,
                self.weights.as_ptr(),
                1,
                outputs as isize,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
        out.truncate(rows * outputs);
    }
}

/// A linear map of as many words next to each other as it has places, computed in the precision that is asked for.
#[derive(Debug)]
pub(crate) struct Linear {
    matrix: Matrix,
    places: usize,
    /// The same weights in sixteen bits, where speed counts more than the last bits.
    int16: Option<int16::Matrix>,
}

/// Room for intermediate results, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    products: Vec<f32>,
    words: int16::Words,
}

/// Rows of products that are in hand at a time, whole groups of them: many, for in sixteen bits a layer's weights are read
/// again for each block; but not so many that these and the products leave the processor's second cache.
const BLOCK: usize = 64;

impl Linear {
    pub fn new(matrix: Matrix, places: usize) -> Self {
        Self { matrix, places, int16: None }
    }

    /// What it computes in from here on.
    pub fn compute_in(&mut self, precision: Precision) {
        let Matrix { outputs, weights, .. } = &self.matrix;
        self.int16 = (precision == Precision::Int16).then(|| int16::Matrix::new(weights, *outputs, self.places));
    }

    /// Numbers of a word.
    pub fn width(&self) -> usize {
        self.matrix.inputs / self.places
    }

    /// Numbers that it makes of the words of a row.
    pub fn outputs(&self) -> usize {
        self.matrix.outputs
    }

    /// What each word adds to the products: for each place among those of a row, one after another.
    fn share(&self) -> Self {
        let (width, Matrix { outputs, weights, .. }) = (self.width(), &self.matrix);
        let row = |place: usize, input: usize| &weights[(place * width + input) * outputs..][..*outputs];
        let rows = (0..width).flat_map(|input| (0..self.places).flat_map(move |place| row(place, input)));
        Self::new(Matrix { inputs: width, outputs: self.places * outputs, weights: rows.copied().collect() }, 1)
    }

    /// `out` becomes what it makes of each row.
    pub fn multiply(&self, words: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        out.clear();
        self.append(words, scratch, out);
    }

    /// Appends what it makes of each row.
    pub fn append(&self, words: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let rows = self.read(words, scratch);
        vectorised(
            #[inline(always)]
            || {
                for first in (0..rows).step_by(BLOCK) {
                    out.extend_from_slice(self.products(first, BLOCK.min(rows - first), scratch));
                }
            },
        );
    }

    /// Takes in words, and tells how many rows they are: each word is the first of one, but for the last words.
    fn read(&self, words: &[f32], scratch: &mut Scratch) -> usize {
        let rows = words.len() / self.width() + 1 - self.places;
        match &self.int16 {
            Some(int16) => vectorised(
                #[inline(always)]
                || int16.quantise(words, rows, &mut scratch.words),
            ),
            None => self.matrix.multiply(rows, words, self.width(), &mut scratch.products),
        }
        rows
    }

    /// The products of some of the rows of the words that were read last: no more than a block, of which `first` is the
    /// first.
    #[inline(always)]
    fn products<'s>(&self, first: usize, rows: usize, scratch: &'s mut Scratch) -> &'s mut [f32] {
        let (outputs, Scratch { products, words }) = (self.matrix.outputs, scratch);
        match &self.int16 {
            Some(int16) => {
                products.resize(rows * outputs, 0.0);
                int16.multiply(words, first, products);
                products
            }
            None => &mut products[first * outputs..][..rows * outputs],
        }
    }
}

/// A maxout layer with layer normalisation: per output the largest of `pieces` linear maps, brought to mean 0 and
/// variance 1 over the outputs, then scaled and shifted.
#[derive(Debug)]
pub(crate) struct Maxout {
    linear: Linear,
    width: usize,
    bias: Vec<f32>,
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Maxout {
    /// Of `places` words of `inputs` numbers each.
    pub fn read(pack: &Pack<'_>, name: &str, inputs: usize, places: usize) -> Result<Self, Error> {
        let (width, pieces) = (pack.header.network.width, pack.header.network.pieces);
        let matrix = Matrix::read(pack, &format!("{name}.weights"), places * inputs, width * pieces)?;
        Ok(Self {
            linear: Linear::new(matrix, places),
            width,
            bias: pack.floats(&format!("{name}.bias"), width * pieces)?,
            gain: pack.floats(&format!("{name}.gain"), width)?,
            shift: pack.floats(&format!("{name}.shift"), width)?,
        })
    }

    /// What it computes in from here on, but for [`Maxout::convolve_shared`].
    pub fn compute_in(&mut self, precision: Precision) {
        self.linear.compute_in(precision);
    }

    /// What a word adds to the layer's products, at each place.
    pub fn share(&self) -> Linear {
        self.linear.share()
    }

    /// Adds the layer's output to `out`, row by row.
    pub fn add(&self, input: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        self.linear.read(input, scratch);
        self.add_read(out, scratch);
    }

    /// Adds to each word the layer's output for it and its neighbours, `window` to each side, as they were before. The
    /// first and the last words, which lack neighbours, stay as they are.
    pub fn convolve(&self, words: &mut [f32], window: usize, scratch: &mut Scratch) {
        self.linear.read(words, scratch);
        let edge = window * self.width;
        let last = words.len() - edge;
        self.add_read(&mut words[edge..last], scratch);
    }

    fn add_read(&self, out: &mut [f32], scratch: &mut Scratch) {
        vectorised(
            #[inline(always)]
            || {
                for (block, out) in out.chunks_mut(BLOCK * self.width).enumerate() {
                    self.finish(self.linear.products(block * BLOCK, out.len() / self.width, scratch), out);
                }
            },
        );
    }

    /// As [`Maxout::convolve`], for words whose shares are known; `None` has none.
    pub fn convolve_shared(&self, words: &mut [f32], shares: &[Option<&[f32]>], window: usize, scratch: &mut Scratch) {
        let (width, outputs) = (self.width, self.linear.outputs());
        let rows = shares.windows(2 * window + 1).zip(words[window * width..].chunks_exact_mut(width));
        vectorised(
            #[inline(always)]
            || {
                for (shares, out) in rows {
                    let known = shares.iter().enumerate().filter_map(|(at, share)| Some((at, (*share)?)));
                    let mut known = known.map(|(place, share)| &share[place * outputs..(place + 1) * outputs]);
                    scratch.products.clear();
                    match known.next() {
                        Some(share) => scratch.products.extend_from_slice(share),
                        None => scratch.products.resize(outputs, 0.0),
                    }
                    for share in known {
                        scratch.products.iter_mut().zip(share).for_each(|(sum, value)| *sum += value);
                    }
                    self.finish(&mut scratch.products, out);
                }
            },
        );
    }

    #[inline(always)]
    fn finish(&self, products: &mut [f32], out: &mut [f32]) {
        let width = self.width;
        for (row, out) in products.chunks_exact_mut(self.bias.len()).zip(out.chunks_exact_mut(width)) {
            let (most, pieces) = row.split_at_mut(width);
            let (bias, biases) = self.bias.split_at(width);
            most.iter_mut().zip(bias).for_each(|(most, bias)| *most += bias);
            for (piece, bias) in pieces.chunks_exact(width).zip(biases.chunks_exact(width)) {
                for (most, (value, bias)) in most.iter_mut().zip(piece.iter().zip(bias)) {
                    let value = value + bias;
                    *most = if value > *most { value } else { *most };
                }
            }
            let mean = sum(most, |value| value) / width as f32;
            let variance = sum(most, |value| (value - mean) * (value - mean)) / width as f32 + 1e-8;
            let scale = 1.0 / variance.sqrt();
            let parameters = self.gain.iter().zip(&self.shift);
            for ((out, value), (gain, shift)) in out.iter_mut().zip(&*most).zip(parameters) {
                *out += (value - mean) * scale * gain + shift;
            }
        }
    }
}

/// Runs what is inlined into `work` with the widest vectors of the processor.
#[inline(always)]
pub(crate) fn vectorised<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// Sums in sixteen lanes, so that the compiler uses vectors and the order is the same on every machine.
#[inline(always)]
fn sum(values: &[f32], each: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += each(*value);
        }
    }
    add_up(lanes) + rest.iter().map(|value| each(*value)).sum::<f32>()
}

/// The scalar product of two rows.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<16>(), right.as_chunks::<16>());
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    add_up(lanes) + left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum::<f32>()
}

/// In halves, which takes four steps rather than sixteen.
#[inline(always)]
fn add_up(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_does_not_depend_on_its_company() {
        let numbers = |count: usize, seed: u64| -> Vec<f32> {
            let hash = |at: usize| crate::murmur::string(&at.to_le_bytes(), seed);
            (0..count).map(|at| (hash(at) % 2001) as f32 / 1000.0 - 1.0).collect()
        };
        for precision in [Precision::F32, Precision::Int16] {
            for (inputs, outputs) in [(96, 864), (96, 64), (64, 128), (576, 288), (5, 3)] {
                let weights = numbers(inputs * outputs, 1);
                let mut linear = Linear::new(Matrix { inputs, outputs, weights }, 1);
                linear.compute_in(precision);
                let (words, mut scratch, mut all) = (numbers(2 * BLOCK * inputs, 2), Scratch::default(), Vec::new());
                linear.multiply(&words, &mut scratch, &mut all);
                for rows in (1..20).chain([BLOCK - 1, BLOCK, BLOCK + 1]) {
                    let mut some = Vec::new();
                    linear.multiply(&words[..rows * inputs], &mut scratch, &mut some);
                    assert_eq!(some, all[..rows * outputs], "{precision:?}: {rows} of {inputs} to {outputs}");
                }
            }
        }
    }
}
