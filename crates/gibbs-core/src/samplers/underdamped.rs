//! Underdamped Langevin dynamics by the splitting BAOAB.

use std::mem::swap;

use super::error::{SamplerError, positive};
use super::metropolis::{add, roots};
use super::sghmc::scale;
use crate::kernel::{Evaluated, Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::PathGradient;
use crate::persist::{Persist, StateError, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Underdamped (kinetic) Langevin: `dx = V p dt`, `dp = -grad E_beta dt - gamma p dt + sqrt(2 gamma T / V) dW`, with
/// `V = diag(tuning.variance)` (1 where empty), in steps of `h = step_size * tuning.scale` that are split as
/// half a kick (B), half a drift (A), friction and noise solved exactly (O), half a drift, half a kick.
///
/// # Bias
/// Nothing is refused. The positions' density is off by `O(h^2)`; on a Gaussian it is **exact** at every stable step,
/// `h < 2 sd`. That, at one gradient a step, is what sets BAOAB apart from other splittings; momenta are off by
/// `O(h^2)` everywhere.
///
/// Momenta are drawn from their equilibrium at the first step. A chain whose next position or momentum would not be
/// finite stays where it is, starts again from rest, and is counted in [`MoveInfo::divergent`].
///
/// The evaluation that is kept belongs to the path it was made with: when the energy's parameters move, start anew with
/// [`Kernel::init`].
///
/// # Source
/// Leimkuhler & Matthews 2013, DOI 10.1093/amrx/abs010 and 10.1063/1.4802990.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Underdamped {
    /// `h`, in the units of the state; positive.
    pub step_size: f64,
    /// `gamma`, per unit of time; positive. About 1 over the widest width mixes fastest.
    pub friction: f64,
    /// `T`, positive; 1 samples the density itself.
    pub temperature: f64,
}

impl Underdamped {
    /// At temperature 1.
    pub fn new(step_size: f64, friction: f64) -> Result<Self, SamplerError> {
        let step_size = positive(step_size, SamplerError::StepSize)?;
        Ok(Self { step_size, friction: positive(friction, SamplerError::Friction)?, temperature: 1.0 })
    }

    /// At another temperature.
    pub fn with_temperature(self, temperature: f64) -> Result<Self, SamplerError> {
        Ok(Self { temperature: positive(temperature, SamplerError::Temperature)?, ..self })
    }
}

/// Chains of [`Underdamped`]: positions with their evaluation, and momenta in units of their standard deviations.
#[derive(Clone, Debug)]
pub struct UnderdampedChain<X, Eval> {
    at: Evaluated<X, Eval>,
    momentum: X,
    // Buffers from here on.
    next: Evaluated<X, Eval>,
    grad: X,
    sd: X,
    finite: Vec<bool>,
}

impl<X: Persist, Eval: Persist> Persist for UnderdampedChain<X, Eval> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.at.save(prefix, to);
        self.momentum.save(&format!("{prefix}momentum."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.at.load(prefix, from)?;
        self.momentum.load(&format!("{prefix}momentum."), from)
    }
}

impl<X: Continuous, Eval: ExchangeRows> ExchangeRows for UnderdampedChain<X, Eval> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.at.x.exchange_rows(&mut other.at.x, which);
        self.at.eval.exchange_rows(&mut other.at.eval, which);
        if self.momentum.n_rows() > 0 {
            self.momentum.exchange_rows(&mut other.momentum, which);
        }
    }
}

impl<P: PathGradient<X: Persist, Eval: ExchangeRows>> Kernel<P> for Underdamped {
    type Chain = UnderdampedChain<P::X, P::Eval>;
    type Tuning = StepTuning;
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate_grad(&x, &mut eval, ws);
        UnderdampedChain {
            at: Evaluated { x, eval },
            momentum: P::X::default(),
            next: Evaluated { x: P::X::default(), eval: path.empty_eval() },
            grad: P::X::default(),
            sd: P::X::default(),
            finite: Vec::new(),
        }
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
        let UnderdampedChain { at, momentum, next, grad, sd, finite } = chain;
        let (n_rows, n_cols) = (at.x.n_rows(), at.x.n_cols());
        let h = self.step_size * tuning.scale;
        roots(&tuning.variance, n_cols, sd);
        if momentum.n_rows() != n_rows {
            momentum.reset(n_rows, n_cols);
            <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Init), momentum.values_mut());
            scale(momentum, self.temperature.sqrt());
        }
        path.grad_at(&at.eval, beta, grad);
        add(momentum.values_mut(), -0.5 * h, sd.values(), grad.values());
        next.x.reset(n_rows, n_cols);
        next.x.values_mut().copy_from_slice(at.x.values());
        add(next.x.values_mut(), 0.5 * h, sd.values(), momentum.values());
        // The buffer of the gradients is free until the next evaluation: it holds the noise.
        <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Noise), grad.values_mut());
        let kept = (-self.friction * h).exp();
        scale(momentum, kept);
        add(momentum.values_mut(), (self.temperature * (1.0 - kept * kept)).sqrt(), &[], grad.values());
        add(next.x.values_mut(), 0.5 * h, sd.values(), momentum.values());
        path.evaluate_grad(&next.x, &mut next.eval, ws);
        path.grad_at(&next.eval, beta, grad);
        add(momentum.values_mut(), -0.5 * h, sd.values(), grad.values());

        let mut info = MoveInfo { rows: n_rows, acceptance: n_rows as f64, ..MoveInfo::default() };
        finite.clear();
        for i in 0..n_rows {
            let moved: f64 = at.x.row(i).iter().zip(next.x.row(i)).map(|(a, b)| (*a - *b).widen().powi(2)).sum();
            let row = momentum.row_mut(i);
            finite.push(moved.is_finite() && row.iter().all(|p| p.widen().is_finite()));
            if finite[i] {
                info.distance_squared += moved;
            } else {
                info.divergent += 1;
                row.fill(<P::X as Continuous>::T::default());
            }
        }
        if info.divergent == 0 {
            swap(at, next);
        } else {
            at.x.exchange_rows(&mut next.x, finite);
            at.eval.exchange_rows(&mut next.eval, finite);
        }
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        &chain.at.eval
    }
}
