//! One over a gamma quantity: variances given a precision.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{in_range, length, positive};
use super::gamma::{log_density_of_scaled, solve};
use super::{ExponentialFamily, FamilyError, Fault, draw, support};
use crate::special::{LN_TAU, digamma, ln_gamma, ln_minus_digamma, stirling_error, trigamma};

/// The inverse gamma law of a shape `a` and a scale `b`: `p(x) = b^a x^(-a-1) e^(-b/x) / Γ(a)` for `x > 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct InverseGamma {
    shape: f64,
    scale: f64,
}

impl Default for InverseGamma {
    fn default() -> Self {
        Self { shape: 1.0, scale: 1.0 }
    }
}

impl InverseGamma {
    /// From shape and scale.
    pub fn new(shape: f64, scale: f64) -> Result<Self, FamilyError> {
        let shape = positive(Self::NAME, "the shape", shape)?;
        in_range(Self { shape, scale: positive(Self::NAME, "the scale", scale)? })
    }

    /// The shape.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// The scale, the rate of `1/x`.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

impl ExponentialFamily for InverseGamma {
    const NAME: &'static str = "inverse gamma";

    fn n_params(&self) -> usize {
        2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("shape".into(), self.shape), ("scale".into(), self.scale)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![-self.shape, -self.scale]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 2)?;
        Self::new(-eta[0], -eta[1])
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.scale.ln() - digamma(self.shape), self.shape / self.scale]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 2)?;
        let (shape, scale) = solve(Self::NAME, -mean[0], mean[1])?;
        Self::new(shape, scale)
    }

    fn variance(&self) -> Vec<f64> {
        let cross = -self.scale.recip();
        vec![trigamma(self.shape), cross, cross, self.shape / self.scale / self.scale]
    }

    fn log_partition(&self) -> f64 {
        ln_gamma(self.shape) - self.shape * self.scale.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&[x[0].ln(), x[0].recip()]);
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
        log_density_of_scaled(self.shape, self.scale / x[0], self.scale.ln() - ln_x) - ln_x
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::keep_positive((self.scale.ln() - draw::ln_gamma_draw(self.shape, rng)).exp());
    }

    fn entropy(&self) -> f64 {
        let a = self.shape;
        self.scale.ln() - 1.5 * a.ln() + 0.5 * LN_TAU + stirling_error(a) + (1.0 + a) * ln_minus_digamma(a)
    }
}

distribution!(InverseGamma);
gradient!(InverseGamma, |law, x| (law.scale / x - law.shape - 1.0) / x);
