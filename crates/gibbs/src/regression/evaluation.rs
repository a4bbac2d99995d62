//! Forecasts held against outcomes.

use gibbs_core::key::{Key, Purpose};
use gibbs_data::{Table, Values};
use gibbs_stats::scores::quantiles;
use serde::{Deserialize, Serialize};

use super::{Conformal, Forecast};
use crate::error::Error;
use crate::forecasts::real::{Coverage, levels, report, verdict};
use crate::forecasts::{Calibrator, ForecastOptions, ForecastReport, MeanScore, assess};

/// How good forecasts of a part of the rows are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Scores and calibration: the log score is the negative log-likelihood in nats, in the unit of the outcome.
    pub forecasts: ForecastReport,
    /// What intervals or sets of promised coverage hold, and their mean width (number of classes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<Coverage>,
}

impl Evaluation {
    /// Holds forecasts against outcomes; `key` fills what transforms of counts leave open.
    ///
    /// # Errors
    /// No row, or scores that cannot be computed.
    pub fn of(
        forecasts: &[Forecast],
        outcome: &[f64],
        target: &str,
        conformal: Option<&Conformal>,
        level: f64,
        key: &Key,
    ) -> Result<Self, Error> {
        let Some(first) = forecasts.first() else {
            return Err(Error::Table("there are no rows to hold forecasts against".into()));
        };
        let report = match first {
            Forecast::Classes(p) => of_classes(forecasts, outcome, p.len(), level)?,
            _ => of_numbers(forecasts, outcome, target, conformal, level, key)?,
        };
        Ok(Self { forecasts: report, conformal: conformal.map(|c| coverage_of(c, forecasts, outcome)) })
    }

    /// The score of that name, its mean.
    pub fn score(&self, name: &str) -> Option<f64> {
        self.forecasts.scores.iter().find(|s| s.name == name).and_then(|s| s.mean)
    }
}

fn share(level: f64, held: usize, n: usize, width: f64) -> Coverage {
    let share = held as f64 / n as f64;
    Coverage { level, share, std_err: (share * (1.0 - share) / n as f64).sqrt(), width }
}

fn coverage_of(conformal: &Conformal, forecasts: &[Forecast], outcome: &[f64]) -> Coverage {
    let n = outcome.len();
    let held = forecasts.iter().zip(outcome).filter(|(f, y)| conformal.holds(f, **y)).count();
    let width = |f: &Forecast| {
        if let Forecast::Classes(p) = f {
            return conformal.set(p).len() as f64;
        }
        let (low, high) = conformal.interval(f);
        // Bounds in the wrong order hold nothing.
        (high - low).max(0.0)
    };
    share(conformal.level, held, n, forecasts.iter().map(width).sum::<f64>() / n as f64)
}

/// Probabilities and class numbers as `gibbs calibrate` reads them from a table.
fn of_classes(forecasts: &[Forecast], outcome: &[f64], k: usize, level: f64) -> Result<ForecastReport, Error> {
    let mut values = Values::new();
    for (f, y) in forecasts.iter().zip(outcome) {
        if let Forecast::Classes(p) = f {
            p.iter().for_each(|p| values.push(*p));
        }
        values.push(*y);
    }
    let mut table = Table::from_values(k + 1, values)?;
    table.columns = (0..k).map(|c| format!("p{c}")).chain(["outcome".to_string()]).collect();
    let options = ForecastOptions {
        outcome: Some("outcome".into()),
        probabilities: table.columns[..k].to_vec(),
        level,
        ..ForecastOptions::default()
    };
    assess(&table, &options)
}

fn of_numbers(
    forecasts: &[Forecast],
    outcome: &[f64],
    target: &str,
    conformal: Option<&Conformal>,
    level: f64,
    key: &Key,
) -> Result<ForecastReport, Error> {
    let n = outcome.len();
    let each = |f: &dyn Fn(&Forecast, f64) -> f64| -> Vec<f64> {
        forecasts.iter().zip(outcome).map(|(forecast, y)| f(forecast, *y)).collect()
    };
    let ends: Vec<(f64, f64)> = forecasts.iter().map(|f| f.interval(level)).collect();
    let interval: Vec<f64> = (0..n)
        .map(|i| quantiles::interval(1.0 - level, ends[i].0, ends[i].1, outcome[i]).unwrap_or(f64::NAN))
        .collect();
    let laws = matches!(forecasts[0], Forecast::Law(_));
    let mut scores = if laws {
        let crps = each(&|f, y| match f {
            Forecast::Law(law) => law.crps(y),
            _ => f64::NAN,
        });
        vec![MeanScore::of("log score", &each(&Forecast::loss))?, MeanScore::of("CRPS", &crps)?]
    } else {
        vec![MeanScore::of("quantile score, doubled", &each(&Forecast::loss))?]
    };
    scores.push(MeanScore::of(&format!("interval score at {level}"), &interval)?);
    let coverage = |level: f64| {
        let ends: Vec<(f64, f64)> = forecasts.iter().map(|f| f.interval(level)).collect();
        let held = ends.iter().zip(outcome).filter(|((low, high), y)| low <= *y && *y <= high).count();
        share(level, held, n, ends.iter().map(|(low, high)| high - low).sum::<f64>() / n as f64)
    };
    // Where only some quantiles were learnt there is one interval.
    let levels: Vec<f64> = if laws { levels(level).collect() } else { vec![level] };
    let mut rng = key.purpose(Purpose::Other).rng();
    let transforms: Vec<f64> =
        forecasts.iter().zip(outcome).filter_map(|(f, y)| f.transform(*y, rng.uniform())).collect();
    let means: Vec<f64> = forecasts.iter().map(Forecast::mean).collect();
    let margin = conformal.and_then(|c| c.margin).filter(|_| laws);
    let real = report(&transforms, &means, outcome, levels.into_iter().map(coverage).collect(), margin)?;
    Ok(ForecastReport {
        n,
        outcome: target.into(),
        scores,
        classes: None,
        verdict: verdict(&real, None, false),
        real: Some(real),
        scaling: Vec::new(),
        calibrator: Calibrator::Identity,
    })
}
