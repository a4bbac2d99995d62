//! Random-walk Metropolis.

use super::error::{SamplerError, positive};
use super::metropolis::{MetropolisChain, add, roots};
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::Path;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Proposals `x' = x + s sqrt(V) xi`, taken with probability `min(1, exp(E(x) - E(x')))`, with
/// `s = step_size * tuning.scale` and `V = diag(tuning.variance)` (1 where empty).
///
/// Leaves `p_beta` invariant exactly and needs no gradient: one energy a step. Energies of `+inf` (hard walls) are
/// allowed; an energy that is NaN is refused and counted in [`MoveInfo::divergent`]. A path that mixes in `d` coordinates
/// takes of the order of `d` steps; acceptance of 0.234 is best in high dimension.
///
/// # Source
/// Metropolis et al. 1953, DOI 10.1063/1.1699114; Roberts, Gelman & Gilks 1997, DOI 10.1214/aoap/1034625254.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomWalk {
    /// Standard deviation of a proposal in each coordinate, in the units of the state (not of its square); positive.
    pub step_size: f64,
}

impl RandomWalk {
    /// With a positive step size.
    pub fn new(step_size: f64) -> Result<Self, SamplerError> {
        Ok(Self { step_size: positive(step_size, SamplerError::StepSize)? })
    }
}

impl<P: Path<X: Continuous + Persist, Eval: ExchangeRows>> Kernel<P> for RandomWalk {
    type Chain = MetropolisChain<P::X, P::Eval>;
    type Tuning = StepTuning;
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
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
        let MetropolisChain { at, proposal, buffers } = &mut *chain;
        roots(&tuning.variance, n_cols, &mut buffers.sd);
        buffers.momentum.reset(n_rows, n_cols);
        let noise = buffers.momentum.values_mut();
        <P::X as Continuous>::T::fill_normal(&key.purpose(Purpose::Noise), noise);
        proposal.x.reset(n_rows, n_cols);
        proposal.x.values_mut().copy_from_slice(at.x.values());
        add(proposal.x.values_mut(), self.step_size * tuning.scale, buffers.sd.values(), noise);
        path.evaluate(&proposal.x, &mut proposal.eval, ws);

        let (mut log_ratio, mut new_energy) = (ws.take_f64(n_rows), ws.take_f64(n_rows));
        energy_at(path, &at.x, &at.eval, beta, &mut log_ratio);
        energy_at(path, &proposal.x, &proposal.eval, beta, &mut new_energy);
        log_ratio.iter_mut().zip(&new_energy).for_each(|(r, e)| *r -= e);
        let info = chain.decide(&log_ratio, f64::NEG_INFINITY, key);
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

/// `out[i] = E_beta(x_i)` of a path without gradients: the target's energy, moved along the path to `beta`.
pub(super) fn energy_at<P: Path>(path: &P, x: &P::X, eval: &P::Eval, beta: f64, out: &mut [f64]) {
    path.target_energy(x, eval, out);
    // At the target there is nothing to add, and nothing times an infinite energy would be NaN.
    if beta != 1.0 {
        path.add_log_weight(x, eval, beta, 1.0, out);
    }
}
