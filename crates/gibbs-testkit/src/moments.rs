//! Averages against expectations.

use gibbs_core::diagnostics::{Draws, ess, mcse};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::check_alpha;

/// Two-sided z-test: fails if `mean`, with standard error `se`, is further from `expected` than a correct normal
/// estimate is with probability `alpha`. A standard error of 0 asks for equality.
///
/// # Errors
/// The distance in standard errors and its bound; or what is wrong with the input.
///
/// # Example
/// ```
/// use gibbs_testkit::z_test;
/// assert!(z_test(1.02, 0.01, 1.0, 1e-4).is_ok()); // 2 of 3.89 standard errors
/// assert!(z_test(1.05, 0.01, 1.0, 1e-4).is_err());
/// ```
pub fn z_test(mean: f64, se: f64, expected: f64, alpha: f64) -> Result<(), String> {
    check_alpha(alpha)?;
    if !(mean.is_finite() && expected.is_finite() && se.is_finite() && se >= 0.0) {
        return Err(format!(
            "{mean} +- {se} cannot be compared with {expected}: all must be finite, the error not negative"
        ));
    }
    let bound = Normal::standard().inverse_cdf(1.0 - alpha / 2.0);
    let distance = (mean - expected).abs();
    if distance <= bound * se {
        return Ok(());
    }
    Err(format!(
        "{mean} +- {se:.2e} is not {expected}: {:.2} standard errors away, more than {bound:.2} (alpha {alpha:e})",
        distance / se
    ))
}

/// [`z_test`] of the mean of correlated draws with its Monte Carlo standard error, refused where the draws are worth
/// fewer than `min_ess` independent ones: a sampler that does not move must not pass because its error is large.
///
/// The error is itself estimated: with an ESS of 100 it is off by some 7 %, so keep `min_ess` at 100 or more.
///
/// # Errors
/// As [`z_test`], or the ESS that is too small (also when no draw ever changes).
pub fn moment_test(draws: &Draws, expected: f64, alpha: f64, min_ess: f64) -> Result<(), String> {
    let ess = ess::mean(draws);
    // Written so that the NaN of constant draws fails.
    if ess >= min_ess {
        return z_test(draws.mean(), mcse::mean(draws), expected, alpha);
    }
    Err(format!(
        "the draws are worth {ess:.1} independent ones, fewer than {min_ess}: draw more, or the sampler hardly moves"
    ))
}

/// [`moment_test`] that draws until there is enough: calls `more` for the next draws of every chain, chain by chain, at
/// most `max_rounds` times, and tests once the ESS reaches `min_ess`.
///
/// There is one test, at the end, and when it comes is decided by the ESS and not by the mean, so its false-alarm rate is
/// `alpha`. Fast samplers stay cheap, slow ones get the draws they need, and stuck ones fail.
///
/// # Errors
/// As [`moment_test`]; or if `more` returns something else than equally long, finite chains.
pub fn sequential_moment_test(
    n_chains: usize,
    mut more: impl FnMut() -> Vec<f64>,
    max_rounds: usize,
    expected: f64,
    alpha: f64,
    min_ess: f64,
) -> Result<(), String> {
    let mut chains: Vec<Vec<f64>> = vec![Vec::new(); n_chains];
    let mut last = Err("no round was allowed: let max_rounds be at least 1".to_owned());
    for _ in 0..max_rounds {
        let batch = more();
        if n_chains == 0 || batch.is_empty() || !batch.len().is_multiple_of(n_chains) {
            return Err(format!("{} new draws do not divide into {n_chains} chains", batch.len()));
        }
        for (chain, new) in chains.iter_mut().zip(batch.chunks_exact(batch.len() / n_chains)) {
            chain.extend_from_slice(new);
        }
        let values = chains.concat();
        let draws = Draws::new(&values, n_chains).map_err(|e| e.to_string())?;
        last = moment_test(&draws, expected, alpha, min_ess);
        if ess::mean(&draws) >= min_ess {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use gibbs_core::key::{Key, Rng};

    /// AR(1) chains around `centre` with coefficient `a` and unit normal noise.
    struct Ar1 {
        state: Vec<f64>,
        a: f64,
        centre: f64,
        rng: Rng,
    }

    impl Ar1 {
        fn new(n_chains: usize, a: f64, centre: f64, seed: u64) -> Self {
            let mut rng = Key::from_seed(seed).rng();
            let sd = (1.0 - a * a).sqrt().recip();
            Self { state: (0..n_chains).map(|_| sd * rng.normal()).collect(), a, centre, rng }
        }

        fn draw(&mut self, n_draws: usize) -> Vec<f64> {
            let mut out = Vec::new();
            for x in &mut self.state {
                for _ in 0..n_draws {
                    *x = self.a * *x + self.rng.normal();
                    out.push(self.centre + *x);
                }
            }
            out
        }
    }

    #[test]
    fn the_bound_is_the_normal_quantile() {
        // 3.8906 is the two-sided quantile of 1e-4.
        assert!(z_test(3.890, 1.0, 0.0, 1e-4).is_ok() && z_test(3.891, 1.0, 0.0, 1e-4).is_err());
        assert!(z_test(-3.891, 1.0, 0.0, 1e-4).is_err());
        assert!(z_test(1.0, 0.0, 1.0, 0.1).is_ok() && z_test(1.0, 0.0, 1.1, 0.1).is_err());
        assert!(z_test(f64::NAN, 1.0, 0.0, 0.1).is_err() && z_test(0.0, -1.0, 0.0, 0.1).is_err());
        assert!(z_test(0.0, f64::INFINITY, 0.0, 0.1).is_err() && z_test(0.0, 1.0, 0.0, 2.0).is_err());
    }

    /// 500 correct chains at alpha = 0.1: about 50 alarms, a few more since the error is estimated (ESS about 210, i.e.
    /// tails as of a t with some tens of degrees of freedom and a bias of the ESS of a few percent: up to 13 %). 28 to 92
    /// is three binomial standard deviations below 50 and above 67. The planted mistake, the standard error of
    /// independent draws, would be sqrt 19 = 4.4 times too small and fail in 70 % of them.
    #[test]
    fn correlated_draws_are_judged_by_their_own_error() {
        let (mut alarms, mut naive) = (0, 0);
        for seed in 0..500 {
            let x = Ar1::new(4, 0.9, 2.0, seed).draw(1000);
            let draws = Draws::new(&x, 4).unwrap();
            alarms += usize::from(moment_test(&draws, 2.0, 0.1, 50.0).is_err());
            naive += usize::from(z_test(draws.mean(), draws.sd() / 4000_f64.sqrt(), 2.0, 0.1).is_err());
        }
        assert!((28..=92).contains(&alarms), "{alarms}");
        assert!(naive > 300, "{naive}");
    }

    #[test]
    fn a_biased_sampler_is_caught_and_a_stuck_one_too() {
        let x = Ar1::new(4, 0.5, 0.0, 1).draw(4000);
        let draws = Draws::new(&x, 4).unwrap();
        moment_test(&draws, 0.0, 1e-4, 400.0).unwrap();
        // sd 1.155, ESS about 5300: 0.1 is 6.3 standard errors, 3.9 allowed.
        assert!(moment_test(&draws, 0.1, 1e-4, 400.0).unwrap_err().contains("standard errors away"));
        let stuck = [0.0; 400];
        assert!(moment_test(&Draws::new(&stuck, 4).unwrap(), 0.0, 1e-4, 400.0).unwrap_err().contains("hardly moves"));
        let apart: Vec<f64> = (0..400).map(|i| f64::from(i / 100) - 1.5).collect();
        assert!(moment_test(&Draws::new(&apart, 4).unwrap(), 0.0, 1e-4, 100.0).unwrap_err().contains("fewer than"));
    }

    #[test]
    fn drawing_goes_on_until_it_is_enough() {
        for (a, at_least) in [(0.0, 1), (0.9, 10)] {
            let mut chain = Ar1::new(4, a, 1.0, 5);
            let mut rounds = 0;
            let more = || {
                rounds += 1;
                chain.draw(200)
            };
            sequential_moment_test(4, more, 200, 1.0, 1e-4, 500.0).unwrap();
            assert!(rounds >= at_least && rounds < 40, "a = {a}: {rounds}");
        }
        // Expected 1.5 at an ESS of 500 with sd 1: 11 standard errors.
        let mut chain = Ar1::new(4, 0.0, 1.0, 5);
        assert!(sequential_moment_test(4, || chain.draw(200), 200, 1.5, 1e-4, 500.0).is_err());
        let stuck = sequential_moment_test(4, || vec![1.0; 400], 3, 1.0, 1e-4, 500.0);
        assert!(stuck.unwrap_err().contains("hardly moves"));
        assert!(sequential_moment_test(4, || vec![1.0; 7], 3, 1.0, 1e-4, 500.0).unwrap_err().contains("7 new draws"));
        assert!(sequential_moment_test(4, Vec::new, 0, 1.0, 1e-4, 500.0).unwrap_err().contains("max_rounds"));
    }
}
