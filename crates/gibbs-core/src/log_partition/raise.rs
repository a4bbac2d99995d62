//! Conservative likelihoods of test rows: annealing read as a generative model.

use std::ops::ControlFlow;
use std::sync::Mutex;

use rayon::prelude::*;

use super::LogZError;
use super::ais::check_ladder;
use crate::diagnostics::weights::summarise;
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// The reverse AIS estimator of a test log-likelihood, which errs on the low side.
///
/// A draw `x_0` of the base moved by kernels at `b_1 < ... < b_K = 1` is a draw of the **annealing model** `p_ann`, whose
/// probabilities sum to one and approach the model's as rungs are added. A chain that starts at a row `x_K = x` and is moved
/// down the ladder, weighed *after* each move, has
///
/// `w = exp(-E_1(x)) / Z_base * prod_{k = K..1} p*_{b_{k-1}}(x_{k-1}) / p*_{b_k}(x_{k-1})`, `E w = p_ann(x)`.
///
/// So `log mean(w)` is a stochastic lower bound of `log p_ann(x)`, where AIS, whose `log Z` is too low, gives a likelihood that
/// is too *high*. The mean over rows drawn from the model is below their true log-likelihood in expectation, because no law
/// beats the true one in the mean log score; for other test rows `p_ann` may by accident be above the model, which is why the
/// estimate is called conservative and not a bound. It was 0.5 nats too high for rows of a hardly trained model far wider than its
/// base, with 100 rungs, and 0.07 with 2,000. No `log Z` and no exact samples are needed.
///
/// **The kernel must be reversible** (detailed balance at every `beta`): a move down is then a move up read backwards.
///
/// # Source
/// Burda, Grosse & Salakhutdinov 2015, "Accurate and conservative estimates of MRF log-likelihood using reverse annealing",
/// arXiv 1412.8566, section 3.
#[derive(Clone, Debug)]
pub struct Raise<K> {
    kernel: K,
    n_chains: usize,
    ladder: Vec<f64>,
}

/// Conservative log-likelihoods.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RaiseEstimate {
    /// Of each row, nats.
    pub log_likelihood: Vec<f64>,
    /// Standard error of each from the scatter of its chains, nats; infinite for one chain a row.
    pub std_err: Vec<f64>,
}

impl<K> Raise<K> {
    /// `n_chains` chains a row over `ladder`, which rises strictly from 0 to 1.
    pub fn new(kernel: K, n_chains: usize, ladder: Vec<f64>) -> Result<Self, LogZError> {
        if n_chains == 0 {
            return Err(LogZError::Setting { name: "number of chains a row", value: 0.0 });
        }
        check_ladder(&ladder)?;
        Ok(Self { kernel, n_chains, ladder })
    }

    /// Estimates every row of `x`, over the cores; block `b` of chains draws from `key.block(b)`. `progress` is told how many
    /// moves of chains of how many are done and may end the run.
    pub fn estimate<P: Annealable>(
        &self,
        path: &P,
        x: &P::X,
        key: &Key,
        progress: &mut (dyn FnMut(usize, usize) -> ControlFlow<()> + Send),
    ) -> Result<RaiseEstimate, LogZError>
    where
        K: Kernel<P>,
    {
        let (n, size) = (x.n_rows() * self.n_chains, path.block_rows());
        let total = n * (self.ladder.len() - 1);
        let told = Mutex::new((0, progress));
        let moved = |rows: usize| {
            // A poisoned lock means that another thread panicked in `progress`; that panic is on its way up.
            let Ok(mut told) = told.lock() else { return ControlFlow::Break(()) };
            told.0 += rows;
            let done = told.0;
            (told.1)(done, total)
        };
        let blocks: Result<Vec<Vec<f64>>, LogZError> = (0..n.div_ceil(size))
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, b| {
                let rows: Vec<usize> = (b * size..((b + 1) * size).min(n)).map(|c| c / self.n_chains).collect();
                self.block(path, x.select(&rows), &key.purpose(Purpose::Noise).block(b as u64), ws, &moved)
            })
            .collect();
        let log_weights = blocks?.concat();
        if let Some(index) = log_weights.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
            return Err(LogZError::Weight { value: log_weights[index], index });
        }
        // A row whose chains all have weight zero has likelihood zero.
        let rows = log_weights
            .chunks_exact(self.n_chains)
            .map(|w| summarise(w).map_or((f64::NEG_INFINITY, f64::INFINITY), |s| (s.log_mean_exp, s.std_err)));
        let (log_likelihood, std_err) = rows.unzip();
        Ok(RaiseEstimate { log_likelihood, std_err })
    }

    /// Log weights of chains that start at rows.
    fn block<P: Annealable>(
        &self,
        path: &P,
        x: P::X,
        key: &Key,
        ws: &mut Scratch,
        moved: &(dyn Fn(usize) -> ControlFlow<()> + Sync),
    ) -> Result<Vec<f64>, LogZError>
    where
        K: Kernel<P>,
    {
        let (n, tuning) = (x.n_rows(), K::Tuning::default());
        let mut chain = self.kernel.init(path, x, ws);
        let mut energies = vec![0.0; n];
        path.target_energy(self.kernel.position(&chain), self.kernel.eval(&chain), &mut energies);
        let mut log_weights: Vec<f64> = energies.iter().map(|e| -e - path.base_log_z()).collect();
        for (rung, pair) in self.ladder.windows(2).enumerate().rev() {
            let (below, beta) = (pair[0], pair[1]);
            self.kernel.step(path, beta, &tuning, &mut chain, &key.step(rung as u64), ws);
            self.kernel.refresh(path, &mut chain, ws);
            let (x, eval) = (self.kernel.position(&chain), self.kernel.eval(&chain));
            path.add_log_weight(x, eval, beta, below, &mut log_weights);
            if moved(n).is_break() {
                return Err(LogZError::Interrupted);
            }
        }
        Ok(log_weights)
    }
}
