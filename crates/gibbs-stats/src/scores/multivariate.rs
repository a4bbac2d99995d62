//! Scores of forecasts of several quantities together, from draws or moments.

use super::{ScoreError, at_least, same_length};
use crate::linalg::{cholesky, forward, ln_det};

/// Draws as rows of `y.len()` numbers.
fn rows<'a>(draws: &'a [f64], y: &[f64], at_least_rows: usize) -> Result<Vec<&'a [f64]>, ScoreError> {
    at_least("columns", y.len(), 1)?;
    let rows: Vec<&[f64]> = draws.chunks_exact(y.len()).collect();
    same_length("numbers in the draws", draws.len(), rows.len() * y.len())?;
    at_least("draws", rows.len(), at_least_rows)?;
    Ok(rows)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Energy score `mean |x_i - y| - sum_ij |x_i - x_j| / (2 m^2)`: the CRPS of several dimensions, strictly proper. `draws`
/// are rows of `y.len()` numbers. Takes `O(m^2 d)`.
pub fn energy(draws: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let rows = rows(draws, y, 1)?;
    let m = rows.len() as f64;
    Ok(near(&rows, y) - pairs(&rows) / (m * m))
}

/// Fair energy score, with `2 m (m - 1)` in place of `2 m^2`: unbiased for the law behind the draws.
pub fn energy_fair(draws: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let rows = rows(draws, y, 2)?;
    let m = rows.len() as f64;
    Ok(near(&rows, y) - pairs(&rows) / (m * (m - 1.0)))
}

fn near(rows: &[&[f64]], y: &[f64]) -> f64 {
    rows.iter().map(|x| distance(x, y)).sum::<f64>() / rows.len() as f64
}

/// `sum_(i<j) |x_i - x_j|`.
fn pairs(rows: &[&[f64]]) -> f64 {
    (0..rows.len()).map(|i| rows[i + 1..].iter().map(|x| distance(x, rows[i])).sum::<f64>()).sum()
}

/// Variogram score of order `order` (0.5 is usual): `sum_ij (|y_i - y_j|^order - mean |x_i - x_j|^order)^2`. It sees wrong
/// correlations that the energy score hardly does, but not a common shift; proper, not strictly.
///
/// Source: Scheuerer & Hamill 2015, DOI 10.1175/MWR-D-14-00269.1.
pub fn variogram(draws: &[f64], y: &[f64], order: f64) -> Result<f64, ScoreError> {
    if !(order > 0.0 && order.is_finite()) {
        let wanted = "give a positive, finite number (0.5 is usual)";
        return Err(ScoreError::Setting { what: "the order of the variogram", value: order, wanted });
    }
    let rows = rows(draws, y, 1)?;
    let mut sum = 0.0;
    for i in 0..y.len() {
        for j in 0..i {
            let forecast = rows.iter().map(|x| (x[i] - x[j]).abs().powf(order)).sum::<f64>() / rows.len() as f64;
            // Every pair is met once and counts twice.
            sum += 2.0 * ((y[i] - y[j]).abs().powf(order) - forecast).powi(2);
        }
    }
    Ok(sum)
}

/// Dawid and Sebastiani's score of a mean and a standard deviation: `2 ln sigma + ((y - mu) / sigma)^2`, twice the log
/// score of a normal law up to a constant; proper whatever the law, and strictly for mean and variance.
///
/// Source: Dawid & Sebastiani 1999, DOI 10.1214/aos/1018031101.
pub fn dawid_sebastiani(mu: f64, sigma: f64, y: f64) -> f64 {
    if sigma > 0.0 { 2.0 * sigma.ln() + ((y - mu) / sigma).powi(2) } else { f64::NAN }
}

/// The same of a mean vector and a covariance matrix, row-major: `ln det C + (y - mu)' C^-1 (y - mu)`.
pub fn dawid_sebastiani_multivariate(mu: &[f64], covariance: &[f64], y: &[f64]) -> Result<f64, ScoreError> {
    let d = y.len();
    same_length("means", mu.len(), d)?;
    same_length("entries of the covariance matrix", covariance.len(), d * d)?;
    let factor = cholesky(covariance, d).map_err(|(row, value)| {
        let wanted = "the covariance matrix must be positive definite (this is its pivot)";
        ScoreError::Value { row, col: row, what: "the covariance", value, wanted }
    })?;
    let mut z: Vec<f64> = y.iter().zip(mu).map(|(y, m)| y - m).collect();
    forward(&factor, d, &mut z);
    Ok(ln_det(&factor, d) + z.iter().map(|z| z * z).sum::<f64>())
}
