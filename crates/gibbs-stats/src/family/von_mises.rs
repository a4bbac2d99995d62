//! Angles.

use std::f64::consts::PI;

use gibbs_core::key::Rng;

use super::distribution::{distribution, gradient};
use super::error::{USE_A_PRIOR, finite, in_range, length};
use super::{ExponentialFamily, FamilyError, Fault, draw, support};
use crate::special::{LN_TAU, bessel_gap, bessel_i0e, bessel_ratio};

/// Von Mises' law of a direction `mu` and a concentration `kappa >= 0`: `p(x) = e^(kappa cos(x - mu)) / (2 pi I_0(kappa))`
/// over one turn. Any finite angle has a density; draws lie within half a turn of `mu`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VonMises {
    mu: f64,
    kappa: f64,
}

impl VonMises {
    /// From direction and concentration; 0 is the uniform law.
    pub fn new(mu: f64, kappa: f64) -> Result<Self, FamilyError> {
        let mu = finite(Self::NAME, "mu", mu)?;
        if !(kappa >= 0.0 && kappa.is_finite()) {
            let wanted = "give a finite number from 0 up";
            return Err(FamilyError::Parameter { family: Self::NAME, name: "kappa", value: kappa, wanted });
        }
        in_range(Self { mu, kappa })
    }

    /// The direction of greatest density.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// The concentration.
    pub fn kappa(&self) -> f64 {
        self.kappa
    }
}

/// `R'(kappa) = 1 - R/kappa - R^2` for `R = I_1/I_0`: the variance of `cos(x - mu)`.
fn radial_variance(kappa: f64) -> f64 {
    if kappa < 1e-4 {
        return 0.5 - 3.0 / 16.0 * kappa * kappa;
    }
    if kappa > 1e4 {
        // Hankel's expansion of R, differentiated: the closed form cancels here.
        let r = kappa.recip();
        return r * r * (0.5 + r * (0.25 + r * (0.375 + r * (25.0 / 32.0))));
    }
    let ratio = bessel_ratio(kappa);
    1.0 - ratio / kappa - ratio * ratio
}

/// The concentration at which `R` is `r`, for `0 < r < 1`.
fn solve(r: f64) -> f64 {
    let gap = 1.0 - r;
    // Best & Fisher 1981, DOI 10.1080/03610918108812225, to start from.
    let mut kappa = if r < 0.53 {
        r * (2.0 + r * r * (1.0 + 5.0 / 6.0 * r * r))
    } else if r < 0.85 {
        -0.4 + 1.39 * r + 0.43 / gap
    } else {
        (r * gap * (3.0 - r)).recip()
    };
    for _ in 0..50 {
        // Whichever of R and 1 - R is the small one keeps its digits.
        let miss = if r < 0.5 { r - bessel_ratio(kappa) } else { bessel_gap(kappa) - gap };
        let step = miss / radial_variance(kappa);
        // From far right a step may overshoot zero.
        let next = (kappa + step).max(0.5 * kappa);
        let done = (next - kappa).abs() <= 1e-15 * kappa;
        kappa = next;
        if done {
            break;
        }
    }
    kappa
}

impl ExponentialFamily for VonMises {
    const NAME: &'static str = "von Mises";

    fn n_params(&self) -> usize {
        2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        vec![("mu".into(), self.mu), ("kappa".into(), self.kappa)]
    }

    fn natural(&self) -> Vec<f64> {
        let (sin, cos) = self.mu.sin_cos();
        vec![self.kappa * cos, self.kappa * sin]
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "natural parameters", eta.len(), 2)?;
        Self::new(eta[1].atan2(eta[0]), eta[0].hypot(eta[1]))
    }

    fn mean(&self) -> Vec<f64> {
        let (sin, cos) = self.mu.sin_cos();
        let ratio = bessel_ratio(self.kappa);
        vec![ratio * cos, ratio * sin]
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        length(Self::NAME, "mean parameters", mean.len(), 2)?;
        let ratio = mean[0].hypot(mean[1]);
        if ratio.is_nan() || ratio >= 1.0 - 4.0 * f64::EPSILON {
            let reason = "all angles alike, or outside the unit circle: the mean vector must be shorter than 1";
            return Err(FamilyError::Mean {
                family: Self::NAME,
                index: 0,
                value: mean[0],
                reason,
                advice: USE_A_PRIOR,
            });
        }
        let kappa = if ratio == 0.0 { 0.0 } else { solve(ratio) };
        Self::new(mean[1].atan2(mean[0]), kappa)
    }

    fn variance(&self) -> Vec<f64> {
        let (sin, cos) = self.mu.sin_cos();
        let along = radial_variance(self.kappa);
        let across = if self.kappa < 1e-4 {
            0.5 - self.kappa * self.kappa / 16.0
        } else {
            bessel_ratio(self.kappa) / self.kappa
        };
        let mixed = (along - across) * sin * cos;
        vec![along * cos * cos + across * sin * sin, mixed, mixed, along * sin * sin + across * cos * cos]
    }

    fn log_partition(&self) -> f64 {
        LN_TAU + bessel_i0e(self.kappa).ln() + self.kappa
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        let (sin, cos) = x[0].sin_cos();
        out.copy_from_slice(&[cos, sin]);
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        0.0
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0, 0.0])
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::real(x)
    }

    fn compatible(&self, _other: &Self) -> Result<(), FamilyError> {
        Ok(())
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        // kappa (cos d - 1) without cancellation at small d.
        let half = (0.5 * (x[0] - self.mu)).sin();
        -2.0 * self.kappa * half * half - LN_TAU - bessel_i0e(self.kappa).ln()
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        out[0] = self.mu + draw::von_mises(self.kappa, rng).clamp(-PI, PI);
    }

    fn entropy(&self) -> f64 {
        LN_TAU + bessel_i0e(self.kappa).ln() + self.kappa * bessel_gap(self.kappa)
    }
}

distribution!(VonMises);
gradient!(VonMises, |law, x| -law.kappa * (x - law.mu).sin());
