//! Kinds of hidden units.

use std::f64::consts::{LN_2, TAU};
use std::fmt::Debug;

use gibbs_core::key::{Key, Rng};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bit_gemm::{self, Matrix};
use gibbs_kernels::bits::{BitRows, words_per_row};
use gibbs_kernels::gemm::{self, Packed};
use gibbs_kernels::{activation, bernoulli};
use rayon::prelude::*;

use super::gaussian::transposed;
use super::visible::BLOCK;

/// A kind of hidden unit: an exponential family `p(h | x) prop nu(h) exp(x h)` with log normaliser `A(x)`.
///
/// Temperature acts on the coupling, not on `nu`: at `beta` a unit has input `beta x`.
pub trait Hidden: Clone + Debug + Default + PartialEq + Send + Sync + 'static {
    /// `A(0)`: log of the total base measure of a unit.
    const LOG_MEASURE: f64;

    /// Whether a unit has two states, so that few units can be enumerated.
    const TWO_VALUED: bool;

    /// `out[i] = sum_j A(beta x_ij)`.
    fn log_normaliser(x: &[f32], n_rows: usize, n_hidden: usize, beta: f64, out: &mut [f64]);

    /// `E[h | x]` elementwise.
    fn mean(x: &[f32], out: &mut [f32]);

    /// Draws `h ~ p(h | beta x)` and writes `h W'`, rows x visible; `weights` visible x hidden.
    #[expect(clippy::too_many_arguments, reason = "a batch, the weights, randomness and output")]
    fn draw_and_project(
        x: &[f32],
        n_rows: usize,
        n_hidden: usize,
        beta: f64,
        weights: &[f32],
        key: &Key,
        out: &mut [f32],
        ws: &mut Scratch,
    );
}

/// Units in `{0, 1}`: `A(x) = log(1 + exp(x))`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binary;

impl Hidden for Binary {
    const LOG_MEASURE: f64 = LN_2;
    const TWO_VALUED: bool = true;

    fn log_normaliser(x: &[f32], n_rows: usize, n_hidden: usize, beta: f64, out: &mut [f64]) {
        activation::softplus_sum(x, n_rows, n_hidden, beta as f32, out);
    }

    fn mean(x: &[f32], out: &mut [f32]) {
        activation::sigmoid(1.0, x, out);
    }

    fn draw_and_project(
        x: &[f32],
        n_rows: usize,
        n_hidden: usize,
        beta: f64,
        weights: &[f32],
        key: &Key,
        out: &mut [f32],
        ws: &mut Scratch,
    ) {
        let mut h = ws.take_u64(n_rows * words_per_row(n_hidden));
        bernoulli::draw(x, n_rows, n_hidden, beta as f32, key.bits(), &mut h);
        let matrix = Matrix::row_major(weights, weights.len() / n_hidden, n_hidden);
        bit_gemm::bit_gemm(BitRows::new(&h, n_rows, n_hidden), matrix.t(), None, out);
        ws.give_u64(h);
    }
}

/// Rectified units: `h >= 0` with `nu(h) = exp(-h^2 / 2)`, so that `p(h | x)` is `N(x, 1)` cut off below zero and
/// `A(x) = x^2 / 2 + log(sqrt(2 pi) Phi(x))`.
///
/// A variance of its own would add nothing: it scales the unit's weights and bias. The mean
/// `x + phi(x) / Phi(x)` is a smooth rectifier.
///
/// # Source
/// Su, Liao, Chen & Carin 2016, "Nonlinear statistical learning with truncated Gaussian graphical models", ICML,
/// section 2 (arXiv:1606.00906).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rectified;

impl Hidden for Rectified {
    /// `log sqrt(pi / 2)`.
    const LOG_MEASURE: f64 = 0.225_791_352_644_727_43;
    const TWO_VALUED: bool = false;

    fn log_normaliser(x: &[f32], _n_rows: usize, n_hidden: usize, beta: f64, out: &mut [f64]) {
        for (o, row) in out.iter_mut().zip(x.chunks_exact(n_hidden)) {
            *o = row.iter().map(|&x| log_half_gaussian(beta * f64::from(x))).sum();
        }
    }

    fn mean(x: &[f32], out: &mut [f32]) {
        for (o, &x) in out.iter_mut().zip(x) {
            *o = rectified_mean(f64::from(x)) as f32;
        }
    }

    fn draw_and_project(
        x: &[f32],
        n_rows: usize,
        n_hidden: usize,
        beta: f64,
        weights: &[f32],
        key: &Key,
        out: &mut [f32],
        ws: &mut Scratch,
    ) {
        let mut h = ws.take_f32(x.len());
        h.par_chunks_mut(BLOCK * n_hidden).zip(x.par_chunks(BLOCK * n_hidden)).enumerate().for_each(
            |(block, (h, x))| {
                let mut rng = key.block(block as u64).rng();
                h.iter_mut().zip(x).for_each(|(h, &x)| *h = truncated(beta * f64::from(x), &mut rng) as f32);
            },
        );
        let n_visible = weights.len() / n_hidden;
        let packed = Packed::new(n_hidden, n_visible, &transposed(weights, n_visible, n_hidden));
        gemm::matmul(n_rows, &h, &packed, None, false, out);
        ws.give_f32(h);
    }
}

/// Mills' ratio `(1 - Phi(a)) / phi(a)` of the standard normal law.
///
/// Below 3 by the series `Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...)` (all terms of one sign; cancellation
/// costs three digits at 3), above by Laplace's continued fraction
/// `1 / (a + 1 / (a + 2 / (a + ...)))`; relative error below 1e-12.
///
/// # Source
/// Abramowitz & Stegun 1964, 26.2.11 and 26.2.14.
pub(super) fn mills_ratio(a: f64) -> f64 {
    if a < 3.0 {
        let (mut term, mut sum, mut k) = (-a, -a, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            k += 2.0;
            term *= a * a / k;
            sum += term;
        }
        return 0.5 * TAU.sqrt() * (0.5 * a * a).exp() + sum;
    }
    let mut tail = a;
    for k in (1..=80).rev() {
        tail = a + f64::from(k) / tail;
    }
    1.0 / tail
}

/// `A(x) = log integral_0^inf exp(-h^2 / 2 + x h) dh`, nats.
pub(super) fn log_half_gaussian(x: f64) -> f64 {
    if x > 3.0 {
        // Phi(x) = 1 - phi(x) R(x): no overflow of exp(x^2 / 2).
        let upper = mills_ratio(x) * (-0.5 * x * x).exp() / TAU.sqrt();
        0.5 * x * x + 0.5 * TAU.ln() + (-upper).ln_1p()
    } else {
        mills_ratio(-x).ln()
    }
}

/// Mean of `N(x, 1)` cut off below zero.
pub(super) fn rectified_mean(x: f64) -> f64 {
    if x > 30.0 {
        x
    } else if x < -1e3 {
        // x + 1 / R(-x) cancels; the law is nearly exponential with rate -x.
        -1.0 / x
    } else {
        x + 1.0 / mills_ratio(-x)
    }
}

/// A draw of `N(mean, 1)` given that it is at least zero, by rejection: from the normal law itself where at least half
/// of it is above zero, else from a shifted exponential.
///
/// # Source
/// Robert 1995, DOI 10.1007/BF00143942, propositions 2.1 and 2.3.
fn truncated(mean: f64, rng: &mut Rng) -> f64 {
    if mean >= 0.0 {
        loop {
            let h = mean + rng.normal();
            if h >= 0.0 {
                return h;
            }
        }
    }
    let least = -mean;
    let rate = 0.5 * (least + (least * least + 4.0).sqrt());
    loop {
        let above = -(1.0 - rng.uniform()).ln() / rate;
        let off = least + above - rate;
        if rng.uniform() < (-0.5 * off * off).exp() {
            return above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simpson's rule of `f` from 0 to where `exp(-h^2 / 2 + x h)` is below 1e-17 of its largest value.
    fn integral(x: f64, f: impl Fn(f64) -> f64) -> f64 {
        let top = if x > 0.0 { x + 9.0 } else { 40.0 / (40.0 / 9.0 - x) };
        let (n, peak) = (20_000, 0.5 * x.max(0.0).powi(2));
        let step = top / f64::from(n);
        let at = |k: i32| {
            let h = step * f64::from(k);
            f(h) * (x * h - 0.5 * h * h - peak).exp()
        };
        let sum: f64 = (0..=n).map(|k| at(k) * if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) }).sum();
        sum * step / 3.0
    }

    #[test]
    fn the_rectified_law_by_quadrature() {
        assert!((Rectified::LOG_MEASURE - 0.5 * (TAU / 4.0).ln()).abs() < 1e-15);
        assert!((log_half_gaussian(0.0) - Rectified::LOG_MEASURE).abs() < 1e-14);
        for x in [-60.0, -12.0, -3.1, -2.9, -0.7, 0.0, 0.4, 2.9, 3.1, 8.0, 25.0, 45.0] {
            let (z, first) = (integral(x, |_| 1.0), integral(x, |h| h));
            let log_z = z.ln() + 0.5 * x.max(0.0).powi(2);
            // Simpson's error with 20,000 points is below 1e-12; the series loses four digits at 3.
            assert!((log_half_gaussian(x) - log_z).abs() < 1e-10 * (1.0 + log_z.abs()), "{x}");
            assert!((rectified_mean(x) - first / z).abs() < 1e-9 * (1.0 + (first / z).abs()), "{x}");
        }
    }

    /// Draws fall into ten cells of equal probability: chi-square with 9 degrees of freedom.
    #[test]
    fn truncated_draws_have_their_law() {
        for (i, mean) in [-4.0, -0.5, 0.0, 0.3, 3.0].into_iter().enumerate() {
            let z = integral(mean, |_| 1.0);
            let mut rng = Key::from_seed(i as u64).rng();
            let n = 20_000;
            let draws: Vec<f64> = (0..n).map(|_| truncated(mean, &mut rng)).collect();
            let mut sorted = draws.clone();
            sorted.sort_by(f64::total_cmp);
            // Cells by the law's own distribution function, summed along the sorted draws.
            let cdf = |h: f64| {
                let steps = 400;
                let step = h / f64::from(steps);
                let peak = 0.5 * mean.max(0.0).powi(2);
                let at = |k: i32| (mean * step * f64::from(k) - 0.5 * (step * f64::from(k)).powi(2) - peak).exp();
                let sum: f64 = (0..=steps)
                    .map(|k| at(k) * if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) })
                    .sum();
                sum * step / 3.0 / z
            };
            let mut counts = [0u64; 10];
            draws.iter().for_each(|&h| counts[((10.0 * cdf(h)) as usize).min(9)] += 1);
            gibbs_testkit::chi_square_test(&counts, &[0.1; 10], 1e-5).unwrap();
            // The planted mistake: the law of another mean.
            let shifted: Vec<f64> = draws.iter().map(|h| h * 1.1).collect();
            let mut counts = [0u64; 10];
            shifted.iter().for_each(|&h| counts[((10.0 * cdf(h)) as usize).min(9)] += 1);
            gibbs_testkit::chi_square_test(&counts, &[0.1; 10], 1e-5).unwrap_err();
        }
    }
}
