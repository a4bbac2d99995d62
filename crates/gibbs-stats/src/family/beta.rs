//! Random probabilities.

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{in_range, length, positive};
use super::{ExponentialFamily, FamilyError, Fault, dirichlet, draw, support};
use crate::softmax::log_sum_exp;
use crate::special::ln_beta;

/// The beta law: `p(x) = x^(a-1) (1-x)^(b-1) / B(a, b)` for `0 < x < 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Beta {
    ab: [f64; 2],
}

impl Default for Beta {
    fn default() -> Self {
        Self { ab: [1.0, 1.0] }
    }
}

impl Beta {
    /// From its two positive parameters; the mean is `a / (a + b)`.
    pub fn new(a: f64, b: f64) -> Result<Self, FamilyError> {
        in_range(Self { ab: [positive(Self::NAME, "a", a)?, positive(Self::NAME, "b", b)?] })
    }

    /// The power of `x`, plus one.
    pub fn a(&self) -> f64 {
        self.ab[0]
    }

    /// The power of `1 - x`, plus one.
    pub fn b(&self) -> f64 {
        self.ab[1]
    }
}

impl ExponentialFamily for Beta {
    const NAME: &'static str = "beta";

    fn n_params(&self) -> usize {
        2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("a".into(), self.a()), ("b".into(), self.b())]
    }

    fn natural(&self) -> Vec<f64> {
        self.ab.to_vec()
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 2)?;
        Self::new(eta[0], eta[1])
    }

    fn mean(&self) -> Vec<f64> {
        dirichlet::mean_ln(&self.ab)
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 2)?;
        let ab = dirichlet::solve(Self::NAME, mean)?;
        Self::new(ab[0], ab[1])
    }

    fn variance(&self) -> Vec<f64> {
        dirichlet::variance_ln(&self.ab)
    }

    fn log_partition(&self) -> f64 {
        ln_beta(self.a(), self.b())
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&[x[0].ln(), (-x[0]).ln_1p()]);
    }

    fn log_base(&self, x: &[f64]) -> f64 {
        -x[0].ln() - (-x[0]).ln_1p()
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![-1.0, -1.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::unit(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        if self.fault(x).is_some() {
            return support::log_prob_outside(x);
        }
        dirichlet::log_density(&self.ab, &[x[0], 1.0 - x[0]], &[x[0].ln(), (-x[0]).ln_1p()])
    }

    /// Draws that round to 0 or 1 are moved to the nearest number inside.
    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        let (a, b) = (draw::ln_gamma_draw(self.a(), rng), draw::ln_gamma_draw(self.b(), rng));
        let share = (a - log_sum_exp(&[a, b])).exp();
        out[0] = draw::keep_positive(share).min(1.0 - f64::EPSILON / 2.0);
    }

    fn entropy(&self) -> f64 {
        dirichlet::entropy_of(&self.ab)
    }
}

distribution!(Beta);
gradient!(Beta, |law, x| (law.a() - 1.0) / x - (law.b() - 1.0) / (1.0 - x));
