//! Lifetimes whose hazard is a power of the age.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{in_range, length, positive, same};
use super::exponential::{rate_integral, rate_of_mean};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::{EULER, deviance, ln_ratio};

/// Weibull's law of a known shape `k`: `p(x) = k/s (x/s)^(k-1) exp(-(x/s)^k)` for `x > 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weibull {
    shape: f64,
    scale: f64,
}

impl Weibull {
    /// From the known shape and the scale.
    pub fn new(shape: f64, scale: f64) -> Result<Self, FamilyError> {
        let shape = positive(Self::NAME, "the shape", shape)?;
        let member = in_range(Self { shape, scale: positive(Self::NAME, "the scale", scale)? })?;
        // scale^-k that underflows to 0 is no natural parameter either.
        positive(Self::NAME, "scale^shape", member.mean()[0])?;
        positive(Self::NAME, "one over the shape", shape.recip())?;
        Ok(member)
    }

    /// The shape `k`.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// The scale `s`.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

impl ExponentialFamily for Weibull {
    const NAME: &'static str = "Weibull";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("shape".into(), self.shape), ("scale".into(), self.scale)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![-self.scale.powf(-self.shape)]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        let rate = positive(Self::NAME, "minus the natural parameter", -eta[0])?;
        Self::new(self.shape, rate.powf(-self.shape.recip()))
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.scale.powf(self.shape)]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        rate_of_mean(Self::NAME, mean[0])?;
        Self::new(self.shape, mean[0].powf(self.shape.recip()))
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.mean()[0].powi(2)]
    }

    fn log_partition(&self) -> f64 {
        self.shape * self.scale.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0].powf(self.shape);
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        self.shape.ln() + (self.shape - 1.0) * x[0].ln()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        (self.shape == 1.0).then(|| vec![0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::positive(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the shape", self.shape, other.shape)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        let power = self.shape * ln_ratio(x[0], self.scale);
        self.shape.ln() - x[0].ln() + power - power.exp()
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = draw::keep_positive(self.scale * draw::exponential(rng).powf(self.shape.recip()));
    }

    fn entropy(&self) -> f64 {
        1.0 + EULER * (1.0 - self.shape.recip()) + self.scale.ln() - self.shape.ln()
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(deviance(1.0, (self.scale / other.scale).powf(self.shape)))
    }
}

/// The gamma prior of `scale^-shape`.
impl Conjugate for Weibull {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        rate_integral(prior)
    }
}

distribution!(Weibull);
gradient!(Weibull, |law, x| (law.shape - 1.0 - law.shape * (x / law.scale).powf(law.shape)) / x);
