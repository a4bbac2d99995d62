//! Gradients without calculus, with their own error.

/// Derivatives by central differences, and how far off each may be.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteDifference {
    /// `df/dx_i`.
    pub gradient: Vec<f64>,
    /// Bound on the error of each entry: truncation and rounding.
    pub error: Vec<f64>,
}

/// Gradient of `f` at `x` by central differences `D(h) = (f(x + h) - f(x - h)) / 2h` at `h` and `h / 2`, extrapolated to
/// `(4 D(h/2) - D(h)) / 3`.
///
/// The truncation error of the extrapolation is `O(h^4)` and its rounding error `O(eps |f| / h)`; they balance at
/// `h = eps^(1/5) max(1, |x_i|)`, about 7e-4. The reported bound is the change by extrapolating, which is the truncation
/// error of `D(h/2)` and thus far above that of the result, plus `8 eps max|f| / h` for rounding in `f` of one epsilon.
/// (A function that rounds worse than that needs a wider tolerance.)
pub fn finite_difference(f: impl Fn(&[f64]) -> f64, x: &[f64]) -> FiniteDifference {
    let mut at = x.to_vec();
    let (mut gradient, mut error) = (Vec::new(), Vec::new());
    for i in 0..x.len() {
        let mut size = f64::MIN_POSITIVE;
        let mut slope = |h: f64| {
            // The step that is really taken: x + h is rounded.
            let (above, below) = (x[i] + h, x[i] - h);
            at[i] = above;
            let up = f(&at);
            at[i] = below;
            let down = f(&at);
            at[i] = x[i];
            size = size.max(up.abs()).max(down.abs());
            (up - down) / (above - below)
        };
        let h = f64::EPSILON.powf(0.2) * x[i].abs().max(1.0);
        let (coarse, fine) = (slope(h), slope(h / 2.0));
        gradient.push((4.0 * fine - coarse) / 3.0);
        error.push((fine - coarse).abs() + 8.0 * f64::EPSILON * size / h);
    }
    FiniteDifference { gradient, error }
}

/// Checks `gradient` against [`finite_difference`] of `f` at `x`, each entry to the error that the differences claim.
///
/// # Errors
/// The first entry that is off, with both values; or a wrong number of entries.
///
/// # Example
/// ```
/// use gibbs_testkit::check_gradient;
/// let f = |x: &[f64]| x[0].sin() * x[1];
/// check_gradient(f, &[0.3, 2.0], &[2.0 * 0.3f64.cos(), 0.3f64.sin()])?;
/// assert!(check_gradient(f, &[0.3, 2.0], &[0.3f64.cos(), 0.3f64.sin()]).is_err());
/// # Ok::<(), String>(())
/// ```
pub fn check_gradient(f: impl Fn(&[f64]) -> f64, x: &[f64], gradient: &[f64]) -> Result<(), String> {
    if x.len() != gradient.len() {
        return Err(format!("{} parameters but {} derivatives", x.len(), gradient.len()));
    }
    let found = finite_difference(f, x);
    for (i, g) in gradient.iter().enumerate() {
        let (difference, error) = (found.gradient[i], found.error[i]);
        let off = (g - difference).abs();
        if off.is_nan() || off > error {
            return Err(format!("derivative {i} is {g}, differences give {difference} +- {error:.1e}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_derivatives_are_within_the_claimed_error() {
        let f = |x: &[f64]| x[0].exp() * x[1].sin() + x[2].powi(3);
        for x in [[0.0_f64, 0.0, 0.0], [1.0, 2.0, -3.0], [-5.0, 100.0, 1e3]] {
            let truth = [x[0].exp() * x[1].sin(), x[0].exp() * x[1].cos(), 3.0 * x[2].powi(2)];
            let found = finite_difference(f, &x);
            for (i, truth) in truth.iter().enumerate() {
                let off = (found.gradient[i] - truth).abs();
                assert!(off <= found.error[i], "{x:?} {i}: {off} {}", found.error[i]);
            }
        }
    }

    /// The claim is not so wide that it says nothing: 1e-6 relative for smooth functions of size 1.
    #[test]
    fn the_claimed_error_is_small() {
        let found = finite_difference(|x| x[0].sin() + 2.0, &[0.5]);
        assert!(found.error[0] < 1e-6, "{}", found.error[0]);
        assert!((found.gradient[0] - 0.5_f64.cos()).abs() < 1e-11);
    }

    #[test]
    fn planted_mistakes_are_caught() {
        let f = |x: &[f64]| x.iter().map(|v| v.exp().ln_1p()).sum::<f64>();
        let x = [0.3, -1.0, 2.0];
        let mut gradient = x.map(|v: f64| 1.0 / (1.0 + (-v).exp()));
        check_gradient(f, &x, &gradient).unwrap();
        gradient[1] *= 1.0 + 1e-5;
        assert!(check_gradient(f, &x, &gradient).unwrap_err().starts_with("derivative 1"));
        gradient[1] = f64::NAN;
        assert!(check_gradient(f, &x, &gradient).is_err());
        assert!(check_gradient(f, &x, &gradient[..2]).is_err());
    }
}
