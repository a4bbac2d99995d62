//! Eight lanes in registers.

use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_blend_epi32,
    _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi32, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_load_si256, _mm256_mul_epu32, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_slli_epi64,
    _mm256_sqrt_ps, _mm256_srai_epi32, _mm256_srli_epi32, _mm256_srli_epi64, _mm256_store_si256, _mm256_storeu_ps,
    _mm256_sub_epi32, _mm256_xor_ps, _mm256_xor_si256,
};

use super::{DOMAIN, Lanes};
use crate::philox::{MULTIPLIER, ROUNDS, WEYL};

/// The state of [`Lanes`] in registers.
pub(crate) struct Wide([__m256i; 4]);

impl Wide {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(crate) fn new(lanes: &Lanes) -> Self {
        // SAFETY: each row is eight words, aligned to 32 bytes as the struct is.
        unsafe { Self(std::array::from_fn(|i| _mm256_load_si256(lanes.state[i].as_ptr().cast()))) }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(crate) fn store(&self, lanes: &mut Lanes) {
        for (row, x) in lanes.state.iter_mut().zip(self.0) {
            // SAFETY: as in `new`.
            unsafe { _mm256_store_si256(row.as_mut_ptr().cast(), x) };
        }
    }

    /// The next eight numbers, the same as [`Lanes::next_u32s`].
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(crate) fn next(&mut self) -> __m256i {
        let [s0, s1, s2, s3] = self.0;
        let sum = _mm256_add_epi32(s0, s3);
        let rotated = _mm256_or_si256(_mm256_slli_epi32::<7>(sum), _mm256_srli_epi32::<25>(sum));
        let result = _mm256_add_epi32(rotated, s0);
        let t = _mm256_slli_epi32::<9>(s1);
        let s2 = _mm256_xor_si256(s2, s0);
        let s3 = _mm256_xor_si256(s3, s1);
        let s1 = _mm256_xor_si256(s1, s2);
        let s0 = _mm256_xor_si256(s0, s3);
        let s2 = _mm256_xor_si256(s2, t);
        let s3 = _mm256_or_si256(_mm256_slli_epi32::<11>(s3), _mm256_srli_epi32::<21>(s3));
        self.0 = [s0, s1, s2, s3];
        result
    }
}

/// High and low words of the products of eight words with one.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn wide_product(x: __m256i, multiplier: u32) -> (__m256i, __m256i) {
    let m = _mm256_set1_epi32(multiplier as i32);
    let even = _mm256_mul_epu32(x, m);
    let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), m);
    let high = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
    let low = _mm256_blend_epi32::<0b1010_1010>(even, _mm256_slli_epi64::<32>(odd));
    (high, low)
}

/// Eight Philox blocks at once.
#[target_feature(enable = "avx2,fma")]
pub(super) fn seed(key: u128, block: u64) -> Lanes {
    let k: [u32; 4] = std::array::from_fn(|i| (key >> (32 * i)) as u32);
    let mut x = [
        _mm256_set1_epi32((block as u32 ^ k[2]) as i32),
        _mm256_set1_epi32(((block >> 32) as u32 ^ k[3]) as i32),
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        _mm256_set1_epi32(DOMAIN as i32),
    ];
    let mut k = [k[0], k[1]];
    for _ in 0..ROUNDS {
        let (high_a, low_a) = wide_product(x[0], MULTIPLIER[0]);
        let (high_b, low_b) = wide_product(x[2], MULTIPLIER[1]);
        let [k0, k1] = k.map(|k| _mm256_set1_epi32(k as i32));
        x = [
            _mm256_xor_si256(_mm256_xor_si256(high_b, x[1]), k0),
            low_b,
            _mm256_xor_si256(_mm256_xor_si256(high_a, x[3]), k1),
            low_a,
        ];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    // A state of zeros gets a one: subtracting the mask of all ones adds it.
    let any = _mm256_or_si256(_mm256_or_si256(x[0], x[1]), _mm256_or_si256(x[2], x[3]));
    x[0] = _mm256_sub_epi32(x[0], _mm256_cmpeq_epi32(any, _mm256_setzero_si256()));
    let mut lanes = Lanes { state: [[0; 8]; 4] };
    Wide(x).store(&mut lanes);
    lanes
}

/// Writes the first `out.len() <= 8` numbers.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(x: __m256, out: &mut [f32]) {
    if let Ok(out) = <&mut [f32; 8]>::try_from(&mut *out) {
        // SAFETY: eight numbers.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), x) };
    } else {
        let mut buffer = [0.0; 8];
        // SAFETY: eight numbers.
        unsafe { _mm256_storeu_ps(buffer.as_mut_ptr(), x) };
        out.copy_from_slice(&buffer[..out.len()]);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn uniform(lanes: &mut Lanes, out: &mut [f32]) {
    let mut wide = Wide::new(lanes);
    let unit = _mm256_set1_ps(1.0 / (1 << 24) as f32);
    for out in out.chunks_mut(8) {
        let whole = _mm256_cvtepi32_ps(_mm256_srli_epi32::<8>(wide.next()));
        store(_mm256_mul_ps(whole, unit), out);
    }
    wide.store(lanes);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn normal(lanes: &mut Lanes, out: &mut [f32]) {
    let mut wide = Wide::new(lanes);
    let (whole, rest) = out.as_chunks_mut::<16>();
    for out in whole {
        let (x, y) = (wide.next(), wide.next());
        let (a, b) = box_muller(x, y);
        let (first, second) = out.split_at_mut(8);
        store(a, first);
        store(b, second);
    }
    if !rest.is_empty() {
        let (x, y) = (wide.next(), wide.next());
        let (a, b) = box_muller(x, y);
        let (first, second) = rest.split_at_mut(rest.len().min(8));
        store(a, first);
        store(b, second);
    }
    wide.store(lanes);
}

/// Eight pairs of normal numbers.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn box_muller(x: __m256i, y: __m256i) -> (__m256, __m256) {
    let radius = radius(x);
    let (cos, sin) = cos_sin(y);
    (_mm256_mul_ps(radius, cos), _mm256_mul_ps(radius, sin))
}

/// `c[0] + c[1] x + ..`, four terms at a time by pairs (Estrin's scheme): the chain of dependent operations is half as long
/// as Horner's, and that chain is what the loops around wait for.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn polynomial<const N: usize>(x: __m256, c: [f32; N]) -> __m256 {
    let square = _mm256_mul_ps(x, x);
    let fourth = _mm256_mul_ps(square, square);
    let mut sum = _mm256_setzero_ps();
    for first in (0..N).step_by(4).rev() {
        let four = match N - first {
            1 => _mm256_set1_ps(c[first]),
            2 => pair(x, c[first], c[first + 1]),
            3 => _mm256_fmadd_ps(_mm256_set1_ps(c[first + 2]), square, pair(x, c[first], c[first + 1])),
            _ => _mm256_fmadd_ps(pair(x, c[first + 2], c[first + 3]), square, pair(x, c[first], c[first + 1])),
        };
        sum = if first + 4 < N { _mm256_fmadd_ps(sum, fourth, four) } else { four };
    }
    sum
}

/// `c + d x`
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pair(x: __m256, c: f32, d: f32) -> __m256 {
    _mm256_fmadd_ps(_mm256_set1_ps(d), x, _mm256_set1_ps(c))
}

/// `sqrt(-2 log u)` for `u = (x + 1) / 2^32`.
///
/// `u = 2^e (1 + f)` with `1 + f` in `[sqrt(1/2), sqrt(2))`, and `-2 log(1 + f) = -2 f + f^2 + f^3 q(f)`, where `q`
/// interpolates at Chebyshev nodes (relative error of the polynomial 0.33 x 2^-24).
#[target_feature(enable = "avx2,fma")]
#[inline]
fn radius(x: __m256i) -> __m256 {
    let one = _mm256_set1_ps(1.0);
    // Both halves are exact, so the one rounding is that of the conversion.
    let high = _mm256_cvtepi32_ps(_mm256_srli_epi32::<16>(x));
    let low = _mm256_cvtepi32_ps(_mm256_and_si256(x, _mm256_set1_epi32(0xFFFF)));
    let x = _mm256_add_ps(_mm256_fmadd_ps(high, _mm256_set1_ps(65536.0), low), one);
    let root = std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32;
    let bits = _mm256_sub_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(root + (32 << 23)));
    let e = _mm256_cvtepi32_ps(_mm256_srai_epi32::<23>(bits));
    let mantissa = _mm256_and_si256(bits, _mm256_set1_epi32(0x007F_FFFF));
    let f = _mm256_castsi256_ps(_mm256_add_epi32(mantissa, _mm256_set1_epi32(root)));
    let f = _mm256_add_ps(f, _mm256_set1_ps(-1.0));
    let q = polynomial(
        f,
        [
            -0.666_666_6,
            0.500_006_14,
            -0.400_020_9,
            0.332_825_63,
            -0.284_289_93,
            0.259_963_66,
            -0.252_446_38,
            0.158_054_87,
        ],
    );
    let square = _mm256_mul_ps(f, f);
    let tail = _mm256_fmadd_ps(_mm256_mul_ps(square, f), q, square);
    let log = _mm256_fmadd_ps(f, _mm256_set1_ps(-2.0), tail);
    _mm256_sqrt_ps(_mm256_fmadd_ps(e, _mm256_set1_ps(-2.0 * std::f32::consts::LN_2), log))
}

/// `cos` and `sin` of `2 pi y / 2^32`.
///
/// The angle within its quarter is `w pi / 4`, `|w| <= 1`; polynomials in `w^2` by interpolation at Chebyshev nodes
/// (relative errors 0.22 and 0.6 x 2^-24, the latter being the rounding of the first coefficient).
#[target_feature(enable = "avx2,fma")]
#[inline]
fn cos_sin(y: __m256i) -> (__m256, __m256) {
    let w = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_slli_epi32::<2>(y)), _mm256_set1_ps(2f32.powi(-31)));
    let t = _mm256_mul_ps(w, w);
    let sin = polynomial(t, [std::f32::consts::FRAC_PI_4, -0.080_745_436, 0.002_490_006_9, -3.595_429e-5]);
    let sin = _mm256_mul_ps(sin, w);
    let cos = polynomial(t, [1.0, -0.308_425_13, 0.015_854_338, -3.259_614e-4, 3.541_952_8e-6]);
    // The quarter is in the two highest bits: odd ones swap, and signs are bit 31 for the sine, the exclusive or of
    // both for the cosine.
    let quarter = _mm256_add_epi32(y, _mm256_set1_epi32(1 << 29));
    let odd = _mm256_slli_epi32::<1>(quarter);
    let minus = _mm256_set1_ps(-0.0);
    let sin_sign = _mm256_and_ps(_mm256_castsi256_ps(quarter), minus);
    let cos_sign = _mm256_and_ps(_mm256_castsi256_ps(_mm256_xor_si256(quarter, odd)), minus);
    let odd = _mm256_castsi256_ps(odd);
    (_mm256_xor_ps(_mm256_blendv_ps(cos, sin, odd), cos_sign), _mm256_xor_ps(_mm256_blendv_ps(sin, cos, odd), sin_sign))
}
