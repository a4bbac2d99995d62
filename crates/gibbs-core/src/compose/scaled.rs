//! Temperature: an energy times a constant.

use crate::energy::{Blocks, Energy, Flips, Gradient};
use crate::rows::{Continuous, Natural, Rows};
use crate::scratch::Scratch;

/// `E(x) = beta A(x)`: the density of `A` at temperature `1 / beta`.
///
/// For a model with hidden units this scales the *free* energy, whose conditionals no longer factorise;
/// temper the joint energy instead where the model offers it.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<A> {
    /// The energy at temperature 1.
    pub inner: A,
    /// Inverse temperature.
    pub beta: f64,
}

impl<A: Energy> Energy for Scaled<A> {
    type X = A::X;

    fn energy(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        self.inner.energy(x, out, ws);
        out.iter_mut().for_each(|o| *o *= self.beta);
    }

    fn block_rows(&self) -> usize {
        self.inner.block_rows()
    }
}

impl<A: Gradient> Gradient for Scaled<A> {
    fn energy_grad(&self, x: &A::X, e: &mut [f64], g: &mut A::X, ws: &mut Scratch) {
        self.inner.energy_grad(x, e, g, ws);
        e.iter_mut().for_each(|o| *o *= self.beta);
        let factors = vec![self.beta; x.n_rows()];
        g.scale_rows(&factors);
    }
}

impl<A: Flips> Flips for Scaled<A> {
    fn flip_deltas(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        self.inner.flip_deltas(x, out, ws);
        out.iter_mut().for_each(|o| *o *= self.beta);
    }
}

impl<A: Blocks> Blocks for Scaled<A> {
    fn n_blocks(&self) -> usize {
        self.inner.n_blocks()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.inner.sites(block)
    }

    fn natural(&self, x: &A::X, block: usize, out: &mut Natural, ws: &mut Scratch) {
        self.inner.natural(x, block, out, ws);
        out.logits.iter_mut().for_each(|l| *l *= self.beta);
    }
}
