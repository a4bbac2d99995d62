//! Counts of rare events.

use gibbs_core::key::Rng;

use super::binomial::LARGE_VARIANCE;
use super::distribution::distribution;
use super::error::{USE_A_PRIOR, in_range, length, positive};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, lattice, support};
use crate::special::{LN_TAU, deviance_ln, factorial_rest, ln_gamma};

/// The Poisson law of a rate: `p(k) = rate^k e^-rate / k!`.
#[derive(Clone, Debug, PartialEq)]
pub struct Poisson {
    rate: f64,
    ln_rate: f64,
}

impl Default for Poisson {
    fn default() -> Self {
        Self { rate: 1.0, ln_rate: 0.0 }
    }
}

impl Poisson {
    /// From the rate, which is the mean and the variance.
    pub fn new(rate: f64) -> Result<Self, FamilyError> {
        in_range(Self { rate: positive(Self::NAME, "the rate", rate)?, ln_rate: rate.ln() })
    }

    /// The rate.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// `log p(k)`.
pub(super) fn log_pmf(k: f64, rate: f64, ln_rate: f64) -> f64 {
    -factorial_rest(k) - deviance_ln(k, k.ln(), rate, ln_rate)
}

impl ExponentialFamily for Poisson {
    const NAME: &'static str = "Poisson";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("rate".into(), self.rate())]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.ln_rate]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        let ln_rate = super::error::finite(Self::NAME, "the logarithm of the rate", eta[0])?;
        in_range(Self { rate: ln_rate.exp(), ln_rate })
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.rate()]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::new(mean[0]).map_err(|_| FamilyError::Mean {
            family: Self::NAME,
            index: 0,
            value: mean[0],
            reason: "no event at all, or outside the range",
            advice: USE_A_PRIOR,
        })
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.rate()]
    }

    fn log_partition(&self) -> f64 {
        self.rate()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0];
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        -ln_gamma(x[0] + 1.0)
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        None
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::count(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        log_pmf(x[0], self.rate(), self.ln_rate)
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::poisson(self.rate(), rng);
    }

    fn entropy(&self) -> f64 {
        let rate = self.rate();
        if rate > LARGE_VARIANCE {
            return 0.5 * (1.0 + LN_TAU + self.ln_rate) - (1.0 + 0.5 / rate) / (12.0 * rate);
        }
        lattice::sum(rate, rate.sqrt(), f64::MAX, |k| lattice::surprise(log_pmf(k, rate, self.ln_rate)))
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(deviance_ln(self.rate(), self.ln_rate, other.rate(), other.ln_rate))
    }
}

/// The gamma prior of the rate: `Γ(n t) / n^(n t)`.
impl Conjugate for Poisson {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        let (n, t) = (prior.weight(), prior.central()[0]);
        ln_gamma(n * t) - n * t * n.ln()
    }
}

distribution!(Poisson);
