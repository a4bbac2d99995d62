//! Importance weights: what they estimate and how many of them count.

/// Summary of log weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSummary {
    /// `log mean exp(log w)`.
    pub log_mean_exp: f64,
    /// Its delta-method standard error, `sd(w) / (mean(w) sqrt(n))`.
    pub std_err: f64,
    /// Effective number of weights, `(sum w)^2 / sum w^2` (Kong 1992).
    pub ess: f64,
    /// Share of the largest weight.
    pub largest_share: f64,
}

/// Summarises log weights; `None` when no weight is above zero.
///
/// # Example
/// ```
/// let s = gibbs_core::diagnostics::weights::summarise(&[1000.0, 1000.0]).unwrap();
/// assert_eq!((s.log_mean_exp, s.std_err, s.ess), (1000.0, 0.0, 2.0));
/// ```
pub fn summarise(log_weights: &[f64]) -> Option<WeightSummary> {
    let n = log_weights.len() as f64;
    let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return None;
    }
    let weights: Vec<f64> = log_weights.iter().map(|l| (l - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mean = sum / n;
    let variance = weights.iter().map(|w| (w / mean - 1.0).powi(2)).sum::<f64>() / (n - 1.0);
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    Some(WeightSummary {
        log_mean_exp: most + mean.ln(),
        std_err: (variance / n).sqrt(),
        ess: sum * sum / squares,
        largest_share: 1.0 / sum,
    })
}
