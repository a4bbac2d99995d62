//! Inputs for the tests of several operations.

use crate::bits::words_per_row;
use crate::rng::fill_uniform;

/// Packed rows of independent bits.
pub(crate) fn random_bits(n_rows: usize, n_cols: usize, density: f64, seed: u64) -> Vec<u64> {
    let stride = words_per_row(n_cols);
    let mut u = vec![0.0; n_rows * n_cols];
    fill_uniform(u128::from(seed) << 64 | 7, &mut u);
    let mut words = vec![0; n_rows * stride];
    for i in 0..n_rows {
        for k in 0..n_cols {
            words[i * stride + k / 64] |= u64::from(f64::from(u[i * n_cols + k]) < density) << (k % 64);
        }
    }
    words
}
