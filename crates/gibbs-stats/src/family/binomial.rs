//! Successes among a known number of trials.

use gibbs_core::key::Rng;

use super::bernoulli::{kl_of_logits, logit_of, logit_of_mean};
use super::distribution::distribution;
use super::error::{finite, in_range, length, same};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, lattice, support};
use crate::special::{LN_TAU, deviance_ln, factorial_rest, ln_beta, sigmoid, softplus};

/// Beyond this variance entropies are taken from their expansion in `1/variance`, whose second order is below 1e-14.
pub(super) const LARGE_VARIANCE: f64 = 1e7;

/// The binomial law of `n` trials, `n` known.
///
/// # Example
/// ```
/// use gibbs_stats::family::{Binomial, ExponentialFamily};
/// // A billion fair coins: the probability of exactly half is sqrt(2 / (pi n)) up to 1/(4n).
/// let coins = Binomial::new(1e9, 0.5)?;
/// let expected = (2.0 / (std::f64::consts::PI * 1e9)).sqrt().ln() - 0.25e-9;
/// assert!((coins.log_prob(&[5e8]) - expected).abs() < 1e-13);
/// # Ok::<(), gibbs_stats::family::FamilyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Binomial {
    trials: f64,
    logit: f64,
}

impl Binomial {
    /// From the number of trials (a whole number, up to 2^53) and the probability of success.
    pub fn new(trials: f64, p: f64) -> Result<Self, FamilyError> {
        Self::from_logit(trials, logit_of(Self::NAME, p)?)
    }

    /// From the number of trials and the log-odds.
    pub fn from_logit(trials: f64, logit: f64) -> Result<Self, FamilyError> {
        let trials = whole_trials(Self::NAME, trials)?;
        in_range(Self { trials, logit: finite(Self::NAME, "the logit", logit)? })
    }

    /// Number of trials.
    pub fn trials(&self) -> f64 {
        self.trials
    }

    /// Log-odds of a success.
    pub fn logit(&self) -> f64 {
        self.logit
    }

    /// Probability of a success.
    pub fn p(&self) -> f64 {
        sigmoid(self.logit)
    }
}

/// A number of trials: whole, at least 1, with neighbours that a double tells apart.
pub(super) fn whole_trials(family: &'static str, trials: f64) -> Result<f64, FamilyError> {
    if trials >= 1.0 && trials <= (1u64 << 53) as f64 && trials.fract() == 0.0 {
        return Ok(trials);
    }
    let wanted = "give a whole number from 1 to 2^53";
    Err(FamilyError::Parameter { family, name: "the number of trials", value: trials, wanted })
}

/// `log p(k)`.
pub(super) fn log_pmf(k: f64, n: f64, logit: f64) -> f64 {
    let rest = factorial_rest(n) - factorial_rest(k) - factorial_rest(n - k);
    let part = |k: f64, l: f64| deviance_ln(k, k.ln(), n * sigmoid(l), n.ln() - softplus(-l));
    rest - part(k, logit) - part(n - k, -logit)
}

/// `E[ln X! - (X ln X - X) + X ln(X / m) + m - X]` for a binomial `X` of mean `m`: the part of an entropy that one kind
/// of outcome brings.
pub(super) fn expected_rest(n: f64, logit: f64) -> f64 {
    let (p, q) = (sigmoid(logit), sigmoid(-logit));
    let m = n * p;
    if m * q > LARGE_VARIANCE {
        // The delta method: moments of X about m are m q, m q (q - p), 3 (m q)^2.
        return 0.5 * (LN_TAU + m.ln()) + 0.5 * q + (1.0 / 12.0 - q / 4.0 - q * (q - p) / 6.0 + q * q / 4.0) / m;
    }
    let ln_m = n.ln() - softplus(-logit);
    lattice::sum(m, (m * q).sqrt(), n, |k| {
        log_pmf(k, n, logit).exp() * (factorial_rest(k) + deviance_ln(k, k.ln(), m, ln_m))
    })
}

impl ExponentialFamily for Binomial {
    const NAME: &'static str = "binomial";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("trials".into(), self.trials), ("p".into(), self.p())]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.logit]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::from_logit(self.trials, eta[0])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.trials * self.p()]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        Self::from_logit(self.trials, logit_of_mean(Self::NAME, mean[0], self.trials)?)
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.trials * self.p() * sigmoid(-self.logit)]
    }

    fn log_partition(&self) -> f64 {
        self.trials * softplus(self.logit)
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0];
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        crate::special::ln_choose(self.trials, x[0])
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        (self.trials == 1.0).then(|| vec![0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::count_to(x, self.trials)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the number of trials", self.trials, other.trials)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        log_pmf(x[0], self.trials, self.logit)
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::binomial(self.trials, self.logit, rng);
    }

    fn entropy(&self) -> f64 {
        let (n, variance) = (self.trials, self.variance()[0]);
        if variance > LARGE_VARIANCE {
            return expected_rest(n, self.logit) + expected_rest(n, -self.logit) - factorial_rest(n);
        }
        let mode = ((n + 1.0) * self.p()).floor();
        lattice::sum(mode, variance.sqrt(), n, |k| lattice::surprise(log_pmf(k, n, self.logit)))
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(self.trials * kl_of_logits(self.logit, other.logit))
    }
}

/// The beta prior, a row standing for all its trials.
impl Conjugate for Binomial {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        let (n, t) = (prior.weight(), prior.central()[0]);
        ln_beta(n * t, n * (self.trials - t))
    }
}

distribution!(Binomial);
