//! Mixtures of densities: energies combine by log-sum-exp.

use crate::energy::{Energy, Flips, Gradient};
use crate::rows::{Continuous, Discrete, Rows};
use crate::scratch::Scratch;

/// `E(x) = -log( w exp(-A(x)) + (1 - w) exp(-B(x)) )`.
///
/// The mixture weights are those of the *unnormalised* densities: they are the proportions of the mixture
/// only when both energies have the same `log Z` (0 for distributions).
#[derive(Clone, Copy, Debug)]
pub struct Mixture<A, B> {
    /// First energy.
    pub a: A,
    /// Second energy.
    pub b: B,
    weight: f64,
}

/// A mixture weight that is not strictly between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the weight of a mixture lies strictly between 0 and 1, found {0}")]
pub struct MixtureWeightError(pub f64);

impl<A, B> Mixture<A, B> {
    /// A mixture that gives `a` the weight `weight`.
    pub fn new(a: A, b: B, weight: f64) -> Result<Self, MixtureWeightError> {
        if weight > 0.0 && weight < 1.0 { Ok(Self { a, b, weight }) } else { Err(MixtureWeightError(weight)) }
    }

    /// Joins energies in `ea` and `eb`: leaves the mixture's energy in `ea`, the share of `a` in `eb`.
    fn join(&self, ea: &mut [f64], eb: &mut [f64]) {
        let (log_a, log_b) = (self.weight.ln(), (1.0 - self.weight).ln());
        for (ea, eb) in ea.iter_mut().zip(eb) {
            let (la, lb) = (log_a - *ea, log_b - *eb);
            let log_sum = la.max(lb) + (-(la - lb).abs()).exp().ln_1p();
            *ea = -log_sum;
            *eb = (la - log_sum).exp();
        }
    }
}

impl<A: Energy, B: Energy<X = A::X>> Energy for Mixture<A, B> {
    type X = A::X;

    fn energy(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        let mut second = ws.take_f64(out.len());
        self.a.energy(x, out, ws);
        self.b.energy(x, &mut second, ws);
        self.join(out, &mut second);
        ws.give_f64(second);
    }

    fn block_rows(&self) -> usize {
        self.a.block_rows().min(self.b.block_rows())
    }
}

impl<A: Gradient, B: Gradient<X = A::X>> Gradient for Mixture<A, B> {
    fn energy_grad(&self, x: &A::X, e: &mut [f64], g: &mut A::X, ws: &mut Scratch) {
        let (mut share, mut g2) = (ws.take_f64(e.len()), g.clone());
        self.a.energy_grad(x, e, g, ws);
        self.b.energy_grad(x, &mut share, &mut g2, ws);
        self.join(e, &mut share);
        g.scale_rows(&share);
        share.iter_mut().for_each(|s| *s = 1.0 - *s);
        g2.scale_rows(&share);
        g.add_scaled(1.0, &g2);
        ws.give_f64(share);
    }
}

impl<A: Flips, B: Flips<X = A::X>> Flips for Mixture<A, B> {
    fn flip_deltas(&self, x: &A::X, out: &mut [f64], ws: &mut Scratch) {
        let n = x.n_rows();
        let (mut ea, mut eb) = (ws.take_f64(n), ws.take_f64(n));
        let mut second = ws.take_f64(out.len());
        self.a.energy(x, &mut ea, ws);
        self.b.energy(x, &mut eb, ws);
        self.a.flip_deltas(x, out, ws);
        self.b.flip_deltas(x, &mut second, ws);
        let sites = x.n_sites();
        for row in 0..n {
            let (mut before, mut unused) = ([ea[row]], [eb[row]]);
            self.join(&mut before, &mut unused);
            for k in row * sites..(row + 1) * sites {
                let (mut after, mut unused) = ([ea[row] + out[k]], [eb[row] + second[k]]);
                self.join(&mut after, &mut unused);
                out[k] = after[0] - before[0];
            }
        }
        ws.give_f64(ea);
        ws.give_f64(eb);
        ws.give_f64(second);
    }
}
