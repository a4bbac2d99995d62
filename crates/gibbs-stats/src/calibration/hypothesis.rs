//! Is a calibration error more than chance?

use gibbs_core::key::Key;
use rayon::prelude::*;

use super::reliability::{Binning, Bins};
use crate::scores::{ScoreError, at_least, probabilities, same_length};
use crate::special::erfc;

/// Outcome of a test of the hypothesis that forecasts are calibrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationTest {
    /// The statistic.
    pub statistic: f64,
    /// Probability of one at least as extreme, were the forecasts calibrated and the rows independent.
    pub p_value: f64,
}

/// Tests the expected calibration error by consistency resampling: outcomes are drawn from the forecasts themselves
/// `n_draws` times, and the p-value is the share of draws with an error at least as large, the data counted among them;
/// so it is never below `1 / (n_draws + 1)` and never rejects calibrated forecasts too often.
///
/// # Source
/// Bröcker & Smith 2007, DOI 10.1175/WAF993.1.
pub fn resampling(
    p: &[f64],
    y: &[bool],
    binning: Binning,
    n_draws: usize,
    key: &Key,
) -> Result<CalibrationTest, ScoreError> {
    at_least("draws", n_draws, 1)?;
    same_length("outcomes", y.len(), p.len())?;
    let bins = Bins::new(p, binning)?;
    let statistic = bins.error(p, y).ece;
    let exceeds = |drawn: &mut Vec<bool>, draw: usize| {
        let mut rng = key.step(draw as u64).rng();
        drawn.clear();
        drawn.extend(p.iter().map(|p| rng.uniform() < *p));
        bins.error(p, drawn).ece >= statistic
    };
    let extreme = (0..n_draws).into_par_iter().map_init(Vec::new, exceeds).filter(|e| *e).count();
    Ok(CalibrationTest { statistic, p_value: (extreme as f64 + 1.0) / (n_draws as f64 + 1.0) })
}

/// Spiegelhalter's test: the Brier score against what it would be on average if the forecasts were calibrated, in
/// standard errors; two-sided, for many rows.
///
/// `z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p))`. Blind to errors of forecasts near a half.
///
/// # Errors
/// Bad forecasts, or none other than 0, 1/2 and 1, of which the statistic says nothing.
///
/// # Source
/// Spiegelhalter 1986, DOI 10.1002/sim.4780050506.
pub fn spiegelhalter(p: &[f64], y: &[bool]) -> Result<CalibrationTest, ScoreError> {
    same_length("outcomes", y.len(), p.len())?;
    at_least("rows", p.len(), 1)?;
    probabilities(p)?;
    let (mut top, mut variance) = (0.0, 0.0);
    for (p, y) in p.iter().zip(y) {
        let slope = 1.0 - 2.0 * p;
        top += (f64::from(u8::from(*y)) - p) * slope;
        variance += slope * slope * p * (1.0 - p);
    }
    if variance == 0.0 {
        let wanted = "give forecasts other than 0, 1/2 and 1";
        return Err(ScoreError::Setting { what: "the variance of Spiegelhalter's statistic", value: 0.0, wanted });
    }
    let statistic = top / variance.sqrt();
    Ok(CalibrationTest { statistic, p_value: erfc(statistic.abs() * std::f64::consts::FRAC_1_SQRT_2) })
}
