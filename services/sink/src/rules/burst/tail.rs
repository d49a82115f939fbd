//! How surprising a count is: the tail of the gamma-Poisson (negative binomial) distribution.

/// −log₁₀ P(X ≥ `observed`) for a negative binomial X with mean `expected` > 0 and shape `dispersion` > 0
/// (variance: expected + expected²/dispersion); 0 where no more was observed than expected.
///
/// The first term is summed in logarithms, the rest as ratios to it, so that no tail is too thin; relative error
/// below 1e-9.
pub(super) fn surprise(observed: u32, expected: f64, dispersion: f64) -> f64 {
    let k = f64::from(observed);
    if k <= expected {
        return 0.0;
    }
    let q = expected / (dispersion + expected);
    // P(X = j + 1) / P(X = j); below 1 from the mean on
    let ratio = |j: f64| (j + dispersion) / (j + 1.0) * q;
    let first = dispersion * (-q).ln_1p() + (0..observed).map(|j| ratio(j.into()).ln()).sum::<f64>();
    let (mut term, mut sum, mut j) = (1.0, 1.0, k);
    // what is left out is below term / (1 - q)
    while term > sum * (1.0 - q) * 1e-12 {
        term *= ratio(j);
        sum += term;
        j += 1.0;
    }
    -(first + sum.ln()) / std::f64::consts::LN_10
}
