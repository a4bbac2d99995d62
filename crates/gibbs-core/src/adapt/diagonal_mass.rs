//! A diagonal metric from the positions of chains.

use crate::real::Real;
use crate::rows::Continuous;

/// Running mean and variance of each coordinate, by Welford's update.
///
/// # Example
/// ```
/// use gibbs_core::adapt::DiagonalMass;
/// use gibbs_core::dense::Dense;
/// let mut mass = DiagonalMass::new(1);
/// mass.add(&Dense::from_rows(1, vec![1.0f64, 2.0, 3.0, 4.0]));
/// assert_eq!((mass.count(), mass.mean()[0], mass.sample_variance()[0]), (4, 2.5, 5.0 / 3.0));
/// ```
///
/// # Source
/// Welford 1962, DOI 10.1080/00401706.1962.10490022.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagonalMass {
    count: u64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl DiagonalMass {
    /// Of nothing yet, in `n_cols` coordinates.
    pub fn new(n_cols: usize) -> Self {
        Self { count: 0, mean: vec![0.0; n_cols], squares: vec![0.0; n_cols] }
    }

    /// Takes in every row.
    ///
    /// # Panics
    /// If the rows are not of this many coordinates.
    pub fn add<X: Continuous>(&mut self, x: &X) {
        let n_cols = self.mean.len();
        assert_eq!(x.n_cols(), n_cols, "rows of one width");
        for row in x.values().chunks_exact(n_cols) {
            self.count += 1;
            let n = self.count as f64;
            for ((v, mean), squares) in row.iter().zip(&mut self.mean).zip(&mut self.squares) {
                let before = v.widen() - *mean;
                *mean += before / n;
                *squares += before * (v.widen() - *mean);
            }
        }
    }

    /// Rows taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean of each coordinate.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each coordinate (denominator `n - 1`); zeroes before the second row.
    pub fn sample_variance(&self) -> Vec<f64> {
        let n = (self.count as f64 - 1.0).max(1.0);
        self.squares.iter().map(|s| s / n).collect()
    }

    /// The variance to step with, drawn a little towards 0.001 as Stan does: `n / (n + 5) var + 5 / (n + 5) 0.001`, so
    /// that a coordinate which has hardly been seen to move is not given an infinite mass.
    pub fn variance(&self) -> Vec<f64> {
        let n = self.count as f64;
        self.sample_variance().iter().map(|v| (n * v + 5.0 * 1e-3) / (n + 5.0)).collect()
    }
}
