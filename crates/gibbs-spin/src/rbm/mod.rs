//! The binary restricted Boltzmann machine.

mod between;
mod centring;
mod draws;
mod exact;
mod gibbs;
mod informed;
mod knots;
mod path;
mod pilot;

pub use between::{BothEval, RbmBetween};
pub use centring::Centring;
pub use draws::ExactDraws;
pub use exact::{ENUMERATION_LIMIT, log_z};
pub use gibbs::BlockGibbs;
pub use informed::{InformedRbm, InformedVisible};
pub use knots::{KnotsEval, MomentAverages, RbmKnots};
pub use path::{RbmEval, RbmPath};

use gibbs_core::energy::{Blocks, Energy, Flips, Parametric};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::params::ParamMap;
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bit_gemm::{self, Matrix};
use gibbs_kernels::{activation, bits};
use rayon::prelude::*;

use crate::Bits;

/// Name of the weight matrix among the parameters, shape visible x hidden.
pub const WEIGHTS: &str = "weights";
/// Name of the visible biases.
pub const VISIBLE_BIAS: &str = "visible_bias";
/// Name of the hidden biases.
pub const HIDDEN_BIAS: &str = "hidden_bias";

/// Rows handled at once where a hidden-sized buffer is needed, so that memory does not grow with the table.
const ROWS_AT_ONCE: usize = 1024;

/// Binary restricted Boltzmann machine with visible units `v` and hidden units `h` in `{0, 1}`:
/// `E(v, h) = -v'Wh - b'v - c'h`.
///
/// As an [`Energy`] of visible rows it is the free energy
/// `F(v) = -log sum_h exp(-E(v, h)) = -b'v - sum_j softplus(c_j + (v'W)_j)`, in nats at temperature 1.
///
/// # Shapes
/// `W`: visible x hidden, row-major; `b`: visible; `c`: hidden; all `f32`. Energies are `f64`.
///
/// # Example
/// ```
/// use gibbs_core::{energy::Energy, key::Key, scratch::Scratch};
/// use gibbs_spin::{Bits, Rbm, rbm};
/// let model = Rbm::random(4, 3, 0.5, &Key::from_seed(0));
/// let rows = Bits::from_rows(&[[true, false, true, true]]);
/// let mut free_energy = [0.0];
/// model.energy(&rows, &mut free_energy, &mut Scratch::default());
/// let log_prob = -free_energy[0] - rbm::log_z(&model, &|_| true).unwrap();
/// assert!(log_prob < 0.0);
/// ```
///
/// # Source
/// Smolensky 1986; Hinton 2002, DOI 10.1162/089976602760128018; Fischer & Igel 2014,
/// DOI 10.1016/j.patcog.2013.05.025, equations 18-24.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm {
    n_visible: usize,
    n_hidden: usize,
    params: ParamMap,
}

/// Why arrays cannot be the parameters of an RBM.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RbmError {
    /// A layer has no units.
    #[error("an RBM needs at least one visible and one hidden unit, found {n_visible} and {n_hidden}")]
    Empty {
        /// Visible units.
        n_visible: usize,
        /// Hidden units.
        n_hidden: usize,
    },
    /// A number of parameters does not fit the layers.
    #[error("{name} has {found} numbers, an RBM of these layers needs {wanted}")]
    Length {
        /// Which parameter.
        name: &'static str,
        /// Numbers given.
        found: usize,
        /// Numbers needed.
        wanted: usize,
    },
    /// A parameter is not a number.
    #[error("{name}[{index}] is not finite")]
    NotFinite {
        /// Which parameter.
        name: String,
        /// Flat index.
        index: usize,
    },
}

impl Rbm {
    /// All parameters zero.
    pub fn zeros(n_visible: usize, n_hidden: usize) -> Self {
        let layout: [(&'static str, &[usize]); 3] =
            [(WEIGHTS, &[n_visible, n_hidden]), (VISIBLE_BIAS, &[n_visible]), (HIDDEN_BIAS, &[n_hidden])];
        Self { n_visible, n_hidden, params: ParamMap::zeros(&layout) }
    }

    /// Normal weights of standard deviation `sd`, biases zero.
    pub fn random(n_visible: usize, n_hidden: usize, sd: f32, key: &Key) -> Self {
        let mut model = Self::zeros(n_visible, n_hidden);
        let mut rng = key.purpose(Purpose::Init).rng();
        model.params.get_mut(WEIGHTS).iter_mut().for_each(|w| *w = sd * rng.normal() as f32);
        model
    }

    /// From arrays; `weights` is visible x hidden, row-major.
    pub fn from_arrays(weights: &[f32], visible_bias: &[f32], hidden_bias: &[f32]) -> Result<Self, RbmError> {
        let (n_visible, n_hidden) = (visible_bias.len(), hidden_bias.len());
        if n_visible == 0 || n_hidden == 0 {
            return Err(RbmError::Empty { n_visible, n_hidden });
        }
        let wanted = n_visible * n_hidden;
        if weights.len() != wanted {
            return Err(RbmError::Length { name: WEIGHTS, found: weights.len(), wanted });
        }
        let mut model = Self::zeros(n_visible, n_hidden);
        model.params.get_mut(WEIGHTS).copy_from_slice(weights);
        model.params.get_mut(VISIBLE_BIAS).copy_from_slice(visible_bias);
        model.params.get_mut(HIDDEN_BIAS).copy_from_slice(hidden_bias);
        match model.params.first_non_finite() {
            Some((name, index)) => Err(RbmError::NotFinite { name: name.to_string(), index }),
            None => Ok(model),
        }
    }

    /// Number of visible units.
    pub fn n_visible(&self) -> usize {
        self.n_visible
    }

    /// Number of hidden units.
    pub fn n_hidden(&self) -> usize {
        self.n_hidden
    }

    /// Weights, visible x hidden, row-major.
    pub fn weights(&self) -> &[f32] {
        self.params.get(WEIGHTS)
    }

    /// Visible biases.
    pub fn visible_bias(&self) -> &[f32] {
        self.params.get(VISIBLE_BIAS)
    }

    /// Hidden biases.
    pub fn hidden_bias(&self) -> &[f32] {
        self.params.get(HIDDEN_BIAS)
    }

    pub(crate) fn matrix(&self) -> Matrix<'_> {
        Matrix::row_major(self.weights(), self.n_visible, self.n_hidden)
    }

    /// The model at inverse temperature `beta`: `exp(-beta E(v, h))` is again an RBM, with scaled parameters.
    pub fn tempered(&self, beta: f32) -> Self {
        let mut model = self.clone();
        model.params.scale(beta);
        model
    }

    /// Energies of joint states: `out[i] = E(v_i, h_i)`.
    pub fn joint_energy(&self, v: &Bits, h: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let mut input = ws.take_f32(v.n_rows() * self.n_hidden);
        self.hidden_input(v, &mut input);
        bits::row_dots(v.view(), self.visible_bias(), out);
        for (i, (o, row)) in out.iter_mut().zip(input.chunks_exact(self.n_hidden)).enumerate() {
            let on = row.iter().enumerate().filter(|&(j, _)| h.get(i, j));
            *o = -*o - on.map(|(_, &x)| f64::from(x)).sum::<f64>();
        }
        ws.give_f32(input);
    }

    /// Hidden inputs `x = v'W + c`, rows x hidden: `p(h_j = 1 | v) = sigmoid(x_j)`.
    pub fn hidden_input(&self, v: &Bits, out: &mut [f32]) {
        bit_gemm::bit_gemm(v.view(), self.matrix(), Some(self.hidden_bias()), out);
    }

    /// Visible inputs `h W' + b`, rows x visible: `p(v_i = 1 | h) = sigmoid(input_i)`.
    pub fn visible_input(&self, h: &Bits, out: &mut [f32]) {
        bit_gemm::bit_gemm(h.view(), self.matrix().t(), Some(self.visible_bias()), out);
    }

    /// Free energies from hidden inputs.
    fn free_energy(&self, v: &Bits, input: &[f32], out: &mut [f64]) {
        let mut dots = vec![0.0; v.n_rows()];
        bits::row_dots(v.view(), self.visible_bias(), &mut dots);
        activation::softplus_sum(input, v.n_rows(), self.n_hidden, 1.0, out);
        out.iter_mut().zip(&dots).for_each(|(o, d)| *o = -*o - d);
    }
}

impl Energy for Rbm {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        assert_eq!(x.n_cols(), self.n_visible, "rows of {} visible units", self.n_visible);
        let n = x.n_rows();
        for start in (0..n).step_by(ROWS_AT_ONCE) {
            let end = (start + ROWS_AT_ONCE).min(n);
            let rows = x.slice(start, end);
            let mut input = ws.take_f32((end - start) * self.n_hidden);
            self.hidden_input(&rows, &mut input);
            self.free_energy(&rows, &input, &mut out[start..end]);
            ws.give_f32(input);
        }
    }
}

impl Flips for Rbm {
    /// Costs one pass over `W` a row: `F(v with i flipped) - F(v)` for all `i`.
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let (nv, nh) = (self.n_visible, self.n_hidden);
        let mut input = ws.take_f32(x.n_rows() * nh);
        self.hidden_input(x, &mut input);
        let one_row = |buffer: &mut Vec<f32>, (row, deltas): (usize, &mut [f64])| {
            let before = &input[row * nh..(row + 1) * nh];
            let sign = |i: usize| if x.get(row, i) { -1.0 } else { 1.0 };
            // Hidden inputs after each flip, one visible unit a row.
            buffer.clear();
            for (i, weights) in self.weights().chunks_exact(nh).enumerate() {
                let sign = sign(i);
                buffer.extend(before.iter().zip(weights).map(|(a, w)| a + sign * w));
            }
            activation::softplus_sum(buffer, nv, nh, 1.0, deltas);
            let mut unflipped = [0.0];
            activation::softplus_sum(before, 1, nh, 1.0, &mut unflipped);
            for (i, delta) in deltas.iter_mut().enumerate() {
                *delta = unflipped[0] - *delta - f64::from(sign(i) * self.visible_bias()[i]);
            }
        };
        out.par_chunks_exact_mut(nv).enumerate().for_each_init(Vec::new, one_row);
        ws.give_f32(input);
    }
}

/// Each visible unit is a block of its own: given the other visible units, with the hidden ones summed out.
impl Blocks for Rbm {
    fn n_blocks(&self) -> usize {
        self.n_visible
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, ws: &mut Scratch) {
        let n = x.n_rows();
        out.reset(n, 1);
        let (mut on, mut off) = (x.clone(), x.clone());
        for row in 0..n {
            on.set(row, block, true);
            off.set(row, block, false);
        }
        let mut energy_on = ws.take_f64(n);
        self.energy(&on, &mut energy_on, ws);
        self.energy(&off, &mut out.logits, ws);
        out.logits.iter_mut().zip(&energy_on).for_each(|(o, e)| *o -= e);
        ws.give_f64(energy_on);
    }
}

impl Parametric for Rbm {
    fn params(&self) -> &ParamMap {
        &self.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.params
    }

    fn add_grad(&self, x: &Bits, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let mut input = ws.take_f32(x.n_rows() * self.n_hidden);
        self.hidden_input(x, &mut input);
        self.add_grad_at(x, &input, w, out, ws);
        ws.give_f32(input);
    }
}

impl Rbm {
    /// `out += sum_i w_i dF(v_i)/dtheta` from hidden inputs: `dF/dW = -v sigmoid(x)'`, `dF/db = -v`,
    /// `dF/dc = -sigmoid(x)`.
    fn add_grad_at(&self, v: &Bits, input: &[f32], w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        let nh = self.n_hidden;
        let mut probs = ws.take_f32(input.len());
        activation::sigmoid(1.0, input, &mut probs);
        let weights: Vec<f32> = w.iter().map(|&w| -w as f32).collect();
        for (row, &w) in probs.chunks_exact_mut(nh).zip(&weights) {
            row.iter_mut().for_each(|p| *p *= w);
        }
        let [d_weights, d_visible, d_hidden] = out.get_many_mut([WEIGHTS, VISIBLE_BIAS, HIDDEN_BIAS]);
        for row in probs.chunks_exact(nh) {
            d_hidden.iter_mut().zip(row).for_each(|(d, p)| *d += p);
        }
        let mut scratch = ws.take_u64(0);
        bit_gemm::bit_gemm_tn(v.view(), &probs, nh, 1.0, d_weights, &mut scratch);
        ws.give_u64(scratch);
        let mut sums = ws.take_f32(self.n_visible);
        bits::column_sums(v.view(), Some(&weights), &mut sums);
        d_visible.iter_mut().zip(&sums).for_each(|(d, s)| *d += s);
        ws.give_f32(sums);
        ws.give_f32(probs);
    }
}
