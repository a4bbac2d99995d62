//! The loops around the kernels: pieces of rows, of inner numbers and of columns, down to a tile.

use std::cell::RefCell;

use super::packed::PANEL;
use super::{INNER, Packed};

/// Rows of a pass: with `INNER` numbers each they stay in the second cache.
const ROWS: usize = 192;
/// Rows of the result that a kernel holds.
pub(crate) const TILE: usize = 6;
/// Panels that a kernel takes at most.
const PANELS: usize = 2;

/// What an instruction set brings.
pub(super) struct Kernel {
    /// Panels of a tile, one or two.
    pub(super) panels: usize,
    /// A tile of [`matmul`], where rows of `A` lie apart.
    pub(super) tile: unsafe fn(&Tile),
    /// A tile of [`add_tn`], where they lie side by side.
    pub(super) tile_tn: unsafe fn(&Tile),
}

/// A tile of the result and where its factors are.
pub(super) struct Tile<'a> {
    /// One to [`TILE`].
    pub(super) rows: usize,
    /// Numbers that each element sums over.
    pub(super) inner: usize,
    /// `A`: `a_stride` from row to row; 1 where the rows lie side by side, `rows` from one inner number to the next.
    pub(super) a: *const f32,
    pub(super) a_stride: usize,
    /// Panels of `B`, aligned to 64 bytes: `inner` rows of [`PANEL`] numbers each, `panel_stride` from panel to panel.
    pub(super) panels: *const f32,
    pub(super) panel_stride: usize,
    /// `C`: `n` from row to row.
    pub(super) c: *mut f32,
    pub(super) n: usize,
    pub(super) finish: Finish<'a>,
}

/// Where a panel of results goes: `cols` columns with a bias, on top of what is there if `add`.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub(crate) cols: usize,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) add: bool,
}

/// Splits `m` rows into tiles of up to six such that none is small where that can be helped: sums of four rows already
/// keep both multipliers busy, fewer do not.
pub(crate) fn tile_rows(left: usize) -> usize {
    match left {
        7 | 8 => 4,
        9 => 5,
        left => left.min(TILE),
    }
}

/// Pieces of about the same size, none larger than `most`.
fn pieces(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let size = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len).step_by(size).map(move |at| (at, size.min(len - at)))
}

/// `C = A B`, plus the bias, plus the old `C` if `accumulate`.
///
/// # Safety
/// The kernel must be one for this processor, and write the tile it is given and nothing else.
pub(super) unsafe fn matmul(
    kernel: &Kernel,
    m: usize,
    a: &[f32],
    b: &Packed,
    bias: Option<&[f32]>,
    accumulate: bool,
    c: &mut [f32],
) {
    let (k, n) = (b.k(), b.n());
    for (first_row, n_rows) in pieces(m, ROWS) {
        for (first_inner, inner) in pieces(k, INNER) {
            for col in (0..n).step_by(kernel.panels * PANEL) {
                let cols = (n - col).min(kernel.panels * PANEL);
                // The rows of one panel, and as far on those of the next.
                let first = (col / PANEL * k + first_inner) * PANEL;
                let panels = &b.floats()[first..][..((cols - 1) / PANEL * k + inner) * PANEL];
                let finish = Finish {
                    cols,
                    bias: bias.filter(|_| first_inner == 0).map(|bias| &bias[col..][..cols]),
                    add: accumulate || first_inner > 0,
                };
                let mut i = first_row;
                while i < first_row + n_rows {
                    let rows = tile_rows(first_row + n_rows - i);
                    let a = &a[i * k + first_inner..];
                    // Rows end at the last column of this tile.
                    let c = &mut c[i * n + col..][..(rows - 1) * n + cols];
                    assert!(a.len() >= (rows - 1) * k + inner);
                    let (a, c, panel_stride) = (a.as_ptr(), c.as_mut_ptr(), k * PANEL);
                    let at = Tile { rows, inner, a, a_stride: k, panels: panels.as_ptr(), panel_stride, c, n, finish };
                    // SAFETY: `rows` rows of `inner` numbers are in `a`, of `cols` in `c`; panels are aligned.
                    unsafe { (kernel.tile)(&at) };
                    i += rows;
                }
            }
        }
    }
}

/// Scratch of [`add_tn`]: `INNER` rows of up to `ROWS` columns of `A`, and of the panels of `G`.
#[repr(C, align(64))]
struct Scratch {
    g: [f32; PANELS * INNER * PANEL],
    a: [f32; INNER * ROWS],
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> =
        RefCell::new(Box::new(Scratch { g: [0.0; PANELS * INNER * PANEL], a: [0.0; INNER * ROWS] }));
}

/// Adds `A' G` to `c`.
///
/// # Safety
/// As for [`matmul`].
pub(super) unsafe fn matmul_tn(kernel: &Kernel, (m, k, n): (usize, usize, usize), a: &[f32], g: &[f32], c: &mut [f32]) {
    for (first, inner) in pieces(m, INNER) {
        let row = |i: usize| &a[(first + i) * k..][..k];
        // SAFETY: the caller's promise.
        unsafe { add_tn(kernel, (inner, k, n), row, &g[first * n..], c) };
    }
}

/// Adds `A' G` to `c` `[k, n]` for up to [`INNER`] rows: `row(i)` is row `i` of `A`, `g` holds the rows of `G`.
///
/// Six columns of `A` are laid side by side, so that the kernel reads one stream whatever the length of a row; rows a
/// power of two apart would share too few sets of the cache.
///
/// # Safety
/// As for [`matmul`].
pub(super) unsafe fn add_tn<'a>(
    kernel: &Kernel,
    (m, k, n): (usize, usize, usize),
    row: impl Fn(usize) -> &'a [f32],
    g: &[f32],
    c: &mut [f32],
) {
    SCRATCH.with_borrow_mut(|scratch| {
        for (first, n_rows) in pieces(k, ROWS) {
            pack_columns(m, n_rows, |i| &row(i)[first..first + n_rows], &mut scratch.a);
            for col in (0..n).step_by(kernel.panels * PANEL) {
                let cols = (n - col).min(kernel.panels * PANEL);
                let strips = scratch.g.chunks_exact_mut(INNER * PANEL);
                for (strip, col) in strips.zip((col..col + cols).step_by(PANEL)) {
                    pack_panel(m, n, &g[col..], (n - col).min(PANEL), strip);
                }
                let finish = Finish { cols, bias: None, add: true };
                let mut i = 0;
                while i < n_rows {
                    let rows = tile_rows(n_rows - i);
                    let c = &mut c[(first + i) * n + col..][..(rows - 1) * n + cols];
                    let (a, c) = (scratch.a[i * m..][..rows * m].as_ptr(), c.as_mut_ptr());
                    let (panels, panel_stride) = (scratch.g.as_ptr(), INNER * PANEL);
                    let at = Tile { rows, inner: m, a, a_stride: 1, panels, panel_stride, c, n, finish };
                    // SAFETY: `m` groups of `rows` numbers are in `a`, `m` rows of each panel in the scratch.
                    unsafe { (kernel.tile_tn)(&at) };
                    i += rows;
                }
            }
        }
    });
}

/// Lays `cols` columns of `m` rows that are `n` apart one below the other.
fn pack_panel(m: usize, n: usize, g: &[f32], cols: usize, to: &mut [f32]) {
    for (i, to) in to.chunks_exact_mut(PANEL).take(m).enumerate() {
        let from = &g[i * n..][..cols];
        if let Ok(from) = <&[f32; PANEL]>::try_from(from) {
            to.copy_from_slice(from);
        } else {
            to[..cols].copy_from_slice(from);
        }
    }
}

/// Lays `columns` columns of `m` rows side by side in the tiles of [`tile_rows`].
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
