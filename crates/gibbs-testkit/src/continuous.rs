//! Samples against a distribution function.

use crate::check_alpha;

/// Kolmogorov-Smirnov test of independent draws from a continuous distribution with distribution function `cdf`.
///
/// Fails if `sup |F_n - F| > sqrt(ln(2 / alpha) / (2 n))`. By Massart's inequality that happens to a correct sampler with
/// probability at most `alpha`, at every `n`, and it is nearly sharp for small `alpha`.
///
/// # Errors
/// The distance, its bound, and where it is; or what is wrong with the input.
///
/// # Source
/// Massart 1990, DOI 10.1214/aop/1176990746.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_testkit::ks_test;
/// let mut rng = Key::from_seed(0).rng();
/// let x: Vec<f64> = (0..1000).map(|_| rng.uniform()).collect();
/// ks_test(&x, |x| x.clamp(0.0, 1.0), 1e-4)?;
/// assert!(ks_test(&x, |x| x.clamp(0.0, 1.0).powi(2), 1e-4).is_err());
/// # Ok::<(), String>(())
/// ```
pub fn ks_test(samples: &[f64], cdf: impl Fn(f64) -> f64, alpha: f64) -> Result<(), String> {
    check_alpha(alpha)?;
    if samples.is_empty() || samples.iter().any(|x| x.is_nan()) {
        return Err(format!("{} samples, or a NaN among them: nothing to test", samples.len()));
    }
    let mut x = samples.to_vec();
    x.sort_unstable_by(f64::total_cmp);
    let n = x.len() as f64;
    let mut worst = (0.0, f64::NAN);
    for (i, at) in x.iter().enumerate() {
        let f = cdf(*at);
        if !(0.0..=1.0).contains(&f) {
            return Err(format!("the distribution function is {f} at {at}"));
        }
        // The empirical function jumps here: it is i / n just below and (i + 1) / n at the draw.
        let distance = (f - i as f64 / n).max((i as f64 + 1.0) / n - f);
        if distance > worst.0 {
            worst = (distance, *at);
        }
    }
    let bound = ((2.0 / alpha).ln() / (2.0 * n)).sqrt();
    if worst.0 <= bound {
        return Ok(());
    }
    Err(format!(
        "the distribution functions of {n} draws differ by {:.4} at {}, more than {bound:.4}",
        worst.0, worst.1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gibbs_core::key::Key;
    use statrs::distribution::{ContinuousCDF, Normal};

    fn normals(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = Key::from_seed(seed).rng();
        (0..n).map(|_| rng.normal()).collect()
    }

    /// At alpha = 0.2 at most 200 of 1000 correct samples fail, and nearly so many (the bound is sharp within some
    /// percent at n = 500): 130 to 245, 3.5 binomial standard deviations of 12.6 around 170 to 200.
    #[test]
    fn the_false_alarm_rate_is_about_alpha() {
        let normal = Normal::standard();
        let failed = (0..1000).filter(|s| ks_test(&normals(500, *s), |x| normal.cdf(x), 0.2).is_err()).count();
        assert!((130..=245).contains(&failed), "{failed}");
    }

    /// A mean off by 0.1 moves the function by 0.04; the bound for 20 000 draws at 1e-4 is 0.0157, noise about 0.006.
    #[test]
    fn a_shifted_mean_is_caught() {
        let normal = Normal::standard();
        let x: Vec<f64> = normals(20_000, 1);
        ks_test(&x, |x| normal.cdf(x), 1e-4).unwrap();
        assert!(ks_test(&x, |x| normal.cdf(x - 0.1), 1e-4).is_err());
        // So is a draw that repeats itself: a constant sample.
        assert!(ks_test(&[0.0; 100], |x| normal.cdf(x), 1e-4).is_err());
    }

    #[test]
    fn wrong_input_is_named() {
        assert!(ks_test(&[], |x| x, 0.1).is_err());
        assert!(ks_test(&[f64::NAN], |x| x, 0.1).is_err());
        assert!(ks_test(&[2.0], |x| x, 0.1).unwrap_err().contains("2 at 2"));
    }
}
