//! Annealed importance sampling backwards, from samples of the target: the upper side.

use std::ops::ControlFlow;

use super::ais::{anneal_along, check_ladder};
use super::{Bias, LogZ, LogZError};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Annealed importance sampling from the target down to the base: chains start as samples of `p_1`, are moved along the
/// ladder from 1 to 0 and weighed by `p_b / p_{b+1}` before each move, so that `mean(w) = Z_base / Z` without bias.
///
/// By Jensen's inequality `-log mean(w)` is a stochastic **upper** bound of `log Z / Z_base`: together with
/// [`Ais`](super::Ais) it encloses the truth.
///
/// **It is a bound only for exact, independent samples of the target.** Samples that lack a mode give a value below the truth,
/// and no statistic of the weights shows it: see [`Bracket`](super::Bracket) for what does.
///
/// # Source
/// Grosse, Ghahramani & Adams 2015, "Sandwiching the marginal likelihood using bidirectional Monte Carlo",
/// DOI 10.48550/arXiv.1511.02543, section 3; Crooks 1999, DOI 10.1103/PhysRevE.60.2721.
#[derive(Clone, Debug)]
pub struct ReverseAis<K> {
    kernel: K,
    ladder: Vec<f64>,
}

impl<K> ReverseAis<K> {
    /// Over `ladder`, given as for the forward run: it rises strictly from 0 to 1, and is walked from its end.
    pub fn new(kernel: K, ladder: Vec<f64>) -> Result<Self, LogZError> {
        check_ladder(&ladder)?;
        Ok(Self { kernel, ladder })
    }

    /// The inverse temperatures, rising.
    pub fn ladder(&self) -> &[f64] {
        &self.ladder
    }

    /// Runs one chain from each row of `x`, samples of the target, and returns the estimate with the chains at
    /// `beta = 0`. [`LogZ::log_weights`] are those of `Z_base / Z`, [`LogZ::bias`] is [`Bias::Upper`].
    ///
    /// `progress` is told how many rungs of how many are done and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        x: P::X,
        key: &Key,
        ws: &mut Scratch,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<(LogZ, K::Chain), LogZError>
    where
        K: Kernel<P>,
    {
        let n = x.n_rows();
        if n < 2 {
            return Err(LogZError::Chains(n));
        }
        let mut chain = self.kernel.init(path, x, ws);
        let (mut log_weights, rungs) = (vec![0.0; n], self.ladder.len() - 1);
        let down: Vec<f64> = self.ladder.iter().rev().copied().collect();
        let moves = key.purpose(Purpose::Noise);
        let tell = &mut |done| progress(done, rungs);
        anneal_along(&self.kernel, path, &down, &mut chain, &mut log_weights, &moves, ws, tell)?;
        let method = format!("reverse AIS, {n} chains x {rungs} temperatures");
        Ok((LogZ::from_reverse_log_weights(log_weights, path.base_log_z(), method)?, chain))
    }
}

impl LogZ {
    /// From log importance weights of `Z_base / Z`: `value = base_log_z - log mean exp(w)`, with the delta-method
    /// standard error. The weights are kept as they are.
    pub fn from_reverse_log_weights(log_weights: Vec<f64>, base_log_z: f64, method: String) -> Result<Self, LogZError> {
        let ratio = Self::from_log_weights(log_weights, 0.0, method)?;
        Ok(Self { value: base_log_z - ratio.value, bias: Bias::Upper, ..ratio })
    }
}
