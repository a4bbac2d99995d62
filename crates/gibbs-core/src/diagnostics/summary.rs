//! All diagnostics of one quantity in one row, and in words.

use std::fmt;

use super::draws::Draws;
use super::{ess, mcse, rhat};

/// What the draws of one quantity say of it, and how far they can be trusted.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, Summary, Thresholds, Verdict};
/// use gibbs_core::key::Key;
/// let mut rng = Key::from_seed(1).rng();
/// let independent: Vec<f64> = (0..4000).map(|_| rng.uniform()).collect();
/// let summary = Summary::of(&Draws::new(&independent, 4)?);
/// let verdict = summary.verdict(&Thresholds::default());
/// assert!(matches!(verdict, Verdict::Mixed { .. }));
/// println!("{:.3} +- {:.3}: {verdict}", summary.mean, summary.mcse_mean);
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Chains.
    pub n_chains: usize,
    /// Draws a chain.
    pub n_draws: usize,
    /// Mean over all draws.
    pub mean: f64,
    /// Standard deviation over all draws.
    pub sd: f64,
    /// Monte Carlo standard error of the mean ([`mcse::mean`]).
    pub mcse_mean: f64,
    /// Bulk-ESS ([`ess::bulk`]).
    pub ess_bulk: f64,
    /// Tail-ESS ([`ess::tail`]).
    pub ess_tail: f64,
    /// R-hat ([`rhat::rank`]; for a single chain [`rhat::split`], which compares its halves).
    pub rhat: f64,
}

/// What counts as mixed.
///
/// The defaults are the advice of Vehtari et al. 2021, DOI 10.1214/20-BA1221: R-hat below 1.01, and an ESS of 400 for four
/// chains, i.e. 100 a chain or 50 for each of the halves that R-hat compares, below which R-hat itself is not reliable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// R-hat must be below this.
    pub rhat: f64,
    /// Bulk- and tail-ESS must be above this, times the number of chains.
    pub ess_per_chain: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { rhat: 1.01, ess_per_chain: 100.0 }
    }
}

/// A judgement on chains; its `Display` is a sentence for a report.
///
/// No test can prove that chains mixed: [`Verdict::Mixed`] means that these chains gave no sign of the contrary. A mode
/// that none of them visited leaves no trace in any of them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// R-hat and both ESS are within their thresholds.
    Mixed {
        /// R-hat.
        rhat: f64,
        /// Smaller of bulk- and tail-ESS.
        ess: f64,
    },
    /// R-hat is fine, but the chains are too short to believe it.
    TooFewDraws {
        /// R-hat.
        rhat: f64,
        /// Smaller of bulk- and tail-ESS.
        ess: f64,
        /// The ESS asked for.
        wanted: f64,
    },
    /// The chains disagree.
    NotMixed {
        /// R-hat.
        rhat: f64,
        /// Its threshold.
        threshold: f64,
    },
    /// The quantity never changed: nothing can be said.
    Constant {
        /// Its value.
        value: f64,
    },
}

impl Summary {
    /// All diagnostics of `draws`.
    pub fn of(draws: &Draws) -> Self {
        Self {
            n_chains: draws.n_chains(),
            n_draws: draws.n_draws(),
            mean: draws.mean(),
            sd: draws.sd(),
            mcse_mean: mcse::mean(draws),
            ess_bulk: ess::bulk(draws),
            ess_tail: ess::tail(draws),
            rhat: if draws.n_chains() == 1 { rhat::split(draws) } else { rhat::rank(draws) },
        }
    }

    /// The judgement on these chains.
    pub fn verdict(&self, thresholds: &Thresholds) -> Verdict {
        let (rhat, ess) = (self.rhat, self.ess_bulk.min(self.ess_tail));
        let wanted = thresholds.ess_per_chain * self.n_chains as f64;
        if rhat.is_nan() || ess.is_nan() {
            Verdict::Constant { value: self.mean }
        } else if rhat >= thresholds.rhat {
            Verdict::NotMixed { rhat, threshold: thresholds.rhat }
        } else if ess <= wanted {
            Verdict::TooFewDraws { rhat, ess, wanted }
        } else {
            Verdict::Mixed { rhat, ess }
        }
    }
}

impl Verdict {
    /// Whether averages over these chains may be reported with their standard error.
    pub fn is_mixed(&self) -> bool {
        matches!(self, Verdict::Mixed { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Mixed { rhat, ess } => {
                write!(
                    f,
                    "no sign against mixing: the chains agree (R-hat {rhat:.3}) and are worth {ess:.0} independent draws"
                )
            }
            Verdict::TooFewDraws { rhat, ess, wanted } => write!(
                f,
                "too few draws to judge: the chains agree (R-hat {rhat:.3}) but are worth only {ess:.0} independent draws \
                 where {wanted:.0} are asked for; run them about {:.0} times as long",
                (wanted / ess).ceil()
            ),
            Verdict::NotMixed { rhat, threshold } => write!(
                f,
                "not mixed: the chains disagree (R-hat {rhat:.3}, should be below {threshold}); averages over them are not \
                 to be trusted: run longer, or use a sampler that crosses between modes, such as tempering"
            ),
            Verdict::Constant { value } => write!(
                f,
                "nothing moved: every draw is {value}, so either the quantity is fixed or all chains are stuck in one place"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn noise(n: usize, shift: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut rng = Key::from_seed(2).rng();
        (0..n).map(|i| rng.uniform() + shift(i)).collect()
    }

    fn verdict(x: &[f64], n_chains: usize) -> Verdict {
        Summary::of(&Draws::new(x, n_chains).unwrap()).verdict(&Thresholds::default())
    }

    #[test]
    fn the_four_judgements() {
        assert!(verdict(&noise(4000, |_| 0.0), 4).is_mixed());
        assert!(matches!(verdict(&noise(4000, |i| (i / 1000) as f64), 4), Verdict::NotMixed { .. }));
        assert_eq!(verdict(&[0.5; 400], 4), Verdict::Constant { value: 0.5 });
        let short =
            Summary { ess_bulk: 300.0, ess_tail: 350.0, ..Summary::of(&Draws::new(&noise(4000, |_| 0.0), 4).unwrap()) };
        assert!(matches!(
            short.verdict(&Thresholds::default()),
            Verdict::TooFewDraws { ess: 300.0, wanted: 400.0, .. }
        ));
    }

    #[test]
    fn a_value_at_its_threshold_is_not_good_enough() {
        let at = |rhat: f64, ess_tail: f64| {
            let summary = Summary {
                n_chains: 4,
                n_draws: 1000,
                mean: 0.0,
                sd: 1.0,
                mcse_mean: 0.05,
                ess_bulk: 500.0,
                ess_tail,
                rhat,
            };
            summary.verdict(&Thresholds::default())
        };
        assert_eq!(at(1.0099, 401.0), Verdict::Mixed { rhat: 1.0099, ess: 401.0 });
        assert_eq!(at(1.01, 401.0), Verdict::NotMixed { rhat: 1.01, threshold: 1.01 });
        assert_eq!(at(1.0, 400.0), Verdict::TooFewDraws { rhat: 1.0, ess: 400.0, wanted: 400.0 });
        assert_eq!(at(f64::NAN, 400.0), Verdict::Constant { value: 0.0 });
    }

    #[test]
    fn one_chain_that_drifts_is_found_out() {
        assert!(matches!(verdict(&noise(1000, |i| i as f64 / 300.0), 1), Verdict::NotMixed { .. }));
        assert!(verdict(&noise(1000, |_| 0.0), 1).is_mixed());
    }

    #[test]
    fn sentences_hold_the_numbers() {
        let stuck: Vec<f64> = (0..40).map(|i| f64::from(i / 10)).collect();
        assert!(
            verdict(&stuck, 4)
                .to_string()
                .starts_with("not mixed: the chains disagree (R-hat inf, should be below 1.01)")
        );
        let few = Verdict::TooFewDraws { rhat: 1.004, ess: 90.0, wanted: 400.0 }.to_string();
        assert!(few.contains("worth only 90") && few.contains("5 times as long"), "{few}");
        assert!(verdict(&[0.5; 400], 4).to_string().contains("every draw is 0.5"));
    }
}
