//! Failures before the first success.

use gibbs_core::key::Rng;

use super::distribution::distribution;
use super::error::{USE_A_PRIOR, in_range, length};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::{deviance_ln, ln_beta, ln_one_minus_exp};

/// The geometric law on `0, 1, 2, ..`: failures before the first success, `p(k) = p (1-p)^k`.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometric {
    /// `ln (1 - p)`, the natural parameter.
    ln_q: f64,
}

impl Default for Geometric {
    fn default() -> Self {
        Self { ln_q: -std::f64::consts::LN_2 }
    }
}

impl Geometric {
    /// From the probability of success, strictly between 0 and 1.
    pub fn new(p: f64) -> Result<Self, FamilyError> {
        Self::from_ln_q(ln_q_of(Self::NAME, p)?)
    }

    fn from_ln_q(ln_q: f64) -> Result<Self, FamilyError> {
        check_ln_q(Self::NAME, ln_q)?;
        in_range(Self { ln_q })
    }

    /// Probability of success.
    pub fn p(&self) -> f64 {
        -self.ln_q.exp_m1()
    }
}

/// `ln(1 - p)` of a probability of success.
pub(super) fn ln_q_of(family: &'static str, p: f64) -> Result<f64, FamilyError> {
    if p > 0.0 && p < 1.0 {
        return Ok((-p).ln_1p());
    }
    let wanted = "give a probability strictly between 0 and 1 (1 has an infinite natural parameter)";
    Err(FamilyError::Parameter { family, name: "p", value: p, wanted })
}

/// `Ok` for a negative, finite natural parameter.
pub(super) fn check_ln_q(family: &'static str, ln_q: f64) -> Result<(), FamilyError> {
    if ln_q < 0.0 && ln_q.is_finite() {
        return Ok(());
    }
    Err(FamilyError::Parameter { family, name: "ln(1 - p)", value: ln_q, wanted: "give a negative, finite number" })
}

/// `ln(1 - p)` where `r` successes come after `mean` failures on average.
pub(super) fn ln_q_of_mean(family: &'static str, mean: f64, r: f64) -> Result<f64, FamilyError> {
    if mean > 0.0 && mean.is_finite() {
        // q = mean / (mean + r)
        return Ok(-(r / mean).ln_1p());
    }
    let reason = "no failure at all, or outside the range";
    Err(FamilyError::Mean { family, index: 0, value: mean, reason, advice: USE_A_PRIOR })
}

/// `KL` of geometric laws: that of one trial, times the trials up to a success.
pub(super) fn kl_of_ln_q(p: f64, q: f64) -> f64 {
    let (fail, win) = (|l: f64| (l.exp(), l), |l: f64| (-l.exp_m1(), ln_one_minus_exp(l)));
    let part = |(a, ln_a), (b, ln_b)| deviance_ln(a, ln_a, b, ln_b);
    (part(fail(p), fail(q)) + part(win(p), win(q))) / win(p).0
}

impl ExponentialFamily for Geometric {
    const NAME: &'static str = "geometric";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("p".into(), self.p())]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.ln_q]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::from_ln_q(eta[0])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.ln_q.exp() / self.p()]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::from_ln_q(ln_q_of_mean(Self::NAME, mean[0], 1.0)?)
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.ln_q.exp() / self.p() / self.p()]
    }

    fn log_partition(&self) -> f64 {
        -ln_one_minus_exp(self.ln_q)
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
        support::count(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        x[0] * self.ln_q + ln_one_minus_exp(self.ln_q)
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::geometric(self.ln_q, rng);
    }

    fn entropy(&self) -> f64 {
        -ln_one_minus_exp(self.ln_q) - self.mean()[0] * self.ln_q
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(kl_of_ln_q(self.ln_q, other.ln_q))
    }
}

/// The beta prior of `p`: with `e^eta = q`, `int q^(n t - 1) (1-q)^n dq`.
impl Conjugate for Geometric {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        ln_beta(prior.weight() * prior.central()[0], prior.weight() + 1.0)
    }
}

distribution!(Geometric);
