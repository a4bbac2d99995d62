//! Double-sided exponential distances from a known centre.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{finite, in_range, length, positive, same};
use super::exponential::{rate_integral, rate_of_mean};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, draw, support};
use crate::special::deviance;
use std::f64::consts::LN_2;

/// Laplace's law about a known centre: `p(x) = e^(-|x - c| / b) / (2 b)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Laplace {
    centre: f64,
    scale: f64,
}

impl Laplace {
    /// From the known centre and the scale `b`, the mean distance from it.
    pub fn new(centre: f64, scale: f64) -> Result<Self, FamilyError> {
        let centre = finite(Self::NAME, "the centre", centre)?;
        in_range(Self { centre, scale: positive(Self::NAME, "the scale", scale)? })
    }

    /// The centre.
    pub fn centre(&self) -> f64 {
        self.centre
    }

    /// Mean distance from the centre.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

impl ExponentialFamily for Laplace {
    const NAME: &'static str = "Laplace";

    fn n_params(&self) -> usize {
        1
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("centre".into(), self.centre), ("scale".into(), self.scale)]
    }

    fn natural(&self) -> Vec<f64> {
        vec![-self.scale.recip()]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 1)?;
        Self::new(self.centre, -eta[0].recip())
    }

    fn mean(&self) -> Vec<f64> {
        vec![self.scale]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 1)?;
        rate_of_mean(Self::NAME, mean[0])?;
        Self::new(self.centre, mean[0])
    }

    fn variance(&self) -> Vec<f64> {
        vec![self.scale * self.scale]
    }

    fn log_partition(&self) -> f64 {
        LN_2 + self.scale.ln()
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out[0] = (x[0] - self.centre).abs();
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        0.0
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::real(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the centre", self.centre, other.centre)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        -LN_2 - self.scale.ln() - (x[0] - self.centre).abs() / self.scale
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        let distance = self.scale * draw::exponential(rng);
        out[0] = if rng.next_u32() & 1 == 1 { self.centre + distance } else { self.centre - distance };
    }

    fn entropy(&self) -> f64 {
        1.0 + LN_2 + self.scale.ln()
    }

    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        Ok(deviance(1.0, self.scale / other.scale))
    }
}

/// The gamma prior of `1/b`.
impl Conjugate for Laplace {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        rate_integral(prior) - prior.weight() * LN_2
    }
}

distribution!(Laplace);
gradient!(Laplace, |law, x| { if x == law.centre { 0.0 } else { -(x - law.centre).signum() / law.scale } });
