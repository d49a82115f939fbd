//! The numeric kernel: a product of matrices, and the layer that all of the network is made of.
//!
//! The only file that may have `unsafe`: one call of `gemm`, which chooses its instructions (AVX-512, AVX2, NEON or
//! none) at run time.
#![allow(unsafe_code)]

use crate::pack::{Error, Pack};

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
    width: usize,
    bias: Vec<f32>,
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Maxout {
    pub fn read(pack: &Pack<'_>, name: &str, inputs: usize) -> Result<Self, Error> {
        let (width, pieces) = (pack.header.network.width, pack.header.network.pieces);
        Ok(Self {
            matrix: Matrix::read(pack, &format!("{name}.weights"), inputs, width * pieces)?,
            width,
            bias: pack.floats(&format!("{name}.bias"), width * pieces)?,
            gain: pack.floats(&format!("{name}.gain"), width)?,
            shift: pack.floats(&format!("{name}.shift"), width)?,
        })
    }

    /// The products before the maximum, for [`Maxout::finish`].
    pub fn multiply(&self, rows: usize, input: &[f32], stride: usize, products: &mut Vec<f32>) {
        self.matrix.multiply(rows, input, stride, products);
    }

    /// Adds the layer's output to `out`, row by row.
    pub fn finish(&self, products: &mut [f32], out: &mut [f32]) {
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

/// Sums in sixteen lanes, so that the compiler uses vectors and the order is the same on every machine.
fn sum(values: &[f32], each: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += each(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| each(*value)).sum::<f32>()
}

/// The scalar product of two rows.
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<16>(), right.as_chunks::<16>());
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    lanes.iter().sum::<f32>() + left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum::<f32>()
}
