//! The continuous memory whose update is softmax attention.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::gemm::{Packed, matmul};
use rayon::prelude::*;

use super::MemoryError;

/// Queries of a block of work.
const ROWS_AT_ONCE: usize = 64;

/// The modern Hopfield network over real states: with the stored patterns as rows of `X` (`P x d`) and `M` the largest of
/// their norms, `E(xi) = -(1/beta) log sum_mu exp(beta x_mu . xi) + xi . xi / 2 + (1/beta) log P + M^2 / 2`.
///
/// The update `xi <- X' softmax(beta X xi)` (attention with the patterns as keys and values) never raises the energy, and
/// finds a well separated pattern in one step. At `beta = 1` the density `exp(-E)` is a mixture of unit Gaussians at the
/// patterns, weighted by `exp(|x_mu|^2 / 2)`.
///
/// # Example
/// ```
/// use gibbs_core::{dense::Dense, rows::Continuous};
/// use gibbs_spin::memory::Modern;
/// let memory = Modern::new(Dense::from_rows(2, vec![1.0, 0.0, 0.0, 1.0]), 20.0)?;
/// let found = memory.recall(&Dense::from_rows(2, vec![0.9, 0.3]), 1e-6, 20);
/// assert!((found.states.row(0)[0] - 1.0).abs() < 1e-3);
/// # Ok::<(), gibbs_spin::memory::MemoryError>(())
/// ```
///
/// # Source
/// Ramsauer et al. 2021, "Hopfield networks is all you need", arXiv 2008.02217, equations 2 and 3, theorem 1.
#[derive(Clone, Debug)]
pub struct Modern {
    patterns: Dense<f32>,
    beta: f64,
    /// `X'`, for `X xi`.
    keys: Packed,
    /// `X`, for `X' p`.
    values: Packed,
    constant: f64,
}

/// Where real queries ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernRecall {
    /// The last states.
    pub states: Dense<f32>,
    /// Updates until none moved the state by more than the tolerance, that one included.
    pub updates: Vec<u32>,
    /// Whether it came to that.
    pub converged: Vec<bool>,
    /// Energies of the last states.
    pub energies: Vec<f64>,
}

impl Modern {
    /// Stores the rows of `patterns` at sharpness `beta`.
    pub fn new(patterns: Dense<f32>, beta: f64) -> Result<Self, MemoryError> {
        let (p, d) = (patterns.n_rows(), patterns.n_cols());
        if p == 0 || d == 0 {
            return Err(MemoryError::Empty { n_patterns: p, n_spins: d });
        }
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(MemoryError::Beta(beta));
        }
        if let Some(index) = patterns.values().iter().position(|v| !v.is_finite()) {
            return Err(MemoryError::NotFinite { what: "patterns", index, value: f64::from(patterns.values()[index]) });
        }
        let norm = |i: usize| patterns.row(i).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        let constant = (p as f64).ln() / beta + 0.5 * (0..p).map(norm).fold(0.0, f64::max);
        let keys = Packed::transposed(d, p, patterns.values());
        let values = Packed::new(p, d, patterns.values());
        Ok(Self { patterns, beta, keys, values, constant })
    }

    /// The stored patterns.
    pub fn patterns(&self) -> &Dense<f32> {
        &self.patterns
    }

    /// Softmax weights of the patterns (into `p`) and `log sum_mu exp(beta x_mu . xi)` of each row.
    fn attend(&self, x: &[f32], n_rows: usize, p: &mut [f32], log_sum: &mut [f64]) {
        matmul(n_rows, x, &self.keys, None, false, p);
        for (row, log_sum) in p.chunks_exact_mut(self.patterns.n_rows()).zip(log_sum) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for z in row.iter_mut() {
                let e = (self.beta * f64::from(*z - most)).exp();
                sum += e;
                *z = e as f32;
            }
            row.iter_mut().for_each(|z| *z = (f64::from(*z) / sum) as f32);
            *log_sum = self.beta * f64::from(most) + sum.ln();
        }
    }

    fn energy_at(&self, x: &[f32], log_sum: f64) -> f64 {
        let square: f64 = x.iter().map(|v| f64::from(*v).powi(2)).sum();
        -log_sum / self.beta + 0.5 * square + self.constant
    }

    /// One update of every row, `xi <- X' softmax(beta X xi)`.
    pub fn update(&self, x: &mut Dense<f32>) {
        let n = x.n_rows();
        let (mut p, mut log_sum) = (vec![0.0; n * self.patterns.n_rows()], vec![0.0; n]);
        self.attend(x.values(), n, &mut p, &mut log_sum);
        matmul(n, &p, &self.values, None, false, x.values_mut());
    }

    /// Updates each query until no coordinate moves by more than `tolerance`, for at most `max_updates`.
    ///
    /// # Panics
    /// If the queries have another number of coordinates.
    pub fn recall(&self, queries: &Dense<f32>, tolerance: f32, max_updates: u32) -> ModernRecall {
        let (d, n) = (self.patterns.n_cols(), queries.n_rows());
        assert_eq!(queries.n_cols(), d, "queries of {d} coordinates");
        let blocks: Vec<(Dense<f32>, Vec<u32>, Vec<bool>)> = (0..n.div_ceil(ROWS_AT_ONCE))
            .into_par_iter()
            .with_max_len(1)
            .map(|b| {
                let mut x = queries.slice(b * ROWS_AT_ONCE, ((b + 1) * ROWS_AT_ONCE).min(n));
                let (mut updates, mut rest) = (vec![0; x.n_rows()], vec![false; x.n_rows()]);
                for _ in 0..max_updates {
                    let before = x.clone();
                    self.update(&mut x);
                    for i in 0..x.n_rows() {
                        if rest[i] {
                            // A row at rest stays as it was.
                            x.row_mut(i).copy_from_slice(before.row(i));
                            continue;
                        }
                        updates[i] += 1;
                        rest[i] = x.row(i).iter().zip(before.row(i)).all(|(a, b)| (a - b).abs() <= tolerance);
                    }
                    if rest.iter().all(|r| *r) {
                        break;
                    }
                }
                (x, updates, rest)
            })
            .collect();
        let values: Vec<f32> = blocks.iter().flat_map(|b| b.0.values()).copied().collect();
        let states = if n == 0 { Dense::zeros(0, d) } else { Dense::from_rows(d, values) };
        let mut energies = vec![0.0; n];
        self.energy(&states, &mut energies, &mut Scratch::default());
        ModernRecall {
            updates: blocks.iter().flat_map(|b| b.1.clone()).collect(),
            converged: blocks.iter().flat_map(|b| b.2.clone()).collect(),
            states,
            energies,
        }
    }
}

impl Energy for Modern {
    type X = Dense<f32>;

    fn energy(&self, x: &Dense<f32>, out: &mut [f64], ws: &mut Scratch) {
        let mut p = ws.take_f32(x.n_rows() * self.patterns.n_rows());
        self.attend(x.values(), x.n_rows(), &mut p, out);
        out.iter_mut().enumerate().for_each(|(i, o)| *o = self.energy_at(x.row(i), *o));
        ws.give_f32(p);
    }
}

impl Gradient for Modern {
    /// `xi - X' softmax(beta X xi)`: the update is a gradient step of size 1.
    fn energy_grad(&self, x: &Dense<f32>, e: &mut [f64], g: &mut Dense<f32>, ws: &mut Scratch) {
        let mut p = ws.take_f32(x.n_rows() * self.patterns.n_rows());
        self.attend(x.values(), x.n_rows(), &mut p, e);
        matmul(x.n_rows(), &p, &self.values, None, false, g.values_mut());
        g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = x - *g);
        e.iter_mut().enumerate().for_each(|(i, o)| *o = self.energy_at(x.row(i), *o));
        ws.give_f32(p);
    }
}
