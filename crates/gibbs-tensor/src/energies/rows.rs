//! What every energy here does with rows: shape checks, and tables repeated so that short rows fill long vectors.

use gibbs_core::dense::Dense;
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};

/// Numbers in a tile, at least: enough for a loop over it to run in full vectors.
const TILE: usize = 64;

/// # Panics
/// If `x` has not rows of `n_cols` numbers, or `e` not one place a row.
pub(super) fn check<T: Real>(x: &Dense<T>, n_cols: usize, e: &[f64]) {
    check_cols(x, n_cols);
    assert_eq!(x.n_rows(), e.len(), "one energy a row");
}

/// # Panics
/// If `x` has not rows of `n_cols` numbers.
pub(super) fn check_cols<T: Real>(x: &Dense<T>, n_cols: usize) {
    assert_eq!(x.n_cols(), n_cols, "rows of this energy have {n_cols} numbers");
}

/// `values` repeated a whole number of times, to at least [`TILE`] numbers: a batch of short rows zipped with it in
/// chunks of its length is one flat loop, whatever the length of a row.
pub(super) fn tile<T: Real>(values: &[f64]) -> Vec<T> {
    let times = TILE.div_ceil(values.len().max(1));
    (0..times).flat_map(|_| values.iter().map(|&v| T::narrow(v))).collect()
}

/// A constant of `T`.
pub(super) fn c<T: Real>(x: f64) -> T {
    T::narrow(x)
}
