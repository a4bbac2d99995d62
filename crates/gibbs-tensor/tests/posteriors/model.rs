//! A posterior over unconstrained coordinates, and its way back to the quantities of the reference.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

/// What a model is written as: one row at a time, constants left out of the energy.
pub trait Posterior: Send + Sync {
    /// Coordinates.
    fn n_cols(&self) -> usize;

    /// `-log p` up to a constant, Jacobian included; writes the gradient.
    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64;

    /// The quantities of the reference, in its order.
    fn quantities(&self, x: &[f64]) -> Vec<f64>;
}

/// A posterior as an energy over rows.
pub struct Model(pub Box<dyn Posterior>);

impl Energy for Model {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], ws: &mut Scratch) {
        let mut unused = ws.take_f64(self.0.n_cols());
        for (i, o) in out.iter_mut().enumerate() {
            *o = self.0.energy_grad(x.row(i), &mut unused);
        }
        ws.give_f64(unused);
    }
}

impl Gradient for Model {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, _ws: &mut Scratch) {
        for (i, e) in e.iter_mut().enumerate() {
            *e = self.0.energy_grad(x.row(i), g.row_mut(i));
        }
    }
}
