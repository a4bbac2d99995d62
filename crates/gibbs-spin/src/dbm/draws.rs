//! A bound that is tighter than that of mean field: layers of one parity are drawn, those of the other summed out.

use gibbs_core::energy::Energy;
use gibbs_core::key::Key;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::activation::log_sum_exp;
use rayon::prelude::*;

use super::{Dbm, MeanField};
use crate::Bits;

/// Rows of a block: one thread takes it, and it draws from a key of its own.
const BLOCK: usize = 120;
/// Log-odds of a mean stay within this, where a mean in `f32` is still told from 0 and 1.
const MOST: f32 = 15.0;

impl Dbm {
    /// Estimates of a bound of the free energy of each visible row, nats: on average
    /// `F_K(v) >= -log sum_h exp(-E(v, h))`, and so `log p(v) >= -F_K(v) - log Z`.
    ///
    /// With `x_k`, `k = 1..K`, drawn from the mean-field posterior `q` of the even hidden layers and the odd ones summed out
    /// exactly, `F_K = -log (1/K) sum_k exp(-F(v, x_k)) / q(x_k)`. With one draw the bound is already tighter than
    /// mean field's, which takes the odd layers as independent of the even ones; it is the tighter the more draws, and
    /// without even hidden layers it is the free energy itself.
    ///
    /// # Source
    /// Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders", ICLR, arXiv:1509.00519, equation 8 and theorem 1.
    pub fn free_energy_by_draws(&self, v: &Bits, how: &MeanField, n_draws: usize, key: &Key) -> Vec<f64> {
        let blocks: Vec<Vec<f64>> = (0..v.n_rows().div_ceil(BLOCK))
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, b| {
                let rows = v.slice(b * BLOCK, ((b + 1) * BLOCK).min(v.n_rows()));
                self.by_draws(&rows, how, n_draws.max(1), &key.block(b as u64), ws)
            })
            .collect();
        blocks.concat()
    }

    fn by_draws(&self, v: &Bits, how: &MeanField, n_draws: usize, key: &Key, ws: &mut Scratch) -> Vec<f64> {
        let n_even = self.layers.n_even() - v.n_cols();
        let q = how.posterior_of(&self.path, v, ws);
        if n_even == 0 {
            return q.free_energy;
        }
        let logits: Vec<f32> = q.even.iter().map(|m| (m / (1.0 - m)).ln().clamp(-MOST, MOST)).collect();
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let normaliser: Vec<f64> =
            logits.chunks_exact(n_even).map(|row| row.iter().map(|&l| softplus(f64::from(l))).sum()).collect();
        let mut log_weights = vec![Vec::with_capacity(n_draws); v.n_rows()];
        let mut free = vec![0.0; v.n_rows()];
        for k in 0..n_draws {
            let x = Bits::draw(&logits, v.n_rows(), n_even, &key.step(k as u64));
            self.joint().energy(&v.beside(&x), &mut free, ws);
            for (row, weights) in log_weights.iter_mut().enumerate() {
                let of_row = logits[row * n_even..(row + 1) * n_even].iter().enumerate();
                let on: f64 = of_row.filter(|&(j, _)| x.get(row, j)).map(|(_, &l)| f64::from(l)).sum();
                weights.push(-free[row] - (on - normaliser[row]));
            }
        }
        log_weights.iter().map(|w| (n_draws as f64).ln() - log_sum_exp(w)).collect()
    }
}
