//! Random shares that add up to one.

use gibbs_core::key::Rng;

use super::distribution::distribution;
use super::error::{USE_A_PRIOR, in_range, length, positive, same};
use super::{ExponentialFamily, FamilyError, Fault, draw, support};
use crate::softmax::log_sum_exp;
use crate::special::{
    LN_TAU, deviance_ln, digamma, factorial_rest, inverse_digamma, ln_dirichlet, ln_minus_digamma, stirling_error,
    trigamma,
};

/// Dirichlet's law on the simplex: `p(x) = prod x_k^(alpha_k - 1) / B(alpha)`, the density over the first `K - 1`
/// shares. A row holds all `K`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dirichlet {
    alpha: Vec<f64>,
}

impl Dirichlet {
    /// From two or more positive concentrations.
    pub fn new(alpha: &[f64]) -> Result<Self, FamilyError> {
        if alpha.len() < 2 {
            return Err(FamilyError::Length { family: Self::NAME, what: "shares", found: alpha.len(), wanted: 2 });
        }
        for &a in alpha {
            positive(Self::NAME, "a concentration", a)?;
        }
        in_range(Self { alpha: alpha.to_vec() })
    }

    /// All of `n_shares >= 2` concentrations 1.
    pub fn uniform(n_shares: usize) -> Result<Self, FamilyError> {
        Self::new(&vec![1.0; n_shares])
    }

    /// The concentrations.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }
}

/// `log p` of shares `x` with logarithms `ln_x`: the multinomial pmf read the other way.
pub(super) fn log_density(alpha: &[f64], x: &[f64], ln_x: &[f64]) -> f64 {
    let sum: f64 = alpha.iter().sum();
    let mut out = factorial_rest(sum) - sum.ln();
    for ((&a, x), ln_x) in alpha.iter().zip(x).zip(ln_x) {
        out += a.ln() - ln_x - factorial_rest(a) - deviance_ln(a, a.ln(), sum * x, sum.ln() + ln_x);
    }
    out
}

/// `E[ln x_k] = ψ(alpha_k) - ψ(sum)`.
pub(super) fn mean_ln(alpha: &[f64]) -> Vec<f64> {
    let sum: f64 = alpha.iter().sum();
    let of_sum = ln_minus_digamma(sum);
    alpha.iter().map(|&a| (a / sum).ln() + of_sum - ln_minus_digamma(a)).collect()
}

/// `ψ'(alpha_i) delta_ij - ψ'(sum)`.
pub(super) fn variance_ln(alpha: &[f64]) -> Vec<f64> {
    let (k, of_sum) = (alpha.len(), trigamma(alpha.iter().sum()));
    let mut out = vec![-of_sum; k * k];
    for (i, &a) in alpha.iter().enumerate() {
        out[i * k + i] += trigamma(a);
    }
    out
}

/// Entropy, the large parts cancelled.
pub(super) fn entropy_of(alpha: &[f64]) -> f64 {
    let (sum, k): (f64, f64) = (alpha.iter().sum(), alpha.len() as f64);
    let part = |&a: &f64| 0.5 * a.ln() + stirling_error(a) + (a - 1.0) * ln_minus_digamma(a);
    alpha.iter().map(part).sum::<f64>() + (0.5 - k) * sum.ln() + 0.5 * (k - 1.0) * LN_TAU
        - stirling_error(sum)
        - (sum - k) * ln_minus_digamma(sum)
}

/// The concentrations whose `E[ln x_k]` are `mean`: Newton's method on the convex `ln B(alpha) - alpha . mean`, whose
/// Hessian is diagonal plus one rank (Minka 2000, *Estimating a Dirichlet distribution*), with halved steps where a full
/// one leaves the positive numbers or turns the slope round.
pub(super) fn solve(family: &'static str, mean: &[f64]) -> Result<Vec<f64>, FamilyError> {
    let total = log_sum_exp(mean);
    // What rounding of the means can do to the total: each counts by its share in it.
    let noise = 8.0 * f64::EPSILON * mean.iter().map(|m| (m - total).exp() * m.abs()).sum::<f64>();
    if !(total < -noise && mean.iter().all(|m| m.is_finite())) {
        let reason = "all rows alike, or outside the range: the exponentials of the means must add up to less than 1";
        return Err(FamilyError::Mean { family, index: 0, value: mean[0], reason, advice: USE_A_PRIOR });
    }
    // Concentrated laws have sum (K-1) / (-2 total) near enough; spread ones are approached by Minka's fixed point.
    let sum = 0.5 * (mean.len() as f64 - 1.0) / -total;
    let mut alpha: Vec<f64> = mean.iter().map(|m| (sum * (m - total).exp()).max(f64::MIN_POSITIVE)).collect();
    for _ in 0..30 {
        let of_sum = digamma(alpha.iter().sum());
        alpha.iter_mut().zip(mean).for_each(|(a, m)| *a = inverse_digamma(of_sum + m).max(f64::MIN_POSITIVE));
    }
    let slope = |alpha: &[f64]| -> Vec<f64> {
        let of_sum = digamma(alpha.iter().sum());
        alpha.iter().zip(mean).map(|(&a, m)| digamma(a) - of_sum - m).collect()
    };
    let mut g = slope(&alpha);
    for _ in 0..1000 {
        let d: Vec<f64> = alpha.iter().map(|&a| trigamma(a)).collect();
        let z = trigamma(alpha.iter().sum());
        let (top, bottom) = g.iter().zip(&d).fold((0.0, 0.0), |(t, b), (g, d)| (t + g / d, b + d.recip()));
        let shift = top / (bottom - z.recip());
        let step: Vec<f64> = g.iter().zip(&d).map(|(g, d)| -(g - shift) / d).collect();
        let downhill: f64 = g.iter().zip(&step).map(|(g, s)| g * s).sum();
        // Rounding has the last word where the Hessian is all but singular.
        if !(downhill < 0.0 && downhill.is_finite()) {
            break;
        }
        let mut t = 1.0;
        loop {
            let next: Vec<f64> = alpha.iter().zip(&step).map(|(a, s)| a + t * s).collect();
            if next.iter().all(|a| *a > 0.0) {
                let g_next = slope(&next);
                let after: f64 = g_next.iter().zip(&step).map(|(g, s)| g * s).sum();
                if after <= 0.9 * downhill.abs() || t < 1e-3 {
                    (alpha, g) = (next, g_next);
                    break;
                }
            }
            t *= 0.5;
        }
        if step.iter().zip(&alpha).all(|(s, a)| (t * s).abs() <= 1e-14 * a) {
            break;
        }
    }
    Ok(alpha)
}

impl ExponentialFamily for Dirichlet {
    const NAME: &'static str = "Dirichlet";

    fn n_cols(&self) -> usize {
        self.alpha.len()
    }

    fn n_params(&self) -> usize {
        self.alpha.len()
    }

    fn customary(&self) -> Vec<(String, f64)> {
        self.alpha.iter().enumerate().map(|(k, a)| (format!("alpha_{k}"), *a)).collect()
    }

    fn natural(&self) -> Vec<f64> {
        self.alpha.clone()
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), self.alpha.len())?;
        Self::new(eta)
    }

    fn mean(&self) -> Vec<f64> {
        mean_ln(&self.alpha)
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), self.alpha.len())?;
        Self::new(&solve(Self::NAME, mean)?)
    }

    fn variance(&self) -> Vec<f64> {
        variance_ln(&self.alpha)
    }

    fn log_partition(&self) -> f64 {
        ln_dirichlet(&self.alpha)
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(x).for_each(|(o, x)| *o = x.ln());
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        -x.iter().map(|x| x.ln()).sum::<f64>()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![-1.0; self.alpha.len()])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::simplex(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the number of shares", self.alpha.len() as f64, other.alpha.len() as f64)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        log_density(&self.alpha, x, &x.iter().map(|x| x.ln()).collect::<Vec<_>>())
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out.iter_mut().zip(&self.alpha).for_each(|(o, &a)| *o = draw::ln_gamma_draw(a, rng));
        let total = log_sum_exp(out);
        out.iter_mut().for_each(|o| *o = draw::keep_positive((*o - total).exp()).min(1.0 - f64::EPSILON / 2.0));
    }

    fn entropy(&self) -> f64 {
        entropy_of(&self.alpha)
    }
}

distribution!(Dirichlet);
