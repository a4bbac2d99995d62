//! Positive quantities: waiting times for several events, variances, rates.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{USE_A_PRIOR, in_range, length, positive};
use super::{ExponentialFamily, FamilyError, Fault, draw, support};
use crate::special::{
    LN_TAU, deviance_ln, digamma, factorial_rest, ln_gamma, ln_minus_digamma, stirling_error, trigamma,
};

/// The gamma law of a shape `a` and a rate `b`: `p(x) = b^a x^(a-1) e^(-b x) / Γ(a)` for `x > 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gamma {
    shape: f64,
    rate: f64,
}

impl Default for Gamma {
    fn default() -> Self {
        Self { shape: 1.0, rate: 1.0 }
    }
}

impl Gamma {
    /// From shape and rate; the mean is their ratio.
    pub fn new(shape: f64, rate: f64) -> Result<Self, FamilyError> {
        let shape = positive(Self::NAME, "the shape", shape)?;
        in_range(Self { shape, rate: positive(Self::NAME, "the rate", rate)? })
    }

    /// The shape.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// The rate, one over the scale.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// `log p` of a gamma law up to `-ln x`, given `y = rate x` and its logarithm: Poisson's pmf read the other way.
pub(super) fn log_density_of_scaled(shape: f64, y: f64, ln_y: f64) -> f64 {
    shape.ln() - factorial_rest(shape) - deviance_ln(shape, shape.ln(), y, ln_y)
}

/// The shape and rate whose mean statistics are `E ln x` and `E x`.
///
/// The gap `ln E x - E ln x = ln a - ψ(a)` decides the shape. Its logarithm is nearly linear in `ln a`, of slope -1 at
/// both ends and never far from it, so Newton's method in these terms converges from anywhere.
pub(super) fn solve(family: &'static str, mean_ln: f64, mean: f64) -> Result<(f64, f64), FamilyError> {
    let gap = mean.ln() - mean_ln;
    let noise = 4.0 * f64::EPSILON * mean_ln.abs().max(1.0);
    if !(mean > 0.0 && gap > noise && gap.is_finite()) {
        let reason = "all values alike, or outside the range: the mean of ln x must be below ln of the mean";
        return Err(FamilyError::Mean { family, index: 0, value: mean_ln, reason, advice: USE_A_PRIOR });
    }
    let start =
        if gap > 10.0 { gap.recip() } else { (3.0 - gap + ((gap - 3.0).powi(2) + 24.0 * gap).sqrt()) / (12.0 * gap) };
    let mut u = start.ln();
    for _ in 0..50 {
        let a = u.exp();
        let value = ln_minus_digamma(a);
        let slope = ((1.0 - a * trigamma(a)) / value).clamp(-1.2, -0.9);
        let step = (value.ln() - gap.ln()) / slope;
        u -= step;
        if step.abs() < 1e-15 * u.abs().max(1.0) {
            break;
        }
    }
    Ok((u.exp(), u.exp() / mean))
}

/// Entropy of a gamma law of rate 1, the large parts cancelled.
fn entropy_of_shape(a: f64) -> f64 {
    0.5 * (a.ln() + LN_TAU) + stirling_error(a) - (1.0 - a) * ln_minus_digamma(a)
}

impl ExponentialFamily for Gamma {
    const NAME: &'static str = "gamma";

    fn n_params(&self) -> usize {
        2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("shape".into(), self.shape), ("rate".into(), self.rate)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![self.shape, -self.rate]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 2)?;
        Self::new(eta[0], -eta[1])
    }

    fn mean(&self) -> Vec<f64> {
        vec![digamma(self.shape) - self.rate.ln(), self.shape / self.rate]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 2)?;
        let (shape, rate) = solve(Self::NAME, mean[0], mean[1])?;
        Self::new(shape, rate)
    }

    fn variance(&self) -> Vec<f64> {
        let scale = self.rate.recip();
        vec![trigamma(self.shape), scale, scale, self.shape / self.rate / self.rate]
    }

    fn log_partition(&self) -> f64 {
        ln_gamma(self.shape) - self.shape * self.rate.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&[x[0].ln(), x[0]]);
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        -x[0].ln()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![-1.0, 0.0])
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
        log_density_of_scaled(self.shape, self.rate * x[0], self.rate.ln() + ln_x) - ln_x
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::keep_positive((draw::ln_gamma_draw(self.shape, rng) - self.rate.ln()).exp());
    }

    fn entropy(&self) -> f64 {
        entropy_of_shape(self.shape) - self.rate.ln()
    }
}

distribution!(Gamma);
gradient!(Gamma, |law, x| (law.shape - 1.0) / x - law.rate);
