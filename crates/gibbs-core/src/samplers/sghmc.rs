//! Stochastic-gradient Hamiltonian Monte Carlo.

use std::mem::swap;

use super::error::{SamplerError, positive};
use super::langevin::{Cached, LangevinChain, keep_non_finite_rows};
use super::metropolis::{add, roots};
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::PathGradient;
use crate::persist::{Persist, StateError, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Hamiltonian dynamics with friction, in the form of gradient descent with momentum:
/// `v' = (1 - a) v - eta V grad E_beta(x) + sqrt(2 a eta T V) xi`, then `x' = x + v'`, with `eta = step_size *
/// tuning.scale`, `a` the friction and `V = diag(tuning.variance)` (1 where empty).
///
/// # Bias
/// As [`Langevin`](super::Langevin), nothing is refused: the density is off by `O(eta)`, `O(sqrt eta)` where the gradient
/// is itself noisy, since its noise is not subtracted (`B = 0` in the source). [`Underdamped`](super::Underdamped) is the
/// better integrator wherever the gradient is exact; this one uses each gradient once, at the energy's parameters of the
/// moment. `a = 1` is Langevin with the step size `eta`.
///
/// Velocities are drawn from `N(0, eta T V)` at the first step. A chain whose next position would not be finite stays
/// where it is, starts again from rest, and is counted in [`MoveInfo::divergent`]. Energies are evaluated only where they
/// are asked for: see [`Langevin`](super::Langevin).
///
/// # Source
/// Chen, Fox & Guestrin 2014, "Stochastic gradient Hamiltonian Monte Carlo", ICML, equation 15 (arXiv:1402.4102).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sghmc {
    /// `eta`, the learning rate; positive.
    pub step_size: f64,
    /// `a`, the share of the velocity that is lost in a step, above 0 and at most 1.
    pub friction: f64,
    /// `T`, positive; 1 samples the density itself.
    pub temperature: f64,
}

impl Sghmc {
    /// At temperature 1.
    pub fn new(step_size: f64, friction: f64) -> Result<Self, SamplerError> {
        let step_size = positive(step_size, SamplerError::StepSize)?;
        let friction = positive(friction, SamplerError::Friction)?;
        if friction > 1.0 {
            return Err(SamplerError::Friction(friction));
        }
        Ok(Self { step_size, friction, temperature: 1.0 })
    }

    /// At another temperature.
    pub fn with_temperature(self, temperature: f64) -> Result<Self, SamplerError> {
        Ok(Self { temperature: positive(temperature, SamplerError::Temperature)?, ..self })
    }
}

/// Chains of [`Sghmc`]: those of Langevin, and velocities in units of `sqrt(V)`.
#[derive(Clone, Debug)]
pub struct SghmcChain<X, Eval> {
    inner: LangevinChain<X, Eval>,
    velocity: X,
    sd: X,
}

impl<X: Persist, Eval: Persist> Persist for SghmcChain<X, Eval> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.inner.save(prefix, to);
        self.velocity.save(&format!("{prefix}velocity."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.inner.load(prefix, from)?;
        self.velocity.load(&format!("{prefix}velocity."), from)
    }
}

impl<X: Continuous, Eval: ExchangeRows> ExchangeRows for SghmcChain<X, Eval> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.inner.exchange_rows(&mut other.inner, which);
        if self.velocity.n_rows() > 0 {
            self.velocity.exchange_rows(&mut other.velocity, which);
        }
    }
}

impl<P: PathGradient<X: Persist>> Kernel<P> for Sghmc {
    type Chain = SghmcChain<P::X, P::Eval>;
    type Tuning = StepTuning;
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        SghmcChain { inner: LangevinChain::new(x, eval), velocity: P::X::default(), sd: P::X::default() }
    }

    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &StepTuning,
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> MoveInfo {
        let SghmcChain { inner, velocity, sd } = chain;
        let (n_rows, n_cols) = (inner.x.n_rows(), inner.x.n_cols());
        let eta = self.step_size * tuning.scale;
        roots(&tuning.variance, n_cols, sd);
        if velocity.n_rows() != n_rows {
            velocity.reset(n_rows, n_cols);
            <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Init), velocity.values_mut());
            scale(velocity, (eta * self.temperature).sqrt());
        }
        path.grad(&inner.x, beta, &mut inner.grad, ws);
        inner.next.reset(n_rows, n_cols);
        <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Noise), inner.next.values_mut());
        scale(velocity, 1.0 - self.friction);
        let amplitude = (2.0 * self.friction * eta * self.temperature).sqrt();
        add(velocity.values_mut(), amplitude, &[], inner.next.values());
        add(velocity.values_mut(), -eta, sd.values(), inner.grad.values());
        inner.next.values_mut().copy_from_slice(inner.x.values());
        add(inner.next.values_mut(), 1.0, sd.values(), velocity.values());

        let mut info = MoveInfo { rows: n_rows, acceptance: n_rows as f64, ..MoveInfo::default() };
        (info.divergent, info.distance_squared) = keep_non_finite_rows(&inner.x, &mut inner.next);
        if info.divergent > 0 {
            rest_where_not_finite(velocity);
        }
        swap(&mut inner.x, &mut inner.next);
        inner.cached = Cached::Nothing;
        info
    }

    fn refresh(&self, path: &P, chain: &mut Self::Chain, ws: &mut Scratch) {
        chain.inner.refresh(path, ws);
    }

    fn anneal(
        &self,
        path: &P,
        (b0, b1): (f64, f64),
        tuning: &StepTuning,
        chain: &mut Self::Chain,
        log_weights: &mut [f64],
        key: &Key,
        ws: &mut Scratch,
    ) {
        chain.inner.refresh(path, ws);
        path.add_log_weight(&chain.inner.x, &chain.inner.eval, b0, b1, log_weights);
        self.step(path, b1, tuning, chain, key, ws);
        chain.inner.refresh(path, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.inner.x
    }

    /// # Panics
    /// If the chains have moved since they were last evaluated: call [`Kernel::refresh`] first.
    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        chain.inner.evaluated()
    }
}

/// `v *= a`.
pub(super) fn scale<X: Continuous>(v: &mut X, a: f64) {
    let a = X::T::narrow(a);
    v.values_mut().iter_mut().for_each(|v| *v *= a);
}

/// Sets the rows that hold a number that is not finite to zero.
pub(super) fn rest_where_not_finite<X: Continuous>(v: &mut X) {
    for i in 0..v.n_rows() {
        let row = v.row_mut(i);
        if row.iter().any(|v| !v.widen().is_finite()) {
            row.fill(X::T::default());
        }
    }
}
