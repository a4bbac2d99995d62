//! Adam.

use super::Optimiser;
use crate::params::ParamMap;
use crate::persist::{Persist, StateError, TensorMap};

/// Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), with bias correction.
#[derive(Clone, Debug)]
pub struct Adam {
    beta1: f32,
    beta2: f32,
    mean: ParamMap,
    square: ParamMap,
    steps: u64,
}

impl Adam {
    /// With the customary decay rates 0.9 and 0.999.
    pub fn new(layout: &ParamMap) -> Self {
        Self { beta1: 0.9, beta2: 0.999, mean: layout.zeros_like(), square: layout.zeros_like(), steps: 0 }
    }
}

impl Optimiser for Adam {
    fn step(&mut self, params: &mut ParamMap, grad: &ParamMap, rate: f32) {
        self.steps += 1;
        let correct = |beta: f32| (1.0 - f64::from(beta).powf(self.steps as f64)) as f32;
        let (c1, c2) = (correct(self.beta1), correct(self.beta2));
        gibbs_kernels::elementwise::adam(
            params.flat_mut(),
            grad.flat(),
            self.mean.flat_mut(),
            self.square.flat_mut(),
            rate,
            [self.beta1, self.beta2],
            [c1, c2],
        );
    }
}

impl Persist for Adam {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.mean.save(&format!("{prefix}mean."), to);
        self.square.save(&format!("{prefix}square."), to);
        to.insert_u64(format!("{prefix}steps"), self.steps);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.mean.load(&format!("{prefix}mean."), from)?;
        self.square.load(&format!("{prefix}square."), from)?;
        self.steps = from.expect_u64(&format!("{prefix}steps"))?;
        Ok(())
    }
}
