//! Hamiltonian Monte Carlo.

use super::error::{SamplerError, at_least_one, positive};
use super::metropolis::{DIVERGENT, MetropolisChain, add, roots};
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::PathGradient;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Hamiltonian Monte Carlo: fresh momenta, a leapfrog trajectory of `E_beta(x) + p' V p / 2`, and a Metropolis decision
/// on the energy error at its end, with `V = diag(tuning.variance)` (1 where empty) and the leapfrog step
/// `step_size * tuning.scale`.
///
/// Leaves `p_beta` invariant exactly, at every step size. The length of a trajectory is drawn uniformly from
/// `1..=2 n_leapfrog - 1` steps at every step: trajectories of a fixed length can return to where they began (on a
/// Gaussian, after a whole period) and then never leave. A block of chains shares the draw, which does not look at where
/// they are. `n_leapfrog = 1` is [`Mala`](super::Mala) with the step size `step_size^2 / 2`.
///
/// A trajectory whose energy error exceeds 1,000 nats, or is no number, is refused as any other of little probability
/// and counted in [`MoveInfo::divergent`]: the step is too long for the narrowest place of the density, which the chains
/// then do not visit. Acceptance of 0.65 to 0.8 is best.
///
/// # Source
/// Duane et al. 1987, DOI 10.1016/0370-2693(87)91197-X; Neal 2011, DOI 10.1201/b10905-6 (arXiv:1206.1901), sections 2
/// and 3.2 (jitter).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hmc {
    /// Leapfrog step, in the units of the state; positive.
    pub step_size: f64,
    /// Mean number of leapfrog steps of a trajectory, 1 or more: each costs a gradient.
    pub n_leapfrog: u64,
}

impl Hmc {
    /// With a positive step size and a positive number of steps.
    pub fn new(step_size: f64, n_leapfrog: u64) -> Result<Self, SamplerError> {
        Ok(Self {
            step_size: positive(step_size, SamplerError::StepSize)?,
            n_leapfrog: at_least_one(n_leapfrog, "the number of leapfrog steps")?,
        })
    }
}

impl<P: PathGradient<X: Persist, Eval: ExchangeRows>> Kernel<P> for Hmc {
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
        let step = self.step_size * tuning.scale;
        let n_steps = 1 + key.purpose(Purpose::Other).rng().below(2 * self.n_leapfrog as usize - 1);
        let MetropolisChain { at, proposal, buffers } = &mut *chain;
        let (grad, momentum) = (&mut buffers.grads[0], &mut buffers.momentum);
        roots(&tuning.variance, n_cols, &mut buffers.sd);
        let sd = buffers.sd.values();

        // Momenta in units of their standard deviations, w = sqrt(V) p: standard normal, of kinetic energy |w|^2 / 2.
        momentum.reset(n_rows, n_cols);
        <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Noise), momentum.values_mut());
        let (mut log_ratio, mut end) = (ws.take_f64(n_rows), ws.take_f64(n_rows));
        path.energy_at(&at.eval, beta, &mut log_ratio);
        add_kinetic(momentum, &mut log_ratio);
        buffers.total.clone_from(&log_ratio);

        proposal.x.reset(n_rows, n_cols);
        proposal.x.values_mut().copy_from_slice(at.x.values());
        path.grad_at(&at.eval, beta, grad);
        add(momentum.values_mut(), -0.5 * step, sd, grad.values());
        for left in (0..n_steps).rev() {
            add(proposal.x.values_mut(), step, sd, momentum.values());
            if left > 0 {
                path.grad(&proposal.x, beta, grad, ws);
                add(momentum.values_mut(), -step, sd, grad.values());
            }
        }
        path.evaluate_grad(&proposal.x, &mut proposal.eval, ws);
        path.grad_at(&proposal.eval, beta, grad);
        add(momentum.values_mut(), -0.5 * step, sd, grad.values());

        path.energy_at(&proposal.eval, beta, &mut end);
        add_kinetic(momentum, &mut end);
        log_ratio.iter_mut().zip(&end).for_each(|(r, e)| *r -= e);
        let info = chain.decide(&log_ratio, -DIVERGENT, key);
        ws.give_f64(log_ratio);
        ws.give_f64(end);
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        &chain.at.eval
    }
}

/// `out[i] += |w_i|^2 / 2`.
fn add_kinetic<X: Continuous>(momentum: &X, out: &mut [f64]) {
    for (i, o) in out.iter_mut().enumerate() {
        *o += 0.5 * momentum.row(i).iter().map(|w| w.widen() * w.widen()).sum::<f64>();
    }
}
