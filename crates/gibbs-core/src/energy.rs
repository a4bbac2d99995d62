//! Energies and what they can do. `p(x) = exp(-E(x)) / Z`, in nats, at temperature 1.

use std::ops::Range;

use crate::ensemble::BLOCK_ROWS;
use crate::key::Key;
use crate::params::ParamMap;
use crate::rows::{Continuous, Discrete, Natural, Redraw, Rows};
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

    /// Rows that one thread takes at a time. A constant of the energy, never of the machine, because blocks of rows draw
    /// from keys of their own; smaller where a row is much work.
    fn block_rows(&self) -> usize {
        BLOCK_ROWS
    }
}

/// Energies with a gradient in the state.
pub trait Gradient: Energy<X: Continuous> {
    /// `e[i] = E(x_i)` and row `i` of `g` = `grad E(x_i)`, in one pass. `g` has the shape of `x`.
    fn energy_grad(&self, x: &Self::X, e: &mut [f64], g: &mut Self::X, ws: &mut Scratch);

    /// The gradient alone, for kernels that never look at the energy.
    fn grad(&self, x: &Self::X, g: &mut Self::X, ws: &mut Scratch) {
        let mut e = ws.take_f64(x.n_rows());
        self.energy_grad(x, &mut e, g, ws);
        ws.give_f64(e);
    }
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

/// Energies whose sites fall into blocks that are independent given the rest.
pub trait Blocks: Energy<X: Redraw> {
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

    /// As [`Parametric::add_grad`] with weights chosen from the energies: `weigh(rows, e, w)` reads the energies of the
    /// rows `rows` and writes their weights. Returns nothing: whatever else is wanted of the energies is the closure's
    /// business. It may be called from several threads, on disjoint ranges of rows.
    fn add_grad_with(&self, x: &Self::X, weigh: &Weigh<'_>, out: &mut ParamMap, ws: &mut Scratch) {
        let n = x.n_rows();
        let (mut e, mut w) = (ws.take_f64(n), ws.take_f64(n));
        self.energy(x, &mut e, ws);
        weigh(0..n, &e, &mut w);
        self.add_grad(x, &w, out, ws);
        ws.give_f64(e);
        ws.give_f64(w);
    }
}

/// Weights of rows from their energies: see [`Parametric::add_grad_with`].
pub type Weigh<'a> = dyn Fn(Range<usize>, &[f64], &mut [f64]) + Sync + 'a;

/// Directions of rows from their energies and gradients: see [`ScoreParametric::add_score_grad`].
pub type Direct<'a, T> = dyn Fn(Range<usize>, &[f64], &[T], &mut [T]) + Sync + 'a;

/// Energies whose derivatives in the state can be differentiated in the parameters: what score matching and gradient
/// penalties need. `H` is the Hessian of `E` in `x`.
pub trait ScoreParametric: Parametric + Gradient {
    /// `out += d/dtheta sum_i v_i . grad E(x_i)` at fixed `v`, where `direct(rows, e, g, v)` reads the energies and
    /// gradients of the rows `rows` (`g` and `v` are row-major) and writes the directions. It may be called from
    /// several threads, on disjoint ranges of rows.
    fn add_score_grad(
        &self,
        x: &Self::X,
        direct: &Direct<'_, <Self::X as Continuous>::T>,
        out: &mut ParamMap,
        ws: &mut Scratch,
    );

    /// `curvature[i] = v_i' H(x_i) v_i` and `out += d/dtheta sum_i w_i v_i' H(x_i) v_i`.
    fn add_curvature_grad(
        &self,
        x: &Self::X,
        v: &Self::X,
        w: &[f64],
        curvature: &mut [f64],
        out: &mut ParamMap,
        ws: &mut Scratch,
    );
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

    fn block_rows(&self) -> usize {
        (**self).block_rows()
    }
}

impl<E: Gradient + ?Sized> Gradient for &E {
    fn energy_grad(&self, x: &E::X, e: &mut [f64], g: &mut E::X, ws: &mut Scratch) {
        (**self).energy_grad(x, e, g, ws);
    }

    fn grad(&self, x: &E::X, g: &mut E::X, ws: &mut Scratch) {
        (**self).grad(x, g, ws);
    }
}

impl<E: Distribution + ?Sized> Distribution for &E {
    fn sample(&self, n: usize, key: &Key) -> E::X {
        (**self).sample(n, key)
    }
}
