//! Eight Gaussians on a circle.

use std::f64::consts::TAU;

use gibbs_core::key::Key;

use super::gaussians::Gaussians;
use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "eight-gaussians";

/// Eight equally likely isotropic Gaussians of standard deviation `sd`, their centres evenly on a circle of `radius`.
///
/// Entropy by a grid over the plane: 1.1231 with the defaults, which is that of eight components that do not overlap,
/// `ln 8 + 1 + ln(2 pi sd^2)`.
#[derive(Clone)]
pub struct EightGaussians {
    radius: f64,
    law: Gaussians,
    entropy: f64,
}

impl std::fmt::Debug for EightGaussians {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("EightGaussians");
        f.field("radius", &self.radius).field("sd", &self.law.sd).finish_non_exhaustive()
    }
}

impl EightGaussians {
    /// Components of this standard deviation on a circle of this radius.
    ///
    /// # Errors
    /// [`DataError::Parameter`] where `radius` is not 0 to 100 or `sd` not 0.01 to 10, or `radius > 500 sd`.
    pub fn new(radius: f64, sd: f64) -> Result<Self, DataError> {
        let sd = within(NAME, "sd", sd, 0.01, 10.0)?;
        let radius = within(NAME, "radius", radius, 0.0, 100f64.min(500.0 * sd))?;
        let angle = |k: u8| TAU * f64::from(k) / 8.0;
        let centres = (0..8).flat_map(|k| [radius * angle(k).cos(), radius * angle(k).sin()]).collect();
        let law = Gaussians { d: 2, centres, sd };
        let reach = radius + 8.5 * sd;
        let entropy = plane::entropy(|x| law.log_density(&x), [-reach; 2], [reach; 2], 0.5 * sd);
        Ok(EightGaussians { radius, law, entropy })
    }
}

impl Generator for EightGaussians {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let centre = &self.law.centres[2 * rng.below(8)..];
            x.iter_mut().zip(centre).for_each(|(x, c)| *x = c + self.law.sd * rng.normal());
        })
    }

    fn entropy(&self) -> f64 {
        self.entropy
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        (x.len() == 2).then(|| self.law.log_density(x))
    }
}
