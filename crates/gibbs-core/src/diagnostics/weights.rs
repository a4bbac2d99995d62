//! Importance weights.

/// Summary of log weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSummary {
    /// `log mean exp`.
    pub log_mean_exp: f64,
    /// Delta-method standard error of it.
    pub std_err: f64,
    /// `(sum w)^2 / sum w^2`.
    pub ess: f64,
}

/// `None` when no weight is above zero.
pub fn summarise(log_weights: &[f64]) -> Option<WeightSummary> {
    let n = log_weights.len() as f64;
    let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return None;
    }
    let w: Vec<f64> = log_weights.iter().map(|l| (l - most).exp()).collect();
    let sum: f64 = w.iter().sum();
    let mean = sum / n;
    let var = w.iter().map(|w| (w / mean - 1.0).powi(2)).sum::<f64>() / (n - 1.0);
    let square: f64 = w.iter().map(|w| w * w).sum();
    Some(WeightSummary { log_mean_exp: most + mean.ln(), std_err: (var / n).sqrt(), ess: sum * sum / square })
}
