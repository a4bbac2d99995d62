//! Newton's method for smooth convex functions of a few numbers.

use crate::linalg::{backward, cholesky, forward};

/// The minimum of a convex `f`, which returns its value and writes gradient and Hessian; `None` if it runs away to
/// infinity (parameters past 1e8) or does not settle.
///
/// Steps are halved until they gain a ten-thousandth of what the slope promises (Armijo); a Hessian that is not positive
/// definite gets a ridge.
pub(super) fn minimise(start: &[f64], f: impl Fn(&[f64], &mut [f64], &mut [f64]) -> f64) -> Option<Vec<f64>> {
    let d = start.len();
    let mut at = start.to_vec();
    let (mut g, mut h) = (vec![0.0; d], vec![0.0; d * d]);
    let mut value = f(&at, &mut g, &mut h);
    for _ in 0..200 {
        let scale = (0..d).map(|i| h[i * d + i]).fold(f64::MIN_POSITIVE, f64::max);
        let mut ridge = 1e-14 * scale;
        let factor = loop {
            let mut shifted = h.clone();
            (0..d).for_each(|i| shifted[i * d + i] += ridge);
            match cholesky(&shifted, d) {
                Ok(factor) => break factor,
                Err(_) if ridge < 1e6 * scale => ridge *= 100.0,
                Err(_) => return None,
            }
        };
        let mut step: Vec<f64> = g.iter().map(|g| -g).collect();
        forward(&factor, d, &mut step);
        backward(&factor, d, &mut step);
        let slope: f64 = g.iter().zip(&step).map(|(g, s)| g * s).sum();
        // Half of -slope is what is left to gain, in nats a row. Rounding of the value hides so little, but not from the
        // gradient: a last full step, which squares it.
        if slope > -1e-11 {
            return Some(at.iter().zip(&step).map(|(a, s)| a + s).collect());
        }
        let mut t = 1.0;
        loop {
            let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a + t * s).collect();
            let new = f(&next, &mut g, &mut h);
            if new <= value + 1e-4 * t * slope {
                (at, value) = (next, new);
                break;
            }
            t *= 0.5;
            if t < 1e-10 {
                return None;
            }
        }
        if at.iter().any(|a| a.is_nan() || a.abs() > 1e8) {
            return None;
        }
    }
    None
}
