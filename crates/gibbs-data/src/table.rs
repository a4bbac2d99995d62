//! A table of numbers in memory: rows x columns, one byte a cell where the values allow it.

use crate::{DataError, Split};

/// The cells of a table, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Every value is an integer in `0..=255`: one byte a cell.
    U8(Vec<u8>),
    /// Anything else; `NaN` marks a missing value.
    F64(Vec<f64>),
}

impl Values {
    /// No cells yet; they start in bytes.
    pub fn new() -> Self {
        Values::U8(Vec::new())
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Values::U8(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell at a position, as a number.
    ///
    /// # Panics
    /// If `index` is not below [`Values::len`].
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Values::U8(v) => f64::from(v[index]),
            Values::F64(v) => v[index],
        }
    }

    /// Appends a value; the first one that is not an integer in `0..=255` turns the whole into `F64`.
    pub fn push(&mut self, value: f64) {
        match self {
            Values::F64(v) => v.push(value),
            Values::U8(v) => {
                if let Some(byte) = as_byte(value) {
                    v.push(byte);
                } else {
                    self.widen().push(value);
                }
            }
        }
    }

    /// Overwrites a cell, widening as [`Values::push`] does.
    pub(crate) fn set(&mut self, index: usize, value: f64) {
        match (&mut *self, as_byte(value)) {
            (Values::U8(v), Some(byte)) => v[index] = byte,
            (Values::U8(_), None) => self.widen()[index] = value,
            (Values::F64(v), _) => v[index] = value,
        }
    }

    /// Appends `n` zeros.
    pub(crate) fn extend_zeros(&mut self, n: usize) {
        match self {
            Values::U8(v) => v.resize(v.len() + n, 0),
            Values::F64(v) => v.resize(v.len() + n, 0.0),
        }
    }

    /// Appends another table's cells.
    pub(crate) fn append(&mut self, other: Values) {
        match (&mut *self, other) {
            (Values::U8(a), Values::U8(b)) => a.extend_from_slice(&b),
            (Values::F64(a), Values::U8(b)) => a.extend(b.into_iter().map(f64::from)),
            (Values::F64(a), Values::F64(b)) => a.extend_from_slice(&b),
            (Values::U8(_), Values::F64(b)) => self.widen().extend_from_slice(&b),
        }
    }

    /// Moves all cells to the end of `out`; what room there is, and whether cells are bytes, stays.
    pub(crate) fn drain_into(&mut self, out: &mut Vec<f64>) {
        match self {
            Values::U8(v) => out.extend(v.drain(..).map(f64::from)),
            Values::F64(v) => out.append(v),
        }
    }

    pub(crate) fn truncate(&mut self, n: usize) {
        match self {
            Values::U8(v) => v.truncate(n),
            Values::F64(v) => v.truncate(n),
        }
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        match self {
            Values::U8(v) => v.shrink_to_fit(),
            Values::F64(v) => v.shrink_to_fit(),
        }
    }

    /// Bytes a cell takes now.
    pub(crate) fn cell_bytes(&self) -> u64 {
        match self {
            Values::U8(_) => 1,
            Values::F64(_) => 8,
        }
    }

    fn widen(&mut self) -> &mut Vec<f64> {
        if let Values::U8(v) = self {
            *self = Values::F64(v.iter().map(|&b| f64::from(b)).collect());
        }
        match self {
            Values::F64(v) => v,
            Values::U8(_) => unreachable!("widened just above"),
        }
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::new()
    }
}

fn as_byte(value: f64) -> Option<u8> {
    let byte = value as u8; // saturates; NaN becomes 0
    (f64::from(byte) == value).then_some(byte)
}

/// A table of numbers with what is known about where they came from.
///
/// # Example
/// ```
/// use gibbs_data::{Table, Values};
/// let t = Table::from_values(2, Values::U8(vec![0, 1, 1, 0, 1, 1])).unwrap();
/// assert_eq!((t.n_rows, t.n_cols()), (3, 2));
/// assert_eq!(t.value(1, 0), 1.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Names of the data columns; weight and label columns are not among them.
    pub columns: Vec<String>,
    /// Whether the names came with the data; if not they are `x0, x1, ...`.
    pub has_names: bool,
    /// Number of rows.
    pub n_rows: usize,
    /// The cells, row-major.
    pub values: Values,
    /// One non-negative finite weight a row.
    pub weights: Option<Vec<f64>>,
    /// One integer label a row.
    pub labels: Option<Vec<i64>>,
    /// Of a table read as text, the values of every column in order of appearance: a cell holds the position of its
    /// own. A number is written in one way only (`1.50` is `1.5`).
    pub levels: Option<Vec<Vec<String>>>,
    /// Height and width of the picture that a row is.
    pub shape: Option<(usize, usize)>,
    /// The division into parts that the publisher of the data made.
    pub suggested_split: Option<Split>,
    /// Mean log-likelihood (nats) of the distribution itself, where the data is synthetic and this is known:
    /// minus its entropy, so that no model has a larger expectation.
    pub max_log_likelihood: Option<f64>,
    /// SHA-256 of the raw bytes read; for generated data, of name, parameters, and cells.
    pub source_hash: [u8; 32],
    /// A path or a set's name, for messages.
    pub source: String,
    /// The number a person gives the first data row: 2 below a header, 1 without.
    pub first_row: usize,
}

impl Table {
    /// A table of unnamed columns.
    ///
    /// # Errors
    /// [`DataError::NoColumns`], [`DataError::NoRows`], or [`DataError::Corrupt`] where the cells do not fill whole rows.
    pub fn from_values(n_cols: usize, mut values: Values) -> Result<Self, DataError> {
        if n_cols == 0 {
            return Err(DataError::NoColumns);
        }
        if values.is_empty() {
            return Err(DataError::NoRows { columns: n_cols });
        }
        if !values.len().is_multiple_of(n_cols) {
            return Err(DataError::Corrupt(format!("{} cells do not make rows of {n_cols}", values.len())));
        }
        values.shrink_to_fit();
        Ok(Table {
            columns: (0..n_cols).map(|c| format!("x{c}")).collect(),
            n_rows: values.len() / n_cols,
            values,
            first_row: 1,
            ..Table::default()
        })
    }

    /// Number of data columns.
    pub fn n_cols(&self) -> usize {
        self.columns.len()
    }

    /// The cell in a row and a column, both from 0.
    ///
    /// # Panics
    /// If either is out of range.
    pub fn value(&self, row: usize, column: usize) -> f64 {
        assert!(column < self.n_cols(), "column {column} of {}", self.n_cols());
        self.values.get(row * self.n_cols() + column)
    }

    /// A cell as text; `None` if it is missing.
    ///
    /// # Panics
    /// If row or column is out of range.
    pub fn text(&self, row: usize, column: usize) -> Option<String> {
        let value = self.value(row, column);
        let name = || self.levels.as_ref().map_or_else(|| value.to_string(), |l| l[column][value as usize].clone());
        (!value.is_nan()).then(name)
    }

    /// The table with the missing cells of every column filled, and a flag a cell: whether it was there.
    pub fn filled(&self, with: impl Fn(usize) -> f64) -> (Self, Vec<bool>) {
        let mut table = self.clone();
        let known: Vec<bool> = (0..self.values.len()).map(|i| !self.values.get(i).is_nan()).collect();
        let n_cols = self.n_cols();
        (0..known.len()).filter(|&i| !known[i]).for_each(|i| table.values.set(i, with(i % n_cols)));
        (table, known)
    }

    /// Takes a column out of the data; `None` if there is none of that name.
    pub fn take_column(&mut self, name: &str) -> Option<Vec<f64>> {
        let at = self.columns.iter().position(|c| c == name)?;
        let (n_cols, mut rest) = (self.n_cols(), Values::new());
        let column = (0..self.n_rows).map(|r| self.value(r, at)).collect();
        (0..self.values.len()).filter(|i| i % n_cols != at).for_each(|i| rest.push(self.values.get(i)));
        self.columns.remove(at);
        if let Some(levels) = &mut self.levels {
            levels.remove(at);
        }
        self.values = rest;
        Some(column)
    }

    /// Row (as a person counts it, from 1) and column name of a cell number, for messages.
    pub fn locate(&self, index: usize) -> (usize, String) {
        (self.first_row + index / self.n_cols(), self.columns[index % self.n_cols()].clone())
    }

    /// Row (as a person counts it) and column of the first missing value.
    ///
    /// # Example
    /// ```
    /// use gibbs_data::{read_bytes, ReadOptions};
    /// let t = read_bytes("a,b\n1,2\n3,NA\n".as_bytes(), "t.csv", &ReadOptions::default()).unwrap();
    /// assert_eq!(t.first_missing(), Some((3, "b".to_string())));
    /// ```
    pub fn first_missing(&self) -> Option<(usize, String)> {
        self.position(f64::is_nan)
    }

    /// Row (as a person counts it) and column of the first infinite value.
    pub fn first_infinite(&self) -> Option<(usize, String)> {
        self.position(f64::is_infinite)
    }

    fn position(&self, test: impl Fn(f64) -> bool) -> Option<(usize, String)> {
        match &self.values {
            Values::U8(_) => None,
            Values::F64(v) => v.iter().position(|&x| test(x)).map(|i| self.locate(i)),
        }
    }

    /// Fails at the first missing or infinite value.
    ///
    /// # Errors
    /// [`DataError::Missing`] or [`DataError::Infinite`].
    pub fn check_finite(&self) -> Result<(), DataError> {
        let Values::F64(v) = &self.values else { return Ok(()) };
        match v.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(i) => {
                let (row, column) = self.locate(i);
                Err(if v[i].is_nan() {
                    DataError::Missing { row, column }
                } else {
                    DataError::Infinite { row, column, value: v[i] }
                })
            }
        }
    }

    /// The digest as 64 hexadecimal digits.
    pub fn source_hash_hex(&self) -> String {
        crate::hash::hex(&self.source_hash)
    }

    /// Keeps the first `n` rows; a suggested split keeps the indices that remain.
    pub fn truncate(&mut self, n: usize) {
        if n >= self.n_rows {
            return;
        }
        self.values.truncate(n * self.n_cols());
        self.values.shrink_to_fit();
        if let Some(w) = &mut self.weights {
            w.truncate(n);
        }
        if let Some(l) = &mut self.labels {
            l.truncate(n);
        }
        if let Some(s) = &mut self.suggested_split {
            s.retain_below(n);
        }
        self.n_rows = n;
    }
}
