//! Packed 0/1 rows: 64 columns a word.

mod scalar;
#[cfg(test)]
mod tests;

/// Words of a row of `n_cols` columns: `ceil(n_cols / 64)`.
pub const fn words_per_row(n_cols: usize) -> usize {
    n_cols.div_ceil(64)
}

/// A borrowed 0/1 matrix, row-major: bit `k` of a row is bit `k % 64` of its word `k / 64`; padding bits are zero.
///
/// # Example
/// ```
/// use gibbs_kernels::bits::BitRows;
/// let a = BitRows::new(&[0b101, 0b010], 2, 3);
/// assert!(a.get(0, 2) && !a.get(1, 2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BitRows<'a> {
    words: &'a [u64],
    n_rows: usize,
    n_cols: usize,
}

impl<'a> BitRows<'a> {
    /// A view of `n_rows * words_per_row(n_cols)` words.
    ///
    /// # Panics
    /// If the number of words is another, and in debug builds if a padding bit is one.
    pub fn new(words: &'a [u64], n_rows: usize, n_cols: usize) -> Self {
        let stride = words_per_row(n_cols);
        assert_eq!(words.len(), n_rows * stride, "{n_rows} rows of {n_cols} bits need {stride} words each");
        debug_assert!(
            n_cols.is_multiple_of(64) || words.chunks_exact(stride).all(|r| r[stride - 1] >> (n_cols % 64) == 0),
            "padding bits must be zero"
        );
        Self { words, n_rows, n_cols }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns (bits of a row).
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// The packed words, row after row.
    pub fn words(&self) -> &'a [u64] {
        self.words
    }

    /// The words of one row.
    pub fn row(&self, i: usize) -> &'a [u64] {
        let stride = words_per_row(self.n_cols);
        &self.words[i * stride..(i + 1) * stride]
    }

    /// One bit.
    pub fn get(&self, i: usize, k: usize) -> bool {
        self.row(i)[k / 64] >> (k % 64) & 1 == 1
    }
}

/// The transposed matrix, `n_cols` rows of `n_rows` bits, into `out` (resized as needed).
///
/// # Example
/// ```
/// use gibbs_kernels::bits::{BitRows, transpose};
/// let mut out = Vec::new();
/// transpose(BitRows::new(&[0b101, 0b010], 2, 3), &mut out);
/// assert_eq!(out, [0b01, 0b10, 0b01]);
/// ```
pub fn transpose(a: BitRows, out: &mut Vec<u64>) {
    out.clear();
    out.resize(a.n_cols * words_per_row(a.n_rows), 0);
    scalar::transpose(a, out);
}

/// `out[j] = sum_i weights[i] a[i, j]`, with weights one when there are none. Rows are added in index order.
///
/// # Panics
/// If `out` has not one number a column, or `weights` not one a row.
pub fn column_sums(a: BitRows, weights: Option<&[f32]>, out: &mut [f32]) {
    assert_eq!(out.len(), a.n_cols, "one sum a column");
    assert!(weights.is_none_or(|w| w.len() == a.n_rows), "one weight a row");
    scalar::column_sums(a, weights, out);
}

/// `out[i] = sum_k a[i, k] b[k]`, summed in f64.
///
/// # Panics
/// If `b` has not one number a column, or `out` not one a row.
pub fn row_dots(a: BitRows, b: &[f32], out: &mut [f64]) {
    assert_eq!(b.len(), a.n_cols, "one factor a column");
    assert_eq!(out.len(), a.n_rows, "one product a row");
    scalar::row_dots(a, b, out);
}
