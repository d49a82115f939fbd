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

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The same map of so many words in sixteen bits, where that is the precision.
    fn in_sixteen(&self, precision: Precision, words: usize) -> Option<int16::Matrix> {
        (precision == Precision::Int16).then(|| int16::Matrix::new(&self.weights, self.outputs, words))
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
        out.resize(rows * outputs, 0.0);
        if rows == 0 {
            return;
        }
        assert!((rows - 1) * stride + inputs <= input.len(), "the input has all rows");
        // SAFETY: `input` has every element r * stride + i of r < rows and i < inputs, as was just asserted;
        // `weights` has inputs * outputs elements, as `read` ensured; `out` has rows * outputs, as was just resized,
        // and is borrowed by nobody else. The strides below are those of these row-major layouts, all in elements
        // and below isize::MAX, for the slices exist. `out` is not read before it is written (`read_dst` is false).
        unsafe {
            gemm::gemm(
                rows,
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
    }
}

/// A maxout layer with layer normalisation: per output the largest of `pieces` linear maps, brought to mean 0 and
/// variance 1 over the outputs, then scaled and shifted.
#[derive(Debug)]
pub(crate) struct Maxout {
    matrix: Matrix,
    /// The same weights in sixteen bits, where speed counts more than the last bits.
    int16: Option<int16::Matrix>,
    width: usize,
    bias: Vec<f32>,
    gain: Vec<f32>,
    shift: Vec<f32>,
}

/// Room for intermediate results, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    products: Vec<f32>,
    block: Vec<f32>,
    words: int16::Words,
}

/// Rows that are in hand at a time: in whole numbers, a layer's products of them fit the processor's first cache.
const BLOCK: usize = 16;

impl Maxout {
    pub fn read(pack: &Pack<'_>, name: &str, inputs: usize) -> Result<Self, Error> {
        let (width, pieces) = (pack.header.network.width, pack.header.network.pieces);
        Ok(Self {
            matrix: Matrix::read(pack, &format!("{name}.weights"), inputs, width * pieces)?,
            int16: None,
            width,
            bias: pack.floats(&format!("{name}.bias"), width * pieces)?,
            gain: pack.floats(&format!("{name}.gain"), width)?,
            shift: pack.floats(&format!("{name}.shift"), width)?,
        })
    }

    /// What [`Maxout::convolve`] computes in from here on.
    pub fn compute_in(&mut self, precision: Precision) {
        self.int16 = self.matrix.in_sixteen(precision, self.matrix.inputs / self.width);
    }

    /// What a word adds to the layer's products.
    pub fn share(&self) -> Share {
        let Matrix { inputs, outputs, weights } = &self.matrix;
        let places = inputs / self.width;
        let row = |place: usize, input: usize| &weights[(place * self.width + input) * outputs..][..*outputs];
        let rows = (0..self.width).flat_map(|input| (0..places).flat_map(move |place| row(place, input)));
        let matrix = Matrix { inputs: self.width, outputs: places * outputs, weights: rows.copied().collect() };
        Share { matrix, int16: None }
    }

    /// Adds the layer's output to `out`, row by row.
    pub fn add(&self, input: &[f32], out: &mut [f32], scratch: &mut Scratch) {
        let rows = out.len() / self.width;
        self.matrix.multiply(rows, input, self.matrix.inputs, &mut scratch.products);
        vectorised(
            #[inline(always)]
            || self.finish(&mut scratch.products, out),
        );
    }

    /// Adds to each word the layer's output for it and its neighbours, `window` to each side, as they were before. The
    /// first and the last words, which lack neighbours, stay as they are.
    pub fn convolve(&self, words: &mut [f32], window: usize, scratch: &mut Scratch) {
        let (width, Scratch { products, words: quantised, .. }) = (self.width, scratch);
        let first = window * width;
        let Some(int16) = &self.int16 else {
            self.matrix.multiply(words.len() / width - 2 * window, words, width, products);
            return vectorised(
                #[inline(always)]
                || self.finish(products, &mut words[first..]),
            );
        };
        vectorised(
            #[inline(always)]
            || int16.quantise(words, width, quantised),
        );
        let last = words.len() - first;
        for (block, out) in words[first..last].chunks_mut(BLOCK * width).enumerate() {
            products.resize(out.len() / width * self.bias.len(), 0.0);
            int16.multiply(quantised, block * BLOCK, products);
            vectorised(
                #[inline(always)]
                || self.finish(products, out),
            );
        }
    }

    /// As [`Maxout::convolve`], for words whose shares are known; `None` has none.
    pub fn convolve_shared(&self, words: &mut [f32], shares: &[Option<&[f32]>], window: usize, scratch: &mut Scratch) {
        let (width, outputs) = (self.width, self.matrix.outputs);
        scratch.products.resize(outputs, 0.0);
        let rows = shares.windows(2 * window + 1).zip(words[window * width..].chunks_exact_mut(width));
        vectorised(
            #[inline(always)]
            || {
                for (shares, out) in rows {
                    scratch.products.fill(0.0);
                    for (place, share) in shares.iter().enumerate().filter_map(|(at, share)| Some((at, (*share)?))) {
                        let share = &share[place * outputs..(place + 1) * outputs];
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
            for (value, bias) in row.iter_mut().zip(&self.bias) {
                *value += bias;
            }
            let (most, pieces) = row.split_at_mut(width);
            for piece in pieces.chunks_exact(width) {
                for (most, value) in most.iter_mut().zip(piece) {
                    *most = if *value > *most { *value } else { *most };
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

/// What words add to the products of a [`Maxout`] over several, at each place among them.
#[derive(Debug)]
pub(crate) struct Share {
    matrix: Matrix,
    int16: Option<int16::Matrix>,
}

impl Share {
    /// What [`Share::append`] computes in from here on.
    pub fn compute_in(&mut self, precision: Precision) {
        self.int16 = self.matrix.in_sixteen(precision, 1);
    }

    /// Numbers that there are of a word.
    pub fn len(&self) -> usize {
        self.matrix.outputs
    }

    /// Appends those of words.
    pub fn append(&self, words: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let Matrix { inputs: width, outputs, .. } = self.matrix;
        let Scratch { products, block, words: quantised } = scratch;
        for words in words.chunks(BLOCK * width) {
            match &self.int16 {
                Some(int16) => {
                    vectorised(
                        #[inline(always)]
                        || int16.quantise(words, width, quantised),
                    );
                    products.resize(words.len() / width * outputs, 0.0);
                    int16.multiply(quantised, 0, products);
                    out.extend_from_slice(products);
                }
                None => {
                    // always as many, so that a word's do not depend on its company
                    block.clear();
                    block.extend_from_slice(words);
                    block.resize(BLOCK * width, 0.0);
                    self.matrix.multiply(BLOCK, block, width, products);
                    out.extend_from_slice(&products[..words.len() / width * outputs]);
                }
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
