//! The kernel of six rows by sixteen columns.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

use super::loops::{Finish, Kernel, Tile};
use super::packed::PANEL;

/// Sums of `R` rows by `8 W` columns.
pub(crate) type Sums<const R: usize, const W: usize> = [[__m256; W]; R];

pub(super) const KERNEL: Kernel = Kernel { panels: 1, tile, tile_tn };

/// Calls `$f::<R, W>` for `R` rows (1 to 6) and panels of up to 8 (`W = 1`) or 16 columns.
macro_rules! for_shape {
    ($rows:expr, $cols:expr, $f:ident $args:tt) => {
        match ($rows, $cols <= 8) {
            (1, false) => $f::<1, 2> $args,
            (2, false) => $f::<2, 2> $args,
            (3, false) => $f::<3, 2> $args,
            (4, false) => $f::<4, 2> $args,
            (5, false) => $f::<5, 2> $args,
            (6, false) => $f::<6, 2> $args,
            (1, true) => $f::<1, 1> $args,
            (2, true) => $f::<2, 1> $args,
            (3, true) => $f::<3, 1> $args,
            (4, true) => $f::<4, 1> $args,
            (5, true) => $f::<5, 1> $args,
            _ => $f::<6, 1> $args,
        }
    };
}
pub(crate) use for_shape;

/// A tile of zeros.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) fn zeros<const R: usize, const W: usize>() -> Sums<R, W> {
    [[_mm256_setzero_ps(); W]; R]
}

/// `tile += A B` over `k` inner numbers: number `p` of row `r` is at `rows[r] + S p`, row `p` of `B` at `panel + 16 p`.
///
/// # Safety
/// These numbers must be there, and `panel` aligned to 32 bytes.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) unsafe fn multiply_add<const R: usize, const W: usize, const S: usize>(
    tile: &mut Sums<R, W>,
    k: usize,
    rows: [*const f32; R],
    panel: *const f32,
) {
    let mut sums = *tile;
    for p in 0..k {
        // SAFETY: the caller's promise.
        unsafe {
            let b: [__m256; W] = std::array::from_fn(|w| _mm256_load_ps(panel.add(p * PANEL + 8 * w)));
            for r in 0..R {
                let a = _mm256_broadcast_ss(&*rows[r].add(p * S));
                for w in 0..W {
                    sums[r][w] = _mm256_fmadd_ps(a, b[w], sums[r][w]);
                }
            }
        }
    }
    *tile = sums;
}

/// Writes the sums of row `r` to `to[r]`.
///
/// # Safety
/// Each of `to` must be valid for `finish.cols <= 8 W` numbers, and the bias as long.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) unsafe fn store<const R: usize, const W: usize>(tile: &Sums<R, W>, to: [*mut f32; R], finish: Finish) {
    if finish.cols < 8 * W {
        let sums = *tile;
        // SAFETY: the caller's promise.
        return unsafe { store_edge(&sums, to, finish) };
    }
    // SAFETY: the caller's promise.
    unsafe {
        let from = |at: *const f32| std::array::from_fn(|w| _mm256_loadu_ps(at.add(8 * w)));
        let bias: [__m256; W] = match finish.bias {
            Some(bias) => from(bias.as_ptr()),
            None => [_mm256_setzero_ps(); W],
        };
        for r in 0..R {
            let mut row: [__m256; W] = std::array::from_fn(|w| _mm256_add_ps(tile[r][w], bias[w]));
            if finish.add {
                let old: [__m256; W] = from(to[r]);
                row = std::array::from_fn(|w| _mm256_add_ps(row[w], old[w]));
            }
            (0..W).for_each(|w| _mm256_storeu_ps(to[r].add(8 * w), row[w]));
        }
    }
}

/// [`store`] of fewer than `8 W` columns. Apart, because its copies are calls, around which no register would live.
///
/// # Safety
/// As for [`store`].
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn store_edge<const R: usize, const W: usize>(tile: &Sums<R, W>, to: [*mut f32; R], finish: Finish) {
    for r in 0..R {
        let mut sums = [0.0; PANEL];
        // SAFETY: the buffer has 8 W numbers; `to` by the caller's promise.
        let to = unsafe {
            (0..W).for_each(|w| _mm256_storeu_ps(sums.as_mut_ptr().add(8 * w), tile[r][w]));
            std::slice::from_raw_parts_mut(to[r], finish.cols)
        };
        for (j, (to, mut sum)) in to.iter_mut().zip(sums).enumerate() {
            if let Some(bias) = finish.bias {
                sum += bias[j];
            }
            *to = if finish.add { sum + *to } else { sum };
        }
    }
}

/// # Safety
/// As for [`Tile`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { for_shape!(at.rows, at.finish.cols, tile_of(at)) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile_of<const R: usize, const W: usize>(at: &Tile) {
    let mut sums = zeros::<R, W>();
    // SAFETY: the caller's promise.
    unsafe {
        multiply_add::<R, W, 1>(&mut sums, at.inner, std::array::from_fn(|r| at.a.add(r * at.a_stride)), at.panels);
        store(&sums, std::array::from_fn(|r| at.c.add(r * at.n)), at.finish);
    }
}

/// # Safety
/// As for [`Tile`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_tn(at: &Tile) {
    // SAFETY: the caller's promise.
    unsafe { for_shape!(at.rows, at.finish.cols, tile_tn_of(at)) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile_tn_of<const R: usize, const W: usize>(at: &Tile) {
    let mut sums = zeros::<R, W>();
    // SAFETY: the caller's promise.
    unsafe {
        multiply_add::<R, W, R>(&mut sums, at.inner, std::array::from_fn(|r| at.a.add(r)), at.panels);
        store(&sums, std::array::from_fn(|r| at.c.add(r * at.n)), at.finish);
    }
}
