//! Product of experts: energies add.

use crate::energy::{Blocks, Energy, Flips, Gradient};
use crate::rows::{Natural, Rows};
use crate::scratch::Scratch;

/// `E(x) = A(x) + B(x)`, so `p(x) prop p_A(x) p_B(x)`.
///
/// # Source
/// Hinton 2002, DOI 10.1162/089976602760128018, equation 1.
#[derive(Clone, Copy, Debug)]
pub struct Sum<A, B>(pub A, pub B);

impl<A: Energy, B: Energy<X = A::X>> Energy for Sum<A, B> {
    type X = A::X;

    fn energy(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        let mut second = ws.take_f64(out.len());
        self.0.energy(x, out, ws);
        self.1.energy(x, &mut second, ws);
        add(out, &second);
        ws.give_f64(second);
    }

    fn block_rows(&self) -> usize {
        self.0.block_rows().min(self.1.block_rows())
    }
}

impl<A: Gradient, B: Gradient<X = A::X>> Gradient for Sum<A, B> {
    fn energy_grad(&self, x: &A::X, e: &mut [f64], g: &mut A::X, ws: &mut Scratch) {
        use crate::rows::Continuous;
        let (mut e2, mut g2) = (ws.take_f64(e.len()), g.clone());
        self.0.energy_grad(x, e, g, ws);
        self.1.energy_grad(x, &mut e2, &mut g2, ws);
        add(e, &e2);
        g.add_scaled(1.0, &g2);
        ws.give_f64(e2);
    }
}

impl<A: Flips, B: Flips<X = A::X>> Flips for Sum<A, B> {
    fn flip_deltas(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        let mut second = ws.take_f64(out.len());
        self.0.flip_deltas(x, out, ws);
        self.1.flip_deltas(x, &mut second, ws);
        add(out, &second);
        ws.give_f64(second);
    }
}

/// Both energies must have the same blocks.
impl<A: Blocks, B: Blocks<X = A::X>> Blocks for Sum<A, B> {
    fn n_blocks(&self) -> usize {
        self.0.n_blocks()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.0.sites(block)
    }

    fn natural(&self, x: &A::X, block: usize, out: &mut Natural, ws: &mut Scratch) {
        assert_eq!(self.0.sites(block), self.1.sites(block), "both energies have the same blocks");
        let mut second = Natural::default();
        second.reset(x.n_rows(), 0);
        self.0.natural(x, block, out, ws);
        self.1.natural(x, block, &mut second, ws);
        out.blend(1.0, 1.0, &second);
    }
}

fn add(out: &mut [f64], second: &[f64]) {
    out.iter_mut().zip(second).for_each(|(o, s)| *o += s);
}
