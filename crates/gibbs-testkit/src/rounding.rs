//! Equality up to some roundings.

/// Checks `|actual - expected| <= n_eps * eps * max(|actual|, |expected|)`, `eps` = 2.2e-16.
///
/// Derive `n_eps` from the computation: an addition, product or root rounds by `eps / 2`; a plain sum of `n` terms of
/// one sign by up to `n / 2` eps. Where terms cancel, the error is relative to the terms: use [`scaled_eq`].
/// Two infinities of one sign are equal; NaN equals nothing.
///
/// # Example
/// ```
/// use gibbs_testkit::relative_eq;
/// assert!(relative_eq(0.1 + 0.2, 0.3, 1.0).is_ok());
/// assert!(relative_eq(1.0, 1.0 + 1e-14, 1.0).is_err());
/// ```
pub fn relative_eq(actual: f64, expected: f64, n_eps: f64) -> Result<(), String> {
    scaled_eq(actual, expected, actual.abs().max(expected.abs()), n_eps)
}

/// [`relative_eq`] to a given size, that of the terms that went into `actual`.
pub fn scaled_eq(actual: f64, expected: f64, scale: f64, n_eps: f64) -> Result<(), String> {
    let difference = (actual - expected).abs();
    // The first comparison lets infinities be equal, whose difference is NaN.
    if actual == expected || (difference <= n_eps * f64::EPSILON * scale && difference.is_finite()) {
        return Ok(());
    }
    Err(format!(
        "{actual} is not {expected}: they differ by {difference:e}, {:.1} machine epsilons of {scale}, where {n_eps} are allowed",
        difference / (f64::EPSILON * scale)
    ))
}

/// [`relative_eq`] of slices, each entry to the size of the largest expected one.
pub fn slices_eq(actual: &[f64], expected: &[f64], n_eps: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{} numbers are compared with {}", actual.len(), expected.len()));
    }
    let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        scaled_eq(*a, *e, scale, n_eps).map_err(|why| format!("entry {i}: {why}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rounding_passes_and_three_do_not() {
        let next = 1.0 + f64::EPSILON;
        assert!(relative_eq(1.0, next, 1.0).is_ok());
        assert!(relative_eq(1.0, 1.0 + 3.0 * f64::EPSILON, 2.0).is_err());
        assert!(relative_eq(1e300, 1e300 * next, 1.0).is_ok());
        assert!(relative_eq(0.0, 0.0, 0.0).is_ok());
    }

    #[test]
    fn what_is_not_finite() {
        let inf = f64::INFINITY;
        assert!(relative_eq(inf, inf, 0.0).is_ok());
        assert!(relative_eq(inf, -inf, 1e9).is_err());
        assert!(relative_eq(inf, 1.0, 1e9).is_err());
        assert!(relative_eq(f64::NAN, f64::NAN, 1e9).is_err());
    }

    #[test]
    fn cancelled_sums_are_compared_to_their_terms() {
        let left = 1.0 + 1e-16 - 1.0;
        assert!(relative_eq(left, 1e-16, 10.0).is_err());
        assert!(scaled_eq(left, 1e-16, 1.0, 1.0).is_ok());
        assert!(slices_eq(&[1.0, left], &[1.0, 1e-16], 1.0).is_ok());
        assert!(slices_eq(&[1.0], &[1.0, 2.0], 1.0).is_err());
        assert!(slices_eq(&[1.0, 2.1], &[1.0, 2.0], 1.0).unwrap_err().starts_with("entry 1"));
    }
}
