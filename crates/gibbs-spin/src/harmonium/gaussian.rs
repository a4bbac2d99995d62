//! Real visible units with learnt variances.

use std::f64::consts::TAU;

use gibbs_core::dense::Dense;
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_kernels::gemm::{self, Packed};
use rayon::prelude::*;

use super::hidden::Binary;
use super::visible::{BLOCK, Clamp, Proper, Visible, normalised, parameters};
use crate::rbm::{VISIBLE_BIAS, WEIGHTS};

/// Name of the log variances among the parameters.
pub const LOG_VARIANCE: &str = "log_variance";

/// A variance so large that the energy of any row is far below rounding.
const FLAT_LOG_VARIANCE: f32 = 80.0;

/// Gaussian visible units: `E(v, h) = sum_i (v_i - b_i)^2 / (2 s_i^2) - sum_ij (v_i / s_i^2) W_ij h_j - c'h`, with
/// `s_i^2 = exp(z_i)` and `z` learnt.
///
/// Given the hidden units `v_i ~ N(b_i + (W h)_i, s_i^2)`, so with two-valued hidden units the density of `v` is a mixture of
/// `2^m` Gaussians with one covariance. Dividing the coupling by the variance, not the deviation, keeps the
/// gradient in `z` from fighting that in `W`.
///
/// # Units
/// A density: the free energy is `-log p` up to `log Z` in the units of the rows.
///
/// # Source
/// Cho, Ilin & Raiko 2011, DOI 10.1007/978-3-642-21735-7_2, equations 3-6 and section 3.1 (log variances).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaussian {
    n_units: usize,
}

impl Gaussian {
    /// A layer of `n_units` units.
    pub fn new(n_units: usize) -> Self {
        Self { n_units }
    }
}

impl Proper<Binary> for Gaussian {}

/// `1 / s_i^2` of every unit.
fn precisions(own: &ParamMap) -> Vec<f32> {
    own.get(LOG_VARIANCE).iter().map(|z| (-z).exp()).collect()
}

/// `v_i / s_i^2`, the statistics that hidden units see.
fn statistics(own: &ParamMap, x: &Dense<f32>) -> Vec<f32> {
    let precision = precisions(own);
    x.values().chunks_exact(precision.len()).flat_map(|row| row.iter().zip(&precision).map(|(v, p)| v * p)).collect()
}

impl Visible for Gaussian {
    type X = Dense<f32>;

    fn n_units(&self) -> usize {
        self.n_units
    }

    fn more_parameters(&self) -> &'static [&'static str] {
        &[LOG_VARIANCE]
    }

    fn energy(&self, own: &ParamMap, x: &Dense<f32>, out: &mut [f64]) {
        assert_eq!(x.n_cols(), self.n_units, "rows of {} visible units", self.n_units);
        let precision: Vec<f64> = own.get(LOG_VARIANCE).iter().map(|&z| f64::from(-z).exp()).collect();
        for (row, o) in out.iter_mut().enumerate() {
            let squares = x.row(row).iter().zip(own.get(VISIBLE_BIAS)).zip(&precision);
            *o = squares.map(|((&v, &b), p)| 0.5 * p * (f64::from(v) - f64::from(b)).powi(2)).sum();
        }
    }

    fn project(&self, own: &ParamMap, x: &Dense<f32>, weights: &[f32], n_hidden: usize, out: &mut [f32]) {
        let s = statistics(own, x);
        gemm::matmul(x.n_rows(), &s, &Packed::new(self.n_units, n_hidden, weights), None, false, out);
    }

    fn add_outer(&self, own: &ParamMap, x: &Dense<f32>, g: &[f32], n_hidden: usize, out: &mut ParamMap) {
        let s = statistics(own, x);
        gemm::matmul_tn(x.n_rows(), self.n_units, n_hidden, &s, g, true, out.get_mut(WEIGHTS));
    }

    /// `dF/db = -(v - b) / s^2`, `dF/dz = -(v - b)^2 / (2 s^2) + v (W m) / s^2` with the hidden means `m`.
    fn add_grad(&self, own: &ParamMap, x: &Dense<f32>, w: &[f64], means: &[f32], nh: usize, out: &mut ParamMap) {
        let (nv, precision) = (self.n_units, precisions(own));
        let weights = own.get(WEIGHTS);
        let mut wm = vec![0.0; x.n_rows() * nv];
        gemm::matmul(x.n_rows(), means, &Packed::new(nh, nv, &transposed(weights, nv, nh)), None, false, &mut wm);
        let [d_bias, d_log_variance] = out.get_many_mut([VISIBLE_BIAS, LOG_VARIANCE]);
        for (row, &w) in w.iter().enumerate() {
            for (i, &v) in x.row(row).iter().enumerate() {
                let (from_bias, p) = (v - own.get(VISIBLE_BIAS)[i], w as f32 * precision[i]);
                d_bias[i] -= p * from_bias;
                d_log_variance[i] += p * (v * wm[row * nv + i] - 0.5 * from_bias * from_bias);
            }
        }
    }

    /// At `beta` the precision is `(1 - beta) / s_0^2 + beta / s^2`, and the mean weighs `b_0` and `b + W h` by the two.
    fn draw(&self, base: &ParamMap, own: &ParamMap, beta: f64, wh: &[f32], key: &Key, x: &mut Dense<f32>) {
        let nv = self.n_units;
        let precision = |p: &ParamMap, i: usize| f64::from(-p.get(LOG_VARIANCE)[i]).exp();
        let law: Vec<[f64; 3]> = (0..nv)
            .map(|i| {
                let (from_base, from_model) = ((1.0 - beta) * precision(base, i), beta * precision(own, i));
                let total = from_base + from_model;
                let bias = |p: &ParamMap| f64::from(p.get(VISIBLE_BIAS)[i]);
                let mean = (from_base * bias(base) + from_model * bias(own)) / total;
                [mean, from_model / total, total.sqrt().recip()]
            })
            .collect();
        x.values_mut().par_chunks_mut(BLOCK * nv).zip(wh.par_chunks(BLOCK * nv)).enumerate().for_each(
            |(block, (x, wh))| {
                let mut rng = key.block(block as u64).rng();
                for (k, (x, &wh)) in x.iter_mut().zip(wh).enumerate() {
                    let [mean, gain, sd] = law[k % nv];
                    *x = (mean + gain * f64::from(wh) + sd * rng.normal()) as f32;
                }
            },
        );
    }

    /// `sum_i log(2 pi s_i^2) / 2 + (b_i + (W h)_i / 2) (W h)_i / s_i^2`.
    fn log_partition(&self, own: &ParamMap, wh: &[f32], out: &mut [f64]) {
        let z = own.get(LOG_VARIANCE);
        let constant: f64 = z.iter().map(|&z| 0.5 * (TAU.ln() + f64::from(z))).sum();
        let law: Vec<(f64, f64)> =
            z.iter().zip(own.get(VISIBLE_BIAS)).map(|(&z, &b)| (f64::from(-z).exp(), f64::from(b))).collect();
        for (o, wh) in out.iter_mut().zip(wh.chunks_exact(self.n_units)) {
            let term = |(&wh, (p, b)): (&f32, &(f64, f64))| p * f64::from(wh) * (b + 0.5 * f64::from(wh));
            *o = constant + wh.iter().zip(&law).map(term).sum::<f64>();
        }
    }

    fn log_partition_grad(&self, own: &ParamMap, w: &[f32], wh: &mut [f32], out: &mut ParamMap) {
        let precision = precisions(own);
        let bias = own.get(VISIBLE_BIAS);
        let [d_bias, d_log_variance] = out.get_many_mut([VISIBLE_BIAS, LOG_VARIANCE]);
        for (wh, &w) in wh.chunks_exact_mut(self.n_units).zip(w) {
            for (i, s) in wh.iter_mut().enumerate() {
                let (x, p) = (*s, precision[i]);
                d_bias[i] += w * p * x;
                d_log_variance[i] += w * (0.5 - p * x * (bias[i] + 0.5 * x));
                *s = w * p * (bias[i] + x);
            }
        }
    }

    fn blank(&self, n: usize) -> Dense<f32> {
        Dense::zeros(n, self.n_units)
    }

    fn n_states(&self) -> Option<u64> {
        None
    }

    fn states(&self, _start: u64, _end: u64) -> Dense<f32> {
        panic!("rows of real numbers are not counted")
    }

    fn flat(&self) -> ParamMap {
        let mut own = parameters(self);
        own.get_mut(LOG_VARIANCE).fill(FLAT_LOG_VARIANCE);
        own
    }

    /// Means and variances of the columns; a column without spread gets the variance 1e-4.
    fn fit(&self, x: &Dense<f32>, weights: Option<&[f64]>) -> ParamMap {
        let w = normalised(x.n_rows(), weights);
        let mut own = parameters(self);
        for i in 0..self.n_units {
            let value = |row: usize| f64::from(x.row(row)[i]);
            let mean: f64 = w.iter().enumerate().map(|(row, w)| w * value(row)).sum();
            let variance: f64 = w.iter().enumerate().map(|(row, w)| w * (value(row) - mean).powi(2)).sum();
            own.get_mut(VISIBLE_BIAS)[i] = mean as f32;
            own.get_mut(LOG_VARIANCE)[i] = variance.max(1e-4).ln() as f32;
        }
        own
    }
}

impl Clamp for Gaussian {
    fn clamp(&self, x: &mut Dense<f32>, from: &Dense<f32>, known: &[bool]) {
        for (k, (x, from)) in x.values_mut().iter_mut().zip(from.values()).enumerate() {
            if known[k % self.n_units] {
                *x = *from;
            }
        }
    }
}

/// The transposed matrix, `n_cols` x `n_rows`.
pub(super) fn transposed(a: &[f32], n_rows: usize, n_cols: usize) -> Vec<f32> {
    (0..n_rows * n_cols).map(|k| a[(k % n_rows) * n_cols + k / n_rows]).collect()
}
