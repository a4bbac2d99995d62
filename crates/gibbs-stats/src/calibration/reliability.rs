//! Reliability diagrams and calibration errors of forecasts of one event.
//!
//! For several classes take one event after the other ([`ClassForecasts::one_class`]) or the most probable class
//! ([`ClassForecasts::top_label`]).

use rayon::prelude::*;
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

/// Rows that one thread sums at a time.
const BLOCK: usize = 1 << 14;

/// Bins of equal width at most: there is a sum for every one of them, empty or not.
const MOST_BINS: usize = 1 << 20;

/// The rows sorted into bins: which rows are in which bin depends on the forecasts alone.
pub(super) struct Bins {
    /// The bin of every row, by rising forecast.
    of: Vec<u32>,
    n_bins: usize,
}

impl Bins {
    pub(super) fn new(p: &[f64], binning: Binning) -> Result<Self, ScoreError> {
        at_least("rows", p.len(), 1)?;
        probabilities(p)?;
        let (Binning::EqualWidth(n_bins) | Binning::EqualMass(n_bins)) = binning;
        at_least("bins", n_bins, 1)?;
        if let Binning::EqualWidth(_) = binning {
            if n_bins > MOST_BINS {
                let (what, wanted) = ("the number of bins of equal width", "at most 2^20");
                return Err(ScoreError::Setting { what, value: n_bins as f64, wanted });
            }
            let of = p.par_iter().with_min_len(BLOCK).map(|p| ((p * n_bins as f64) as usize).min(n_bins - 1) as u32);
            return Ok(Self { of: of.collect(), n_bins });
        }
        let mut order: Vec<(f64, usize)> = p.iter().copied().zip(0..).collect();
        order.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut of, mut found, mut start) = (vec![0; p.len()], 0, 0);
        for b in 1..=n_bins.min(p.len()) {
            let mut end = (b as u128 * p.len() as u128 / n_bins.min(p.len()) as u128) as usize;
            end = end.max(start);
            while end > start && end < p.len() && order[end].0 == order[end - 1].0 {
                end += 1;
            }
            if end > start {
                order[start..end].iter().for_each(|(_, row)| of[*row] = found);
                found += 1;
            }
            start = end;
        }
        Ok(Self { of, n_bins: found as usize })
    }

    /// Rows, sum of forecasts and number of events of every bin that has rows.
    fn sums(&self, p: &[f64], y: &[bool]) -> Vec<BinSum> {
        let block = |((of, p), y): ((&[u32], &[f64]), &[bool])| {
            let mut sums = vec![BinSum::default(); self.n_bins];
            for ((bin, p), y) in of.iter().zip(p).zip(y) {
                let sum = &mut sums[*bin as usize];
                sum.n += 1;
                sum.forecast += p;
                sum.happened += usize::from(*y);
            }
            sums
        };
        // Wide tables of bins are not worth a copy a block.
        let size = BLOCK.max(self.n_bins);
        let blocks: Vec<Vec<BinSum>> =
            self.of.par_chunks(size).zip(p.par_chunks(size)).zip(y.par_chunks(size)).map(block).collect();
        let mut all = vec![BinSum::default(); self.n_bins];
        for (sum, more) in blocks.iter().flat_map(|block| block.iter().enumerate()) {
            all[sum].n += more.n;
            all[sum].forecast += more.forecast;
            all[sum].happened += more.happened;
        }
        all.retain(|b| b.n > 0);
        all
    }

    /// Calibration errors of forecasts with these bins.
    pub(super) fn error(&self, p: &[f64], y: &[bool]) -> CalibrationError {
        let n = p.len() as f64;
        let mut out = CalibrationError { ece: 0.0, rms: 0.0, debiased_square: 0.0, mce: 0.0 };
        for bin in self.sums(p, y) {
            let (size, (forecast, happened)) = (bin.n as f64, bin.means());
            let gap = (forecast - happened).abs();
            out.ece += size / n * gap;
            out.rms += size / n * gap * gap;
            out.mce = out.mce.max(gap);
            if bin.n > 1 {
                out.debiased_square += size / n * (gap * gap - happened * (1.0 - happened) / (size - 1.0));
            }
        }
        out.rms = out.rms.sqrt();
        out
    }
}

/// What the rows of a bin add up to.
#[derive(Clone, Copy, Debug, Default)]
struct BinSum {
    n: usize,
    forecast: f64,
    happened: usize,
}

impl BinSum {
    /// Mean forecast, and share of events.
    fn means(&self) -> (f64, f64) {
        (self.forecast / self.n as f64, self.happened as f64 / self.n as f64)
    }
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
    let bin = |bin: BinSum| {
        let (n, k) = (bin.n as f64, bin.happened as f64);
        let low = if k == 0.0 { 0.0 } else { inv_beta_reg(k, n - k + 1.0, 0.5 * alpha) };
        let high = if k == n { 1.0 } else { inv_beta_reg(k + 1.0, n - k, 1.0 - 0.5 * alpha) };
        let (forecast, happened) = bin.means();
        ReliabilityBin { n: bin.n, forecast, happened, low, high }
    };
    Ok(Bins::new(p, binning)?.sums(p, y).into_iter().map(bin).collect())
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
    Ok(Bins::new(p, binning)?.error(p, y))
}

/// Calibration error of every class, one against the rest.
pub fn classwise(table: &ClassForecasts, binning: Binning) -> Result<Vec<CalibrationError>, ScoreError> {
    (0..table.n_classes())
        .into_par_iter()
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
