//! Importance sampling from the base of a path, with Pareto-smoothed weights.

use super::{Bias, LogZ, LogZError, pareto};
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::scratch::Scratch;

/// Draws of a block, so that memory does not grow with their number.
const BLOCK: usize = 4096;

/// Importance sampling of `Z = Z_base E_base[exp(E_base(x) - E(x))]`: annealed importance sampling without the annealing. Good
/// for a base close to the model, hopeless in high dimension otherwise; the shape of the tail says which.
///
/// # Source
/// Kahn & Marshall 1953, DOI 10.1287/opre.1.5.263; smoothing: Vehtari et al. 2024, JMLR 25(72).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportanceSampling {
    n_draws: usize,
}

/// Both estimates of importance sampling.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Importance {
    /// `log mean(w)`: a stochastic lower bound, with the delta-method error.
    pub plain: LogZ,
    /// The same with [`pareto::smooth`]ed weights: less noise where the tail is heavy, and no bound.
    pub smoothed: LogZ,
    /// Shape of the tail; `None` if there is none to fit. Above [`pareto::largest_trusted_shape`] neither value is reliable,
    /// and both say so.
    pub pareto_k: Option<f64>,
}

impl ImportanceSampling {
    /// With `n_draws` draws of the base.
    pub fn new(n_draws: usize) -> Result<Self, LogZError> {
        if n_draws < 2 { Err(LogZError::Chains(n_draws)) } else { Ok(Self { n_draws }) }
    }

    /// Draws and weighs.
    pub fn estimate<P: Annealable>(&self, path: &P, key: &Key, ws: &mut Scratch) -> Result<Importance, LogZError> {
        let mut log_weights = vec![0.0; self.n_draws];
        let mut eval = path.empty_eval();
        for (b, weights) in log_weights.chunks_mut(BLOCK).enumerate() {
            let x = path.sample_base(weights.len(), &key.purpose(Purpose::Init).block(b as u64));
            path.evaluate(&x, &mut eval, ws);
            path.add_log_weight(&x, &eval, 0.0, 1.0, weights);
        }
        let base = path.base_log_z();
        let n = self.n_draws;
        let (smooth, pareto_k) = pareto::smooth(&log_weights);
        let mut plain = LogZ::from_log_weights(log_weights, base, format!("importance sampling, {n} draws"))?;
        let method = format!("importance sampling, {n} draws, smoothed weights");
        let mut smoothed = LogZ { bias: Bias::Unknown, ..LogZ::from_log_weights(smooth, base, method)? };
        let trusted = pareto::largest_trusted_shape(n);
        if let Some(k) = pareto_k.filter(|&k| k > trusted) {
            let warning = format!(
                "the weights have a heavy tail (Pareto k-hat {k:.2}, at most {trusted:.2} is good): log Z and its error are \
                 not reliable; use annealing, or a base closer to the model"
            );
            plain.warnings.push(warning.clone());
            smoothed.warnings.push(warning);
        }
        Ok(Importance { plain, smoothed, pareto_k })
    }
}
