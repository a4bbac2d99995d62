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
        let mut h = x.clone();
        let mut fan_in = x.shape().numel();
        for (i, &width) in self.hidden.iter().enumerate() {
            h = linear(&h, p, &format!("layer{i}"), (fan_in, width), spectral).activate(self.activation);
            fan_in = width;
        }
        linear(&h, p, "energy", (fan_in, 1), spectral).sum()
    }
}
