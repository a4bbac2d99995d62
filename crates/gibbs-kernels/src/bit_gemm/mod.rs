//! Matrix products whose left operand is a packed 0/1 matrix.
//!
//! All five products of an update of a binary RBM are of this kind. They are computed by the **method of four
//! Russians** (Arlazarov, Dinic, Kronrod & Faradzhev 1970): for four consecutive rows of `B` the sixteen subset sums
//! are tabulated once, and four bits of a row of `A` pick the one to add. That is one addition where a dense product
//! has four multiplications and additions, at any density of ones, and exact in f32: nothing is quantised.
//!
//! An output element is `((0 + s_0) + s_1) + ..`, where `s_g` adds the selected rows `4g .. 4g + 3` of `B` in index
//! order. The instruction set, the blocking and the number of threads do not change a bit of it. The relative error
//! is that of a sum of `k / 4 + 3` terms: at most `(k / 4 + 3) 2^-24 sum_k |a_ik b_kj|`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod tables;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use crate::bits::{BitRows, transpose, words_per_row};
use crate::level::{Level, level};
use crate::parallel::{self, Shared};
use crate::{bernoulli, rng};

/// Columns of a unit of work: one word of a packed output.
const UNIT_COLS: usize = 64;
/// Rows of a unit of work; a multiple of the 64 rows that share a random stream.
const UNIT_ROWS: usize = 128;
/// Columns of an accumulator tile: one cache line.
const TILE: usize = 16;

/// Sums of one unit: `UNIT_COLS / TILE` tiles of `UNIT_ROWS` rows of `TILE` columns.
#[repr(align(64))]
struct Sums([f32; UNIT_ROWS * UNIT_COLS]);

thread_local! {
    /// The sums of the unit in work: kept, because clearing 32 KiB a unit shows in the profile.
    static SUMS: RefCell<Box<Sums>> = RefCell::new(Box::new(Sums([0.0; UNIT_ROWS * UNIT_COLS])));
}

impl Sums {
    /// The `TILE` sums of row `r` in tile `t`.
    fn piece(&self, r: usize, t: usize) -> &[f32] {
        &self.0[(t * UNIT_ROWS + r) * TILE..][..TILE]
    }
}

/// A borrowed f32 matrix with strides.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    n_rows: usize,
    n_cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `n_rows * n_cols` numbers, row after row.
    ///
    /// # Panics
    /// If `data` has another length.
    pub fn row_major(data: &'a [f32], n_rows: usize, n_cols: usize) -> Self {
        assert_eq!(data.len(), n_rows * n_cols, "a {n_rows} x {n_cols} matrix");
        Self { data, n_rows, n_cols, row_stride: n_cols, col_stride: 1 }
    }

    /// The transposed view; nothing is copied.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            n_rows: self.n_cols,
            n_cols: self.n_rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// One element.
    ///
    /// # Panics
    /// If there is none at `i, j`.
    pub fn get(&self, i: usize, j: usize) -> f32 {
        assert!(i < self.n_rows && j < self.n_cols, "no element {i}, {j}");
        self.data[i * self.row_stride + j * self.col_stride]
    }
}

/// Where a unit lies in the output.
#[derive(Clone, Copy)]
struct Unit {
    row: usize,
    n_rows: usize,
    col: usize,
    n_cols: usize,
}

/// Runs `finish` on the sums `A B` of every unit.
fn for_each_unit(on: Level, a: BitRows, b: Matrix, finish: impl Fn(Unit, &Sums) + Sync + Send) {
    assert_eq!(a.n_cols(), b.n_rows, "inner dimensions");
    let (m, n) = (a.n_rows(), b.n_cols);
    let across = n.div_ceil(UNIT_COLS);
    // About 1/30 ns for each product of a bit and a number.
    let cost = m * n * a.n_cols().max(64) / 30;
    parallel::for_each(m.div_ceil(UNIT_ROWS) * across, cost, |i| {
        let (row, col) = (i / across * UNIT_ROWS, i % across * UNIT_COLS);
        let unit = Unit { row, n_rows: (m - row).min(UNIT_ROWS), col, n_cols: (n - col).min(UNIT_COLS) };
        SUMS.with_borrow_mut(|sums| {
            match on {
                Level::Scalar => scalar::unit(a, b, unit, sums),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this level is only found on a processor that has it.
                Level::Avx2Fma => unsafe { avx2::unit(a, b, unit, sums) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx512 => unsafe { avx512::unit(a, b, unit, sums) },
                #[cfg(not(target_arch = "x86_64"))]
                Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
            }
            finish(unit, sums);
        });
    });
}

/// `out = bias + A B`.
///
/// Shapes: `a` m x k bits, `b` k x n (any strides), `bias` n, `out` m x n row-major.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// use gibbs_kernels::{bit_gemm::{Matrix, bit_gemm}, bits::BitRows};
/// let a = BitRows::new(&[0b01, 0b11], 2, 2);
/// let mut out = [0.0; 4];
/// bit_gemm(a, Matrix::row_major(&[1.0, 2.0, 3.0, 4.0], 2, 2), None, &mut out);
/// assert_eq!(out, [1.0, 2.0, 4.0, 6.0]);
/// ```
pub fn bit_gemm(a: BitRows, b: Matrix, bias: Option<&[f32]>, out: &mut [f32]) {
    gemm_on(level(), a, b, bias, out);
}

fn gemm_on(on: Level, a: BitRows, b: Matrix, bias: Option<&[f32]>, out: &mut [f32]) {
    let n = b.n_cols;
    assert_eq!(out.len(), a.n_rows() * n, "output of {} x {n}", a.n_rows());
    assert!(bias.is_none_or(|c| c.len() == n), "one bias a column");
    let out = Shared::new(out);
    for_each_unit(on, a, b, |unit, sums| {
        for r in 0..unit.n_rows {
            // SAFETY: units cover disjoint parts of the output.
            let to = unsafe { out.part((unit.row + r) * n + unit.col, unit.n_cols) };
            for (t, to) in to.chunks_mut(TILE).enumerate() {
                let from = sums.piece(r, t);
                match bias {
                    None => to.copy_from_slice(&from[..to.len()]),
                    Some(c) => {
                        let c = &c[unit.col + t * TILE..];
                        to.iter_mut().zip(from).zip(c).for_each(|((o, s), c)| *o = s + c);
                    }
                }
            }
        }
    });
}

/// `out += alpha A' P`: a gradient of weights, summed over the batch.
///
/// Shapes: `a` m x k bits, `p` m x n row-major, `out` k x n row-major. `scratch` keeps the transposed bits.
///
/// # Panics
/// On other shapes.
pub fn bit_gemm_tn(a: BitRows, p: &[f32], n: usize, alpha: f32, out: &mut [f32], scratch: &mut Vec<u64>) {
    gemm_tn_on(level(), a, p, n, alpha, out, scratch);
}

fn gemm_tn_on(on: Level, a: BitRows, p: &[f32], n: usize, alpha: f32, out: &mut [f32], scratch: &mut Vec<u64>) {
    let p = Matrix::row_major(p, a.n_rows(), n);
    assert_eq!(out.len(), a.n_cols() * n, "output of {} x {n}", a.n_cols());
    transpose(a, scratch);
    let a = BitRows::new(scratch, a.n_cols(), a.n_rows());
    let out = Shared::new(out);
    for_each_unit(on, a, p, |unit, sums| {
        for r in 0..unit.n_rows {
            // SAFETY: units cover disjoint parts of the output.
            let to = unsafe { out.part((unit.row + r) * n + unit.col, unit.n_cols) };
            for (t, to) in to.chunks_mut(TILE).enumerate() {
                to.iter_mut().zip(sums.piece(r, t)).for_each(|(o, s)| *o += alpha * s);
            }
        }
    });
}

/// Draws `out[i, j] ~ Bernoulli(sigmoid(scale (A B)_ij + bias_j))` without writing the logits.
///
/// Shapes: `a` m x k bits, `b` k x n (any strides), `bias` n, `out` m rows of `words_per_row(n)` words. The random
/// numbers are those of [`bernoulli::draw`] with the same key, so the two agree bit for bit on equal logits.
///
/// # Panics
/// On other shapes.
pub fn bit_gemm_bernoulli(a: BitRows, b: Matrix, scale: f32, bias: &[f32], key: u128, out: &mut [u64]) {
    gemm_bernoulli_on(level(), a, b, scale, bias, key, out);
}

fn gemm_bernoulli_on(on: Level, a: BitRows, b: Matrix, scale: f32, bias: &[f32], key: u128, out: &mut [u64]) {
    let n = b.n_cols;
    let stride = words_per_row(n);
    assert_eq!(out.len(), a.n_rows() * stride, "{} rows of {stride} words", a.n_rows());
    assert_eq!(bias.len(), n, "one bias a column");
    let out = Shared::new(out);
    for_each_unit(on, a, b, |unit, sums| {
        let word = unit.col / 64;
        let mut logits = [0.0; rng::BLOCK_ROWS * 64];
        for first in (0..unit.n_rows).step_by(rng::BLOCK_ROWS) {
            let n_rows = (unit.n_rows - first).min(rng::BLOCK_ROWS);
            for (r, row) in logits.chunks_exact_mut(64).take(n_rows).enumerate() {
                for (t, to) in row[..unit.n_cols].chunks_mut(TILE).enumerate() {
                    let c = &bias[unit.col + t * TILE..];
                    let sums = sums.piece(first + r, t);
                    to.iter_mut().zip(sums).zip(c).for_each(|((x, s), c)| *x = scale * s + c);
                }
            }
            let block = bernoulli::Block { key, row: unit.row + first, word, stride };
            let drawn = bernoulli::draw_block(on, block, &logits, 64, (n_rows, unit.n_cols), 1.0);
            for (r, bits) in drawn[..n_rows].iter().enumerate() {
                // SAFETY: units cover disjoint parts of the output.
                unsafe { out.part((unit.row + first + r) * stride + word, 1)[0] = *bits };
            }
        }
    });
}
