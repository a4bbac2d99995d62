//! Eight numbers at a time.

use std::arch::x86_64::{
    __m256, _CMP_NLT_UQ, _mm_add_pd, _mm_add_sd, _mm_cvtsd_f64, _mm_mul_pd, _mm_mul_sd, _mm_unpackhi_pd,
    _mm256_add_epi32, _mm256_add_pd, _mm256_add_ps, _mm256_and_ps, _mm256_blendv_ps, _mm256_castpd256_pd128,
    _mm256_castps_si256, _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtps_pd, _mm256_div_ps,
    _mm256_extractf128_pd, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_max_ps,
    _mm256_mul_pd, _mm256_mul_ps, _mm256_or_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
    _mm256_sub_ps,
};

/// `exp(t)` for `t <= 0`, within 1.5 units in the last place; zero below the smallest normal number; NaN stays NaN.
///
/// `t = n log 2 + r`, and `exp(r) = 1 + r + r^2 q(r)` on `|r| <= log(2) / 2`, where `q` interpolates at Chebyshev nodes
/// (relative error of the polynomial 0.17 x 2^-24).
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn exp_of_negative(t: __m256) -> __m256 {
    // Adding 1.5 x 2^23 rounds to a whole number, whose bits are then the lowest of the sum.
    let magic = _mm256_set1_ps(12_582_912.0);
    let shifted = _mm256_fmadd_ps(t, _mm256_set1_ps(std::f32::consts::LOG2_E), magic);
    let n = _mm256_sub_ps(shifted, magic);
    // log 2 in two pieces; the first has 16 bits, so its product with n is exact.
    let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693_145_75), t);
    let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.428_606_8e-6), r);
    let mut q = _mm256_set1_ps(1.392_621_3e-3);
    for c in [8.363_203e-3, 4.166_655_4e-2, 0.166_665_77, 0.5] {
        q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(c));
    }
    let one = _mm256_set1_ps(1.0);
    let p = _mm256_add_ps(_mm256_fmadd_ps(_mm256_mul_ps(r, r), q, r), one);
    let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted));
    let scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    let in_range = _mm256_cmp_ps::<_CMP_NLT_UQ>(t, _mm256_set1_ps(-87.336_54));
    _mm256_and_ps(scaled, in_range)
}

/// `exp(-|x|)`.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn exp_of_minus_abs(x: __m256) -> __m256 {
    exp_of_negative(_mm256_or_ps(x, _mm256_set1_ps(-0.0)))
}

/// The first `n <= 8` numbers of `x`, zeros behind them.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn load(x: &[f32]) -> __m256 {
    let mut buffer = [0.0; 8];
    let from = if x.len() >= 8 {
        x.as_ptr()
    } else {
        buffer[..x.len()].copy_from_slice(x);
        buffer.as_ptr()
    };
    // SAFETY: eight numbers are there in both cases.
    unsafe { _mm256_loadu_ps(from) }
}

/// The product of eight lanes in f64.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn product(x: __m256) -> f64 {
    let low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
    let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x));
    let four = _mm256_mul_pd(low, high);
    let two = _mm_mul_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
    _mm_cvtsd_f64(_mm_mul_sd(two, _mm_unpackhi_pd(two, two)))
}

/// The sum of eight lanes in f64.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn sum(x: __m256) -> f64 {
    let low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
    let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(x));
    let four = _mm256_add_pd(low, high);
    let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
    _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn sigmoid_8(y: __m256) -> __m256 {
    let one = _mm256_set1_ps(1.0);
    let e = exp_of_minus_abs(y);
    _mm256_div_ps(_mm256_blendv_ps(one, e, y), _mm256_add_ps(one, e))
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sigmoid(scale: f32, x: &[f32], out: &mut [f32]) {
    let scale = _mm256_set1_ps(scale);
    for (x, out) in x.chunks(8).zip(out.chunks_mut(8)) {
        let y = sigmoid_8(_mm256_mul_ps(scale, load(x)));
        if let Ok(out) = <&mut [f32; 8]>::try_from(&mut *out) {
            // SAFETY: eight numbers.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), y) };
        } else {
            let mut buffer = [0.0; 8];
            // SAFETY: eight numbers.
            unsafe { _mm256_storeu_ps(buffer.as_mut_ptr(), y) };
            out.copy_from_slice(&buffer[..out.len()]);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn softplus_sum(scale: f32, x: &[f32]) -> f64 {
    let (scale, one) = (_mm256_set1_ps(scale), _mm256_set1_ps(1.0));
    let mut total = 0.0;
    // 64 factors of at most two a lane: no product overflows.
    for x in x.chunks(512) {
        let (mut factors, mut linear) = (one, _mm256_setzero_ps());
        for x in x.chunks(8) {
            let y = _mm256_mul_ps(scale, load(x));
            factors = _mm256_mul_ps(factors, _mm256_add_ps(one, exp_of_minus_abs(y)));
            linear = _mm256_add_ps(linear, _mm256_max_ps(y, _mm256_setzero_ps()));
        }
        // Each padding zero brought a factor of exactly two.
        let padding = (x.len().next_multiple_of(8) - x.len()) as i32;
        total += sum(linear) + (product(factors) * 0.5f64.powi(padding)).ln();
    }
    total
}
