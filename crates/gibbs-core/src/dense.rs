//! Rows of real numbers: the states of continuous models.

use crate::persist::{Persist, StateError, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};

/// `n_rows` points of `R^n_cols`, row-major.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::rows::{Continuous, Rows};
/// let x = Dense::from_rows(2, vec![0.0f64, 1.0, 2.0, 3.0]);
/// assert_eq!((x.n_rows(), x.row(1)), (2, &[2.0, 3.0][..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dense<T> {
    n_rows: usize,
    n_cols: usize,
    values: Vec<T>,
}

impl<T: Real> Dense<T> {
    /// Zeroes.
    pub fn zeros(n_rows: usize, n_cols: usize) -> Self {
        Self { n_rows, n_cols, values: vec![T::zero(); n_rows * n_cols] }
    }

    /// From numbers, row after row.
    ///
    /// # Panics
    /// If they do not fill whole rows of `n_cols > 0`.
    pub fn from_rows(n_cols: usize, values: Vec<T>) -> Self {
        assert!(n_cols > 0 && values.len().is_multiple_of(n_cols), "{} numbers in rows of {n_cols}", values.len());
        Self { n_rows: values.len() / n_cols, n_cols, values }
    }

    /// The rows `start..end`.
    ///
    /// # Panics
    /// If the range is not inside the rows.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        Self::from_rows(self.n_cols, self.values[start * self.n_cols..end * self.n_cols].to_vec())
    }

    /// The same numbers in another precision.
    pub fn cast<U: Real>(&self) -> Dense<U> {
        Dense {
            n_rows: self.n_rows,
            n_cols: self.n_cols,
            values: self.values.iter().map(|v| U::narrow(v.widen())).collect(),
        }
    }
}

impl<T: Real> Rows for Dense<T> {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn select(&self, index: &[usize]) -> Self {
        let mut values = Vec::with_capacity(index.len() * self.n_cols);
        index.iter().for_each(|&i| values.extend_from_slice(self.row(i)));
        Self { n_rows: index.len(), n_cols: self.n_cols, values }
    }
}

impl<T: Real> Continuous for Dense<T> {
    type T = T;

    fn n_cols(&self) -> usize {
        self.n_cols
    }

    fn values(&self) -> &[T] {
        &self.values
    }

    fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    fn reset(&mut self, n_rows: usize, n_cols: usize) {
        self.values.resize(n_rows * n_cols, T::zero());
        (self.n_rows, self.n_cols) = (n_rows, n_cols);
    }
}

impl<T: Real> ExchangeRows for Dense<T> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        let n = self.n_cols;
        assert_eq!((self.n_rows, n), (which.len(), other.n_cols), "rows of one shape, and one answer a row");
        let pairs = self.values.chunks_exact_mut(n).zip(other.values.chunks_exact_mut(n));
        for ((a, b), &which) in pairs.zip(which) {
            // A choice of values and not of a path: which rows change places is random, and would be guessed wrong.
            a.iter_mut().zip(b).for_each(|(a, b)| (*a, *b) = if which { (*b, *a) } else { (*a, *b) });
        }
    }
}

impl<T: Real> Persist for Dense<T> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}values"), T::to_tensor(&[self.n_rows, self.n_cols], &self.values));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}values");
        let tensor = from.expect(&name, None)?;
        let &[n_rows, n_cols] = &tensor.shape[..] else {
            return Err(StateError::Shape {
                name,
                found: tensor.shape.clone(),
                wanted: vec![self.n_rows, self.n_cols],
            });
        };
        self.values = T::from_tensor(tensor, &name)?;
        (self.n_rows, self.n_cols) = (n_rows, n_cols);
        Ok(())
    }
}
