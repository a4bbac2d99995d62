//! A table of bits, 64 a word.

/// Rows of bits: bit `k` of a row is bit `k % 64` of its word `k / 64`; bits beyond the last column are zero.
///
/// # Example
/// ```
/// use gibbs_data::BitTable;
/// let mut t = BitTable::zeros(2, 70);
/// t.set(1, 65);
/// assert_eq!((t.stride(), t.words[3], t.get(1, 65)), (2, 2, true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitTable {
    /// Number of rows.
    pub n_rows: usize,
    /// Number of columns.
    pub n_cols: usize,
    /// The bits, row-major, [`BitTable::stride`] words a row.
    pub words: Vec<u64>,
}

impl BitTable {
    /// All zeros.
    pub fn zeros(n_rows: usize, n_cols: usize) -> Self {
        BitTable { n_rows, n_cols, words: vec![0; n_rows * n_cols.div_ceil(64)] }
    }

    /// Words a row.
    pub fn stride(&self) -> usize {
        self.n_cols.div_ceil(64)
    }

    /// The words of one row.
    ///
    /// # Panics
    /// If `row` is not below `n_rows`.
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.stride()..][..self.stride()]
    }

    /// One bit.
    ///
    /// # Panics
    /// If the row or the column does not exist.
    pub fn get(&self, row: usize, column: usize) -> bool {
        assert!(column < self.n_cols, "column {column} of {}", self.n_cols);
        self.row(row)[column / 64] >> (column % 64) & 1 == 1
    }

    /// Makes one bit 1.
    ///
    /// # Panics
    /// If the row or the column does not exist.
    pub fn set(&mut self, row: usize, column: usize) {
        assert!(column < self.n_cols, "column {column} of {}", self.n_cols);
        let stride = self.stride();
        self.words[row * stride + column / 64] |= 1 << (column % 64);
    }

    /// The rows with these numbers, in this order.
    ///
    /// # Panics
    /// If a row does not exist.
    pub fn select(&self, rows: &[usize]) -> Self {
        let words = rows.iter().flat_map(|&r| self.row(r)).copied().collect();
        BitTable { n_rows: rows.len(), n_cols: self.n_cols, words }
    }
}
