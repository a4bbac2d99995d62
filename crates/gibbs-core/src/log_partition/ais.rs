//! Annealed importance sampling, generic over path and kernel.

use std::ops::ControlFlow;

use super::{LogZ, LogZError};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
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
        let tuning = K::Tuning::default();
        let rungs = self.ladder.len() - 1;
        let moves = key.purpose(Purpose::Noise);
        for (i, pair) in self.ladder.windows(2).enumerate() {
            let between = (pair[0], pair[1]);
            self.kernel.anneal(path, between, &tuning, &mut chain, &mut log_weights, &moves.step(i as u64), ws);
            if progress(i + 1, rungs).is_break() {
                return Err(LogZError::Interrupted);
            }
        }
        let method = format!("AIS, {} chains x {} temperatures", self.n_chains, rungs);
        Ok((LogZ::from_log_weights(log_weights, path.base_log_z(), method)?, chain))
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

fn check_ladder(ladder: &[f64]) -> Result<(), LogZError> {
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
