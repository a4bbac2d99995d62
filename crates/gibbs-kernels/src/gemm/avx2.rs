//! The kernel of six rows by sixteen columns and the loops around it.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};
use std::cell::RefCell;

use super::packed::PANEL;
use super::{INNER, Packed};

/// Rows of a pass: with `INNER` numbers each they stay in the second cache.
const ROWS: usize = 192;
/// Rows of the result that the kernel holds.
pub(crate) const TILE: usize = 6;

/// Sums of `R` rows by `8 W` columns.
pub(crate) type Tile<const R: usize, const W: usize> = [[__m256; W]; R];

/// Splits `m` rows into tiles of up to six such that none is small where that can be helped: sums of four rows already
/// keep both multipliers busy, fewer do not.
pub(crate) fn tile_rows(left: usize) -> usize {
    match left {
        7 | 8 => 4,
        9 => 5,
        left => left.min(TILE),
    }
}

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
pub(crate) fn zeros<const R: usize, const W: usize>() -> Tile<R, W> {
    [[_mm256_setzero_ps(); W]; R]
}

/// `tile += A B` over `k` inner numbers: number `p` of row `r` is at `rows[r] + S p`, row `p` of `B` at `panel + 16 p`.
///
/// # Safety
/// These numbers must be there, and `panel` aligned to 32 bytes.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) unsafe fn multiply_add<const R: usize, const W: usize, const S: usize>(
    tile: &mut Tile<R, W>,
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

/// Where a panel of results goes: `cols` columns with a bias, on top of what is there if `add`.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub(crate) cols: usize,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) add: bool,
}

/// Writes the sums of row `r` to `to[r]`.
///
/// # Safety
/// Each of `to` must be valid for `finish.cols <= 8 W` numbers, and the bias as long.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(crate) unsafe fn store<const R: usize, const W: usize>(tile: &Tile<R, W>, to: [*mut f32; R], finish: Finish) {
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
unsafe fn store_edge<const R: usize, const W: usize>(tile: &Tile<R, W>, to: [*mut f32; R], finish: Finish) {
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

/// Pieces of about the same size, none larger than `most`.
pub(crate) fn pieces(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let size = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len).step_by(size).map(move |at| (at, size.min(len - at)))
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn matmul(m: usize, a: &[f32], b: &Packed, bias: Option<&[f32]>, accumulate: bool, c: &mut [f32]) {
    let (k, n) = (b.k(), b.n());
    let panels = b.floats();
    for (first_row, n_rows) in pieces(m, ROWS) {
        for (first_inner, n_inner) in pieces(k, INNER) {
            for col in (0..n).step_by(PANEL) {
                let panel = &panels[(col / PANEL * k + first_inner) * PANEL..][..n_inner * PANEL];
                let cols = (n - col).min(PANEL);
                let finish = Finish {
                    cols,
                    bias: bias.filter(|_| first_inner == 0).map(|bias| &bias[col..][..cols]),
                    add: accumulate || first_inner > 0,
                };
                let mut i = first_row;
                while i < first_row + n_rows {
                    let rows = tile_rows(first_row + n_rows - i);
                    let a = &a[i * k + first_inner..];
                    // Rows end at the last column of this panel.
                    let c = &mut c[i * n + col..][..(rows - 1) * n + cols];
                    assert!(a.len() >= (rows - 1) * k + n_inner);
                    // SAFETY: `rows` rows of `n_inner` numbers are in `a`, of `cols` in `c`; panels are aligned.
                    unsafe {
                        for_shape!(rows, cols, tile(k, n_inner, a.as_ptr(), panel.as_ptr(), n, c.as_mut_ptr(), finish));
                    }
                    i += rows;
                }
            }
        }
    }
}

/// One tile of [`matmul`]: rows of `a` are `k` apart, those of `c` are `n` apart.
///
/// # Safety
/// As for [`multiply_add`] and [`store`].
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile<const R: usize, const W: usize>(
    k: usize,
    n_inner: usize,
    a: *const f32,
    panel: *const f32,
    n: usize,
    c: *mut f32,
    finish: Finish,
) {
    let mut sums = zeros::<R, W>();
    // SAFETY: the caller's promise.
    unsafe {
        multiply_add::<R, W, 1>(&mut sums, n_inner, std::array::from_fn(|r| a.add(r * k)), panel);
        store(&sums, std::array::from_fn(|r| c.add(r * n)), finish);
    }
}

/// Scratch of [`add_tn`]: `INNER` rows of up to `ROWS` columns of `A`, and of a panel of `G`.
#[repr(C, align(64))]
struct Scratch {
    g: [f32; INNER * PANEL],
    a: [f32; INNER * ROWS],
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> =
        RefCell::new(Box::new(Scratch { g: [0.0; INNER * PANEL], a: [0.0; INNER * ROWS] }));
}

/// Adds `A' G` to `c`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn matmul_tn((m, k, n): (usize, usize, usize), a: &[f32], g: &[f32], c: &mut [f32]) {
    for (first, n_inner) in pieces(m, INNER) {
        let row = |i: usize| &a[(first + i) * k..][..k];
        add_tn((n_inner, k, n), row, &g[first * n..], c);
    }
}

/// Adds `A' G` to `c` `[k, n]` for up to [`INNER`] rows: `row(i)` is row `i` of `A`, `g` holds the rows of `G`.
///
/// Six columns of `A` are laid side by side, so that the kernel reads one stream whatever the length of a row; rows a
/// power of two apart would share too few sets of the cache.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn add_tn<'a>((m, k, n): (usize, usize, usize), row: impl Fn(usize) -> &'a [f32], g: &[f32], c: &mut [f32]) {
    SCRATCH.with_borrow_mut(|scratch| {
        for (first, n_rows) in pieces(k, ROWS) {
            pack_columns(m, n_rows, |i| &row(i)[first..first + n_rows], &mut scratch.a);
            for col in (0..n).step_by(PANEL) {
                let cols = (n - col).min(PANEL);
                for (i, to) in scratch.g.chunks_exact_mut(PANEL).take(m).enumerate() {
                    let from = &g[i * n + col..][..cols];
                    if let Ok(from) = <&[f32; PANEL]>::try_from(from) {
                        to.copy_from_slice(from);
                    } else {
                        to[..cols].copy_from_slice(from);
                    }
                }
                let finish = Finish { cols, bias: None, add: true };
                let mut i = 0;
                while i < n_rows {
                    let rows = tile_rows(n_rows - i);
                    let c = &mut c[(first + i) * n + col..][..(rows - 1) * n + cols];
                    let a = &scratch.a[i * m..][..rows * m];
                    // SAFETY: `m` groups of `rows` numbers are in `a`, `m` rows of a panel in the scratch.
                    unsafe {
                        for_shape!(rows, cols, tile_tn(m, a.as_ptr(), scratch.g.as_ptr(), n, c.as_mut_ptr(), finish));
                    }
                    i += rows;
                }
            }
        }
    });
}

/// Lays `columns` columns of `m` rows side by side in the tiles of [`tile_rows`].
#[target_feature(enable = "avx2,fma")]
fn pack_columns<'a>(m: usize, columns: usize, row: impl Fn(usize) -> &'a [f32], to: &mut [f32]) {
    // A few rows at a time: read along the rows, written in runs of several cache lines.
    for first in (0..m).step_by(16) {
        let rows: [&[f32]; 16] = std::array::from_fn(|r| if first + r < m { &row(first + r)[..columns] } else { &[] });
        let rows = &rows[..(m - first).min(16)];
        let mut i = 0;
        while i < columns {
            let width = tile_rows(columns - i);
            let to = &mut to[i * m + first * width..];
            match width {
                1 => pack_tile::<1>(rows, i, to),
                2 => pack_tile::<2>(rows, i, to),
                3 => pack_tile::<3>(rows, i, to),
                4 => pack_tile::<4>(rows, i, to),
                5 => pack_tile::<5>(rows, i, to),
                _ => pack_tile::<TILE>(rows, i, to),
            }
            i += width;
        }
    }
}

#[inline]
fn pack_tile<const R: usize>(rows: &[&[f32]], i: usize, to: &mut [f32]) {
    for (row, to) in rows.iter().zip(to.as_chunks_mut::<R>().0) {
        to.copy_from_slice(&row[i..i + R]);
    }
}

/// One tile of [`add_tn`].
///
/// # Safety
/// As for [`multiply_add`] and [`store`].
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn tile_tn<const R: usize, const W: usize>(
    m: usize,
    a: *const f32,
    panel: *const f32,
    n: usize,
    c: *mut f32,
    finish: Finish,
) {
    let mut sums = zeros::<R, W>();
    // SAFETY: the caller's promise.
    unsafe {
        multiply_add::<R, W, R>(&mut sums, m, std::array::from_fn(|r| a.add(r)), panel);
        store(&sums, std::array::from_fn(|r| c.add(r * n)), finish);
    }
}
