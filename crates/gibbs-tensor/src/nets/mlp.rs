//! Fully connected networks.

use serde::{Deserialize, Serialize};

use super::linear;
use crate::tape::{Activation, Var};
use crate::trace::Declare;

/// A fully connected network with one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mlp {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Function between layers.
    pub activation: Activation,
}

impl Mlp {
    pub(super) fn energy(&self, x: &Var, p: &mut Declare, spectral: bool) -> Var {
        let (h, fan_in) = self.features(x, p, spectral);
        linear(&h, p, "energy", (fan_in, 1), spectral).sum()
    }

    /// The network with `n` outputs in place of an energy, as code: its parameters are declared in `p`, those of the last
    /// layer under the name `output`.
    pub fn outputs(&self, x: &Var, p: &mut Declare, n: usize) -> Var {
        let (h, fan_in) = self.features(x, p, false);
        linear(&h, p, "output", (fan_in, n), false)
    }

    /// The last hidden layer, and its width.
    fn features(&self, x: &Var, p: &mut Declare, spectral: bool) -> (Var, usize) {
        let mut h = x.clone();
        let mut fan_in = x.shape().numel();
        for (i, &width) in self.hidden.iter().enumerate() {
            h = linear(&h, p, &format!("layer{i}"), (fan_in, width), spectral).activate(self.activation);
            fan_in = width;
        }
        (h, fan_in)
    }
}
