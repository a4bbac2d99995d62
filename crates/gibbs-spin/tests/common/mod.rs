//! Sums over all states, written out plainly in f64 and independent of the code under test.
#![allow(dead_code, reason = "each test file uses its own part")]

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::path::Path;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS};
use gibbs_spin::{Bits, Rbm, RbmPath};

/// Normal weights and biases of standard deviation `sd`.
pub fn small_rbm(nv: usize, nh: usize, sd: f32, seed: u64) -> Rbm {
    let mut model = Rbm::zeros(nv, nh);
    let mut rng = Key::from_seed(seed).rng();
    model.params_mut().flat_mut().iter_mut().for_each(|p| *p = sd * rng.normal() as f32);
    model
}

/// All `2^n` rows, row `i` holding the binary digits of `i`, lowest first.
pub fn all_rows(n: usize) -> Bits {
    let rows: Vec<Vec<bool>> = (0..1usize << n).map(|i| (0..n).map(|k| i >> k & 1 == 1).collect()).collect();
    Bits::from_rows(&rows)
}

pub struct Brute {
    nv: usize,
    nh: usize,
    pub free_energy: Vec<f64>,
    pub log_z: f64,
    /// p(v, h), visible-major.
    joint: Vec<f64>,
}

impl Brute {
    pub fn new(model: &Rbm) -> Self {
        Self::at(model, 1.0)
    }

    /// The joint energy times `beta`.
    pub fn at(model: &Rbm, beta: f64) -> Self {
        let (nv, nh) = (model.n_visible(), model.n_hidden());
        let bit = |state: usize, k: usize| (state >> k & 1) as f64;
        let energy = |v: usize, h: usize| -> f64 {
            let mut e = 0.0;
            for i in 0..nv {
                e -= bit(v, i) * f64::from(model.visible_bias()[i]);
                for j in 0..nh {
                    e -= bit(v, i) * bit(h, j) * f64::from(model.weights()[i * nh + j]);
                }
            }
            for j in 0..nh {
                e -= bit(h, j) * f64::from(model.hidden_bias()[j]);
            }
            beta * e
        };
        let log_sum = |terms: &[f64]| {
            let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + terms.iter().map(|t| (t - most).exp()).sum::<f64>().ln()
        };
        let mut joint = Vec::new();
        let mut free_energy = Vec::new();
        for v in 0..1usize << nv {
            let terms: Vec<f64> = (0..1usize << nh).map(|h| -energy(v, h)).collect();
            free_energy.push(-log_sum(&terms));
            joint.extend(terms);
        }
        let log_z = log_sum(&joint);
        joint.iter_mut().for_each(|t| *t = (*t - log_z).exp());
        Self { nv, nh, free_energy, log_z, joint }
    }

    /// `sum w (v h', v, h)` over states with probabilities `p(v) p(h | v)`.
    fn moments(&self, p_v: &[f64]) -> ParamMap {
        let (nv, nh) = (self.nv, self.nh);
        let mut sums = vec![0.0; nv * nh + nv + nh];
        for (v, weight) in p_v.iter().enumerate() {
            let row = &self.joint[v << nh..(v + 1) << nh];
            let total: f64 = row.iter().sum();
            for (h, p) in row.iter().enumerate() {
                let p = weight * p / total;
                for i in (0..nv).filter(|i| v >> i & 1 == 1) {
                    sums[nv * nh + i] += p;
                    (0..nh).filter(|j| h >> j & 1 == 1).for_each(|j| sums[i * nh + j] += p);
                }
                (0..nh).filter(|j| h >> j & 1 == 1).for_each(|j| sums[nv * nh + nv + j] += p);
            }
        }
        let mut out = Rbm::zeros(nv, nh).params().clone();
        let split = |r: std::ops::Range<usize>| sums[r].iter().map(|&s| s as f32).collect::<Vec<_>>();
        out.get_mut(WEIGHTS).copy_from_slice(&split(0..nv * nh));
        out.get_mut(VISIBLE_BIAS).copy_from_slice(&split(nv * nh..nv * nh + nv));
        out.get_mut(HIDDEN_BIAS).copy_from_slice(&split(nv * nh + nv..nv * nh + nv + nh));
        out
    }

    pub fn marginal(&self) -> Vec<f64> {
        self.joint.chunks(1 << self.nh).map(|r| r.iter().sum()).collect()
    }

    /// The data phase of the gradient: `-E_data[(v h', v, h)]`.
    pub fn data_phase(&self, x: &Bits, w: &[f64]) -> ParamMap {
        let mut p_v = vec![0.0; 1 << self.nv];
        for (row, weight) in w.iter().enumerate() {
            p_v[index_of(x, row)] += weight;
        }
        let mut out = self.moments(&p_v);
        out.scale(-1.0);
        out
    }

    pub fn nll_gradient(&self, x: &Bits, w: &[f64]) -> ParamMap {
        let mut out = self.data_phase(x, w);
        out.add_scaled(1.0, &self.moments(&self.marginal()));
        out
    }
}

pub fn index_of(x: &Bits, row: usize) -> usize {
    (0..x.n_cols()).fold(0, |s, k| s | usize::from(x.get(row, k)) << k)
}

pub fn counts(x: &Bits) -> Vec<u64> {
    let mut counts = vec![0; 1 << x.n_cols()];
    (0..x.n_rows()).for_each(|row| counts[index_of(x, row)] += 1);
    counts
}

/// Probabilities of all visible rows at `beta`, from the path's own weights against the base: checked elsewhere.
pub fn path_probabilities(path: &RbmPath, beta: f64) -> Vec<f64> {
    let b: Vec<f32> = path
        .base
        .logits()
        .iter()
        .zip(path.target.visible_bias())
        .map(|(&a, &b)| ((1.0 - beta) * f64::from(a) / beta.max(1e-9) + f64::from(b)) as f32)
        .collect();
    if beta == 0.0 {
        let p = |l: f32| 1.0 / (1.0 + (-f64::from(l)).exp());
        let n = path.base.logits().len();
        return (0..1usize << n)
            .map(|s| {
                path.base
                    .logits()
                    .iter()
                    .enumerate()
                    .map(|(k, &l)| if s >> k & 1 == 1 { p(l) } else { 1.0 - p(l) })
                    .product()
            })
            .collect();
    }
    // E_beta is beta times the energy of an RBM with visible bias b + (1 - beta) / beta a.
    let model = Rbm::from_arrays(path.target.weights(), &b, path.target.hidden_bias()).unwrap();
    Brute::at(&model, beta).marginal()
}

pub fn draw_exactly(probs: &[f64], n_cols: usize, n: usize, seed: u64) -> Bits {
    let mut rng = Key::from_seed(seed).step(77).rng();
    let mut x = Bits::zeros(n, n_cols);
    for row in 0..n {
        let u = rng.uniform();
        let mut total = 0.0;
        let state = probs.iter().position(|p| {
            total += p;
            u < total
        });
        let state = state.unwrap_or(probs.len() - 1);
        (0..n_cols).for_each(|k| x.set(row, k, state >> k & 1 == 1));
    }
    x
}

/// Log weights of a path between two inverse temperatures for every row.
pub fn log_weight<P: Path<X = Bits>>(path: &P, x: &Bits, b0: f64, b1: f64) -> Vec<f64> {
    let mut ws = Scratch::default();
    let mut eval = path.empty_eval();
    path.evaluate(x, &mut eval, &mut ws);
    let mut out = vec![0.0; x.n_rows()];
    path.add_log_weight(x, &eval, b0, b1, &mut out);
    out
}
