//! The centred gradient of an RBM.

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
}

impl Centring {
    /// Offsets start at the data means `mu` and at one half; `rate` in `(0, 1]` moves the hidden offsets.
    pub fn new(mu: Vec<f32>, n_hidden: usize, rate: f32) -> Self {
        Self { mu, lambda: vec![0.5; n_hidden], rate }
    }

    /// Takes the hidden means from the data phase of a gradient (whose hidden entry is `-E_data[h]`).
    pub fn observe(&mut self, data_phase: &ParamMap) {
        for (l, g) in self.lambda.iter_mut().zip(data_phase.get(HIDDEN_BIAS)) {
            *l += self.rate * (-g - *l);
        }
    }

    /// Turns a plain gradient into the centred one.
    pub fn apply(&self, model: &Rbm, grad: &mut ParamMap) {
        let nh = model.n_hidden();
        let [weights, visible, hidden] = grad.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
        let plain_hidden = hidden.to_vec();
        for ((row, gb), mu) in weights.chunks_exact_mut(nh).zip(visible).zip(&self.mu) {
            let mut shift = 0.0;
            for (((w, &gc), &lambda), h) in row.iter_mut().zip(&plain_hidden).zip(&self.lambda).zip(hidden.iter_mut()) {
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
