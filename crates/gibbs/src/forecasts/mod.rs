//! A table of forecasts held against what happened: scores with intervals, calibration, and what scaling would gain.
//!
//! | file | what it holds |
//! |---|---|
//! | this | what a table's columns mean, and the report |
//! | [`classes`] | forecasts that are probabilities of classes |
//! | [`real`] | forecasts of a number: a mean and a standard deviation, or draws |
//! | [`page`] | the page to look at |
pub mod classes;
pub mod page;
pub mod real;

use gibbs_core::key::Key;
use gibbs_data::Table;
use gibbs_stats::scores::{self, ScoreError};
use serde::{Deserialize, Serialize};

pub use classes::ClassReport;
pub use real::RealReport;

use crate::error::Error;

/// Half-width of a 95 % interval in standard errors.
const Z95: f64 = 1.959_963_984_540_054;
/// Parts of the cross-validation that says what scaling gains.
const FOLDS: usize = 5;

/// What the columns of a table of forecasts mean. What is left out is looked for by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForecastOptions {
    /// Column of what happened: a class number from 0, or the number itself.
    pub outcome: Option<String>,
    /// Columns of the probabilities of classes 0, 1, ...; one alone is the probability of class 1 of two.
    pub probabilities: Vec<String>,
    /// Column of means.
    pub mean: Option<String>,
    /// Column of standard deviations.
    pub sd: Option<String>,
    /// Columns of draws.
    pub draws: Vec<String>,
    /// Divide rows of probabilities by their sums, whatever these are.
    pub normalise: bool,
    /// Coverage of intervals and sets, strictly between 0 and 1.
    pub level: f64,
    /// Seed of folds, resampling and ties.
    pub seed: u64,
}

/// The mean of a score with its 95 % interval; nats where it is a log score. Lower is better throughout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanScore {
    /// Name of the score.
    pub name: String,
    /// Mean over the rows; infinite where one row was (`null` in JSON).
    pub mean: Option<f64>,
    /// Standard error for independent rows.
    pub std_err: Option<f64>,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
}

impl MeanScore {
    fn new(name: &str, values: &[f64], source: &Source<'_>) -> Result<Self, Error> {
        Self::of(name, values).map_err(|e| source.score(e))
    }

    /// The mean of a score over rows.
    pub(crate) fn of(name: &str, values: &[f64]) -> Result<Self, ScoreError> {
        let s = scores::summarise(values)?;
        let finite = |x: f64| x.is_finite().then_some(x);
        Ok(Self {
            name: name.into(),
            mean: finite(s.mean),
            std_err: finite(s.std_err),
            lower: finite(s.mean - Z95 * s.std_err),
            upper: finite(s.mean + Z95 * s.std_err),
        })
    }
}

/// What a way of scaling gains on rows it was not fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Its name.
    pub method: String,
    /// Mean log score of the scaled forecasts by five-fold cross-validation, nats.
    pub log_score: f64,
    /// Log score of the forecasts as they are less that: positive where scaling helps.
    pub gain: f64,
    /// Standard error of the gain.
    pub std_err: f64,
    /// Probability of so large a difference between equally good forecasts (Diebold and Mariano's test).
    pub p_value: f64,
}

/// A fitted calibrator, as it is written to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Calibrator {
    /// Forecasts are best left as they are.
    Identity,
    /// Logits times `beta`, renormalised.
    Temperature {
        /// Inverse temperature.
        beta: f64,
    },
    /// Logit `k` times `scale[k]` plus `shift[k]`, renormalised.
    Vector {
        /// A factor a class.
        scale: Vec<f64>,
        /// A shift a class.
        shift: Vec<f64>,
    },
    /// Log-odds times `slope` plus `offset`.
    Platt {
        /// Slope.
        slope: f64,
        /// Offset.
        offset: f64,
    },
    /// Log-odds `a ln p - b ln(1 - p) + c`.
    Beta {
        /// Factor of `ln p`.
        a: f64,
        /// Factor of `-ln(1 - p)`.
        b: f64,
        /// Offset.
        c: f64,
    },
    /// Mean plus `shift` standard deviations, standard deviation times `factor`.
    Normal {
        /// Shift in standard deviations.
        shift: f64,
        /// Factor.
        factor: f64,
    },
}

/// What a table of forecasts came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastReport {
    /// Rows.
    pub n: usize,
    /// Column of what happened.
    pub outcome: String,
    /// Proper scores.
    pub scores: Vec<MeanScore>,
    /// Calibration of probabilities of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassReport>,
    /// Calibration of forecasts of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<RealReport>,
    /// What scaling would gain, best first.
    pub scaling: Vec<Scaling>,
    /// The best scaling fitted to all rows, or [`Calibrator::Identity`] where none is better beyond chance (5 %).
    pub calibrator: Calibrator,
    /// In plain words.
    pub verdict: String,
}

/// Holds forecasts against outcomes.
///
/// # Errors
/// Columns that are not there or whose meaning is unclear, missing values, numbers that cannot be forecasts or outcomes:
/// with row and column.
pub fn assess(table: &Table, options: &ForecastOptions) -> Result<ForecastReport, Error> {
    if !(options.level > 0.0 && options.level < 1.0) {
        return Err(Error::Usage(format!("--level {}: give a number strictly between 0 and 1", options.level)));
    }
    table.check_finite()?;
    let meaning = Meaning::of(table, options)?;
    let key = Key::from_seed(options.seed);
    match &meaning.forecast {
        Columns::Probabilities(columns) => {
            classes::assess(&Source { table, columns, outcome: meaning.outcome }, options, &key)
        }
        Columns::Normal([mean, sd]) => {
            let source = Source { table, columns: &[*mean, *sd], outcome: meaning.outcome };
            real::assess_normal(&source, options, &key)
        }
        Columns::Draws(columns) => {
            real::assess_draws(&Source { table, columns, outcome: meaning.outcome }, options, &key)
        }
    }
}

/// Places of columns.
enum Columns {
    Probabilities(Vec<usize>),
    Normal([usize; 2]),
    Draws(Vec<usize>),
}

struct Meaning {
    outcome: usize,
    forecast: Columns,
}

impl Meaning {
    /// Columns named by the options, else by their names: an outcome `y`, `outcome`, `label`, `target` or `observed` (or the
    /// last column); a mean and a standard deviation; else probabilities if all else lies between 0 and 1, else draws.
    fn of(table: &Table, o: &ForecastOptions) -> Result<Self, Error> {
        let find = |name: &String| {
            table.columns.iter().position(|c| c == name).ok_or_else(|| {
                let nearest = gibbs_data::nearest(name, table.columns.iter().map(String::as_str));
                let hint = nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                Error::Usage(format!("{} has no column `{name}`{hint}", table.source))
            })
        };
        let by_name = |names: &[&str]| table.columns.iter().position(|c| names.contains(&c.to_lowercase().as_str()));
        let outcome = match &o.outcome {
            Some(name) => find(name)?,
            None => by_name(&["y", "outcome", "label", "target", "observed"]).unwrap_or(table.n_cols() - 1),
        };
        let rest = || (0..table.n_cols()).filter(|c| *c != outcome).collect::<Vec<_>>();
        let all = |names: &[String]| names.iter().map(find).collect::<Result<Vec<_>, _>>();
        let mean = o.mean.as_ref().map(find).transpose()?.or_else(|| by_name(&["mean", "mu", "prediction"]));
        let sd = o.sd.as_ref().map(find).transpose()?.or_else(|| by_name(&["sd", "std", "sigma", "stddev"]));
        let asked = [!o.probabilities.is_empty(), o.mean.is_some() || o.sd.is_some(), !o.draws.is_empty()];
        let forecast = match (asked, mean.zip(sd)) {
            ([true, false, false], _) => Columns::Probabilities(all(&o.probabilities)?),
            ([false, false, true], _) => Columns::Draws(all(&o.draws)?),
            ([false, true, false], None) => {
                return Err(Error::Usage("a forecast by mean needs a standard deviation: give --mean and --sd".into()));
            }
            ([false, _, false], Some((mean, sd))) => Columns::Normal([mean, sd]),
            ([false, false, false], None) => {
                let rest = rest();
                let share = |c: &usize| (0..table.n_rows).all(|r| (0.0..=1.0).contains(&table.value(r, *c)));
                if rest.iter().all(share) { Columns::Probabilities(rest) } else { Columns::Draws(rest) }
            }
            _ => return Err(Error::Usage("give one of --probabilities, --mean with --sd, --draws".into())),
        };
        let used = match &forecast {
            Columns::Probabilities(c) | Columns::Draws(c) => c.clone(),
            Columns::Normal(c) => c.to_vec(),
        };
        if used.is_empty() || used.contains(&outcome) {
            let name = &table.columns[outcome];
            return Err(Error::Usage(format!(
                "column `{name}` is taken for what happened and there are no forecasts beside it: name columns with \
                 --outcome and --probabilities, --mean and --sd, or --draws"
            )));
        }
        Ok(Self { outcome, forecast })
    }
}

/// Where forecasts and outcomes stand, for messages with rows and columns as a person counts them.
struct Source<'a> {
    table: &'a Table,
    columns: &'a [usize],
    outcome: usize,
}

impl Source<'_> {
    fn column(&self, c: usize) -> Vec<f64> {
        (0..self.table.n_rows).map(|r| self.table.value(r, c)).collect()
    }

    fn outcomes(&self) -> Vec<f64> {
        self.column(self.outcome)
    }

    fn outcome_name(&self) -> String {
        self.table.columns[self.outcome].clone()
    }

    /// A cell that cannot be what it stands for; `column` counts within the forecast.
    fn cell(&self, row: usize, column: usize, what: &str) -> Error {
        let name = self.columns.get(column).map_or_else(String::new, |c| self.table.columns[*c].clone());
        self.say(row, &format!("column `{name}`: {what}"))
    }

    fn say(&self, row: usize, what: &str) -> Error {
        Error::Table(format!("{}: row {}, {what}", self.table.source, self.table.first_row + row))
    }

    fn score(&self, error: ScoreError) -> Error {
        match error {
            ScoreError::Value { row, value, wanted, what: "the outcome", .. } => {
                let what = format!("column `{}`: the outcome is {value}: {wanted}", self.outcome_name());
                self.say(row, &what)
            }
            ScoreError::Value { row, col, what, value, wanted } => {
                self.cell(row, col, &format!("{what} is {value}: {wanted}"))
            }
            ScoreError::Sum { row, sum, tolerance } => self.say(
                row,
                &format!("the probabilities add up to {sum}, further from 1 than {tolerance}: use --normalise"),
            ),
            other => Error::Table(format!("{}: {other}", self.table.source)),
        }
    }
}

/// A p-value in words; below a thousandth its digits say nothing.
fn p_value(p: f64) -> String {
    if p < 0.0015 { "p < 0.002".into() } else { format!("p = {p:.3}") }
}

/// A number of the fold of each row, the same for the same seed.
fn folds(n: usize, key: &Key) -> Vec<usize> {
    let mut fold: Vec<usize> = (0..n).map(|i| i % FOLDS).collect();
    key.rng().shuffle(&mut fold);
    fold
}

/// The candidate's log scores out of fold: `fit` is given the rows it may learn from and returns the loss of any row.
fn cross_validate<L: Fn(usize) -> f64>(
    n: usize,
    fold: &[usize],
    mut fit: impl FnMut(&[usize]) -> Option<L>,
) -> Option<Vec<f64>> {
    let mut out = vec![0.0; n];
    for k in 0..FOLDS {
        let learn: Vec<usize> = (0..n).filter(|i| fold[*i] != k).collect();
        let loss = fit(&learn)?;
        (0..n).filter(|i| fold[*i] == k).for_each(|i| out[i] = loss(i));
    }
    out.iter().all(|x| x.is_finite()).then_some(out)
}

/// The gain of losses over those of the forecasts as they are.
fn gain(method: &str, plain: &[f64], scaled: &[f64]) -> Option<Scaling> {
    let c = scores::compare(plain, scaled, 1).ok()?;
    let log_score = scaled.iter().sum::<f64>() / scaled.len() as f64;
    Some(Scaling { method: method.into(), log_score, gain: c.difference, std_err: c.std_err, p_value: c.p_value })
}

/// Best first; whether the best is better than nothing beyond chance.
fn rank(scaling: &mut [Scaling]) -> Option<&str> {
    scaling.sort_by(|a, b| a.log_score.total_cmp(&b.log_score));
    scaling.first().filter(|s| s.gain > 0.0 && s.p_value < 0.05).map(|s| s.method.as_str())
}
