//! Stochastic gradient descent with momentum.

use super::Optimiser;
use crate::params::ParamMap;
use crate::persist::{Persist, StateError, TensorMap};

/// `m = momentum m + g; theta -= rate m` (Polyak 1964, DOI 10.1016/0041-5553(64)90137-5). `momentum = 0` keeps no state.
#[derive(Clone, Debug)]
pub struct Sgd {
    momentum: f32,
    velocity: Option<ParamMap>,
}

impl Sgd {
    /// With momentum in `[0, 1)`.
    pub fn new(momentum: f32, layout: &ParamMap) -> Self {
        Self { momentum, velocity: (momentum > 0.0).then(|| layout.zeros_like()) }
    }
}

impl Optimiser for Sgd {
    fn step(&mut self, params: &mut ParamMap, grad: &ParamMap, rate: f32) {
        let Some(velocity) = &mut self.velocity else {
            params.add_scaled(-rate, grad);
            return;
        };
        for ((p, v), g) in params.flat_mut().iter_mut().zip(velocity.flat_mut()).zip(grad.flat()) {
            *v = self.momentum * *v + g;
            *p -= rate * *v;
        }
    }
}

impl Persist for Sgd {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        if let Some(v) = &self.velocity {
            v.save(&format!("{prefix}velocity."), to);
        }
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.velocity.as_mut().map_or(Ok(()), |v| v.load(&format!("{prefix}velocity."), from))
    }
}
