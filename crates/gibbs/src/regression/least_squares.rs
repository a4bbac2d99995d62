//! Linear least squares: the model that a network should beat.

use gibbs_data::{Scaling, Standardise, Table};

use crate::error::Error;

/// Ridge in units of the columns' variances: columns that depend on each other share their weight and nothing else changes.
const RIDGE: f64 = 1e-9;

/// `y = b0 + b'x + noise` by least squares, the noise normal.
///
/// # Example
/// ```
/// use gibbs::data::{Table, Values};
/// use gibbs::regression::least_squares::LeastSquares;
/// let table = Table::from_values(1, Values::F64(vec![0.0, 1.0, 2.0, 3.0])).unwrap();
/// let fit = LeastSquares::fit(&table, &[1.0, 3.0, 5.0, 7.0], &[0, 1, 2, 3])?;
/// assert!((fit.predict(&table, &[3])?[0] - 7.0).abs() < 1e-6);
/// # Ok::<(), gibbs::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LeastSquares {
    inputs: Standardise,
    weights: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl LeastSquares {
    /// Fits the rows `rows` of a table.
    ///
    /// # Errors
    /// As [`Standardise::fit`]: a constant column, missing values, no rows.
    pub fn fit(table: &Table, y: &[f64], rows: &[usize]) -> Result<Self, Error> {
        let inputs = Standardise::fit(table, rows, Scaling::Standard, None)?;
        let x = inputs.apply(table, &gibbs_core::key::Key::from_seed(0))?;
        let (d, n) = (inputs.n_cols(), rows.len() as f64);
        let mean = rows.iter().map(|r| y[*r]).sum::<f64>() / n;
        // Normal equations of standardised columns.
        let (mut gram, mut right) = (vec![0.0; d * d], vec![0.0; d]);
        for &r in rows {
            let x = &x[r * d..][..d];
            for i in 0..d {
                right[i] += x[i] * (y[r] - mean);
                (0..=i).for_each(|j| gram[i * d + j] += x[i] * x[j]);
            }
        }
        (0..d).for_each(|i| gram[i * d + i] += RIDGE * n);
        let weights = solve(gram, right, d);
        let mut fit = Self { inputs, weights, mean, variance: 0.0 };
        let fitted = fit.predict(table, rows)?;
        fit.variance = rows.iter().zip(&fitted).map(|(r, f)| (y[*r] - f).powi(2)).sum::<f64>() / n;
        Ok(fit)
    }

    /// Predictions for some rows.
    ///
    /// # Errors
    /// As [`Standardise::apply`].
    pub fn predict(&self, table: &Table, rows: &[usize]) -> Result<Vec<f64>, Error> {
        let x = self.inputs.apply(table, &gibbs_core::key::Key::from_seed(0))?;
        let d = self.weights.len();
        let one = |r: &usize| self.mean + x[r * d..][..d].iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f64>();
        Ok(rows.iter().map(one).collect())
    }

    /// Variance of the residuals over the fitted rows, divided by their number (maximum likelihood).
    pub fn variance(&self) -> f64 {
        self.variance
    }
}

/// Cholesky factorisation of the lower triangle in `a`, and back.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>, d: usize) -> Vec<f64> {
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i * d + k] * a[j * d + k]).sum();
            let rest = a[i * d + j] - dot;
            a[i * d + j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / a[j * d + j] };
        }
        let dot: f64 = (0..i).map(|k| a[i * d + k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * d + i];
    }
    for i in (0..d).rev() {
        let dot: f64 = (i + 1..d).map(|k| a[k * d + i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * d + i];
    }
    b
}
