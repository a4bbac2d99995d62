//! Energies and what they can do. `p(x) = exp(-E(x)) / Z`, in nats, at temperature 1.

use crate::key::Key;
use crate::params::ParamMap;
use crate::rows::{Continuous, Discrete, Natural, Rows};
use crate::scratch::Scratch;

/// A density known up to its normalising constant: `p(x) prop exp(-E(x))`.
///
/// Object-safe: `dyn Energy<X = Bits>` is a model of binary rows of any kind.
pub trait Energy: Send + Sync {
    /// A batch of states.
    type X: Rows;

    /// `out[i] = E(x_i)` in nats.
    ///
    /// # Panics
    /// If `out` has not one place a row, or the rows are not of this energy's size.
    fn energy(&self, x: &Self::X, out: &mut [f64], ws: &mut Scratch);
}

/// Energies with a gradient in the state.
pub trait Gradient: Energy<X: Continuous> {
    /// `e[i] = E(x_i)` and row `i` of `g` = `grad E(x_i)`, in one pass. `g` has the shape of `x`.
    fn energy_grad(&self, x: &Self::X, e: &mut [f64], g: &mut Self::X, ws: &mut Scratch);
}

/// Energies of two-valued sites that know the cost of a flip.
pub trait Flips: Energy<X: Discrete> {
    /// `out[i * n_sites + s] = E(x_i with site s flipped) - E(x_i)`, all sites at once.
    fn flip_deltas(&self, x: &Self::X, out: &mut [f64], ws: &mut Scratch);

    /// Pseudo-log-likelihood `sum_s log p(x_s | rest)` of each row (Besag 1975, DOI 10.2307/2987782):
    /// `out[i] = -sum_s log(1 + exp(-delta_s))`.
    ///
    /// It is **not** a likelihood and may rise while the likelihood falls.
    fn pseudo_log_likelihood(&self, x: &Self::X, out: &mut [f64], ws: &mut Scratch) {
        let n_sites = x.n_sites();
        let mut deltas = ws.take_f64(x.n_rows() * n_sites);
        self.flip_deltas(x, &mut deltas, ws);
        for (o, row) in out.iter_mut().zip(deltas.chunks_exact(n_sites.max(1))) {
            *o = -row.iter().map(|&d| if d > 0.0 { (-d).exp().ln_1p() } else { d.exp().ln_1p() - d }).sum::<f64>();
        }
        ws.give_f64(deltas);
    }
}

/// Energies of two-valued sites whose sites fall into blocks that are independent given the rest.
pub trait Blocks: Energy<X: Discrete> {
    /// Number of blocks; together they hold every site once.
    fn n_blocks(&self) -> usize;

    /// Sites of a block.
    fn sites(&self, block: usize) -> Vec<usize>;

    /// Natural parameters of the block's sites given all other sites.
    fn natural(&self, x: &Self::X, block: usize, out: &mut Natural, ws: &mut Scratch);
}

/// Energies with parameters to learn.
pub trait Parametric: Energy {
    /// The parameters.
    fn params(&self) -> &ParamMap;

    /// The parameters, to change.
    fn params_mut(&mut self) -> &mut ParamMap;

    /// `out += sum_i w_i dE(x_i)/dtheta`: all that likelihood-type objectives need.
    fn add_grad(&self, x: &Self::X, w: &[f64], out: &mut ParamMap, ws: &mut Scratch);
}

/// Normalised energies that can be sampled exactly: `log p(x) = -E(x)`, `log Z = 0`.
pub trait Distribution: Energy {
    /// `n` independent draws.
    fn sample(&self, n: usize, key: &Key) -> Self::X;
}

impl<E: Energy + ?Sized> Energy for &E {
    type X = E::X;

    fn energy(&self, x: &E::X, out: &mut [f64], ws: &mut Scratch) {
        (**self).energy(x, out, ws);
    }
}
