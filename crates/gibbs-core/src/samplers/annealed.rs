//! Annealed Langevin dynamics.

use std::borrow::Borrow;

use super::error::{SamplerError, at_least_one, positive};
use super::langevin::{Langevin, LangevinChain, Noise};
use super::short_run::gather;
use crate::ensemble::Ensemble;
use crate::kernel::StepTuning;
use crate::key::Key;
use crate::path::PathGradient;
use crate::persist::Persist;
use crate::rows::Continuous;

/// Langevin dynamics through a falling list of noise levels or temperatures: the first levels are smooth and easily
/// crossed, and each hands its samples to the next.
///
/// # Bias
/// Every level has Langevin's bias and is left before it has mixed. With noise levels `sigma_1 > ... > sigma_L` the end
/// approximates the density smoothed by the *last* noise; the share of samples in each mode is decided at the level where the
/// modes come apart, so it is right only as far as that level was followed. With temperatures
/// (simulated annealing) ending at 1 the same holds; ending below 1 it looks for minima.
///
/// # Source
/// Song & Ermon 2019, "Generative modeling by estimating gradients of the data distribution", `NeurIPS`, algorithm 1
/// (arXiv:1907.05600); temperatures: Kirkpatrick, Gelatt & Vecchi 1983, DOI 10.1126/science.220.4598.671.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnealedLangevin {
    step_size: f64,
    levels: Vec<f64>,
    n_steps: u64,
}

impl AnnealedLangevin {
    /// `n_steps` steps at each of `levels`, which are positive and fall strictly, with the step size `step_size` at the
    /// last.
    pub fn new(step_size: f64, levels: Vec<f64>, n_steps: u64) -> Result<Self, SamplerError> {
        let step_size = positive(step_size, SamplerError::StepSize)?;
        let n_steps = at_least_one(n_steps, "the number of steps a level")?;
        if levels.is_empty() {
            let advice = "give one or more levels";
            return Err(SamplerError::Ladder { index: 0, value: f64::NAN, advice });
        }
        let bad = |i: usize| !(levels[i] > 0.0 && levels[i].is_finite()) || (i > 0 && levels[i] >= levels[i - 1]);
        if let Some(index) = (0..levels.len()).find(|&i| bad(i)) {
            let advice = "levels are positive and fall strictly";
            return Err(SamplerError::Ladder { index, value: levels[index], advice });
        }
        Ok(Self { step_size, levels, n_steps })
    }

    /// Noise levels: `path_at(sigma)` is the energy of the data with noise of standard deviation `sigma`, and level `i`
    /// takes steps of `step_size sigma_i^2 / sigma_L^2`, so that signal and noise keep their proportion.
    pub fn noise_levels<P: PathGradient<X: Persist>>(
        &self,
        path_at: impl Fn(f64) -> P,
        start: &P::X,
        key: &Key,
    ) -> P::X {
        let last = self.levels[self.levels.len() - 1];
        self.through::<P, P>(path_at, |level| ((level / last).powi(2), 1.0), start, key)
    }

    /// Temperatures of one energy: level `i` samples `exp(-E / T_i)` with steps of `step_size T_i / T_L`.
    pub fn temperatures<P: PathGradient<X: Persist>>(&self, path: &P, start: &P::X, key: &Key) -> P::X {
        let last = self.levels[self.levels.len() - 1];
        self.through::<P, &P>(|_| path, |level| (level / last, level), start, key)
    }

    /// Level after level; `of(level)` is the factor on the step size and the temperature.
    fn through<P: PathGradient<X: Persist>, B: Borrow<P>>(
        &self,
        path_at: impl Fn(f64) -> B,
        of: impl Fn(f64) -> (f64, f64),
        start: &P::X,
        key: &Key,
    ) -> P::X {
        let langevin = |temperature: f64| Langevin { step_size: self.step_size, temperature, noise: Noise::Matched };
        let mut chains = Ensemble::start(&langevin(1.0), path_at(self.levels[0]).borrow(), start);
        for (i, &level) in self.levels.iter().enumerate() {
            let (scale, temperature) = of(level);
            let tuning = StepTuning { scale, variance: Vec::new() };
            let path = path_at(level);
            chains.advance(&langevin(temperature), path.borrow(), 1.0, &tuning, self.n_steps, &key.step(i as u64));
        }
        gather(start.n_cols(), chains.blocks().iter().map(LangevinChain::position))
    }
}
