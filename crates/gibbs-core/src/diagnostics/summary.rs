//! One scalar's chains in one row, with a plain sentence.

use super::draws::{mean, variance};
use super::{Draws, ess, rhat};

/// Largest R-hat of chains that are called mixed (Vehtari et al. 2021, section 4.4).
pub const RHAT_LIMIT: f64 = 1.01;
/// Effective draws a chain that are asked for (the same source asks for 400 over four chains).
pub const ESS_PER_CHAIN: f64 = 100.0;

/// What the chains of one scalar say.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Mean of all draws.
    pub mean: f64,
    /// Standard deviation of all draws.
    pub sd: f64,
    /// Monte Carlo standard error of the mean, `sd / sqrt(ESS of the mean)`.
    pub mcse: f64,
    /// Effective sample size of the centre.
    pub ess_bulk: f64,
    /// Effective sample size of the tails.
    pub ess_tail: f64,
    /// Rank-normalised split R-hat; NaN if nothing moves.
    pub rhat: f64,
    /// Number of chains.
    pub n_chains: usize,
}

impl Summary {
    /// Summarises.
    pub fn new(x: &Draws) -> Self {
        let sd = variance(x.values()).sqrt();
        Self {
            mean: mean(x.values()),
            sd,
            mcse: sd / ess::of_mean(x).sqrt(),
            ess_bulk: ess::bulk(x),
            ess_tail: ess::tail(x),
            rhat: rhat::rank_normalised(x),
            n_chains: x.n_chains(),
        }
    }

    /// Whether R-hat and effective sample size are what is asked for: R-hat below 1.01, and an ESS of at least 400
    /// (100 a chain for up to four chains; more chains share the 400).
    pub fn mixed(&self) -> bool {
        let wanted = ESS_PER_CHAIN * self.n_chains.min(4) as f64;
        self.rhat < RHAT_LIMIT && self.ess_bulk >= wanted && self.ess_tail >= wanted
    }
}
