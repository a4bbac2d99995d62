//! Reliability diagrams and calibration errors of forecasts of one event.
//!
//! For several classes take one event after the other ([`ClassForecasts::one_class`]) or the most probable class
//! ([`ClassForecasts::top_label`]).

use statrs::function::beta::inv_beta_reg;

use crate::scores::{ClassForecasts, ScoreError, at_least, open_share, probabilities, same_length};

/// How forecasts are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binning {
    /// Bins of equal width between 0 and 1; empty ones are left out.
    EqualWidth(usize),
    /// Bins of equally many rows (adaptive); equal forecasts stay together.
    EqualMass(usize),
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Number of rows.
    pub n: usize,
    /// Mean forecast.
    pub forecast: f64,
    /// Share of rows in which the event came.
    pub happened: f64,
    /// Lower end of the exact binomial interval of that share (Clopper & Pearson 1934, DOI 10.1093/biomet/26.4.404).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Rows of each bin, in rising order of the forecast.
pub(super) fn groups(p: &[f64], binning: Binning) -> Result<Vec<Vec<usize>>, ScoreError> {
    at_least("rows", p.len(), 1)?;
    probabilities(p)?;
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    Ok(match binning {
        Binning::EqualWidth(bins) => {
            at_least("bins", bins, 1)?;
            let bin = |i: usize| ((p[i] * bins as f64) as usize).min(bins - 1);
            order.chunk_by(|&i, &j| bin(i) == bin(j)).map(<[usize]>::to_vec).collect()
        }
        Binning::EqualMass(bins) => {
            at_least("bins", bins, 1)?;
            let mut out: Vec<Vec<usize>> = Vec::new();
            let mut start = 0;
            for b in 1..=bins {
                let mut end = (b * p.len() / bins).max(start);
                while end > start && end < p.len() && p[order[end]] == p[order[end - 1]] {
                    end += 1;
                }
                if end > start {
                    out.push(order[start..end].to_vec());
                }
                start = end;
            }
            out
        }
    })
}

/// The reliability diagram: forecast against frequency, bin by bin, with intervals of level `1 - alpha`.
///
/// # Example
/// ```
/// use gibbs_stats::calibration::{Binning, diagram};
/// let bins = diagram(&[0.1, 0.1, 0.9, 0.9], &[false, false, true, true], Binning::EqualWidth(10), 0.05)?;
/// assert_eq!((bins.len(), bins[1].happened, bins[1].high), (2, 1.0, 1.0));
/// assert!((bins[1].low - 0.158).abs() < 1e-3);
/// # Ok::<(), gibbs_stats::scores::ScoreError>(())
/// ```
pub fn diagram(p: &[f64], y: &[bool], binning: Binning, alpha: f64) -> Result<Vec<ReliabilityBin>, ScoreError> {
    same_length("outcomes", y.len(), p.len())?;
    let alpha = open_share("alpha", alpha)?;
    let bin = |rows: &Vec<usize>| {
        let (n, k) = (rows.len() as f64, rows.iter().filter(|&&i| y[i]).count() as f64);
        let low = if k == 0.0 { 0.0 } else { inv_beta_reg(k, n - k + 1.0, 0.5 * alpha) };
        let high = if k == n { 1.0 } else { inv_beta_reg(k + 1.0, n - k, 1.0 - 0.5 * alpha) };
        let forecast = rows.iter().map(|&i| p[i]).sum::<f64>() / n;
        ReliabilityBin { n: rows.len(), forecast, happened: k / n, low, high }
    };
    Ok(groups(p, binning)?.iter().map(bin).collect())
}

/// Calibration errors over the bins of a diagram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationError {
    /// Expected calibration error: mean distance of forecast and frequency, bins weighted by their rows. Above 0 also
    /// for calibrated forecasts, by some `sqrt(bins / rows)`.
    pub ece: f64,
    /// Root of the mean squared distance; biased likewise.
    pub rms: f64,
    /// Mean squared distance less what chance alone gives, `f (1 - f) / (n - 1)` a bin: 0 on average for calibrated
    /// forecasts, so it may be negative (Kumar, Liang & Ma 2019, arXiv:1909.10155). Bins of one row are left out.
    pub debiased_square: f64,
    /// Maximum calibration error: the largest distance of all bins.
    pub mce: f64,
}

/// Calibration errors of forecasts of one event.
///
/// # Source
/// Naeini, Cooper & Hauskrecht 2015; Nixon et al. 2019, arXiv:1904.01685, for equal mass.
pub fn calibration_error(p: &[f64], y: &[bool], binning: Binning) -> Result<CalibrationError, ScoreError> {
    same_length("outcomes", y.len(), p.len())?;
    Ok(error_of_groups(&groups(p, binning)?, p, y))
}

/// Calibration errors over bins that are known already.
pub(super) fn error_of_groups(groups: &[Vec<usize>], p: &[f64], y: &[bool]) -> CalibrationError {
    let n = p.len() as f64;
    let mut out = CalibrationError { ece: 0.0, rms: 0.0, debiased_square: 0.0, mce: 0.0 };
    for rows in groups {
        let size = rows.len() as f64;
        let forecast = rows.iter().map(|&i| p[i]).sum::<f64>() / size;
        let happened = rows.iter().filter(|&&i| y[i]).count() as f64 / size;
        let gap = (forecast - happened).abs();
        out.ece += size / n * gap;
        out.rms += size / n * gap * gap;
        out.mce = out.mce.max(gap);
        if rows.len() > 1 {
            out.debiased_square += size / n * (gap * gap - happened * (1.0 - happened) / (size - 1.0));
        }
    }
    out.rms = out.rms.sqrt();
    out
}

/// Calibration error of every class, one against the rest.
pub fn classwise(table: &ClassForecasts, binning: Binning) -> Result<Vec<CalibrationError>, ScoreError> {
    (0..table.n_classes())
        .map(|class| {
            let (p, y) = table.one_class(class);
            calibration_error(&p, &y, binning)
        })
        .collect()
}

/// Calibration error of the most probable class.
pub fn top_label(table: &ClassForecasts, binning: Binning) -> Result<CalibrationError, ScoreError> {
    let (p, y) = table.top_label();
    calibration_error(&p, &y, binning)
}
