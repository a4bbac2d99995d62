//! Markov kernels over paths, and the one driver that runs them.

use std::ops::ControlFlow;

use crate::key::Key;
use crate::path::Path;
use crate::persist::{Persist, StateError, Tensor, TensorMap};
use crate::rows::ExchangeRows;
use crate::scratch::Scratch;

/// A Markov kernel that leaves `p_beta` of a path invariant (or says in its docs by how much it does not).
///
/// Plain sampling is `beta = 1` throughout; tempering, annealing and annealed importance sampling move `beta`.
/// What the next step needs is in `Chain`, what diagnostics need in `Info`, what adaptation changes in `Tuning`.
pub trait Kernel<P: Path + ?Sized>: Send + Sync {
    /// A batch of chains: positions and cached evaluations.
    type Chain: Persist + Clone + Send + Sync;
    /// Adapted quantities such as step sizes; `()` where there are none.
    type Tuning: Persist + Clone + Default + Send + Sync;
    /// What a step tells diagnostics.
    type Info;

    /// Chains that start at `x`.
    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain;

    /// One step of every chain at `beta`.
    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &Self::Tuning,
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> Self::Info;

    /// Adds `E_b0(x) - E_b1(x)` to the log weights, then steps at `b1`: one rung of annealed importance sampling.
    /// Kernels override it where the two share work.
    #[expect(clippy::too_many_arguments, reason = "a step's arguments and the two ends of a rung")]
    fn anneal(
        &self,
        path: &P,
        (b0, b1): (f64, f64),
        tuning: &Self::Tuning,
        chain: &mut Self::Chain,
        log_weights: &mut [f64],
        key: &Key,
        ws: &mut Scratch,
    ) {
        path.add_log_weight(self.position(chain), self.eval(chain), b0, b1, log_weights);
        self.step(path, b1, tuning, chain, key, ws);
    }

    /// Evaluates the chains where they are, for kernels whose steps leave that undone (plain Langevin takes gradients
    /// only): to be called between steps and [`Kernel::eval`] by whoever does not know the kernel. Most keep the
    /// evaluation up to date, and this does nothing.
    fn refresh(&self, _path: &P, _chain: &mut Self::Chain, _ws: &mut Scratch) {}

    /// Where the chains are.
    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X;

    /// The cached evaluation of that position.
    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval;
}

/// Chains of a kernel that needs nothing but positions and their evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated<X, Eval> {
    /// Positions.
    pub x: X,
    /// What the path cached of them.
    pub eval: Eval,
}

impl<X: Persist, Eval: Persist> Persist for Evaluated<X, Eval> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.x.save(&format!("{prefix}x."), to);
        self.eval.save(&format!("{prefix}eval."), to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.x.load(&format!("{prefix}x."), from)?;
        self.eval.load(&format!("{prefix}eval."), from)
    }
}

impl<X: ExchangeRows, Eval: ExchangeRows> ExchangeRows for Evaluated<X, Eval> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.x.exchange_rows(&mut other.x, which);
        self.eval.exchange_rows(&mut other.eval, which);
    }
}

/// What a step of a Metropolis-corrected (or Langevin) kernel tells diagnostics and adaptation, over the rows it moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MoveInfo {
    /// Chains moved.
    pub rows: usize,
    /// Sum over chains of the acceptance probability `min(1, exp(-dH))`; the number of chains for uncorrected kernels.
    pub acceptance: f64,
    /// Chains whose trajectory diverged (energy error above 1,000 nats or not finite): they stayed where they were.
    pub divergent: usize,
    /// Sum over chains of the squared distance moved.
    pub distance_squared: f64,
}

impl MoveInfo {
    /// Joins the infos of two sets of chains or steps.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            acceptance: self.acceptance + other.acceptance,
            divergent: self.divergent + other.divergent,
            distance_squared: self.distance_squared + other.distance_squared,
        }
    }

    /// Mean acceptance probability; NaN before any move.
    pub fn acceptance_rate(&self) -> f64 {
        self.acceptance / self.rows as f64
    }
}

/// What adaptation changes in the gradient kernels: a factor on the step size and a diagonal metric.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTuning {
    /// Factor on the kernel's step size; 1 before adaptation.
    pub scale: f64,
    /// Variance of each coordinate (the inverse of a diagonal mass matrix); empty means 1 everywhere.
    pub variance: Vec<f64>,
}

impl Default for StepTuning {
    fn default() -> Self {
        Self { scale: 1.0, variance: Vec::new() }
    }
}

impl Persist for StepTuning {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert(format!("{prefix}scale"), Tensor::from_f64(&[1], &[self.scale]));
        to.insert(format!("{prefix}variance"), Tensor::from_f64(&[self.variance.len()], &self.variance));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let name = format!("{prefix}scale");
        self.scale = from.expect(&name, Some(&[1]))?.to_f64(&name)?[0];
        let name = format!("{prefix}variance");
        self.variance = from.expect(&name, None)?.to_f64(&name)?;
        Ok(())
    }
}

/// Watches a run of the driver; may end it.
pub trait Observer<C, I> {
    /// Called after each step with its number (from 0), the chains and the step's info.
    fn observe(&mut self, step: u64, chain: &C, info: &I) -> ControlFlow<()>;
}

impl<C, I, F: FnMut(u64, &C, &I) -> ControlFlow<()>> Observer<C, I> for F {
    fn observe(&mut self, step: u64, chain: &C, info: &I) -> ControlFlow<()> {
        self(step, chain, info)
    }
}

/// Runs `n_steps` steps at a fixed `beta`; step `t` uses `key.step(t)`. Every sampler is run by this function.
#[expect(clippy::too_many_arguments, reason = "the driver takes each of the four drawers")]
pub fn run<P: Path + ?Sized, K: Kernel<P>>(
    kernel: &K,
    path: &P,
    beta: f64,
    tuning: &K::Tuning,
    chain: &mut K::Chain,
    n_steps: u64,
    key: &Key,
    ws: &mut Scratch,
    observer: &mut impl Observer<K::Chain, K::Info>,
) {
    for t in 0..n_steps {
        let info = kernel.step(path, beta, tuning, chain, &key.step(t), ws);
        if observer.observe(t, chain, &info).is_break() {
            break;
        }
    }
}

/// An observer that watches nothing.
pub fn unobserved<C, I>(_step: u64, _chain: &C, _info: &I) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
