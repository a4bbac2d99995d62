//! Sliced score matching by finite differences: energies alone, no derivatives in the state.

use super::batch::{dot, moved, stack};
use super::error::{ObjectiveError, at_least_one, positive};
use super::score_matching::sign_probes;
use crate::energy::Parametric;
use crate::key::Key;
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// [`super::Sliced`] (in its projected form) with both derivatives along `v` replaced by central differences of step
/// `h`:
///
/// ```text
/// v . grad E ~ (E(x + h v) - E(x - h v)) / (2 h),   v'Hv ~ (E(x + h v) + E(x - h v) - 2 E(x)) / h^2
/// ```
///
/// It needs an energy that can be differentiated in its parameters only. The loss is that of sliced score matching up
/// to `O(h^2)`, exactly it for quadratic energies. Rounding of the energies grows as `eps |E| / h^2`: with energies
/// computed in single precision take `h` of about a tenth of the finest structure of the data, not less.
///
/// Units: `loss` per squared unit of `x`. There is no data phase: `after_data` is not called.
///
/// # Source
/// Pang, Xu, Li, Song, Ermon & Zhu 2020, "Efficient learning of generative models via finite-difference score
/// matching", arXiv:2007.03317.
#[derive(Clone, Copy, Debug)]
pub struct FiniteDifferenceSliced {
    step: f64,
    probes: usize,
}

impl FiniteDifferenceSliced {
    /// With step `h > 0` a coordinate and `probes >= 1` directions a row.
    pub fn new(step: f64, probes: usize) -> Result<Self, ObjectiveError> {
        Ok(Self { step: positive("step", step)?, probes: at_least_one("probes", probes)? })
    }
}

impl<E: Parametric<X: Continuous + Persist>> Objective<Target<E>> for FiniteDifferenceSliced {
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
        let (n, h) = (data.n_rows(), self.step);
        let probes = sign_probes(data, self.probes, key);
        let sides: Vec<E::X> = probes.iter().flat_map(|v| [moved(data, h, v), moved(data, -h, v)]).collect();
        let parts: Vec<&E::X> = std::iter::once(data).chain(&sides).collect();
        let rows = stack(&parts);
        let (mut e, mut w) = (ws.take_f64(rows.n_rows()), ws.take_f64(rows.n_rows()));
        path.0.energy(&rows, &mut e, ws);

        let mut loss = 0.0;
        for p in 0..self.probes {
            for (i, weight) in weights.iter().enumerate() {
                let (up, down) = ((1 + 2 * p) * n + i, (2 + 2 * p) * n + i);
                let mass = weight / self.probes as f64;
                let slope = (e[up] - e[down]) / (2.0 * h);
                // Differences are summed before the division, so that the common part of the energies cancels.
                let curvature = ((e[up] - e[i]) + (e[down] - e[i])) / (h * h);
                loss += mass * (0.5 * slope * slope - curvature);
                w[up] = mass * (slope / (2.0 * h) - 1.0 / (h * h));
                w[down] = mass * (-slope / (2.0 * h) - 1.0 / (h * h));
                w[i] += mass * 2.0 / (h * h);
            }
        }
        path.0.add_grad(&rows, &w, out, ws);
        let data_energy = observe.then(|| dot(weights, &e[..n]));
        ws.give_f64(e);
        ws.give_f64(w);
        ObjectiveInfo { data_energy, loss: Some(loss), ..Default::default() }
    }
}
