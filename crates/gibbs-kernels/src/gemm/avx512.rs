//! The kernel of six rows by two panels of sixteen columns. Every sum is made in the order of the AVX2 kernel, so the bits are
//! the same.

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps,
};

use super::loops::{Finish, Kernel, Tile};
use super::packed::PANEL;

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
pub(crate) use for_shape;

/// Sums of `R` rows by `16 P` columns.
pub(crate) type Sums<const R: usize, const P: usize> = [[__m512; P]; R];

/// Sums of zero.
#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn zeros<const R: usize, const P: usize>() -> Sums<R, P> {
    [[_mm512_setzero_ps(); P]; R]
}

/// `sums += A B` over `k` inner numbers: number `p` of row `r` is at `rows[r] + S p`, row `p` of panel `w` of `B` at
/// `panels + w panel_stride + 16 p`.
///
/// # Safety
/// These numbers must be there, and rows of panels aligned to 64 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) unsafe fn multiply_add<const R: usize, const P: usize, const S: usize>(
    sums: &mut Sums<R, P>,
    k: usize,
    rows: [*const f32; R],
    panels: *const f32,
    panel_stride: usize,
) {
    let mut now = *sums;
    for p in 0..k {
        // SAFETY: the caller's promise.
        unsafe {
            let b: [__m512; P] = std::array::from_fn(|w| _mm512_load_ps(panels.add(w * panel_stride + p * PANEL)));
            for r in 0..R {
                let a = _mm512_set1_ps(*rows[r].add(p * S));
                for w in 0..P {
                    now[r][w] = _mm512_fmadd_ps(a, b[w], now[r][w]);
                }
            }
        }
    }
    *sums = now;
}

/// Writes the sums of row `r` to `to[r]`.
///
/// # Safety
/// Each of `to` must be valid for `finish.cols` numbers, at most `16 P` and more than `16 (P - 1)`, and the bias as long.
#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) unsafe fn store<const R: usize, const P: usize>(sums: &Sums<R, P>, to: [*mut f32; R], finish: Finish) {
    for w in 0..P {
        let cols = (finish.cols - w * PANEL).min(PANEL);
        let mask = (u32::from(__mmask16::MAX) >> (PANEL - cols)) as __mmask16;
        // SAFETY: the caller's promise, and the mask leaves out what is behind the last column.
        unsafe {
            let bias = match finish.bias {
                Some(bias) => _mm512_maskz_loadu_ps(mask, bias.as_ptr().add(w * PANEL)),
                None => _mm512_setzero_ps(),
            };
            for r in 0..R {
                let to = to[r].add(w * PANEL);
                let mut row = _mm512_add_ps(sums[r][w], bias);
                if finish.add {
                    row = _mm512_add_ps(row, _mm512_maskz_loadu_ps(mask, to));
                }
                _mm512_mask_storeu_ps(to, mask, row);
            }
        }
    }
}

pub(super) const KERNEL: Kernel = Kernel { panels: 2, tile, tile_tn };

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
    let mut sums = zeros::<R, P>();
    // SAFETY: the caller's promise.
    unsafe {
        let rows = std::array::from_fn(|r| at.a.add(r * at.a_stride));
        multiply_add::<R, P, 1>(&mut sums, at.inner, rows, at.panels, at.panel_stride);
        store(&sums, std::array::from_fn(|r| at.c.add(r * at.n)), at.finish);
    }
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
    let mut sums = zeros::<R, P>();
    // SAFETY: the caller's promise.
    unsafe {
        let rows = std::array::from_fn(|r| at.a.add(r));
        multiply_add::<R, P, R>(&mut sums, at.inner, rows, at.panels, at.panel_stride);
        store(&sums, std::array::from_fn(|r| at.c.add(r * at.n)), at.finish);
    }
}
