//! The path from one RBM to another.

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ratio::Between;
use gibbs_core::path::Path;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::{activation, bernoulli, bits};

use super::{BlockGibbs, Rbm, RbmError, RbmEval, VISIBLE_BIAS};
use crate::Bits;

/// `E_beta(v, h, k) = (1 - beta) E_1(v, h) + beta E_2(v, k)` on the visible units of two RBMs with hidden layers of their own.
/// Every `p_beta` is an RBM with both hidden layers, moved by [`BlockGibbs`]; the hidden units are summed out of the weights.
///
/// At `beta = 0` the units `k` are free and hold `n_k log 2`, at `beta = 1` the units `h` do: see [`RbmBetween::offset`].
///
/// # Source
/// Salakhutdinov & Murray 2008, DOI 10.1145/1390156.1390266, equations 13-17.
#[derive(Clone, Debug)]
pub struct RbmBetween {
    first: Rbm,
    second: Rbm,
}

/// Hidden inputs of both machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BothEval {
    first: RbmEval,
    second: RbmEval,
}

impl Persist for BothEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.first.save(&format!("{prefix}first."), to);
        self.second.save(&format!("{prefix}second."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.first.load(&format!("{prefix}first."), from)?;
        self.second.load(&format!("{prefix}second."), from)
    }
}

impl RbmBetween {
    /// From `first` to `second`.
    ///
    /// # Errors
    /// [`RbmError::Length`] if they differ in their visible units.
    pub fn new(first: Rbm, second: Rbm) -> Result<Self, RbmError> {
        if first.n_visible() != second.n_visible() {
            let (found, wanted) = (second.n_visible(), first.n_visible());
            return Err(RbmError::Length { name: VISIBLE_BIAS, found, wanted });
        }
        Ok(Self { first, second })
    }

    /// `(n_k - n_h) log 2`: what must be added to the path's log ratio for that of the two machines.
    pub fn offset(&self) -> f64 {
        (self.second.n_hidden() as f64 - self.first.n_hidden() as f64) * std::f64::consts::LN_2
    }

    /// `out[i] += log p*_beta(v_i)`, hidden units summed out.
    fn add_log_density(&self, x: &Bits, eval: &BothEval, beta: f64, sign: f64, out: &mut [f64]) {
        let n = x.n_rows();
        let (mut dots, mut sums) = (vec![0.0; n], vec![0.0; n]);
        for (model, eval, share) in [(&self.first, &eval.first, 1.0 - beta), (&self.second, &eval.second, beta)] {
            bits::row_dots(x.view(), model.visible_bias(), &mut dots);
            activation::softplus_sum(&eval.input, n, model.n_hidden(), share as f32, &mut sums);
            out.iter_mut().zip(dots.iter().zip(&sums)).for_each(|(o, (d, s))| *o += sign * (share * d + s));
        }
    }
}

impl Path for RbmBetween {
    type X = Bits;
    type Eval = BothEval;

    fn evaluate(&self, x: &Bits, out: &mut BothEval, _ws: &mut Scratch) {
        for (model, eval) in [(&self.first, &mut out.first), (&self.second, &mut out.second)] {
            eval.input.resize(x.n_rows() * model.n_hidden(), 0.0);
            model.hidden_input(x, &mut eval.input);
        }
    }

    fn empty_eval(&self) -> BothEval {
        BothEval::default()
    }

    fn add_log_weight(&self, x: &Bits, eval: &BothEval, b0: f64, b1: f64, out: &mut [f64]) {
        self.add_log_density(x, eval, b1, 1.0, out);
        self.add_log_density(x, eval, b0, -1.0, out);
    }

    fn target_energy(&self, x: &Bits, eval: &BothEval, out: &mut [f64]) {
        self.second.free_energy(x, &eval.second.input, out);
    }
}

impl Kernel<RbmBetween> for BlockGibbs {
    type Chain = Evaluated<Bits, BothEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmBetween, x: Bits, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(&self, path: &RbmBetween, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        let (n, nv) = (chain.x.n_rows(), chain.x.n_cols());
        let (mut input, mut part) = (ws.take_f32(n * nv), ws.take_f32(n * nv));
        let sides = [(&path.first, &chain.eval.first, 1.0 - beta), (&path.second, &chain.eval.second, beta)];
        for (side, (model, eval, share)) in sides.into_iter().enumerate() {
            let mut h = Bits::zeros(n, model.n_hidden());
            let key = key.purpose(Purpose::Hidden).block(side as u64).bits();
            bernoulli::draw(&eval.input, n, model.n_hidden(), share as f32, key, h.words_mut());
            model.visible_input(&h, &mut part);
            input.iter_mut().zip(&part).for_each(|(i, p)| *i += share as f32 * p);
        }
        bernoulli::draw(&input, n, nv, 1.0, key.purpose(Purpose::Visible).bits(), chain.x.words_mut());
        ws.give_f32(input);
        ws.give_f32(part);
        path.evaluate(&chain.x, &mut chain.eval, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a BothEval {
        &chain.eval
    }
}

/// The same along a path whose base is sampled.
impl<'a> Kernel<Between<'a, RbmBetween>> for BlockGibbs {
    type Chain = Evaluated<Bits, BothEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &Between<'a, RbmBetween>, x: Bits, ws: &mut Scratch) -> Self::Chain {
        self.init(&path.path, x, ws)
    }

    fn step(
        &self,
        path: &Between<'a, RbmBetween>,
        beta: f64,
        (): &(),
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) {
        self.step(&path.path, beta, &(), chain, key, ws);
    }

    fn position<'b>(&self, chain: &'b Self::Chain) -> &'b Bits {
        &chain.x
    }

    fn eval<'b>(&self, chain: &'b Self::Chain) -> &'b BothEval {
        &chain.eval
    }
}
