//! Gibbs with gradients: single flips, chosen by what they cost.

use super::random_walk::energy_at;
use super::tempered_transitions::Reversible;
use crate::energy::{Energy, Flips};
use crate::kernel::{Evaluated, Kernel, MoveInfo};
use crate::key::{Key, Purpose};
use crate::path::{Geometric, Path};
use crate::persist::{Persist, StateError, TensorMap};
use crate::rows::{Discrete, ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Energies of two-valued sites that can guess what every flip costs: exactly ([`Flips`]), or to first order from the
/// gradient of a relaxation to real inputs.
pub trait FlipEstimates: Energy<X: Discrete> {
    /// `out[i * n_sites + s]` is near `E(x_i with site s flipped) - E(x_i)` and depends on `x_i` alone.
    fn flip_estimates(&self, x: &Self::X, out: &mut [f64], ws: &mut Scratch);
}

impl<E: Flips> FlipEstimates for E {
    fn flip_estimates(&self, x: &E::X, out: &mut [f64], ws: &mut Scratch) {
        self.flip_deltas(x, out, ws);
    }
}

/// Paths of two-valued sites that can guess what every flip costs at every `beta`.
pub trait PathFlips: Path<X: Discrete> {
    /// `out[i * n_sites + s]` is near `E_beta(x_i with site s flipped) - E_beta(x_i)` and depends on `x_i` and `beta` alone.
    fn flip_estimates_at(&self, x: &Self::X, beta: f64, out: &mut [f64], ws: &mut Scratch);
}

impl<B: FlipEstimates, T: FlipEstimates<X = B::X>> PathFlips for Geometric<B, T> {
    fn flip_estimates_at(&self, x: &B::X, beta: f64, out: &mut [f64], ws: &mut Scratch) {
        // At an end the other energy is not asked: nothing times an infinite cost would be NaN.
        if beta == 0.0 {
            return self.base.flip_estimates(x, out, ws);
        }
        self.target.flip_estimates(x, out, ws);
        if beta != 1.0 {
            let mut base = ws.take_f64(out.len());
            self.base.flip_estimates(x, &mut base, ws);
            out.iter_mut().zip(&base).for_each(|(o, b)| *o = beta * *o + (1.0 - beta) * b);
            ws.give_f64(base);
        }
    }
}

/// Gibbs with gradients: proposes to flip site `s` with probability `q(s | x) prop exp(-d_s(x) / 2)`, where `d_s` is the
/// estimated cost of the flip, and takes it with probability
/// `min(1, exp(E(x) - E(x')) q(s | x') / q(s | x))` by the true energies.
///
/// Leaves `p_beta` invariant exactly, however rough the estimates, and is reversible. With exact costs it is the locally
/// balanced proposal of Zanella. One step is one flip of each row and costs two energies and two sets of estimates at
/// most; those of the present state are kept.
///
/// # Source
/// Grathwohl, Swersky, Hashemi, Duvenaud & Maddison 2021, arXiv 2102.04509, algorithm 1; Zanella 2020,
/// DOI 10.1080/01621459.2019.1585255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GibbsWithGradients;

/// Chains of [`GibbsWithGradients`]: positions, their evaluation, and the estimated costs of their flips.
#[derive(Clone, Debug)]
pub struct InformedChain<X, Eval> {
    at: Evaluated<X, Eval>,
    proposal: Evaluated<X, Eval>,
    costs: Vec<f64>,
    proposed_costs: Vec<f64>,
    /// Where on the path the costs hold; NaN for nowhere.
    beta: f64,
}

impl<X: Persist, Eval: Persist> Persist for InformedChain<X, Eval> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.at.save(prefix, to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.beta = f64::NAN;
        self.at.load(prefix, from)
    }
}

impl<X: ExchangeRows, Eval: ExchangeRows> ExchangeRows for InformedChain<X, Eval> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.at.exchange_rows(&mut other.at, which);
        // Costs at another temperature are of no use here.
        (self.beta, other.beta) = (f64::NAN, f64::NAN);
    }
}

/// The proposal from one row of costs: `log sum_s exp(-d_s / 2)`.
fn log_normaliser(costs: &[f64]) -> f64 {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    if least == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    costs.iter().map(|d| (0.5 * (least - d)).exp()).sum::<f64>().ln() - 0.5 * least
}

/// A site with probability `exp(-d_s / 2 - log_normaliser)`; the last one that has any if rounding runs past the end.
fn choose(costs: &[f64], log_normaliser: f64, mut u: f64) -> usize {
    let mut last = 0;
    for (s, d) in costs.iter().enumerate() {
        let p = (-0.5 * d - log_normaliser).exp();
        if p > 0.0 {
            last = s;
            u -= p;
            if u < 0.0 {
                return s;
            }
        }
    }
    last
}

impl<P> Kernel<P> for GibbsWithGradients
where
    P: PathFlips<X: ExchangeRows + Persist, Eval: ExchangeRows>,
{
    type Chain = InformedChain<P::X, P::Eval>;
    type Tuning = ();
    /// `divergent` counts rows that stayed because an energy or a cost was not a number, or no flip was possible.
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        let proposal = Evaluated { x: x.clone(), eval: path.empty_eval() };
        InformedChain { at: Evaluated { x, eval }, proposal, costs: vec![], proposed_costs: vec![], beta: f64::NAN }
    }

    fn step(&self, path: &P, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) -> MoveInfo {
        let InformedChain { at, proposal, costs, proposed_costs, beta: known } = chain;
        let (n_rows, n_sites) = (at.x.n_rows(), at.x.n_sites());
        let mut info = MoveInfo { rows: n_rows, ..MoveInfo::default() };
        if n_sites == 0 {
            return info;
        }
        costs.resize(n_rows * n_sites, 0.0);
        proposed_costs.resize(n_rows * n_sites, 0.0);
        if *known != beta {
            path.flip_estimates_at(&at.x, beta, costs, ws);
            *known = beta;
        }
        let mut log_ratio = ws.take_f64(n_rows);
        let mut chosen = ws.take_u64(n_rows);
        let mut rng = key.purpose(Purpose::Noise).rng();
        proposal.x = at.x.clone();
        for (row, costs) in costs.chunks_exact(n_sites).enumerate() {
            let log_sum = log_normaliser(costs);
            let s = choose(costs, log_sum, rng.uniform());
            log_ratio[row] = 0.5 * costs[s] + log_sum;
            chosen[row] = s as u64;
            let value = at.x.site(row, s);
            proposal.x.set_site(row, s, !value);
        }
        path.evaluate(&proposal.x, &mut proposal.eval, ws);
        path.flip_estimates_at(&proposal.x, beta, proposed_costs, ws);
        for (row, costs) in proposed_costs.chunks_exact(n_sites).enumerate() {
            log_ratio[row] -= 0.5 * costs[chosen[row] as usize] + log_normaliser(costs);
        }
        let (mut before, mut after) = (ws.take_f64(n_rows), ws.take_f64(n_rows));
        energy_at(path, &at.x, &at.eval, beta, &mut before);
        energy_at(path, &proposal.x, &proposal.eval, beta, &mut after);
        let mut rng = key.purpose(Purpose::Accept).rng();
        let mut taken = Vec::with_capacity(n_rows);
        for ((r, before), after) in log_ratio.iter().zip(&before).zip(&after) {
            let log_ratio = r + before - after;
            let p = if log_ratio.is_nan() { 0.0 } else { log_ratio.min(0.0).exp() };
            let take = rng.uniform() < p;
            info.divergent += usize::from(log_ratio.is_nan());
            info.acceptance += p;
            info.distance_squared += f64::from(u8::from(take));
            taken.push(take);
        }
        at.exchange_rows(proposal, &taken);
        for ((now, new), take) in costs.chunks_exact_mut(n_sites).zip(proposed_costs.chunks_exact(n_sites)).zip(&taken)
        {
            if *take {
                now.copy_from_slice(new);
            }
        }
        for buffer in [log_ratio, before, after] {
            ws.give_f64(buffer);
        }
        ws.give_u64(chosen);
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        &chain.at.eval
    }
}

impl<P> Reversible<P> for GibbsWithGradients where P: PathFlips<X: ExchangeRows + Persist, Eval: ExchangeRows> {}
