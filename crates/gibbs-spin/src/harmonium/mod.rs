//! Restricted Boltzmann machines with other units: one joint energy, layers of any kind.
//!
//! | file | what it holds |
//! |---|---|
//! | [`visible`] | what a visible layer must know, one file a kind beside it |
//! | [`groups`] | bits and one-hot groups in one layer: categorical tables, labels beside pixels |
//! | [`gaussian`] | real units with learnt variances |
//! | [`counts`] | word counts of documents: the replicated softmax |
//! | [`hidden`] | hidden units: two-valued, or rectified (truncated Gaussian) |
//! | [`path`], `gibbs` | annealing path and block Gibbs |
//! | [`exact`] | `log Z` and its gradient by sums over the smaller layer |
//! | [`classes`] | `p(y | v)` exactly, and learning by it |

pub mod classes;
pub mod counts;
pub mod exact;
pub mod gaussian;
mod gibbs;
pub mod groups;
pub mod hidden;
pub mod path;
pub mod visible;

pub use classes::Discriminative;
pub use counts::Counts;
pub use gaussian::Gaussian;
pub use groups::Groups;
pub use hidden::{Binary, Hidden, Rectified};
pub use path::{HarmoniumEval, HarmoniumPath};
pub use visible::{Clamp, Proper, Visible};

use std::marker::PhantomData;

use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::params::ParamMap;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;

use crate::rbm::{HIDDEN_BIAS, RbmError, VISIBLE_BIAS, WEIGHTS};

/// Rows handled at once where a hidden-sized buffer is needed, so that memory does not grow with the table.
const ROWS_AT_ONCE: usize = 1024;

/// A two-layer machine of visible units `v` of layer `V` and hidden units `h` of kind `H`:
/// `E(v, h) = E_V(v) - sum_j h_j x_j(v) + E_H(h)` with inputs `x_j(v) = D(v) c_j + sum_i s_i(v) W_ij`.
///
/// The layer says what `E_V`, the statistics `s` and the length `D` are: `E_V = -b'v`, `s = v`, `D = 1` for bits
/// and one-hot groups. As an [`Energy`] of visible rows it is the free energy
/// `F(v) = E_V(v) - sum_j A(x_j(v))` in nats, where `A` is the log normaliser of a hidden unit.
///
/// # Shapes
/// `W`: visible x hidden, row-major; `b`: visible; `c`: hidden; what else a layer has: visible. All `f32`.
///
/// # Example
/// ```
/// use gibbs_core::{energy::Energy, key::Key, scratch::Scratch};
/// use gibbs_spin::{Bits, harmonium::{self, Binary, Groups, Harmonium}};
/// // Two bits and a choice of three.
/// let layer = Groups::new(vec![1, 1, 3]).unwrap();
/// let model: Harmonium<Groups, Binary> = Harmonium::random(layer, 2, 0.5, &Key::from_seed(0));
/// let row = Bits::from_rows(&[[true, false, false, true, false]]);
/// let mut free_energy = [0.0];
/// model.energy(&row, &mut free_energy, &mut Scratch::default());
/// let log_z = harmonium::exact::log_z(&model, &|_| true).unwrap();
/// assert!(-free_energy[0] - log_z < 0.0);
/// ```
///
/// # Source
/// Welling, Rosen-Zvi & Hinton 2004, "Exponential family harmoniums with an application to information retrieval",
/// NIPS 17, equations 3-6.
#[derive(Clone, Debug, PartialEq)]
pub struct Harmonium<V, H> {
    visible: V,
    n_hidden: usize,
    params: ParamMap,
    hidden: PhantomData<H>,
}

impl<V: Visible + Proper<H>, H: Hidden> Harmonium<V, H> {
    /// All parameters zero.
    pub fn zeros(visible: V, n_hidden: usize) -> Self {
        let nv = visible.n_units();
        let shapes = [[nv, n_hidden], [nv, 1], [n_hidden, 1]];
        let mut layout: Vec<(&str, &[usize])> =
            vec![(WEIGHTS, &shapes[0]), (VISIBLE_BIAS, &shapes[1][..1]), (HIDDEN_BIAS, &shapes[2][..1])];
        layout.extend(visible.more_parameters().iter().map(|name| (*name, &shapes[1][..1])));
        let params = ParamMap::zeros(&layout);
        Self { visible, n_hidden, params, hidden: PhantomData }
    }

    /// Normal weights of standard deviation `sd`, all else zero.
    pub fn random(visible: V, n_hidden: usize, sd: f32, key: &Key) -> Self {
        let mut model = Self::zeros(visible, n_hidden);
        let mut rng = key.purpose(Purpose::Init).rng();
        model.params.get_mut(WEIGHTS).iter_mut().for_each(|w| *w = sd * rng.normal() as f32);
        model
    }

    /// From parameters, `params` naming each with its numbers.
    ///
    /// # Errors
    /// [`RbmError`] if a layer is empty, a length is wrong or a number is not finite.
    pub fn from_arrays(visible: V, n_hidden: usize, arrays: &[(&'static str, &[f32])]) -> Result<Self, RbmError> {
        let n_visible = visible.n_units();
        if n_visible == 0 || n_hidden == 0 {
            return Err(RbmError::Empty { n_visible, n_hidden });
        }
        let mut model = Self::zeros(visible, n_hidden);
        for (name, values) in arrays {
            let place = model.params.get_mut(name);
            if place.len() != values.len() {
                return Err(RbmError::Length { name, found: values.len(), wanted: place.len() });
            }
            place.copy_from_slice(values);
        }
        match model.params.first_non_finite() {
            Some((name, index)) => Err(RbmError::NotFinite { name: name.to_string(), index }),
            None => Ok(model),
        }
    }
}

impl<V: Visible, H: Hidden> Harmonium<V, H> {
    /// The visible layer.
    pub fn visible(&self) -> &V {
        &self.visible
    }

    /// Number of visible units.
    pub fn n_visible(&self) -> usize {
        self.visible.n_units()
    }

    /// Number of hidden units.
    pub fn n_hidden(&self) -> usize {
        self.n_hidden
    }

    /// Weights, visible x hidden, row-major.
    pub fn weights(&self) -> &[f32] {
        self.params.get(WEIGHTS)
    }

    /// The parameters of the visible layer alone, as a base without hidden units has them.
    pub fn visible_parameters(&self) -> ParamMap {
        let mut own = visible::parameters(&self.visible);
        for name in std::iter::once(&VISIBLE_BIAS).chain(self.visible.more_parameters()) {
            own.get_mut(name).copy_from_slice(self.params.get(name));
        }
        own
    }

    /// Takes up parameters of the visible layer.
    pub fn set_visible_parameters(&mut self, own: &ParamMap) {
        for name in std::iter::once(&VISIBLE_BIAS).chain(self.visible.more_parameters()) {
            self.params.get_mut(name).copy_from_slice(own.get(name));
        }
    }

    /// Inputs of the hidden units, rows x hidden: `x = D c + s(v)' W`.
    pub fn hidden_input(&self, v: &V::X, out: &mut [f32]) {
        self.visible.project(&self.params, v, self.weights(), self.n_hidden, out);
        let bias = self.params.get(HIDDEN_BIAS);
        for (row, x) in out.chunks_exact_mut(self.n_hidden).enumerate() {
            let length = self.visible.length(v, row);
            x.iter_mut().zip(bias).for_each(|(x, c)| *x += length * c);
        }
    }

    /// Means of the hidden units given visible rows, rows x hidden.
    pub fn hidden_mean(&self, v: &V::X, out: &mut [f32], ws: &mut Scratch) {
        let mut input = ws.take_f32(out.len());
        self.hidden_input(v, &mut input);
        H::mean(&input, out);
        ws.give_f32(input);
    }

    /// Free energies from hidden inputs.
    fn free_energy(&self, v: &V::X, input: &[f32], out: &mut [f64]) {
        let mut own = vec![0.0; out.len()];
        self.visible.energy(&self.params, v, &mut own);
        H::log_normaliser(input, out.len(), self.n_hidden, 1.0, out);
        out.iter_mut().zip(&own).for_each(|(o, e)| *o = e - *o);
    }

    /// `out += sum_i w_i dF(v_i)/dtheta` from hidden inputs.
    fn add_grad_at(&self, v: &V::X, input: &[f32], w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let nh = self.n_hidden;
        let mut means = ws.take_f32(input.len());
        H::mean(input, &mut means);
        self.visible.add_grad(&self.params, v, w, &means, nh, out);
        let hidden = out.get_mut(HIDDEN_BIAS);
        for (row, (means, &w)) in means.chunks_exact_mut(nh).zip(w).enumerate() {
            let length = self.visible.length(v, row);
            for (mean, d) in means.iter_mut().zip(hidden.iter_mut()) {
                *mean *= -w as f32;
                *d += length * *mean;
            }
        }
        self.visible.add_outer(&self.params, v, &means, nh, out);
        ws.give_f32(means);
    }
}

impl<V: Visible, H: Hidden> Energy for Harmonium<V, H> {
    type X = V::X;

    fn energy(&self, x: &V::X, out: &mut [f64], ws: &mut Scratch) {
        let n = x.n_rows();
        for start in (0..n).step_by(ROWS_AT_ONCE) {
            let end = (start + ROWS_AT_ONCE).min(n);
            let mut input = ws.take_f32((end - start) * self.n_hidden);
            if (start, end) == (0, n) {
                self.hidden_input(x, &mut input);
                self.free_energy(x, &input, out);
            } else {
                let rows = x.select(&(start..end).collect::<Vec<_>>());
                self.hidden_input(&rows, &mut input);
                self.free_energy(&rows, &input, &mut out[start..end]);
            }
            ws.give_f32(input);
        }
    }
}

impl<V: Visible, H: Hidden> Parametric for Harmonium<V, H> {
    fn params(&self) -> &ParamMap {
        &self.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.params
    }

    fn add_grad(&self, x: &V::X, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let mut input = ws.take_f32(x.n_rows() * self.n_hidden);
        self.hidden_input(x, &mut input);
        self.add_grad_at(x, &input, w, out, ws);
        ws.give_f32(input);
    }
}
