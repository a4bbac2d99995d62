//! The annealing path of a harmonium, on its joint energy with the hidden units summed out.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::LogZError;
use gibbs_core::objectives::ExactMoments;
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Annealable, Learnable, Path};
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::scratch::Scratch;

use super::{Harmonium, Hidden, Visible, exact};
use crate::rbm::WEIGHTS;

/// `E_beta(v, h) = (1 - beta) E_base(v) + beta (E_V(v) - sum_j h_j x_j(v)) + E_H(h)`: from the visible layer alone, with
/// parameters of its own, to the model.
///
/// Temperature acts on the **joint** energy, so every conditional of every `p_beta` factorises; the hidden units are
/// summed out of the weights: `log p*_beta(v) = -(1 - beta) E_base(v) - beta E_V(v) + sum_j A(beta x_j)`.
/// The evaluation caches the inputs `x`, which do not depend on `beta`.
///
/// # Source
/// Salakhutdinov & Murray 2008, DOI 10.1145/1390156.1390266, equations 13-17, for bits; Salakhutdinov & Hinton 2009,
/// NIPS 22, section 3, for counts.
#[derive(Clone, Debug)]
pub struct HarmoniumPath<V, H> {
    /// Parameters of the visible layer at `beta = 0`.
    pub base: ParamMap,
    /// The model at `beta = 1`.
    pub target: Harmonium<V, H>,
}

/// Hidden inputs, rows x hidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HarmoniumEval {
    pub(super) input: Vec<f32>,
    n_hidden: usize,
}

impl Persist for HarmoniumEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        let n_rows = self.input.len() / self.n_hidden.max(1);
        to.insert(format!("{prefix}hidden_input"), Tensor::from_f32(&[n_rows, self.n_hidden], &self.input));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}hidden_input");
        let shape = [self.input.len() / self.n_hidden.max(1), self.n_hidden];
        self.input = from.expect(&name, Some(&shape))?.to_f32(&name)?;
        Ok(())
    }
}

impl ExchangeRows for HarmoniumEval {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        let nh = self.n_hidden;
        for (i, _) in which.iter().enumerate().filter(|(_, w)| **w) {
            self.input[i * nh..(i + 1) * nh].swap_with_slice(&mut other.input[i * nh..(i + 1) * nh]);
        }
    }
}

impl<V: Visible, H: Hidden> HarmoniumPath<V, H> {
    /// The path from a base to `target`; [`Visible::fit`] makes bases.
    ///
    /// # Panics
    /// If the base is not one of the target's layer.
    pub fn new(base: ParamMap, target: Harmonium<V, H>) -> Self {
        let own = target.visible_parameters();
        assert_eq!(base.entries(), own.entries(), "base and target have the same visible layer");
        Self { base, target }
    }

    /// `log sum_v exp(-E_base(v))`, nats.
    fn base_log_partition(&self) -> f64 {
        let mut out = [0.0];
        self.target.visible.log_partition(&self.base, &vec![0.0; self.target.n_visible()], &mut out);
        out[0]
    }

    /// The same model behind another base. Chains at inverse temperature `beta` of a path whose base has no energy are those
    /// of the tempered model: see [`Visible::flat`].
    #[must_use]
    pub fn with_base(&self, base: ParamMap) -> Self {
        Self::new(base, self.target.clone())
    }
}

impl<V: Visible, H: Hidden> Path for HarmoniumPath<V, H> {
    type X = V::X;
    type Eval = HarmoniumEval;

    fn evaluate(&self, x: &V::X, out: &mut HarmoniumEval, _ws: &mut Scratch) {
        out.n_hidden = self.target.n_hidden;
        out.input.resize(x.n_rows() * self.target.n_hidden, 0.0);
        self.target.hidden_input(x, &mut out.input);
    }

    fn empty_eval(&self) -> HarmoniumEval {
        HarmoniumEval { input: Vec::new(), n_hidden: self.target.n_hidden }
    }

    fn add_log_weight(&self, x: &V::X, eval: &HarmoniumEval, b0: f64, b1: f64, out: &mut [f64]) {
        let (n, nh) = (x.n_rows(), self.target.n_hidden);
        let mut sums = vec![0.0; n];
        for (own, factor) in [(&self.base, b1 - b0), (&self.target.params, b0 - b1)] {
            self.target.visible.energy(own, x, &mut sums);
            out.iter_mut().zip(&sums).for_each(|(o, e)| *o += factor * e);
        }
        for (beta, sign) in [(b1, 1.0), (b0, -1.0)] {
            H::log_normaliser(&eval.input, n, nh, beta, &mut sums);
            out.iter_mut().zip(&sums).for_each(|(o, s)| *o += sign * s);
        }
    }

    fn target_energy(&self, x: &V::X, eval: &HarmoniumEval, out: &mut [f64]) {
        self.target.free_energy(x, &eval.input, out);
    }
}

impl<V: Visible, H: Hidden> Annealable for HarmoniumPath<V, H> {
    fn sample_base(&self, n: usize, key: &Key) -> V::X {
        let mut x = self.target.visible.blank(n);
        let wh = vec![0.0; n * self.target.n_visible()];
        self.target.visible.draw(&self.base, &self.base, 0.0, &wh, &key.purpose(Purpose::Visible), &mut x);
        x
    }

    fn base_log_z(&self) -> f64 {
        self.base_log_partition() + self.target.n_hidden as f64 * H::LOG_MEASURE
    }
}

impl<V: Visible, H: Hidden> Learnable for HarmoniumPath<V, H> {
    fn params(&self) -> &ParamMap {
        &self.target.params
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.target.params
    }

    fn add_grad(&self, x: &V::X, eval: &HarmoniumEval, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        self.target.add_grad_at(x, &eval.input, w, out, ws);
    }
}

impl<V: Visible, H: Hidden> ExactMoments for HarmoniumPath<V, H> {
    /// # Panics
    /// If the model is too large to sum over: see [`exact::terms`].
    fn subtract_model_grad(&self, out: &mut ParamMap, ws: &mut Scratch) -> f64 {
        debug_assert_eq!(out.get(WEIGHTS).len(), self.target.weights().len(), "a gradient of this model");
        match exact::add_grad_log_z(&self.target, out, ws) {
            Ok(log_z) => log_z,
            Err(e @ LogZError::TooLarge { .. }) => panic!("{e}"),
            Err(_) => f64::NAN,
        }
    }
}
