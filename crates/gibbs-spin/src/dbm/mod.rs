//! The deep Boltzmann machine.

mod draws;
mod layers;
mod learning;
mod mean_field;
mod pretrain;

pub use layers::Layers;
pub use learning::MeanFieldLikelihood;
pub use mean_field::{MeanField, Posterior};
pub use pretrain::{Copies, TiedRbm};

use gibbs_core::energy::Parametric;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::scratch::Scratch;

use crate::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS};
use crate::{Bernoulli, Bits, Rbm, RbmPath};

/// Deep Boltzmann machine of binary layers `v = h_0, h_1, .., h_L`:
/// `E(h_0, .., h_L) = -sum_l b_l'h_l - sum_l h_{l-1}'W_l h_l`, joined between neighbours only.
///
/// **Given the even layers the odd ones are independent, and the other way round: it is an RBM** whose visible units are
/// all even layers and whose hidden ones are all odd layers ([`Dbm::joint`]). Block Gibbs, annealing with the odd layers
/// summed out, both sides of `log Z` and exact sums over the smaller parity are those of that RBM, on [`Dbm::path`]; its
/// chains hold `(v, h_2, h_4, ..)`. With two hidden layers no weight of it is wasted; from three on the blocks between
/// layers that are no neighbours are kept at zero.
///
/// What an RBM does not need is a bound: `p(v)` sums over the even hidden layers too, which is out of reach.
/// [`MeanField`] gives `log p(v) >= -F_q(v) - log Z`.
///
/// # Shapes
/// `W_l`: layer `l - 1` x layer `l`, row-major; `b_l`: layer `l`; `f32`.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, scratch::Scratch};
/// use gibbs_spin::{Bits, Dbm, dbm::MeanField, rbm};
/// let model = Dbm::random(vec![4, 3, 2], 0.5, &Key::from_seed(0))?;
/// let rows = Bits::from_rows(&[[true, false, true, true]]);
/// let q = MeanField::default().posterior(&model, &rows, &mut Scratch::default());
/// let bound = -q.free_energy[0] - rbm::log_z(model.joint(), &|_| true).unwrap();
/// assert!(bound < 0.0);
/// # Ok::<(), gibbs_spin::dbm::DbmError>(())
/// ```
///
/// # Source
/// Salakhutdinov & Hinton 2009, "Deep Boltzmann machines", AISTATS, PMLR 5:448-455, equations 9-15; the bipartite view:
/// Goodfellow, Bengio & Courville 2016, "Deep Learning", section 20.4.
#[derive(Clone, Debug)]
pub struct Dbm {
    layers: Layers,
    path: RbmPath,
}

/// Why numbers cannot be a deep Boltzmann machine, or settings not its inference.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DbmError {
    /// Widths that are no layers.
    #[error("a deep machine needs a visible and at least one hidden layer, each of one unit or more; found {widths:?}")]
    Layers {
        /// Widths given, visible first.
        widths: Vec<usize>,
    },
    /// Arrays that do not fit the layers.
    #[error("{name} of layer {layer}: found {found} numbers, these layers need {wanted}")]
    Length {
        /// `weights` or `biases`.
        name: &'static str,
        /// Layer.
        layer: usize,
        /// Numbers given.
        found: usize,
        /// Numbers needed.
        wanted: usize,
    },
    /// A number of arrays that does not fit the layers.
    #[error(
        "{weights} weight matrices and {biases} vectors of biases do not make a machine: one matrix less than vectors"
    )]
    Count {
        /// Matrices given.
        weights: usize,
        /// Vectors given.
        biases: usize,
    },
    /// A parameter is not a number.
    #[error("{name} of layer {layer}: number {index} is not finite")]
    NotFinite {
        /// `weights` or `biases`.
        name: &'static str,
        /// Layer.
        layer: usize,
        /// Flat index.
        index: usize,
    },
    /// A setting of mean field out of its range.
    #[error("mean field: {name} must be {range}, found {value}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was.
        value: f64,
    },
}

impl Dbm {
    /// All parameters zero, over a flat base.
    ///
    /// # Errors
    /// See [`Layers::new`].
    pub fn zeros(widths: Vec<usize>) -> Result<Self, DbmError> {
        let layers = Layers::new(widths)?;
        let joint = Rbm::zeros(layers.n_even(), layers.n_odd());
        let base = Bernoulli::new(vec![0.0; layers.n_even()]);
        Ok(Self { path: RbmPath::new(base, joint), layers })
    }

    /// Normal weights of standard deviation `sd`, biases zero, over a flat base.
    ///
    /// # Errors
    /// See [`Layers::new`].
    pub fn random(widths: Vec<usize>, sd: f32, key: &Key) -> Result<Self, DbmError> {
        let mut model = Self::zeros(widths)?;
        let mut rng = key.purpose(Purpose::Init).rng();
        let weights = model.path.target.params_mut().get_mut(WEIGHTS);
        weights.iter_mut().for_each(|w| *w = sd * rng.normal() as f32);
        model.layers.keep_neighbours(weights);
        Ok(model)
    }

    /// From arrays: `weights[l]` is layer `l` x layer `l + 1`, row-major; `biases[l]` those of layer `l`, visible first.
    ///
    /// # Errors
    /// Sizes that do not fit each other, numbers that are not finite.
    pub fn from_arrays(weights: &[Vec<f32>], biases: &[Vec<f32>]) -> Result<Self, DbmError> {
        if weights.len() + 1 != biases.len() {
            return Err(DbmError::Count { weights: weights.len(), biases: biases.len() });
        }
        let mut model = Self::zeros(biases.iter().map(Vec::len).collect())?;
        for (name, arrays) in [("weights", weights), ("biases", biases)] {
            for (layer, array) in arrays.iter().enumerate() {
                if let Some(index) = array.iter().position(|x| !x.is_finite()) {
                    return Err(DbmError::NotFinite { name, layer, index });
                }
            }
        }
        for (layer, bias) in biases.iter().enumerate() {
            model.bias_mut(layer).copy_from_slice(bias);
        }
        for (layer, w) in weights.iter().enumerate() {
            let wanted = biases[layer].len() * biases[layer + 1].len();
            if w.len() != wanted {
                return Err(DbmError::Length { name: "weights", layer, found: w.len(), wanted });
            }
            model.set_weights(layer, w);
        }
        Ok(model)
    }

    /// The layers.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The same machine as an RBM between its even layers (as visible units) and its odd ones (as hidden units).
    pub fn joint(&self) -> &Rbm {
        &self.path.target
    }

    /// From a base of independent even units to the machine: what chains and annealing run on.
    pub fn path(&self) -> &RbmPath {
        &self.path
    }

    /// The path, to change parameters. Weights between layers that are no neighbours must stay zero.
    pub fn path_mut(&mut self) -> &mut RbmPath {
        &mut self.path
    }

    /// With another base for annealing and for the start of mean field, over all even units.
    ///
    /// # Panics
    /// If it has not one log-odds for each even unit.
    #[must_use]
    pub fn with_base(self, base: Bernoulli) -> Self {
        Self { path: RbmPath::new(base, self.path.target), layers: self.layers }
    }

    /// Weights between layers `layer` and `layer + 1`, row-major.
    pub fn weights(&self, layer: usize) -> Vec<f32> {
        let (n_rows, n_cols) = (self.layers.widths()[layer], self.layers.widths()[layer + 1]);
        let joint = self.joint().weights();
        (0..n_rows * n_cols).map(|k| joint[self.place(layer, k / n_cols, k % n_cols)]).collect()
    }

    /// Biases of a layer.
    pub fn bias(&self, layer: usize) -> &[f32] {
        let all = if layer.is_multiple_of(2) { self.joint().visible_bias() } else { self.joint().hidden_bias() };
        &all[self.layers.range(layer)]
    }

    pub(crate) fn bias_mut(&mut self, layer: usize) -> &mut [f32] {
        let name = if layer.is_multiple_of(2) { VISIBLE_BIAS } else { HIDDEN_BIAS };
        let range = self.layers.range(layer);
        &mut self.path.target.params_mut().get_mut(name)[range]
    }

    pub(crate) fn set_weights(&mut self, layer: usize, w: &[f32]) {
        let n_cols = self.layers.widths()[layer + 1];
        let places: Vec<usize> = (0..w.len()).map(|k| self.place(layer, k / n_cols, k % n_cols)).collect();
        let joint = self.path.target.params_mut().get_mut(WEIGHTS);
        places.into_iter().zip(w).for_each(|(at, w)| joint[at] = *w);
    }

    /// Where the weight between unit `below` of `layer` and unit `above` of the next lies in the joint matrix.
    fn place(&self, layer: usize, below: usize, above: usize) -> usize {
        let (below, above) = (self.layers.range(layer).start + below, self.layers.range(layer + 1).start + above);
        let (even, odd) = if layer.is_multiple_of(2) { (below, above) } else { (above, below) };
        even * self.layers.n_odd() + odd
    }

    /// Even layers of chains that start at visible rows: the other layers are drawn from the base.
    pub fn even_rows(&self, v: &Bits, key: &Key) -> Bits {
        use gibbs_core::energy::Distribution;
        use gibbs_core::rows::Rows;
        let rest = self.path.base.logits()[self.layers.n_visible()..].to_vec();
        v.beside(&Bernoulli::new(rest).sample(v.n_rows(), key))
    }

    /// Variational free energies `F_q(v)` of visible rows, nats: `log p(v) >= -F_q(v) - log Z`.
    pub fn free_energy_bound(&self, v: &Bits, how: &MeanField) -> Vec<f64> {
        how.posterior(self, v, &mut Scratch::default()).free_energy
    }
}
