//! The annealing path of an RBM, on its joint energy with the hidden units summed out.

use gibbs_core::energy::{Distribution, Parametric};
use gibbs_core::key::Key;
use gibbs_core::objectives::ExactMoments;
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Annealable, Learnable, Path};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::{activation, bits};

use super::{Rbm, exact};
use crate::{Bernoulli, Bits};

/// `E_beta(v, h) = -(1 - beta) a'v - beta (v'Wh + b'v + c'h)`: from independent visible bits with log-odds `a` (and
/// fair hidden bits) to the RBM.
///
/// Temperature acts on the **joint** energy, so every `p_beta` is an RBM whose conditionals factorise; the hidden
/// units are then summed out of the weights analytically,
/// `log p*_beta(v) = (1 - beta) a'v + beta b'v + sum_j softplus(beta x_j)` with `x = v'W + c`.
/// The evaluation caches `x`, which does not depend on `beta`: annealing costs two matrix products a temperature.
///
/// # Source
/// Salakhutdinov & Murray 2008, DOI 10.1145/1390156.1390266, equations 13-17.
#[derive(Clone, Debug)]
pub struct RbmPath {
    /// The base at `beta = 0`.
    pub base: Bernoulli,
    /// The model at `beta = 1`.
    pub target: Rbm,
}

/// Hidden inputs `x = v'W + c`, rows x hidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RbmEval {
    pub(super) input: Vec<f32>,
}

impl Persist for RbmEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}hidden_input"), Tensor::from_f32(&[self.input.len()], &self.input));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}hidden_input");
        self.input = from.expect(&name, Some(&[self.input.len()]))?.to_f32(&name)?;
        Ok(())
    }
}

impl ExchangeRows for RbmEval {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        assert_eq!(self.input.len(), other.input.len(), "inputs of the same rows");
        let n = (self.input.len() / which.len().max(1)).max(1);
        let pairs = self.input.chunks_exact_mut(n).zip(other.input.chunks_exact_mut(n));
        pairs.zip(which).filter(|(_, w)| **w).for_each(|((a, b), _)| a.swap_with_slice(b));
    }
}

impl RbmPath {
    /// The path from `base` to `target`.
    ///
    /// # Panics
    /// If they have different numbers of visible units.
    pub fn new(base: Bernoulli, target: Rbm) -> Self {
        assert_eq!(base.logits().len(), target.n_visible(), "base and target have the same visible units");
        Self { base, target }
    }

    /// Visible bias at `beta`.
    pub(super) fn visible_bias_at(&self, beta: f64, out: &mut [f32]) {
        for ((o, a), b) in out.iter_mut().zip(self.base.logits()).zip(self.target.visible_bias()) {
            *o = ((1.0 - beta) * f64::from(*a) + beta * f64::from(*b)) as f32;
        }
    }

    /// `out[i] += (b1 - b0) (b - a)'v_i`.
    pub(super) fn add_visible_weight(&self, v: &Bits, b0: f64, b1: f64, out: &mut [f64]) {
        let logits = self.base.logits();
        let difference: Vec<f32> = self.target.visible_bias().iter().zip(logits).map(|(b, a)| b - a).collect();
        let mut dots = vec![0.0; v.n_rows()];
        bits::row_dots(v.view(), &difference, &mut dots);
        out.iter_mut().zip(&dots).for_each(|(o, d)| *o += (b1 - b0) * d);
    }
}

impl Path for RbmPath {
    type X = Bits;
    type Eval = RbmEval;

    fn evaluate(&self, x: &Bits, out: &mut RbmEval, _ws: &mut Scratch) {
        out.input.resize(x.n_rows() * self.target.n_hidden(), 0.0);
        self.target.hidden_input(x, &mut out.input);
    }

    fn empty_eval(&self) -> RbmEval {
        RbmEval::default()
    }

    fn add_log_weight(&self, x: &Bits, eval: &RbmEval, b0: f64, b1: f64, out: &mut [f64]) {
        self.add_visible_weight(x, b0, b1, out);
        let (n, h) = (x.n_rows(), self.target.n_hidden());
        let mut sums = vec![0.0; n];
        for (beta, sign) in [(b1, 1.0), (b0, -1.0)] {
            activation::softplus_sum(&eval.input, n, h, beta as f32, &mut sums);
            out.iter_mut().zip(&sums).for_each(|(o, s)| *o += sign * s);
        }
    }

    fn target_energy(&self, x: &Bits, eval: &RbmEval, out: &mut [f64]) {
        self.target.free_energy(x, &eval.input, out);
    }
}

impl Annealable for RbmPath {
    fn sample_base(&self, n: usize, key: &Key) -> Bits {
        self.base.sample(n, key)
    }

    fn base_log_z(&self) -> f64 {
        self.base.log_normaliser() + self.target.n_hidden() as f64 * std::f64::consts::LN_2
    }
}

impl Learnable for RbmPath {
    fn params(&self) -> &ParamMap {
        self.target.params()
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        self.target.params_mut()
    }

    fn add_grad(&self, x: &Bits, eval: &RbmEval, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        self.target.add_grad_at(x, &eval.input, w, out, ws);
    }
}

impl ExactMoments for RbmPath {
    fn subtract_model_grad(&self, out: &mut ParamMap, _ws: &mut Scratch) -> f64 {
        exact::subtract_model_grad(&self.target, out)
    }
}
