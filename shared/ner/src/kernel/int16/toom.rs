//! How several rows of products are had of fewer products than words times rows.
//!
//! A row is the sum of products of several words with the weights of their places, and the next row begins a word
//! later: rows are a convolution. Toom and Cook: it is the product of two polynomials, known from its values at as many
//! points as it has coefficients, one of them at infinity. At each point there is one product, of a sum of words with
//! a sum of weights, and the rows are sums of those. So four rows of three words each take six products in the place of
//! twelve (Lavin and Gray 2015, <https://arxiv.org/abs/1509.09308>). What is lost in precision grows with the numbers of
//! the points; those below lose a factor of two in rounded products, about as few as any (Barabasz and others 2018,
//! <https://arxiv.org/abs/1803.10986>).

use super::{PANEL, Panel};

/// All but the one at infinity, exact in binary.
const POINTS: [f32; 5] = [0.0, 0.75, -0.75, 1.5, -1.5];

/// What is computed of a group of rows next to each other.
#[derive(Debug)]
pub(super) struct Group {
    pub rows: usize,
    pub products: Vec<Product>,
}

/// A product of a sum of words with a sum of weights.
#[derive(Debug)]
pub(super) struct Product {
    /// The factor of each of the group's words: there are as many as a row has, and one more for each row but one.
    pub words: Vec<f32>,
    /// The factor of each place's weights.
    pub places: Vec<f32>,
    /// The factor with which it is part of each row.
    pub rows: Vec<f32>,
}

impl Group {
    /// For rows of so many words.
    pub fn new(places: usize) -> Self {
        if places != 3 {
            return Self::direct(places);
        }
        let rows = POINTS.len() + 2 - places;
        let powers = |point: f32, count: usize| (0..count as i32).map(|power| point.powi(power)).collect();
        let finite = POINTS.iter().map(|point| {
            let others = || POINTS.iter().filter(|other| *other != point);
            let scale: f32 = others().map(|other| point - other).product();
            let mut words = polynomial(others());
            words.iter_mut().for_each(|factor| *factor /= scale);
            words.push(0.0);
            Product { words, places: powers(*point, places), rows: powers(*point, rows) }
        });
        let last = |count: usize| (0..count).map(|at| f32::from(at + 1 == count)).collect();
        let infinite = Product { words: polynomial(POINTS.iter()), places: last(places), rows: last(rows) };
        Self { rows, products: finite.chain([infinite]).collect() }
    }

    /// A row, of the group's products.
    #[inline(always)]
    pub fn row(&self, row: usize, products: &[Panel<f32>]) -> Panel<f32> {
        let mut sums = Panel([0.0; PANEL]);
        let factors = self.products.iter().map(|product| product.rows[row]);
        for (Panel(product), factor) in products.iter().zip(factors).filter(|(_, factor)| *factor != 0.0) {
            sums.0.iter_mut().zip(product).for_each(|(sum, value)| *sum += value * factor);
        }
        sums
    }

    /// A row at a time: each word with the weights of its place.
    fn direct(places: usize) -> Self {
        let only = |place: usize| (0..places).map(|at| f32::from(at == place)).collect::<Vec<_>>();
        let product = |place| Product { words: only(place), places: only(place), rows: vec![1.0] };
        Self { rows: 1, products: (0..places).map(product).collect() }
    }
}

/// The coefficients, the constant first, of the polynomial with these zeros.
fn polynomial<'a>(zeros: impl Iterator<Item = &'a f32>) -> Vec<f32> {
    zeros.fold(vec![1.0], |factors, zero| {
        let shifted = std::iter::once(0.0).chain(factors.iter().copied());
        let scaled = factors.iter().map(|factor| -zero * factor).chain([0.0]);
        shifted.zip(scaled).map(|(shifted, scaled)| shifted + scaled).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_a_convolution() {
        for places in [1, 2, 3, 5] {
            let group = Group::new(places);
            let words: Vec<f32> = (0..places + group.rows - 1).map(|at| (at * at % 7) as f32 - 2.5).collect();
            let weights: Vec<f32> = (0..places).map(|at| 1.5 - (at * 3 % 5) as f32).collect();
            let dot =
                |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>();
            for row in 0..group.rows {
                let of = |product: &Product| {
                    product.rows[row] * dot(&product.words, &words) * dot(&product.places, &weights)
                };
                let (got, want) =
                    (group.products.iter().map(of).sum::<f32>(), dot(&weights, &words[row..row + places]));
                assert!((got - want).abs() < 1e-4, "{places} {row}: {got} {want}");
            }
        }
    }
}
