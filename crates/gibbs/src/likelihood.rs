//! Held-out log-likelihood, with everything a reader needs to believe it.

use gibbs_core::key::Key;
use gibbs_core::log_partition::{Bias, Ends, LogZ};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::config::{EXACT_LOG_Z_WORK, FitConfig, LogZMethod};
use crate::dataset::Part;
use crate::error::Error;
use crate::models::{ClassLaw, Likelihood, LogZOptions, Model, QUADRATURE_TOLERANCE};
use crate::progress::Progress;

/// Half-width of a 95 % interval in standard errors.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;

/// Rows of the pseudo-log-likelihood, which costs a pass over the weights for every unit of every row.
const PSEUDO_ROWS: usize = 5_000;

/// A mean with its uncertainty, nats.
///
/// One row alone has no standard error: it is infinite, as is the interval, and `null` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanLogLikelihood {
    /// Mean over the rows.
    pub mean: f64,
    /// Standard error of the mean over the draw of the rows.
    #[serde(deserialize_with = "null_is_unknown")]
    pub std_err: f64,
    /// Lower end of the 95 % interval that joins the rows' and log Z's uncertainty.
    #[serde(deserialize_with = "null_is_unknown")]
    pub lower: f64,
    /// Upper end.
    #[serde(deserialize_with = "null_is_unknown")]
    pub upper: f64,
}

/// JSON has no infinity: what is not finite is written as `null` and read back as NaN.
fn null_is_unknown<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// `log Z` as it is reported, nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogZReport {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Which side it errs on.
    pub bias: Bias,
    /// How it was made.
    pub method: String,
    /// Effective number of chains, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_chains: Option<f64>,
    /// Both ends and the verdict (`lower`, `upper`, `verdict`), where it was enclosed from both sides.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ends>,
    /// What must be known before believing it.
    pub warnings: Vec<String>,
}

impl From<&LogZ> for LogZReport {
    fn from(z: &LogZ) -> Self {
        Self {
            value: z.value,
            std_err: z.std_err,
            bias: z.bias,
            method: z.method.clone(),
            effective_chains: z.effective_chains,
            ends: z.ends,
            warnings: z.warnings.clone(),
        }
    }
}

/// The evaluation of a model on rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of rows.
    pub n: usize,
    /// Mean log-likelihood of a row, nats; a lower bound of it where `bound` says so.
    pub log_likelihood: MeanLogLikelihood,
    /// Whether the energies are variational, so that every log-likelihood here is a lower bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
    /// The partition function it was computed with.
    pub log_z: LogZReport,
    /// Mean pseudo-log-likelihood of the first 5,000 rows, nats, for comparison; of bits only. Not a likelihood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_log_likelihood: Option<f64>,
    /// Mean of `log p_true - log p_model` over the rows, where the true density is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regret: Option<Regret>,
    /// `-mean / (columns ln 2)`.
    pub bits_per_dim: f64,
    /// How well the classes of the rows are told from the rest of them, of models that learnt classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassScores>,
    /// In which direction the log-likelihood errs, in words.
    pub direction: String,
}

/// How far a model is from the truth on the same rows, nats: an estimate of `KL(p_true || p_model)` in which the luck of
/// the draw cancels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regret {
    /// Mean of `log p_true - log p_model`.
    pub mean: f64,
    /// Its standard error over the rows.
    #[serde(deserialize_with = "null_is_unknown")]
    pub std_err: f64,
}

/// Scores of `p(class | rest)`, which is exact and needs no `log Z`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Share of rows whose most probable class is theirs.
    pub accuracy: f64,
    /// Its standard error over the rows.
    #[serde(deserialize_with = "null_is_unknown")]
    pub accuracy_std_err: f64,
    /// Mean of `log p(class | rest)`, nats.
    pub log_likelihood: f64,
}

impl ClassScores {
    /// Scores of rows with weights that sum to one.
    fn new(law: &ClassLaw, weights: &[f64]) -> Self {
        let rows = || law.log_prob.chunks_exact(law.n_classes).zip(&law.truth);
        let right: Vec<f64> =
            rows().map(|(l, &truth)| f64::from(u8::from(l.iter().all(|other| *other <= l[truth])))).collect();
        let (accuracy, accuracy_std_err) = weighted_mean(&right, weights);
        let log_likelihood = rows().zip(weights).map(|((l, &truth), w)| w * l[truth]).sum();
        Self { accuracy, accuracy_std_err, log_likelihood }
    }
}

/// What an estimate of `log Z` that errs on one side does to a likelihood.
pub fn direction(bias: Bias) -> &'static str {
    match bias {
        Bias::Exact => "exact: the only uncertainty is the draw of the rows",
        Bias::Lower => {
            "log Z is a stochastic lower bound, so this log-likelihood errs on the high side; \
             the interval covers the estimate's noise, not that bias"
        }
        Bias::Upper => "log Z is a stochastic upper bound, so this log-likelihood errs on the low side",
        _ => "the side on which log Z errs is not known",
    }
}

impl Evaluation {
    /// What the numbers are called.
    pub fn quantity(&self) -> &'static str {
        quantity(self.bound)
    }
}

/// What a log-likelihood, or a lower bound of it, is called.
pub fn quantity(bound: bool) -> &'static str {
    if bound { "lower bound" } else { "log-likelihood" }
}

/// What a reader must know of a likelihood that is only a bound.
fn caveat(likelihood: Likelihood) -> Option<&'static str> {
    match likelihood {
        Likelihood::Value => None,
        Likelihood::LowerBound => Some(
            "an estimate, by draws, of a lower bound: given log Z it is one on average, for a single row not for certain",
        ),
    }
}

/// Mean of `values` under weights that sum to one, and its standard error.
pub fn weighted_mean(values: &[f64], weights: &[f64]) -> (f64, f64) {
    let mean: f64 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
    let concentration: f64 = weights.iter().map(|w| w * w).sum();
    let spread: f64 = values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum();
    // With equal weights this is the sample variance over n.
    let variance = if concentration < 1.0 { spread * concentration / (1.0 - concentration) } else { f64::INFINITY };
    (mean, variance.sqrt())
}

/// Log-likelihood of each row in the units of the table, nats; `log_jacobian` is that of the preparation.
pub fn log_likelihoods(model: &dyn Model, rows: &Batch, log_z: f64, log_jacobian: f64) -> Vec<f64> {
    model.energy(rows).iter().map(|e| log_jacobian - e - log_z).collect()
}

/// Evaluates a model on a part with a known `log Z`; likelihoods are those of the table's own units.
pub fn evaluate(model: &dyn Model, part: &Part, log_z: &LogZ, log_jacobian: f64) -> Evaluation {
    let weights = part.normalised_weights();
    let log_prob = log_likelihoods(model, &part.rows, log_z.value, log_jacobian);
    let (mean, std_err) = weighted_mean(&log_prob, &weights);
    let (below, above) = reach(std_err, log_z);
    let few = part.rows.n_rows().min(PSEUDO_ROWS);
    let pseudo = model.pseudo_log_likelihood(&part.rows.slice(0, few));
    let regret = part.log_true.as_ref().map(|truth| {
        let differences: Vec<f64> = truth.iter().zip(&log_prob).map(|(t, p)| t - p).collect();
        let (mean, std_err) = weighted_mean(&differences, &weights);
        Regret { mean, std_err }
    });
    let caveat = caveat(model.likelihood());
    let side = log_z.ends.map_or_else(
        || direction(log_z.bias).to_string(),
        |e| {
            format!(
                "log Z is enclosed from both sides ({}); the interval joins its ends and the draw of the rows",
                e.verdict
            )
        },
    );
    Evaluation {
        n: part.rows.n_rows(),
        bound: caveat.is_some(),
        log_likelihood: MeanLogLikelihood { mean, std_err, lower: mean - below, upper: mean + above },
        log_z: log_z.into(),
        pseudo_log_likelihood: pseudo.map(|p| p.iter().sum::<f64>() / few as f64),
        regret,
        bits_per_dim: -mean / (model.n_variables() as f64 * std::f64::consts::LN_2),
        classes: model.class_law(&part.rows).map(|law| ClassScores::new(&law, &weights)),
        direction: caveat.into_iter().chain([side.as_str()]).collect::<Vec<_>>().join("; "),
    }
}

/// How far the 95 % interval of a mean log-likelihood reaches below and above it: the standard error of the rows joined with
/// that of `log Z`; where `log Z` has two ends, their distances are added to that of the rows, since what is left of an end's
/// bias does not average out. Ends that cross are taken by their distance, which widens the interval.
pub(crate) fn reach(std_err: f64, log_z: &LogZ) -> (f64, f64) {
    match log_z.ends {
        None => {
            let half = Z95 * std_err.hypot(log_z.std_err);
            (half, half)
        }
        Some(ends) => {
            let (low, high) = (ends.lower.min(ends.upper), ends.lower.max(ends.upper));
            let rows = Z95 * std_err;
            (rows + (high - log_z.value).max(0.0), rows + (log_z.value - low).max(0.0))
        }
    }
}

/// The `log Z` that a configuration asks for at the end of training; `None` if it asks for none.
pub fn final_log_z(model: &dyn Model, config: &FitConfig, progress: &dyn Progress) -> Result<Option<LogZ>, Error> {
    let how = LogZOptions {
        method: config.learning.log_z,
        exact_work: EXACT_LOG_Z_WORK,
        tolerance: QUADRATURE_TOLERANCE,
        n_chains: config.learning.ais_chains,
        n_temperatures: config.learning.ais_temperatures,
        probe: true,
    };
    if how.method == LogZMethod::None {
        return Ok(None);
    }
    model.log_z(&how, &Key::from_seed(config.seed), progress).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_textbook_standard_error() {
        let (mean, se) = weighted_mean(&[1.0, 2.0, 4.0], &[1.0 / 3.0; 3]);
        let variance = [1.0f64, 2.0, 4.0].iter().map(|v| (v - 7.0 / 3.0).powi(2)).sum::<f64>() / 2.0;
        assert!((mean - 7.0 / 3.0).abs() < 1e-12 && (se - (variance / 3.0).sqrt()).abs() < 1e-12);
        assert!(weighted_mean(&[1.0], &[1.0]).1.is_infinite());
    }
}
