//! Products in whole numbers: weights in eight bits per output, words in eight bits each, sums in 32 bits.
//!
//! Both are scaled by their largest magnitude (weights once, per output; a word whenever it is read), so a product is
//! off by less than a hundredth of that, and the same everywhere: sums of whole numbers are exact, and the rest is
//! done in the same order by the two kernels, one for processors with AVX-512 VNNI (four products an instruction and
//! lane) and one for all others, which is exact but not quick.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Outputs that are computed together: three vectors of sixteen.
const PANEL: usize = 48;
/// Rows that are computed together, of twelve sums in registers.
const ROWS: usize = 4;
/// Numbers are kept from 1 to 255, for VNNI multiplies numbers without a sign by numbers with one.
const ZERO: u8 = 128;
/// Adding it to a small number rounds that, to even, and leaves it in the lowest bits.
const ROUND: f32 = 12_582_912.0;

type Quad<T> = [T; 4];
type Tile = [[f32; PANEL]; ROWS];

/// A linear map of several words next to each other.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Words of a row.
    words: usize,
    /// Numbers of a word, in fours.
    quads: usize,
    outputs: usize,
    panels: Vec<Panel>,
}

/// What makes [`PANEL`] outputs.
#[derive(Debug)]
struct Panel {
    /// Of each word, of each four of its numbers, of each output.
    weights: Vec<[Quad<i8>; PANEL]>,
    /// Of each word, what the products with [`ZERO`] add up to, negated.
    offsets: Vec<[i32; PANEL]>,
    scales: [f32; PANEL],
}

/// Words in eight bits, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Words {
    numbers: Vec<Quad<u8>>,
    scales: Vec<f32>,
}

impl Matrix {
    /// Of weights as [`super::Matrix`] has them, for rows that are `words` words.
    pub fn new(weights: &[f32], outputs: usize, words: usize) -> Self {
        let width = weights.len() / outputs / words;
        let quads = width.div_ceil(4);
        let panel = |first: usize| {
            let mut panel = Panel {
                weights: vec![[[0; 4]; PANEL]; words * quads],
                offsets: vec![[0; PANEL]; words],
                scales: [0.0; PANEL],
            };
            for lane in 0..PANEL.min(outputs - first) {
                let column = || weights.iter().skip(first + lane).step_by(outputs);
                let most = column().fold(0.0, |most: f32, weight| most.max(weight.abs()));
                panel.scales[lane] = most / 127.0;
                for (at, weight) in column().enumerate().filter(|_| most > 0.0) {
                    let (word, at) = (at / width, at % width);
                    let number = (weight / most * 127.0).round_ties_even() as i8;
                    panel.weights[word * quads + at / 4][lane][at % 4] = number;
                    panel.offsets[word][lane] -= i32::from(ZERO) * i32::from(number);
                }
            }
            panel
        };
        Self { words, quads, outputs, panels: (0..outputs).step_by(PANEL).map(panel).collect() }
    }

    /// `into` becomes the words, of which each has its own scale.
    #[inline(always)]
    pub fn quantise(&self, words: &[f32], width: usize, into: &mut Words) {
        let count = words.len() / width;
        // the last rows may be fewer than are computed together
        into.numbers.clear();
        into.numbers.resize((count + ROWS - 1) * self.quads, [ZERO; 4]);
        into.scales.clear();
        for (word, numbers) in words.chunks_exact(width).zip(into.numbers.chunks_exact_mut(self.quads)) {
            into.scales.push(quantise(word, numbers.as_flattened_mut()));
        }
        into.scales.resize(count + ROWS - 1, 0.0);
    }

    /// `out` becomes as many rows of products as it has room for, from row `first` on. Row `r` begins at word `r`.
    pub fn multiply(&self, words: &Words, first: usize, out: &mut [f32]) {
        let rows = out.len() / self.outputs;
        let kernel = kernel();
        for (number, panel) in self.panels.iter().enumerate() {
            let lanes = number * PANEL..self.outputs.min((number + 1) * PANEL);
            for row in (0..rows).step_by(ROWS) {
                let numbers = &words.numbers[(first + row) * self.quads..];
                let scales = &words.scales[first + row..first + row + self.words + ROWS - 1];
                let mut tile = [[0.0; PANEL]; ROWS];
                kernel(panel, self.quads, numbers, scales, &mut tile);
                for (out, tile) in out[row * self.outputs..].chunks_exact_mut(self.outputs).zip(&tile) {
                    out[lanes.clone()].copy_from_slice(&tile[..lanes.len()]);
                }
            }
        }
    }
}

/// The numbers of a word, and their scale.
#[inline(always)]
fn quantise(word: &[f32], numbers: &mut [u8]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (chunks, rest) = word.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if value.abs() > *lane { value.abs() } else { *lane };
        }
    }
    let most = lanes.iter().chain(rest).fold(0.0, |most: f32, value| most.max(value.abs()));
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (number, value) in numbers.iter_mut().zip(word) {
        *number = ((value * inverse + ROUND).to_bits() as u8) ^ ZERO;
    }
    most / 127.0
}

type Kernel = fn(&Panel, usize, &[Quad<u8>], &[f32], &mut Tile);

/// The quickest kernel that this processor has.
fn kernel() -> Kernel {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
        // SAFETY: the processor has the features that the function is compiled for.
        return |panel, quads, words, scales, tile| unsafe { vnni(panel, quads, words, scales, tile) };
    }
    portable
}

/// Of [`ROWS`] rows the outputs of a panel: row `r` is the words from `r` on, whose `scales` these are.
fn portable(panel: &Panel, quads: usize, words: &[Quad<u8>], scales: &[f32], tile: &mut Tile) {
    for (row, sums) in tile.iter_mut().enumerate() {
        for (word, (weights, offsets)) in (row..).zip(panel.weights.chunks_exact(quads).zip(&panel.offsets)) {
            let mut products = *offsets;
            for (weights, numbers) in weights.iter().zip(&words[word * quads..(word + 1) * quads]) {
                let numbers = numbers.map(i32::from);
                for (product, weights) in products.iter_mut().zip(weights) {
                    let pairs = weights.iter().zip(&numbers);
                    *product += pairs.map(|(weight, number)| i32::from(*weight) * number).sum::<i32>();
                }
            }
            for (sum, product) in sums.iter_mut().zip(&products) {
                *sum += *product as f32 * scales[word];
            }
        }
        for (sum, scale) in sums.iter_mut().zip(&panel.scales) {
            *sum *= scale;
        }
    }
}

/// As [`portable`], to the bit.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni(panel: &Panel, quads: usize, words: &[Quad<u8>], scales: &[f32], tile: &mut Tile) {
    let mut sums = [[_mm512_setzero_ps(); PANEL / 16]; ROWS];
    for (word, (weights, offsets)) in panel.weights.chunks_exact(quads).zip(&panel.offsets).enumerate() {
        let mut products = [integers(offsets); ROWS];
        let rows: [&[Quad<u8>]; ROWS] =
            std::array::from_fn(|row| &words[(word + row) * quads..(word + row + 1) * quads]);
        for ((((weights, a), b), c), d) in weights.iter().zip(rows[0]).zip(rows[1]).zip(rows[2]).zip(rows[3]) {
            let weights = bytes(weights);
            for (products, numbers) in products.iter_mut().zip([a, b, c, d]) {
                let numbers = _mm512_set1_epi32(i32::from_ne_bytes(*numbers));
                for (product, weights) in products.iter_mut().zip(weights) {
                    *product = _mm512_dpbusd_epi32(*product, numbers, weights);
                }
            }
        }
        for (row, (sums, products)) in sums.iter_mut().zip(products).enumerate() {
            let scale = _mm512_set1_ps(scales[word + row]);
            for (sum, product) in sums.iter_mut().zip(products) {
                *sum = _mm512_add_ps(*sum, _mm512_mul_ps(_mm512_cvtepi32_ps(product), scale));
            }
        }
    }
    for (out, sums) in tile.iter_mut().zip(sums) {
        for ((out, scale), sum) in
            out.as_chunks_mut::<16>().0.iter_mut().zip(panel.scales.as_chunks::<16>().0).zip(sums)
        {
            // SAFETY: both are arrays of sixteen, and loads and stores need not be aligned.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), _mm512_mul_ps(sum, _mm512_loadu_ps(scale.as_ptr()))) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
fn integers(numbers: &[i32; PANEL]) -> [__m512i; PANEL / 16] {
    let at = numbers.as_ptr();
    // SAFETY: the array has 48 numbers, sixteen from each of these places on, and loads need not be aligned.
    unsafe {
        [_mm512_loadu_si512(at.cast()), _mm512_loadu_si512(at.add(16).cast()), _mm512_loadu_si512(at.add(32).cast())]
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
fn bytes(weights: &[Quad<i8>; PANEL]) -> [__m512i; PANEL / 16] {
    let at = weights.as_ptr();
    // SAFETY: the array has 48 times four bytes, sixteen times four from each of these places on, and loads need not
    // be aligned.
    unsafe {
        [_mm512_loadu_si512(at.cast()), _mm512_loadu_si512(at.add(16).cast()), _mm512_loadu_si512(at.add(32).cast())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, in [-1, 1].
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let hash = |at: usize| crate::murmur::string(&at.to_le_bytes(), seed);
        (0..count).map(|at| (hash(at) % 2001) as f32 / 1000.0 - 1.0).collect()
    }

    /// Sizes that fill panels, rows and fours, and sizes that do not.
    const SIZES: [(usize, usize, usize, usize); 4] = [(96, 3, 288, 20), (96, 3, 288, 1), (5, 2, 50, 7), (3, 1, 1, 3)];

    #[test]
    fn products_are_near_those_of_floats() {
        for (width, words, outputs, rows) in SIZES {
            let weights = numbers(width * words * outputs, 1);
            let input = numbers((rows + words - 1) * width, 2);
            let (matrix, mut quantised) = (Matrix::new(&weights, outputs, words), Words::default());
            matrix.quantise(&input, width, &mut quantised);
            let (first, mut out) = (usize::from(rows > 2), vec![f32::NAN; rows * outputs]);
            matrix.multiply(&quantised, 0, &mut out);
            // of sums of so many products of numbers below 1, each off by less than half of two steps of 1/127
            let inputs = width * words;
            let near = inputs as f32 / 127.0;
            for (at, product) in out.iter().enumerate() {
                let (row, output) = (at / outputs, at % outputs);
                let pairs = (0..inputs).map(|at| input[row * width + at] * weights[at * outputs + output]);
                assert!((pairs.sum::<f32>() - product).abs() <= near, "{width} {words} {outputs} {rows}");
            }
            let mut rest = vec![f32::NAN; (rows - first) * outputs];
            matrix.multiply(&quantised, first, &mut rest);
            assert_eq!(rest, out[first * outputs..], "a row does not depend on its place");
        }
    }

    #[test]
    fn the_kernels_agree_to_the_bit() {
        let quickest = kernel();
        if std::ptr::fn_addr_eq(quickest, portable as Kernel) {
            eprintln!("skipped: this processor has no AVX-512 VNNI, so there is but one kernel");
            return;
        }
        for (width, words, outputs, _) in SIZES {
            let matrix = Matrix::new(&numbers(width * words * outputs, 3), outputs, words);
            let mut quantised = Words::default();
            matrix.quantise(&numbers((ROWS + words - 1) * width, 4), width, &mut quantised);
            for panel in &matrix.panels {
                let mut tiles = [[[0.0; PANEL]; ROWS]; 2];
                quickest(panel, matrix.quads, &quantised.numbers, &quantised.scales, &mut tiles[0]);
                portable(panel, matrix.quads, &quantised.numbers, &quantised.scales, &mut tiles[1]);
                assert_eq!(tiles[0].map(|row| row.map(f32::to_bits)), tiles[1].map(|row| row.map(f32::to_bits)));
            }
        }
    }

    #[test]
    fn a_word_uses_all_of_its_eight_bits() {
        let mut numbers = [0; 6];
        let scale = quantise(&[0.0, 2.54, -2.54, 0.02, -0.031, 0.009], &mut numbers);
        assert_eq!((numbers, scale), ([128, 255, 1, 129, 126, 128], 2.54 / 127.0));
        assert_eq!((quantise(&[0.0; 6], &mut numbers), numbers), (0.0, [128; 6]));
    }
}
