//! Energies of real inputs, restricted to 0 and 1.

use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::FlipEstimates;
use gibbs_core::scratch::Scratch;

use crate::Bits;

/// An energy over `R^n`, a network say, on the corners of the unit cube: a model of bits.
///
/// Where it has a gradient, flips are guessed to first order, `E(x with i flipped) - E(x)` near `(1 - 2 x_i) dE/dx_i`, which
/// is what [`gibbs_core::samplers::GibbsWithGradients`] proposes by; it accepts by the energy itself.
///
/// # Source
/// Grathwohl et al. 2021, arXiv 2102.04509, equation 2.
#[derive(Clone, Copy, Debug)]
pub struct Relaxed<E>(pub E);

fn to_real<X: Continuous + Default>(x: &Bits) -> X {
    let mut real = X::default();
    real.reset(x.n_rows(), x.n_cols());
    for i in 0..x.n_rows() {
        for (k, v) in real.row_mut(i).iter_mut().enumerate() {
            *v = X::T::narrow(if x.get(i, k) { 1.0 } else { 0.0 });
        }
    }
    real
}

impl<E: Energy<X: Continuous>> Energy for Relaxed<E> {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        self.0.energy(&to_real(x), out, ws);
    }

    fn block_rows(&self) -> usize {
        self.0.block_rows()
    }
}

impl<E: Gradient> FlipEstimates for Relaxed<E> {
    fn flip_estimates(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let real: E::X = to_real(x);
        let mut g = real.clone();
        self.0.grad(&real, &mut g, ws);
        for (o, (x, g)) in out.iter_mut().zip(real.values().iter().zip(g.values())) {
            *o = (1.0 - 2.0 * x.widen()) * g.widen();
        }
    }
}
