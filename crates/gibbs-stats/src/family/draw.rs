//! Draws from the laws that others are built of: gamma, Poisson, binomial. All are exact.

use std::f64::consts::PI;

use gibbs_core::key::Rng;

use super::{binomial, poisson};
use crate::special::ln_one_minus_exp;

/// A uniform number in `(0, 1]`: its logarithm is finite.
pub(super) fn open_uniform(rng: &mut Rng) -> f64 {
    1.0 - rng.uniform()
}

/// A standard exponential number.
pub(super) fn exponential(rng: &mut Rng) -> f64 {
    -open_uniform(rng).ln()
}

/// Logarithm of a gamma number of rate 1. The logarithm, since small shapes underflow: at shape 1e-3 most draws are
/// below the smallest double.
///
/// Source: Marsaglia & Tsang 2000, DOI 10.1145/358407.358414, with their boost `Γ(a) = Γ(a + 1) U^(1/a)` below 1.
pub(super) fn ln_gamma_draw(shape: f64, rng: &mut Rng) -> f64 {
    if shape < 1.0 {
        return ln_gamma_draw(shape + 1.0, rng) - exponential(rng) / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = (9.0 * d).sqrt().recip();
    loop {
        let z = rng.normal();
        let root = 1.0 + c * z;
        if root <= 0.0 {
            continue;
        }
        let ln_v = 3.0 * (c * z).ln_1p();
        // d (1 - v + ln v) without cancelling at large shapes: v - 1 from the cube of 1 + cz.
        let excess = c * z * (3.0 + c * z * (3.0 + c * z));
        if open_uniform(rng).ln() < 0.5 * z * z + d * (ln_v - excess) {
            return d.ln() + ln_v;
        }
    }
}

/// Keeps a draw of a density on the positive numbers out of the underflow at its end.
pub(super) fn keep_positive(x: f64) -> f64 {
    x.clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// A Poisson number.
///
/// Below a rate of 10 by sequential search, above by transformed rejection (PTRS of Hörmann 1993,
/// DOI 10.1016/0167-6687(93)90997-4) with the log-probability of [`poisson`], which keeps its digits at any rate.
pub(super) fn poisson(rate: f64, rng: &mut Rng) -> f64 {
    if rate < 10.0 {
        // 1 - exp(-rate) is lost to rounding for tiny rates in the plain search, so start from the law of zero itself.
        let mut u = rng.uniform();
        let (mut k, mut p) = (0.0, (-rate).exp());
        while u >= p {
            u -= p;
            k += 1.0;
            p *= rate / k;
            if k > 200.0 {
                // Rounding left a remainder that no probability covers.
                return poisson(rate, rng);
            }
        }
        return k;
    }
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inv_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = rng.uniform() - 0.5;
        let v = open_uniform(rng);
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        if (v * inv_alpha / (a / (us * us) + b)).ln() <= poisson::log_pmf(k, rate, rate.ln()) {
            return k;
        }
    }
}

/// A binomial number of `n` trials with log-odds `logit`.
///
/// With few expected successes by counting the geometric gaps between them, otherwise by transformed rejection (BTRS of
/// Hörmann 1993, DOI 10.1080/00949659308811496).
pub(super) fn binomial(n: f64, logit: f64, rng: &mut Rng) -> f64 {
    if logit > 0.0 {
        return n - binomial(n, -logit, rng);
    }
    let p = crate::special::sigmoid(logit);
    if n * p < 10.0 {
        let ln_q = -crate::special::softplus(logit);
        let (mut k, mut passed) = (0.0, 0.0);
        loop {
            // Trials up to and with the next success.
            passed += geometric(ln_q, rng) + 1.0;
            if passed > n || passed.is_nan() {
                return k;
            }
            k += 1.0;
        }
    }
    let sd = (n * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * sd;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let c = n * p + 0.5;
    let v_r = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * sd;
    let mode = ((n + 1.0) * p).floor();
    let at_mode = binomial::log_pmf(mode, n, logit);
    loop {
        let u = rng.uniform() - 0.5;
        let v = open_uniform(rng);
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + c).floor();
        if k < 0.0 || k > n {
            continue;
        }
        if us >= 0.07 && v <= v_r {
            return k;
        }
        if (v * alpha / (a / (us * us) + b)).ln() <= binomial::log_pmf(k, n, logit) - at_mode {
            return k;
        }
    }
}

/// Failures before the first success, where a trial fails with probability `exp(ln_q)`.
pub(super) fn geometric(ln_q: f64, rng: &mut Rng) -> f64 {
    (open_uniform(rng).ln() / ln_q).floor()
}

/// The index whose turn it is in cumulative probabilities: inversion of one uniform number.
pub(super) fn index(probs: impl ExactSizeIterator<Item = f64>, rng: &mut Rng) -> usize {
    let last = probs.len() - 1;
    let mut u = rng.uniform();
    for (k, p) in probs.enumerate() {
        if u < p {
            return k;
        }
        u -= p;
    }
    last
}

/// An angle from von Mises' law of concentration `kappa` about 0, in `[-pi, pi]`.
///
/// Best & Fisher 1979, DOI 10.2307/2346732, in terms of `r - 1` and `1 - f`, which keep their digits at any `kappa`.
pub(super) fn von_mises(kappa: f64, rng: &mut Rng) -> f64 {
    if kappa == 0.0 {
        return PI * (2.0 * rng.uniform() - 1.0);
    }
    let half = 0.5 / kappa;
    // r - 1 for r = 1/(2 kappa) + sqrt(1 + 1/(4 kappa^2)).
    let s = half + half * (half / (1.0 + half.hypot(1.0)));
    if !s.is_finite() {
        return PI * (2.0 * rng.uniform() - 1.0);
    }
    loop {
        let (sin, cos) = (0.5 * PI * rng.uniform()).sin_cos();
        let one_minus_f = s * (2.0 * sin * sin) / (s + 2.0 * cos * cos);
        let c = kappa * (s + one_minus_f);
        let u = open_uniform(rng);
        if c * (2.0 - c) > u || (c / u).ln() + 1.0 >= c {
            let angle = 2.0 * (0.5 * one_minus_f).sqrt().min(1.0).asin();
            return if rng.next_u32() & 1 == 1 { angle } else { -angle };
        }
    }
}

/// A gamma-mixed Poisson number: failures before the `r`-th success.
pub(super) fn negative_binomial(r: f64, ln_q: f64, rng: &mut Rng) -> f64 {
    let ln_odds = ln_q - ln_one_minus_exp(ln_q);
    let rate = (ln_gamma_draw(r, rng) + ln_odds).exp();
    poisson(rate, rng)
}
