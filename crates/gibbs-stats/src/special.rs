//! Special functions that the families need beyond those of `statrs`, each to a few roundings.
//!
//! The differences matter more than the functions: `lnΓ(k)` of a count of a billion is known to 1e-6 only, but a
//! log-probability is a difference of several of them that is of order one. So the large parts are cancelled on paper
//! and what remains is computed: [`stirling_error`] and [`deviance`] (Loader 2000, *Fast and accurate computation of
//! binomial probabilities*).

use std::f64::consts::{LN_2, PI, TAU};

pub use statrs::function::erf::{erf, erfc};

/// `ln(2 pi)`.
pub const LN_TAU: f64 = 1.837_877_066_409_345_3;
/// Euler's constant.
pub const EULER: f64 = 0.577_215_664_901_532_9;

/// `ln Γ(x)` for `x > 0`.
///
/// `statrs` loses relative precision where the logarithm passes through zero, at 1 and 2; there `max(1, |value|)` is the
/// scale.
pub fn ln_gamma(x: f64) -> f64 {
    if x < 15.0 {
        statrs::function::gamma::ln_gamma(x)
    } else {
        (x - 0.5) * x.ln() - x + 0.5 * LN_TAU + stirling_series(x)
    }
}

/// Error of Stirling's formula, `ln Γ(x + 1) - [(x + 1/2) ln x - x + ln(2 pi)/2]` for `x > 0`.
pub fn stirling_error(x: f64) -> f64 {
    if x < 15.0 {
        statrs::function::gamma::ln_gamma(x + 1.0) - ((x + 0.5) * x.ln() - x + 0.5 * LN_TAU)
    } else {
        stirling_series(x)
    }
}

/// The asymptotic series of [`stirling_error`]; at `x = 15` the first term left out is 4e-17.
fn stirling_series(x: f64) -> f64 {
    let r = (x * x).recip();
    (1.0 / 12.0
        - r * (1.0 / 360.0
            - r * (1.0 / 1260.0
                - r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * (691.0 / 360_360.0 - r * (1.0 / 156.0)))))))
        / x
}

/// `ln k! - (k ln k - k)` for `k >= 0`: what is left of a factorial beside its entropy part; 0 at 0.
pub fn factorial_rest(k: f64) -> f64 {
    if k == 0.0 { 0.0 } else { stirling_error(k) + 0.5 * (LN_TAU + k.ln()) }
}

/// Deviance part `x ln(x / m) + m - x` for `x >= 0`, `m > 0`, without the cancellation near `x = m`.
///
/// It is the Kullback-Leibler divergence of Poisson laws of rates `x` and `m`, and, at `x = 1`, `m - 1 - ln m`.
pub fn deviance(x: f64, m: f64) -> f64 {
    deviance_ln(x, x.ln(), m, m.ln())
}

/// [`deviance`] of numbers given with their logarithms, which may be known where the numbers underflow.
pub fn deviance_ln(x: f64, ln_x: f64, m: f64, ln_m: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    // Halves where the sum overflows.
    let v = if (x + m).is_finite() { (x - m) / (x + m) } else { (0.5 * x - 0.5 * m) / (0.5 * x + 0.5 * m) };
    if v.abs() > 0.1 {
        // Away from each other nothing cancels badly; the ratio is exact to one rounding where it does not overflow.
        let ratio = x / m;
        let ln = if ratio.is_normal() { ratio.ln() } else { ln_x - ln_m };
        return x * ln + (m - x);
    }
    // ln(x/m) = 2 artanh v = 2 (v + v^3/3 + ...), and m - x = -v (x + m).
    let (v2, mut power, mut sum) = (v * v, v, 0.0);
    for k in 1..40 {
        power *= v2;
        let term = power / f64::from(2 * k + 1);
        sum += term;
        if term.abs() <= 1e-17 * sum.abs() {
            break;
        }
    }
    // In this order nothing overflows that need not.
    (x - m) * v + x * (2.0 * sum)
}

/// `ln(x / m)` of positive numbers, also where the ratio is beyond double precision.
pub fn ln_ratio(x: f64, m: f64) -> f64 {
    let ratio = x / m;
    if ratio.is_normal() { ratio.ln() } else { x.ln() - m.ln() }
}

/// The number whose digamma is `y`: Newton's method from Minka's start (*Estimating a Dirichlet distribution*, appendix
/// C), good to 1e-14 in five steps.
pub fn inverse_digamma(y: f64) -> f64 {
    let mut x = if y >= -2.22 { y.exp() + 0.5 } else { -(y + EULER).recip() };
    for _ in 0..6 {
        x -= (digamma(x) - y) / trigamma(x);
    }
    x
}

/// `ln x - ψ(x)` for `x > 0`: positive, near `1/x` for small and `1/(2x)` for large arguments.
pub fn ln_minus_digamma(x: f64) -> f64 {
    let (mut z, mut sum) = (x, 0.0);
    while z < 15.0 {
        sum += z.recip();
        z += 1.0;
    }
    let r = (z * z).recip();
    let series = r
        * (1.0 / 12.0
            - r * (1.0 / 120.0
                - r * (1.0 / 252.0
                    - r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32_760.0 - r * (1.0 / 12.0)))))));
    // Written so that nothing is added where no step was taken.
    let shift = if z > x { x.ln() - z.ln() } else { 0.0 };
    sum + shift + 0.5 / z + series
}

/// Digamma, `ψ(x) = d ln Γ(x) / dx`, for `x > 0`.
pub fn digamma(x: f64) -> f64 {
    x.ln() - ln_minus_digamma(x)
}

/// Trigamma, `ψ'(x)`, for `x > 0`: recurrence up to 15, then the asymptotic series (Abramowitz & Stegun 6.4.12).
///
/// # Example
/// ```
/// use gibbs_stats::special::trigamma;
/// assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-15);
/// ```
pub fn trigamma(x: f64) -> f64 {
    let (mut z, mut sum) = (x, 0.0);
    while z < 15.0 {
        sum += (z * z).recip();
        z += 1.0;
    }
    let r = (z * z).recip();
    let series = r / z
        * (1.0 / 6.0
            - r * (1.0 / 30.0
                - r * (1.0 / 42.0 - r * (1.0 / 30.0 - r * (5.0 / 66.0 - r * (691.0 / 2730.0 - r * (7.0 / 6.0)))))));
    sum + (z.recip() + 0.5 * r + series)
}

/// `ln Γ_d(x)`, the multivariate gamma function of order `d` (Wishart's normaliser), for `x > (d - 1) / 2`.
pub fn ln_multivariate_gamma(d: usize, x: f64) -> f64 {
    let pairs = (d * (d.saturating_sub(1))) as f64;
    0.25 * pairs * PI.ln() + (0..d).map(|j| ln_gamma(x - 0.5 * j as f64)).sum::<f64>()
}

/// `ln B(a, b)` for `a, b > 0`, without cancellation of large arguments.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_dirichlet(&[a, b])
}

/// `sum ln Γ(a_k) - ln Γ(sum a_k)` for positive `a_k`, without cancellation of large arguments: each `ln Γ` is split
/// into `a ln a - a`, whose differences are logarithms of shares, and a small rest.
pub fn ln_dirichlet(a: &[f64]) -> f64 {
    let sum: f64 = a.iter().sum();
    let rest = |a: f64| stirling_error(a) + 0.5 * (LN_TAU - a.ln());
    a.iter().map(|&a| a * (a / sum).ln() + rest(a)).sum::<f64>() - rest(sum)
}

/// `ln(e^x + 1)` without overflow or loss.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + e^-x)`, precise in both tails.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { (1.0 + (-x).exp()).recip() } else { x.exp() / (1.0 + x.exp()) }
}

/// `ln(1 - e^x)` for `x < 0` (Mächler 2012).
pub fn ln_one_minus_exp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// Density of the standard normal law.
pub fn normal_pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// Distribution function of the standard normal law.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// `z` with `normal_cdf(z) = p`: infinite at 0 and 1, NaN outside.
///
/// ```
/// use gibbs_stats::special::normal_quantile;
/// assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-13);
/// ```
pub fn normal_quantile(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) {
        -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p)
    } else {
        f64::NAN
    }
}

/// Where the power series of the Bessel functions gives way to the asymptotic one, whose smallest term is then
/// `e^-40`.
const BESSEL_SWITCH: f64 = 20.0;

/// `e^-x I_0(x)` for `x >= 0`.
///
/// The power series has positive terms only, so it loses nothing; beyond 20 Hankel's asymptotic series
/// (Abramowitz & Stegun 9.6.10 and 9.7.1).
///
/// # Example
/// ```
/// use gibbs_stats::special::bessel_i0e;
/// // I_0(1) = 1.26606587775200833...
/// assert!((bessel_i0e(1.0) * 1f64.exp() - 1.266_065_877_752_008_3).abs() < 1e-15);
/// ```
pub fn bessel_i0e(x: f64) -> f64 {
    if x < BESSEL_SWITCH { (-x).exp() * bessel_power(x, 0) } else { hankel(x).0 / (TAU * x).sqrt() }
}

/// `e^-x I_1(x)` for `x >= 0`, as [`bessel_i0e`].
pub fn bessel_i1e(x: f64) -> f64 {
    if x < BESSEL_SWITCH {
        (-x).exp() * 0.5 * x * bessel_power(x, 1)
    } else {
        let (i0, gap) = hankel(x);
        (i0 - gap) / (TAU * x).sqrt()
    }
}

/// `1 - I_1(x) / I_0(x)` for `x >= 0`, precise also where it is tiny: the circular variance of von Mises' law.
pub fn bessel_gap(x: f64) -> f64 {
    if x < BESSEL_SWITCH {
        1.0 - bessel_ratio(x)
    } else {
        let (i0, gap) = hankel(x);
        gap / i0
    }
}

/// `I_1(x) / I_0(x)` for `x >= 0`: the mean resultant length of von Mises' law.
pub fn bessel_ratio(x: f64) -> f64 {
    if x < BESSEL_SWITCH { 0.5 * x * bessel_power(x, 1) / bessel_power(x, 0) } else { 1.0 - bessel_gap(x) }
}

/// `sum_k (x^2/4)^k / (k! (k + order)!)`.
fn bessel_power(x: f64, order: i32) -> f64 {
    let (q, mut term, mut sum) = (0.25 * x * x, 1.0, 1.0);
    for k in 1..200 {
        term *= q / (f64::from(k) * f64::from(k + order));
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    sum
}

/// `sqrt(2 pi x) e^-x` times `I_0(x)` and times `I_0(x) - I_1(x)`, the latter term by term.
fn hankel(x: f64) -> (f64, f64) {
    let (mut a, mut b, mut i0, mut gap) = (1.0, 1.0, 1.0, 0.0);
    for k in 1..100 {
        let k = f64::from(k);
        let odd = (2.0 * k - 1.0).powi(2);
        let next = a * odd / (8.0 * k * x);
        if next > a {
            break;
        }
        a = next;
        b *= (odd - 4.0) / (8.0 * k * x);
        i0 += a;
        gap += a - b;
        if a < 1e-18 {
            break;
        }
    }
    (i0, gap)
}

/// `ln C(n, k)` for `0 <= k <= n`, real or whole, without cancellation of large arguments.
pub fn ln_choose(n: f64, k: f64) -> f64 {
    if k == 0.0 || k == n {
        return 0.0;
    }
    // n ln n - k ln k - (n-k) ln (n-k) as logarithms of shares.
    let (s, t) = (k / n, (n - k) / n);
    factorial_rest(n) - factorial_rest(k) - factorial_rest(n - k) - k * s.ln() - (n - k) * t.ln()
}
