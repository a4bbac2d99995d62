//! Maximum likelihood with the exact gradient, where the model can be summed out.

use crate::energy::{Energy, Parametric};
use crate::key::Key;
use crate::objective::{Objective, ObjectiveInfo, mean_energy};
use crate::params::ParamMap;
use crate::path::{Geometric, Learnable};
use crate::scratch::Scratch;

/// Paths whose target's `log Z` and expected parameter gradient can be computed exactly.
pub trait ExactMoments: Learnable {
    /// `out -= E_model[dE/dtheta]`; returns the exact `log Z` in nats.
    fn subtract_model_grad(&self, out: &mut ParamMap, ws: &mut Scratch) -> f64;
}

/// Energies whose `log Z` and expected parameter gradient can be computed exactly, whatever path leads to them.
pub trait ModelMoments: Parametric {
    /// `out -= E_model[dE/dtheta]`; returns the exact `log Z` in nats.
    fn subtract_model_grad(&self, out: &mut ParamMap, ws: &mut Scratch) -> f64;
}

impl<B: Energy, T: ModelMoments<X = B::X>> ExactMoments for Geometric<B, T> {
    fn subtract_model_grad(&self, out: &mut ParamMap, ws: &mut Scratch) -> f64 {
        self.target.subtract_model_grad(out, ws)
    }
}

/// `grad = E_data[dE/dtheta] - E_model[dE/dtheta]`, both exact: no sampling noise, no bias.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExactLikelihood;

impl<P: ExactMoments> Objective<P> for ExactLikelihood {
    type State = ();

    fn init(&self, _path: &P, _data: &P::X, _key: &Key, _ws: &mut Scratch) {}

    fn gradient(
        &self,
        path: &P,
        data: &P::X,
        weights: &[f64],
        (): &mut (),
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        _key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let mut eval = path.empty_eval();
        path.evaluate(data, &mut eval, ws);
        path.add_grad(data, &eval, weights, out, ws);
        after_data(out);
        let data_energy = observe.then(|| mean_energy(path, data, &eval, weights, ws));
        let log_z = path.subtract_model_grad(out, ws);
        ObjectiveInfo { data_energy, log_z: Some(log_z), ..Default::default() }
    }
}
