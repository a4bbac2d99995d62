//! Adaptation: what the kernels' tuning is found by, kept apart from their state.

pub mod diagonal_mass;
pub mod dual_averaging;

pub use diagonal_mass::DiagonalMass;
pub use dual_averaging::DualAveraging;

use crate::ensemble::Ensemble;
use crate::kernel::{Kernel, MoveInfo, StepTuning};
use crate::key::Key;
use crate::path::Path;
use crate::rows::Continuous;

/// How [`warm_up`] adapts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Length, in steps; 20 or more.
    pub n_steps: u64,
    /// Mean acceptance probability to aim at: 0.8 for HMC, 0.574 for MALA, 0.234 for a random walk in many dimensions.
    pub target_acceptance: f64,
    /// Whether a diagonal metric is learnt too.
    pub learn_variance: bool,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self { n_steps: 500, target_acceptance: 0.8, learn_variance: true }
    }
}

/// Why a kernel could not be adapted.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptError {
    /// Too short to learn anything.
    #[error("a warm-up of {0} steps is too short: give 20 or more, 500 where a metric is to be learnt")]
    TooShort(u64),
    /// No such acceptance.
    #[error("an acceptance of {0} cannot be aimed at: give a number between 0 and 1, such as 0.8 for HMC")]
    Target(f64),
    /// The kernel accepts everything.
    #[error(
        "every move was accepted even at {scale:e} times the step size: this kernel refuses nothing (Langevin, \
         underdamped), so its step size cannot be learnt from acceptance; choose it by its bias"
    )]
    NeverRefuses {
        /// Factor reached.
        scale: f64,
    },
    /// The kernel accepts nothing.
    #[error(
        "the mean acceptance over the last part of the warm-up is {acceptance:.1e}, at {scale:e} times the step size: the \
         energy is not finite where the chains are, or its gradient is not its derivative; check both at the start"
    )]
    NeverAccepts {
        /// Mean acceptance.
        acceptance: f64,
        /// Factor reached.
        scale: f64,
    },
}

/// Moves the chains at `beta` for `options.n_steps` steps while finding a step size and, if asked for, a diagonal metric;
/// returns the tuning to sample with. The chains are left warmed up, and their draws so far are not to be used.
///
/// The step size follows the acceptance of all chains together ([`DualAveraging`]). The metric is the variance of all
/// chains over windows that double in length, so that early windows, which hold the way in, are forgotten: after a
/// fifth of the steps the first begins, and the last tenth is for the step size alone. Each new metric restarts the
/// search for the step size.
///
/// # Example
/// ```no_run
/// # use gibbs_core::{dense::Dense, energy::Gradient, ensemble::Ensemble, key::Key, path::Target};
/// use gibbs_core::adapt::{WarmUp, warm_up};
/// use gibbs_core::samplers::Hmc;
/// # fn f(energy: impl Gradient<X = Dense<f64>>, start: Dense<f64>) -> Result<(), Box<dyn std::error::Error>> {
/// let (kernel, path, key) = (Hmc::new(0.1, 10)?, Target(energy), Key::from_seed(0));
/// let mut chains = Ensemble::start(&kernel, &path, &start);
/// let tuning = warm_up(&kernel, &path, 1.0, &mut chains, &WarmUp::default(), &key.step(0))?;
/// chains.advance(&kernel, &path, 1.0, &tuning, 1_000, &key.step(1));
/// # Ok(()) }
/// ```
///
/// # Source
/// Windows: Stan reference manual, section "Automatic parameter tuning", in proportions of our own.
pub fn warm_up<P, K>(
    kernel: &K,
    path: &P,
    beta: f64,
    ensemble: &mut Ensemble<K::Chain>,
    options: &WarmUp,
    key: &Key,
) -> Result<StepTuning, AdaptError>
where
    P: Path<X: Continuous>,
    K: Kernel<P, Tuning = StepTuning, Info = MoveInfo>,
{
    let &WarmUp { n_steps, target_acceptance: target, learn_variance } = options;
    if n_steps < 20 {
        return Err(AdaptError::TooShort(n_steps));
    }
    if !(target > 0.0 && target < 1.0) {
        return Err(AdaptError::Target(target));
    }
    let mut tuning = StepTuning::default();
    let Some(first) = ensemble.blocks().first() else { return Ok(tuning) };
    let n_cols = kernel.position(first).n_cols();

    let windows = if learn_variance { windows(n_steps) } else { Vec::new() };
    let begin = windows.first().map_or(n_steps, |w| w.0);
    let mut ends = windows.iter().map(|w| w.1).peekable();
    let mut mass = DiagonalMass::new(n_cols);
    let mut search = DualAveraging::new(1.0, target);
    let (mut refused, mut recent) = (false, 0.0);
    for t in 0..n_steps {
        tuning.scale = search.scale();
        let infos = ensemble.advance(kernel, path, beta, &tuning, 1, &key.step(t));
        let acceptance = infos.into_iter().fold(MoveInfo::default(), MoveInfo::join).acceptance_rate();
        refused |= acceptance != 1.0;
        if !refused && tuning.scale > 1e4 {
            return Err(AdaptError::NeverRefuses { scale: tuning.scale });
        }
        recent += 0.1 * (acceptance - recent);
        search.update(acceptance);
        if t >= begin && ends.peek().is_some() {
            ensemble.blocks().iter().for_each(|chain| mass.add(kernel.position(chain)));
        }
        if ends.next_if_eq(&(t + 1)).is_some() {
            tuning.variance = mass.variance();
            mass = DiagonalMass::new(n_cols);
            search = DualAveraging::new(search.average(), target);
        }
    }
    tuning.scale = search.average();
    // NaN is no acceptance either.
    if recent > 1e-3 { Ok(tuning) } else { Err(AdaptError::NeverAccepts { acceptance: recent, scale: tuning.scale }) }
}

/// Windows `(start, end)` that double in length, from a fifth of the steps to nine tenths.
fn windows(n_steps: u64) -> Vec<(u64, u64)> {
    let (mut start, end) = (n_steps / 5, n_steps - n_steps / 10);
    let mut length = (n_steps / 20).max(5);
    let mut windows = Vec::new();
    while start < end {
        // A last window shorter than the next would be too short to be trusted: it joins this one.
        let stop = if start + 3 * length > end { end } else { start + length };
        windows.push((start, stop));
        (start, length) = (stop, 2 * length);
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_double_and_leave_the_end() {
        assert_eq!(windows(500), [(100, 125), (125, 175), (175, 450)]);
        assert_eq!(windows(20), [(4, 18)]);
        for n in 20..3_000 {
            let w = windows(n);
            assert!(w[0].0 == n / 5 && w[w.len() - 1].1 == n - n / 10 && w.windows(2).all(|w| w[0].1 == w[1].0));
        }
    }
}
