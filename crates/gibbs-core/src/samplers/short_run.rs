//! Short runs of Langevin dynamics from noise.

use super::langevin::{Langevin, LangevinChain};
use crate::ensemble::Ensemble;
use crate::kernel::{MoveInfo, StepTuning};
use crate::key::{Key, Purpose};
use crate::path::PathGradient;
use crate::persist::Persist;
use crate::real::Real;
use crate::rows::{Continuous, Rows};

/// Where short runs and replay buffers begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Every coordinate uniform between two numbers.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Every coordinate normal around 0.
    Normal {
        /// Standard deviation.
        sd: f64,
    },
}

impl Start {
    /// `n_rows` independent rows of `n_cols` numbers.
    pub fn draw<X: Continuous>(self, n_rows: usize, n_cols: usize, key: &Key) -> X {
        let mut x = X::default();
        x.reset(n_rows, n_cols);
        let key = key.purpose(Purpose::Init);
        match self {
            Start::Uniform { low, high } => {
                let mut rng = key.rng();
                x.values_mut().iter_mut().for_each(|v| *v = X::T::narrow(low + (high - low) * rng.uniform()));
            }
            Start::Normal { sd } => {
                X::T::fill_normal(&key, x.values_mut());
                let sd = X::T::narrow(sd);
                x.values_mut().iter_mut().for_each(|v| *v *= sd);
            }
        }
        x
    }
}

/// `n_steps` steps of Langevin dynamics from fresh noise, the same number every time.
///
/// # Bias
/// Not a sampler of the density: the chains do not mix. The runs are a generator of their own, a map from noise to
/// samples, and an energy that is learnt with them is fitted so that *these* samples look like data; its long-run
/// samples may be far from both (oversaturated images, false valleys of the energy). Compare the two before the energy
/// is believed.
///
/// # Source
/// Nijkamp, Hill, Zhu & Wu 2019, "Learning non-convergent non-persistent short-run MCMC toward energy-based model",
/// `NeurIPS`, equation 7 (arXiv:1904.09770).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShortRun {
    /// The dynamics.
    pub langevin: Langevin,
    /// Steps.
    pub n_steps: u64,
    /// Where they begin.
    pub start: Start,
}

/// Ends of short runs.
#[derive(Clone, Debug)]
pub struct ShortRunSamples<X> {
    /// Where the runs ended.
    pub x: X,
    /// Root of the mean squared distance between a run's beginning and its end, in the units of the state. Near 0 the
    /// dynamics do nothing and the samples are noise.
    pub travelled: f64,
    /// What the last steps were.
    pub last: MoveInfo,
}

impl ShortRun {
    /// `n_rows` runs of `n_cols` coordinates.
    pub fn sample<P: PathGradient<X: Persist>>(
        &self,
        path: &P,
        n_rows: usize,
        n_cols: usize,
        key: &Key,
    ) -> ShortRunSamples<P::X> {
        let start: P::X = self.start.draw(n_rows, n_cols, key);
        let mut chains = Ensemble::start(&self.langevin, path, &start);
        let infos = chains.advance(&self.langevin, path, 1.0, &StepTuning::default(), self.n_steps, key);
        let x = gather(n_cols, chains.blocks().iter().map(LangevinChain::position));
        let squares: f64 = x.values().iter().zip(start.values()).map(|(a, b)| (*a - *b).widen().powi(2)).sum();
        let last = infos.into_iter().fold(MoveInfo::default(), MoveInfo::join);
        ShortRunSamples { x, travelled: (squares / n_rows.max(1) as f64).sqrt(), last }
    }
}

/// Batches of rows as one.
pub(super) fn gather<'a, X: Continuous + 'a>(n_cols: usize, parts: impl Iterator<Item = &'a X> + Clone) -> X {
    let mut all = X::default();
    all.reset(parts.clone().map(Rows::n_rows).sum(), n_cols);
    let mut rest = all.values_mut();
    for part in parts {
        let (here, after) = rest.split_at_mut(part.values().len());
        here.copy_from_slice(part.values());
        rest = after;
    }
    all
}
