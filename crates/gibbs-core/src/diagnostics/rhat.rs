//! R-hat: do the chains agree with each other, and each with itself?

use super::Draws;
use super::draws::{mean, variance};

/// Potential scale reduction of chains that are already split (equations 1-4):
/// `sqrt((B / W + n - 1) / n)` with the between- and within-chain variances. NaN when every chain is constant.
fn plain(x: &Draws) -> f64 {
    let n = x.n_draws() as f64;
    let means: Vec<f64> = x.chains().map(mean).collect();
    let variances: Vec<f64> = x.chains().map(variance).collect();
    ((n * variance(&means) / mean(&variances) + n - 1.0) / n).sqrt()
}

/// Split R-hat without rank normalisation; blind to differences in the tails, here for comparison.
pub fn split(x: &Draws) -> f64 {
    plain(&x.split())
}

/// Rank-normalised split R-hat: the larger of the values for location and, after folding about the median, for scale
/// (section 4.1). Below 1.01 is asked for; NaN when all draws are equal.
pub fn rank_normalised(x: &Draws) -> f64 {
    let split = x.split();
    let bulk = plain(&split.rank_normalise());
    let median = split.quantile(0.5);
    let tail = plain(&split.map(|v| (v - median).abs()).rank_normalise());
    // As `max` in ArviZ: a folded value that is not a number does not hide the other.
    if tail > bulk { tail } else { bulk }
}
