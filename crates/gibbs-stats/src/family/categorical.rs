//! One of several classes.

use gibbs_core::key::Rng;

use super::distribution::distribution;
use super::error::{USE_A_PRIOR, finite, in_range, length, same};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::softmax::split;
use crate::special::{deviance_ln, ln_dirichlet};

/// The categorical law on the classes `0..K`: a row holds a class index.
///
/// Its natural parameters are the log-odds against the last class; kept as log-probabilities, precise however small.
#[derive(Clone, Debug, PartialEq)]
pub struct Categorical {
    log_probs: Vec<f64>,
}

impl Categorical {
    /// From positive weights, which are divided by their sum; two or more.
    pub fn new(weights: &[f64]) -> Result<Self, FamilyError> {
        Ok(Self { log_probs: log_shares(Self::NAME, weights)? })
    }

    /// From logits, which mean the same when all are shifted.
    pub fn from_logits(logits: &[f64]) -> Result<Self, FamilyError> {
        Ok(Self { log_probs: normalised(Self::NAME, logits)? })
    }

    /// All of `n_classes >= 2` classes alike.
    pub fn uniform(n_classes: usize) -> Result<Self, FamilyError> {
        Self::new(&vec![1.0; n_classes])
    }

    /// Log-probabilities of the classes.
    pub fn log_probs(&self) -> &[f64] {
        &self.log_probs
    }

    /// Probabilities of the classes.
    pub fn probs(&self) -> Vec<f64> {
        self.log_probs.iter().map(|l| l.exp()).collect()
    }
}

/// Logarithms of positive weights over their sum.
pub(super) fn log_shares(family: &'static str, weights: &[f64]) -> Result<Vec<f64>, FamilyError> {
    if let Some(&value) = weights.iter().find(|w| !(**w > 0.0 && w.is_finite())) {
        let wanted = "give positive, finite weights (a class of probability 0 has an infinite natural parameter)";
        return Err(FamilyError::Parameter { family, name: "a weight", value, wanted });
    }
    normalised(family, &weights.iter().map(|w| w.ln()).collect::<Vec<_>>())
}

/// Logits minus their log-sum-exp.
pub(super) fn normalised(family: &'static str, logits: &[f64]) -> Result<Vec<f64>, FamilyError> {
    if logits.len() < 2 {
        return Err(FamilyError::Length { family, what: "classes", found: logits.len(), wanted: 2 });
    }
    for &l in logits {
        finite(family, "a logit", l)?;
    }
    // The largest is taken off first, so that a probability near 1 keeps its distance to it.
    let (most, rest) = split(logits);
    let out: Vec<f64> = logits.iter().map(|l| (l - most) - rest).collect();
    match out.iter().find(|l| !l.is_finite()) {
        Some(&value) => Err(FamilyError::Range { family, what: "a log-probability", value }),
        None => Ok(out),
    }
}

/// Log-odds against the last class.
pub(super) fn log_odds(log_probs: &[f64]) -> Vec<f64> {
    let (last, rest) = log_probs.split_last().expect("two classes or more");
    rest.iter().map(|l| l - last).collect()
}

/// Log-probabilities from log-odds against the last class.
pub(super) fn from_log_odds(family: &'static str, eta: &[f64], n_classes: usize) -> Result<Vec<f64>, FamilyError> {
    length(family, "natural parameters", eta.len(), n_classes - 1)?;
    let logits: Vec<f64> = eta.iter().copied().chain([0.0]).collect();
    normalised(family, &logits)
}

/// Log-probabilities from the average shares of all classes but the last.
pub(super) fn from_shares(
    family: &'static str,
    shares: &[f64],
    per: f64,
    n_classes: usize,
) -> Result<Vec<f64>, FamilyError> {
    length(family, "mean parameters", shares.len(), n_classes - 1)?;
    let last = per - shares.iter().sum::<f64>();
    let all: Vec<f64> = shares.iter().copied().chain([last]).collect();
    // The last share is a difference: below some roundings it is an unseen class.
    let least = |k: usize| if k + 1 == n_classes { 4.0 * n_classes as f64 * f64::EPSILON * per } else { 0.0 };
    match all.iter().enumerate().find(|(k, s)| !(**s > least(*k) && s.is_finite())) {
        Some((index, &value)) => Err(FamilyError::Mean {
            family,
            index,
            value,
            reason: "a class that was never seen, or shares that do not sum to 1",
            advice: USE_A_PRIOR,
        }),
        None => log_shares(family, &all),
    }
}

/// `p_i (delta_ij - p_j)` without the last class.
pub(super) fn share_variance(log_probs: &[f64], scale: f64) -> Vec<f64> {
    let p: Vec<f64> = log_probs.iter().map(|l| l.exp()).collect();
    let k = p.len() - 1;
    let mut out = vec![0.0; k * k];
    for i in 0..k {
        // 1 - p_i as the sum of the others keeps its digits where p_i is nearly 1.
        let others: f64 = (0..=k).filter(|&j| j != i).map(|j| p[j]).sum();
        for j in 0..k {
            out[i * k + j] = scale * p[i] * if i == j { others } else { -p[j] };
        }
    }
    out
}

/// `KL` of two categorical laws.
pub(super) fn kl_of_log_probs(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| deviance_ln(p.exp(), *p, q.exp(), *q)).sum()
}

impl ExponentialFamily for Categorical {
    const NAME: &'static str = "categorical";

    fn n_params(&self) -> usize {
        self.log_probs.len() - 1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        self.probs().iter().enumerate().map(|(k, p)| (format!("p_{k}"), *p)).collect()
    }

    fn natural(&self) -> Vec<f64> {
        log_odds(&self.log_probs)
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        in_range(Self { log_probs: from_log_odds(Self::NAME, eta, self.log_probs.len())? })
    }

    fn mean(&self) -> Vec<f64> {
        let mut p = self.probs();
        p.pop();
        p
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        Ok(Self { log_probs: from_shares(Self::NAME, mean, 1.0, self.log_probs.len())? })
    }

    fn variance(&self) -> Vec<f64> {
        share_variance(&self.log_probs, 1.0)
    }

    fn log_partition(&self) -> f64 {
        -self.log_probs[self.log_probs.len() - 1]
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        if let Some(o) = out.get_mut(x[0] as usize) {
            *o = 1.0;
        }
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        0.0
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0; self.n_params()])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::class(x, self.log_probs.len())
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the number of classes", self.log_probs.len() as f64, other.log_probs.len() as f64)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() { support::log_prob_outside(x) } else { self.log_probs[x[0] as usize] }
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::index(self.log_probs.iter().map(|l| l.exp()), rng) as f64;
    }

    fn entropy(&self) -> f64 {
        -self.log_probs.iter().map(|l| l.exp() * l).sum::<f64>()
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(kl_of_log_probs(&self.log_probs, &other.log_probs))
    }
}

/// The Dirichlet prior, of parameters `n t_k` and `n (1 - sum t_k)`.
impl Conjugate for Categorical {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        dirichlet_integral(prior, 1.0)
    }
}

/// `ln B(n t_1, .., n (per - sum t))`.
pub(super) fn dirichlet_integral(prior: &Sufficient, per: f64) -> f64 {
    let (n, t) = (prior.weight(), prior.central());
    let last = per - t.iter().sum::<f64>();
    ln_dirichlet(&t.iter().copied().chain([last]).map(|t| n * t).collect::<Vec<_>>())
}

distribution!(Categorical);
