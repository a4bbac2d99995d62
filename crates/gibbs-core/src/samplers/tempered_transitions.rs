//! Tempered transitions: one long move up a ladder of temperatures and down again.

use super::error::SamplerError;
use super::tempering::check_ladder;
use super::{Hmc, Mala, RandomWalk};
use crate::kernel::{Kernel, MoveInfo};
use crate::key::{Key, Purpose};
use crate::path::Path;
use crate::rows::{ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Kernels in detailed balance with `p_beta` at every `beta`: `p(x) K(x -> y) = p(y) K(y -> x)`, which is more than leaving
/// `p_beta` invariant. A sweep of sites in a fixed order leaves it invariant and is not reversible; sites in random order
/// are.
pub trait Reversible<P: Path + ?Sized>: Kernel<P> {}

impl<P: Path + ?Sized> Reversible<P> for RandomWalk where RandomWalk: Kernel<P> {}
impl<P: Path + ?Sized> Reversible<P> for Mala where Mala: Kernel<P> {}
impl<P: Path + ?Sized> Reversible<P> for Hmc where Hmc: Kernel<P> {}

/// Tempered transitions: the state climbs a ladder of inverse temperatures to the hot end, one move of the kernel a rung,
/// and comes down the same way; where it ends up is one Metropolis proposal, taken with probability
/// `min(1, prod_i p_i(x_(i-1)) / p_(i-1)(x_(i-1)) * prod_i p_(i-1)(y_i) / p_i(y_i))` over the rungs `i` on the way up (`x`)
/// and down (`y`).
///
/// Leaves `p_beta` invariant exactly for a [`Reversible`] kernel. Unlike parallel tempering it keeps one state a chain, and
/// its acceptance falls with the length of the ladder's steps: twice as many rungs lift it.
///
/// # Source
/// Neal 1996, "Sampling from multimodal distributions using tempered transitions", section 2, DOI 10.1007/BF00143556.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperedTransitions<K> {
    kernel: K,
    ladder: Vec<f64>,
}

impl<K> TemperedTransitions<K> {
    /// Over `ladder`, two or more inverse temperatures that rise strictly to 1, from 0 up.
    pub fn new(kernel: K, ladder: Vec<f64>) -> Result<Self, SamplerError> {
        check_ladder(&ladder)?;
        Ok(Self { kernel, ladder })
    }

    /// The inverse temperatures, from the hottest.
    pub fn ladder(&self) -> &[f64] {
        &self.ladder
    }
}

impl<P: Path, K: Reversible<P, Chain: ExchangeRows>> Kernel<P> for TemperedTransitions<K> {
    type Chain = K::Chain;
    type Tuning = K::Tuning;
    /// Acceptance of the whole journeys; `divergent` counts those whose weight is not a number.
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        self.kernel.init(path, x, ws)
    }

    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &Self::Tuning,
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> MoveInfo {
        let mut traveller = chain.clone();
        let n_rows = self.kernel.position(chain).n_rows();
        let mut log_ratio = ws.take_f64(n_rows);
        let mut moves = 0;
        // From the cold end to the hot one: weigh, then move.
        for rung in self.ladder.windows(2).rev() {
            let (from, to) = (beta * rung[1], beta * rung[0]);
            self.kernel.refresh(path, &mut traveller, ws);
            let (x, eval) = (self.kernel.position(&traveller), self.kernel.eval(&traveller));
            path.add_log_weight(x, eval, from, to, &mut log_ratio);
            self.kernel.step(path, to, tuning, &mut traveller, &key.step(moves), ws);
            moves += 1;
        }
        // And back: move, then weigh.
        for rung in self.ladder.windows(2) {
            let (from, to) = (beta * rung[0], beta * rung[1]);
            self.kernel.step(path, from, tuning, &mut traveller, &key.step(moves), ws);
            self.kernel.refresh(path, &mut traveller, ws);
            let (x, eval) = (self.kernel.position(&traveller), self.kernel.eval(&traveller));
            path.add_log_weight(x, eval, from, to, &mut log_ratio);
            moves += 1;
        }
        let mut info = MoveInfo { rows: n_rows, ..MoveInfo::default() };
        let mut rng = key.purpose(Purpose::Accept).rng();
        let taken: Vec<bool> = log_ratio
            .iter()
            .map(|r| {
                let p = if r.is_nan() { 0.0 } else { r.min(0.0).exp() };
                info.acceptance += p;
                info.divergent += usize::from(r.is_nan());
                rng.uniform() < p
            })
            .collect();
        chain.exchange_rows(&mut traveller, &taken);
        ws.give_f64(log_ratio);
        info
    }

    fn refresh(&self, path: &P, chain: &mut Self::Chain, ws: &mut Scratch) {
        self.kernel.refresh(path, chain, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        self.kernel.position(chain)
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        self.kernel.eval(chain)
    }
}
