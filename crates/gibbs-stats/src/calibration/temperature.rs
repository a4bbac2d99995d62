//! One inverse temperature for all logits.

use super::FitError;
use crate::scores::{ScoreError, at_least, same_length};
use crate::softmax::log_softmax;

/// Checks rows of finite logits with their classes.
pub(super) fn check(n_classes: usize, logits: &[f64], labels: &[usize]) -> Result<(), ScoreError> {
    at_least("classes", n_classes, 2)?;
    at_least("rows", labels.len(), 1)?;
    same_length("logits", logits.len(), n_classes * labels.len())?;
    let fault = |at: usize, what, value, wanted| ScoreError::Value {
        row: at / n_classes,
        col: at % n_classes,
        what,
        value,
        wanted,
    };
    if let Some(at) = logits.iter().position(|z| !z.is_finite()) {
        return Err(fault(at, "a logit", logits[at], "logits to calibrate are finite"));
    }
    if let Some(row) = labels.iter().position(|y| *y >= n_classes) {
        let wanted = "labels are class indices from 0 up, below the number of classes";
        return Err(fault(row * n_classes, "the label", labels[row] as f64, wanted));
    }
    Ok(())
}

/// Temperature scaling: `p = softmax(beta z)` with the `beta` of largest likelihood. It changes how sure a classifier
/// is, never which class it prefers.
///
/// # Example
/// ```
/// use gibbs_stats::calibration::Temperature;
/// // Twice as sure as it should be: right in 3 of 4 cases at logit 2 ln 3.
/// let z = 2.0 * 3f64.ln();
/// let fitted = Temperature::fit(2, &[z, 0.0, z, 0.0, z, 0.0, z, 0.0], &[0, 0, 0, 1])?;
/// assert!((fitted.beta() - 0.5).abs() < 1e-12);
/// # Ok::<(), gibbs_stats::calibration::FitError>(())
/// ```
///
/// # Source
/// Guo et al. 2017, arXiv:1706.04599.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    beta: f64,
}

impl Temperature {
    /// The inverse temperature of largest likelihood for rows of `n_classes` logits with their labels.
    ///
    /// The negative log-likelihood is convex in `beta`, so its slope `mean(E[z] - z_y)` is bracketed and bisected until
    /// nothing but rounding is left.
    ///
    /// # Errors
    /// [`FitError::NoBest`] if every label has the largest logit (no temperature is too low), or if the logits rank
    /// labels no better than chance (none is too high).
    pub fn fit(n_classes: usize, logits: &[f64], labels: &[usize]) -> Result<Self, FitError> {
        check(n_classes, logits, labels)?;
        let slope = |beta: f64| -> f64 {
            let row = |(z, y): (&[f64], &usize)| {
                let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let (mut sum, mut mean) = (0.0, 0.0);
                for z in z {
                    let w = (beta * (z - top)).exp();
                    sum += w;
                    mean += w * (z - top);
                }
                mean / sum - (z[*y] - top)
            };
            logits.chunks_exact(n_classes).zip(labels).map(row).sum::<f64>() / labels.len() as f64
        };
        let what = "temperature scaling";
        let first = |(z, y): (&[f64], &usize)| z.iter().all(|other| *other <= z[*y]);
        if logits.chunks_exact(n_classes).zip(labels).all(first) {
            let why = "every label has the largest logit, so ever lower temperatures win: use more rows";
            return Err(FitError::NoBest { what, why });
        }
        if slope(0.0) >= 0.0 {
            let why = "the logits rank the labels no better than chance, so the flattest law wins: check the labels";
            return Err(FitError::NoBest { what, why });
        }
        let (mut low, mut high) = (0.0, 1.0);
        // Ends: at infinity the slope is the mean of max z - z_y, which is positive now.
        while slope(high) < 0.0 {
            (low, high) = (high, 2.0 * high);
        }
        // Zero exactly at the first step for a lone bracket; 200 halvings exhaust a double.
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle == low || middle == high {
                break;
            }
            if slope(middle) < 0.0 { low = middle } else { high = middle }
        }
        Ok(Self { beta: 0.5 * (low + high) })
    }

    /// The inverse temperature; below 1 where the model was too sure.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Calibrated log-probabilities of a row of logits.
    pub fn log_probs(&self, logits: &[f64]) -> Result<Vec<f64>, crate::softmax::SoftmaxError> {
        log_softmax(logits, self.beta)
    }
}
