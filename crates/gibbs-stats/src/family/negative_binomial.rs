//! Failures before a known number of successes.

use gibbs_core::key::Rng;

use super::binomial::LARGE_VARIANCE;
use super::distribution::distribution;
use super::error::{in_range, length, positive, same};
use super::geometric::{check_ln_q, kl_of_ln_q, ln_q_of, ln_q_of_mean};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, lattice, support};
use crate::special::{LN_TAU, deviance_ln, factorial_rest, ln_beta, ln_one_minus_exp};

/// The negative binomial law: failures before the `r`-th success, `r > 0` known and any real number. It is the Poisson
/// law with a gamma-distributed rate: mean `r (1-p)/p`, variance `mean / p`.
#[derive(Clone, Debug, PartialEq)]
pub struct NegativeBinomial {
    r: f64,
    ln_q: f64,
}

impl NegativeBinomial {
    /// From the number of successes `r > 0` and their probability, strictly between 0 and 1.
    pub fn new(r: f64, p: f64) -> Result<Self, FamilyError> {
        Self::from_ln_q(r, ln_q_of(Self::NAME, p)?)
    }

    fn from_ln_q(r: f64, ln_q: f64) -> Result<Self, FamilyError> {
        check_ln_q(Self::NAME, ln_q)?;
        in_range(Self { r: positive(Self::NAME, "r", r)?, ln_q })
    }

    /// Number of successes.
    pub fn r(&self) -> f64 {
        self.r
    }

    /// Probability of a success.
    pub fn p(&self) -> f64 {
        -self.ln_q.exp_m1()
    }

    fn log_pmf(&self, k: f64) -> f64 {
        let (r, ln_p) = (self.r, ln_one_minus_exp(self.ln_q));
        if k == 0.0 {
            return r * ln_p;
        }
        let n = r + k;
        let rest = factorial_rest(n) - factorial_rest(r) - factorial_rest(k) + (r / n).ln();
        rest - deviance_ln(r, r.ln(), n * self.p(), n.ln() + ln_p)
            - deviance_ln(k, k.ln(), n * self.ln_q.exp(), n.ln() + self.ln_q)
    }
}

impl ExponentialFamily for NegativeBinomial {
    const NAME: &'static str = "negative binomial";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("r".into(), self.r), ("p".into(), self.p())]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.ln_q]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::from_ln_q(self.r, eta[0])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.r * (self.ln_q.exp() / self.p())]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::from_ln_q(self.r, ln_q_of_mean(Self::NAME, mean[0], self.r)?)
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.r * (self.ln_q.exp() / self.p() / self.p())]
    }

    fn log_partition(&self) -> f64 {
        -self.r * ln_one_minus_exp(self.ln_q)
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0];
    }

    /// `ln C(x + r - 1, x)`.
    fn log_base(&self, x: &[f64]) -> f64 {
        let (k, r) = (x[0], self.r);
        if k == 0.0 { 0.0 } else { -ln_beta(r, k) - k.ln() }
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        (self.r == 1.0).then(|| vec![0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::count(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "r", self.r, other.r)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() { support::log_prob_outside(x) } else { self.log_pmf(x[0]) }
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::negative_binomial(self.r, self.ln_q, rng);
    }

    fn entropy(&self) -> f64 {
        let variance = self.variance()[0];
        if self.r > LARGE_VARIANCE && variance > LARGE_VARIANCE {
            // Edgeworth: half ln(2 pi e variance) minus a twelfth of the squared skewness.
            let q = self.ln_q.exp();
            let skewness = (1.0 + q) / (self.r * q).sqrt();
            return 0.5 * (1.0 + LN_TAU + variance.ln()) - skewness * skewness / 12.0;
        }
        let mode = ((self.r - 1.0).max(0.0) * (self.ln_q.exp() / self.p())).floor();
        // Below r = 1 the tail is as long as that of a geometric law, however small the variance.
        let spread = variance.sqrt().max(self.ln_q.exp() / self.p());
        lattice::sum(mode, spread, f64::MAX, |k| lattice::surprise(self.log_pmf(k)))
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(self.r * kl_of_ln_q(self.ln_q, other.ln_q))
    }
}

/// The beta prior of `p`.
impl Conjugate for NegativeBinomial {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        ln_beta(prior.weight() * prior.central()[0], prior.weight() * self.r + 1.0)
    }
}

distribution!(NegativeBinomial);
