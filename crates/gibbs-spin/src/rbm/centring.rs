//! The centred gradient of an RBM.

use std::ops::Range;

use gibbs_core::params::ParamMap;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};

use super::{HIDDEN_BIAS, Rbm, VISIBLE_BIAS, WEIGHTS};

/// Gradient of the RBM written in centred units, `(v - mu)'W(h - lambda)`, mapped back to the plain parameters.
///
/// With `g` the plain gradient, `dW = gW - mu gc' - gb lambda'`, `db = gb - dW lambda`, `dc = gc - dW' mu`. The
/// stationary points are the same; the direction no longer depends on which of its two values a bit calls 1.
/// `mu` is the data mean of the visible units, `lambda` a moving average of the data mean of the hidden ones.
///
/// # Source
/// Melchior, Fischer & Wiskott 2016, JMLR 17(99), algorithm 1 and equations 10-14; Montavon & Mueller 2012,
/// DOI 10.1007/978-3-642-35289-8_33.
#[derive(Clone, Debug)]
pub struct Centring {
    mu: Vec<f32>,
    lambda: Vec<f32>,
    rate: f32,
    /// Visible offsets from here on move as the hidden ones do.
    fixed: usize,
}

impl Centring {
    /// Offsets start at the data means `mu` and at one half; `rate` in `(0, 1]` moves the hidden offsets.
    pub fn new(mu: Vec<f32>, n_hidden: usize, rate: f32) -> Self {
        Self { fixed: mu.len(), mu, lambda: vec![0.5; n_hidden], rate }
    }

    /// For an RBM whose visible units from `first` on are not data but layers of a deep machine: their offsets follow
    /// the data phase too.
    #[must_use]
    pub fn following_from(self, first: usize) -> Self {
        Self { fixed: first, ..self }
    }

    /// Offsets of the visible units.
    pub fn visible_offsets(&self) -> &[f32] {
        &self.mu
    }

    /// Takes the hidden means from the data phase of a gradient (whose hidden entry is `-E_data[h]`).
    pub fn observe(&mut self, data_phase: &ParamMap) {
        let follow = |offsets: &mut [f32], entry: &[f32]| {
            offsets.iter_mut().zip(entry).for_each(|(o, g)| *o += self.rate * (-g - *o));
        };
        follow(&mut self.lambda, data_phase.get(HIDDEN_BIAS));
        follow(&mut self.mu[self.fixed..], &data_phase.get(VISIBLE_BIAS)[self.fixed..]);
    }

    /// Turns a plain gradient into the centred one.
    pub fn apply(&self, model: &Rbm, grad: &mut ParamMap) {
        self.apply_within(model.n_hidden(), |_| 0..model.n_hidden(), grad);
    }

    /// As [`Centring::apply`], where visible unit `i` of `n_hidden` hidden ones is joined to those in `reach(i)` only.
    pub fn apply_within(&self, n_hidden: usize, reach: impl Fn(usize) -> Range<usize>, grad: &mut ParamMap) {
        let [weights, visible, hidden] = grad.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
        let plain_hidden = hidden.to_vec();
        for (i, ((row, gb), mu)) in weights.chunks_exact_mut(n_hidden).zip(visible).zip(&self.mu).enumerate() {
            let (mut shift, reach) = (0.0, reach(i));
            let (row, hidden) = (&mut row[reach.clone()], &mut hidden[reach.clone()]);
            let of_hidden = plain_hidden[reach.clone()].iter().zip(&self.lambda[reach]);
            for ((w, (&gc, &lambda)), h) in row.iter_mut().zip(of_hidden).zip(hidden) {
                *w -= mu * gc + *gb * lambda;
                shift += *w * lambda;
                *h -= mu * *w;
            }
            *gb -= shift;
        }
    }
}

impl Persist for Centring {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}mu"), Tensor::from_f32(&[self.mu.len()], &self.mu));
        to.insert(format!("{prefix}lambda"), Tensor::from_f32(&[self.lambda.len()], &self.lambda));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        for (name, field) in [("mu", &mut self.mu), ("lambda", &mut self.lambda)] {
            let name = format!("{prefix}{name}");
            *field = from.expect(&name, Some(&[field.len()]))?.to_f32(&name)?;
        }
        Ok(())
    }
}
