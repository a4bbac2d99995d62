//! The Metropolis-adjusted Langevin algorithm.

use super::error::{SamplerError, positive};
use super::metropolis::{DIVERGENT, MetropolisChain, add, roots};
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::PathGradient;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Langevin proposals `x' = x - eta V grad E(x) + sqrt(2 eta V) xi` that are taken with probability
/// `min(1, exp(E(x) - E(x')) q(x | x') / q(x' | x))`, with `eta = step_size * tuning.scale` and
/// `V = diag(tuning.variance)` (1 where empty).
///
/// Leaves `p_beta` invariant exactly, at every step size. One gradient a step: energy and gradient of the last accepted
/// position are kept. The ratio is taken in f64, in the form
/// `E(x) - E(x') + (g + g') . (x' - x - eta V (g' - g) / 2) / 2`, `g = grad E(x)`, in which the two proposal densities
/// have been subtracted by hand: it is the error of the trapezium rule for `E` along the move, without cancellation.
///
/// Acceptance of 0.574 is best in high dimension.
///
/// With a [`spread`](Mala::spread) above 1 each move draws its step size, log-uniformly between `eta / spread` and `eta`,
/// whatever the position: a mixture of invariant kernels, hence invariant. Where the energy bends more sharply than
/// elsewhere, every proposal of a fixed step is refused and a chain stays for good; some of the small steps free it. A
/// model that is learnt from such chains would raise the energy under them, which bends it the more.
///
/// # Source
/// Roberts & Tweedie 1996, DOI 10.2307/3318418; optimal scaling: Roberts & Rosenthal 1998, DOI 10.1111/1467-9868.00123.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mala {
    /// `eta`, as in [`Langevin`](super::Langevin); positive. The largest one, if steps are spread.
    pub step_size: f64,
    /// Largest over smallest step size; 1 for a fixed one.
    pub spread: f64,
}

impl Mala {
    /// With a positive step size.
    pub fn new(step_size: f64) -> Result<Self, SamplerError> {
        Ok(Self { step_size: positive(step_size, SamplerError::StepSize)?, spread: 1.0 })
    }

    /// With step sizes spread over a factor of `spread`, 1 or more.
    pub fn with_spread(self, spread: f64) -> Result<Self, SamplerError> {
        if spread >= 1.0 && spread.is_finite() {
            Ok(Self { spread, ..self })
        } else {
            Err(SamplerError::Spread(spread))
        }
    }
}

impl<P: PathGradient<X: Persist, Eval: ExchangeRows>> Kernel<P> for Mala {
    type Chain = MetropolisChain<P::X, P::Eval>;
    type Tuning = StepTuning;
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate_grad(&x, &mut eval, ws);
        MetropolisChain::new(x, eval, path.empty_eval())
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
        let (n_rows, n_cols) = (chain.at.x.n_rows(), chain.at.x.n_cols());
        let mut eta = self.step_size * tuning.scale;
        if self.spread > 1.0 {
            eta *= self.spread.powf(-key.purpose(Purpose::Other).rng().uniform());
        }
        let MetropolisChain { at, proposal, buffers } = &mut *chain;
        let ([grad, new_grad], noise) = (&mut buffers.grads, &mut buffers.momentum);
        roots(&tuning.variance, n_cols, &mut buffers.sd);
        let sd = buffers.sd.values();

        // sqrt(2 eta) xi - eta sd g, and that once more by sd, is the move.
        path.grad_at(&at.eval, beta, grad);
        noise.reset(n_rows, n_cols);
        <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Noise), noise.values_mut());
        let amplitude = <P::X as Continuous>::T::narrow((2.0 * eta).sqrt());
        noise.values_mut().iter_mut().for_each(|v| *v *= amplitude);
        add(noise.values_mut(), -eta, sd, grad.values());
        proposal.x.reset(n_rows, n_cols);
        proposal.x.values_mut().copy_from_slice(at.x.values());
        add(proposal.x.values_mut(), 1.0, sd, noise.values());
        path.evaluate_grad(&proposal.x, &mut proposal.eval, ws);
        path.grad_at(&proposal.eval, beta, new_grad);

        let (mut log_ratio, mut new_energy) = (ws.take_f64(n_rows), ws.take_f64(n_rows));
        path.energy_at(&at.eval, beta, &mut log_ratio);
        path.energy_at(&proposal.eval, beta, &mut new_energy);
        for i in 0..n_rows {
            let (x, y, g, h) = (at.x.row(i), proposal.x.row(i), grad.row(i), new_grad.row(i));
            let mut trapezium = 0.0;
            for j in 0..n_cols {
                let (g, h) = (g[j].widen(), h[j].widen());
                let variance = tuning.variance.get(j).unwrap_or(&1.0);
                trapezium += 0.5 * (g + h) * (y[j].widen() - x[j].widen() - 0.5 * eta * variance * (h - g));
            }
            log_ratio[i] += trapezium - new_energy[i];
        }
        let info = chain.decide(&log_ratio, -DIVERGENT, key);
        ws.give_f64(log_ratio);
        ws.give_f64(new_energy);
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        &chain.at.eval
    }
}
