//! Paths: families of densities from a tractable base to a target.

use crate::energy::{Blocks, Distribution, Energy, Gradient, Parametric};
use crate::ensemble::BLOCK_ROWS;
use crate::key::Key;
use crate::params::ParamMap;
use crate::persist::{Persist, StateError, Tensor, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows, Natural, Rows};
use crate::scratch::Scratch;

/// `p_beta(x) prop exp(-E_beta(x))` from a base at `beta = 0` to the target at `beta = 1`.
///
/// `Eval` caches whatever of `x` does not depend on `beta` (two energies; for an RBM the hidden input
/// `vW + c`), so that moving along the path costs no new evaluation.
pub trait Path: Send + Sync {
    /// A batch of states.
    type X: Rows;
    /// What is cached of a batch.
    type Eval: Persist + Clone + Send + Sync;

    /// Evaluates a batch into `out`, whatever `out` held before.
    fn evaluate(&self, x: &Self::X, out: &mut Self::Eval, ws: &mut Scratch);

    /// An evaluation with no rows, to be filled by [`Path::evaluate`].
    fn empty_eval(&self) -> Self::Eval;

    /// `out[i] += E_b0(x_i) - E_b1(x_i)`, the log of the importance weight of a move from `b0` to `b1`.
    fn add_log_weight(&self, x: &Self::X, eval: &Self::Eval, b0: f64, b1: f64, out: &mut [f64]);

    /// `out[i] = E_1(x_i)`, the target's energy.
    fn target_energy(&self, x: &Self::X, eval: &Self::Eval, out: &mut [f64]);

    /// Rows that one thread takes at a time: see [`Energy::block_rows`].
    fn block_rows(&self) -> usize {
        BLOCK_ROWS
    }
}

/// Paths whose base can be sampled and has a known normalising constant.
pub trait Annealable: Path {
    /// `n` exact draws at `beta = 0`.
    fn sample_base(&self, n: usize, key: &Key) -> Self::X;

    /// `log Z` at `beta = 0`, in nats.
    fn base_log_z(&self) -> f64;
}

/// Paths whose target has parameters to learn, with gradients taken from cached evaluations.
pub trait Learnable: Path {
    /// The target's parameters.
    fn params(&self) -> &ParamMap;

    /// The target's parameters, to change.
    fn params_mut(&mut self) -> &mut ParamMap;

    /// `out += sum_i w_i dE_1(x_i)/dtheta`.
    fn add_grad(&self, x: &Self::X, eval: &Self::Eval, w: &[f64], out: &mut ParamMap, ws: &mut Scratch);
}

/// Paths with a gradient in the state: what Langevin and Hamiltonian kernels need.
///
/// `evaluate` caches energies only; `evaluate_grad` caches what is needed to know energy and gradient at every `beta`.
pub trait PathGradient: Path<X: Continuous> {
    /// Evaluates a batch with its gradients into `out`, whatever `out` held before.
    fn evaluate_grad(&self, x: &Self::X, out: &mut Self::Eval, ws: &mut Scratch);

    /// `out[i] = E_beta(x_i)` from a cached evaluation.
    fn energy_at(&self, eval: &Self::Eval, beta: f64, out: &mut [f64]);

    /// Row `i` of `out` = `grad E_beta(x_i)` from an evaluation made by [`PathGradient::evaluate_grad`].
    fn grad_at(&self, eval: &Self::Eval, beta: f64, out: &mut Self::X);

    /// `out = grad E_beta(x)`, uncached, for kernels that use each gradient once.
    fn grad(&self, x: &Self::X, beta: f64, out: &mut Self::X, ws: &mut Scratch);
}

/// The path `E_beta = beta E`: plain sampling at `beta = 1`, tempering elsewhere. It has no base that can be sampled.
#[derive(Clone, Copy, Debug)]
pub struct Target<E>(pub E);

/// Energies of every row, and their gradients where they were asked for.
#[derive(Clone, Debug, Default)]
pub struct TargetEval<X> {
    energy: Vec<f64>,
    grad: X,
}

impl<X> TargetEval<X> {
    /// Energies, nats, one a row.
    pub fn energy(&self) -> &[f64] {
        &self.energy
    }

    /// Gradients, if the evaluation was made with them.
    pub fn grad(&self) -> &X {
        &self.grad
    }
}

impl<X: Persist> Persist for TargetEval<X> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}energy"), Tensor::from_f64(&[self.energy.len()], &self.energy));
        self.grad.save(&format!("{prefix}grad."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}energy");
        self.energy = from.expect(&name, None)?.to_f64(&name)?;
        self.grad.load(&format!("{prefix}grad."), from)
    }
}

impl<X: Continuous> ExchangeRows for TargetEval<X> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.energy.exchange_rows(&mut other.energy, which);
        // Without gradients there are none to exchange.
        if self.grad.n_rows() > 0 || other.grad.n_rows() > 0 {
            self.grad.exchange_rows(&mut other.grad, which);
        }
    }
}

impl<E: Energy<X: Continuous + Persist>> Path for Target<E> {
    type X = E::X;
    type Eval = TargetEval<E::X>;

    fn evaluate(&self, x: &E::X, out: &mut Self::Eval, ws: &mut Scratch) {
        out.energy.resize(x.n_rows(), 0.0);
        self.0.energy(x, &mut out.energy, ws);
    }

    fn empty_eval(&self) -> Self::Eval {
        TargetEval { energy: Vec::new(), grad: E::X::default() }
    }

    fn add_log_weight(&self, _x: &E::X, eval: &Self::Eval, b0: f64, b1: f64, out: &mut [f64]) {
        out.iter_mut().zip(&eval.energy).for_each(|(o, e)| *o += (b0 - b1) * e);
    }

    fn target_energy(&self, _x: &E::X, eval: &Self::Eval, out: &mut [f64]) {
        out.copy_from_slice(&eval.energy);
    }

    fn block_rows(&self) -> usize {
        self.0.block_rows()
    }
}

impl<E: Gradient<X: Persist>> PathGradient for Target<E> {
    fn evaluate_grad(&self, x: &E::X, out: &mut Self::Eval, ws: &mut Scratch) {
        out.energy.resize(x.n_rows(), 0.0);
        out.grad.reset(x.n_rows(), x.n_cols());
        self.0.energy_grad(x, &mut out.energy, &mut out.grad, ws);
    }

    fn energy_at(&self, eval: &Self::Eval, beta: f64, out: &mut [f64]) {
        out.iter_mut().zip(&eval.energy).for_each(|(o, e)| *o = beta * e);
    }

    fn grad_at(&self, eval: &Self::Eval, beta: f64, out: &mut E::X) {
        out.reset(eval.grad.n_rows(), eval.grad.n_cols());
        let beta = <E::X as Continuous>::T::narrow(beta);
        out.values_mut().iter_mut().zip(eval.grad.values()).for_each(|(o, &g)| *o = beta * g);
    }

    fn grad(&self, x: &E::X, beta: f64, out: &mut E::X, ws: &mut Scratch) {
        out.reset(x.n_rows(), x.n_cols());
        self.0.grad(x, out, ws);
        if beta != 1.0 {
            let beta = <E::X as Continuous>::T::narrow(beta);
            out.values_mut().iter_mut().for_each(|g| *g *= beta);
        }
    }
}

/// The geometric path `E_beta = (1 - beta) E_base + beta E_target` between two differentiable energies: what
/// annealed importance sampling with Langevin or Hamiltonian transitions runs on.
#[derive(Clone, Copy, Debug)]
pub struct Bridge<B, T> {
    /// Base, a [`Distribution`] where the path is to be annealed along.
    pub base: B,
    /// Target.
    pub target: T,
}

/// Energies and gradients of both ends.
#[derive(Clone, Debug, Default)]
pub struct BridgeEval<X> {
    base: TargetEval<X>,
    target: TargetEval<X>,
}

impl<X: Persist> Persist for BridgeEval<X> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.base.save(&format!("{prefix}base."), to);
        self.target.save(&format!("{prefix}target."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.base.load(&format!("{prefix}base."), from)?;
        self.target.load(&format!("{prefix}target."), from)
    }
}

impl<X: Continuous> ExchangeRows for BridgeEval<X> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.base.exchange_rows(&mut other.base, which);
        self.target.exchange_rows(&mut other.target, which);
    }
}

impl<B, T> Path for Bridge<B, T>
where
    B: Energy<X: Continuous + Persist>,
    T: Energy<X = B::X>,
{
    type X = B::X;
    type Eval = BridgeEval<B::X>;

    fn evaluate(&self, x: &B::X, out: &mut Self::Eval, ws: &mut Scratch) {
        Target(&self.base).evaluate(x, &mut out.base, ws);
        Target(&self.target).evaluate(x, &mut out.target, ws);
    }

    fn empty_eval(&self) -> Self::Eval {
        BridgeEval { base: Target(&self.base).empty_eval(), target: Target(&self.target).empty_eval() }
    }

    fn add_log_weight(&self, _x: &B::X, eval: &Self::Eval, b0: f64, b1: f64, out: &mut [f64]) {
        for ((o, base), target) in out.iter_mut().zip(&eval.base.energy).zip(&eval.target.energy) {
            *o += (b1 - b0) * (base - target);
        }
    }

    fn target_energy(&self, _x: &B::X, eval: &Self::Eval, out: &mut [f64]) {
        out.copy_from_slice(&eval.target.energy);
    }

    fn block_rows(&self) -> usize {
        self.target.block_rows()
    }
}

impl<B, T> PathGradient for Bridge<B, T>
where
    B: Gradient<X: Persist>,
    T: Gradient<X = B::X>,
{
    fn evaluate_grad(&self, x: &B::X, out: &mut Self::Eval, ws: &mut Scratch) {
        Target(&self.base).evaluate_grad(x, &mut out.base, ws);
        Target(&self.target).evaluate_grad(x, &mut out.target, ws);
    }

    fn energy_at(&self, eval: &Self::Eval, beta: f64, out: &mut [f64]) {
        for ((o, base), target) in out.iter_mut().zip(&eval.base.energy).zip(&eval.target.energy) {
            *o = (1.0 - beta) * base + beta * target;
        }
    }

    fn grad_at(&self, eval: &Self::Eval, beta: f64, out: &mut B::X) {
        Target(&self.base).grad_at(&eval.base, 1.0 - beta, out);
        out.add_scaled(beta, &eval.target.grad);
    }

    fn grad(&self, x: &B::X, beta: f64, out: &mut B::X, ws: &mut Scratch) {
        let mut eval = self.empty_eval();
        self.evaluate_grad(x, &mut eval, ws);
        self.grad_at(&eval, beta, out);
    }
}

impl<B, T> Annealable for Bridge<B, T>
where
    B: Distribution<X: Continuous + Persist>,
    T: Energy<X = B::X>,
{
    fn sample_base(&self, n: usize, key: &Key) -> B::X {
        self.base.sample(n, key)
    }

    fn base_log_z(&self) -> f64 {
        0.0
    }
}

/// Paths whose sites can be redrawn in blocks at every `beta`.
pub trait PathBlocks: Path {
    /// Number of blocks.
    fn n_blocks(&self) -> usize;

    /// Sites of a block.
    fn sites(&self, block: usize) -> Vec<usize>;

    /// Natural parameters of the block at `beta`, given the rest.
    fn natural_at(&self, x: &Self::X, block: usize, beta: f64, out: &mut Natural, ws: &mut Scratch);
}

/// The geometric path `E_beta = (1 - beta) E_base + beta E_target` between any two energies of one state.
///
/// # Source
/// Neal 2001, "Annealed importance sampling", equation 3, DOI 10.1023/A:1008923215028.
#[derive(Clone, Debug)]
pub struct Geometric<B, T> {
    /// Normalised base.
    pub base: B,
    /// Target.
    pub target: T,
}

/// Both energies of every row.
#[derive(Clone, Debug, Default)]
pub struct GeometricEval {
    base: Vec<f64>,
    target: Vec<f64>,
}

impl Persist for GeometricEval {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}base_energy"), Tensor::from_f64(&[self.base.len()], &self.base));
        to.insert(format!("{prefix}target_energy"), Tensor::from_f64(&[self.target.len()], &self.target));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        for (name, field) in [("base_energy", &mut self.base), ("target_energy", &mut self.target)] {
            let name = format!("{prefix}{name}");
            *field = from.expect(&name, None)?.to_f64(&name)?;
        }
        Ok(())
    }
}

impl ExchangeRows for GeometricEval {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.base.exchange_rows(&mut other.base, which);
        self.target.exchange_rows(&mut other.target, which);
    }
}

impl<B: Energy, T: Energy<X = B::X>> Path for Geometric<B, T> {
    type X = B::X;
    type Eval = GeometricEval;

    fn evaluate(&self, x: &B::X, out: &mut GeometricEval, ws: &mut Scratch) {
        out.base.resize(x.n_rows(), 0.0);
        out.target.resize(x.n_rows(), 0.0);
        self.base.energy(x, &mut out.base, ws);
        self.target.energy(x, &mut out.target, ws);
    }

    fn empty_eval(&self) -> GeometricEval {
        GeometricEval::default()
    }

    fn add_log_weight(&self, _x: &B::X, eval: &GeometricEval, b0: f64, b1: f64, out: &mut [f64]) {
        for ((o, base), target) in out.iter_mut().zip(&eval.base).zip(&eval.target) {
            *o += (b1 - b0) * (base - target);
        }
    }

    fn target_energy(&self, _x: &B::X, eval: &GeometricEval, out: &mut [f64]) {
        out.copy_from_slice(&eval.target);
    }
}

impl<B: Distribution, T: Energy<X = B::X>> Annealable for Geometric<B, T> {
    fn sample_base(&self, n: usize, key: &Key) -> B::X {
        self.base.sample(n, key)
    }

    fn base_log_z(&self) -> f64 {
        0.0
    }
}

impl<B: Energy, T: Parametric<X = B::X>> Learnable for Geometric<B, T> {
    fn params(&self) -> &ParamMap {
        self.target.params()
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        self.target.params_mut()
    }

    fn add_grad(&self, x: &B::X, _eval: &GeometricEval, w: &[f64], out: &mut ParamMap, ws: &mut Scratch) {
        self.target.add_grad(x, w, out, ws);
    }
}

impl<B: Blocks, T: Blocks<X = B::X>> PathBlocks for Geometric<B, T> {
    fn n_blocks(&self) -> usize {
        self.target.n_blocks()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        self.target.sites(block)
    }

    /// The base must have the target's blocks, or be independent over sites (a single block of all of them).
    fn natural_at(&self, x: &B::X, block: usize, beta: f64, out: &mut Natural, ws: &mut Scratch) {
        self.target.natural(x, block, out, ws);
        let mut base = Natural::default();
        if self.base.n_blocks() == self.target.n_blocks() {
            self.base.natural(x, block, &mut base, ws);
        } else {
            assert_eq!(self.base.n_blocks(), 1, "the base has the target's blocks or is independent over sites");
            let mut all = Natural::default();
            self.base.natural(x, 0, &mut all, ws);
            let sites = self.target.sites(block);
            base.reset(x.n_rows(), sites.len());
            for row in 0..x.n_rows() {
                for (k, &s) in sites.iter().enumerate() {
                    base.logits[row * sites.len() + k] = all.logits[row * all.width + s];
                }
            }
        }
        out.blend(beta, 1.0 - beta, &base);
    }
}
