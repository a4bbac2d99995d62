//! The plain twin.

use crate::activation::scalar::{exp_of_minus_abs, softplus};
use crate::rng::Lanes;

/// A uniform number on the midpoints of a grid of 2^-31.
fn uniform(x: u32) -> f32 {
    (x >> 1) as f32 * 2f32.powi(-31) + 2f32.powi(-32)
}

pub(super) fn draw(lanes: &mut Lanes, x: &[f32], row_stride: usize, n_cols: usize, scale: f32, out: &mut [u64]) {
    for (r, word) in out.iter_mut().enumerate() {
        for (eight, x) in x[r * row_stride..][..n_cols].chunks(8).enumerate() {
            for ((lane, x), random) in x.iter().enumerate().zip(lanes.next_u32s()) {
                let y = scale * x;
                let e = exp_of_minus_abs(y);
                let unlikely = uniform(random) * (1.0 + e) < e;
                *word |= u64::from(unlikely != y.is_sign_positive()) << (8 * eight + lane);
            }
        }
    }
}

pub(super) fn draw_with_increment(
    lanes: &mut Lanes,
    x: &[f32],
    row_stride: usize,
    n_cols: usize,
    (beta0, beta1): (f32, f32),
    out: &mut [u64],
    sums: &mut [f64],
) {
    draw(lanes, x, row_stride, n_cols, beta1, out);
    for (x, sum) in x.chunks(row_stride).zip(&mut sums[..out.len()]) {
        for &x in &x[..n_cols] {
            *sum += softplus(f64::from(beta1) * f64::from(x)) - softplus(f64::from(beta0) * f64::from(x));
        }
    }
}
