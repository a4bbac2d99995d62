//! Greedy training of the layers one after another, in a form that fits together.

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::Rows;

use super::{Dbm, DbmError};
use crate::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS};
use crate::{Bernoulli, Bits, Rbm, RbmPath};

/// How often the layers of an RBM appear, with one set of parameters for all copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Copies of the visible layer.
    pub visible: usize,
    /// Copies of the hidden layer.
    pub hidden: usize,
}

impl Copies {
    /// One of each: an RBM as it is, and every stage of a deep belief net.
    pub const ONE: Self = Self { visible: 1, hidden: 1 };

    /// Stage `stage` (from 0) of `n_stages` on the way to a deep Boltzmann machine.
    ///
    /// A hidden layer inside the machine hears from below *and* from above. While it is the top of a stage it hears only
    /// from below, so what is below it counts twice; as the bottom of the next stage it hears twice from above.
    pub fn of_stage(stage: usize, n_stages: usize) -> Self {
        Self { visible: if stage + 1 < n_stages { 2 } else { 1 }, hidden: if stage > 0 { 2 } else { 1 } }
    }
}

/// An RBM with [`Copies`] of its layers: `E = -sum_{a,b} v_a'W h_b - sum_a b'v_a - sum_b c'h_b`.
///
/// It is an ordinary RBM between all copies, which chains and objectives run on as on any other; [`TiedRbm::fold`] keeps
/// the copies equal. With data in both copies of the visible layer `p(h | v) = sigmoid(2 v'W + c)`, while
/// `p(v | h) = sigmoid(W h + b)`: the doubled weights of the source.
///
/// # Source
/// Salakhutdinov & Hinton 2009, PMLR 5:448-455, section 3.1 and figure 3.
#[derive(Clone, Debug)]
pub struct TiedRbm {
    path: RbmPath,
    copies: Copies,
}

impl TiedRbm {
    /// Copies of the layers of `model`, annealed from copies of `base`.
    pub fn new(base: &Bernoulli, model: &Rbm, copies: Copies) -> Self {
        let mut all = Rbm::zeros(model.n_visible() * copies.visible, model.n_hidden() * copies.hidden);
        let params = all.params_mut();
        let rows: Vec<f32> =
            model.weights().chunks_exact(model.n_hidden()).flat_map(|row| row.repeat(copies.hidden)).collect();
        params.get_mut(WEIGHTS).copy_from_slice(&rows.repeat(copies.visible));
        params.get_mut(VISIBLE_BIAS).copy_from_slice(&model.visible_bias().repeat(copies.visible));
        params.get_mut(HIDDEN_BIAS).copy_from_slice(&model.hidden_bias().repeat(copies.hidden));
        Self { path: RbmPath::new(Bernoulli::new(base.logits().repeat(copies.visible)), all), copies }
    }

    /// What chains and objectives run on.
    pub fn path(&self) -> &RbmPath {
        &self.path
    }

    /// The path, to change parameters by gradients that were folded.
    pub fn path_mut(&mut self) -> &mut RbmPath {
        &mut self.path
    }

    fn size(&self) -> (usize, usize) {
        (self.path.target.n_visible() / self.copies.visible, self.path.target.n_hidden() / self.copies.hidden)
    }

    /// The RBM whose layers are copied.
    pub fn rbm(&self) -> Rbm {
        let (nv, nh) = self.size();
        let all = &self.path.target;
        let mut one = Rbm::zeros(nv, nh);
        let params = one.params_mut();
        for (to, from) in params.get_mut(WEIGHTS).chunks_exact_mut(nh).zip(all.weights().chunks_exact(all.n_hidden())) {
            to.copy_from_slice(&from[..nh]);
        }
        params.get_mut(VISIBLE_BIAS).copy_from_slice(&all.visible_bias()[..nv]);
        params.get_mut(HIDDEN_BIAS).copy_from_slice(&all.hidden_bias()[..nh]);
        one
    }

    /// Rows of the layer below, in every copy of the visible layer.
    #[must_use]
    pub fn rows(&self, below: &Bits) -> Bits {
        (1..self.copies.visible).fold(below.clone(), |all, _| all.beside(below))
    }

    /// `h ~ p(h | every copy of the visible layer = below)`: rows of the next stage.
    #[must_use]
    pub fn up(&self, below: &Bits, key: &Key) -> Bits {
        let (_, nh) = self.size();
        let all = &self.path.target;
        let mut input = vec![0.0; below.n_rows() * all.n_hidden()];
        all.hidden_input(&self.rows(below), &mut input);
        let first: Vec<f32> = input.chunks_exact(all.n_hidden()).flat_map(|row| &row[..nh]).copied().collect();
        Bits::draw(&first, below.n_rows(), nh, key)
    }

    /// Puts the mean over copies in the place of each: a gradient of the common parameters, over the number of copies.
    pub fn fold(&self, grad: &mut ParamMap) {
        let ((nv, nh), Copies { visible, hidden }) = (self.size(), self.copies);
        let width = nh * hidden;
        let weights = grad.get_mut(WEIGHTS);
        let share = 1.0 / (visible * hidden) as f32;
        for i in 0..nv {
            for j in 0..nh {
                let places = (0..visible * hidden).map(|k| (k / hidden * nv + i) * width + k % hidden * nh + j);
                let mean = share * places.clone().map(|at| weights[at]).sum::<f32>();
                places.for_each(|at| weights[at] = mean);
            }
        }
        for (name, n, copies) in [(VISIBLE_BIAS, nv, visible), (HIDDEN_BIAS, nh, hidden)] {
            let bias = grad.get_mut(name);
            for i in 0..n {
                let mean = (0..copies).map(|k| bias[k * n + i]).sum::<f32>() / copies as f32;
                (0..copies).for_each(|k| bias[k * n + i] = mean);
            }
        }
    }
}

impl Dbm {
    /// The machine that starts as `rbm`: its weights and biases between visible and first hidden layer, and layers of `above`
    /// units on it, whose weights are normal of standard deviation `sd`. What they add on average to the layer below is
    /// taken off its biases, so that for small `sd` the visible rows have the law of `rbm`.
    ///
    /// # Errors
    /// See [`Layers::new`](super::Layers::new).
    pub fn on(rbm: &Rbm, above: &[usize], sd: f32, key: &Key) -> Result<Self, DbmError> {
        let widths = [rbm.n_visible(), rbm.n_hidden()].iter().chain(above).copied().collect();
        let mut model = Self::random(widths, sd, key)?;
        model.set_weights(0, rbm.weights());
        model.bias_mut(0).copy_from_slice(rbm.visible_bias());
        model.bias_mut(1).copy_from_slice(rbm.hidden_bias());
        for (layer, &width) in (1..).zip(above) {
            let weights = model.weights(layer);
            for (bias, row) in model.bias_mut(layer).iter_mut().zip(weights.chunks_exact(width)) {
                *bias -= 0.5 * row.iter().sum::<f32>();
            }
        }
        Ok(model)
    }

    /// The machine that a stack of RBMs trained with [`Copies::of_stage`] makes: their weights as they are, and the mean of
    /// the two biases that a hidden layer inside has, one as the top of a stage and one as the bottom of the next.
    ///
    /// With `p_l` the stages' models, a hidden layer's input is then half of the sum of those that the two stages give it.
    ///
    /// # Errors
    /// Layers that do not fit together.
    pub fn from_stack(stack: &[Rbm]) -> Result<Self, DbmError> {
        let weights: Vec<Vec<f32>> = stack.iter().map(|r| r.weights().to_vec()).collect();
        let mut biases: Vec<Vec<f32>> = stack.iter().take(1).map(|r| r.visible_bias().to_vec()).collect();
        for (layer, pair) in stack.windows(2).enumerate() {
            let (found, wanted) = (pair[1].n_visible(), pair[0].n_hidden());
            if found != wanted {
                return Err(DbmError::Length { name: "biases", layer: layer + 1, found, wanted });
            }
            let both = pair[0].hidden_bias().iter().zip(pair[1].visible_bias());
            biases.push(both.map(|(below, above)| 0.5 * (below + above)).collect());
        }
        biases.extend(stack.last().map(|r| r.hidden_bias().to_vec()));
        Self::from_arrays(&weights, &biases)
    }
}
