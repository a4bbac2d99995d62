//! Two moons.

use std::f64::consts::PI;

use gibbs_core::key::Key;

use super::curve::NoisyCurve;
use super::{Generator, plane, within};
use crate::{DataError, Table};

pub(super) const NAME: &str = "moons";

/// Two half circles that reach into each other, centred, with isotropic Gaussian noise.
///
/// `(cos t, sin t)` or, equally likely, `(1 - cos t, 0.5 - sin t)`, minus `(0.5, 0.25)`, with `t ~ U(0, pi)` independent for
/// every row, plus `noise` times a standard normal vector. The density is the integral over `t`, by quadrature to rounding;
/// the entropy `-E log p` by a grid over the plane: 1.0076 at noise 0.1, 0.2892 at 0.05.
///
/// # Example
/// ```
/// use gibbs_data::generators::{Generator, Moons};
/// let moons = Moons::new(0.1).unwrap();
/// assert!((moons.entropy() - 1.0076).abs() < 3e-3);
/// // On an arc the density is about 1 / (2 pi sqrt(2 pi) noise); between the moons it is far less.
/// assert!(moons.log_density(&[-0.5, 0.75]).unwrap() > moons.log_density(&[0.0, 0.0]).unwrap());
/// ```
#[derive(Clone)]
pub struct Moons {
    noise: f64,
    law: NoisyCurve,
    entropy: f64,
}

impl std::fmt::Debug for Moons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moons").field("noise", &self.noise).finish_non_exhaustive()
    }
}

fn outer(t: f64) -> [f64; 2] {
    [t.cos() - 0.5, t.sin() - 0.25]
}

fn inner(t: f64) -> [f64; 2] {
    [0.5 - t.cos(), 0.25 - t.sin()]
}

impl Moons {
    /// Moons with noise of this standard deviation.
    ///
    /// # Errors
    /// [`DataError::Parameter`] outside 0.02 to 1: less would need a finer quadrature, more leaves no moons.
    pub fn new(noise: f64) -> Result<Self, DataError> {
        let noise = within(NAME, "noise", noise, 0.02, 1.0)?;
        let law = NoisyCurve::new(&[&outer, &inner], (0.0, PI), 1.0, |_| 1.0 / PI, noise);
        Ok(Moons { noise, entropy: law.entropy(), law })
    }
}

impl Generator for Moons {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            let (arc, t) = (rng.uniform(), PI * rng.uniform());
            let centre = if arc < 0.5 { outer(t) } else { inner(t) };
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
