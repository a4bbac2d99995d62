//! Samples at every temperature of a ladder, joined by the multistate acceptance ratio.

use std::ops::ControlFlow;
use std::sync::Mutex;

use rayon::prelude::*;

use super::ais::check_ladder;
use super::{Bias, LogZ, LogZError, Multistate, multistate};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Most numbers that are kept, samples times temperatures: a gigabyte.
const MOST_KEPT: usize = 1 << 27;

/// Multistate bridge sampling (MBAR) over a ladder: chains are dragged from the base to the target with `n_steps` steps at
/// each rung, the positions after the later half of them are kept, and [`multistate::solve`] joins them all. It weighs no path
/// but only positions, so that a chain that lags at one rung does not spoil the rest: a cross-check of annealed importance
/// sampling that shares little with it but slow mixing.
///
/// The standard error takes each chain, over all its rungs and steps, as one independent piece of evidence. It knows nothing of
/// samples that are not in equilibrium: chains that lag behind the temperature all the way bias the result, which is on no
/// known side of the truth.
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
/// use gibbs_core::log_partition::{Mbar, ais::linear_ladder};
/// let log_z = 0.5 * std::f64::consts::TAU.ln();
/// let path = Bridge { base: Normal { mean: 0.0, log_z }, target: Normal { mean: 2.0, log_z: 0.0 } };
/// let mbar = Mbar::new(RandomWalk::new(1.0)?, 100, 10, linear_ladder(4))?;
/// let found = mbar.estimate(&path, &Key::from_seed(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert!((found.log_z.value - log_z).abs() < 4.0 * found.log_z.std_err && found.log_z.std_err < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Shirts & Chodera 2008, DOI 10.1063/1.2978177; Meng & Wong 1996, Statistica Sinica 6, 831-860, section 3.
#[derive(Clone, Debug)]
pub struct Mbar<K> {
    kernel: K,
    n_chains: usize,
    n_steps: u64,
    ladder: Vec<f64>,
}

/// The estimate, and all ratios along the ladder.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MbarLogZ {
    /// `log Z` of the target, without weights; [`Bias::Unknown`].
    pub log_z: LogZ,
    /// Ratios of all rungs to the base, with their covariance and overlaps.
    pub rungs: Multistate,
}

impl<K> Mbar<K> {
    /// `n_chains` chains with `n_steps` steps at each rung of `ladder`, which rises strictly from 0 to 1.
    ///
    /// # Errors
    /// Fewer than two chains, no steps, a ladder that does not rise; more than 2^27 log densities to keep.
    pub fn new(kernel: K, n_chains: usize, n_steps: u64, ladder: Vec<f64>) -> Result<Self, LogZError> {
        if n_chains < 2 {
            return Err(LogZError::Chains(n_chains));
        }
        if n_steps == 0 {
            return Err(LogZError::Setting { name: "number of steps a rung", value: 0.0 });
        }
        check_ladder(&ladder)?;
        let kept = (n_steps.div_ceil(2) as f64) * n_chains as f64 * (ladder.len() as f64).powi(2);
        if kept > MOST_KEPT as f64 {
            return Err(LogZError::Setting { name: "number of log densities kept (2^27 at most)", value: kept });
        }
        Ok(Self { kernel, n_chains, n_steps, ladder })
    }

    /// Runs the chains, in blocks of [`Path::block_rows`](crate::path::Path::block_rows) over the cores. `progress` is told how
    /// many rungs of how many are done, those of all blocks counted, and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        progress: &mut (dyn FnMut(usize, usize) -> ControlFlow<()> + Send),
    ) -> Result<MbarLogZ, LogZError>
    where
        K: Kernel<P>,
    {
        let x = path.sample_base(self.n_chains, &key.purpose(Purpose::Init));
        let (rungs, size) = (self.ladder.len(), path.block_rows());
        let n_blocks = self.n_chains.div_ceil(size);
        let told = Mutex::new((0, progress));
        let rung_done = || {
            // A poisoned lock means that another thread panicked in `progress`; that panic is on its way up.
            let Ok(mut told) = told.lock() else { return ControlFlow::Break(()) };
            told.0 += 1;
            let done = told.0;
            (told.1)(done, rungs * n_blocks)
        };
        let blocks: Result<Vec<Vec<Vec<f64>>>, LogZError> = (0..n_blocks)
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, b| {
                let rows: Vec<usize> = (b * size..((b + 1) * size).min(self.n_chains)).collect();
                self.block(path, x.select(&rows), &key.purpose(Purpose::Noise).block(b as u64), ws, &rung_done)
            })
            .collect();
        let blocks = blocks?;
        // Rung by rung, and within it chain by chain, step by step.
        let kept = self.kept() as usize;
        let log_densities: Vec<f64> =
            (0..rungs).flat_map(|r| blocks.iter().flat_map(move |b| &b[r])).copied().collect();
        let counts = vec![kept * self.n_chains; rungs];
        let clusters: Vec<usize> = (0..rungs).flat_map(|_| (0..kept * self.n_chains).map(|i| i / kept)).collect();
        let found = multistate::solve(&log_densities, &counts, Some(&clusters))?;
        let log_z = LogZ {
            value: path.base_log_z() + found.log_z[rungs - 1],
            std_err: found.std_err(0, rungs - 1),
            bias: Bias::Unknown,
            method: format!("MBAR, {} chains x {} temperatures x {} steps", self.n_chains, rungs - 1, self.n_steps),
            log_weights: Vec::new(),
            effective_chains: None,
            warnings: found.warning().into_iter().collect(),
            ends: None,
        };
        Ok(MbarLogZ { log_z, rungs: found })
    }

    /// Steps of a rung whose positions are kept.
    fn kept(&self) -> u64 {
        self.n_steps.div_ceil(2)
    }

    /// Of each rung the log densities of what its chains kept: chain by chain, step by step, rung by rung.
    fn block<P: Annealable>(
        &self,
        path: &P,
        x: P::X,
        key: &Key,
        ws: &mut Scratch,
        rung_done: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Result<Vec<Vec<f64>>, LogZError>
    where
        K: Kernel<P>,
    {
        let (n, rungs, kept) = (x.n_rows(), self.ladder.len(), self.kept() as usize);
        let mut chain = self.kernel.init(path, x, ws);
        let (tuning, mut sums) = (K::Tuning::default(), vec![0.0; n]);
        let mut out = Vec::with_capacity(rungs);
        for (r, &beta) in self.ladder.iter().enumerate() {
            let mut here = vec![0.0; n * kept * rungs];
            for t in 0..self.n_steps {
                self.kernel.step(path, beta, &tuning, &mut chain, &key.step(r as u64).step(t), ws);
                let Some(t) = t.checked_sub(self.n_steps - self.kept()) else { continue };
                self.kernel.refresh(path, &mut chain, ws);
                sums.fill(0.0);
                for k in 1..rungs {
                    let (x, eval) = (self.kernel.position(&chain), self.kernel.eval(&chain));
                    path.add_log_weight(x, eval, self.ladder[k - 1], self.ladder[k], &mut sums);
                    sums.iter().enumerate().for_each(|(i, s)| here[(i * kept + t as usize) * rungs + k] = *s);
                }
            }
            out.push(here);
            if rung_done().is_break() {
                return Err(LogZError::Interrupted);
            }
        }
        Ok(out)
    }
}
