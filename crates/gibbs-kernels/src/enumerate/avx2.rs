//! Shards of 64 states in registers: eight f32 vectors for the moments, twice eight f64 vectors for `log Z`.

use std::arch::x86_64::{
    __m256, __m256d, _CMP_NLT_UQ, _mm256_add_epi32, _mm256_add_epi64, _mm256_add_pd, _mm256_add_ps, _mm256_and_pd,
    _mm256_and_si256, _mm256_castpd_si256, _mm256_castps_si256, _mm256_castsi256_pd, _mm256_castsi256_ps,
    _mm256_cmp_pd, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_fnmadd_pd, _mm256_fnmadd_ps, _mm256_loadu_pd,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_mul_pd, _mm256_mul_ps, _mm256_or_pd, _mm256_or_si256, _mm256_rcp_ps,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_set1_pd, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_srli_epi32, _mm256_srli_epi64, _mm256_storeu_pd, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi32,
    _mm256_sub_pd,
};

use super::tables::SHARD;

/// `exp(t)` for `t <= 0` within an ulp, zero below -708; the f64 sister of [`crate::activation::avx2`]'s, with a
/// polynomial of relative error 0.34 x 2^-53.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn exp_of_negative(t: __m256d) -> __m256d {
    let magic = _mm256_set1_pd(6_755_399_441_055_744.0); // 1.5 x 2^52
    let shifted = _mm256_fmadd_pd(t, _mm256_set1_pd(std::f64::consts::LOG2_E), magic);
    let n = _mm256_sub_pd(shifted, magic);
    // log 2 with 32 bits, and the rest.
    let r = _mm256_fnmadd_pd(n, _mm256_set1_pd(LN_2_HIGH), t);
    let r = _mm256_fnmadd_pd(n, _mm256_set1_pd(std::f64::consts::LN_2 - LN_2_HIGH), r);
    let mut q = _mm256_set1_pd(2.504_464_247_357_219e-8);
    for c in [
        2.762_293_825_060_685e-7,
        2.755_741_129_688_99e-6,
        2.480_151_399_100_966e-5,
        1.984_126_971_688_810_3e-4,
        1.388_888_892_310_551_6e-3,
        8.333_333_333_408_292e-3,
        4.166_666_666_660_929_4e-2,
        0.166_666_666_666_664_9,
        0.5,
    ] {
        q = _mm256_fmadd_pd(q, r, _mm256_set1_pd(c));
    }
    let p = _mm256_add_pd(_mm256_fmadd_pd(_mm256_mul_pd(r, r), q, r), _mm256_set1_pd(1.0));
    let exponent = _mm256_slli_epi64::<52>(_mm256_castpd_si256(shifted));
    let scaled = _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(p), exponent));
    _mm256_and_pd(scaled, _mm256_cmp_pd::<_CMP_NLT_UQ>(t, _mm256_set1_pd(-708.0)))
}

/// log 2 rounded to 32 bits.
const LN_2_HIGH: f64 = f64::from_bits(std::f64::consts::LN_2.to_bits() & !0x1F_FFFF);

/// `(one, input)` of every unit (see [`super::tables`]) from its largest input `t`; returns `sum max(t, 0)`. The last
/// unit, which is always one, gets `(0, 1)`. All slices have the same length.
#[target_feature(enable = "avx2,fma")]
pub(super) fn factors(t: &[f64], one: &mut [f64], input: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for ((t, one), input) in t.chunks(4).zip(one.chunks_mut(4)).zip(input.chunks_mut(4)) {
        let mut four = [0.0; 4];
        four[..t.len()].copy_from_slice(t);
        // SAFETY: four numbers.
        unsafe {
            let e = exp_of_negative(_mm256_or_pd(_mm256_loadu_pd(four.as_ptr()), _mm256_set1_pd(-0.0)));
            _mm256_storeu_pd(four.as_mut_ptr(), e);
        }
        for (((t, one), input), e) in t.iter().zip(one).zip(input).zip(four) {
            (*one, *input) = if *t > 0.0 { (e, 1.0) } else { (1.0, e) };
            sum += t.max(0.0);
        }
    }
    let last = t.len() - 1;
    (one[last], input[last]) = (0.0, 1.0);
    sum
}

/// Multiplies the factors of all units into 64 weights `mantissa 2^exponent`; the exponent is taken off every
/// `group` units. `one`, `input` have a number a unit, `table` 64.
#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply_f32(
    (one, input, table): (&[f32], &[f32], &[f32]),
    group: usize,
    mantissa: &mut [f32; SHARD],
    exponent: &mut [i32; SHARD],
) {
    assert!(one.len() == input.len() && table.len() == one.len() * SHARD);
    // SAFETY: eight vectors of eight numbers each; a unit's row of the table is in range by the assertion.
    unsafe {
        let mut product: [__m256; 8] = std::array::from_fn(|v| _mm256_loadu_ps(mantissa.as_ptr().add(8 * v)));
        let mut start = 0;
        while start < one.len() {
            let end = one.len().min(start + group);
            for j in start..end {
                let (one, input) = (_mm256_set1_ps(one[j]), _mm256_set1_ps(input[j]));
                let row = table.as_ptr().add(j * SHARD);
                for (v, product) in product.iter_mut().enumerate() {
                    let factor = _mm256_fmadd_ps(input, _mm256_loadu_ps(row.add(8 * v)), one);
                    *product = _mm256_mul_ps(*product, factor);
                }
            }
            for (v, product) in product.iter_mut().enumerate() {
                let bits = _mm256_castps_si256(*product);
                let to = exponent.as_mut_ptr().add(8 * v).cast();
                let unbiased = _mm256_sub_epi32(_mm256_srli_epi32::<23>(bits), _mm256_set1_epi32(127));
                _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), unbiased));
                let fraction = _mm256_and_si256(bits, _mm256_set1_epi32(0x007F_FFFF));
                *product = _mm256_castsi256_ps(_mm256_or_si256(fraction, _mm256_set1_epi32(0x3F80_0000)));
            }
            start = end;
        }
        for (v, product) in product.iter().enumerate() {
            _mm256_storeu_ps(mantissa.as_mut_ptr().add(8 * v), *product);
        }
    }
}

/// [`multiply_f32`] in f64, 32 states at a time.
#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply_f64(
    (one, input, table): (&[f64], &[f64], &[f64]),
    group: usize,
    mantissa: &mut [f64; SHARD],
    exponent: &mut [i32; SHARD],
) {
    assert!(one.len() == input.len() && table.len() == one.len() * SHARD);
    for half in [0, SHARD / 2] {
        // SAFETY: eight vectors of four numbers each; a unit's row of the table is in range by the assertion.
        unsafe {
            let at = mantissa.as_mut_ptr().add(half);
            let mut product: [__m256d; 8] = std::array::from_fn(|v| _mm256_loadu_pd(at.add(4 * v)));
            let mut sums = [_mm256_setzero_si256(); 8];
            let mut groups = 0;
            for start in (0..one.len()).step_by(group) {
                for j in start..one.len().min(start + group) {
                    let (one, input) = (_mm256_set1_pd(one[j]), _mm256_set1_pd(input[j]));
                    let row = table.as_ptr().add(j * SHARD + half);
                    for (v, product) in product.iter_mut().enumerate() {
                        let factor = _mm256_fmadd_pd(input, _mm256_loadu_pd(row.add(4 * v)), one);
                        *product = _mm256_mul_pd(*product, factor);
                    }
                }
                groups += 1;
                for (product, sum) in product.iter_mut().zip(&mut sums) {
                    let bits = _mm256_castpd_si256(*product);
                    *sum = _mm256_add_epi64(*sum, _mm256_srli_epi64::<52>(bits));
                    let fraction = _mm256_and_si256(bits, _mm256_set1_epi64x(0x000F_FFFF_FFFF_FFFF));
                    *product = _mm256_castsi256_pd(_mm256_or_si256(fraction, _mm256_set1_epi64x(1023 << 52)));
                }
            }
            for (v, (product, sum)) in product.iter().zip(sums).enumerate() {
                _mm256_storeu_pd(at.add(4 * v), *product);
                let mut biased = [0i64; 4];
                _mm256_storeu_si256(biased.as_mut_ptr().cast(), sum);
                for (e, sum) in exponent[half + 4 * v..][..4].iter_mut().zip(biased) {
                    *e += (sum - 1023 * groups) as i32;
                }
            }
        }
    }
}

/// Adds `weight_s sigmoid(a_j(s))` to `sums[j][s]`, and its sum over the 64 states to `totals[j]`.
///
/// `sigmoid = input table / (one + input table)`; the reciprocal is refined once, to 2^-22.
#[target_feature(enable = "avx2,fma")]
pub(super) fn add_sigmoids(
    (one, input, table): (&[f32], &[f32], &[f32]),
    weight: &[f32; SHARD],
    sums: &mut [f32],
    totals: &mut [f32],
) {
    assert!(one.len() == input.len() && totals.len() == one.len());
    assert!(table.len() == one.len() * SHARD && sums.len() == table.len());
    // SAFETY: eight vectors of eight numbers each; the rows are in range by the assertions.
    unsafe {
        let weight: [__m256; 8] = std::array::from_fn(|v| _mm256_loadu_ps(weight.as_ptr().add(8 * v)));
        let two = _mm256_set1_ps(2.0);
        for (j, total) in totals.iter_mut().enumerate() {
            let (one, input) = (_mm256_set1_ps(one[j]), _mm256_set1_ps(input[j]));
            let (row, to) = (table.as_ptr().add(j * SHARD), sums.as_mut_ptr().add(j * SHARD));
            let mut lanes = [_mm256_set1_ps(0.0); 2];
            for (v, weight) in weight.iter().enumerate() {
                let x = _mm256_mul_ps(input, _mm256_loadu_ps(row.add(8 * v)));
                let factor = _mm256_add_ps(one, x);
                let guess = _mm256_rcp_ps(factor);
                let inverse = _mm256_mul_ps(guess, _mm256_fnmadd_ps(factor, guess, two));
                let share = _mm256_mul_ps(_mm256_mul_ps(*weight, x), inverse);
                lanes[v % 2] = _mm256_add_ps(lanes[v % 2], share);
                _mm256_storeu_ps(to.add(8 * v), _mm256_add_ps(_mm256_loadu_ps(to.add(8 * v)), share));
            }
            let mut eight = [0.0; 8];
            _mm256_storeu_ps(eight.as_mut_ptr(), _mm256_add_ps(lanes[0], lanes[1]));
            let four: [f32; 4] = std::array::from_fn(|l| eight[l] + eight[l + 4]);
            *total = (four[0] + four[2]) + (four[1] + four[3]);
        }
    }
}
