//! One yes-or-no outcome.

use gibbs_core::key::Rng;

use super::distribution::distribution;
use super::error::{USE_A_PRIOR, finite, length};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, support};
use crate::special::{deviance_ln, ln_beta, sigmoid, softplus};

/// Bernoulli's law on `{0, 1}`: `p(1) = sigmoid(logit)`; its canonical link is the logit, `A(theta) = ln(1 + e^theta)`.
///
/// Kept as the logit, so that both tails are precise at any size of it.
///
/// # Example
/// ```
/// use gibbs_stats::family::{Bernoulli, ExponentialFamily};
/// let p = Bernoulli::from_logit(-1000.0)?;
/// assert_eq!((p.log_prob(&[1.0]), p.log_prob(&[0.0])), (-1000.0, 0.0));
/// # Ok::<(), gibbs_stats::family::FamilyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bernoulli {
    logit: f64,
}

impl Bernoulli {
    /// From the probability of 1, strictly between 0 and 1.
    pub fn new(p: f64) -> Result<Self, FamilyError> {
        Ok(Self { logit: logit_of(Self::NAME, p)? })
    }

    /// From the log-odds.
    pub fn from_logit(logit: f64) -> Result<Self, FamilyError> {
        Ok(Self { logit: finite(Self::NAME, "the logit", logit)? })
    }

    /// Log-odds.
    pub fn logit(&self) -> f64 {
        self.logit
    }

    /// Probability of 1.
    pub fn p(&self) -> f64 {
        sigmoid(self.logit)
    }
}

/// Log-odds of a probability strictly between 0 and 1.
pub(super) fn logit_of(family: &'static str, p: f64) -> Result<f64, FamilyError> {
    if p > 0.0 && p < 1.0 {
        Ok(p.ln() - (-p).ln_1p())
    } else {
        let wanted = "give a probability strictly between 0 and 1 (0 and 1 have infinite natural parameters)";
        Err(FamilyError::Parameter { family, name: "p", value: p, wanted })
    }
}

/// Log-odds of an average share of successes, an error on the boundary.
pub(super) fn logit_of_mean(family: &'static str, mean: f64, per: f64) -> Result<f64, FamilyError> {
    logit_of(family, mean / per).map_err(|_| FamilyError::Mean {
        family,
        index: 0,
        value: mean,
        reason: "all outcomes alike, or outside the range",
        advice: USE_A_PRIOR,
    })
}

/// `KL` of Bernoulli laws from their logits.
pub(super) fn kl_of_logits(p: f64, q: f64) -> f64 {
    let part =
        |sign: f64| deviance_ln(sigmoid(sign * p), -softplus(-sign * p), sigmoid(sign * q), -softplus(-sign * q));
    part(1.0) + part(-1.0)
}

/// Entropy of a Bernoulli law from its logit.
pub(super) fn entropy_of_logit(logit: f64) -> f64 {
    let far = -logit.abs();
    softplus(far) - far * sigmoid(far)
}

impl ExponentialFamily for Bernoulli {
    const NAME: &'static str = "Bernoulli";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("p".into(), self.p())]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.logit]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::from_logit(eta[0])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.p()]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Ok(Self { logit: logit_of_mean(Self::NAME, mean[0], 1.0)? })
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.p() * sigmoid(-self.logit)]
    }

    fn log_partition(&self) -> f64 {
        softplus(self.logit)
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
        support::class(x, 2)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if x[0] == 1.0 {
            -softplus(-self.logit)
        } else if x[0] == 0.0 {
            -softplus(self.logit)
        } else {
            support::log_prob_outside(x)
        }
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = f64::from(u8::from(rng.uniform() < self.p()));
    }

    fn entropy(&self) -> f64 {
        entropy_of_logit(self.logit)
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(kl_of_logits(self.logit, other.logit))
    }
}

/// The beta prior: the integral is `B(n t, n (1 - t))`.
impl Conjugate for Bernoulli {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        let (n, t) = (prior.weight(), prior.central()[0]);
        ln_beta(n * t, n * (1.0 - t))
    }
}

distribution!(Bernoulli);
