//! The checkerboard.

use gibbs_core::key::Key;

use super::{Generator, plane};
use crate::{DataError, Table};

pub(super) const NAME: &str = "checkerboard";

/// Uniform on eight of the sixteen unit squares of `[-2, 2]^2`: those with `floor(x) + floor(y)` even.
///
/// Density 1/8 there and zero elsewhere; entropy `ln 8`.
#[derive(Clone, Copy, Debug)]
pub struct Checkerboard;

impl Generator for Checkerboard {
    fn name(&self) -> &'static str {
        NAME
    }

    fn generate(&self, n: Option<usize>, key: &Key) -> Result<Table, DataError> {
        plane::points(self, 2, n, key, |rng, x| {
            // Column 0 to 3, then the first or second of its two dark squares.
            let square = rng.below(8);
            let (column, second) = (square / 2, square % 2);
            x[0] = column as f64 - 2.0 + rng.uniform();
            x[1] = (2 * second + column % 2) as f64 - 2.0 + rng.uniform();
        })
    }

    fn entropy(&self) -> f64 {
        8f64.ln()
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        let [a, b] = plane::point(x)?;
        let inside = (-2.0..2.0).contains(&a) && (-2.0..2.0).contains(&b);
        let dark = inside && (a.floor() + b.floor()).rem_euclid(2.0) == 0.0;
        Some(if dark { -8f64.ln() } else { f64::NEG_INFINITY })
    }
}
