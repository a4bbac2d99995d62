//! Exponential moving average of the parameters.

use crate::params::ParamMap;
use crate::persist::{Persist, StateError, TensorMap};

/// `average = decay average + (1 - decay) theta`, started at the first parameters it sees.
///
/// Averaging the iterates removes the noise that a constant learning rate leaves (Polyak & Juditsky 1992,
/// DOI 10.1137/0330046). To let the average forget its start, the decay of update `t` is `min(decay, t / (t + 10))`.
#[derive(Clone, Debug)]
pub struct Average {
    decay: f32,
    params: ParamMap,
    steps: u64,
}

impl Average {
    /// With a decay in `[0, 1)`, started at `params`.
    pub fn new(decay: f32, params: &ParamMap) -> Self {
        Self { decay, params: params.clone(), steps: 0 }
    }

    /// Takes in the parameters after an update.
    pub fn update(&mut self, params: &ParamMap) {
        let warm = self.steps as f32 / (self.steps as f32 + 10.0);
        let keep = self.decay.min(warm);
        for (a, p) in self.params.flat_mut().iter_mut().zip(params.flat()) {
            *a += (1.0 - keep) * (p - *a);
        }
        self.steps += 1;
    }

    /// The average.
    pub fn params(&self) -> &ParamMap {
        &self.params
    }
}

impl Persist for Average {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.params.save(prefix, to);
        to.insert_u64(format!("{prefix}steps"), self.steps);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.params.load(prefix, from)?;
        self.steps = from.expect_u64(&format!("{prefix}steps"))?;
        Ok(())
    }
}
