//! Waiting times without memory.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{USE_A_PRIOR, in_range, length, positive};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::{deviance, ln_gamma};

/// The exponential law of a rate: `p(x) = rate e^(-rate x)` for `x >= 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    rate: f64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { rate: 1.0 }
    }
}

impl Exponential {
    /// From the rate, which is one over the mean.
    pub fn new(rate: f64) -> Result<Self, FamilyError> {
        in_range(Self { rate: positive(Self::NAME, "the rate", rate)? })
    }

    /// The rate.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// One over the average of a statistic that scales with the unit, an error at 0.
pub(super) fn rate_of_mean(family: &'static str, mean: f64) -> Result<f64, FamilyError> {
    if mean > 0.0 && mean.is_finite() {
        return Ok(mean.recip());
    }
    let reason = "all of it at the end of the support, or outside the range";
    Err(FamilyError::Mean { family, index: 0, value: mean, reason, advice: USE_A_PRIOR })
}

/// `ln int_0^inf theta^n e^(-n t theta) d theta`, the gamma prior of a rate.
pub(super) fn rate_integral(prior: &Sufficient) -> f64 {
    let (n, t) = (prior.weight(), prior.central()[0]);
    ln_gamma(n + 1.0) - (n + 1.0) * (n * t).ln()
}

impl ExponentialFamily for Exponential {
    const NAME: &'static str = "exponential";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("rate".into(), self.rate)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![-self.rate]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::new(-eta[0])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.rate.recip()]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::new(rate_of_mean(Self::NAME, mean[0])?)
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.rate.recip().powi(2)]
    }

    fn log_partition(&self) -> f64 {
        -self.rate.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0];
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        0.0
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::not_negative(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() { support::log_prob_outside(x) } else { self.rate.ln() - self.rate * x[0] }
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::exponential(rng) / self.rate;
    }

    fn entropy(&self) -> f64 {
        1.0 - self.rate.ln()
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(deviance(1.0, other.rate / self.rate))
    }
}

/// The gamma prior of the rate.
impl Conjugate for Exponential {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        rate_integral(prior)
    }
}

distribution!(Exponential);
gradient!(Exponential, |law, _| -law.rate);
