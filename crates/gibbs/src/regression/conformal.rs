//! Intervals and sets of a promised coverage (split conformal prediction): see [`gibbs_stats::calibration`].

use gibbs_stats::calibration::conformal::conformal_quantile;
use gibbs_stats::scores::ScoreError;
use serde::{Deserialize, Serialize};

use super::Forecast;

/// How far forecasts are widened so that a share `level` of outcomes is held, whatever the model: true on average over rows
/// exchangeable with those of the calibration.
///
/// Laws give `mean -+ margin sd`; quantiles the two nearest the ends of the central interval, each moved by `margin` (Romano,
/// Patterson & Candes 2019, arXiv:1905.03222); classes the set of those of probability `1 - margin` or more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// Coverage promised.
    pub level: f64,
    /// The margin; `None` where there were too few rows for any finite one.
    pub margin: Option<f64>,
    /// Rows it was taken from.
    pub n: usize,
}

/// How badly a forecast misses an outcome: what margins are quantiles of.
fn miss(forecast: &Forecast, y: f64, level: f64) -> f64 {
    match forecast {
        Forecast::Law(law) => (y - law.mean()).abs() / law.sd(),
        Forecast::Quantiles { .. } => {
            let (low, high) = forecast.interval(level);
            (low - y).max(y - high)
        }
        Forecast::Classes(p) => 1.0 - p[y as usize],
    }
}

impl Conformal {
    /// From forecasts of rows that training did not see, and their outcomes.
    ///
    /// # Errors
    /// No row, or a level not strictly between 0 and 1.
    pub fn fit(forecasts: &[Forecast], outcome: &[f64], level: f64) -> Result<Self, ScoreError> {
        let misses: Vec<f64> = forecasts.iter().zip(outcome).map(|(f, y)| miss(f, *y, level)).collect();
        let margin = conformal_quantile(&misses, 1.0 - level)?;
        Ok(Self { level, margin: margin.is_finite().then_some(margin), n: misses.len() })
    }

    /// The interval of a forecast of a number; NaN for classes, infinite without a margin.
    pub fn interval(&self, forecast: &Forecast) -> (f64, f64) {
        let margin = self.margin.unwrap_or(f64::INFINITY);
        match forecast {
            Forecast::Law(law) => {
                let (mean, sd) = (law.mean(), law.sd());
                (mean - margin * sd, mean + margin * sd)
            }
            Forecast::Quantiles { .. } => {
                let (low, high) = forecast.interval(self.level);
                (low - margin, high + margin)
            }
            Forecast::Classes(_) => (f64::NAN, f64::NAN),
        }
    }

    /// The classes of a forecast's set, by number.
    pub fn set(&self, p: &[f64]) -> Vec<usize> {
        let margin = self.margin.unwrap_or(1.0);
        (0..p.len()).filter(|&k| 1.0 - p[k] <= margin).collect()
    }

    /// Whether an outcome is held.
    pub fn holds(&self, forecast: &Forecast, y: f64) -> bool {
        self.margin.is_none_or(|margin| miss(forecast, y, self.level) <= margin)
    }
}
