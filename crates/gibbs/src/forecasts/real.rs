//! Forecasts of a number: a mean and a standard deviation, or draws.

use gibbs_core::key::Key;
use gibbs_stats::calibration::ConformalInterval;
use gibbs_stats::scores::{ScoreError, crps, multivariate::dawid_sebastiani, pit, quantiles};
use gibbs_stats::special::{normal_cdf, normal_quantile};
use serde::{Deserialize, Serialize};

use super::{
    Calibrator, FOLDS, ForecastOptions, ForecastReport, MeanScore, Scaling, Source, Z95, cross_validate, folds, gain,
    p_value, rank,
};
use crate::error::Error;

/// Bins of the histogram of the transforms.
const BINS: usize = 20;
/// Coverages that are looked at, beside the one asked for.
const LEVELS: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// How often central intervals hold what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Share promised.
    pub level: f64,
    /// Share found.
    pub share: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Mean width of the intervals.
    pub width: f64,
}

/// Calibration of forecasts of a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealReport {
    /// Root mean squared error of the means.
    pub rmse: f64,
    /// Coverage of central intervals, the level asked for first.
    pub coverage: Vec<Coverage>,
    /// Histogram of `F(y)`: flat if calibrated, a hump if too wide, a bowl if too narrow.
    pub pit: Vec<usize>,
    /// Mean of `F(y)`, 1/2 if calibrated.
    pub pit_mean: f64,
    /// Variance of `F(y)`, 1/12 if calibrated.
    pub pit_variance: f64,
    /// Probability of a distance from flat as large as this, if calibrated (Kolmogorov and Smirnov).
    pub p_value: f64,
    /// Half-width, in standard deviations of the forecast, of intervals that hold the level asked for by construction
    /// (split conformal); of forecasts by mean and standard deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal_margin: Option<f64>,
}

fn normal_log_score(mu: f64, sigma: f64, y: f64) -> f64 {
    0.5 * std::f64::consts::TAU.ln() + sigma.ln() + 0.5 * ((y - mu) / sigma).powi(2)
}

/// Holds means and standard deviations against numbers.
pub(super) fn assess_normal(source: &Source<'_>, o: &ForecastOptions, key: &Key) -> Result<ForecastReport, Error> {
    let (mu, sigma, y) = (source.column(source.columns[0]), source.column(source.columns[1]), source.outcomes());
    let n = y.len();
    if let Some(row) = sigma.iter().position(|s| *s <= 0.0) {
        return Err(source.cell(row, 1, &format!("the standard deviation is {}: it is positive", sigma[row])));
    }
    let each = |f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> { (0..n).map(|i| f(mu[i], sigma[i], y[i])).collect() };
    let half = normal_quantile(0.5 + 0.5 * o.level);
    let interval = each(&|m, s, y| {
        // The bounds are in order, since the level lies between 0 and 1.
        quantiles::interval(1.0 - o.level, m - half * s, m + half * s, y).unwrap_or(f64::NAN)
    });
    let plain = each(&normal_log_score);
    let scores = vec![
        MeanScore::new("log score", &plain, source)?,
        MeanScore::new("CRPS", &each(&crps::normal), source)?,
        MeanScore::new("Dawid-Sebastiani score", &each(&dawid_sebastiani), source)?,
        MeanScore::new(&format!("interval score at {}", o.level), &interval, source)?,
    ];
    let coverage = |level: f64| {
        let half = normal_quantile(0.5 + 0.5 * level);
        let share = (0..n).filter(|i| ((y[*i] - mu[*i]) / sigma[*i]).abs() <= half).count() as f64 / n as f64;
        let width = 2.0 * half * sigma.iter().sum::<f64>() / n as f64;
        Coverage { level, share, std_err: (share * (1.0 - share) / n as f64).sqrt(), width }
    };
    let transforms = each(&|m, s, y| normal_cdf((y - m) / s));
    let conformal = ConformalInterval::scaled(&mu, &sigma, &y, 1.0 - o.level).ok();
    let levels: Vec<Coverage> = levels(o.level).map(coverage).collect();
    let report = report(&transforms, &mu, &y, levels, conformal.map(|c| c.margin())).map_err(|e| source.score(e))?;
    // Shift and factor of largest likelihood: mean and spread of the standardised residuals.
    let fit = |rows: &[usize]| -> Option<(f64, f64)> {
        let z: Vec<f64> = rows.iter().map(|&i| (y[i] - mu[i]) / sigma[i]).collect();
        let shift = z.iter().sum::<f64>() / z.len() as f64;
        let factor = (z.iter().map(|z| (z - shift).powi(2)).sum::<f64>() / z.len() as f64).sqrt();
        (factor > 0.0).then_some((shift, factor))
    };
    let fold = folds(n, &key.block(1));
    let mut scaling: Vec<Scaling> = Vec::new();
    if n >= 2 * FOLDS {
        let losses = cross_validate(n, &fold, |rows| {
            let (shift, factor) = fit(rows)?;
            let (mu, sigma, y) = (&mu, &sigma, &y);
            Some(move |i: usize| normal_log_score(mu[i] + shift * sigma[i], factor * sigma[i], y[i]))
        });
        scaling.extend(losses.and_then(|l| gain("normal", &plain, &l)));
    }
    let helps = rank(&mut scaling).is_some();
    let calibrator = match fit(&(0..n).collect::<Vec<_>>()) {
        Some((shift, factor)) if helps => Calibrator::Normal { shift, factor },
        _ => Calibrator::Identity,
    };
    let verdict = verdict(&report, scaling.first(), helps);
    Ok(ForecastReport {
        n,
        outcome: source.outcome_name(),
        scores,
        classes: None,
        real: Some(report),
        scaling,
        calibrator,
        verdict,
    })
}

/// Holds draws against numbers.
pub(super) fn assess_draws(source: &Source<'_>, o: &ForecastOptions, key: &Key) -> Result<ForecastReport, Error> {
    let y = source.outcomes();
    let (n, m) = (y.len(), source.columns.len());
    if m < 2 {
        return Err(Error::Usage(format!(
            "column `{}` alone is no forecast: give two draws or more, or --mean and --sd, or probabilities",
            source.table.columns[source.columns[0]]
        )));
    }
    let rows: Vec<Vec<f64>> = (0..n)
        .map(|r| {
            let mut draws: Vec<f64> = source.columns.iter().map(|c| source.table.value(r, *c)).collect();
            draws.sort_by(f64::total_cmp);
            draws
        })
        .collect();
    // Draws were checked to be there and finite, which is all that these ask for.
    let fair: Vec<f64> = rows.iter().zip(&y).map(|(d, y)| crps::samples_fair(d, *y).unwrap_or(f64::NAN)).collect();
    let ties = key.block(0);
    let transforms: Vec<f64> = rows
        .iter()
        .zip(&y)
        .enumerate()
        .map(|(i, (d, y))| pit::from_samples(d, *y, &ties.step(i as u64)).unwrap_or(f64::NAN))
        .collect();
    let quantile = |d: &[f64], p: f64| {
        let at = p * (d.len() - 1) as f64;
        let (i, rest) = (at as usize, at.fract());
        d[i] + rest * (d[(i + 1).min(d.len() - 1)] - d[i])
    };
    let bounds = |d: &[f64], level: f64| (quantile(d, 0.5 - 0.5 * level), quantile(d, 0.5 + 0.5 * level));
    let interval: Vec<f64> = rows
        .iter()
        .zip(&y)
        .map(|(d, y)| {
            let (low, high) = bounds(d, o.level);
            quantiles::interval(1.0 - o.level, low, high, *y).unwrap_or(f64::NAN)
        })
        .collect();
    let coverage = |level: f64| {
        let ends: Vec<(f64, f64)> = rows.iter().map(|d| bounds(d, level)).collect();
        let share = ends.iter().zip(&y).filter(|((low, high), y)| low <= *y && *y <= high).count() as f64 / n as f64;
        let width = ends.iter().map(|(low, high)| high - low).sum::<f64>() / n as f64;
        Coverage { level, share, std_err: (share * (1.0 - share) / n as f64).sqrt(), width }
    };
    let means: Vec<f64> = rows.iter().map(|d| d.iter().sum::<f64>() / m as f64).collect();
    let scores = vec![
        MeanScore::new("CRPS (fair)", &fair, source)?,
        MeanScore::new(&format!("interval score at {}", o.level), &interval, source)?,
    ];
    let report =
        report(&transforms, &means, &y, levels(o.level).map(coverage).collect(), None).map_err(|e| source.score(e))?;
    let verdict = verdict(&report, None, false);
    Ok(ForecastReport {
        n,
        outcome: source.outcome_name(),
        scores,
        classes: None,
        real: Some(report),
        scaling: Vec::new(),
        calibrator: Calibrator::Identity,
        verdict,
    })
}

/// The level asked for, then the customary ones.
pub(crate) fn levels(asked: f64) -> impl Iterator<Item = f64> {
    std::iter::once(asked).chain(LEVELS.into_iter().filter(move |l| *l != asked))
}

pub(crate) fn report(
    transforms: &[f64],
    means: &[f64],
    y: &[f64],
    coverage: Vec<Coverage>,
    conformal_margin: Option<f64>,
) -> Result<RealReport, ScoreError> {
    let flat = pit::report(transforms, BINS)?;
    let square: f64 = means.iter().zip(y).map(|(m, y)| (m - y).powi(2)).sum();
    Ok(RealReport {
        rmse: (square / y.len() as f64).sqrt(),
        coverage,
        pit: flat.histogram,
        pit_mean: flat.mean,
        pit_variance: flat.variance,
        p_value: flat.p_value,
        conformal_margin,
    })
}

pub(crate) fn verdict(r: &RealReport, best: Option<&Scaling>, helps: bool) -> String {
    let first = &r.coverage[0];
    let n = r.pit.iter().sum::<usize>() as f64;
    let far = (first.share - first.level).abs() > Z95 * (first.level * (1.0 - first.level) / n).sqrt();
    let shape = match () {
        () if r.p_value >= 0.01 => "nothing speaks against the calibration",
        () if r.pit_variance > 1.1 / 12.0 => "the forecasts are too narrow",
        () if r.pit_variance < 0.9 / 12.0 => "the forecasts are too wide",
        () if r.pit_mean > 0.5 => "the forecasts are too low",
        () => "the forecasts are too high",
    };
    let scaling = match best {
        Some(s) if helps => format!("; shifting and widening gains {:.4} +- {:.4} nats a row", s.gain, s.std_err),
        Some(s) => {
            format!("; shifting and widening gains nothing beyond chance ({:+.4} +- {:.4} nats)", s.gain, s.std_err)
        }
        None => String::new(),
    };
    format!(
        "Intervals of {:.0} % hold {:.1} % of what happened{}; {shape} ({}){scaling}.",
        100.0 * first.level,
        100.0 * first.share,
        if far { ", which is not chance" } else { "" },
        p_value(r.p_value)
    )
}
