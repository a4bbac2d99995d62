//! What the Metropolis-corrected kernels share: chains with a proposal beside them, and the decision row by row.

use gibbs_kernels::rng::Lanes;

use crate::kernel::{Evaluated, MoveInfo};
use crate::key::{Key, Purpose};
use crate::persist::{Persist, StateError, TensorMap};
use crate::real::Real;
use crate::rows::{Continuous, ExchangeRows};

/// Chains of the Metropolis-corrected kernels: positions with their evaluation, and buffers for the next proposal.
///
/// The evaluation belongs to the path it was made with. When the parameters of the energy move, start anew with
/// [`Kernel::init`](crate::kernel::Kernel::init): a decision between an old energy and a new one is a wrong decision.
#[derive(Clone, Debug)]
pub struct MetropolisChain<X, Eval> {
    pub(super) at: Evaluated<X, Eval>,
    pub(super) proposal: Evaluated<X, Eval>,
    pub(super) buffers: Buffers<X>,
}

/// Reused from step to step; nothing in them is state.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers<X> {
    /// Gradient at the start of a move, and wherever it has come to.
    pub(super) grads: [X; 2],
    /// Momenta.
    pub(super) momentum: X,
    /// Standard deviations of the coordinates, in one row; none means 1.
    pub(super) sd: X,
    /// Which proposals are taken.
    pub(super) taken: Vec<bool>,
    /// Total energies at the start of the last trajectory, of Hamiltonian chains.
    pub(super) total: Vec<f64>,
}

impl<X: Continuous, Eval> MetropolisChain<X, Eval> {
    /// Chains at `x`, whose evaluation is `eval`; `empty` is for that of proposals.
    pub(super) fn new(x: X, eval: Eval, empty: Eval) -> Self {
        let proposal = Evaluated { x: X::default(), eval: empty };
        Self { at: Evaluated { x, eval }, proposal, buffers: Buffers::default() }
    }

    /// Where the chains are.
    pub fn position(&self) -> &X {
        &self.at.x
    }

    /// Energy at the start of the last trajectory with that of the fresh momenta, of every row: what
    /// [`e_bfmi`](crate::diagnostics::e_bfmi::e_bfmi) looks at. Empty before the first step, and for kernels other than
    /// [`Hmc`](super::Hmc).
    pub fn total_energies(&self) -> &[f64] {
        &self.buffers.total
    }
}

impl<X: Continuous, Eval: ExchangeRows> MetropolisChain<X, Eval> {
    /// Takes proposal `i` with probability `min(1, exp(log_ratio[i]))`. One whose ratio is NaN is refused; one whose
    /// ratio is NaN or below `floor` counts as divergent.
    pub(super) fn decide(&mut self, log_ratio: &[f64], floor: f64, key: &Key) -> MoveInfo {
        let mut lanes = Lanes::new(key.purpose(Purpose::Accept).bits(), 0);
        let mut info = MoveInfo { rows: log_ratio.len(), ..MoveInfo::default() };
        let taken = &mut self.buffers.taken;
        taken.clear();
        for log_ratio in log_ratio.chunks(8) {
            // Drawn for every row, so that one row's fate does not change another's luck.
            let (high, low) = (lanes.next_u32s(), lanes.next_u32s());
            for (l, &r) in log_ratio.iter().enumerate() {
                // Without branches on what is decided: half of them would be guessed wrong. NaN compares false.
                let p = if r.is_nan() { 0.0 } else { r.min(0.0).exp() };
                let accept = uniform(high[l], low[l]) < p;
                info.divergent += usize::from(r.is_nan() || r < floor);
                info.acceptance += p;
                taken.push(accept);
            }
        }
        let n = self.at.x.n_cols();
        let pairs = self.at.x.values().chunks_exact(n).zip(self.proposal.x.values().chunks_exact(n));
        for ((x, y), taken) in pairs.zip(taken.iter()) {
            let moved = squared_distance(x, y);
            info.distance_squared += if *taken { moved } else { 0.0 };
        }
        self.at.x.exchange_rows(&mut self.proposal.x, taken);
        self.at.eval.exchange_rows(&mut self.proposal.eval, taken);
        info
    }
}

impl<X: Persist, Eval: Persist> Persist for MetropolisChain<X, Eval> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.at.save(prefix, to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.at.load(prefix, from)
    }
}

impl<X: Continuous, Eval: ExchangeRows> ExchangeRows for MetropolisChain<X, Eval> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.at.x.exchange_rows(&mut other.at.x, which);
        self.at.eval.exchange_rows(&mut other.at.eval, which);
    }
}

/// A number in `[0, 1)` of 53 random bits: with fewer, moves of little probability would be taken too often.
fn uniform(high: u32, low: u32) -> f64 {
    ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1u64 << 53) as f64
}

/// An energy error beyond this is a divergence, nats.
pub(super) const DIVERGENT: f64 = 1_000.0;

fn squared_distance<T: Real>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (*a - *b).widen().powi(2)).sum()
}

/// Writes the square roots of `variance` as the one row of `out`; no row where there are none.
///
/// # Panics
/// If there are some, and not one a coordinate.
pub(super) fn roots<X: Continuous>(variance: &[f64], n_cols: usize, out: &mut X) {
    assert!(variance.is_empty() || variance.len() == n_cols, "{} variances of {n_cols} coordinates", variance.len());
    out.reset(usize::from(!variance.is_empty()), n_cols);
    out.values_mut().iter_mut().zip(variance).for_each(|(o, v)| *o = X::T::narrow(v.sqrt()));
}

/// `y += a * sd * x`, where `sd` has one number a coordinate or none for 1.
pub(super) fn add<T: Real>(y: &mut [T], a: f64, sd: &[T], x: &[T]) {
    assert_eq!(y.len(), x.len(), "numbers of one shape");
    let a = T::narrow(a);
    if sd.is_empty() {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += a * x);
        return;
    }
    for (y, x) in y.chunks_exact_mut(sd.len()).zip(x.chunks_exact(sd.len())) {
        y.iter_mut().zip(x).zip(sd).for_each(|((y, &x), &sd)| *y += a * sd * x);
    }
}
