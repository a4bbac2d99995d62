//! Conditioning: some sites keep their observed values.

use crate::energy::{Blocks, Energy, Flips};
use crate::rows::{Discrete, Natural};
use crate::scratch::Scratch;

/// The conditional `p(x_free | x_clamped)` of an energy: same energy, but the clamped sites are not moved.
///
/// Rows keep the values they start with at the clamped sites; a flip of a clamped site costs `+inf`, and the
/// blocks hold free sites only. `exp(-E)` over the free sites is the conditional up to its constant.
#[derive(Clone, Debug)]
pub struct Clamped<A> {
    inner: A,
    clamped: Vec<bool>,
}

impl<A: Energy<X: Discrete>> Clamped<A> {
    /// Clamps the sites whose flag is `true`; `clamped` has one flag a site.
    pub fn new(inner: A, clamped: Vec<bool>) -> Self {
        Self { inner, clamped }
    }

    /// Which sites are clamped.
    pub fn clamped(&self) -> &[bool] {
        &self.clamped
    }
}

impl<A: Energy<X: Discrete>> Energy for Clamped<A> {
    type X = A::X;

    fn energy(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        self.inner.energy(x, out, ws);
    }

    fn block_rows(&self) -> usize {
        self.inner.block_rows()
    }
}

impl<A: Flips> Flips for Clamped<A> {
    fn flip_deltas(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        self.inner.flip_deltas(x, out, ws);
        for row in out.chunks_exact_mut(self.clamped.len()) {
            for (delta, &fixed) in row.iter_mut().zip(&self.clamped) {
                if fixed {
                    *delta = f64::INFINITY;
                }
            }
        }
    }
}

impl<A: Blocks<X: Discrete>> Blocks for Clamped<A> {
    fn n_blocks(&self) -> usize {
        self.inner.n_blocks()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.inner.sites(block).into_iter().filter(|&s| !self.clamped[s]).collect()
    }

    fn natural(&self, x: &A::X, block: usize, out: &mut Natural, ws: &mut Scratch) {
        let mut all = Natural::default();
        self.inner.natural(x, block, &mut all, ws);
        let keep: Vec<usize> = (0..all.width).filter(|&k| !self.clamped[self.inner.sites(block)[k]]).collect();
        out.width = keep.len();
        out.logits.clear();
        for row in all.logits.chunks_exact(all.width.max(1)) {
            out.logits.extend(keep.iter().map(|&k| row[k]));
        }
    }
}
