//! Terms that are added to any objective: gradient penalties, energy magnitude, noise on the input.

use std::borrow::Cow;
use std::sync::Arc;

use super::batch::{PerRow, moved, normal_like};
use super::error::{ObjectiveError, positive};
use super::score_matching::add_half_square;
use crate::energy::{Distribution, Parametric, ScoreParametric};
use crate::key::{Key, Purpose};
use crate::objective::{Objective, ObjectiveInfo};
use crate::params::ParamMap;
use crate::path::Target;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// A penalty on an energy, added to an objective by [`Regularised`].
pub trait Regulariser<E: Parametric>: Send + Sync {
    /// `out += d penalty / dtheta`; returns the penalty. `weights` sum to one, one a row of `data`.
    fn add_grad(
        &self,
        energy: &E,
        data: &E::X,
        weights: &[f64],
        key: &Key,
        out: &mut ParamMap,
        ws: &mut Scratch,
    ) -> f64;
}

/// Where a penalty is taken.
#[derive(Clone)]
pub enum Place<X> {
    /// At the rows of the batch.
    Data,
    /// At as many draws of a distribution.
    Noise(Arc<dyn Distribution<X = X>>),
    /// At points `u x + (1 - u) y` between a row and a draw, `u` uniform on `[0, 1)`.
    Between(Arc<dyn Distribution<X = X>>),
}

impl<X: Continuous> Place<X> {
    /// The rows and their weights, which sum to one.
    fn rows<'a>(&self, data: &'a X, weights: &'a [f64], key: &Key) -> (Cow<'a, X>, Cow<'a, [f64]>) {
        let n = data.n_rows();
        match self {
            Place::Data => (Cow::Borrowed(data), Cow::Borrowed(weights)),
            Place::Noise(noise) => {
                (Cow::Owned(noise.sample(n, &key.purpose(Purpose::Noise))), Cow::Owned(vec![1.0 / n as f64; n]))
            }
            Place::Between(noise) => {
                let mut x = noise.sample(n, &key.purpose(Purpose::Noise));
                let mut rng = key.purpose(Purpose::Other).rng();
                for i in 0..n {
                    let u: X::T = Real::narrow(rng.uniform());
                    x.row_mut(i).iter_mut().zip(data.row(i)).for_each(|(y, &x)| *y += u * (x - *y));
                }
                (Cow::Owned(x), Cow::Borrowed(weights))
            }
        }
    }
}

/// `lambda / 2 E[|grad E(x)|^2]`: keeps the energy from growing steep where it is taken.
///
/// At the data it is the stabiliser that Mescheder, Geiger & Nowozin 2018 call R1 (arXiv:1801.04406, equation 9); at
/// points between data and noise it is the penalty of Gulrajani et al. 2017 (arXiv:1704.00028, equation 3) with target
/// norm zero.
#[derive(Clone)]
pub struct GradientPenalty<X> {
    lambda: f64,
    place: Place<X>,
}

impl<X> GradientPenalty<X> {
    /// Of strength `lambda > 0`.
    pub fn new(lambda: f64, place: Place<X>) -> Result<Self, ObjectiveError> {
        Ok(Self { lambda: positive("lambda", lambda)?, place })
    }
}

impl<E: ScoreParametric> Regulariser<E> for GradientPenalty<E::X> {
    fn add_grad(
        &self,
        energy: &E,
        data: &E::X,
        weights: &[f64],
        key: &Key,
        out: &mut ParamMap,
        ws: &mut Scratch,
    ) -> f64 {
        let (x, weights) = self.place.rows(data, weights, key);
        let scaled: Vec<f64> = weights.iter().map(|w| self.lambda * w).collect();
        add_half_square(energy, x.as_ref(), &scaled, out, ws)
    }
}

/// `alpha E[E(x)^2]`: keeps the energy near zero where it is taken, for objectives that leave its constant free
/// (Du & Mordatch 2019, arXiv:1903.08689, section 3.3).
#[derive(Clone)]
pub struct EnergyMagnitude<X> {
    alpha: f64,
    place: Place<X>,
}

impl<X> EnergyMagnitude<X> {
    /// Of strength `alpha > 0`.
    pub fn new(alpha: f64, place: Place<X>) -> Result<Self, ObjectiveError> {
        Ok(Self { alpha: positive("alpha", alpha)?, place })
    }
}

impl<E: Parametric<X: Continuous>> Regulariser<E> for EnergyMagnitude<E::X> {
    fn add_grad(
        &self,
        energy: &E,
        data: &E::X,
        weights: &[f64],
        key: &Key,
        out: &mut ParamMap,
        ws: &mut Scratch,
    ) -> f64 {
        let (x, weights) = self.place.rows(data, weights, key);
        let terms = PerRow::new(x.n_rows());
        energy.add_grad_with(
            x.as_ref(),
            &|rows, e, w| {
                for ((i, e), w) in rows.zip(e).zip(w) {
                    terms.set(i, self.alpha * weights[i] * e * e);
                    *w = 2.0 * self.alpha * weights[i] * e;
                }
            },
            out,
            ws,
        );
        terms.sum()
    }
}

/// An objective with penalties: values and gradients add. The info's `penalty` is their sum; `loss`, where the objective
/// has one, includes it.
///
/// # Example
/// ```
/// use gibbs_core::energy::ScoreParametric;
/// use gibbs_core::objectives::{Denoising, GradientPenalty, ObjectiveError, Place, Regularised};
///
/// fn smooth<E: ScoreParametric<X: 'static> + 'static>() -> Result<Regularised<E, Denoising>, ObjectiveError> {
///     let penalty = GradientPenalty::<E::X>::new(0.01, Place::Data)?;
///     Ok(Regularised { objective: Denoising::new(0.1)?, terms: vec![Box::new(penalty)] })
/// }
/// ```
pub struct Regularised<E, O> {
    /// The objective.
    pub objective: O,
    /// The penalties; each draws from a key of its own.
    pub terms: Vec<Box<dyn Regulariser<E>>>,
}

impl<E, O> Objective<Target<E>> for Regularised<E, O>
where
    E: Parametric<X: Continuous + Persist>,
    O: Objective<Target<E>>,
{
    type State = O::State;

    fn init(&self, path: &Target<E>, data: &E::X, key: &Key, ws: &mut Scratch) -> O::State {
        self.objective.init(path, data, key, ws)
    }

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        state: &mut O::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        let info = self.objective.gradient(path, data, weights, state, out, after_data, observe, &key.block(0), ws);
        let penalty = (1..).zip(&self.terms);
        let penalty = penalty.map(|(k, t)| t.add_grad(&path.0, data, weights, &key.block(k), out, ws)).sum();
        ObjectiveInfo { loss: info.loss.map(|l| l + penalty), penalty: Some(penalty), ..info }
    }
}

/// An objective that sees `x + sigma n`, `n ~ N(0, I)` drawn anew at each update: the density learnt is that of the
/// noised data, smoother than theirs (Bishop 1995, DOI 10.1162/neco.1995.7.1.108).
#[derive(Clone, Copy, Debug)]
pub struct InputNoise<O> {
    objective: O,
    sigma: f64,
}

impl<O> InputNoise<O> {
    /// With noise of standard deviation `sigma > 0`.
    pub fn new(objective: O, sigma: f64) -> Result<Self, ObjectiveError> {
        Ok(Self { objective, sigma: positive("sigma", sigma)? })
    }
}

impl<E, O> Objective<Target<E>> for InputNoise<O>
where
    E: Parametric<X: Continuous + Persist>,
    O: Objective<Target<E>>,
{
    type State = O::State;

    fn init(&self, path: &Target<E>, data: &E::X, key: &Key, ws: &mut Scratch) -> O::State {
        self.objective.init(path, data, key, ws)
    }

    fn gradient(
        &self,
        path: &Target<E>,
        data: &E::X,
        weights: &[f64],
        state: &mut O::State,
        out: &mut ParamMap,
        after_data: &mut dyn FnMut(&ParamMap),
        observe: bool,
        key: &Key,
        ws: &mut Scratch,
    ) -> ObjectiveInfo {
        let noised = moved(data, self.sigma, &normal_like(data, &key.block(1)));
        self.objective.gradient(path, &noised, weights, state, out, after_data, observe, &key.block(0), ws)
    }
}
