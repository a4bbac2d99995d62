//! Adam with weight decay kept out of the moments.

use super::{Adam, Optimiser};
use crate::params::ParamMap;
use crate::persist::{Persist, StateError, TensorMap};

/// `theta -= rate (adam(grad) + decay theta)` (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with their
/// schedule multiplier and step size in one `rate`).
///
/// An L2 term in the gradient is divided by Adam's running square, so that weights with large gradients hardly decay;
/// here every weight shrinks at the same rate. Entries with one axis (biases, scales) are left free.
///
/// # Example
/// ```
/// use gibbs_core::optimisers::{AdamW, Optimiser};
/// use gibbs_core::params::ParamMap;
/// let mut params = ParamMap::zeros(&[("weights", &[1, 2]), ("bias", &[2])]);
/// params.flat_mut().fill(1.0);
/// let still = params.zeros_like();
/// AdamW::new(0.1, &still).step(&mut params, &still, 0.5);
/// assert_eq!(params.flat(), [0.95, 0.95, 1.0, 1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct AdamW {
    adam: Adam,
    decay: f32,
    decayed: Vec<String>,
}

impl AdamW {
    /// With the customary decay rates of the moments, and weight decay `decay` on entries of two or more axes.
    pub fn new(decay: f32, layout: &ParamMap) -> Self {
        let matrices = layout.entries().iter().filter(|e| e.shape.len() >= 2);
        Self { adam: Adam::new(layout), decay, decayed: matrices.map(|e| e.name.clone()).collect() }
    }
}

impl Optimiser for AdamW {
    fn step(&mut self, params: &mut ParamMap, grad: &ParamMap, rate: f32) {
        let keep = 1.0 - rate * self.decay;
        for name in &self.decayed {
            params.get_mut(name).iter_mut().for_each(|p| *p *= keep);
        }
        self.adam.step(params, grad, rate);
    }
}

impl Persist for AdamW {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.adam.save(prefix, to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.adam.load(prefix, from)
    }
}
