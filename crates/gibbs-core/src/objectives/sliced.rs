//! Sliced score matching: scores compared along random directions.

use super::batch::{PerRow, dot_row, observed_energy};
use super::error::{ObjectiveError, at_least_one};
use super::score_matching::{add_half_square, sign_probes, subtract_curvature};
use crate::energy::ScoreParametric;
use crate::key::Key;
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// What stands for the square of the gradient in [`Sliced`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlicedForm {
    /// `(v . grad E)^2 / 2`: the objective as it is derived.
    Projected,
    /// `|grad E|^2 / 2`, its mean over `v`: the same in expectation with less variance. For sign vectors this *is*
    /// explicit score matching with Hutchinson's estimate of the trace.
    VarianceReduced,
}

/// Minimises the Fisher divergence along random directions `v` with `E[vv'] = I` (here vectors of independent signs):
///
/// ```text
/// J = E_data E_v[ (v . grad E)^2 / 2 - v' H v ]
/// ```
///
/// In expectation over `v` it is the loss of [`super::ScoreMatching`], with the same minimiser; each direction costs one
/// curvature pass, whatever the dimension. [`super::FiniteDifferenceSliced`] needs no derivatives in `x` at all.
///
/// Units: `loss` per squared unit of `x`. There is no data phase: `after_data` is not called.
///
/// # Source
/// Song, Garg, Shi & Ermon 2019, "Sliced score matching: a scalable approach to density and score estimation",
/// arXiv:1905.07088, section 3.
#[derive(Clone, Copy, Debug)]
pub struct Sliced {
    form: SlicedForm,
    probes: usize,
}

impl Sliced {
    /// In the given form, with `probes >= 1` directions a row.
    pub fn new(form: SlicedForm, probes: usize) -> Result<Self, ObjectiveError> {
        Ok(Self { form, probes: at_least_one("probes", probes)? })
    }
}

impl<E: ScoreParametric<X: Persist>> Objective<Target<E>> for Sliced {
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
        let (energy, share) = (&path.0, 1.0 / self.probes as f64);
        let probes = sign_probes(data, self.probes, key);
        let mut loss = match self.form {
            SlicedForm::Projected => add_half_projections(energy, data, &probes, weights, out, ws),
            SlicedForm::VarianceReduced => add_half_square(energy, data, weights, out, ws),
        };
        for v in &probes {
            loss -= subtract_curvature(energy, data, v, weights, share, out, ws);
        }
        let data_energy = observed_energy(energy, data, weights, observe, ws);
        ObjectiveInfo { data_energy, loss: Some(loss), ..Default::default() }
    }
}

/// Adds the gradient of `sum_i w_i mean_v (v_i . grad E(x_i))^2 / 2`, which it returns.
fn add_half_projections<E: ScoreParametric>(
    energy: &E,
    x: &E::X,
    probes: &[E::X],
    weights: &[f64],
    out: &mut ParamMap,
    ws: &mut Scratch,
) -> f64 {
    let (d, share) = (x.n_cols(), 1.0 / probes.len() as f64);
    let terms = PerRow::new(x.n_rows());
    energy.add_score_grad(
        x,
        &|rows, _, g, v| {
            for ((i, g), v) in rows.zip(g.chunks_exact(d)).zip(v.chunks_exact_mut(d)) {
                v.fill(Real::narrow(0.0));
                let mut term = 0.0;
                for probe in probes {
                    let along = dot_row(probe.row(i), g);
                    term += 0.5 * share * weights[i] * along * along;
                    let step: <E::X as Continuous>::T = Real::narrow(share * weights[i] * along);
                    v.iter_mut().zip(probe.row(i)).for_each(|(v, &p)| *v += p * step);
                }
                terms.set(i, term);
            }
        },
        out,
        ws,
    );
    terms.sum()
}
