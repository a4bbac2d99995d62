//! Conservative held-out log-likelihoods by reverse annealing, without `log Z`.

use gibbs_core::key::{Key, Purpose};
use serde::{Deserialize, Serialize};

use crate::dataset::Part;
use crate::error::Error;
use crate::likelihood::{MeanLogLikelihood, Z95, weighted_mean};
use crate::models::Model;
use crate::progress::Progress;

/// How much is spent on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RaiseOptions {
    /// Rows at most, drawn at random where there are more.
    pub rows: usize,
    /// Chains a row.
    pub n_chains: usize,
    /// Temperatures.
    pub n_temperatures: usize,
}

impl Default for RaiseOptions {
    /// 500 rows of five chains over 5,000 temperatures.
    fn default() -> Self {
        Self { rows: 500, n_chains: 5, n_temperatures: 5_000 }
    }
}

/// The conservative log-likelihood of a part, nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conservative {
    /// Rows it is the mean of.
    pub n: usize,
    /// Mean over the rows, with the interval of the draw of the rows and of their chains.
    pub log_likelihood: MeanLogLikelihood,
    /// Mean standard error of a row from its chains, nats; how far the annealing model is from the model it does not say.
    pub chain_std_err: f64,
    /// `-mean / (columns ln 2)`.
    pub bits_per_dim: f64,
    /// How it was made.
    pub method: String,
    /// In which direction it errs, in words.
    pub direction: String,
}

const DIRECTION: &str = "the likelihood of the annealing model: on the low side for rows of the model's own law; rows of another law \
                         can come out too high while chains lag behind the temperatures, so repeat with more of them. No log Z is \
                         involved";

/// Estimates a part's mean log-likelihood by [`Raise`](gibbs_core::log_partition::Raise), in the units of the table;
/// `log_jacobian` is that of the preparation. Also returns the rows taken and their values.
///
/// # Errors
/// [`Error::Usage`] for models without a reversible kernel on a path from a base, or whose energies are bounds.
pub fn conservative(
    model: &dyn Model,
    part: &Part,
    how: &RaiseOptions,
    log_jacobian: f64,
    key: &Key,
    progress: &dyn Progress,
) -> Result<(Conservative, Vec<(usize, f64)>), Error> {
    let refused = || {
        let what = model.describe();
        Error::Usage(format!(
            "--likelihood raise needs a reversible sampler, which a {what} has not: use --log-z bracket"
        ))
    };
    if model.likelihood().is_bound() {
        return Err(refused());
    }
    let mut rows: Vec<usize> = (0..part.rows.n_rows()).collect();
    if rows.len() > how.rows.max(1) {
        key.purpose(Purpose::Shuffle).rng().shuffle(&mut rows);
        rows.truncate(how.rows.max(1));
        rows.sort_unstable();
    }
    let part = part.select(&rows);
    let found = model.raise(&part.rows, how, &key.purpose(Purpose::LogZ), progress).ok_or_else(refused)??;
    let log_prob: Vec<f64> = found.log_likelihood.iter().map(|l| l + log_jacobian).collect();
    let weights = part.normalised_weights();
    let (mean, std_err) = weighted_mean(&log_prob, &weights);
    let half = Z95 * std_err;
    let chain_std_err = found.std_err.iter().zip(&weights).map(|(s, w)| s * w).sum();
    let conservative = Conservative {
        n: rows.len(),
        log_likelihood: MeanLogLikelihood { mean, std_err, lower: mean - half, upper: mean + half },
        chain_std_err,
        bits_per_dim: -mean / (model.n_variables() as f64 * std::f64::consts::LN_2),
        method: format!("RAISE, {} chains a row x {} temperatures", how.n_chains, how.n_temperatures),
        direction: DIRECTION.to_string(),
    };
    Ok((conservative, rows.into_iter().zip(log_prob).collect()))
}
