//! A network with a head.

use gibbs_core::key::Key;
use gibbs_tensor::element::Element;
use gibbs_tensor::map::TapeMap;
use gibbs_tensor::nets::Mlp;
use gibbs_tensor::tape::TapeError;
use gibbs_tensor::trace::TapeEnergy;
use serde::{Deserialize, Serialize};

use super::Head;

/// A fully connected network whose outputs are the parameters of a law.
///
/// # Example
/// ```
/// use gibbs::core::dense::Dense;
/// use gibbs::core::energy::{Energy, Parametric};
/// use gibbs::core::key::Key;
/// use gibbs::core::rows::Continuous;
/// use gibbs::core::scratch::Scratch;
/// use gibbs::regression::{Head, Network};
/// use gibbs::tensor::{nets::Mlp, tape::Activation};
///
/// let mlp = Mlp { hidden: vec![8], activation: Activation::Relu };
/// let net = Network { mlp, head: Head::Gaussian { beta: 0.0 }, n_inputs: 2, unit: 1.0 };
/// let energy = net.energy::<f64>(&Key::from_seed(0))?;
/// // Two inputs and the outcome: the energy is -ln p(y | x).
/// let mut nll = [0.0];
/// energy.energy(&Dense::from_rows(3, vec![0.5, -1.0, 0.3]), &mut nll, &mut Scratch::default());
/// let law = net.map::<f64>(&Key::from_seed(0))?;
/// let p = law.apply(energy.params(), &Dense::from_rows(2, vec![0.5, -1.0]));
/// let (m, v) = (p.values()[0], p.values()[1]);
/// assert!((nll[0] - 0.5 * ((std::f64::consts::TAU * v).ln() + (0.3 - m).powi(2) / v)).abs() < 1e-9);
/// # Ok::<(), gibbs::tensor::tape::TapeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Hidden layers.
    pub mlp: Mlp,
    /// What it says of the outcome.
    pub head: Head,
    /// Inputs.
    pub n_inputs: usize,
    /// Mean of a count where the network's output is 0; 1 for other outcomes.
    pub unit: f64,
}

impl Network {
    /// The loss as an energy of rows of inputs and outcome ([`Head::n_targets`] numbers behind them).
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn energy<T: Element>(&self, key: &Key) -> Result<TapeEnergy<T>, TapeError> {
        let (d, t) = (self.n_inputs, self.head.n_targets());
        TapeEnergy::new(d + t, key, |row, p| {
            let raw = self.mlp.outputs(&row.slice(0, d), p, self.head.n_outputs());
            let parameters = self.head.parameters(&raw, p, self.unit);
            self.head.loss(&parameters, &row.slice(d, d + t))
        })
    }

    /// The parameters of the law as a function of the inputs, under the parameters of [`Network::energy`].
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn map<T: Element>(&self, key: &Key) -> Result<TapeMap<T>, TapeError> {
        TapeMap::new(self.n_inputs, key, |x, p| {
            let raw = self.mlp.outputs(x, p, self.head.n_outputs());
            self.head.parameters(&raw, p, self.unit)
        })
    }
}
