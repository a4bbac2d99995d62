//! Probability integral transform: `u = F(y)` is uniform if `F` is the law of `y` (Dawid 1984, DOI 10.2307/2981683).

use gibbs_core::key::Key;

use super::{ScoreError, at_least, probabilities};

/// Randomised transform of a discrete forecast: uniform between `F(y-)` and `F(y)`.
///
/// # Errors
/// Bounds that are no probabilities in order.
pub fn randomised(below: &[f64], at: &[f64], key: &Key) -> Result<Vec<f64>, ScoreError> {
    super::same_length("values of F(y)", at.len(), below.len())?;
    probabilities(below)?;
    probabilities(at)?;
    if let Some(row) = (0..at.len()).find(|&i| below[i] > at[i]) {
        let wanted = "F(y) is at least F(y-)";
        return Err(ScoreError::Value { row, col: 0, what: "F(y)", value: at[row], wanted });
    }
    let mut rng = key.rng();
    Ok(below.iter().zip(at).map(|(a, b)| a + (b - a) * rng.uniform()).collect())
}

/// Transform of a forecast in the form of draws: the randomised rank of the outcome among them, uniform on `(0, 1)` if
/// draws and outcome come from one law. Ties are broken at random.
pub fn from_samples(draws: &[f64], y: f64, key: &Key) -> Result<f64, ScoreError> {
    at_least("draws", draws.len(), 1)?;
    let below = draws.iter().filter(|x| **x < y).count() as f64;
    let tied = draws.iter().filter(|x| **x == y).count() as f64;
    let n = draws.len() as f64 + 1.0;
    Ok((below + (tied + 1.0) * key.rng().uniform()) / n)
}

/// What the transforms of many forecasts say.
#[derive(Clone, Debug, PartialEq)]
pub struct PitReport {
    /// Counts in bins of equal width: flat if calibrated, a hump if too wide, a bowl if too narrow, a slope if biased.
    pub histogram: Vec<usize>,
    /// Mean, 1/2 if calibrated.
    pub mean: f64,
    /// Variance, 1/12 if calibrated; less if the forecasts are too wide.
    pub variance: f64,
    /// Kolmogorov and Smirnov's distance from the uniform law.
    pub distance: f64,
    /// Probability of a distance at least this large if calibrated and independent (Stephens' approximation of the law
    /// of Kolmogorov, good to a few percent from five rows on).
    pub p_value: f64,
}

/// Sums up transforms, in `n_bins` bins.
pub fn report(u: &[f64], n_bins: usize) -> Result<PitReport, ScoreError> {
    at_least("transforms", u.len(), 1)?;
    at_least("bins", n_bins, 1)?;
    probabilities(u)?;
    let n = u.len() as f64;
    let mut histogram = vec![0; n_bins];
    u.iter().for_each(|u| histogram[((u * n_bins as f64) as usize).min(n_bins - 1)] += 1);
    let mean = u.iter().sum::<f64>() / n;
    let variance = u.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / n;
    let mut sorted = u.to_vec();
    sorted.sort_by(f64::total_cmp);
    let distance =
        sorted.iter().enumerate().map(|(i, u)| (u - i as f64 / n).max((i as f64 + 1.0) / n - u)).fold(0.0f64, f64::max);
    Ok(PitReport { histogram, mean, variance, distance, p_value: kolmogorov(distance, n) })
}

/// `P(D >= d)` for `n` uniform numbers (Stephens 1970, DOI 10.1111/j.2517-6161.1970.tb00821.x).
fn kolmogorov(d: f64, n: f64) -> f64 {
    let t = d * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
    if t < 0.2 {
        return 1.0;
    }
    let term = |k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-2.0 * f64::from(k * k) * t * t).exp();
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}
