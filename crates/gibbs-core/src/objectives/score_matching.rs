//! Explicit score matching: fitting the gradient of the energy, with the trace of the Hessian exact or estimated.

use super::batch::{PerRow, dot, dot_row, observed_energy, signs_like};
use super::error::{ObjectiveError, at_least_one};
use crate::energy::ScoreParametric;
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// How the trace of the Hessian is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Summed over the coordinates: one curvature pass a dimension.
    Exact,
    /// `mean_v v'Hv` over random sign vectors: unbiased, one curvature pass a probe (Hutchinson 1989,
    /// DOI 10.1080/03610918908812806). Exact where `H` is diagonal.
    Hutchinson {
        /// Sign vectors a row, at least one.
        probes: usize,
    },
}

/// Minimises the Fisher divergence `E_data[|grad E + grad log p_data|^2] / 2`, which is, up to a constant of the data,
///
/// ```text
/// J = E_data[ |grad E(x)|^2 / 2 - tr H(x) ],   H = Hessian of E
/// ```
///
/// (Integration by parts; the data density has to vanish at the border of its support, so data that pile up at the
/// ends of an interval need [`super::Denoising`].) Neither `log Z` nor the constant of the energy is seen: weights of
/// modes that are far apart are learnt slowly, for the score between them carries no data.
///
/// Units: `loss` is `J`, per squared unit of `x`; at the optimum it is minus half the Fisher information of the data in
/// `x`. `Trace::Exact` costs one pass a dimension and suits a few dimensions. There is no data phase: `after_data` is
/// not called.
///
/// # Source
/// Hyvarinen 2005, "Estimation of non-normalized statistical models by score matching", JMLR 6:695-709, theorem 1,
/// <https://jmlr.org/papers/v6/hyvarinen05a.html>.
#[derive(Clone, Copy, Debug)]
pub struct ScoreMatching {
    trace: Trace,
}

impl ScoreMatching {
    /// With the trace taken in the given way.
    pub fn new(trace: Trace) -> Result<Self, ObjectiveError> {
        if let Trace::Hutchinson { probes } = trace {
            at_least_one("probes", probes)?;
        }
        Ok(Self { trace })
    }
}

impl<E: ScoreParametric<X: Persist>> Objective<Target<E>> for ScoreMatching {
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
        let energy = &path.0;
        let mut loss = add_half_square(energy, data, weights, out, ws);
        match self.trace {
            Trace::Exact => {
                for k in 0..data.n_cols() {
                    let mut v = E::X::default();
                    v.reset(data.n_rows(), data.n_cols());
                    v.values_mut().fill(Real::narrow(0.0));
                    (0..data.n_rows()).for_each(|i| v.row_mut(i)[k] = Real::narrow(1.0));
                    loss -= subtract_curvature(energy, data, &v, weights, 1.0, out, ws);
                }
            }
            Trace::Hutchinson { probes } => {
                for v in sign_probes(data, probes, key) {
                    loss -= subtract_curvature(energy, data, &v, weights, 1.0 / probes as f64, out, ws);
                }
            }
        }
        let data_energy = observed_energy(energy, data, weights, observe, ws);
        ObjectiveInfo { data_energy, loss: Some(loss), ..Default::default() }
    }
}

/// `probes` batches of independent sign vectors in the shape of `x`.
pub(super) fn sign_probes<X: Continuous>(x: &X, probes: usize, key: &Key) -> Vec<X> {
    let key = key.purpose(Purpose::Noise);
    (0..probes as u64).map(|p| signs_like(x, &key.step(p))).collect()
}

/// Adds the gradient of `sum_i w_i |grad E(x_i)|^2 / 2`, which it returns.
pub(super) fn add_half_square<E: ScoreParametric>(
    energy: &E,
    x: &E::X,
    weights: &[f64],
    out: &mut ParamMap,
    ws: &mut Scratch,
) -> f64 {
    let (d, terms) = (x.n_cols(), PerRow::new(x.n_rows()));
    energy.add_score_grad(
        x,
        &|rows, _, g, v| {
            for ((i, g), v) in rows.zip(g.chunks_exact(d)).zip(v.chunks_exact_mut(d)) {
                terms.set(i, 0.5 * weights[i] * dot_row(g, g));
                let w = Real::narrow(weights[i]);
                v.iter_mut().zip(g).for_each(|(v, &g)| *v = g * w);
            }
        },
        out,
        ws,
    );
    terms.sum()
}

/// Subtracts the gradient of `share sum_i w_i v_i' H(x_i) v_i`, which it returns.
pub(super) fn subtract_curvature<E: ScoreParametric>(
    energy: &E,
    x: &E::X,
    v: &E::X,
    weights: &[f64],
    share: f64,
    out: &mut ParamMap,
    ws: &mut Scratch,
) -> f64 {
    let (mut w, mut curvature) = (ws.take_f64(weights.len()), ws.take_f64(weights.len()));
    w.iter_mut().zip(weights).for_each(|(w, weight)| *w = -share * weight);
    energy.add_curvature_grad(x, v, &w, &mut curvature, out, ws);
    let sum = -dot(&w, &curvature);
    ws.give_f64(w);
    ws.give_f64(curvature);
    sum
}
