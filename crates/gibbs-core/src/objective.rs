//! Objectives: from data and chains to a gradient.

use crate::key::Key;
use crate::params::ParamMap;
use crate::path::Path;
use crate::persist::Persist;
use crate::scratch::Scratch;

/// What an update tells the record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ObjectiveInfo {
    /// Mean energy of the batch, nats, where it was asked for.
    pub data_energy: Option<f64>,
    /// Mean energy of the chains, nats, where there are chains.
    pub model_energy: Option<f64>,
    /// The exact `log Z`, where the objective computes it.
    pub log_z: Option<f64>,
    /// Value of the objective at the batch, where it has one: its documentation says in which unit.
    pub loss: Option<f64>,
    /// Share of data and noise rows that the energies tell apart, both kinds counting half, where data are told from
    /// noise.
    pub accuracy: Option<f64>,
    /// Mean acceptance probability of the chains' last steps, where there are chains.
    pub acceptance: Option<f64>,
    /// Root mean square distance that the chains moved in this update.
    pub distance: Option<f64>,
    /// Mean age of the persistent chains, in updates.
    pub buffer_age: Option<f64>,
    /// Root mean square of the chains' coordinates over that of the training rows.
    pub chain_scale: Option<f64>,
    /// Sum of the penalties that were added, where there are any; `loss` includes it.
    pub penalty: Option<f64>,
}

impl ObjectiveInfo {
    /// Accuracy from which on the noise has nothing to teach.
    pub const NO_OVERLAP: f64 = 0.999;

    /// Whether noise and data are told apart without error: the noise misses the data. Scale the data, or take noise
    /// that is fitted to them (a smaller `sigma` where the noise is added to the rows).
    pub fn noise_misses_data(&self) -> bool {
        self.accuracy.is_some_and(|a| a >= Self::NO_OVERLAP)
    }
}

/// A gradient estimate of the mean negative log-likelihood, or of a loss that stands for it, with explicit persistent
/// state.
pub trait Objective<P: Path> {
    /// What survives an update: persistent chains.
    type State: Persist;

    /// State before the first update. `data` is a sample of training rows.
    fn init(&self, path: &P, data: &P::X, key: &Key, ws: &mut Scratch) -> Self::State;

    /// `out = d/dtheta` of the (weighted) mean negative log-likelihood of `data`, or of the objective's own loss.
    ///
    /// `weights` sum to one, one a row. `after_data` sees the gradient when it holds the data phase alone:
    /// centring reads the data means of the units from it. Energies are computed only if `observe` is set.
    #[expect(clippy::too_many_arguments, reason = "batch, state, randomness and output are separate drawers")]
    fn gradient(
        &self,
        path: &P,
        data: &P::X,
        weights: &[f64],
        state: &mut Self::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo;
}

/// `sum_i w_i E_1(x_i)` from a cached evaluation.
pub(crate) fn mean_energy<P: Path>(path: &P, x: &P::X, eval: &P::Eval, weights: &[f64], ws: &mut Scratch) -> f64 {
    let mut energies = ws.take_f64(weights.len());
    path.target_energy(x, eval, &mut energies);
    let mean = weights.iter().zip(&energies).map(|(w, e)| w * e).sum();
    ws.give_f64(energies);
    mean
}
