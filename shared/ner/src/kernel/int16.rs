//! Products in whole numbers: weights in sixteen bits per output, words in sixteen bits each, sums in 32 bits.
//!
//! Both are scaled by their largest magnitude (weights once, per output; a word whenever it is read) to as many bits as
//! the sum over a word has room for: with 96 numbers a word, to ±4729, which is thirteen bits. So a number is off by at
//! most a nine-thousandth of the largest, and a product is the same everywhere: sums of whole numbers are exact, and
//! the rest is done in the same order, whatever the processor. All that is made for the processor is one step, which
//! adds the products of pairs of numbers, on x86 an instruction since SSE2.

#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::cast;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m128i, __m256i, __m512i, _mm512_dpwssd_epi32};

/// Outputs that are computed together.
const PANEL: usize = 48;
/// Rows that are computed together.
const ROWS: usize = 4;
/// Adding it to a small number rounds that, to even, and leaves it in the lowest bits.
const ROUND: f32 = 12_582_912.0;

type Pair = [i16; 2];
type Tile = [[f32; PANEL]; ROWS];

/// A linear map of several words next to each other.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Pairs of numbers of a word.
    pairs: usize,
    /// The largest number of words and weights.
    limit: f32,
    outputs: usize,
    panels: Vec<Panel>,
}

/// What makes [`PANEL`] outputs.
#[derive(Debug)]
struct Panel {
    /// Of each word, of each pair of its numbers, of each output.
    weights: Vec<[Pair; PANEL]>,
    scales: [f32; PANEL],
}

/// Words in sixteen bits, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Words {
    numbers: Vec<Pair>,
    scales: Vec<f32>,
}

impl Matrix {
    /// Of weights as [`super::Matrix`] has them, for rows that are `words` words.
    pub fn new(weights: &[f32], outputs: usize, words: usize) -> Self {
        let width = weights.len() / outputs / words;
        let (pairs, limit) = (width.div_ceil(2), limit(width));
        let panel = |first: usize| {
            let mut panel = Panel { weights: vec![[[0; 2]; PANEL]; words * pairs], scales: [0.0; PANEL] };
            for lane in 0..PANEL.min(outputs - first) {
                let column = || weights.iter().skip(first + lane).step_by(outputs);
                let most = column().fold(0.0, |most: f32, weight| most.max(weight.abs()));
                panel.scales[lane] = most / limit;
                for (at, weight) in column().enumerate().filter(|_| most > 0.0) {
                    let (word, at) = (at / width, at % width);
                    let number = (weight / most * limit).round_ties_even() as i16;
                    panel.weights[word * pairs + at / 2][lane][at % 2] = number;
                }
            }
            panel
        };
        Self { pairs, limit, outputs, panels: (0..outputs).step_by(PANEL).map(panel).collect() }
    }

    /// `into` becomes the words, of which each has its own scale.
    #[inline(always)]
    pub fn quantise(&self, words: &[f32], width: usize, into: &mut Words) {
        let count = words.len() / width;
        // the last rows may be fewer than are computed together
        into.numbers.clear();
        into.numbers.resize((count + ROWS - 1) * self.pairs, [0; 2]);
        into.scales.clear();
        for (word, numbers) in words.chunks_exact(width).zip(into.numbers.chunks_exact_mut(self.pairs)) {
            into.scales.push(quantise(word, self.limit, numbers.as_flattened_mut()));
        }
        into.scales.resize(count + ROWS - 1, 0.0);
    }

    /// `out` becomes as many rows of products as it has room for, from row `first` on. Row `r` begins at word `r`.
    pub fn multiply(&self, words: &Words, first: usize, out: &mut [f32]) {
        let rows = out.len() / self.outputs;
        let kernel = Kernel::available().next().unwrap_or(Kernel::Portable);
        let mut tile = [[0.0; PANEL]; ROWS];
        for (number, panel) in self.panels.iter().enumerate() {
            let lanes = number * PANEL..self.outputs.min((number + 1) * PANEL);
            for row in (0..rows).step_by(ROWS) {
                kernel.compute(panel, self.pairs, words, first + row, &mut tile);
                for (out, tile) in out[row * self.outputs..].chunks_exact_mut(self.outputs).zip(&tile) {
                    out[lanes.clone()].copy_from_slice(&tile[..lanes.len()]);
                }
            }
        }
    }
}

/// The largest number of which `width` squares add up to no more than 31 bits.
fn limit(width: usize) -> f32 {
    (i32::MAX as usize / width).isqrt().min(i16::MAX as usize) as f32
}

/// The numbers of a word, and their scale.
#[inline(always)]
fn quantise(word: &[f32], limit: f32, numbers: &mut [i16]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (chunks, rest) = word.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if value.abs() > *lane { value.abs() } else { *lane };
        }
    }
    let most = lanes.iter().chain(rest).fold(0.0, |most: f32, value| most.max(value.abs()));
    let inverse = if most > 0.0 { limit / most } else { 0.0 };
    for (number, value) in numbers.iter_mut().zip(word) {
        *number = (value * inverse + ROUND).to_bits() as i16;
    }
    most / limit
}

#[cfg(target_arch = "x86_64")]
pulp::simd_type! {
    struct Vnni {
        wide: "avx512f",
        vnni: "avx512vnni",
    }
    struct Avx2 {
        avx: "avx",
        avx2: "avx2",
    }
    struct Sse2 {
        sse2: "sse2",
    }
}

/// What the products are computed with.
#[derive(Debug, Clone, Copy)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Vnni(Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Sse2(Sse2),
    Portable,
}

impl Kernel {
    /// Those that this processor has, the quickest first.
    fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let made = [Vnni::try_new().map(Self::Vnni), Avx2::try_new().map(Self::Avx2), Sse2::try_new().map(Self::Sse2)];
        #[cfg(not(target_arch = "x86_64"))]
        let made: [Option<Self>; 0] = [];
        made.into_iter().flatten().chain([Self::Portable])
    }

    /// Of [`ROWS`] rows the outputs of a panel. The first begins at word `first`, of so many pairs, the next one later.
    fn compute(self, panel: &Panel, pairs: usize, words: &Words, first: usize, tile: &mut Tile) {
        let rows = Rows { pairs, numbers: &words.numbers[first * pairs..], scales: &words.scales[first..] };
        match self {
            // SAFETY: of each of these there is one only where the processor has the features.
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(lanes) => unsafe { vnni(lanes, panel, &rows, tile) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => unsafe { avx2(lanes, panel, &rows, tile) },
            #[cfg(target_arch = "x86_64")]
            Self::Sse2(lanes) => unsafe { sse2(lanes, panel, &rows, tile) },
            Self::Portable => compute::<4, 2, _>(Portable, panel, &rows, tile),
        }
    }
}

struct Rows<'a> {
    pairs: usize,
    numbers: &'a [Pair],
    scales: &'a [f32],
}

// of sums, so many vectors per row are in hand at a time as fit the registers
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni(lanes: Vnni, panel: &Panel, rows: &Rows<'_>, tile: &mut Tile) {
    compute::<16, 3, _>(lanes, panel, rows, tile);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(lanes: Avx2, panel: &Panel, rows: &Rows<'_>, tile: &mut Tile) {
    compute::<8, 2, _>(lanes, panel, rows, tile);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn sse2(lanes: Sse2, panel: &Panel, rows: &Rows<'_>, tile: &mut Tile) {
    compute::<4, 2, _>(lanes, panel, rows, tile);
}

#[inline(always)]
fn compute<const N: usize, const VECTORS: usize, L: Lanes<N>>(
    lanes: L,
    panel: &Panel,
    &Rows { pairs, numbers, scales }: &Rows<'_>,
    tile: &mut Tile,
) {
    *tile = [[0.0; PANEL]; ROWS];
    for (word, weights) in panel.weights.chunks_exact(pairs).enumerate() {
        let rows: [&[Pair]; ROWS] = std::array::from_fn(|row| &numbers[(word + row) * pairs..][..pairs]);
        let mut products = [[0; PANEL]; ROWS];
        for first in (0..PANEL / N).step_by(VECTORS) {
            let mut sums = [[lanes.zeros(); VECTORS]; ROWS];
            // with indices, not iterators: the compiler unrolls these and keeps the sums in registers
            for (at, weights) in weights.iter().enumerate() {
                let weights = &weights.as_chunks::<N>().0[first..first + VECTORS];
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        sums[row][vector] = lanes.step(sums[row][vector], rows[row][at], weights[vector]);
                    }
                }
            }
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    products[row][(first + vector) * N..][..N].copy_from_slice(&lanes.store(sums[row][vector]));
                }
            }
        }
        for ((sums, products), scale) in tile.iter_mut().zip(&products).zip(&scales[word..]) {
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += *product as f32 * scale);
        }
    }
    for sums in tile {
        sums.iter_mut().zip(&panel.scales).for_each(|(sum, scale)| *sum *= scale);
    }
}

/// What is made for the processor, for `N` sums at a time.
trait Lanes<const N: usize>: Copy {
    type Sums: Copy;
    fn zeros(self) -> Self::Sums;
    /// Adds to each sum the two products of a pair with one of `pairs`.
    fn step(self, sums: Self::Sums, pair: Pair, pairs: [Pair; N]) -> Self::Sums;
    fn store(self, sums: Self::Sums) -> [i32; N];
}

#[cfg(target_arch = "x86_64")]
impl Lanes<16> for Vnni {
    type Sums = __m512i;

    #[inline(always)]
    fn zeros(self) -> __m512i {
        cast([0; 16])
    }

    #[inline(always)]
    fn step(self, sums: __m512i, pair: Pair, pairs: [Pair; 16]) -> __m512i {
        let pair = self.wide._mm512_set1_epi32(cast(pair));
        // SAFETY: there is no `Vnni` but where the processor has this instruction.
        unsafe { _mm512_dpwssd_epi32(sums, pair, cast(pairs)) }
    }

    #[inline(always)]
    fn store(self, sums: __m512i) -> [i32; 16] {
        cast(sums)
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes<8> for Avx2 {
    type Sums = __m256i;

    #[inline(always)]
    fn zeros(self) -> __m256i {
        cast([0; 8])
    }

    #[inline(always)]
    fn step(self, sums: __m256i, pair: Pair, pairs: [Pair; 8]) -> __m256i {
        let products = self.avx2._mm256_madd_epi16(self.avx._mm256_set1_epi32(cast(pair)), cast(pairs));
        self.avx2._mm256_add_epi32(sums, products)
    }

    #[inline(always)]
    fn store(self, sums: __m256i) -> [i32; 8] {
        cast(sums)
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes<4> for Sse2 {
    type Sums = __m128i;

    #[inline(always)]
    fn zeros(self) -> __m128i {
        cast([0; 4])
    }

    #[inline(always)]
    fn step(self, sums: __m128i, pair: Pair, pairs: [Pair; 4]) -> __m128i {
        let products = self.sse2._mm_madd_epi16(self.sse2._mm_set1_epi32(cast(pair)), cast(pairs));
        self.sse2._mm_add_epi32(sums, products)
    }

    #[inline(always)]
    fn store(self, sums: __m128i) -> [i32; 4] {
        cast(sums)
    }
}

/// Made for no processor: what the others compute, as the compiler does it.
#[derive(Clone, Copy)]
struct Portable;

impl Lanes<4> for Portable {
    type Sums = [i32; 4];

    #[inline(always)]
    fn zeros(self) -> [i32; 4] {
        [0; 4]
    }

    #[inline(always)]
    fn step(self, sums: [i32; 4], pair: Pair, pairs: [Pair; 4]) -> [i32; 4] {
        let product = |at: usize, half: usize| i32::from(pair[half]) * i32::from(pairs[at][half]);
        std::array::from_fn(|at| sums[at] + product(at, 0) + product(at, 1))
    }

    #[inline(always)]
    fn store(self, sums: [i32; 4]) -> [i32; 4] {
        sums
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

    /// Sizes that fill panels, rows and pairs, and sizes that do not.
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
            // of sums of so many products of numbers below 1, each off by less than half of two steps, and a little
            let inputs = width * words;
            let near = inputs as f32 / limit(width) * 1.01;
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
        assert!(Kernel::available().count() > usize::from(cfg!(target_arch = "x86_64")));
        for (width, words, outputs, _) in SIZES {
            let matrix = Matrix::new(&numbers(width * words * outputs, 3), outputs, words);
            let mut quantised = Words::default();
            matrix.quantise(&numbers((ROWS + words - 1) * width, 4), width, &mut quantised);
            for panel in &matrix.panels {
                let tiles = Kernel::available().map(|kernel| {
                    let mut tile = [[0.0; PANEL]; ROWS];
                    kernel.compute(panel, matrix.pairs, &quantised, 0, &mut tile);
                    tile.map(|row| row.map(f32::to_bits))
                });
                let tiles: Vec<_> = tiles.collect();
                assert!(tiles.iter().all(|tile| *tile == tiles[0]), "{width} {words} {outputs}");
            }
        }
    }

    #[test]
    fn the_largest_sum_has_room() {
        for width in [1, 2, 3, 64, 96, 97, 128, 300, 768] {
            let outputs = 2;
            // all of the first output is at the limit, all of the second at its negative
            let weights: Vec<f32> = (0..width * outputs).map(|at| 1.0 - 2.0 * (at % 2) as f32).collect();
            let (matrix, mut words) = (Matrix::new(&weights, outputs, 1), Words::default());
            matrix.quantise(&vec![-7.0; width], width, &mut words);
            for kernel in Kernel::available() {
                let mut tile = [[0.0; PANEL]; ROWS];
                kernel.compute(&matrix.panels[0], matrix.pairs, &words, 0, &mut tile);
                let want = 7.0 * width as f32;
                assert!((tile[0][0] + want).abs() < want / 1e6 && tile[0][1] == -tile[0][0], "{width} {kernel:?}");
            }
        }
    }

    #[test]
    fn a_word_uses_all_of_its_bits() {
        let mut numbers = [0; 6];
        let scale = quantise(&[0.0, 40.0, -40.0, 0.02, -0.031, 0.009], 4000.0, &mut numbers);
        assert_eq!((numbers, scale), ([0, 4000, -4000, 2, -3, 1], 0.01));
        assert_eq!((quantise(&[0.0; 6], 4000.0, &mut numbers), numbers), (0.0, [0; 6]));
    }
}
