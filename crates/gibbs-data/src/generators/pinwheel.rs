//! The pinwheel.

use std::f64::consts::TAU;

use gibbs_core::key::Key;

use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "pinwheel";

/// Where an arm lies before the twist: at this radius, long along the radius and narrow across.
const RADIUS: f64 = 2.0;
const LONG: f64 = 0.6;
const NARROW: f64 = 0.2;

/// Gaussian arms that turn with the radius.
///
/// A Gaussian around `(2, 0)` with standard deviations 0.6 and 0.2 is turned to one of `arms` equally likely directions and
/// then by the angle `twist * exp(r / 2)`, `r` its distance from the origin. A turn that depends on `r` alone keeps areas
/// and can be undone, so the density is that of the straight arms at the point turned back, and the entropy that of the
/// straight arms, by a grid over the plane.
///
/// Source: after Johnson et al., Advances in Neural Information Processing Systems 29, 2016, figure 4, whose angle depends on
/// the radial coordinate of the Gaussian instead and gives no closed density.
#[derive(Clone)]
pub struct Pinwheel {
    arms: usize,
    twist: f64,
    entropy: f64,
}

impl std::fmt::Debug for Pinwheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pinwheel").field("arms", &self.arms).field("twist", &self.twist).finish_non_exhaustive()
    }
}

fn turned([x, y]: [f64; 2], angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    [cos * x - sin * y, sin * x + cos * y]
}

impl Pinwheel {
    /// So many arms with this twist.
    ///
    /// # Errors
    /// [`DataError::Parameter`] where `arms` is not 1 to 50 or `twist` not -2 to 2.
    pub fn new(arms: usize, twist: f64) -> Result<Self, DataError> {
        within(NAME, "arms", arms as f64, 1.0, 50.0)?;
        let mut wheel = Pinwheel { arms, twist: within(NAME, "twist", twist, -2.0, 2.0)?, entropy: 0.0 };
        let reach = RADIUS + 8.5 * LONG;
        wheel.entropy = plane::entropy(|x| wheel.straight(x), [-reach; 2], [reach; 2], 0.5 * NARROW);
        Ok(wheel)
    }

    fn direction(&self, arm: usize) -> f64 {
        TAU * arm as f64 / self.arms as f64
    }

    /// The angle by which points at this distance are turned.
    fn angle(&self, radius: f64) -> f64 {
        self.twist * (0.5 * radius).exp()
    }

    /// `ln p` of the arms before the twist.
    fn straight(&self, x: [f64; 2]) -> f64 {
        let exponent = |arm| {
            let [along, across] = turned(x, -self.direction(arm));
            -0.5 * (((along - RADIUS) / LONG).powi(2) + (across / NARROW).powi(2))
        };
        let most = (0..self.arms).map(exponent).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..self.arms).map(|arm| (exponent(arm) - most).exp()).sum();
        most + sum.ln() - (self.arms as f64).ln() - (TAU * LONG * NARROW).ln()
    }
}

impl Generator for Pinwheel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let direction = self.direction(rng.below(self.arms));
            let blob = [RADIUS + LONG * rng.normal(), NARROW * rng.normal()];
            let turn = direction + self.angle(blob[0].hypot(blob[1]));
            x.copy_from_slice(&turned(blob, turn));
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        plane::point(x).map(|x| self.straight(turned(x, -self.angle(x[0].hypot(x[1])))))
    }
}
