//! Any rising curve.

use super::FitError;
use crate::scores::{ScoreError, at_least, same_length};

/// Isotonic regression of outcomes on a score: the rising step function of least squares, which is also that of largest
/// likelihood. Between the steps it is linear, outside of the scores seen it is constant.
///
/// # Example
/// ```
/// use gibbs_stats::calibration::Isotonic;
/// let curve = Isotonic::fit(&[0.1, 0.2, 0.3, 0.8], &[false, true, false, true])?;
/// assert_eq!((curve.probability(0.0), curve.probability(0.25), curve.probability(0.9)), (0.0, 0.5, 1.0));
/// # Ok::<(), gibbs_stats::calibration::FitError>(())
/// ```
///
/// # Source
/// Pool adjacent violators: Ayer et al. 1955, DOI 10.1214/aoms/1177728423; for calibration: Zadrozny & Elkan 2002,
/// DOI 10.1145/775047.775151.
#[derive(Clone, Debug, PartialEq)]
pub struct Isotonic {
    /// Ends of the steps.
    x: Vec<f64>,
    /// Their heights.
    y: Vec<f64>,
}

/// Neighbouring scores that share one height.
struct Pool {
    from: f64,
    to: f64,
    sum: f64,
    n: f64,
}

impl Isotonic {
    /// Fits scores to outcomes, in `O(n log n)`.
    pub fn fit(scores: &[f64], y: &[bool]) -> Result<Self, FitError> {
        same_length("outcomes", y.len(), scores.len())?;
        at_least("rows", y.len(), 1)?;
        if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
            let wanted = "scores to calibrate are finite";
            return Err(ScoreError::Value { row, col: 0, what: "a score", value: scores[row], wanted }.into());
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&i, &j| scores[i].total_cmp(&scores[j]));
        let mut pools: Vec<Pool> = Vec::new();
        for tied in order.chunk_by(|&i, &j| scores[i] == scores[j]) {
            let sum = tied.iter().filter(|&&i| y[i]).count() as f64;
            let at = scores[tied[0]];
            let mut pool = Pool { from: at, to: at, sum, n: tied.len() as f64 };
            // Heights are compared as products of whole numbers: no rounding.
            while let Some(last) = pools.pop_if(|last| last.sum * pool.n >= pool.sum * last.n) {
                pool = Pool { from: last.from, to: pool.to, sum: last.sum + pool.sum, n: last.n + pool.n };
            }
            pools.push(pool);
        }
        let (mut x, mut heights) = (Vec::new(), Vec::new());
        for pool in &pools {
            let height = pool.sum / pool.n;
            x.push(pool.from);
            heights.push(height);
            if pool.to > pool.from {
                x.push(pool.to);
                heights.push(height);
            }
        }
        Ok(Self { x, y: heights })
    }

    /// Calibrated probability; NaN for NaN.
    pub fn probability(&self, score: f64) -> f64 {
        if score.is_nan() {
            return f64::NAN;
        }
        let after = self.x.partition_point(|x| *x <= score);
        if after == 0 {
            return self.y[0];
        }
        if after == self.x.len() {
            return self.y[after - 1];
        }
        let (x0, x1, y0, y1) = (self.x[after - 1], self.x[after], self.y[after - 1], self.y[after]);
        y0 + (y1 - y0) * ((score - x0) / (x1 - x0))
    }

    /// Ends of the steps and their heights, for plots.
    pub fn steps(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}
