//! R-hat: do the chains agree?

use super::draws::{Chains, Draws, mean, variance};
use super::rank::{folded, normal_scores};

/// Rank-normalised split R-hat: the larger of that of the draws (location) and that of the folded draws (spread).
///
/// Near 1 when chains agree; the usual bound is 1.01. Every chain is halved first, so that one that drifts disagrees
/// with itself; ranks make the value exist for heavy tails.
///
/// Definition, on normal scores `z` of the pooled ranks, in `M` half chains of `N` draws, with `B / N` the variance of
/// the half-chain means and `W` the mean of the half-chain variances:
/// `R = sqrt(((N - 1) / N * W + B / N) / W)`.
///
/// NaN for one chain and for draws that never change: neither can show disagreement. Infinite when no chain moves
/// and they sit at different values. (For one chain, [`split`] still compares its halves.)
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, rhat};
/// let together: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
/// assert!(rhat::rank(&Draws::new(&together, 2)?) < 1.01);
/// let apart: Vec<f64> = together.iter().enumerate().map(|(i, x)| if i < 100 { *x } else { x + 200.0 }).collect();
/// assert!(rhat::rank(&Draws::new(&apart, 2)?) > 1.5);
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
///
/// # Source
/// Vehtari et al. 2021, section 4, DOI 10.1214/20-BA1221.
pub fn rank(draws: &Draws) -> f64 {
    let split = draws.split();
    if draws.n_chains() < 2 || split.is_constant() {
        return f64::NAN;
    }
    // A variable that takes two values equally often is constant once folded: its location decides alone.
    ratio(&normal_scores(&split)).max(ratio(&normal_scores(&folded(&split))))
}

/// Split R-hat of the draws as they are (no ranks): meaningless without a finite variance, but defined for one chain.
///
/// NaN for draws that never change.
///
/// # Source
/// Vehtari et al. 2021, section 3, DOI 10.1214/20-BA1221.
pub fn split(draws: &Draws) -> f64 {
    ratio(&draws.split())
}

/// `sqrt((B / W + N - 1) / N)`; a within-chain variance of zero gives infinity or, with nothing between, NaN.
fn ratio(chains: &Chains) -> f64 {
    let n = chains.n_draws as f64;
    let between = n * variance(&chains.means());
    let within = mean(&chains.iter().map(variance).collect::<Vec<_>>());
    ((between / within + n - 1.0) / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_that_never_move() {
        let same = [0.1; 40];
        assert!(rank(&Draws::new(&same, 4).unwrap()).is_nan());
        assert!(split(&Draws::new(&same, 4).unwrap()).is_nan());
        let apart: Vec<f64> = (0..40).map(|i| 0.1 * f64::from(i / 10)).collect();
        assert_eq!(rank(&Draws::new(&apart, 4).unwrap()), f64::INFINITY);
        assert_eq!(split(&Draws::new(&apart, 4).unwrap()), f64::INFINITY);
    }

    #[test]
    fn one_chain_is_compared_with_itself_only_by_split() {
        let drift: Vec<f64> = (0..100).map(f64::from).collect();
        let draws = Draws::new(&drift, 1).unwrap();
        assert!(rank(&draws).is_nan());
        assert!(split(&draws) > 1.5);
    }

    #[test]
    fn a_balanced_two_valued_variable_is_judged_by_its_location() {
        let x: Vec<f64> = (0..80_u32).map(|i| f64::from(i.count_ones() % 2)).collect();
        let draws = Draws::new(&x, 2).unwrap();
        assert_eq!(x.iter().sum::<f64>(), 40.0, "balanced: folding leaves a constant");
        assert!(rank(&draws).is_finite());
    }
}
