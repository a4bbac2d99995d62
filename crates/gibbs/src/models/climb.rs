//! `log Z` from the base alone, along any path, by the method asked for.

use std::ops::ControlFlow;

use gibbs_core::kernel::Kernel;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, LogZ, Mbar, PilotLadder, Smc};
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;

use super::LogZOptions;
use crate::config::LogZMethod;
use crate::error::Error;
use crate::progress::Progress;

/// Islands of an SMC sampler: its standard error is that of their mean.
const ISLANDS: usize = 16;
/// Chains of the pilot that fits MBAR's temperatures, and the share of them that a rung may lose: neighbours overlap well.
const PILOT_CHAINS: usize = 128;
const LOSS: f64 = 0.3;
/// Most temperatures of MBAR, whose costs grow with their square, and most log densities that it keeps.
const MOST_RUNGS: usize = 150;
const MOST_KEPT: usize = 1 << 26;

/// A stochastic estimate by `how.method`: SMC, MBAR, and for all other methods AIS. Where `how.probe` is set, AIS is run again
/// from the base of `other` to see whether it missed anything.
pub(super) fn log_z<P: Annealable, K: Kernel<P> + Clone>(
    path: &P,
    kernel: &K,
    other: Option<(&P, &str)>,
    how: &LogZOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<LogZ, Error> {
    let key = key.purpose(Purpose::LogZ);
    let estimate = match how.method {
        LogZMethod::Smc => smc(path, kernel, how, &key.step(0), progress),
        LogZMethod::Mbar => mbar(path, kernel, how, &key.step(0), progress),
        _ => ais(path, kernel, other.filter(|_| how.probe), how, &key, progress),
    };
    progress.end();
    estimate
}

fn ais<P: Annealable, K: Kernel<P> + Clone>(
    path: &P,
    kernel: &K,
    other: Option<(&P, &str)>,
    how: &LogZOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<LogZ, Error> {
    let mut ws = Scratch::default();
    let runs = 1 + usize::from(other.is_some());
    progress.begin("log Z by AIS", (how.n_temperatures * runs) as u64);
    let mut run = |path: &P, n: usize, before: usize, key: &Key| {
        let ais = Ais::new(kernel.clone(), n, linear_ladder(how.n_temperatures))?;
        ais.estimate(path, key, &mut ws, &mut |done, _| advance(progress, before + done))
    };
    let mut estimate = run(path, how.n_chains, 0, &key.step(0))?.0;
    if let Some((other, name)) = other {
        let n = (how.n_chains / 4).max(25);
        let probe = run(other, n, how.n_temperatures, &key.step(1))?.0;
        estimate.compare_with_probe(&probe, name);
    }
    Ok(estimate)
}

/// As many particles in all as AIS has chains, and a few more to fill the islands.
fn smc<P: Annealable, K: Kernel<P> + Clone>(
    path: &P,
    kernel: &K,
    how: &LogZOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<LogZ, Error> {
    let particles = how.n_chains.div_ceil(ISLANDS).max(2);
    let smc = Smc::new(kernel.clone(), ISLANDS, particles, linear_ladder(how.n_temperatures))?;
    progress.begin("log Z by SMC", (how.n_temperatures * ISLANDS) as u64);
    Ok(smc.estimate(path, key, &mut |done, _| advance(progress, done))?.0)
}

/// As many moves as AIS makes, on a ladder of fewer temperatures that a pilot fits.
fn mbar<P: Annealable, K: Kernel<P> + Clone>(
    path: &P,
    kernel: &K,
    how: &LogZOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<LogZ, Error> {
    progress.begin("ladder", 100);
    let pilot = PilotLadder::new(kernel.clone(), PILOT_CHAINS)?.with_loss(LOSS)?.with_most_rungs(MOST_RUNGS)?;
    let watch = &mut |beta: f64| advance(progress, (100.0 * beta) as usize);
    let ladder = pilot.find(path, &key.step(0), &mut Scratch::default(), watch)?;
    progress.end();
    let kept = (MOST_KEPT / (how.n_chains.max(1) * ladder.len().pow(2))).max(1);
    let steps = (how.n_temperatures / ladder.len()).clamp(2, (2 * kept).max(2));
    let mbar = Mbar::new(kernel.clone(), how.n_chains, steps as u64, ladder)?;
    progress.begin("log Z by MBAR", 100);
    let watch = &mut |done: usize, total: usize| advance(progress, 100 * done / total);
    Ok(mbar.estimate(path, &key.step(1), watch)?.log_z)
}

fn advance(progress: &dyn Progress, done: usize) -> ControlFlow<()> {
    progress.advance(done as u64);
    if progress.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
