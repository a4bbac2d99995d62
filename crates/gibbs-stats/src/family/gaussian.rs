//! The normal law of unknown mean and spread.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{USE_A_PRIOR, finite, in_range, length, positive};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, support};
use crate::special::{LN_TAU, deviance, ln_gamma};
use std::f64::consts::LN_2;

/// The normal law of mean `mu` and standard deviation `sigma`, both unknown.
///
/// Four ways in: [`Gaussian::new`] (standard deviation), [`Gaussian::from_variance`], [`Gaussian::from_precision`] and
/// natural parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mu: f64,
    sigma: f64,
}

impl Default for Gaussian {
    fn default() -> Self {
        Self { mu: 0.0, sigma: 1.0 }
    }
}

impl Gaussian {
    /// From mean and standard deviation.
    pub fn new(mu: f64, sigma: f64) -> Result<Self, FamilyError> {
        let mu = finite(Self::NAME, "mu", mu)?;
        let member = in_range(Self { mu, sigma: positive(Self::NAME, "sigma", sigma)? })?;
        positive(Self::NAME, "the square of sigma", sigma * sigma)?;
        Ok(member)
    }

    /// From mean and variance.
    pub fn from_variance(mu: f64, variance: f64) -> Result<Self, FamilyError> {
        Self::new(mu, positive(Self::NAME, "the variance", variance)?.sqrt())
    }

    /// From mean and precision, one over the variance.
    pub fn from_precision(mu: f64, precision: f64) -> Result<Self, FamilyError> {
        Self::new(mu, positive(Self::NAME, "the precision", precision)?.sqrt().recip())
    }

    /// The mean.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// The standard deviation.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The variance of `x` (not of the statistics, as [`ExponentialFamily::variance`]).
    pub fn variance_of_x(&self) -> f64 {
        self.sigma * self.sigma
    }
}

/// `ln p` of a normal law.
pub(super) fn log_density(x: f64, mu: f64, sigma: f64) -> f64 {
    let z = (x - mu) / sigma;
    -0.5 * LN_TAU - sigma.ln() - 0.5 * z * z
}

/// Natural parameters of `(x, x^2)`.
pub(super) fn natural_of(mu: f64, sigma: f64) -> Vec<f64> {
    vec![mu / sigma / sigma, -0.5 / sigma / sigma]
}

/// Mean and standard deviation from natural parameters.
pub(super) fn from_natural(family: &'static str, eta: &[f64]) -> Result<(f64, f64), FamilyError> {
    length(family, "natural parameters", eta.len(), 2)?;
    let precision = positive(family, "minus twice the second natural parameter", -2.0 * eta[1])?;
    Ok((eta[0] / precision, precision.sqrt().recip()))
}

/// Mean and standard deviation from the averages of `x` and of `(x - mean)^2`.
pub(super) fn from_central(family: &'static str, mean: f64, central: f64) -> Result<(f64, f64), FamilyError> {
    if mean.is_finite() && central > 0.0 && central.is_finite() {
        return Ok((mean, central.sqrt()));
    }
    let reason = "no spread (a constant column), or not finite";
    Err(FamilyError::Mean { family, index: 1, value: central, reason, advice: USE_A_PRIOR })
}

/// `Var[(x, x^2)]`.
pub(super) fn variance_of(mu: f64, sigma: f64) -> Vec<f64> {
    let s = sigma * sigma;
    vec![s, 2.0 * mu * s, 2.0 * mu * s, 2.0 * s * (s + 2.0 * mu * mu)]
}

/// `KL` of two normal laws.
pub(super) fn kl_of((mu, sigma): (f64, f64), (mu_q, sigma_q): (f64, f64)) -> f64 {
    let z = (mu - mu_q) / sigma_q;
    0.5 * (deviance(1.0, (sigma / sigma_q).powi(2)) + z * z)
}

/// The normal-gamma prior of mean and precision.
pub(super) fn normal_gamma_integral(prior: &Sufficient) -> f64 {
    let (n, c) = (prior.weight(), prior.central()[1]);
    let half = 0.5 * (n + 3.0);
    -LN_2 + 0.5 * (LN_TAU - n.ln()) + ln_gamma(half) - half * (0.5 * n * c).ln()
}

/// `mean log p` of normal data from their mean, central moment and base measure.
pub(super) fn mean_log_density(data: &Sufficient, mu: f64, sigma: f64) -> f64 {
    let (z, central) = ((data.central()[0] - mu) / sigma, data.central()[1]);
    data.mean_log_base() - sigma.ln() - 0.5 * (z * z + central / sigma / sigma)
}

impl ExponentialFamily for Gaussian {
    const NAME: &'static str = "Gaussian";

    fn n_params(&self) -> usize {
        2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("mu".into(), self.mu), ("sigma".into(), self.sigma)]
    }

    fn natural(&self) -> Vec<f64> {
        natural_of(self.mu, self.sigma)
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        let (mu, sigma) = from_natural(Self::NAME, eta)?;
        Self::new(mu, sigma)
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.mu, self.sigma * self.sigma + self.mu * self.mu]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 2)?;
        let (mu, sigma) = from_central(Self::NAME, mean[0], mean[1] - mean[0] * mean[0])?;
        Self::new(mu, sigma)
    }

    fn variance(&self) -> Vec<f64> {
        variance_of(self.mu, self.sigma)
    }

    fn log_partition(&self) -> f64 {
        let z = self.mu / self.sigma;
        0.5 * z * z + self.sigma.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&[x[0], x[0] * x[0]]);
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        -0.5 * LN_TAU
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0, 0.0])
    }

    fn products(&self) -> Vec<(usize, usize, usize)> {
        vec![(0, 0, 1)]
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::real(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        log_density(x[0], self.mu, self.sigma)
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = self.mu + self.sigma * rng.normal();
    }

    fn entropy(&self) -> f64 {
        0.5 * (1.0 + LN_TAU) + self.sigma.ln()
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(kl_of((self.mu, self.sigma), (other.mu, other.sigma)))
    }

    fn maximum_likelihood(&self, data: &Sufficient) -> Result<Self, FamilyError> {
        data.check::<Self>(2)?;
        let (mu, sigma) = from_central(Self::NAME, data.central()[0], data.central()[1])?;
        Self::new(mu, sigma)
    }

    fn mean_log_prob(&self, data: &Sufficient) -> Result<f64, FamilyError> {
        data.check::<Self>(2)?;
        Ok(mean_log_density(data, self.mu, self.sigma))
    }
}

/// The normal-gamma prior.
impl Conjugate for Gaussian {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        normal_gamma_integral(prior)
    }
}

distribution!(Gaussian);
gradient!(Gaussian, |law, x| -(x - law.mu) / law.sigma / law.sigma);
