//! Independent bits.

use gibbs_core::energy::{Blocks, Distribution, Energy, Flips};
use gibbs_core::key::Key;
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bits;

use crate::Bits;

/// Independent bits with log-odds `logits`: `p(v) = prod_j sigmoid((2 v_j - 1) logit_j)`, normalised.
///
/// # Example
/// ```
/// use gibbs_core::{energy::Energy, scratch::Scratch};
/// use gibbs_spin::{Bernoulli, Bits};
/// let fair = Bernoulli::new(vec![0.0; 3]);
/// let mut e = [0.0];
/// fair.energy(&Bits::from_rows(&[[true, false, true]]), &mut e, &mut Scratch::default());
/// assert!((e[0] - 3.0 * 2f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bernoulli {
    logits: Vec<f32>,
}

impl Bernoulli {
    /// From log-odds.
    pub fn new(logits: Vec<f32>) -> Self {
        Self { logits }
    }

    /// From the column means of `data`, smoothed as if one more row of each kind of bit had been seen:
    /// `p_j = (n m_j + 1) / (n + 2)`, so that no probability is 0 or 1.
    pub fn from_data(data: &Bits, weights: Option<&[f64]>) -> Self {
        let n = data.n_rows() as f64;
        let logit = |m: f64| (((n * m + 1.0) / (n * (1.0 - m) + 1.0)).ln()) as f32;
        Self { logits: data.column_means(weights).into_iter().map(logit).collect() }
    }

    /// Log-odds of each bit.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// `sum_j log(1 + exp(logit_j))`: the constant that normalises `exp(v . logits)`.
    pub fn log_normaliser(&self) -> f64 {
        self.logits.iter().map(|&l| softplus(f64::from(l))).sum()
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

impl Energy for Bernoulli {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        bits::row_dots(x.view(), &self.logits, out);
        let normaliser = self.log_normaliser();
        out.iter_mut().for_each(|o| *o = normaliser - *o);
    }
}

impl Flips for Bernoulli {
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        for (row, deltas) in out.chunks_exact_mut(self.logits.len()).enumerate() {
            for (j, (d, &l)) in deltas.iter_mut().zip(&self.logits).enumerate() {
                *d = if x.get(row, j) { f64::from(l) } else { -f64::from(l) };
            }
        }
    }
}

impl Blocks for Bernoulli {
    fn n_blocks(&self) -> usize {
        1
    }

    fn sites(&self, _block: usize) -> Vec<usize> {
        (0..self.logits.len()).collect()
    }

    fn natural(&self, x: &Bits, _block: usize, out: &mut Natural, _ws: &mut Scratch) {
        out.reset(x.n_rows(), self.logits.len());
        for row in out.logits.chunks_exact_mut(self.logits.len().max(1)) {
            row.iter_mut().zip(&self.logits).for_each(|(o, &l)| *o = f64::from(l));
        }
    }
}

impl Distribution for Bernoulli {
    fn sample(&self, n: usize, key: &Key) -> Bits {
        Bits::draw(&self.logits.repeat(n), n, self.logits.len(), key)
    }
}
