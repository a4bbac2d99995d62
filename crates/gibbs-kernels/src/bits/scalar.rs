//! Word-parallel integer code; the only variant.

use super::{BitRows, words_per_row};

/// Transposes a 64 x 64 block in place: swaps off-diagonal quarters of halving size
/// (Warren, Hacker's Delight, 2nd ed., section 7-3).
fn transpose_block(x: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_FFFF_FFFF_u64;
    while width != 0 {
        for base in (0..64).step_by(2 * width) {
            for i in base..base + width {
                let swapped = (x[i] >> width ^ x[i + width]) & mask;
                x[i] ^= swapped << width;
                x[i + width] ^= swapped;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

pub(super) fn transpose(a: BitRows, out: &mut [u64]) {
    let (from, to) = (words_per_row(a.n_cols()), words_per_row(a.n_rows()));
    let mut block = [0; 64];
    for r in 0..to {
        let n_rows = (a.n_rows() - 64 * r).min(64);
        for c in 0..from {
            let n_cols = (a.n_cols() - 64 * c).min(64);
            for (i, word) in block.iter_mut().enumerate() {
                *word = if i < n_rows { a.words()[(64 * r + i) * from + c] } else { 0 };
            }
            transpose_block(&mut block);
            for (i, word) in block[..n_cols].iter().enumerate() {
                out[(64 * c + i) * to + r] = *word;
            }
        }
    }
}

pub(super) fn column_sums(a: BitRows, weights: Option<&[f32]>, out: &mut [f32]) {
    out.fill(0.0);
    for i in 0..a.n_rows() {
        let weight = weights.map_or(1.0, |w| w[i]);
        for_each_one(a.row(i), |k| out[k] += weight);
    }
}

pub(super) fn row_dots(a: BitRows, b: &[f32], out: &mut [f64]) {
    for (i, sum) in out.iter_mut().enumerate() {
        *sum = 0.0;
        for_each_one(a.row(i), |k| *sum += f64::from(b[k]));
    }
}

fn for_each_one(row: &[u64], mut f: impl FnMut(usize)) {
    for (w, &word) in row.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            f(64 * w + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}
