//! Eight draws at a time.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_LT_OQ, _mm256_add_ps, _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_max_ps, _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_srli_epi32,
    _mm256_storeu_ps,
};

use super::Ratios;
use crate::activation::avx2::{exp_of_minus_abs, load};
use crate::rng::Lanes;
use crate::rng::avx2::Wide;

/// Bits of eight draws with logits `y`, and `1 + exp(-|y|)`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn draw_8(random: __m256i, y: __m256) -> (u64, __m256) {
    let e = exp_of_minus_abs(y);
    let whole = _mm256_cvtepi32_ps(_mm256_srli_epi32::<1>(random));
    let u = _mm256_fmadd_ps(whole, _mm256_set1_ps(2f32.powi(-31)), _mm256_set1_ps(2f32.powi(-32)));
    let factor = _mm256_add_ps(_mm256_set1_ps(1.0), e);
    let unlikely = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_mul_ps(u, factor), e));
    ((unlikely ^ _mm256_movemask_ps(y) ^ 0xFF) as u64, factor)
}

/// Ones for the first `n_cols <= 64` columns.
fn mask(n_cols: usize) -> u64 {
    u64::MAX >> (64 - n_cols)
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn draw(lanes: &mut Lanes, x: &[f32], row_stride: usize, n_cols: usize, scale: f32, out: &mut [u64]) {
    let mut wide = Wide::new(lanes);
    let scale = _mm256_set1_ps(scale);
    for (r, word) in out.iter_mut().enumerate() {
        for (eight, x) in x[r * row_stride..][..n_cols].chunks(8).enumerate() {
            let (bits, _) = draw_8(wide.next(), _mm256_mul_ps(scale, load(x)));
            *word |= bits << (8 * eight);
        }
        *word &= mask(n_cols);
    }
    wide.store(lanes);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn draw_with_increment(
    lanes: &mut Lanes,
    x: &[f32],
    row_stride: usize,
    n_cols: usize,
    out: &mut [u64],
    ratios: &mut Ratios,
) {
    let mut wide = Wide::new(lanes);
    let (beta0, beta1) = (_mm256_set1_ps(ratios.betas.0), _mm256_set1_ps(ratios.betas.1));
    for (r, word) in out.iter_mut().enumerate() {
        let rows = [&mut ratios.at_beta0[r], &mut ratios.at_beta1[r], &mut ratios.linear[r]];
        // SAFETY: eight numbers each.
        let [mut at_beta0, mut at_beta1, mut linear] = unsafe { rows.each_ref().map(|x| _mm256_loadu_ps(x.as_ptr())) };
        for (eight, x) in x[r * row_stride..][..n_cols].chunks(8).enumerate() {
            // Zeros behind the last column give equal factors and no linear part.
            let x = load(x);
            let (bits, factor) = draw_8(wide.next(), _mm256_mul_ps(beta1, x));
            *word |= bits << (8 * eight);
            at_beta1 = _mm256_mul_ps(at_beta1, factor);
            let e0 = exp_of_minus_abs(_mm256_mul_ps(beta0, x));
            at_beta0 = _mm256_mul_ps(at_beta0, _mm256_add_ps(_mm256_set1_ps(1.0), e0));
            linear = _mm256_add_ps(linear, _mm256_max_ps(x, _mm256_setzero_ps()));
        }
        *word &= mask(n_cols);
        for (to, x) in rows.into_iter().zip([at_beta0, at_beta1, linear]) {
            // SAFETY: eight numbers.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) };
        }
    }
    wide.store(lanes);
}
