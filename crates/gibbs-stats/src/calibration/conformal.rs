//! Split conformal prediction: sets and intervals with a promised coverage, whatever the model.
//!
//! If calibration rows and the new one are exchangeable, the new outcome is covered with a probability of at least
//! `1 - alpha`, and of at most `1 - alpha + 1/(n + 1)` if scores have no ties. This holds on average over calibration
//! sets, not for each, and not for every kind of row (Vovk, Gammerman & Shafer 2005; Angelopoulos & Bates 2021,
//! arXiv:2107.07511).

use gibbs_core::key::Rng;

use crate::scores::{ClassForecasts, ScoreError, at_least, open_share, same_length};

/// The `ceil((n + 1)(1 - alpha))`-th smallest of `n` scores; infinite where that is beyond the last, i.e. `n` is too
/// small to promise anything.
pub fn conformal_quantile(scores: &[f64], alpha: f64) -> Result<f64, ScoreError> {
    let alpha = open_share("alpha", alpha)?;
    at_least("scores", scores.len(), 1)?;
    if let Some(row) = scores.iter().position(|s| s.is_nan()) {
        let wanted = "scores are numbers";
        return Err(ScoreError::Value { row, col: 0, what: "the score", value: f64::NAN, wanted });
    }
    // A product that ought to be whole may come out a rounding above it.
    let exact = (scores.len() as f64 + 1.0) * (1.0 - alpha);
    let rank = if (exact - exact.round()).abs() < 1e-9 { exact.round() } else { exact.ceil() } as usize;
    if rank > scores.len() {
        return Ok(f64::INFINITY);
    }
    let mut sorted = scores.to_vec();
    let (_, value, _) = sorted.select_nth_unstable_by(rank.max(1) - 1, f64::total_cmp);
    Ok(*value)
}

/// Intervals of a promised coverage about predictions.
///
/// # Example
/// ```
/// use gibbs_stats::calibration::ConformalInterval;
/// let (mu, y) = ([0.0; 9], [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9]);
/// let interval = ConformalInterval::around_means(&mu, &y, 0.2)?;
/// assert_eq!(interval.at(1.0, 1.0), (1.0 - 0.8, 1.0 + 0.8));
/// # Ok::<(), gibbs_stats::scores::ScoreError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConformalInterval {
    margin: f64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Mean,
    Scaled,
    Quantiles,
}

impl ConformalInterval {
    fn from_scores(scores: &[f64], alpha: f64, kind: Kind) -> Result<Self, ScoreError> {
        Ok(Self { margin: conformal_quantile(scores, alpha)?, kind })
    }

    /// `mu -+ q`: intervals of one width, from the absolute errors of the calibration rows.
    pub fn around_means(mu: &[f64], y: &[f64], alpha: f64) -> Result<Self, ScoreError> {
        same_length("outcomes", y.len(), mu.len())?;
        let scores: Vec<f64> = mu.iter().zip(y).map(|(m, y)| (y - m).abs()).collect();
        Self::from_scores(&scores, alpha, Kind::Mean)
    }

    /// `mu -+ q sigma`: intervals as wide as the model is unsure, from errors in units of `sigma`.
    pub fn scaled(mu: &[f64], sigma: &[f64], y: &[f64], alpha: f64) -> Result<Self, ScoreError> {
        same_length("outcomes", y.len(), mu.len())?;
        same_length("standard deviations", sigma.len(), mu.len())?;
        if let Some(row) = sigma.iter().position(|s| !(*s > 0.0 && s.is_finite())) {
            let wanted = "standard deviations are positive and finite";
            return Err(ScoreError::Value { row, col: 0, what: "sigma", value: sigma[row], wanted });
        }
        let scores: Vec<f64> = (0..y.len()).map(|i| (y[i] - mu[i]).abs() / sigma[i]).collect();
        Self::from_scores(&scores, alpha, Kind::Scaled)
    }

    /// `[low - q, high + q]` about two predicted quantiles, from the distances by which these miss; `q` is negative where
    /// they are too wide (Romano, Patterson & Candès 2019, arXiv:1905.03222).
    pub fn around_quantiles(low: &[f64], high: &[f64], y: &[f64], alpha: f64) -> Result<Self, ScoreError> {
        same_length("outcomes", y.len(), low.len())?;
        same_length("upper quantiles", high.len(), low.len())?;
        let scores: Vec<f64> = (0..y.len()).map(|i| (low[i] - y[i]).max(y[i] - high[i])).collect();
        Self::from_scores(&scores, alpha, Kind::Quantiles)
    }

    /// The margin `q`, infinite where there were too few calibration rows for the level.
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// The interval of a new row: of its mean and standard deviation (the latter unused by
    /// [`ConformalInterval::around_means`]), or of its two quantiles. Empty (bounds in the wrong order) where a negative
    /// margin is wider than the quantiles are apart.
    pub fn at(&self, first: f64, second: f64) -> (f64, f64) {
        match self.kind {
            Kind::Mean => (first - self.margin, first + self.margin),
            Kind::Scaled => (first - self.margin * second, first + self.margin * second),
            Kind::Quantiles => (first - self.margin, second + self.margin),
        }
    }
}

/// Sets of classes of a promised coverage, as small as can be on average: all classes of probability `1 - q` or more,
/// from the scores `1 - p_y` (Sadinle, Lei & Wasserman 2019, DOI 10.1080/01621459.2017.1395341). A set may be empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeastAmbiguousSets {
    quantile: f64,
}

impl LeastAmbiguousSets {
    /// From calibration rows.
    pub fn fit(table: &ClassForecasts, alpha: f64) -> Result<Self, ScoreError> {
        Ok(Self { quantile: conformal_quantile(&table.scores(|p, y| 1.0 - p[y]), alpha)? })
    }

    /// The classes of a new row's set, in the order of their index.
    pub fn set(&self, p: &[f64]) -> Vec<usize> {
        (0..p.len()).filter(|&k| 1.0 - p[k] <= self.quantile).collect()
    }
}

/// Sets of classes that are larger where the model is unsure: the most probable classes up to a mass, randomised so that
/// the coverage is exact (Romano, Sesia & Candès 2020, arXiv:2006.02544).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveSets {
    quantile: f64,
}

/// Mass of the classes before `y` in falling probability, plus the share `u` of its own. Ties go by the index.
fn mass_before(p: &[f64], y: usize, u: f64) -> f64 {
    let before = |k: usize| p[k] > p[y] || (p[k] == p[y] && k < y);
    (0..p.len()).filter(|&k| before(k)).map(|k| p[k]).sum::<f64>() + u * p[y]
}

impl AdaptiveSets {
    /// From calibration rows.
    pub fn fit(table: &ClassForecasts, alpha: f64, rng: &mut Rng) -> Result<Self, ScoreError> {
        let scores: Vec<f64> = table.rows().map(|(p, y)| mass_before(p, y, rng.uniform())).collect();
        Ok(Self { quantile: conformal_quantile(&scores, alpha)? })
    }

    /// The classes of a new row's set, in the order of their index.
    pub fn set(&self, p: &[f64], rng: &mut Rng) -> Vec<usize> {
        let u = rng.uniform();
        (0..p.len()).filter(|&k| mass_before(p, k, u) <= self.quantile).collect()
    }
}
