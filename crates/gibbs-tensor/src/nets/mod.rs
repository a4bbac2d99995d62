//! Networks as energies, by configuration: one number a row.

pub mod conv;
pub mod mlp;
mod spectral;

use gibbs_core::key::Key;
use serde::{Deserialize, Serialize};

pub use conv::Conv;
pub use mlp::Mlp;

use crate::element::Element;
use crate::tape::{TapeError, Var};
use crate::trace::{Declare, TapeEnergy};

/// A network and what is added to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Layers.
    pub layers: Layers,
    /// Divide each weight matrix by its largest singular value (Miyato et al. 2018, arXiv:1802.05957), which bounds the
    /// slope of the energy.
    pub spectral: bool,
    /// `s` of a confinement `|x|^2 / (2 s^2)` that is added to the energy. Without it `Z` need not exist: most networks
    /// grow at most linearly, in some directions not at all.
    pub confinement: Option<f64>,
}

/// Kinds of networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layers {
    /// Fully connected.
    Mlp(Mlp),
    /// Convolutional, residual if it says so.
    Conv(Conv),
}

impl Network {
    /// Widths of the hidden layers, or channels of the convolutions.
    pub fn widths(&self) -> &[usize] {
        match &self.layers {
            Layers::Mlp(mlp) => &mlp.hidden,
            Layers::Conv(conv) => &conv.channels,
        }
    }

    /// The energy of rows of `n_cols` columns, its parameters drawn with `key`.
    ///
    /// # Errors
    /// A configuration whose shapes do not fit, in words.
    pub fn energy<T: Element>(&self, n_cols: usize, key: &Key) -> Result<TapeEnergy<T>, TapeError> {
        if let Some(s) = self.confinement.filter(|s| !(*s > 0.0 && s.is_finite())) {
            return Err(TapeError(format!("the confinement is a finite length above 0, found {s}")));
        }
        let code = |x: &Var, p: &mut Declare| {
            let e = match &self.layers {
                Layers::Mlp(mlp) => mlp.energy(x, p, self.spectral),
                Layers::Conv(conv) => conv.energy(x, p, self.spectral),
            };
            match self.confinement {
                Some(s) => e + x.square().sum() * (0.5 / (s * s)),
                None => e,
            }
        };
        let energy = TapeEnergy::new(n_cols, key, code)?;
        Ok(match &self.layers {
            Layers::Mlp(_) => energy,
            Layers::Conv(_) => energy.with_block_rows(conv::BLOCK_ROWS),
        })
    }
}

/// `x W + b`, entries uniform in `+-1 / sqrt(fan in)`: first-layer kinks then lie about where the data is.
fn linear(x: &Var, p: &mut Declare, name: &str, (fan_in, out): (usize, usize), spectral: bool) -> Var {
    let bound = 1.0 / (fan_in as f64).sqrt();
    let w = p.uniform(&format!("{name}.weight"), &[fan_in, out], bound);
    let b = p.uniform(&format!("{name}.bias"), &[out], bound);
    let w = if spectral { spectral::normalise(&w) } else { w };
    x.affine(&w, &b)
}
