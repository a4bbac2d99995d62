//! Convolutional networks over pictures.

use serde::{Deserialize, Serialize};

use super::{linear, spectral};
use crate::tape::{Activation, Var};
use crate::trace::Declare;

/// Pictures that one thread takes at a time: activations of eight 28x28 pictures stay near the cache.
pub(super) const BLOCK_ROWS: usize = 8;

/// 3x3 convolutions, the first at full size and each later one at half the size, then one linear output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conv {
    /// Height, width and channels of a row; channels vary fastest.
    pub shape: (usize, usize, usize),
    /// Channels after each convolution.
    pub channels: Vec<usize>,
    /// Function between layers.
    pub activation: Activation,
    /// Residual: each later stage is `pool(h) + f(h)` over two convolutions (He et al. 2016, DOI 10.1109/CVPR.2016.90);
    /// height and width must then halve exactly at each stage.
    pub residual: bool,
}

impl Conv {
    pub(super) fn energy(&self, x: &Var, p: &mut Declare, spectral: bool) -> Var {
        let (height, width, depth) = self.shape;
        let mut h = x.reshape(&[height, width, depth]);
        for (i, &channels) in self.channels.iter().enumerate() {
            let name = format!("layer{i}");
            h = match (i, self.residual) {
                (0, _) => convolve(&h, p, &name, channels, 1, spectral).activate(self.activation),
                (_, false) => convolve(&h, p, &name, channels, 2, spectral).activate(self.activation),
                (_, true) => {
                    let inner = convolve(&h, p, &format!("{name}.first"), channels, 1, spectral);
                    let inner = inner.activate(self.activation);
                    let inner = convolve(&inner, p, &format!("{name}.second"), channels, 1, spectral).avg_pool(2);
                    let pooled = h.avg_pool(2);
                    let skip = if pooled.shape().last() == channels {
                        pooled
                    } else {
                        let s = pooled.shape();
                        linear(&pooled, p, &format!("{name}.skip"), (s.last(), channels), spectral)
                    };
                    (skip + inner).activate(self.activation)
                }
            };
        }
        let n = h.shape().numel();
        linear(&h.reshape(&[n]), p, "energy", (n, 1), spectral).sum()
    }
}

fn convolve(h: &Var, p: &mut Declare, name: &str, out: usize, stride: usize, spectral: bool) -> Var {
    let fan_in = h.shape().last();
    let bound = 1.0 / (9.0 * fan_in as f64).sqrt();
    let w = p.uniform(&format!("{name}.weight"), &[3, 3, fan_in, out], bound);
    let b = p.uniform(&format!("{name}.bias"), &[out], bound);
    let w =
        if spectral { spectral::normalise(&w.reshape(&[9 * fan_in, out])).reshape(&[3, 3, fan_in, out]) } else { w };
    h.conv2d(&w, stride, 1) + b
}
