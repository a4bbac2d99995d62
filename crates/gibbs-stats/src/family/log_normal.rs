//! Products of many small factors.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{finite, in_range, length, positive};
use super::gaussian::{
    from_central, from_natural, kl_of, log_density, mean_log_density, natural_of, normal_gamma_integral, variance_of,
};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::LN_TAU;

/// The log-normal law: `ln x` is normal of mean `mu` and standard deviation `sigma`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogNormal {
    mu: f64,
    sigma: f64,
}

impl Default for LogNormal {
    fn default() -> Self {
        Self { mu: 0.0, sigma: 1.0 }
    }
}

impl LogNormal {
    /// From mean and standard deviation of `ln x`.
    pub fn new(mu: f64, sigma: f64) -> Result<Self, FamilyError> {
        let mu = finite(Self::NAME, "mu", mu)?;
        let member = in_range(Self { mu, sigma: positive(Self::NAME, "sigma", sigma)? })?;
        positive(Self::NAME, "the square of sigma", sigma * sigma)?;
        Ok(member)
    }

    /// The mean of `ln x`.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// The standard deviation of `ln x`.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }
}

impl ExponentialFamily for LogNormal {
    const NAME: &'static str = "log-normal";

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
        let ln_x = x[0].ln();
        out.copy_from_slice(&[ln_x, ln_x * ln_x]);
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        -0.5 * LN_TAU - x[0].ln()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![-1.0, 0.0])
    }

    fn products(&self) -> Vec<(usize, usize, usize)> {
        vec![(0, 0, 1)]
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::positive(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        let ln_x = x[0].ln();
        log_density(ln_x, self.mu, self.sigma) - ln_x
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::keep_positive((self.mu + self.sigma * rng.normal()).exp());
    }

    fn entropy(&self) -> f64 {
        0.5 * (1.0 + LN_TAU) + self.sigma.ln() + self.mu
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

/// The normal-gamma prior of mean and precision of `ln x`.
impl Conjugate for LogNormal {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        normal_gamma_integral(prior)
    }
}

distribution!(LogNormal);
gradient!(LogNormal, |law, x| -(1.0 + (x.ln() - law.mu) / law.sigma / law.sigma) / x);
