//! Continuous ranked probability score, `int (F(x) - [y <= x])^2 dx = E|X - y| - E|X - X'| / 2`, in the unit of `y`.
//!
//! Parameters out of range give NaN. Closed forms: Jordan, Krüger & Lerch 2019, DOI 10.18637/jss.v090.i12, appendix A;
//! all are checked against the integral.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::function::beta::beta_reg;
use statrs::function::gamma::{gamma_lr, gamma_ur};

use super::{ScoreError, at_least};
use crate::special::{bessel_i0e, bessel_i1e, ln_beta, normal_cdf, normal_pdf};

/// A normal forecast.
///
/// # Example
/// ```
/// use gibbs_stats::scores::crps;
/// // At the centre: sigma (2 phi(0) - 1/sqrt pi).
/// assert!((crps::normal(0.0, 2.0, 0.0) - 0.467_389_954_510_218).abs() < 1e-12);
/// ```
pub fn normal(mu: f64, sigma: f64, y: f64) -> f64 {
    let z = (y - mu) / sigma;
    // 1 - 2 Φ(-z) without loss in both tails.
    let both = if z >= 0.0 { 1.0 - 2.0 * normal_cdf(-z) } else { 2.0 * normal_cdf(z) - 1.0 };
    positive(sigma) * (z * both + 2.0 * normal_pdf(z) - PI.sqrt().recip())
}

/// A mixture of normal forecasts with weights that add up to one (Grimit et al. 2006, DOI 10.1256/qj.05.235).
pub fn normal_mixture(weights: &[f64], mu: &[f64], sigma: &[f64], y: f64) -> f64 {
    // E|X| of a normal law.
    let distance = |m: f64, s: f64| 2.0 * s * normal_pdf(m / s) + m * (2.0 * normal_cdf(m / s) - 1.0);
    let k = weights.len();
    let near: f64 = (0..k).map(|i| weights[i] * distance(y - mu[i], positive(sigma[i]))).sum();
    let spread: f64 = (0..k)
        .flat_map(|i| (0..k).map(move |j| (i, j)))
        .map(|(i, j)| weights[i] * weights[j] * distance(mu[i] - mu[j], sigma[i].hypot(sigma[j])))
        .sum();
    near - 0.5 * spread
}

/// A Laplace forecast of a centre and a scale.
pub fn laplace(centre: f64, scale: f64, y: f64) -> f64 {
    let z = (y - centre).abs() / scale;
    positive(scale) * (z + (-z).exp() - 0.75)
}

/// A logistic forecast of a centre and a scale.
pub fn logistic(centre: f64, scale: f64, y: f64) -> f64 {
    let z = (y - centre) / scale;
    positive(scale) * (z + 2.0 * crate::special::softplus(-z) - 1.0)
}

/// A Student-t forecast of more than one degree of freedom, a centre and a scale.
pub fn student_t(dof: f64, centre: f64, scale: f64, y: f64) -> f64 {
    let z = (y - centre) / scale;
    if !(dof > 1.0 && dof.is_finite()) || z.is_nan() {
        return f64::NAN;
    }
    // 2 F(z) - 1 from the incomplete beta function.
    let both = z.signum() * beta_reg(0.5, 0.5 * dof, z * z / (dof + z * z));
    let ln_b = ln_beta(0.5, 0.5 * dof);
    let density = (-0.5 * (dof + 1.0) * (z * z / dof).ln_1p() - ln_b).exp() / dof.sqrt();
    let own = (ln_beta(0.5, dof - 0.5) - 2.0 * ln_b).exp() * 2.0 * dof.sqrt() / (dof - 1.0);
    positive(scale) * (z * both + 2.0 * density * (dof + z * z) / (dof - 1.0) - own)
}

/// A uniform forecast between two bounds.
pub fn uniform(low: f64, high: f64, y: f64) -> f64 {
    let width = positive(high - low);
    let z = ((y - low) / width).clamp(0.0, 1.0);
    let outside = (low - y).max(y - high).max(0.0);
    outside + width * (z * z - z + 1.0 / 3.0)
}

/// An exponential forecast of a rate.
pub fn exponential(rate: f64, y: f64) -> f64 {
    let below = if y > 0.0 { -(-rate * y).exp_m1() } else { 0.0 };
    y.abs() + (0.5 - 2.0 * below) / positive(rate)
}

/// A gamma forecast of a shape and a rate.
pub fn gamma(shape: f64, rate: f64, y: f64) -> f64 {
    if (positive(shape) + positive(rate) + y).is_nan() {
        return f64::NAN;
    }
    let cdf = |shape: f64| if y > 0.0 { gamma_lr(shape, rate * y) } else { 0.0 };
    let mean = shape / rate;
    let own = (-ln_beta(0.5, shape)).exp() / rate;
    y * (2.0 * cdf(shape) - 1.0) - mean * (2.0 * cdf(shape + 1.0) - 1.0) - own
}

/// A log-normal forecast: `ln x` has mean `mu` and standard deviation `sigma`.
pub fn log_normal(mu: f64, sigma: f64, y: f64) -> f64 {
    let z = if y > 0.0 { (y.ln() - mu) / sigma } else { f64::NEG_INFINITY };
    let mean = (mu + 0.5 * sigma * sigma).exp();
    let part = normal_cdf(z - positive(sigma)) + normal_cdf(sigma * FRAC_1_SQRT_2) - 1.0;
    y * (2.0 * normal_cdf(z) - 1.0) - 2.0 * mean * part
}

/// A Poisson forecast of a rate.
pub fn poisson(rate: f64, y: f64) -> f64 {
    if positive(rate).is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let k = y.floor();
    let (cdf, pmf) = if k < 0.0 {
        (0.0, 0.0)
    } else {
        let ln_pmf = -crate::special::factorial_rest(k) - crate::special::deviance(k, rate);
        (gamma_ur(k + 1.0, rate), ln_pmf.exp())
    };
    let own = rate * (bessel_i0e(2.0 * rate) + bessel_i1e(2.0 * rate));
    (y - rate) * (2.0 * cdf - 1.0) + 2.0 * rate * pmf - own
}

/// A forecast in the form of draws: the score of the empirical law, `mean |x_i - y| - sum_ij |x_i - x_j| / (2 m^2)`, in
/// `O(m log m)`.
///
/// It is the score of that empirical law; as an estimate for the law behind the draws it is too large, more so the fewer
/// draws. [`samples_fair`] is not.
pub fn samples(draws: &[f64], y: f64) -> Result<f64, ScoreError> {
    at_least("draws", draws.len(), 1)?;
    let m = draws.len() as f64;
    Ok(near(draws, y) - spread(draws) / (m * m))
}

/// A forecast in the form of draws, fair: the unbiased estimate for the law behind them, with `2 m (m - 1)` in place of
/// `2 m^2` (Ferro 2014, DOI 10.1002/qj.2270). Two draws or more.
pub fn samples_fair(draws: &[f64], y: f64) -> Result<f64, ScoreError> {
    at_least("draws", draws.len(), 2)?;
    let m = draws.len() as f64;
    Ok(near(draws, y) - spread(draws) / (m * (m - 1.0)))
}

fn near(draws: &[f64], y: f64) -> f64 {
    draws.iter().map(|x| (x - y).abs()).sum::<f64>() / draws.len() as f64
}

/// `sum_(i<j) |x_i - x_j|`: in order, the gap after the `i`-th lies between `i (m - i)` pairs.
fn spread(draws: &[f64]) -> f64 {
    let mut sorted = draws.to_vec();
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len();
    sorted.windows(2).enumerate().map(|(i, w)| (w[1] - w[0]) * ((i + 1) * (m - i - 1)) as f64).sum()
}

/// `value` if it is positive and finite, NaN otherwise.
fn positive(value: f64) -> f64 {
    if value > 0.0 && value.is_finite() { value } else { f64::NAN }
}
