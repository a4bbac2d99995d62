//! The no-U-turn sampler, through the crate `nuts-rs`.

use std::collections::HashMap;

use nuts_rs::rand::{Rng as RandRng, SeedableRng, rngs::ChaCha8Rng};
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, Settings};
use rayon::prelude::*;

use crate::dense::Dense;
use crate::energy::Gradient;
use crate::key::Key;
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// How [`nuts`] runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NutsOptions {
    /// Steps of adaptation, not among the draws.
    pub n_tune: u64,
    /// Draws a chain, one or more.
    pub n_draws: u64,
    /// Mean acceptance statistic aimed at, between 0 and 1. Higher is slower and safer; 0.95 to 0.99 where there are
    /// divergences.
    pub target_acceptance: f64,
    /// Greatest depth of a tree: a draw costs at most `2^max_depth` gradients.
    pub max_depth: u64,
}

impl Default for NutsOptions {
    fn default() -> Self {
        Self { n_tune: 1_000, n_draws: 1_000, target_acceptance: 0.8, max_depth: 10 }
    }
}

/// Why there is no run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NutsError {
    /// An option that no run can have.
    #[error("{what} is {value}: {advice}")]
    Option {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What to give instead.
        advice: &'static str,
    },
    /// No chain to run.
    #[error("no starting point: give one row a chain, of one or more coordinates")]
    NoStart,
    /// A chain cannot begin where it was told to.
    #[error(
        "chain {chain} cannot start: its energy there is {energy} and {n_bad} entries of its gradient are not finite"
    )]
    Start {
        /// Which chain.
        chain: usize,
        /// The energy at its starting point.
        energy: f64,
        /// How many entries of the gradient are zero or not finite.
        n_bad: usize,
    },
    /// The sampler gave up.
    #[error("chain {chain} stopped: {why}")]
    Stopped {
        /// Which chain.
        chain: usize,
        /// What `nuts-rs` says.
        why: String,
    },
}

/// One chain of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct NutsChain {
    /// Draws, one a row.
    pub draws: Dense<f64>,
    /// Whether the trajectory of each draw diverged (energy error above 1,000 nats or not finite).
    pub diverging: Vec<bool>,
    /// Total energy `E(x) + kinetic` at each draw, nats.
    pub energy: Vec<f64>,
    /// Depth of the tree of each draw.
    pub depth: Vec<u64>,
    /// Gradients that each draw took.
    pub n_gradients: Vec<u64>,
    /// Step size after adaptation.
    pub step_size: f64,
}

impl NutsChain {
    /// Energy Bayesian fraction of missing information, `sum (E_t - E_(t-1))^2 / sum (E_t - mean E)^2`: how far fresh
    /// momenta move the energy, against how far it has to go. About 1 on a Gaussian; below 0.3 the chain crawls along its
    /// energy levels and misses the tails.
    ///
    /// # Source
    /// Betancourt 2016, "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo", arXiv:1604.00695.
    pub fn e_bfmi(&self) -> f64 {
        let mean = self.energy.iter().sum::<f64>() / self.energy.len() as f64;
        let jumps: f64 = self.energy.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
        jumps / self.energy.iter().map(|e| (e - mean).powi(2)).sum::<f64>()
    }
}

/// A run: its chains, in the order of their starting points.
#[derive(Clone, Debug, PartialEq)]
pub struct NutsRun {
    /// The chains.
    pub chains: Vec<NutsChain>,
    /// The depth at which trees were cut.
    pub max_depth: u64,
}

impl NutsRun {
    /// One coordinate of all draws, chain after chain: what [`Draws::new`](crate::diagnostics::Draws::new) takes.
    ///
    /// # Panics
    /// If there is no such coordinate.
    pub fn column(&self, j: usize) -> Vec<f64> {
        let column = |c: &NutsChain| (0..c.draws.n_rows()).map(|i| c.draws.row(i)[j]).collect::<Vec<_>>();
        self.chains.iter().flat_map(column).collect()
    }

    /// Draws whose trajectory diverged.
    pub fn n_divergent(&self) -> usize {
        self.chains.iter().flat_map(|c| &c.diverging).filter(|d| **d).count()
    }

    /// Gradients taken for the draws.
    pub fn n_gradients(&self) -> u64 {
        self.chains.iter().flat_map(|c| &c.n_gradients).sum()
    }

    /// What speaks against the run, one sentence each; empty if nothing does.
    pub fn alarms(&self) -> Vec<String> {
        let n: usize = self.chains.iter().map(|c| c.draws.n_rows()).sum();
        let mut alarms = Vec::new();
        let divergent = self.n_divergent();
        if divergent > 0 {
            alarms.push(format!(
                "{divergent} of {n} trajectories diverged: a narrow place of the density is not entered, and averages miss \
                 it; rewrite the model (non-centred) or raise the target acceptance"
            ));
        }
        let lowest = self.chains.iter().map(NutsChain::e_bfmi).fold(f64::INFINITY, f64::min);
        if lowest < 0.3 {
            alarms.push(format!(
                "the lowest E-BFMI of a chain is {lowest:.2}, below 0.3: energies are explored too slowly for the tails; \
                 rewrite the model so that its scales do not hang on each other"
            ));
        }
        let cut = self.chains.iter().flat_map(|c| &c.depth).filter(|d| **d >= self.max_depth).count();
        if cut > 0 {
            alarms.push(format!(
                "{cut} of {n} trees were cut at depth {}: the draws are valid and slow; rescale the coordinates",
                self.max_depth
            ));
        }
        alarms
    }
}

/// Draws from `exp(-E)` by the no-U-turn sampler: Hamiltonian trajectories that end where they would turn back, with step
/// size and diagonal metric found in `options.n_tune` steps. One chain a row of `start`, spread over the threads; each
/// depends on its own key alone.
///
/// Leaves `exp(-E)` invariant exactly once adaptation has ended, which is where the draws begin. An energy that is not
/// finite ends a trajectory as a divergence.
///
/// A whole run and not a [`Kernel`](crate::kernel::Kernel): the library holds the chain's state, which can neither be
/// saved nor tempered. For these take [`Hmc`](super::Hmc) with [`warm_up`](crate::adapt::warm_up).
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::energy::{Energy, Gradient};
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::Continuous;
/// use gibbs_core::samplers::nuts::{NutsOptions, nuts};
/// use gibbs_core::scratch::Scratch;
///
/// struct Parabola;
/// impl Energy for Parabola {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * x * x);
///     }
/// }
/// impl Gradient for Parabola {
///     fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
///         self.energy(x, e, ws);
///         g.values_mut().copy_from_slice(x.values());
///     }
/// }
///
/// let start = Dense::from_rows(1, vec![-1.0, 1.0]);
/// let run = nuts(&Parabola, &start, &NutsOptions::default(), &Key::from_seed(0))?;
/// let x = run.column(0);
/// assert_eq!((x.len(), run.alarms().len()), (2_000, 0));
/// assert!(x.iter().sum::<f64>().abs() / 2_000.0 < 0.2);
/// # Ok::<(), gibbs_core::samplers::nuts::NutsError>(())
/// ```
///
/// # Source
/// Hoffman & Gelman 2014, JMLR 15 (arXiv:1111.4246); Betancourt 2017, arXiv:1701.02434. The metric is that of `nuts-rs`:
/// from the variances of draws and of gradients together.
pub fn nuts<E: Gradient<X = Dense<f64>>>(
    energy: &E,
    start: &Dense<f64>,
    options: &NutsOptions,
    key: &Key,
) -> Result<NutsRun, NutsError> {
    let bad = |what, value, advice| Err(NutsError::Option { what, value, advice });
    if start.n_rows() == 0 || start.n_cols() == 0 {
        return Err(NutsError::NoStart);
    }
    if options.n_draws == 0 {
        return bad("the number of draws", 0.0, "give 1 or more, and 1,000 for an average");
    }
    if !(options.target_acceptance > 0.0 && options.target_acceptance < 1.0) {
        return bad("the target acceptance", options.target_acceptance, "give a number between 0 and 1, such as 0.8");
    }
    if !(1..=30).contains(&options.max_depth) {
        return bad("the greatest tree depth", options.max_depth as f64, "give 1 to 30; 10 is usual");
    }
    let chains: Result<_, _> = (0..start.n_rows())
        .into_par_iter()
        .with_max_len(1)
        .map(|chain| run_chain(energy, start.row(chain), options, chain, &key.block(chain as u64)))
        .collect();
    Ok(NutsRun { chains: chains?, max_depth: options.max_depth })
}

fn run_chain<E: Gradient<X = Dense<f64>>>(
    energy: &E,
    start: &[f64],
    options: &NutsOptions,
    chain: usize,
    key: &Key,
) -> Result<NutsChain, NutsError> {
    let n_cols = start.len();
    let mut density = Density::new(energy, n_cols);
    let mut grad = vec![0.0; n_cols];
    let at_start = density.evaluate(start, &mut grad);
    let n_bad = grad.iter().filter(|g| !g.is_finite() || **g == 0.0).count();
    if !at_start.is_finite() || n_bad > 0 {
        return Err(NutsError::Start { chain, energy: at_start, n_bad });
    }
    // The library's errors carry a stack trace from their second line on.
    let first_line = |why: String| why.lines().next().unwrap_or_default().to_owned();
    let stopped = |why: &dyn std::fmt::Display| NutsError::Stopped { chain, why: first_line(why.to_string()) };

    let mut settings = DiagNutsSettings {
        num_tune: options.n_tune,
        num_draws: options.n_draws,
        maxdepth: options.max_depth,
        // The gradient as it is: one that is clipped belongs to another energy.
        gradient_clipping: None,
        ..DiagNutsSettings::default()
    };
    settings.adapt_options.step_size_settings.target_accept = options.target_acceptance;
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&key.bits().to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(seed);
    let mut sampler = settings.new_chain(chain as u64, CpuMath::new(density), &mut rng).map_err(|e| stopped(&e))?;
    sampler.set_position(start).map_err(|e| stopped(&e))?;
    for _ in 0..options.n_tune {
        sampler.draw().map_err(|e| stopped(&e))?;
    }

    let n = options.n_draws as usize;
    let mut draws = Vec::with_capacity(n * n_cols);
    let (mut diverging, mut energies) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let (mut depth, mut n_gradients) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut step_size = f64::NAN;
    for _ in 0..n {
        let (x, _, stats, progress) = sampler.expanded_draw().map_err(|e| stopped(&e))?;
        draws.extend_from_slice(&x);
        diverging.push(progress.diverging);
        energies.push(stats.point.energy);
        depth.push(stats.depth);
        n_gradients.push(progress.num_gradients);
        step_size = progress.step_size;
    }
    let draws = Dense::from_rows(n_cols, draws);
    Ok(NutsChain { draws, diverging, energy: energies, depth, n_gradients, step_size })
}

/// An energy as `nuts-rs` wants it: one point at a time, with its own buffers.
struct Density<'a, E> {
    energy: &'a E,
    x: Dense<f64>,
    grad: Dense<f64>,
    ws: Scratch,
}

/// An energy or a gradient that is not finite.
#[derive(Debug, thiserror::Error)]
#[error("the energy or its gradient is not finite")]
struct NotFinite;

impl LogpError for NotFinite {
    /// The trajectory ends there, as a divergence.
    fn is_recoverable(&self) -> bool {
        true
    }
}

impl<'a, E: Gradient<X = Dense<f64>>> Density<'a, E> {
    fn new(energy: &'a E, n_cols: usize) -> Self {
        Self { energy, x: Dense::zeros(1, n_cols), grad: Dense::zeros(1, n_cols), ws: Scratch::default() }
    }

    /// The energy, and the gradient of the log density, which is minus that of the energy.
    fn evaluate(&mut self, position: &[f64], gradient: &mut [f64]) -> f64 {
        let mut e = [0.0];
        self.x.values_mut().copy_from_slice(position);
        self.energy.energy_grad(&self.x, &mut e, &mut self.grad, &mut self.ws);
        gradient.iter_mut().zip(self.grad.values()).for_each(|(o, g)| *o = -g);
        e[0]
    }
}

impl<E> HasDims for Density<'_, E> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".to_owned(), self.x.n_cols() as u64)])
    }
}

impl<E: Gradient<X = Dense<f64>>> CpuLogpFunc for Density<'_, E> {
    type LogpError = NotFinite;
    type FlowParameters = ();
    /// Draws are taken as they are; nothing is derived from them.
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.x.n_cols()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, NotFinite> {
        let e = self.evaluate(position, gradient);
        // Zero times a number that is not finite is NaN, and stays in the sum.
        let finite = e.is_finite() && gradient.iter().map(|g| g * 0.0).sum::<f64>() == 0.0;
        if finite { Ok(-e) } else { Err(NotFinite) }
    }

    fn expand_vector<R: RandRng + ?Sized>(&mut self, _rng: &mut R, _x: &[f64]) -> Result<Vec<f64>, CpuMathError> {
        Ok(Vec::new())
    }
}
