//! Eight numbers at a time.

use std::arch::x86_64::{
    __m256, _CMP_GT_OQ, _mm256_add_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_div_ps, _mm256_fmadd_ps,
    _mm256_fmsub_ps, _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::Activation;
use crate::activation::avx2::{exp_of_minus_abs, exp_of_negative};
use crate::rng::avx2::polynomial;

const SILU: u8 = 0;
const SOFTPLUS: u8 = 1;
const TANH: u8 = 2;
const GELU: u8 = 3;
const ELU: u8 = 4;
const LEAKY_RELU: u8 = 5;
const SIGMOID: u8 = 6;

#[target_feature(enable = "avx2,fma")]
pub(super) fn apply(kind: Activation, z: &[f32], bias: Option<&[f32]>, outs: [Option<&mut [f32]>; 4]) {
    match kind {
        Activation::Silu => apply_to_order::<SILU>(0.0, z, bias, outs),
        Activation::Softplus => apply_to_order::<SOFTPLUS>(0.0, z, bias, outs),
        Activation::Tanh => apply_to_order::<TANH>(0.0, z, bias, outs),
        Activation::Gelu => apply_to_order::<GELU>(0.0, z, bias, outs),
        Activation::Elu => apply_to_order::<ELU>(0.0, z, bias, outs),
        Activation::LeakyRelu(slope) => apply_to_order::<LEAKY_RELU>(slope, z, bias, outs),
        Activation::Sigmoid => apply_to_order::<SIGMOID>(0.0, z, bias, outs),
    }
}

/// Picks the loop that computes no derivative beyond the last one asked for.
#[target_feature(enable = "avx2,fma")]
fn apply_to_order<const KIND: u8>(slope: f32, z: &[f32], bias: Option<&[f32]>, outs: [Option<&mut [f32]>; 4]) {
    match outs.iter().rposition(Option::is_some) {
        None => {}
        Some(0) => rows::<KIND, 1>(slope, z, bias, outs),
        Some(1) => rows::<KIND, 2>(slope, z, bias, outs),
        Some(2) => rows::<KIND, 3>(slope, z, bias, outs),
        Some(_) => rows::<KIND, 4>(slope, z, bias, outs),
    }
}

/// The first `N` of value and derivatives, row by row of the bias.
#[target_feature(enable = "avx2,fma")]
fn rows<const KIND: u8, const N: usize>(slope: f32, z: &[f32], bias: Option<&[f32]>, outs: [Option<&mut [f32]>; 4]) {
    let slope = _mm256_set1_ps(slope);
    let len = bias.map_or(z.len(), <[f32]>::len);
    let bias = bias.map_or(std::ptr::null(), <[f32]>::as_ptr);
    let outs = outs.map(|out| out.map_or(std::ptr::null_mut(), <[f32]>::as_mut_ptr));
    for first in (0..z.len()).step_by(len.max(1)) {
        for at in (0..len - len % 8).step_by(8) {
            // SAFETY: `z` and what is not null of `outs` have `len` numbers from `first` on, which the caller checked, and
            // the bias has `len`; eight of them are left.
            unsafe { eight::<KIND, N>(z.as_ptr().add(first + at), bias, at, slope, outs, first + at) };
        }
        let at = len - len % 8;
        if at < len {
            let mut edge = [[0.0; 8]; 6];
            let [z_edge, bias_edge, out_edges @ ..] = &mut edge;
            // SAFETY: `len - at` numbers are left in each, and the buffers have eight.
            unsafe {
                z_edge[..len - at].copy_from_slice(&z[first + at..first + len]);
                if !bias.is_null() {
                    std::ptr::copy_nonoverlapping(bias.add(at), bias_edge.as_mut_ptr(), len - at);
                }
                let to = out_edges.each_mut().map(|out| out.as_mut_ptr());
                eight::<KIND, N>(z_edge.as_ptr(), bias_edge.as_ptr(), 0, slope, to, 0);
                for (out, from) in outs.iter().zip(to).filter(|(out, _)| !out.is_null()) {
                    std::ptr::copy_nonoverlapping(from, out.add(first + at), len - at);
                }
            }
        }
    }
}

/// Eight numbers: `z` plus those of a bias from `bias_at` on, results to `to` in each of `outs` that is not null.
///
/// # Safety
/// All these must be there.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn eight<const KIND: u8, const N: usize>(
    z: *const f32,
    bias: *const f32,
    bias_at: usize,
    slope: __m256,
    outs: [*mut f32; 4],
    to: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut z = _mm256_loadu_ps(z);
        if !bias.is_null() {
            z = _mm256_add_ps(z, _mm256_loadu_ps(bias.add(bias_at)));
        }
        let results = evaluate::<KIND>(z, slope);
        for order in 0..N {
            if !outs[order].is_null() {
                _mm256_storeu_ps(outs[order].add(to), results[order]);
            }
        }
    }
}

/// Value and three derivatives; what is not used is not computed, since this is inlined. Formulas as in the plain twin.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn evaluate<const KIND: u8>(z: __m256, slope: __m256) -> [__m256; 4] {
    let (zero, one) = (_mm256_setzero_ps(), _mm256_set1_ps(1.0));
    match KIND {
        SIGMOID => {
            let l = Logistic::new(exp_of_minus_abs(z), z);
            [l.s, l.v, _mm256_mul_ps(l.v, l.minus_t), _mm256_mul_ps(l.v, one_minus_six(l.v))]
        }
        SOFTPLUS => {
            let e = exp_of_minus_abs(z);
            let l = Logistic::new(e, z);
            let value = _mm256_fmadd_ps(e, log_1p_over(e), _mm256_max_ps(zero, z));
            [value, l.s, l.v, _mm256_mul_ps(l.v, l.minus_t)]
        }
        SILU => {
            let l = Logistic::new(exp_of_minus_abs(z), z);
            let second = _mm256_fmadd_ps(z, l.minus_t, _mm256_set1_ps(2.0));
            let third = _mm256_fmadd_ps(_mm256_set1_ps(3.0), l.minus_t, _mm256_mul_ps(z, one_minus_six(l.v)));
            let first = _mm256_fmadd_ps(z, l.v, l.s);
            [_mm256_mul_ps(z, l.s), first, _mm256_mul_ps(l.v, second), _mm256_mul_ps(l.v, third)]
        }
        TANH => {
            // tanh(z) = s(2 z) - s(-2 z), and its derivative is 4 s(2 z) s(-2 z).
            let l = Logistic::new(exp_of_minus_abs(_mm256_add_ps(z, z)), z);
            let d = _mm256_mul_ps(_mm256_set1_ps(4.0), l.v);
            let second = _mm256_mul_ps(_mm256_add_ps(d, d), l.minus_t);
            // d (6 t^2 - 2) and not d (4 - 6 d), whose terms are larger than what is left of them.
            let bend = _mm256_fmsub_ps(_mm256_mul_ps(_mm256_set1_ps(6.0), l.minus_t), l.minus_t, _mm256_set1_ps(2.0));
            let third = _mm256_mul_ps(d, bend);
            [_mm256_sub_ps(zero, l.minus_t), d, second, third]
        }
        GELU => {
            // The density is zero beyond 14; the clamp keeps NaN, which `min` and `max` do in their second place.
            let c = _mm256_max_ps(_mm256_set1_ps(-14.0), _mm256_min_ps(_mm256_set1_ps(14.0), z));
            let square = _mm256_mul_ps(c, c);
            let e = exp_of_negative(_mm256_mul_ps(_mm256_set1_ps(-0.5), square));
            let tail = _mm256_mul_ps(e, normal_tail_over_density(_mm256_max_ps(c, _mm256_sub_ps(zero, c))));
            let distribution = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, z);
            let density = _mm256_mul_ps(_mm256_set1_ps(0.398_942_3), e);
            let second = _mm256_mul_ps(density, _mm256_sub_ps(_mm256_set1_ps(2.0), square));
            let third = _mm256_mul_ps(density, _mm256_mul_ps(c, _mm256_sub_ps(square, _mm256_set1_ps(4.0))));
            [_mm256_mul_ps(z, distribution), _mm256_fmadd_ps(c, density, distribution), second, third]
        }
        ELU => {
            let (e, above) = (exp_of_minus_abs(z), _mm256_cmp_ps::<_CMP_GT_OQ>(z, zero));
            let high = _mm256_blendv_ps(e, zero, above);
            [_mm256_blendv_ps(_mm256_sub_ps(e, one), z, above), _mm256_blendv_ps(e, one, above), high, high]
        }
        _ => {
            let above = _mm256_cmp_ps::<_CMP_GT_OQ>(z, zero);
            let first = _mm256_blendv_ps(slope, one, above);
            [_mm256_mul_ps(first, z), first, zero, zero]
        }
    }
}

/// What the logistic functions share.
struct Logistic {
    /// `s(z)`
    s: __m256,
    /// `s (1 - s)`
    v: __m256,
    /// `1 - 2 s`
    minus_t: __m256,
}

impl Logistic {
    /// From `e = exp(-|z|)` and the sign of `z`.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(e: __m256, z: __m256) -> Self {
        let one = _mm256_set1_ps(1.0);
        let large = _mm256_div_ps(one, _mm256_add_ps(one, e));
        let small = _mm256_mul_ps(e, large);
        let (s, rest) = (_mm256_blendv_ps(large, small, z), _mm256_blendv_ps(small, large, z));
        Self { s, v: _mm256_mul_ps(large, small), minus_t: _mm256_sub_ps(rest, s) }
    }
}

/// `1 - 6 v`
#[target_feature(enable = "avx2,fma")]
#[inline]
fn one_minus_six(v: __m256) -> __m256 {
    _mm256_fnmadd_ps(_mm256_set1_ps(6.0), v, _mm256_set1_ps(1.0))
}

/// `log(1 + e) / e` on `[0, 1]` by interpolation at Chebyshev nodes, within 1e-8.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn log_1p_over(e: __m256) -> __m256 {
    polynomial(
        e,
        [
            1.0,
            -0.499_998_93,
            0.333_297_1,
            -0.249_516_16,
            0.196_632_74,
            -0.152_696_67,
            0.105_436_236,
            -0.056_373_61,
            0.019_542_526,
            -0.003_176_057,
        ],
    )
}

/// `Phi(-x) exp(x^2 / 2)` for `x >= 0`, to 2e-8 after multiplication by `exp(-x^2 / 2)`.
///
/// `t` times a polynomial in `t = 1 / (1 + 0.23 x)`, by interpolation at Chebyshev nodes of `x <= 6.5`; beyond, the
/// product is below 1e-10 in truth and here.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn normal_tail_over_density(x: __m256) -> __m256 {
    let one = _mm256_set1_ps(1.0);
    let t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(0.23), x, one));
    let p = polynomial(
        t,
        [
            0.091_883_54,
            0.089_267_5,
            0.106_234_74,
            -0.002_999_926_7,
            0.260_033_6,
            -0.243_459_08,
            0.274_324_74,
            -0.075_285_14,
        ],
    );
    _mm256_mul_ps(t, p)
}
