//! The path from fair bits to a quadratic energy, with fields kept up to date.

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::path::{Annealable, Path, PathBlocks};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{ExchangeRows, Natural, Rows};
use gibbs_core::samplers::PathFlips;
use gibbs_core::scratch::Scratch;

use super::Qubo;
use crate::{Bernoulli, Bits};

/// Rows that one thread takes at a time: a row is much work, and few are many.
const ROWS_AT_ONCE: usize = 16;

/// `E_beta = beta E`: fair bits at `beta = 0` (`log Z = n ln 2`), the problem at `beta = 1`. Any `beta` from 0 up is
/// allowed where the temperature of a [`Qubo`] is the user's business, as in annealing.
#[derive(Clone, Debug, PartialEq)]
pub struct QuboPath(pub Qubo);

/// Energies, and fields `g_i = a_i + sum_j b_ij x_j` of every row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuboEval {
    pub(super) energy: Vec<f64>,
    pub(super) fields: Vec<f64>,
}

impl QuboEval {
    /// Energies, one a row.
    pub fn energy(&self) -> &[f64] {
        &self.energy
    }

    /// Fields of every row, to change.
    pub(crate) fn fields_mut(&mut self, n: usize) -> impl Iterator<Item = &mut [f64]> {
        self.fields.chunks_exact_mut(n)
    }
}

impl Persist for QuboEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}energy"), Tensor::from_f64(&[self.energy.len()], &self.energy));
        to.insert(format!("{prefix}fields"), Tensor::from_f64(&[self.fields.len()], &self.fields));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        for (name, to) in [("energy", &mut self.energy), ("fields", &mut self.fields)] {
            let name = format!("{prefix}{name}");
            *to = from.expect(&name, Some(&[to.len()]))?.to_f64(&name)?;
        }
        Ok(())
    }
}

impl ExchangeRows for QuboEval {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.energy.exchange_rows(&mut other.energy, which);
        let n = self.fields.len() / which.len().max(1);
        let pairs = self.fields.chunks_exact_mut(n.max(1)).zip(other.fields.chunks_exact_mut(n.max(1)));
        pairs.zip(which).filter(|(_, w)| **w).for_each(|((a, b), _)| a.swap_with_slice(b));
    }
}

impl Path for QuboPath {
    type X = Bits;
    type Eval = QuboEval;

    fn evaluate(&self, x: &Bits, out: &mut QuboEval, _ws: &mut Scratch) {
        self.0.check(x);
        let n = self.0.n_variables();
        out.energy.resize(x.n_rows(), 0.0);
        out.fields.resize(x.n_rows() * n, 0.0);
        for ((row, e), g) in out.energy.iter_mut().enumerate().zip(out.fields.chunks_exact_mut(n)) {
            *e = self.0.fields(x, row, g);
        }
    }

    fn empty_eval(&self) -> QuboEval {
        QuboEval::default()
    }

    fn add_log_weight(&self, _x: &Bits, eval: &QuboEval, b0: f64, b1: f64, out: &mut [f64]) {
        out.iter_mut().zip(&eval.energy).for_each(|(o, e)| *o += (b0 - b1) * e);
    }

    fn target_energy(&self, _x: &Bits, eval: &QuboEval, out: &mut [f64]) {
        out.copy_from_slice(&eval.energy);
    }

    fn block_rows(&self) -> usize {
        ROWS_AT_ONCE
    }
}

impl Annealable for QuboPath {
    fn sample_base(&self, n: usize, key: &Key) -> Bits {
        Bernoulli::new(vec![0.0; self.0.n_variables()]).sample(n, key)
    }

    fn base_log_z(&self) -> f64 {
        self.0.n_variables() as f64 * std::f64::consts::LN_2
    }
}

impl PathBlocks for QuboPath {
    fn n_blocks(&self) -> usize {
        gibbs_core::energy::Blocks::n_blocks(&self.0)
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural_at(&self, x: &Bits, block: usize, beta: f64, out: &mut Natural, ws: &mut Scratch) {
        gibbs_core::energy::Blocks::natural(&self.0, x, block, out, ws);
        out.logits.iter_mut().for_each(|l| *l *= beta);
    }
}

impl PathFlips for QuboPath {
    fn flip_estimates_at(&self, x: &Bits, beta: f64, out: &mut [f64], ws: &mut Scratch) {
        gibbs_core::energy::Flips::flip_deltas(&self.0, x, out, ws);
        out.iter_mut().for_each(|d| *d *= beta);
    }
}
