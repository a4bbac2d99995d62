//! The kernel of six rows by two panels of sixteen columns. Every sum is made in the order of the AVX2 kernel, so the bits are
//! the same.

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps,
};

use super::loops::{Kernel, Tile};
use super::packed::PANEL;

pub(super) const KERNEL: Kernel = Kernel { panels: 2, tile, tile_tn };

/// Calls `$f::<R, P>` for `R` rows (1 to 6) and one or two panels.
macro_rules! for_shape {
    ($rows:expr, $two:expr, $f:ident $args:tt) => {
        match ($rows, $two) {
            (1, true) => $f::<1, 2> $args,
            (2, true) => $f::<2, 2> $args,
            (3, true) => $f::<3, 2> $args,
            (4, true) => $f::<4, 2> $args,
            (5, true) => $f::<5, 2> $args,
            (6, true) => $f::<6, 2> $args,
            (1, false) => $f::<1, 1> $args,
            (2, false) => $f::<2, 1> $args,
            (3, false) => $f::<3, 1> $args,
            (4, false) => $f::<4, 1> $args,
            (5, false) => $f::<5, 1> $args,
            _ => $f::<6, 1> $args,
        }
    };
}

/// # Safety
/// As for [`Tile`].
#[target_feature(enable = "avx512f")]
unsafe fn tile(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { for_shape!(at.rows, at.finish.cols > PANEL, tile_of(at)) }
}

#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn tile_of<const R: usize, const P: usize>(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { multiply::<R, P, 1>(at, std::array::from_fn(|r| at.a.add(r * at.a_stride))) }
}

/// # Safety
/// As for [`Tile`].
#[target_feature(enable = "avx512f")]
unsafe fn tile_tn(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { for_shape!(at.rows, at.finish.cols > PANEL, tile_tn_of(at)) }
}

#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn tile_tn_of<const R: usize, const P: usize>(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { multiply::<R, P, R>(at, std::array::from_fn(|r| at.a.add(r))) }
}

/// `R` rows by `P` panels: number `p` of row `r` of `A` is at `rows[r] + S p`.
///
/// # Safety
/// As for [`Tile`], and `at.finish.cols` at most `16 P` and more than `16 (P - 1)`.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn multiply<const R: usize, const P: usize, const S: usize>(at: &Tile, rows: [*const f32; R]) {
    let mut sums = [[_mm512_setzero_ps(); P]; R];
    for p in 0..at.inner {
        // SAFETY: the caller's promise.
        unsafe {
            let b: [__m512; P] =
                std::array::from_fn(|w| _mm512_load_ps(at.panels.add(w * at.panel_stride + p * PANEL)));
            for r in 0..R {
                let a = _mm512_set1_ps(*rows[r].add(p * S));
                for w in 0..P {
                    sums[r][w] = _mm512_fmadd_ps(a, b[w], sums[r][w]);
                }
            }
        }
    }
    for w in 0..P {
        let cols = (at.finish.cols - w * PANEL).min(PANEL);
        let mask = (u32::from(__mmask16::MAX) >> (PANEL - cols)) as __mmask16;
        // SAFETY: the caller's promise, and the mask leaves out what is behind the last column.
        unsafe {
            let bias = match at.finish.bias {
                Some(bias) => _mm512_maskz_loadu_ps(mask, bias.as_ptr().add(w * PANEL)),
                None => _mm512_setzero_ps(),
            };
            for r in 0..R {
                let to = at.c.add(r * at.n + w * PANEL);
                let mut row = _mm512_add_ps(sums[r][w], bias);
                if at.finish.add {
                    row = _mm512_add_ps(row, _mm512_maskz_loadu_ps(mask, to));
                }
                _mm512_mask_storeu_ps(to, mask, row);
            }
        }
    }
}
