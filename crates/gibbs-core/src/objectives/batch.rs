//! Batches that objectives make of the data: rows stacked, moved by noise, and numbers noted row by row.

use std::sync::atomic::{AtomicU64, Ordering};

use num_traits::One;
use rayon::prelude::*;

use crate::energy::Energy;
use crate::ensemble::BLOCK_ROWS;
use crate::key::Key;
use crate::real::Real;
use crate::rows::Continuous;
use crate::scratch::Scratch;

/// The rows of several batches of one width, one batch after the other.
pub(crate) fn stack<X: Continuous>(parts: &[&X]) -> X {
    let mut all = X::default();
    all.reset(parts.iter().map(|p| p.n_rows()).sum(), parts[0].n_cols());
    let mut rest = all.values_mut();
    for part in parts {
        let (place, after) = rest.split_at_mut(part.values().len());
        place.copy_from_slice(part.values());
        rest = after;
    }
    all
}

/// Independent standard normal numbers in the shape of `x`; a block of rows draws from its own key.
pub(crate) fn normal_like<X: Continuous>(x: &X, key: &Key) -> X {
    fill_like(x, key, X::T::fill_normal)
}

/// Independent signs `+-1` in the shape of `x`; a block of rows draws from its own key.
pub(crate) fn signs_like<X: Continuous>(x: &X, key: &Key) -> X {
    fill_like(x, key, |key, block| {
        let mut rng = key.rng();
        for word in block.chunks_mut(32) {
            let bits = rng.next_u32();
            for (i, v) in word.iter_mut().enumerate() {
                *v = if bits >> i & 1 == 1 { X::T::one() } else { -X::T::one() };
            }
        }
    })
}

fn fill_like<X: Continuous>(x: &X, key: &Key, fill: impl Fn(&Key, &mut [X::T]) + Sync) -> X {
    let mut out = X::default();
    out.reset(x.n_rows(), x.n_cols());
    let block_len = (BLOCK_ROWS * x.n_cols()).max(1);
    out.values_mut().par_chunks_mut(block_len).enumerate().for_each(|(b, block)| fill(&key.block(b as u64), block));
    out
}

/// `x + a * direction`.
pub(crate) fn moved<X: Continuous>(x: &X, a: f64, direction: &X) -> X {
    let mut y = x.clone();
    y.add_scaled(a, direction);
    y
}

/// `sum_i w_i E(x_i)` where it was asked for.
pub(crate) fn observed_energy<E: Energy>(
    energy: &E,
    x: &E::X,
    weights: &[f64],
    observe: bool,
    ws: &mut Scratch,
) -> Option<f64> {
    observe.then(|| {
        let mut e = ws.take_f64(weights.len());
        energy.energy(x, &mut e, ws);
        let mean = dot(weights, &e);
        ws.give_f64(e);
        mean
    })
}

/// `sum_i a_i b_i`.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `sum_i a_i b_i` of a row of either precision, accumulated in double precision.
pub(crate) fn dot_row<T: Real>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| a.widen() * b.widen()).sum()
}

/// `log(1 + exp(t))` without overflow.
pub(crate) fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// `1 / (1 + exp(-t))`.
pub(crate) fn sigmoid(t: f64) -> f64 {
    1.0 / (1.0 + (-t).exp())
}

/// One number a row, noted by closures that several threads call. Summing it afterwards, in the order of the rows,
/// gives the same bits at any number of threads.
pub(crate) struct PerRow(Vec<AtomicU64>);

impl PerRow {
    /// Zeroes.
    pub(crate) fn new(n_rows: usize) -> Self {
        Self((0..n_rows).map(|_| AtomicU64::new(0)).collect())
    }

    /// Notes the number of row `i`.
    pub(crate) fn set(&self, i: usize, value: f64) {
        self.0[i].store(value.to_bits(), Ordering::Relaxed);
    }

    /// The number of row `i`.
    pub(crate) fn get(&self, i: usize) -> f64 {
        f64::from_bits(self.0[i].load(Ordering::Relaxed))
    }

    /// The sum over the rows.
    pub(crate) fn sum(&self) -> f64 {
        (0..self.0.len()).map(|i| self.get(i)).sum()
    }
}
