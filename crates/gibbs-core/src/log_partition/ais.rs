//! Annealed importance sampling, generic over path and kernel.

use std::ops::ControlFlow;
use std::sync::Mutex;

use rayon::prelude::*;

use super::{LogZ, LogZError};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::{Annealable, Path};
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Annealed importance sampling: chains start as exact draws of the base and are moved along a ladder of
/// inverse temperatures; the product of the ratios `p_{b+1} / p_b` at the positions *before* each move weighs a
/// chain so that `mean(w) = Z / Z_base` without bias.
///
/// By Jensen's inequality `log mean(w)` is a stochastic **lower** bound of `log Z / Z_base`, and a likelihood
/// computed with it is too high.
///
/// # Source
/// Neal 2001, DOI 10.1023/A:1008923215028, equations 5-11; for RBMs Salakhutdinov & Murray 2008,
/// DOI 10.1145/1390156.1390266.
#[derive(Clone, Debug)]
pub struct Ais<K> {
    kernel: K,
    n_chains: usize,
    ladder: Vec<f64>,
}

impl<K> Ais<K> {
    /// `n_chains` chains over `ladder`, which rises strictly from 0 to 1.
    pub fn new(kernel: K, n_chains: usize, ladder: Vec<f64>) -> Result<Self, LogZError> {
        if n_chains < 2 {
            return Err(LogZError::Chains(n_chains));
        }
        check_ladder(&ladder)?;
        Ok(Self { kernel, n_chains, ladder })
    }

    /// The inverse temperatures.
    pub fn ladder(&self) -> &[f64] {
        &self.ladder
    }

    /// Runs the chains and returns the estimate with the chains at `beta = 1`.
    ///
    /// `progress` is told how many rungs of how many are done and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        ws: &mut Scratch,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<(LogZ, K::Chain), LogZError>
    where
        K: Kernel<P>,
    {
        let x = path.sample_base(self.n_chains, &key.purpose(Purpose::Init));
        let mut chain = self.kernel.init(path, x, ws);
        let mut log_weights = vec![0.0; self.n_chains];
        let rungs = self.ladder.len() - 1;
        let moves = key.purpose(Purpose::Noise);
        let tell = &mut |done| progress(done, rungs);
        anneal_along(&self.kernel, path, &self.ladder, &mut chain, &mut log_weights, &moves, ws, tell)?;
        let method = format!("AIS, {} chains x {} temperatures", self.n_chains, rungs);
        Ok((LogZ::from_log_weights(log_weights, path.base_log_z(), method)?, chain))
    }
}

/// Moves chains along `betas`, up or down, weighing them at each rung before they move; rung `i` draws from `moves.step(i)`.
/// `progress` is told how many rungs are done.
#[expect(clippy::too_many_arguments, reason = "a rung's arguments and the ladder")]
pub(super) fn anneal_along<P: Path, K: Kernel<P>>(
    kernel: &K,
    path: &P,
    betas: &[f64],
    chain: &mut K::Chain,
    log_weights: &mut [f64],
    moves: &Key,
    ws: &mut Scratch,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<(), LogZError> {
    let tuning = K::Tuning::default();
    for (i, pair) in betas.windows(2).enumerate() {
        kernel.anneal(path, (pair[0], pair[1]), &tuning, chain, log_weights, &moves.step(i as u64), ws);
        if progress(i + 1).is_break() {
            return Err(LogZError::Interrupted);
        }
    }
    Ok(())
}

/// Log weights of chains that start at `x` and are moved along `betas`, in blocks of [`Path::block_rows`] over the cores;
/// block `b` draws from `moves.block(b)`. `rung_done` is told from any thread and may end the run.
pub(super) fn anneal_blocks<P: Path, K: Kernel<P>>(
    kernel: &K,
    path: &P,
    betas: &[f64],
    x: &P::X,
    moves: &Key,
    rung_done: &(dyn Fn(usize) -> ControlFlow<()> + Sync),
) -> Result<Vec<f64>, LogZError> {
    let (n, size) = (x.n_rows(), path.block_rows());
    let blocks: Result<Vec<Vec<f64>>, LogZError> = (0..n.div_ceil(size))
        .into_par_iter()
        .with_max_len(1)
        .map_init(Scratch::default, |ws, b| {
            let rows: Vec<usize> = (b * size..((b + 1) * size).min(n)).collect();
            let mut log_weights = vec![0.0; rows.len()];
            let mut chain = kernel.init(path, x.select(&rows), ws);
            let moves = moves.block(b as u64);
            let tell = &mut |_| rung_done(rows.len());
            anneal_along(kernel, path, betas, &mut chain, &mut log_weights, &moves, ws, tell)?;
            Ok(log_weights)
        })
        .collect();
    Ok(blocks?.concat())
}

/// Is told the share that is done, and may end the run.
type Tell<'a> = &'a mut (dyn FnMut(f64) -> ControlFlow<()> + Send);

/// Hears from several threads how many rows went how many rungs, and tells every hundredth of the whole.
pub(super) struct Told<'a> {
    total: usize,
    state: Mutex<(usize, usize, Tell<'a>)>,
}

impl<'a> Told<'a> {
    pub(super) fn new(total: usize, tell: Tell<'a>) -> Self {
        Self { total, state: Mutex::new((0, 0, tell)) }
    }

    /// `n` more rows went a rung.
    pub(super) fn rows(&self, n: usize) -> ControlFlow<()> {
        // A poisoned lock means that another thread panicked while it told; that panic is on its way up.
        let Ok(mut state) = self.state.lock() else { return ControlFlow::Break(()) };
        state.0 += n;
        if state.0 * 100 / self.total == state.1 {
            return ControlFlow::Continue(());
        }
        state.1 = state.0 * 100 / self.total;
        let done = state.0 as f64 / self.total as f64;
        (state.2)(done)
    }
}

/// `n` equal steps from 0 to 1: `n + 1` inverse temperatures.
///
/// # Panics
/// If `n` is zero.
pub fn linear_ladder(n: usize) -> Vec<f64> {
    assert!(n > 0, "a ladder has at least one step");
    (0..=n).map(|i| i as f64 / n as f64).collect()
}

pub(super) fn check_ladder(ladder: &[f64]) -> Result<(), LogZError> {
    let bad = |index: usize| LogZError::Ladder { value: ladder.get(index).copied().unwrap_or(f64::NAN), index };
    if ladder.len() < 2 || ladder[0] != 0.0 {
        return Err(bad(0));
    }
    if let Some(i) = ladder.windows(2).position(|w| w[1] <= w[0] || w[1].is_nan()) {
        return Err(bad(i + 1));
    }
    if ladder[ladder.len() - 1] == 1.0 { Ok(()) } else { Err(bad(ladder.len() - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_are_checked() {
        assert!(check_ladder(&linear_ladder(7)).is_ok());
        assert_eq!(check_ladder(&[0.0, 0.5, 0.4, 1.0]), Err(LogZError::Ladder { value: 0.4, index: 2 }));
        assert_eq!(check_ladder(&[0.0, 0.5]), Err(LogZError::Ladder { value: 0.5, index: 1 }));
        assert!(check_ladder(&[]).is_err());
        assert!(check_ladder(&[0.0, f64::NAN, 1.0]).is_err());
    }
}
