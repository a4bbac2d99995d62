//! What the continuous sets share: drawing points, and integrals over the plane.

use gibbs_core::key::{Key, Rng};

use super::{Generator, draw, table};
use crate::{DataError, Split, Table, Values};

/// Training rows, then test rows, when no number is given.
const TRAIN: usize = 8192;
const TEST: usize = 4000;

/// `n` independent points, or the default number with its split.
pub(super) fn points(
    generator: &dyn Generator,
    n_cols: usize,
    n: Option<usize>,
    key: &Key,
    row: impl FnMut(&mut Rng, &mut [f64]),
) -> Result<Table, DataError> {
    let values = draw(n.unwrap_or(TRAIN + TEST), n_cols, key, row)?;
    let mut table = table(generator, n_cols, Values::F64(values), None)?;
    if n.is_none() {
        let (train, test) = ((0..TRAIN).collect(), (TRAIN..TRAIN + TEST).collect());
        table.suggested_split = Some(Split { train, validation: Vec::new(), test });
    }
    Ok(table)
}

/// A point of the plane from a row, if it is one.
pub(super) fn point(x: &[f64]) -> Option<[f64; 2]> {
    x.try_into().ok()
}

/// `-integral p ln p` over a rectangle by the trapezoidal rule with spacings of at most `step`.
///
/// For a density that is smooth on the scale `s` and vanishes at the border the rule converges faster than any power of
/// the spacing: at `step = s / 2`, for a Gaussian of standard deviation `s`, the error is below `exp(-2 (2 pi)^2)`.
pub(super) fn entropy(log_density: impl Fn([f64; 2]) -> f64, lower: [f64; 2], upper: [f64; 2], step: f64) -> f64 {
    let counts = [0, 1].map(|k| ((upper[k] - lower[k]) / step).ceil().max(1.0));
    let steps = [0, 1].map(|k| (upper[k] - lower[k]) / counts[k]);
    let mut sum = 0.0;
    for i in 0..=counts[0] as usize {
        for j in 0..=counts[1] as usize {
            let log_p = log_density([lower[0] + i as f64 * steps[0], lower[1] + j as f64 * steps[1]]);
            // Below exp(-700) the product is zero in double precision; -inf times zero would be NaN.
            sum -= if log_p > -700.0 { log_p.exp() * log_p } else { 0.0 };
        }
    }
    sum * steps[0] * steps[1]
}

/// Nodes and weights of the Gauss-Legendre rule with `n` points on `[a, b]`, by Newton steps on the Legendre polynomial
/// from the asymptotic places of its zeros.
///
/// Source: Press et al., Numerical Recipes, 3rd edition, 2007, section 4.6 (the method).
pub(super) fn gauss_legendre(n: usize, a: f64, b: f64) -> Vec<(f64, f64)> {
    let (middle, half) = (f64::midpoint(a, b), 0.5 * (b - a));
    let node = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 1.0;
        // Newton's method doubles the digits at every step; the start has at least two.
        for _ in 0..6 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 0..n {
                let k = k as f64;
                (p, before) = (((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0), p);
            }
            slope = n as f64 * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        (middle + half * x, 2.0 * half / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` points integrate polynomials of degree `2 n - 1` exactly, and no higher one.
    #[test]
    fn gauss_legendre_has_its_degree() {
        for n in [1, 2, 5, 40, 400] {
            let rule = gauss_legendre(n, -1.0, 1.0);
            let integral = |degree: i32| rule.iter().map(|(x, w)| w * x.powi(degree)).sum::<f64>();
            let top = 2 * n as i32 - 2;
            assert!((integral(0) - 2.0).abs() < 1e-12, "{n}");
            assert!((integral(top) - 2.0 / f64::from(top + 1)).abs() < 1e-12, "{n}");
            assert!(integral(top + 1).abs() < 1e-12, "{n}");
        }
        let two = gauss_legendre(2, -1.0, 1.0);
        assert!((two.iter().map(|(x, w)| w * x.powi(4)).sum::<f64>() - 0.4).abs() > 0.1);
    }

    /// Of a Gaussian: `1 + ln 2 pi + 2 ln s`.
    #[test]
    fn entropy_of_a_gaussian() {
        let s: f64 = 0.3;
        let log_p =
            |x: [f64; 2]| -(x[0] * x[0] + x[1] * x[1]) / (2.0 * s * s) - std::f64::consts::TAU.ln() - 2.0 * s.ln();
        let exact = 1.0 + std::f64::consts::TAU.ln() + 2.0 * s.ln();
        assert!((entropy(log_p, [-3.0; 2], [3.0; 2], s / 2.0) - exact).abs() < 1e-10);
    }
}
