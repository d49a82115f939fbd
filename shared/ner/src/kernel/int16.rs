//! Products in whole numbers: weights in sixteen bits per output, words in sixteen bits each, sums in 32 bits.
//!
//! Both are scaled (weights once, per output; a word whenever it is read) to as many bits as the sum over a word has room
//! for: as vectors, to a length of 46,335 with 96 numbers a word. So a number is off by a ninety-thousandth of that
//! at most, and a product is the same everywhere: sums of whole numbers are exact, and the rest is done in the same
//! order, whatever the processor. Rows of several words are computed in groups, of fewer products than they have words.

mod lanes;
mod toom;

use lanes::Kernel;
use toom::Group;

/// Outputs that are computed together.
const PANEL: usize = 48;

/// What there is of each of them. A vector of it never crosses a border of cache lines, which would take twice as long.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Panel<T>([T; PANEL]);

/// A number's own limit.
const LARGEST: f32 = i16::MAX as f32;
/// A word that has nothing larger is nothing: a float's own limits are far off.
const SMALLEST: f32 = 1e-30;
/// Adding it to a small number rounds that, to even, and leaves it in the lowest bits.
const ROUND: f32 = 12_582_912.0;

type Pair = [i16; 2];

/// A linear map of several words next to each other.
#[derive(Debug)]
pub(crate) struct Matrix {
    width: usize,
    /// How long words and weights may be.
    longest: f32,
    outputs: usize,
    group: Group,
    /// Of each panel of outputs, of each product of a group, of each pair of a word's numbers: as they are read.
    weights: Vec<Panel<Pair>>,
    /// Of each panel, of each product.
    scales: Vec<Panel<f32>>,
}

/// Words in sixteen bits, and products of them, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Words {
    groups: usize,
    /// Of each product, of each group.
    numbers: Vec<Pair>,
    scales: Vec<f32>,
    sum: Vec<f32>,
    products: Vec<Panel<i32>>,
    terms: Vec<Panel<f32>>,
}

impl Matrix {
    /// Of weights as [`super::Matrix`] has them, for rows that are `places` words.
    pub fn new(weights: &[f32], outputs: usize, places: usize) -> Self {
        let (width, group) = (weights.len() / outputs / places, Group::new(places));
        let (longest, panels) = (longest(width), outputs.div_ceil(PANEL));
        let mut factors = vec![Panel([[0; 2]; PANEL]); panels * group.products.len() * width.div_ceil(2)];
        let mut scales = vec![Panel([0.0; PANEL]); panels * group.products.len()];
        let kinds = (0..panels).flat_map(|panel| group.products.iter().map(move |product| (panel, product)));
        let rooms = factors.chunks_exact_mut(width.div_ceil(2)).zip(&mut scales);
        for ((panel, product), (factors, scales)) in kinds.zip(rooms) {
            for lane in 0..PANEL.min(outputs - panel * PANEL) {
                let output = panel * PANEL + lane;
                let weight = |place: usize, at: usize| weights[(place * width + at) * outputs + output];
                let sum = |at: usize| product.places.iter().enumerate().map(|(place, by)| by * weight(place, at)).sum();
                let column: Vec<f32> = (0..width).map(sum).collect();
                let mut numbers = vec![0; width];
                scales.0[lane] = quantise(&column, longest, &mut numbers);
                for (at, number) in numbers.into_iter().enumerate() {
                    factors[at / 2].0[lane][at % 2] = number;
                }
            }
        }
        Self { width, longest, outputs, group, weights: factors, scales }
    }

    /// `into` becomes what is multiplied of the words, which are as many as `rows` rows have together; each sum of words
    /// has its own scale.
    #[inline(always)]
    pub fn quantise(&self, words: &[f32], rows: usize, into: &mut Words) {
        let (width, pairs, step) = (self.width, self.width.div_ceil(2), self.group.rows);
        into.groups = rows.div_ceil(step);
        into.numbers.clear();
        into.numbers.resize(self.group.products.len() * into.groups * pairs, [0; 2]);
        into.scales.clear();
        let mut numbers = into.numbers.chunks_exact_mut(pairs);
        for product in &self.group.products {
            for (group, numbers) in (0..into.groups).zip(&mut numbers) {
                into.sum.clear();
                into.sum.resize(width, 0.0);
                // beyond the last row's there may be none
                let words = words[group * step * width..].chunks_exact(width);
                for (word, factor) in words.zip(&product.words).filter(|(_, factor)| **factor != 0.0) {
                    into.sum.iter_mut().zip(word).for_each(|(sum, value)| *sum += factor * value);
                }
                into.scales.push(quantise(&into.sum, self.longest, numbers.as_flattened_mut()));
            }
        }
    }

    /// `out` becomes as many rows of products as it has room for, from row `first` on, with which a group begins. Row
    /// `r` begins at word `r`.
    #[inline(always)]
    pub fn multiply(&self, words: &mut Words, first: usize, out: &mut [f32]) {
        let kernel = Kernel::quickest();
        let (count, pairs, step) = (self.group.products.len(), self.width.div_ceil(2), self.group.rows);
        assert!(first.is_multiple_of(step), "rows are computed in groups");
        let (start, groups) = (first / step, (out.len() / self.outputs).div_ceil(step));
        let Words { groups: all, numbers, scales, products, terms, .. } = words;
        products.resize(count * groups, Panel([0; PANEL]));
        terms.resize(count, Panel([0.0; PANEL]));
        let panels = self.weights.chunks_exact(count * pairs).zip(self.scales.chunks_exact(count));
        for (number, (weights, own)) in panels.enumerate() {
            let weights = weights.chunks_exact(pairs).zip(products.chunks_exact_mut(groups));
            for (at, (weights, products)) in weights.enumerate() {
                kernel.multiply(weights, &numbers[(at * *all + start) * pairs..][..groups * pairs], products);
            }
            let lanes = number * PANEL..self.outputs.min((number + 1) * PANEL);
            for (group, out) in out.chunks_mut(step * self.outputs).enumerate() {
                for (at, (term, own)) in terms.iter_mut().zip(own).enumerate() {
                    scale(&products[at * groups + group], own, scales[at * *all + start + group], term);
                }
                for (row, out) in out.chunks_exact_mut(self.outputs).enumerate() {
                    let (Panel(sums), out) = (self.group.row(row, terms), &mut out[lanes.clone()]);
                    // of a known size, which spares a call
                    match out.first_chunk_mut() {
                        Some(out) => *out = sums,
                        None => out.copy_from_slice(&sums[..lanes.len()]),
                    }
                }
            }
        }
    }
}

/// `into` becomes what whole sums stand for, by the weights' scales and the words'.
#[inline(always)]
fn scale(Panel(sums): &Panel<i32>, Panel(own): &Panel<f32>, by: f32, Panel(into): &mut Panel<f32>) {
    for ((into, sum), own) in into.iter_mut().zip(sums).zip(own) {
        *into = *sum as f32 * own * by;
    }
}

/// How long `width` whole numbers may be, as a vector, so that the product of two of them has no more than 31 bits. By
/// Cauchy and Schwarz it is no larger than that of the lengths, and so is each sum on the way to it. What rounding adds
/// to the length is taken off.
fn longest(width: usize) -> f32 {
    (i32::MAX as f32).sqrt() - (width as f32).sqrt() / 2.0 - 1.0
}

/// The numbers of a word, and their scale.
#[inline(always)]
fn quantise(word: &[f32], longest: f32, numbers: &mut [i16]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (chunks, rest) = word.as_chunks::<16>();
    for chunk in chunks {
        for (most, value) in lanes.iter_mut().zip(chunk) {
            *most = if value.abs() > *most { value.abs() } else { *most };
        }
    }
    let most = lanes.iter().chain(rest).fold(0.0, |most: f32, value| most.max(value.abs()));
    if most < SMALLEST {
        numbers.fill(0);
        return 0.0;
    }
    // in parts of the largest, of which no square is too small or too large for a float
    let (inverse, mut squares) = (1.0 / most, [0.0_f32; 16]);
    for chunk in chunks {
        squares.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += (value * inverse) * (value * inverse));
    }
    let rest = rest.iter().map(|value| (value * inverse) * (value * inverse));
    let length = squares.into_iter().chain(rest).sum::<f32>().sqrt();
    let scale = most * (length / longest).max(1.0 / LARGEST);
    let inverse = 1.0 / scale;
    for (number, value) in numbers.iter_mut().zip(word) {
        *number = (value * inverse + ROUND).to_bits() as i16;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, in [-1, 1].
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let hash = |at: usize| crate::murmur::string(&at.to_le_bytes(), seed);
        (0..count).map(|at| (hash(at) % 2001) as f32 / 1000.0 - 1.0).collect()
    }

    /// Sizes that fill panels, groups and pairs, and sizes that do not: of a word, places, outputs, rows. And how far off
    /// a product may be, in parts of what it is if all roundings are to one side; in groups, of few numbers, it may be more.
    const SIZES: [(usize, usize, usize, usize, f32); 5] =
        [(96, 3, 288, 22, 0.15), (96, 3, 288, 1, 0.15), (96, 1, 288, 5, 0.15), (5, 2, 50, 7, 1.01), (7, 3, 49, 6, 3.0)];

    fn products(matrix: &Matrix, input: &[f32], rows: usize) -> Vec<f32> {
        let (mut words, mut out) = (Words::default(), vec![f32::NAN; rows * matrix.outputs]);
        matrix.quantise(input, rows, &mut words);
        matrix.multiply(&mut words, 0, &mut out);
        out
    }

    #[test]
    fn products_are_near_those_of_floats() {
        for (width, places, outputs, rows, part) in SIZES {
            let weights = numbers(width * places * outputs, 1);
            let input = numbers((rows + places - 1) * width, 2);
            let (matrix, mut words) = (Matrix::new(&weights, outputs, places), Words::default());
            let out = products(&matrix, &input, rows);
            let inputs = width * places;
            let near = inputs as f32 / longest(width) * (width as f32).sqrt() * part;
            for (at, product) in out.iter().enumerate() {
                let (row, output) = (at / outputs, at % outputs);
                let pairs = (0..inputs).map(|at| input[row * width + at] * weights[at * outputs + output]);
                assert!((pairs.sum::<f32>() - product).abs() <= near, "{width} {places} {outputs} {rows}");
            }
            let first = matrix.group.rows * usize::from(rows > matrix.group.rows);
            let mut rest = vec![f32::NAN; (rows - first) * outputs];
            matrix.quantise(&input, rows, &mut words);
            matrix.multiply(&mut words, first, &mut rest);
            assert_eq!(rest, out[first * outputs..], "a group does not depend on its place");
        }
    }

    #[test]
    fn the_kernels_agree_to_the_bit() {
        assert!(Kernel::available().count() > usize::from(cfg!(target_arch = "x86_64")));
        let whole = |count, seed| numbers(count, seed).into_iter().map(|number| (number * 4500.0) as i16);
        let paired = |numbers: Vec<i16>| numbers.as_chunks::<2>().0.to_vec();
        for (pairs, rows) in [(48, 9), (48, 4), (48, 1), (3, 6), (1, 2)] {
            let weights = paired(whole(2 * pairs * PANEL, 3).collect());
            let weights: Vec<_> = weights.as_chunks().0.iter().map(|pairs| Panel(*pairs)).collect();
            let rows = paired(whole(2 * pairs * rows, 4).collect());
            let sums = Kernel::available().map(|kernel| {
                let mut sums = vec![Panel([0; PANEL]); rows.len() / pairs];
                kernel.multiply(&weights, &rows, &mut sums);
                sums.into_iter().map(|Panel(sums)| sums).collect::<Vec<_>>()
            });
            let sums: Vec<_> = sums.collect();
            assert!(sums.iter().all(|of| *of == sums[0]), "{pairs} {}", rows.len());
            let product = |at: usize| (0..2).map(move |half| (at, half));
            let want: i32 = (0..pairs)
                .flat_map(product)
                .map(|(at, half)| i32::from(rows[at][half]) * i32::from(weights[at].0[0][half]))
                .sum();
            assert_eq!(sums[0][0][0], want);
        }
    }

    #[test]
    fn the_largest_sum_has_room() {
        for width in [1, 2, 3, 64, 96, 97, 128, 300, 768] {
            // alike, which makes the largest product of all numbers of a length
            for word in [vec![-7.0; width], numbers(width, 5), vec![1e-25; width], vec![1e20; width]] {
                let mut row = vec![[0; 2]; width.div_ceil(2)];
                quantise(&word, longest(width), &mut row.as_flattened_mut()[..width]);
                let weights: Vec<_> = row.iter().map(|pair| Panel([*pair; PANEL])).collect();
                let want: i64 = row.as_flattened().iter().map(|number| i64::from(*number).pow(2)).sum();
                for kernel in Kernel::available() {
                    let mut sums = [Panel([0; PANEL])];
                    kernel.multiply(&weights, &row, &mut sums);
                    assert_eq!(i64::from(sums[0].0[PANEL - 1]), want, "{width} {kernel:?}");
                }
                let most = row.as_flattened().iter().map(|number| number.abs()).max();
                assert!(want as f32 > i32::MAX as f32 * 0.99 || most == Some(i16::MAX), "{width}: no room is left");
            }
        }
    }

    #[test]
    fn a_word_uses_all_of_its_bits() {
        let mut numbers = [0; 6];
        let scale = quantise(&[0.0, 30.0, -40.0, 0.02, -0.031, 0.009], 5000.0, &mut numbers);
        assert_eq!((numbers, (scale - 0.01).abs() < 1e-8), ([0, 3000, -4000, 2, -3, 1], true));
        assert_eq!((quantise(&[0.0; 6], 5000.0, &mut numbers), numbers), (0.0, [0; 6]));
    }
}
