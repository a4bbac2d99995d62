//! Ladders of inverse temperatures fitted to a path by a pilot run.

use std::ops::ControlFlow;

use super::{LogZError, Resampling};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Annealable;
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Chooses a ladder by a pilot run, so that each rung costs the weights the same: from `b` to the largest `b'` at which the
/// conditional effective sample size
///
/// `CESS / n = (sum_i W_i w_i)^2 / sum_i W_i w_i^2`
///
/// of the increments `w_i = p_b'(x_i) / p_b(x_i)` is still `1 - loss`, where `W` are the normalised weights so far. Rungs
/// are dense where the density changes fast (near a phase transition) and wide elsewhere. Chains are drawn anew in
/// proportion to their weights whenever fewer than half of them are effective.
///
/// **Estimate with other chains.** Rungs chosen by the weights of the very chains that are weighed would bias the estimate:
/// a step looks cheap just when its increments happen to be close together. So this returns a ladder and no estimate; give
/// [`Ais`](super::Ais) and [`Bracket`](super::Bracket) keys of their own. The ladder's own number of rungs matters less than
/// its shape: [`stretch`] gives any number in the same shape.
///
/// # Source
/// Zhou, Johansen & Aston 2016, DOI 10.1080/10618600.2015.1060885, section 3.3.2; bias of adapting on the same particles:
/// Beskos, Jasra, Kantas & Thiery 2016, DOI 10.1214/15-AAP1113.
#[derive(Clone, Debug)]
pub struct PilotLadder<K> {
    kernel: K,
    n_chains: usize,
    loss: f64,
    most_rungs: usize,
}

impl<K> PilotLadder<K> {
    /// A pilot of `n_chains` chains (some 100) that loses 2 % of them a rung, on at most 1,000 rungs.
    pub fn new(kernel: K, n_chains: usize) -> Result<Self, LogZError> {
        if n_chains < 2 {
            return Err(LogZError::Chains(n_chains));
        }
        Ok(Self { kernel, n_chains, loss: 0.02, most_rungs: 1_000 })
    }

    /// With another loss of effective chains a rung, between 0 and 1.
    pub fn with_loss(self, loss: f64) -> Result<Self, LogZError> {
        if loss > 0.0 && loss < 1.0 {
            Ok(Self { loss, ..self })
        } else {
            Err(LogZError::Setting { name: "loss a rung", value: loss })
        }
    }

    /// With at most `most_rungs` rungs: no rung is narrower than one of as many equal ones.
    pub fn with_most_rungs(self, most_rungs: usize) -> Result<Self, LogZError> {
        if most_rungs == 0 {
            return Err(LogZError::Setting { name: "largest number of rungs", value: 0.0 });
        }
        Ok(Self { most_rungs, ..self })
    }

    /// Runs the pilot and returns its ladder, which rises strictly from 0 to 1.
    ///
    /// `progress` is told the inverse temperature reached and may end the run.
    pub fn find<P: Annealable>(
        &self,
        path: &P,
        key: &Key,
        ws: &mut Scratch,
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Vec<f64>, LogZError>
    where
        K: Kernel<P>,
    {
        let n = self.n_chains;
        let tuning = K::Tuning::default();
        let mut chain = self.kernel.init(path, path.sample_base(n, &key.purpose(Purpose::Init)), ws);
        let (moves, choices) = (key.purpose(Purpose::Noise), key.purpose(Purpose::Bootstrap));
        let (mut ladder, mut log_weights) = (vec![0.0], vec![0.0; n]);
        let (mut beta, mut increments) = (0.0, vec![0.0; n]);
        let least = 1.0 / self.most_rungs as f64;
        for rung in 0.. {
            let mut left_at = |b: f64| {
                increments.fill(0.0);
                path.add_log_weight(self.kernel.position(&chain), self.kernel.eval(&chain), beta, b, &mut increments);
                conditional_ess(&log_weights, &increments)
            };
            let next = if left_at(1.0)? >= 1.0 - self.loss {
                1.0
            } else {
                // CESS falls from 1 as `b` leaves `beta`; 30 halvings find where it passes the mark to 1e-9.
                let (mut low, mut high) = (beta, 1.0);
                for _ in 0..30 {
                    let middle = 0.5 * (low + high);
                    if left_at(middle)? >= 1.0 - self.loss { low = middle } else { high = middle }
                }
                // A rest shorter than the shortest rung is no rung of its own.
                let next = low.max(beta + least);
                if next > 1.0 - 0.5 * least { 1.0 } else { next }
            };
            self.kernel.anneal(path, (beta, next), &tuning, &mut chain, &mut log_weights, &moves.step(rung), ws);
            ladder.push(next);
            beta = next;
            if progress(beta).is_break() {
                return Err(LogZError::Interrupted);
            }
            if beta == 1.0 {
                break;
            }
            if effective(&log_weights) < 0.5 * n as f64 {
                let rows = Resampling::Systematic.ancestors(&log_weights, &choices.step(rung));
                chain = self.kernel.init(path, self.kernel.position(&chain).select(&rows), ws);
                log_weights.fill(0.0);
            }
        }
        Ok(ladder)
    }
}

/// A ladder of `rungs` rungs in the shape of another: equal shares of the other's rungs, linear inside each.
///
/// # Panics
/// If `shape` has fewer than two entries or `rungs` is zero.
///
/// # Example
/// ```
/// use gibbs_core::log_partition::ladder::stretch;
/// assert_eq!(stretch(&[0.0, 1.0], 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert_eq!(stretch(&[0.0, 0.25, 1.0], 4), [0.0, 0.125, 0.25, 0.625, 1.0]);
/// ```
pub fn stretch(shape: &[f64], rungs: usize) -> Vec<f64> {
    assert!(shape.len() >= 2 && rungs > 0, "a shape of {} entries and {rungs} rungs", shape.len());
    let parts = shape.len() - 1;
    let at = |i: usize| {
        let (whole, rest) = (i * parts / rungs, i * parts % rungs);
        if rest == 0 {
            return shape[whole];
        }
        shape[whole] + (shape[whole + 1] - shape[whole]) * rest as f64 / rungs as f64
    };
    (0..=rungs).map(at).collect()
}

/// Share of the chains that are left after increments, `(sum W w)^2 / sum W w^2`.
fn conditional_ess(log_weights: &[f64], increments: &[f64]) -> Result<f64, LogZError> {
    if let Some(index) = increments.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
        return Err(LogZError::Weight { value: increments[index], index });
    }
    let most = |w: &[f64]| w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (top, top_increment) = (most(log_weights), most(increments));
    if top_increment == f64::NEG_INFINITY {
        return Ok(0.0);
    }
    let (mut total, mut sum, mut square) = (0.0, 0.0, 0.0);
    for (l, i) in log_weights.iter().zip(increments) {
        let (big, small) = ((l - top).exp(), (i - top_increment).exp());
        total += big;
        sum += big * small;
        square += big * small * small;
    }
    Ok(if square > 0.0 { sum * sum / (square * total) } else { 0.0 })
}

/// `(sum w)^2 / sum w^2`; 0 if all are zero.
pub(super) fn effective(log_weights: &[f64]) -> f64 {
    crate::diagnostics::weights::summarise(log_weights).map_or(0.0, |s| s.ess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretched_ladders_rise_from_end_to_end() {
        let shape = [0.0, 0.01, 0.05, 0.3, 1.0];
        for rungs in [1, 2, 3, 7, 1000] {
            let ladder = stretch(&shape, rungs);
            assert_eq!((ladder.len(), ladder[0], ladder[rungs]), (rungs + 1, 0.0, 1.0));
            assert!(ladder.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn conditional_ess_counts_by_weight() {
        // Equal increments lose nothing, whatever the weights; a zero increment loses its chain's share.
        assert_eq!(conditional_ess(&[0.0, -3.0], &[5.0, 5.0]), Ok(1.0));
        let lost = conditional_ess(&[0.75f64.ln(), 0.25f64.ln()], &[0.0, f64::NEG_INFINITY]).unwrap();
        assert!((lost - 0.75).abs() < 1e-12);
        assert_eq!(conditional_ess(&[0.0; 2], &[f64::NEG_INFINITY; 2]), Ok(0.0));
        assert!(conditional_ess(&[0.0; 2], &[0.0, f64::NAN]).is_err());
    }
}
