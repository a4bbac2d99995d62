//! Effective sample size: how many independent draws would do as well?
//!
//! With autocorrelations `rho_t` pooled over the chains, `ESS = S / tau`, `tau = 1 + 2 sum_t rho_t`, where the sum is
//! cut and smoothed by Geyer's initial monotone sequence. Chains that disagree count as correlated, so the value falls
//! also when R-hat rises. Negative correlation can make it exceed the number of draws `S`; it is held below
//! `S log10 S`.
//!
//! All functions halve the chains first and return NaN for draws that never change. (`ArviZ` returns `S` there.)
//!
//! # Source
//! Vehtari et al. 2021, section 3.2 (ESS) and section 4 (bulk, tail, quantile), DOI 10.1214/20-BA1221; Geyer 1992, DOI 10.1214/ss/1177011137.

use super::autocorrelation::mean_autocovariance;
use super::draws::{Chains, Draws, mean as mean_of, variance};
use super::rank::{normal_scores, quantile as quantile_of};

/// Bulk-ESS: of the normal scores of the ranks. Says how well the centre of the distribution is explored, whatever
/// its tails.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, ess};
/// use gibbs_core::key::Key;
/// let mut rng = Key::from_seed(1).rng();
/// let independent: Vec<f64> = (0..4000).map(|_| rng.uniform()).collect();
/// let ess = ess::bulk(&Draws::new(&independent, 4)?);
/// assert!((3000.0..5000.0).contains(&ess), "{ess}");
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
pub fn bulk(draws: &Draws) -> f64 {
    unless_constant(draws, || ess(&normal_scores(&draws.split())))
}

/// Tail-ESS: the smaller of [`quantile`] at 5 % and at 95 %.
pub fn tail(draws: &Draws) -> f64 {
    quantile(draws, 0.05).min(quantile(draws, 0.95))
}

/// ESS for the mean of the draws as they are: what [`super::mcse::mean`] needs.
pub fn mean(draws: &Draws) -> f64 {
    unless_constant(draws, || ess(&draws.split()))
}

/// ESS for the variance: of the squared distances from the mean.
pub fn sd(draws: &Draws) -> f64 {
    let centre = mean_of(draws.values());
    unless_constant(draws, || ess(&draws.split_map(|x| (x - centre).powi(2))))
}

/// ESS for a quantile: of the indicators `x <= q(prob)`, `q` the pooled sample quantile.
///
/// When all draws are below the quantile, as for a site that is 1 more than 5 % of the time at `prob` 0.95, the
/// indicator holds no information and all draws count, as in `ArviZ`. NaN if `prob` is not within 0 and 1.
pub fn quantile(draws: &Draws, prob: f64) -> f64 {
    if !(0.0..=1.0).contains(&prob) {
        return f64::NAN;
    }
    let mut sorted = draws.values().to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let q = quantile_of(&sorted, prob);
    unless_constant(draws, || ess(&draws.split_map(|x| f64::from(u8::from(x <= q)))))
}

fn unless_constant(draws: &Draws, value: impl FnOnce() -> f64) -> f64 {
    if draws.split().is_constant() { f64::NAN } else { value() }
}

/// ESS of (already split) chains; their number of draws when they are all equal.
fn ess(chains: &Chains) -> f64 {
    let (low, high) = chains.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    let total = chains.values.len() as f64;
    // The bound is absolute, as in ArviZ: rescale quantities that live on a scale of 1e-15.
    if high - low < 1e-15 {
        return total;
    }
    let n = chains.n_draws as f64;
    let acov = mean_autocovariance(chains);
    let within = acov[0] * n / (n - 1.0);
    let between = if chains.n_chains() > 1 { variance(&chains.means()) } else { 0.0 };
    let pooled = acov[0] + between;
    let rho = |t: usize| 1.0 - (within - acov[t]) / pooled;
    total / integrated_time(chains.n_draws, rho).max(1.0 / total.log10())
}

/// `1 + 2 sum rho_t` by Geyer's initial monotone sequence.
///
/// Sums of neighbours `rho_2k + rho_2k+1` are positive, decreasing and convex for a reversible chain. The estimate
/// stops at the first pair whose sum is not positive (its even member still counts once if positive: this lowers the
/// variance for antithetic chains) and pulls a pair that exceeds the one before down to it.
fn integrated_time(n_draws: usize, rho: impl Fn(usize) -> f64) -> f64 {
    let mut kept = vec![1.0, rho(1)];
    let (mut even, mut odd) = (kept[0], kept[1]);
    let mut next = 2;
    while next + 2 < n_draws && even + odd > 0.0 {
        (even, odd) = (rho(next), rho(next + 1));
        kept.extend(if even + odd >= 0.0 { [even, odd] } else { [0.0, 0.0] });
        next += 2;
    }
    // The pair looked at last closes the sequence: only its even member is used, and once.
    let last = next - 2;
    if even > 0.0 {
        kept[last] = even;
    }
    for k in (2..last.saturating_sub(1)).step_by(2) {
        let before = kept[k - 2] + kept[k - 1];
        if kept[k] + kept[k + 1] > before {
            kept[k] = before / 2.0;
            kept[k + 1] = before / 2.0;
        }
    }
    -1.0 + 2.0 * kept[..last].iter().sum::<f64>() + kept[last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn draws_that_never_change_are_worth_nothing() {
        let x = [3.0; 40];
        let draws = Draws::new(&x, 4).unwrap();
        for value in [bulk(&draws), tail(&draws), mean(&draws), sd(&draws), quantile(&draws, 0.5)] {
            assert!(value.is_nan());
        }
    }

    #[test]
    fn chains_stuck_at_different_values_are_worth_one_draw_each() {
        let x: Vec<f64> = (0..400).map(|i| f64::from(i / 100)).collect();
        let ess = mean(&Draws::new(&x, 4).unwrap());
        // All autocorrelations are 1: tau is twice the length of a half, less the few lags that are never read.
        assert!((4.0..4.5).contains(&ess), "{ess}");
    }

    #[test]
    fn a_quantile_outside_zero_and_one_is_no_number() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert!(quantile(&Draws::new(&x, 1).unwrap(), 1.5).is_nan());
    }

    /// AR(1) with coefficient `a` has `tau = (1 + a) / (1 - a)`. The standard deviation of the estimated `tau` is about
    /// `tau sqrt(2 (2 m + 1) / S)` with window `m` about `3 tau` (Madras & Sokal 1988): for a = 0.9, S = 80000 that is
    /// `sqrt(2 * 115 / 80000)` = 5 %, so 4.5 of them are 25 %. The planted mistake (forgetting the 2) would be 47 % off.
    #[test]
    fn an_ar1_process_has_its_known_time() {
        for a in [0.9_f64, 0.5, -0.5] {
            let mut rng = Key::from_seed(7).rng();
            let mut x = Vec::new();
            for _ in 0..4 {
                let mut state = 0.0;
                for t in 0..20_100 {
                    // Centred uniform noise: the autocorrelations do not depend on its law.
                    state = a * state + rng.uniform() - 0.5;
                    if t >= 100 {
                        x.push(state);
                    }
                }
            }
            let tau = x.len() as f64 / mean(&Draws::new(&x, 4).unwrap());
            let expected = (1.0 + a) / (1.0 - a);
            assert!((tau / expected - 1.0).abs() < 0.25, "a = {a}: {tau} against {expected}");
        }
    }
}
