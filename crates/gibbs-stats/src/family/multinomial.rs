//! Counts of several classes among a known number of trials.

use gibbs_core::key::Rng;

use super::binomial::{expected_rest, whole_trials};
use super::categorical::{
    dirichlet_integral, from_log_odds, from_shares, kl_of_log_probs, log_odds, log_shares, normalised, share_variance,
};
use super::distribution::distribution;
use super::error::{in_range, same};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::{deviance_ln, factorial_rest, ln_gamma};

/// The multinomial law of `n` trials over `K` classes, `n` known: a row holds `K` counts that add up to `n`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multinomial {
    trials: f64,
    log_probs: Vec<f64>,
}

impl Multinomial {
    /// From the number of trials and positive weights, which are divided by their sum; two or more.
    pub fn new(trials: f64, weights: &[f64]) -> Result<Self, FamilyError> {
        let trials = whole_trials(Self::NAME, trials)?;
        in_range(Self { trials, log_probs: log_shares(Self::NAME, weights)? })
    }

    /// From the number of trials and logits.
    pub fn from_logits(trials: f64, logits: &[f64]) -> Result<Self, FamilyError> {
        let trials = whole_trials(Self::NAME, trials)?;
        in_range(Self { trials, log_probs: normalised(Self::NAME, logits)? })
    }

    /// Number of trials.
    pub fn trials(&self) -> f64 {
        self.trials
    }

    /// Log-probabilities of the classes.
    pub fn log_probs(&self) -> &[f64] {
        &self.log_probs
    }

    /// `ln p_k / (1 - p_k)` of every class.
    fn logits(&self) -> impl Iterator<Item = f64> + '_ {
        self.log_probs.iter().map(|&l| l - crate::special::ln_one_minus_exp(l.min(-f64::MIN_POSITIVE)))
    }
}

impl ExponentialFamily for Multinomial {
    const NAME: &'static str = "multinomial";

    fn n_cols(&self) -> usize {
        self.log_probs.len()
    }

    fn n_params(&self) -> usize {
        self.log_probs.len() - 1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        let probs = self.log_probs.iter().enumerate().map(|(k, l)| (format!("p_{k}"), l.exp()));
        std::iter::once(("trials".into(), self.trials)).chain(probs).collect()
    }

    fn natural(&self) -> Vec<f64> {
        log_odds(&self.log_probs)
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        let log_probs = from_log_odds(Self::NAME, eta, self.log_probs.len())?;
        in_range(Self { trials: self.trials, log_probs })
    }

    fn mean(&self) -> Vec<f64> {
        self.log_probs[..self.n_params()].iter().map(|l| self.trials * l.exp()).collect()
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        let log_probs = from_shares(Self::NAME, mean, self.trials, self.log_probs.len())?;
        Ok(Self { trials: self.trials, log_probs })
    }

    fn variance(&self) -> Vec<f64> {
        share_variance(&self.log_probs, self.trials)
    }

    fn log_partition(&self) -> f64 {
        -self.trials * self.log_probs[self.log_probs.len() - 1]
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&x[..out.len()]);
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        ln_gamma(self.trials + 1.0) - x.iter().map(|x| ln_gamma(x + 1.0)).sum::<f64>()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        (self.trials == 1.0).then(|| vec![0.0; self.n_params()])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::counts_of(x, self.trials)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the number of trials", self.trials, other.trials)?;
        same(Self::NAME, "the number of classes", self.log_probs.len() as f64, other.log_probs.len() as f64)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        let part = |(&k, &l): (&f64, &f64)| {
            factorial_rest(k) + deviance_ln(k, k.ln(), self.trials * l.exp(), self.trials.ln() + l)
        };
        factorial_rest(self.trials) - x.iter().zip(&self.log_probs).map(part).sum::<f64>()
    }

    /// Class by class, each a binomial number of the trials that are left.
    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        let mut left = self.trials;
        let mut rest: Vec<f64> = self.log_probs.clone();
        // rest[k] = log probability of the classes from k on.
        for k in (0..rest.len() - 1).rev() {
            rest[k] = crate::softmax::log_sum_exp(&[rest[k], rest[k + 1]]);
        }
        let last = out.len() - 1;
        for k in 0..last {
            let logit = self.log_probs[k] - rest[k + 1];
            out[k] = if left > 0.0 { draw::binomial(left, logit, rng) } else { 0.0 };
            left -= out[k];
        }
        out[last] = left;
    }

    fn entropy(&self) -> f64 {
        self.logits().map(|l| expected_rest(self.trials, l)).sum::<f64>() - factorial_rest(self.trials)
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(self.trials * kl_of_log_probs(&self.log_probs, &other.log_probs))
    }
}

/// The Dirichlet prior, a row standing for all its trials.
impl Conjugate for Multinomial {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        dirichlet_integral(prior, self.trials)
    }
}

distribution!(Multinomial);
