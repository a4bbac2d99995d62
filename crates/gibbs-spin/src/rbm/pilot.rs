//! A base fitted to a model without data: for imported models and for estimates that must not lean on the data.

use std::ops::ControlFlow;

use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, LogZError};
use gibbs_core::scratch::Scratch;

use super::{BlockGibbs, Rbm, RbmPath};
use crate::Bernoulli;

const PILOT_CHAINS: usize = 20;
const PILOT_TEMPERATURES: usize = 100;
/// Below this many effective chains the weights single out one state, and plain means say more.
const LEAST_EFFECTIVE: f64 = 5.0;

impl Bernoulli {
    /// Means of the model's visible units from a short annealing run from fair bits, pulled half-way to one half:
    /// `q = 1/2 + (p - 1/2) / 2`, so that every bit stays possible and no mode is far.
    ///
    /// The pilot draws from its own key, so an estimate that uses this base remains unbiased given the base. On random
    /// RBMs it halves the standard error of AIS against a flat base at the same number of temperatures
    /// (`record/ais.md`).
    ///
    /// # Errors
    /// [`LogZError::Weight`] or [`LogZError::Degenerate`] if the parameters are so large that no weight is finite.
    pub fn from_pilot(model: &Rbm, key: &Key) -> Result<Self, LogZError> {
        let flat = RbmPath::new(Bernoulli::new(vec![0.0; model.n_visible()]), model.clone());
        let ais = Ais::new(BlockGibbs, PILOT_CHAINS, linear_ladder(PILOT_TEMPERATURES))?;
        let go = &mut |_, _| ControlFlow::Continue(());
        let (estimate, chains) = ais.estimate(&flat, key, &mut Scratch::default(), go)?;
        let most = estimate.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = estimate.log_weights.iter().map(|w| (w - most).exp()).collect();
        let trusted = estimate.effective_chains.is_some_and(|n| n >= LEAST_EFFECTIVE);
        let means = chains.x.column_means(trusted.then_some(&weights));
        let logit = |p: f64| {
            let q = 0.5 + 0.5 * (p - 0.5);
            (q / (1.0 - q)).ln() as f32
        };
        Ok(Self::new(means.into_iter().map(logit).collect()))
    }
}
