//! The Swiss roll.

use std::f64::consts::PI;

use gibbs_core::key::Key;

use super::curve::NoisyCurve;
use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "swiss-roll";

/// One and a half turns, from three quarters of a turn on.
const RANGE: (f64, f64) = (1.5 * PI, 4.5 * PI);

/// The cross-section of a Swiss roll: `(t cos t, t sin t) / 5` with `t ~ U(1.5 pi, 4.5 pi)`, plus `noise` times a standard
/// normal vector. Density by quadrature over `t`, entropy by a grid over the plane.
///
/// Source: Tenenbaum, de Silva & Langford, Science 290, 2000, DOI 10.1126/science.290.5500.2319, figure 3 (in three
/// dimensions; the third is uniform and independent).
#[derive(Clone)]
pub struct SwissRoll {
    noise: f64,
    law: NoisyCurve,
    entropy: f64,
}

impl std::fmt::Debug for SwissRoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SwissRoll").field("noise", &self.noise).finish_non_exhaustive()
    }
}

fn roll(t: f64) -> [f64; 2] {
    [t * t.cos() / 5.0, t * t.sin() / 5.0]
}

impl SwissRoll {
    /// A roll with noise of this standard deviation.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 0.05 to 1: less would take seconds to integrate.
    pub fn new(noise: f64) -> Result<Self, DataError> {
        let noise = within(NAME, "noise", noise, 0.05, 1.0)?;
        let speed = (1.0 + RANGE.1 * RANGE.1).sqrt() / 5.0;
        let law = NoisyCurve::new(&[&roll], RANGE, speed, |_| 1.0 / (RANGE.1 - RANGE.0), noise);
        Ok(SwissRoll { noise, entropy: law.entropy(), law })
    }
}

impl Generator for SwissRoll {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let centre = roll(RANGE.0 + (RANGE.1 - RANGE.0) * rng.uniform());
            x.iter_mut().zip(centre).for_each(|(x, c)| *x = c + self.noise * rng.normal());
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        plane::point(x).map(|x| self.law.log_density(x))
    }
}
