//! Word counts of documents.

use gibbs_core::dense::Dense;
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_kernels::gemm::{self, Packed};
use rayon::prelude::*;

use super::hidden::{Binary, Rectified};
use super::visible::{BLOCK, Proper, Visible, normalised, parameters, softmax};
use crate::rbm::{VISIBLE_BIAS, WEIGHTS};

/// Replicated softmax: `D` words share one set of weights, so a document is its counts `v` with `sum_k v_k = D`, and
/// `E(v, h) = -b'v - v'W h - D c'h - log(D! / prod_k v_k!)`.
///
/// The last term counts the orders of the words, so that the model is a law of counts; it has no parameters. The hidden biases
/// are scaled by the length, and so is everything else by the counts: `Z` depends on `D`, and what is modelled is `p(v | D)`.
/// Energies of rows take each row's own length; `log Z`, base and blank rows have the layer's [`Counts::length`].
///
/// # Shapes
/// Rows of whole numbers of at least 0, one a word of the vocabulary.
///
/// # Source
/// Salakhutdinov & Hinton 2009, "Replicated softmax: an undirected topic model", NIPS 22, equations 3-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    n_units: usize,
    length: usize,
}

impl Counts {
    /// A vocabulary of `n_units` words, documents of `length` words.
    pub fn new(n_units: usize, length: usize) -> Self {
        Self { n_units, length }
    }

    /// Words of a document about which nothing else is known.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl Proper<Binary> for Counts {}
impl Proper<Rectified> for Counts {}

/// `log n!`: a product up to 20, Stirling's series beyond (its error there is below 1e-13).
pub(super) fn ln_factorial(n: f64) -> f64 {
    if n < 20.5 {
        (2..=n as u64).map(|k| k as f64).product::<f64>().ln()
    } else {
        let (x, inverse) = (n + 1.0, 1.0 / (n + 1.0));
        (x - 0.5) * x.ln() - x
            + 0.5 * std::f64::consts::TAU.ln()
            + inverse * (1.0 / 12.0 - inverse * inverse * (1.0 / 360.0 - inverse * inverse / 1260.0))
    }
}

/// `b + wh` of one row, in f64.
fn logits(own: &ParamMap, wh: &[f32]) -> Vec<f64> {
    own.get(VISIBLE_BIAS).iter().zip(wh).map(|(&b, &x)| f64::from(b) + f64::from(x)).collect()
}

impl Visible for Counts {
    type X = Dense<f32>;

    fn n_units(&self) -> usize {
        self.n_units
    }

    fn length(&self, x: &Dense<f32>, row: usize) -> f32 {
        x.row(row).iter().sum()
    }

    fn own_length(&self) -> f32 {
        self.length as f32
    }

    fn energy(&self, own: &ParamMap, x: &Dense<f32>, out: &mut [f64]) {
        assert_eq!(x.n_cols(), self.n_units, "rows of {} words", self.n_units);
        for (row, o) in out.iter_mut().enumerate() {
            let (mut length, mut sum) = (0.0, 0.0);
            for (&v, &b) in x.row(row).iter().zip(own.get(VISIBLE_BIAS)).filter(|(v, _)| **v != 0.0) {
                let v = f64::from(v);
                length += v;
                sum += v * f64::from(b) - ln_factorial(v);
            }
            *o = -sum - ln_factorial(length);
        }
    }

    fn project(&self, _own: &ParamMap, x: &Dense<f32>, weights: &[f32], n_hidden: usize, out: &mut [f32]) {
        gemm::matmul(x.n_rows(), x.values(), &Packed::new(self.n_units, n_hidden, weights), None, false, out);
    }

    fn add_outer(&self, _own: &ParamMap, x: &Dense<f32>, g: &[f32], n_hidden: usize, out: &mut ParamMap) {
        gemm::matmul_tn(x.n_rows(), self.n_units, n_hidden, x.values(), g, true, out.get_mut(WEIGHTS));
    }

    fn add_grad(&self, _own: &ParamMap, x: &Dense<f32>, w: &[f64], _means: &[f32], _nh: usize, out: &mut ParamMap) {
        let bias = out.get_mut(VISIBLE_BIAS);
        for (row, &w) in w.iter().enumerate() {
            bias.iter_mut().zip(x.row(row)).for_each(|(d, v)| *d -= w as f32 * v);
        }
    }

    fn draw(&self, base: &ParamMap, own: &ParamMap, beta: f64, wh: &[f32], key: &Key, x: &mut Dense<f32>) {
        let nv = self.n_units;
        let (a, b) = (base.get(VISIBLE_BIAS), own.get(VISIBLE_BIAS));
        let one_block = |below: &mut Vec<f64>, (block, rows): (usize, &mut [f32])| {
            let mut rng = key.block(block as u64).rng();
            for (row, x) in rows.chunks_exact_mut(nv).enumerate() {
                let wh = &wh[(block * BLOCK + row) * nv..][..nv];
                below.clear();
                below.extend(
                    (0..nv).map(|i| (1.0 - beta) * f64::from(a[i]) + beta * (f64::from(b[i]) + f64::from(wh[i]))),
                );
                softmax(below);
                let mut total = 0.0;
                for p in below.iter_mut() {
                    total += *p;
                    *p = total;
                }
                let length: f32 = x.iter().sum();
                x.fill(0.0);
                for _ in 0..length as u64 {
                    let u = rng.uniform() * total;
                    x[below.partition_point(|p| *p <= u).min(nv - 1)] += 1.0;
                }
            }
        };
        x.values_mut().par_chunks_mut(BLOCK * nv).enumerate().for_each_init(Vec::new, one_block);
    }

    fn log_partition(&self, own: &ParamMap, wh: &[f32], out: &mut [f64]) {
        for (o, wh) in out.iter_mut().zip(wh.chunks_exact(self.n_units)) {
            *o = self.length as f64 * softmax(&mut logits(own, wh));
        }
    }

    fn log_partition_grad(&self, own: &ParamMap, w: &[f32], wh: &mut [f32], out: &mut ParamMap) {
        for (wh, &w) in wh.chunks_exact_mut(self.n_units).zip(w) {
            let mut l = logits(own, wh);
            softmax(&mut l);
            for ((s, p), d) in wh.iter_mut().zip(&l).zip(out.get_mut(VISIBLE_BIAS)) {
                *s = w * (self.length as f64 * p) as f32;
                *d += *s;
            }
        }
    }

    fn blank(&self, n: usize) -> Dense<f32> {
        let mut x = Dense::zeros(n, self.n_units);
        (0..n).for_each(|row| x.row_mut(row)[0] = self.length as f32);
        x
    }

    /// Counts are not enumerated: there are few hidden units where sums are wanted.
    fn n_states(&self) -> Option<u64> {
        None
    }

    fn states(&self, _start: u64, _end: u64) -> Dense<f32> {
        panic!("counts are not enumerated")
    }

    /// Shares of the words, each counted once more.
    fn fit(&self, x: &Dense<f32>, weights: Option<&[f64]>) -> ParamMap {
        let n = x.n_rows() as f64;
        let mut sums = vec![1.0; self.n_units];
        for (row, w) in normalised(x.n_rows(), weights).iter().enumerate() {
            sums.iter_mut().zip(x.row(row)).for_each(|(s, &v)| *s += n * w * f64::from(v));
        }
        let total: f64 = sums.iter().sum();
        let mut own = parameters(self);
        own.get_mut(VISIBLE_BIAS).iter_mut().zip(&sums).for_each(|(b, s)| *b = (s / total).ln() as f32);
        own
    }
}
