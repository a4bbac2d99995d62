//! Products of sparse rows with dense tables, in f64: node scores of label sequences from their features, and back.
//!
//! Plain loops that the compiler turns into vectors, compiled once for the portable instruction set and once for AVX2;
//! results are the same to the bit. Functions here are serial: callers are the threads.
#![expect(
    clippy::inline_always,
    reason = "one body is compiled once for each instruction set, which inlining alone does"
)]

#[cfg(test)]
mod tests;

use crate::level::{Level, level};

/// Sparse rows: row `i` holds `values[k]` in column `columns[k]` for `k` in `offsets[i]..offsets[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct SparseView<'a> {
    /// Where each row begins, and at the end where the last one ends.
    pub offsets: &'a [usize],
    /// Columns.
    pub columns: &'a [u32],
    /// Numbers.
    pub values: &'a [f32],
}

/// `out[i] += sum_k values[k] table[columns[k]]`: rows of `table` and `out` hold `width` numbers.
///
/// # Panics
/// If `out` has not `width` numbers a row, or a column lies beyond the table.
pub fn add_product(rows: SparseView<'_>, table: &[f64], width: usize, out: &mut [f64]) {
    assert_eq!(out.len(), rows.offsets.len().saturating_sub(1) * width, "one output row a sparse row");
    match level() {
        Level::Scalar => plain(rows, table, width, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { avx2(rows, table, width, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => plain(rows, table, width, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(rows: SparseView<'_>, table: &[f64], width: usize, out: &mut [f64]) {
    plain(rows, table, width, out);
}

#[inline(always)]
fn plain(rows: SparseView<'_>, table: &[f64], width: usize, out: &mut [f64]) {
    if width == 0 {
        return;
    }
    for (ends, out) in rows.offsets.windows(2).zip(out.chunks_exact_mut(width)) {
        let (columns, values) = (&rows.columns[ends[0]..ends[1]], &rows.values[ends[0]..ends[1]]);
        let mut at = 0;
        // Sums stay in registers while the row is walked.
        while at + 16 <= width {
            tile::<16>(columns, values, table, width, at, out);
            at += 16;
        }
        if at + 8 <= width {
            tile::<8>(columns, values, table, width, at, out);
            at += 8;
        }
        if at + 4 <= width {
            tile::<4>(columns, values, table, width, at, out);
            at += 4;
        }
        if at < width {
            for (c, v) in columns.iter().zip(values) {
                let from = &table[*c as usize * width..][at..width];
                out[at..].iter_mut().zip(from).for_each(|(o, w)| *o += f64::from(*v) * w);
            }
        }
    }
}

#[inline(always)]
fn tile<const N: usize>(columns: &[u32], values: &[f32], table: &[f64], width: usize, at: usize, out: &mut [f64]) {
    let mut sum = [0.0; N];
    sum.copy_from_slice(&out[at..at + N]);
    for (c, v) in columns.iter().zip(values) {
        let from = &table[*c as usize * width + at..][..N];
        let v = f64::from(*v);
        for k in 0..N {
            sum[k] += v * from[k];
        }
    }
    out[at..at + N].copy_from_slice(&sum);
}
