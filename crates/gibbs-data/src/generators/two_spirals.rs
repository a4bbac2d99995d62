//! Two spirals.

use std::f64::consts::PI;

use gibbs_core::key::Key;

use super::curve::NoisyCurve;
use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "two-spirals";

/// Largest parameter of an arm: one and a half turns.
const END: f64 = 3.0 * PI;

/// Two spiral arms around the origin, one the other's mirror image in it, with isotropic Gaussian noise.
///
/// `+-(t / 3) (-cos t, sin t)` with `t = 3 pi sqrt(u)`, `u ~ U(0, 1)`, which is nearly uniform along the arm, plus `noise`
/// times a standard normal vector. Density by quadrature over `t`, entropy by a grid over the plane.
///
/// Source: the task of two intertwined spirals is A. Wieland's, in Lang & Witbrock, Proceedings of the 1988 Connectionist
/// Models Summer School.
#[derive(Clone)]
pub struct TwoSpirals {
    noise: f64,
    law: NoisyCurve,
    entropy: f64,
}

impl std::fmt::Debug for TwoSpirals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TwoSpirals").field("noise", &self.noise).finish_non_exhaustive()
    }
}

fn arm(t: f64) -> [f64; 2] {
    [-t * t.cos() / 3.0, t * t.sin() / 3.0]
}

impl TwoSpirals {
    /// Spirals with noise of this standard deviation.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 0.05 to 1: less would take seconds to integrate.
    pub fn new(noise: f64) -> Result<Self, DataError> {
        let noise = within(NAME, "noise", noise, 0.05, 1.0)?;
        let speed = (1.0 + END * END).sqrt() / 3.0;
        let law =
            NoisyCurve::new(&[&arm, &|t| arm(t).map(|c| -c)], (0.0, END), speed, |t| 2.0 * t / (END * END), noise);
        Ok(TwoSpirals { noise, entropy: law.entropy(), law })
    }
}

impl Generator for TwoSpirals {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let sign = if rng.uniform() < 0.5 { 1.0 } else { -1.0 };
            let centre = arm(END * rng.uniform().sqrt());
            x.iter_mut().zip(centre).for_each(|(x, c)| *x = sign * c + self.noise * rng.normal());
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        plane::point(x).map(|x| self.law.log_density(x))
    }
}
