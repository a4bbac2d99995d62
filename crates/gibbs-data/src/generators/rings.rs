//! Rings.

use std::f64::consts::TAU;

use gibbs_core::key::Key;

use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "rings";

const RADII: [f64; 3] = [0.7, 1.4, 2.1];

/// Three equally likely rings around the origin: radius `R ~ N(r, noise^2)` with `r` in 0.7, 1.4, 2.1, and a uniform angle.
///
/// A ring's points spread over its circumference, so `p(x) = f(|x|) / (2 pi |x|)` with the density `f` of `|R|`. Entropy
/// `-E ln f(|R|) + E ln(2 pi |R|)`, a trapezoidal sum over the radius: 1.599 with the default.
#[derive(Clone)]
pub struct Rings {
    noise: f64,
    entropy: f64,
}

impl std::fmt::Debug for Rings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rings").field("noise", &self.noise).finish_non_exhaustive()
    }
}

impl Rings {
    /// Rings whose radius has this standard deviation.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 0.001 to 0.1: more would put mass on the origin, where the density is infinite.
    pub fn new(noise: f64) -> Result<Self, DataError> {
        let mut rings = Rings { noise: within(NAME, "noise", noise, 0.001, 0.1)?, entropy: 0.0 };
        // At the largest noise the origin is seven standard deviations away: starting past it loses 1e-11.
        let step = rings.noise / 8.0;
        let n = ((RADII[2] + 9.0 * rings.noise) / step) as usize;
        rings.entropy = (1..=n)
            .map(|i| {
                let (r, log_p) = (i as f64 * step, rings.at_radius(i as f64 * step));
                if log_p > -700.0 { -step * TAU * r * log_p.exp() * log_p } else { 0.0 }
            })
            .sum();
        Ok(rings)
    }

    /// `ln p` at distance `r` from the origin.
    fn at_radius(&self, r: f64) -> f64 {
        // A negative radius points the other way: |R| has two terms a ring.
        let exponent = |centre: f64| -0.5 * ((r - centre) / self.noise).powi(2);
        let all = RADII.iter().flat_map(|&c| [c, -c]);
        let most = all.clone().map(exponent).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = all.map(|c| (exponent(c) - most).exp()).sum();
        most + sum.ln() - 3f64.ln() - 0.5 * TAU.ln() - self.noise.ln() - (TAU * r).ln()
    }
}

impl Generator for Rings {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let radius = RADII[rng.below(3)] + self.noise * rng.normal();
            let angle = TAU * rng.uniform();
            (x[0], x[1]) = (radius * angle.cos(), radius * angle.sin());
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        plane::point(x).map(|x| self.at_radius(x[0].hypot(x[1])))
    }
}
