//! Sparse feature rows.

use gibbs_kernels::sparse::SparseView;

use super::CrfError;

/// Rows of features of which few are not zero, in compressed form (CSR). A feature named twice in a row counts twice.
///
/// # Example
/// ```
/// use gibbs_spin::crf::SparseRows;
/// let mut rows = SparseRows::new(5);
/// rows.push([(0, 1.0), (4, 0.5)])?;
/// rows.push([])?;
/// assert_eq!((rows.n_rows(), rows.n_entries()), (2, 2));
/// assert!(rows.push([(5, 1.0)]).is_err());
/// # Ok::<(), gibbs_spin::crf::CrfError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    n_columns: usize,
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl SparseRows {
    /// No rows yet, of `n_columns` features.
    pub fn new(n_columns: usize) -> Self {
        Self { n_columns, offsets: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    /// Dense rows, row-major: what is not zero is kept.
    ///
    /// # Errors
    /// Rows that are not whole, or a value that is not finite.
    pub fn from_dense(values: &[f32], n_columns: usize) -> Result<Self, CrfError> {
        let mut rows = Self::new(n_columns);
        let n_rows = values.len() / n_columns.max(1);
        super::sized("numbers of whole rows", values.len(), n_rows * n_columns)?;
        for row in values.chunks_exact(n_columns.max(1)) {
            let entries = row.iter().enumerate().filter(|(_, v)| **v != 0.0);
            rows.push(entries.map(|(c, v)| (c as u32, *v)))?;
        }
        Ok(rows)
    }

    /// Appends a row of (feature, value) pairs.
    ///
    /// # Errors
    /// A feature that is out of range or a value that is not finite; the row is not appended then.
    pub fn push(&mut self, entries: impl IntoIterator<Item = (u32, f32)>) -> Result<(), CrfError> {
        let (row, start) = (self.n_rows(), self.columns.len());
        for (column, value) in entries {
            let wrong = if column as usize >= self.n_columns {
                CrfError::Column { row, column, n_columns: self.n_columns }
            } else if !value.is_finite() {
                CrfError::NotFinite { what: "feature value", index: self.values.len(), value: f64::from(value) }
            } else {
                self.columns.push(column);
                self.values.push(value);
                continue;
            };
            self.columns.truncate(start);
            self.values.truncate(start);
            return Err(wrong);
        }
        self.offsets.push(self.columns.len());
        Ok(())
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of features.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of entries that are kept.
    pub fn n_entries(&self) -> usize {
        self.columns.len()
    }

    /// Features and values of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let range = self.offsets[i]..self.offsets[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// Some rows in a row, for the kernels.
    pub(crate) fn view(&self, rows: std::ops::Range<usize>) -> SparseView<'_> {
        SparseView { offsets: &self.offsets[rows.start..=rows.end], columns: &self.columns, values: &self.values }
    }

    /// Number of entries of these rows.
    pub(crate) fn entries_of(&self, rows: std::ops::Range<usize>) -> usize {
        self.offsets[rows.end] - self.offsets[rows.start]
    }

    /// Rows become columns: row `f` of the result holds the rows that feature `f` is in, in order.
    ///
    /// # Panics
    /// If there are more than `u32::MAX` rows, which no memory of today holds.
    pub fn transposed(&self) -> Self {
        let n_rows = u32::try_from(self.n_rows()).expect("rows are counted in 32 bits");
        let mut offsets = vec![0usize; self.n_columns + 1];
        for c in &self.columns {
            offsets[*c as usize + 1] += 1;
        }
        for c in 0..self.n_columns {
            offsets[c + 1] += offsets[c];
        }
        let mut next = offsets.clone();
        let (mut columns, mut values) = (vec![0; self.columns.len()], vec![0.0; self.values.len()]);
        for row in 0..n_rows {
            let (from, with) = self.row(row as usize);
            for (c, v) in from.iter().zip(with) {
                let place = &mut next[*c as usize];
                columns[*place] = row;
                values[*place] = *v;
                *place += 1;
            }
        }
        Self { n_columns: n_rows as usize, offsets, columns, values }
    }

    /// The rows at `index`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`SparseRows::n_rows`].
    pub fn select(&self, index: impl IntoIterator<Item = usize>) -> Self {
        let mut rows = Self::new(self.n_columns);
        for i in index {
            let (columns, values) = self.row(i);
            rows.columns.extend_from_slice(columns);
            rows.values.extend_from_slice(values);
            rows.offsets.push(rows.columns.len());
        }
        rows
    }
}
