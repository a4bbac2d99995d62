//! Conditional noise-contrastive estimation: telling a row from a noisy copy of itself.

use super::batch::{dot, moved, normal_like, sigmoid, softplus, stack};
use super::error::{ObjectiveError, at_least_one, positive};
use crate::energy::Parametric;
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// Each data row `x` is compared with `ratio` copies `y = x + sigma n`, `n ~ N(0, I)`, of its own:
///
/// ```text
/// J = E_x E_y|x [ log(1 + exp(-G)) ],   G = E(y) - E(x)
/// ```
///
/// (The noise is symmetric, so that its density cancels from the log-odds `G`.) No noise density has to be chosen to
/// fit the data, but **the constant of the energy cancels too**: `log Z` is not learnt. As `sigma -> 0` the objective
/// becomes score matching, `J = log 2 + sigma^2 / 4 E[|grad E|^2 / 2 - tr H] + O(sigma^4)`; a `sigma` of about the width
/// of the finest structure of the data learns most.
///
/// Units: `loss` in nats a comparison, `log 2` where a row and its copies cannot be told apart. `accuracy` is the share
/// of the copies that lie above their row in energy. There is no data phase: `after_data` is not called.
///
/// # Source
/// Ceylan & Gutmann 2018, "Conditional noise-contrastive estimation of unnormalised models", ICML,
/// arXiv:1806.03664 (`J` is half of theirs).
#[derive(Clone, Copy, Debug)]
pub struct ConditionalNce {
    sigma: f64,
    ratio: usize,
}

impl ConditionalNce {
    /// With noise of standard deviation `sigma > 0` and `ratio >= 1` copies a row.
    pub fn new(sigma: f64, ratio: usize) -> Result<Self, ObjectiveError> {
        Ok(Self { sigma: positive("sigma", sigma)?, ratio: at_least_one("ratio", ratio)? })
    }
}

impl<E: Parametric<X: Continuous + Persist>> Objective<Target<E>> for ConditionalNce {
    type State = ();

    fn init(&self, _path: &Target<E>, _data: &E::X, _key: &Key, _ws: &mut Scratch) {}

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        (): &mut (),
        out: &mut ParamMap,
        _after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        out.clear();
        let (n, key) = (data.n_rows(), key.purpose(Purpose::Noise));
        let copies: Vec<E::X> =
            (0..self.ratio).map(|r| moved(data, self.sigma, &normal_like(data, &key.step(r as u64)))).collect();
        let parts: Vec<&E::X> = std::iter::once(data).chain(&copies).collect();
        let rows = stack(&parts);
        let (mut e, mut w) = (ws.take_f64(rows.n_rows()), ws.take_f64(rows.n_rows()));
        path.0.energy(&rows, &mut e, ws);

        // Row n + r n + i is copy r of row i. dJ/dG = -mass sigmoid(-G), dG/dE(y) = 1, dG/dE(x) = -1.
        let (mut loss, mut right) = (0.0, 0.0);
        for copy in n..rows.n_rows() {
            let i = copy % n;
            let (gap, mass) = (e[copy] - e[i], weights[i] / self.ratio as f64);
            let pull = mass * sigmoid(-gap);
            w[copy] = -pull;
            w[i] += pull;
            loss += mass * softplus(-gap);
            right += if gap > 0.0 { mass } else { 0.0 };
        }
        path.0.add_grad(&rows, &w, out, ws);
        let data_energy = observe.then(|| dot(weights, &e[..n]));
        ws.give_f64(e);
        ws.give_f64(w);
        ObjectiveInfo { data_energy, loss: Some(loss), accuracy: Some(right), ..Default::default() }
    }
}
