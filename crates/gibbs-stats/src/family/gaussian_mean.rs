//! The normal law of known spread.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{finite, in_range, length, positive, same};
use super::gaussian::{kl_of, log_density};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, support};
use crate::special::LN_TAU;

/// The normal law of unknown mean and known standard deviation: its negative log-likelihood is squared error.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMean {
    mu: f64,
    sigma: f64,
}

impl GaussianMean {
    /// From the mean and the known standard deviation.
    pub fn new(mu: f64, sigma: f64) -> Result<Self, FamilyError> {
        let mu = finite(Self::NAME, "mu", mu)?;
        let member = in_range(Self { mu, sigma: positive(Self::NAME, "sigma", sigma)? })?;
        positive(Self::NAME, "the square of sigma", sigma * sigma)?;
        Ok(member)
    }

    /// The mean.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// The known standard deviation.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }
}

impl ExponentialFamily for GaussianMean {
    const NAME: &'static str = "Gaussian of known spread";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("mu".into(), self.mu), ("sigma".into(), self.sigma)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.mu / self.sigma / self.sigma]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::new(eta[0] * self.sigma * self.sigma, self.sigma)
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.mu]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::new(mean[0], self.sigma)
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.sigma * self.sigma]
    }

    fn log_partition(&self) -> f64 {
        let z = self.mu / self.sigma;
        0.5 * z * z
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0];
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        log_density(x[0], 0.0, self.sigma)
    }

    /// The base measure holds `x^2`, which is no statistic here.
    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        None
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::real(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "sigma", self.sigma, other.sigma)
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
        self.compatible(other)?;
        Ok(kl_of((self.mu, self.sigma), (other.mu, other.sigma)))
    }
}

/// The normal prior of the mean.
impl Conjugate for GaussianMean {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        let (n, z) = (prior.weight(), prior.central()[0] / self.sigma);
        0.5 * n * z * z + 0.5 * (LN_TAU - n.ln()) - self.sigma.ln()
    }
}

distribution!(GaussianMean);
gradient!(GaussianMean, |law, x| -(x - law.mu) / law.sigma / law.sigma);
