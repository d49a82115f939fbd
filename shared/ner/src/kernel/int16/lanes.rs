//! The one step that is made for the processor: products of rows of pairs of numbers with a panel of weights, in sums
//! of 32 bits. On x86 it is an instruction or two since SSE2. Sums of whole numbers are exact, so all agree to the bit.

use super::{PANEL, Pair, Panel};
#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::cast;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m128i, __m256i, __m512i, _mm512_dpwssd_epi32};

#[cfg(target_arch = "x86_64")]
pulp::simd_type! {
    pub(super) struct Vnni {
        wide: "avx512f",
        vnni: "avx512vnni",
    }
    pub(super) struct Avx2 {
        avx: "avx",
        avx2: "avx2",
    }
    pub(super) struct Sse2 {
        sse2: "sse2",
    }
}

/// What the products are computed with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kernel {
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
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let made = [Vnni::try_new().map(Self::Vnni), Avx2::try_new().map(Self::Avx2), Sse2::try_new().map(Self::Sse2)];
        #[cfg(not(target_arch = "x86_64"))]
        let made: [Option<Self>; 0] = [];
        made.into_iter().flatten().chain([Self::Portable])
    }

    /// The quickest one.
    pub fn quickest() -> Self {
        Self::available().next().unwrap_or(Self::Portable)
    }

    /// `sums` become those of the rows, one after another, with the weights, which are as many pairs as a row has.
    pub fn multiply(self, weights: &[Panel<Pair>], rows: &[Pair], sums: &mut [Panel<i32>]) {
        match self {
            // SAFETY: of each of these there is one only where the processor has the features.
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(lanes) => unsafe { vnni(lanes, weights, rows, sums) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => unsafe { avx2(lanes, weights, rows, sums) },
            #[cfg(target_arch = "x86_64")]
            Self::Sse2(lanes) => unsafe { sse2(lanes, weights, rows, sums) },
            Self::Portable => multiply::<4, 2, 4, _>(Portable, weights, rows, sums),
        }
    }
}

// so many vectors of sums are in hand at a time as hide what an instruction takes, and fit the registers
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni(lanes: Vnni, weights: &[Panel<Pair>], rows: &[Pair], sums: &mut [Panel<i32>]) {
    multiply::<16, 3, 4, _>(lanes, weights, rows, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(lanes: Avx2, weights: &[Panel<Pair>], rows: &[Pair], sums: &mut [Panel<i32>]) {
    multiply::<8, 6, 1, _>(lanes, weights, rows, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn sse2(lanes: Sse2, weights: &[Panel<Pair>], rows: &[Pair], sums: &mut [Panel<i32>]) {
    multiply::<4, 2, 4, _>(lanes, weights, rows, sums);
}

/// `ROWS` at a time, and the rest one by one.
#[inline(always)]
fn multiply<const N: usize, const VECTORS: usize, const ROWS: usize, L: Lanes<N>>(
    lanes: L,
    weights: &[Panel<Pair>],
    rows: &[Pair],
    sums: &mut [Panel<i32>],
) {
    let (tiles, rest) = sums.as_chunks_mut::<ROWS>();
    let (in_tiles, others) = rows.split_at(tiles.len() * ROWS * weights.len());
    for (rows, tile) in in_tiles.chunks_exact(ROWS * weights.len()).zip(tiles) {
        compute::<N, VECTORS, ROWS, L>(lanes, weights, rows, tile);
    }
    for (row, sums) in others.chunks_exact(weights.len()).zip(rest) {
        compute::<N, VECTORS, 1, L>(lanes, weights, row, std::array::from_mut(sums));
    }
}

#[inline(always)]
fn compute<const N: usize, const VECTORS: usize, const ROWS: usize, L: Lanes<N>>(
    lanes: L,
    weights: &[Panel<Pair>],
    rows: &[Pair],
    tile: &mut [Panel<i32>; ROWS],
) {
    let rows: [&[Pair]; ROWS] = std::array::from_fn(|row| &rows[row * weights.len()..][..weights.len()]);
    for first in (0..PANEL / N).step_by(VECTORS) {
        let mut sums = [[lanes.zeros(); VECTORS]; ROWS];
        // with indices, not iterators: the compiler unrolls these and keeps the sums in registers
        for (at, Panel(weights)) in weights.iter().enumerate() {
            let weights = &weights.as_chunks::<N>().0[first..first + VECTORS];
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    sums[row][vector] = lanes.step(sums[row][vector], rows[row][at], weights[vector]);
                }
            }
        }
        for (Panel(out), sums) in tile.iter_mut().zip(sums) {
            for (out, sums) in out[first * N..].chunks_exact_mut(N).zip(sums) {
                out.copy_from_slice(&lanes.store(sums));
            }
        }
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
