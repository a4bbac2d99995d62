//! Forecasts that are probabilities of classes.

use gibbs_core::key::Key;
use gibbs_stats::calibration::{
    BetaScaling, Binning, LeastAmbiguousSets, Platt, Temperature, VectorScaling, calibration_error, diagram,
    hypothesis::resampling, reliability,
};
use gibbs_stats::scores::{ClassForecasts, classes};
use gibbs_stats::softmax::log_sum_exp;
use gibbs_stats::special::{sigmoid, softplus};
use serde::{Deserialize, Serialize};

use super::{
    Calibrator, FOLDS, ForecastOptions, ForecastReport, MeanScore, Scaling, Source, cross_validate, folds, gain,
    p_value, rank,
};
use crate::error::Error;

/// Bins of diagrams and errors.
const BINS: usize = 15;
/// Tables drawn from the forecasts themselves, for the test.
const RESAMPLES: usize = 999;
/// Probabilities below this are raised to it before a logarithm is scaled: a zero has no logit.
const LEAST: f64 = 1e-12;
/// Ridge of vector scaling, which keeps it finite where classes are separable.
const RIDGE: f64 = 1e-3;

/// A bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows.
    pub n: usize,
    /// Mean forecast.
    pub forecast: f64,
    /// Share of rows in which it came true.
    pub happened: f64,
    /// Lower end of the exact 95 % interval of that share.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Calibration of probabilities of classes. With two classes the event is class 1, with more it is that the most probable class
/// comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Number of classes.
    pub n_classes: usize,
    /// Share of rows in which the most probable class came.
    pub accuracy: f64,
    /// Expected calibration error over bins of equal width.
    pub ece: f64,
    /// The same over bins of equally many rows.
    pub ece_equal_mass: f64,
    /// Largest distance of a bin.
    pub mce: f64,
    /// Mean squared distance less what chance gives; may be negative.
    pub debiased_square: f64,
    /// Mean of the calibration errors of the single classes.
    pub classwise_ece: f64,
    /// Probability of such an error if the forecasts were calibrated, by resampling outcomes from them.
    pub p_value: f64,
    /// The diagram.
    pub diagram: Vec<Bin>,
    /// Coverage that the sets promise.
    pub level: f64,
    /// Mean number of classes in sets of that coverage (least ambiguous sets).
    pub set_size: f64,
}

/// Holds probabilities against class numbers.
pub(super) fn assess(source: &Source<'_>, o: &ForecastOptions, key: &Key) -> Result<ForecastReport, Error> {
    let table = forecasts(source, o)?;
    let binary = table.n_classes() == 2;
    let (p, y) = if binary { table.one_class(1) } else { table.top_label() };
    let wide = Binning::EqualWidth(BINS);
    let error = calibration_error(&p, &y, wide).map_err(|e| source.score(e))?;
    let mass = calibration_error(&p, &y, Binning::EqualMass(BINS)).map_err(|e| source.score(e))?;
    let test = resampling(&p, &y, wide, RESAMPLES, &key.block(0)).map_err(|e| source.score(e))?;
    let classwise = reliability::classwise(&table, wide).map_err(|e| source.score(e))?;
    let bins = diagram(&p, &y, wide, 0.05).map_err(|e| source.score(e))?;
    let bin = |b: &gibbs_stats::calibration::ReliabilityBin| Bin {
        n: b.n,
        forecast: b.forecast,
        happened: b.happened,
        low: b.low,
        high: b.high,
    };
    let sets = LeastAmbiguousSets::fit(&table, 1.0 - o.level).map_err(|e| source.score(e))?;
    let n = table.n_rows();
    let right = table.rows().zip(table.predictions()).filter(|((_, y), top)| y == top).count();
    let report = ClassReport {
        n_classes: table.n_classes(),
        accuracy: right as f64 / n as f64,
        ece: error.ece,
        ece_equal_mass: mass.ece,
        mce: error.mce,
        debiased_square: error.debiased_square,
        classwise_ece: classwise.iter().map(|e| e.ece).sum::<f64>() / classwise.len() as f64,
        p_value: test.p_value,
        diagram: bins.iter().map(bin).collect(),
        level: o.level,
        set_size: table.rows().map(|(p, _)| sets.set(p).len() as f64).sum::<f64>() / n as f64,
    };
    let mut scores = vec![
        MeanScore::new("log score", &table.scores(classes::log_score), source)?,
        MeanScore::new("Brier score", &table.scores(classes::brier), source)?,
        MeanScore::new("spherical score", &table.scores(classes::spherical), source)?,
    ];
    if !binary {
        scores.push(MeanScore::new("ranked probability score", &table.scores(classes::ranked), source)?);
    }
    let mut scaling = candidates(&table, &key.block(1));
    let best = rank(&mut scaling).map(str::to_string);
    let calibrator = match &best {
        Some(method) => fit(method, &Rows::of(&table), &(0..n).collect::<Vec<_>>()).ok_or_else(|| {
            source.score(gibbs_stats::scores::ScoreError::TooFew { what: "rows", found: n, wanted: FOLDS })
        })?,
        None => Calibrator::Identity,
    };
    let verdict = verdict(&report, scaling.first(), best.is_some());
    Ok(ForecastReport {
        n,
        outcome: source.outcome_name(),
        scores,
        classes: Some(report),
        real: None,
        scaling,
        calibrator,
        verdict,
    })
}

/// The table, checked; one column is the probability of class 1.
fn forecasts(source: &Source<'_>, o: &ForecastOptions) -> Result<ClassForecasts, Error> {
    let n = source.table.n_rows;
    let single = source.columns.len() == 1;
    let mut probs = Vec::with_capacity(n * source.columns.len().max(2));
    for row in 0..n {
        if single {
            let p = source.table.value(row, source.columns[0]);
            if !(0.0..=1.0).contains(&p) {
                return Err(source.cell(row, 0, &format!("the probability is {p}: it lies between 0 and 1")));
            }
            probs.extend([1.0 - p, p]);
        } else {
            probs.extend(source.columns.iter().map(|c| source.table.value(row, *c)));
        }
    }
    let k = source.columns.len().max(2);
    let mut labels = Vec::with_capacity(n);
    for (row, y) in source.outcomes().into_iter().enumerate() {
        if !(y >= 0.0 && y < k as f64 && y.fract() == 0.0) {
            let name = source.outcome_name();
            let what = format!("column `{name}`: the outcome is {y}: it is a class number from 0 to {}", k - 1);
            return Err(source.say(row, &what));
        }
        labels.push(y as usize);
    }
    let tolerance = if o.normalise { f64::INFINITY } else { classes::SUM_TOLERANCE };
    ClassForecasts::with_tolerance(k, &probs, &labels, tolerance).map_err(|e| source.score(e))
}

/// Logits and labels, row by row.
struct Rows {
    k: usize,
    logits: Vec<f64>,
    labels: Vec<usize>,
}

impl Rows {
    fn of(table: &ClassForecasts) -> Self {
        let logits = table.rows().flat_map(|(p, _)| p.iter().map(|p| p.max(LEAST).ln())).collect();
        Self { k: table.n_classes(), logits, labels: table.rows().map(|(_, y)| y).collect() }
    }

    fn select(&self, rows: &[usize]) -> Self {
        let logits = rows.iter().flat_map(|r| self.row(*r).iter().copied()).collect();
        Self { k: self.k, logits, labels: rows.iter().map(|r| self.labels[*r]).collect() }
    }

    fn row(&self, r: usize) -> &[f64] {
        &self.logits[r * self.k..][..self.k]
    }

    fn events(&self) -> Vec<bool> {
        self.labels.iter().map(|y| *y == 1).collect()
    }

    /// Log-odds of class 1 of two.
    fn odds(&self, r: usize) -> f64 {
        self.row(r)[1] - self.row(r)[0]
    }
}

/// What every scaling gains out of fold.
fn candidates(table: &ClassForecasts, key: &Key) -> Vec<Scaling> {
    let (rows, n) = (Rows::of(table), table.n_rows());
    if n < 2 * FOLDS {
        return Vec::new();
    }
    let fold = folds(n, key);
    let plain: Vec<f64> = table.scores(|p, y| -p[y].max(LEAST).ln());
    let methods: &[&str] = if rows.k == 2 { &["temperature", "platt", "beta"] } else { &["temperature", "vector"] };
    let scaled = |method: &&str| {
        let losses = cross_validate(n, &fold, |learn| {
            let calibrator = fit(method, &rows, learn)?;
            let rows = &rows;
            Some(move |i: usize| -log_probs(&calibrator, rows.row(i))[rows.labels[i]])
        })?;
        gain(method, &plain, &losses)
    };
    methods.iter().filter_map(scaled).collect()
}

/// A calibrator of these rows; `None` where it has no best value.
fn fit(method: &str, rows: &Rows, learn: &[usize]) -> Option<Calibrator> {
    let part = rows.select(learn);
    Some(match method {
        "temperature" => {
            Calibrator::Temperature { beta: Temperature::fit(part.k, &part.logits, &part.labels).ok()?.beta() }
        }
        "vector" => {
            let fitted = VectorScaling::fit(part.k, &part.logits, &part.labels, RIDGE).ok()?;
            Calibrator::Vector { scale: fitted.scale().to_vec(), shift: fitted.shift().to_vec() }
        }
        "platt" => {
            let odds: Vec<f64> = (0..part.labels.len()).map(|r| part.odds(r)).collect();
            let fitted = Platt::fit(&odds, &part.events()).ok()?;
            Calibrator::Platt { slope: fitted.slope(), offset: fitted.offset() }
        }
        _ => {
            let p: Vec<f64> = (0..part.labels.len()).map(|r| sigmoid(part.odds(r))).collect();
            let (a, b, c) = BetaScaling::fit(&p, &part.events()).ok()?.coefficients();
            Calibrator::Beta { a, b, c }
        }
    })
}

/// Log-probabilities of a row after scaling its logits.
pub fn log_probs(calibrator: &Calibrator, logits: &[f64]) -> Vec<f64> {
    // Logits of two classes from log-odds.
    let binary = |odds: f64| vec![0.0, odds];
    let odds = || logits[1] - logits[0];
    let scaled = match calibrator {
        Calibrator::Identity | Calibrator::Normal { .. } => logits.to_vec(),
        Calibrator::Temperature { beta } => logits.iter().map(|z| beta * z).collect(),
        Calibrator::Vector { scale, shift } => {
            logits.iter().zip(scale).zip(shift).map(|((z, a), b)| a * z + b).collect()
        }
        Calibrator::Platt { slope, offset } => binary(slope * odds() + offset),
        Calibrator::Beta { a, b, c } => {
            let (log_p, log_q) = (-softplus(-odds()), -softplus(odds()));
            binary(a * log_p - b * log_q + c)
        }
    };
    let log_sum = log_sum_exp(&scaled);
    scaled.iter().map(|z| z - log_sum).collect()
}

fn verdict(r: &ClassReport, best: Option<&Scaling>, helps: bool) -> String {
    let calibrated = if r.p_value < 0.01 {
        format!("The forecasts are not calibrated: calibration error {:.3}, {}", r.ece, p_value(r.p_value))
    } else {
        format!("Nothing speaks against the calibration: error {:.3}, {}", r.ece, p_value(r.p_value))
    };
    let scaling = match best {
        Some(s) if helps => format!("; scaling by {} gains {:.4} +- {:.4} nats a row", s.method, s.gain, s.std_err),
        Some(s) => {
            format!("; no scaling gains beyond chance (best: {}, {:+.4} +- {:.4} nats)", s.method, s.gain, s.std_err)
        }
        None => "; too few rows, or rows too easy, to say what scaling would gain".to_string(),
    };
    calibrated + &scaling + "."
}
