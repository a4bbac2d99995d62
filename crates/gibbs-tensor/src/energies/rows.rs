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
/// If `x` or `g` has not rows of `n_cols` numbers, or they have not as many.
pub(super) fn check_pair<T: Real>(x: &Dense<T>, g: &Dense<T>, n_cols: usize) {
    check_cols(x, n_cols);
    assert_eq!((x.n_rows(), n_cols), (g.n_rows(), g.n_cols()), "gradients have the shape of the states");
}

fn check_cols<T: Real>(x: &Dense<T>, n_cols: usize) {
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

/// `exp(x)` for `x <= 0` to a few units in the last place; 0 below -708. Free of branches and table look-ups, so that loops
/// over it run in vectors: `x = n log 2 + r`, a Taylor polynomial of `r`, and `n` added to the exponent.
#[inline]
pub(super) fn exp_of_negative(x: f64) -> f64 {
    /// `1.5 * 2^52`: adding it rounds to an integer, which is then in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Not `max`, which would turn a NaN into a number.
    let held = if x < -708.0 { -708.0 } else { x };
    let shifted = held * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = held - n * LN_2_HIGH - n * LN_2_LOW;
    let mut sum = 1.0 / 6_227_020_800.0;
    for factorial in
        [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0]
    {
        sum = sum * r + 1.0 / factorial;
    }
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    if x < -708.0 { 0.0 } else { sum * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine units in the last place at most, over the whole range.
    #[test]
    fn the_exponential_of_negative_numbers() {
        for i in 0..708_000 {
            let x = -f64::from(i) * 1e-3;
            let off = exp_of_negative(x) / x.exp() - 1.0;
            assert!(off.abs() < 9.0 * f64::EPSILON, "{x}: {off:e}");
        }
        assert_eq!((exp_of_negative(0.0), exp_of_negative(-1e9), exp_of_negative(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp_of_negative(f64::NAN).is_nan());
    }
}
