//! Annealed importance sampling whose chains are drawn anew when few of them carry the estimate.

use std::ops::ControlFlow;
use std::sync::Mutex;

use rayon::prelude::*;

use super::ais::check_ladder;
use super::ladder::effective;
use super::{LogZ, LogZError, Resampling};
use crate::diagnostics::weights::summarise;
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// A sequential Monte Carlo sampler: the chains of annealed importance sampling as particles of an island, which after a rung
/// that leaves fewer than `threshold` of them effective are drawn anew in proportion to their weights. Light chains give way
/// to copies of heavy ones, so that effort goes where the model is.
///
/// Each island estimates `Z / Z_base` by the product, over the stretches between resamplings, of the mean weights. It is
/// **unbiased** for any number of particles, also with a resampling that depends on the weights so far, so its logarithm is a
/// stochastic lower bound as that of [`Ais`](super::Ais). Particles of an island are no longer independent, which is why there
/// are several: the standard error is that of the mean over islands, and [`LogZ::log_weights`] are those of the islands.
///
/// Copies of one particle share their past. Where the kernel does not cross between modes, resampling can lose one that AIS
/// would keep with a small weight, and nothing in the result shows it; compare the two.
///
/// # Example
/// ```
/// # use std::ops::ControlFlow;
/// # use gibbs_core::{dense::Dense, energy::{Distribution, Energy}, key::Key, path::Bridge, rows::Continuous};
/// # use gibbs_core::{samplers::RandomWalk, scratch::Scratch};
/// # struct Normal { mean: f64, log_z: f64 }
/// # impl Energy for Normal {
/// #     type X = Dense<f64>;
/// #     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
/// #         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x - self.mean).powi(2) + self.log_z);
/// #     }
/// # }
/// # impl Distribution for Normal {
/// #     fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
/// #         let mut rng = key.rng();
/// #         Dense::from_rows(1, (0..n).map(|_| self.mean + rng.normal()).collect())
/// #     }
/// # }
/// use gibbs_core::log_partition::{Smc, ais::linear_ladder};
/// let log_z = 0.5 * std::f64::consts::TAU.ln();
/// // From N(0, 1) to exp(-(x - 4)^2 / 2), six rungs a unit.
/// let path = Bridge { base: Normal { mean: 0.0, log_z }, target: Normal { mean: 4.0, log_z: 0.0 } };
/// let smc = Smc::new(RandomWalk::new(1.0)?, 20, 1000, linear_ladder(24))?;
/// let (found, islands) = smc.estimate(&path, &Key::from_seed(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert!((found.value - log_z).abs() < 4.0 * found.std_err && found.std_err < 0.1);
/// assert!(islands.iter().all(|i| i.resamplings > 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Del Moral, Doucet & Jasra 2006, "Sequential Monte Carlo samplers", DOI 10.1111/j.1467-9868.2006.00553.x, section 3.3;
/// resampling at random times: Del Moral, Doucet & Jasra 2012, DOI 10.3150/10-BEJ335; islands: Verge,
/// Dubarry, Del Moral & Moulines 2015, DOI 10.1007/s11222-013-9429-x.
#[derive(Clone, Debug)]
pub struct Smc<K> {
    kernel: K,
    n_islands: usize,
    n_particles: usize,
    ladder: Vec<f64>,
    resampling: Resampling,
    threshold: f64,
}

/// One island at `beta = 1`.
#[derive(Clone, Debug)]
pub struct Island<C> {
    /// Its particles: weighted samples of the model.
    pub chain: C,
    /// Their log weights since they were last drawn anew.
    pub log_weights: Vec<f64>,
    /// Log of its estimate of `Z / Z_base`, nats.
    pub log_ratio: f64,
    /// How often particles were drawn anew.
    pub resamplings: usize,
}

impl<K> Smc<K> {
    /// `n_islands` islands of `n_particles` particles over `ladder`, which rises strictly from 0 to 1. Systematic resampling
    /// when fewer than half of an island's particles are effective.
    pub fn new(kernel: K, n_islands: usize, n_particles: usize, ladder: Vec<f64>) -> Result<Self, LogZError> {
        if n_islands < 2 {
            return Err(LogZError::Chains(n_islands));
        }
        if n_particles < 2 {
            return Err(LogZError::Chains(n_particles));
        }
        check_ladder(&ladder)?;
        Ok(Self { kernel, n_islands, n_particles, ladder, resampling: Resampling::default(), threshold: 0.5 })
    }

    /// With another way to draw particles anew.
    #[must_use]
    pub fn resampling_by(self, resampling: Resampling) -> Self {
        Self { resampling, ..self }
    }

    /// Draws particles anew when fewer than this share of them is effective: 0 is annealed importance sampling, 1 draws at
    /// every rung.
    pub fn below(self, threshold: f64) -> Result<Self, LogZError> {
        if (0.0..=1.0).contains(&threshold) {
            Ok(Self { threshold, ..self })
        } else {
            Err(LogZError::Setting { name: "share of effective particles", value: threshold })
        }
    }

    #[expect(clippy::type_complexity, reason = "the estimate and its islands")]
    /// Runs the islands, over the cores. `progress` is told how many rungs of how many are done, those of all islands
    /// counted, and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        progress: &mut (dyn FnMut(usize, usize) -> ControlFlow<()> + Send),
    ) -> Result<(LogZ, Vec<Island<K::Chain>>), LogZError>
    where
        K: Kernel<P>,
    {
        let rungs = self.ladder.len() - 1;
        let told = Mutex::new((0, progress));
        let rung_done = || {
            // A poisoned lock means that another thread panicked in `progress`; that panic is on its way up.
            let Ok(mut told) = told.lock() else { return ControlFlow::Break(()) };
            told.0 += 1;
            let done = told.0;
            (told.1)(done, rungs * self.n_islands)
        };
        let islands: Result<Vec<_>, LogZError> = (0..self.n_islands)
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, i| self.island(path, &key.block(i as u64), ws, &rung_done))
            .collect();
        let islands = islands?;
        let method = format!("SMC, {} islands x {} particles x {rungs} temperatures", self.n_islands, self.n_particles);
        let log_ratios = islands.iter().map(|i| i.log_ratio).collect();
        Ok((LogZ::from_log_weights(log_ratios, path.base_log_z(), method)?, islands))
    }

    fn island<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        ws: &mut Scratch,
        rung_done: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Result<Island<K::Chain>, LogZError>
    where
        K: Kernel<P>,
    {
        let n = self.n_particles;
        let (moves, choices) = (key.purpose(Purpose::Noise), key.purpose(Purpose::Bootstrap));
        let x = path.sample_base(n, &key.purpose(Purpose::Init));
        let (chain, tuning) = (self.kernel.init(path, x, ws), K::Tuning::default());
        let mut island = Island { chain, log_weights: vec![0.0; n], log_ratio: 0.0, resamplings: 0 };
        let Island { chain, log_weights, log_ratio, resamplings } = &mut island;
        for (rung, pair) in self.ladder.windows(2).enumerate() {
            // Not `Kernel::anneal`: the weights are looked at before the move, so that copies part by it.
            path.add_log_weight(self.kernel.position(chain), self.kernel.eval(chain), pair[0], pair[1], log_weights);
            if let Some(index) = log_weights.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
                return Err(LogZError::Weight { value: log_weights[index], index });
            }
            if effective(log_weights) < self.threshold * n as f64 {
                let Some(summary) = summarise(log_weights) else {
                    // Every particle has weight zero, and so has the island.
                    *log_ratio = f64::NEG_INFINITY;
                    return Ok(island);
                };
                *log_ratio += summary.log_mean_exp;
                let rows = self.resampling.ancestors(log_weights, &choices.step(rung as u64));
                *chain = self.kernel.init(path, self.kernel.position(chain).select(&rows), ws);
                log_weights.fill(0.0);
                *resamplings += 1;
            }
            self.kernel.step(path, pair[1], &tuning, chain, &moves.step(rung as u64), ws);
            self.kernel.refresh(path, chain, ws);
            if rung_done().is_break() {
                return Err(LogZError::Interrupted);
            }
        }
        *log_ratio += summarise(log_weights).map_or(f64::NEG_INFINITY, |s| s.log_mean_exp);
        Ok(island)
    }
}
