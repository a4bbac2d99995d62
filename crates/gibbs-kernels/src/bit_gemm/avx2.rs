//! Sixteen numbers in two registers of 256 bits, and the panels.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps,
    _mm256_store_ps, _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};

use super::tables::{self, Panel, Sixteen};
use super::{BitRows, Matrix, Sums, TILE, Unit};

/// [`tables::unit`] in registers.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn unit(a: BitRows, b: Matrix, unit: Unit, sums: &mut Sums) {
    tables::unit::<Two>(a, b, unit, sums);
}

/// Two registers. Made only within [`unit`], which runs only where they exist: that makes its methods sound.
#[derive(Clone, Copy)]
struct Two(__m256, __m256);

impl Sixteen for Two {
    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: see the type.
        unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the type.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
}

/// Copies `depth` rows of `width` columns into the panel, zeros around them.
#[target_feature(enable = "avx2,bmi2")]
pub(super) fn pack(b: Matrix, (row, depth): (usize, usize), (col, width): (usize, usize), panel: &mut Panel) {
    if b.row_stride == 1 && width == TILE && depth.is_multiple_of(8) {
        for k in (0..depth).step_by(8) {
            for half in [0, 8] {
                let from = &b.data[row + k + (col + half) * b.col_stride..];
                transpose_8x8(from, b.col_stride, &mut panel.0[k * TILE + half..]);
            }
        }
        return;
    }
    panel.0.fill(0.0);
    for k in 0..depth {
        for j in 0..width {
            panel.0[k * TILE + j] = b.data[(row + k) * b.row_stride + (col + j) * b.col_stride];
        }
    }
}

/// Writes the transpose of eight rows of eight to rows at a distance of `TILE`.
#[target_feature(enable = "avx2,bmi2")]
fn transpose_8x8(from: &[f32], stride: usize, to: &mut [f32]) {
    assert!(from.len() >= 7 * stride + 8 && to.len() >= 7 * TILE + 8);
    // SAFETY: both ends are checked above.
    unsafe {
        let x: [__m256; 8] = std::array::from_fn(|i| _mm256_loadu_ps(from.as_ptr().add(i * stride)));
        let mut pairs = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
        }
        let mut fours = [_mm256_setzero_ps(); 8];
        for i in 0..2 {
            for j in 0..2 {
                fours[4 * i + 2 * j] = _mm256_shuffle_ps::<0x44>(pairs[4 * i + j], pairs[4 * i + 2 + j]);
                fours[4 * i + 2 * j + 1] = _mm256_shuffle_ps::<0xEE>(pairs[4 * i + j], pairs[4 * i + 2 + j]);
            }
        }
        for i in 0..4 {
            let low = _mm256_permute2f128_ps::<0x20>(fours[i], fours[4 + i]);
            let high = _mm256_permute2f128_ps::<0x31>(fours[i], fours[4 + i]);
            _mm256_store_ps(to.as_mut_ptr().add(i * TILE), low);
            _mm256_store_ps(to.as_mut_ptr().add((4 + i) * TILE), high);
        }
    }
}
