//! Scores of forecasts of quantiles and intervals.

use super::{ScoreError, at_least, open_share, same_length};

/// Quantile score (pinball loss) of the forecast `q` of the quantile of level `level`:
/// `(level - [y < q]) (y - q)`, lowest on average at the true quantile.
///
/// # Errors
/// A level not strictly between 0 and 1.
pub fn quantile(level: f64, q: f64, y: f64) -> Result<f64, ScoreError> {
    let level = open_share("the level", level)?;
    Ok((level - f64::from(u8::from(y < q))) * (y - q))
}

/// Interval score of a central interval that is to hold `1 - alpha`: its width, plus `2 / alpha` times the distance by
/// which the outcome misses it.
///
/// # Errors
/// `alpha` not strictly between 0 and 1, or bounds in the wrong order.
///
/// # Source
/// Gneiting & Raftery 2007, equation 43, DOI 10.1198/016214506000001437.
pub fn interval(alpha: f64, low: f64, high: f64, y: f64) -> Result<f64, ScoreError> {
    let alpha = open_share("alpha", alpha)?;
    if low.is_nan() || high.is_nan() || low > high {
        let wanted = "give bounds in order (this is the upper minus the lower one)";
        return Err(ScoreError::Setting { what: "the width of the interval", value: high - low, wanted });
    }
    Ok((high - low) + 2.0 / alpha * ((low - y).max(0.0) + (y - high).max(0.0)))
}

/// Weighted interval score of a median and central intervals `(alpha, low, high)`:
/// `(|y - median| / 2 + sum alpha/2 interval) / (K + 1/2)`, which tends to the CRPS for many levels.
///
/// # Source
/// Bracher, Ray, Gneiting & Reich 2021, DOI 10.1371/journal.pcbi.1008618.
pub fn weighted_interval(median: f64, intervals: &[(f64, f64, f64)], y: f64) -> Result<f64, ScoreError> {
    let mut sum = 0.5 * (y - median).abs();
    for &(alpha, low, high) in intervals {
        sum += 0.5 * alpha * interval(alpha, low, high, y)?;
    }
    Ok(sum / (intervals.len() as f64 + 0.5))
}

/// Share of outcomes inside their intervals, ends included.
pub fn coverage(low: &[f64], high: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    at_least("outcomes", y.len(), 1)?;
    same_length("lower bounds", low.len(), y.len())?;
    same_length("upper bounds", high.len(), y.len())?;
    let inside = (0..y.len()).filter(|&i| low[i] <= y[i] && y[i] <= high[i]).count();
    Ok(inside as f64 / y.len() as f64)
}
