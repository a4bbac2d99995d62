//! Averages of scores with their errors, and whether one forecaster beats another.

use statrs::function::beta::beta_reg;

use super::{ScoreError, at_least, same_length};

/// Mean score with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of rows.
    pub n: usize,
    /// Mean; infinite where one row was.
    pub mean: f64,
    /// Standard error for independent rows, `sd / sqrt n`; NaN for a single row or an infinite mean.
    pub std_err: f64,
}

/// Sums up the scores of rows.
///
/// # Errors
/// No row, or a NaN.
pub fn summarise(scores: &[f64]) -> Result<Summary, ScoreError> {
    at_least("scores", scores.len(), 1)?;
    if let Some(row) = scores.iter().position(|s| s.is_nan()) {
        let wanted = "scores are numbers: were the parameters of this row legal?";
        return Err(ScoreError::Value { row, col: 0, what: "the score", value: f64::NAN, wanted });
    }
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let square: f64 = scores.iter().map(|s| (s - mean).powi(2)).sum();
    Ok(Summary { n: scores.len(), mean, std_err: (square / (n - 1.0) / n).sqrt() })
}

/// A paired comparison of two forecasters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Mean of `score_a - score_b`: negative where `a` is better.
    pub difference: f64,
    /// Its standard error, correlations up to the horizon included.
    pub std_err: f64,
    /// `difference / std_err` with the small-sample correction.
    pub statistic: f64,
    /// Two-sided p-value from Student's law with `n - 1` degrees of freedom: the probability of so large a difference
    /// between equally good forecasters.
    pub p_value: f64,
}

/// Diebold and Mariano's test that two forecasters score alike on the same outcomes; `horizon` is how many steps ahead the
/// forecasts look, 1 where rows are independent. Autocovariances of the differences below the horizon count, and the
/// statistic is corrected for few rows.
///
/// # Errors
/// Lists of different length, too few rows for the horizon, a difference that is not finite.
///
/// # Example
/// ```
/// use gibbs_stats::scores::compare;
/// let (a, b) = ([1.0, 1.2, 0.9, 1.1, 1.0], [1.3, 1.4, 1.3, 1.2, 1.5]);
/// let c = compare(&a, &b, 1)?;
/// assert!(c.difference < 0.0 && c.p_value < 0.05);
/// # Ok::<(), gibbs_stats::scores::ScoreError>(())
/// ```
///
/// # Source
/// Diebold & Mariano 1995, DOI 10.1080/07350015.1995.10524599; Harvey, Leybourne & Newbold 1997,
/// DOI 10.1016/S0169-2070(96)00719-4, equation 9.
pub fn compare(a: &[f64], b: &[f64], horizon: usize) -> Result<Comparison, ScoreError> {
    same_length("scores of the second forecaster", b.len(), a.len())?;
    at_least("steps of the horizon", horizon, 1)?;
    at_least("rows", a.len(), horizon + 1)?;
    let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    if let Some(row) = d.iter().position(|d| !d.is_finite()) {
        let wanted = "scores to be compared are finite: cut probabilities off from 0 first";
        return Err(ScoreError::Value { row, col: 0, what: "the difference of the scores", value: d[row], wanted });
    }
    let (n, h) = (d.len() as f64, horizon as f64);
    let difference = d.iter().sum::<f64>() / n;
    let covariance =
        |lag: usize| (lag..d.len()).map(|t| (d[t] - difference) * (d[t - lag] - difference)).sum::<f64>() / n;
    // Negative sums of autocovariances happen with few rows; they say that nothing is known.
    let long_run = (covariance(0) + 2.0 * (1..horizon).map(covariance).sum::<f64>()).max(0.0);
    let corrected = long_run / (n + 1.0 - 2.0 * h + h * (h - 1.0) / n);
    let std_err = corrected.sqrt();
    let statistic = if difference == 0.0 { 0.0 } else { difference / std_err };
    let dof = n - 1.0;
    let p_value =
        if statistic.is_infinite() { 0.0 } else { beta_reg(0.5 * dof, 0.5, dof / (dof + statistic * statistic)) };
    Ok(Comparison { difference, std_err, statistic, p_value })
}
