//! L2 and L1 decay of the weights.

use crate::params::ParamMap;

/// Penalty `l2 / 2 |w|^2 + l1 |w|_1` on the entries named in `on`; biases are usually left free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// Strength of the quadratic penalty.
    pub l2: f32,
    /// Strength of the absolute penalty.
    pub l1: f32,
    /// Entry that is penalised.
    pub on: &'static str,
}

impl Decay {
    /// `grad += d/dtheta penalty`.
    pub fn add_grad(&self, params: &ParamMap, grad: &mut ParamMap) {
        if self.l2 == 0.0 && self.l1 == 0.0 {
            return;
        }
        for (g, &w) in grad.get_mut(self.on).iter_mut().zip(params.get(self.on)) {
            let sign = if w == 0.0 { 0.0 } else { w.signum() };
            *g += self.l2 * w + self.l1 * sign;
        }
    }
}
