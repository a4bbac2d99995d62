//! Gibbs with gradients on a quadratic energy, with everything kept up to date.

use gibbs_core::kernel::{Evaluated, Kernel, MoveInfo};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Path;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::samplers::{Reversible, SamplerError};
use gibbs_core::scratch::Scratch;

use super::flips::{Uniforms, cost, flip};
use super::{Qubo, QuboEval, QuboPath};
use crate::Bits;

/// [`gibbs_core::samplers::GibbsWithGradients`] for few couplings: a flip is proposed with probability
/// `w_i / S prop exp(-beta d_i / 2)` of its exact cost `d_i` and taken with probability `min(1, S / S')`.
///
/// Leaves `p_beta` invariant exactly (but for 32-bit random numbers), and is reversible. The weights of a row are the leaves
/// of a tree of sums, so that a proposal costs `O(log n)` for itself and each neighbour, where evaluating all costs would be
/// `O(n)`. A sum is always its two children's: rounding does not pile up, and the proposal is a function of the state.
///
/// # Source
/// Grathwohl et al. 2021, arXiv 2102.04509; the tree: Wong & Easton 1980, DOI 10.1137/0209009.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InformedFlips {
    n_flips: u64,
}

impl InformedFlips {
    /// With `n_flips` proposals a step.
    pub fn new(n_flips: u64) -> Result<Self, SamplerError> {
        if n_flips == 0 {
            return Err(SamplerError::Count { what: "the number of proposals of a step", value: 0 });
        }
        Ok(Self { n_flips })
    }
}

/// Chains of [`InformedFlips`].
#[derive(Clone, Debug)]
pub struct InformedRows {
    at: Evaluated<Bits, QuboEval>,
    /// A tree a row.
    trees: Vec<SumTree>,
    /// Where on the path the weights hold; NaN for nowhere.
    beta: f64,
}

impl Persist for InformedRows {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.at.save(prefix, to);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.beta = f64::NAN;
        self.at.load(prefix, from)
    }
}

impl ExchangeRows for InformedRows {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.at.exchange_rows(&mut other.at, which);
        (self.beta, other.beta) = (f64::NAN, f64::NAN);
    }
}

/// Non-negative weights under a binary tree of their sums.
#[derive(Clone, Debug)]
struct SumTree {
    /// The root is 1, the children of `k` are `2k` and `2k + 1`, leaves begin at `leaves`.
    sums: Vec<f64>,
    leaves: usize,
}

impl SumTree {
    fn new(n: usize) -> Self {
        let leaves = n.next_power_of_two();
        Self { sums: vec![0.0; 2 * leaves], leaves }
    }

    fn fill(&mut self, weights: impl Iterator<Item = f64>) {
        self.sums[self.leaves..].iter_mut().zip(weights).for_each(|(s, w)| *s = w);
        for k in (1..self.leaves).rev() {
            self.sums[k] = self.sums[2 * k] + self.sums[2 * k + 1];
        }
    }

    #[inline]
    fn total(&self) -> f64 {
        self.sums[1]
    }

    #[inline]
    fn weight(&self, i: usize) -> f64 {
        self.sums[self.leaves + i]
    }

    #[inline]
    fn set(&mut self, i: usize, weight: f64) {
        let mut k = self.leaves + i;
        self.sums[k] = weight;
        while k > 1 {
            k /= 2;
            self.sums[k] = self.sums[2 * k] + self.sums[2 * k + 1];
        }
    }

    /// The leaf under which the running sum passes `u` times the total.
    #[inline]
    fn choose(&self, u: f64) -> usize {
        let (mut k, mut rest) = (1, u * self.total());
        while k < self.leaves {
            k *= 2;
            // To the right only if there is something there: rounding may leave a rest past the end.
            if rest >= self.sums[k] && self.sums[k + 1] > 0.0 {
                rest -= self.sums[k];
                k += 1;
            }
        }
        k - self.leaves
    }
}

/// `exp(-scaled cost / 2)`, within bounds that keep sums and ratios finite; any function of the state is a valid weight.
#[inline]
fn weight(cost: f64) -> f64 {
    (-0.5 * cost).clamp(-150.0, 150.0).exp()
}

/// One proposal; whether it was taken, with its acceptance probability and what the energy rose by.
#[inline]
fn propose(
    qubo: &Qubo,
    beta: f64,
    words: &mut [u64],
    g: &mut [f64],
    tree: &mut SumTree,
    random: &mut Uniforms,
) -> (bool, f64, f64) {
    let i = tree.choose(random.uniform());
    let before = tree.total();
    let (scaled, forward) = (beta * cost(words, g, i), tree.weight(i));
    let rise = flip(qubo, words, g, i);
    let update = |words: &[u64], g: &[f64], tree: &mut SumTree| {
        tree.set(i, weight(beta * cost(words, g, i)));
        for j in qubo.neighbours(i).0 {
            let j = *j as usize;
            tree.set(j, weight(beta * cost(words, g, j)));
        }
    };
    update(words, g, tree);
    let p = ((-scaled).exp() * (tree.weight(i) / forward) * (before / tree.total())).min(1.0);
    let take = random.uniform() < p;
    if !take {
        flip(qubo, words, g, i);
        update(words, g, tree);
    }
    (take, p, if take { rise } else { 0.0 })
}

impl Kernel<QuboPath> for InformedFlips {
    type Chain = InformedRows;
    type Tuning = ();
    /// `rows` counts proposals.
    type Info = MoveInfo;

    fn init(&self, path: &QuboPath, x: Bits, ws: &mut Scratch) -> InformedRows {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        let trees = vec![SumTree::new(path.0.n_variables()); x.n_rows()];
        InformedRows { at: Evaluated { x, eval }, trees, beta: f64::NAN }
    }

    fn step(
        &self,
        path: &QuboPath,
        beta: f64,
        (): &(),
        chain: &mut InformedRows,
        key: &Key,
        _ws: &mut Scratch,
    ) -> MoveInfo {
        let (qubo, n) = (&path.0, path.0.n_variables());
        let InformedRows { at, trees, beta: known } = chain;
        let mut info = MoveInfo { rows: at.x.n_rows() * self.n_flips as usize, ..MoveInfo::default() };
        let (fresh, stride, key) = (*known == beta, at.x.stride(), key.purpose(Purpose::Noise));
        let rows = at.x.words_mut().chunks_exact_mut(stride).zip(at.eval.fields.chunks_exact_mut(n));
        for ((row, (words, g)), (tree, e)) in rows.enumerate().zip(trees.iter_mut().zip(&mut at.eval.energy)) {
            if !fresh {
                tree.fill((0..n).map(|i| weight(beta * cost(words, g, i))));
            }
            let mut random = Uniforms::new(&key, row as u64);
            for _ in 0..self.n_flips {
                let (taken, p, rise) = propose(qubo, beta, words, g, tree, &mut random);
                info.acceptance += p;
                info.distance_squared += f64::from(u8::from(taken));
                *e += rise;
            }
        }
        *known = beta;
        info
    }

    fn position<'a>(&self, chain: &'a InformedRows) -> &'a Bits {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a InformedRows) -> &'a QuboEval {
        &chain.at.eval
    }
}

impl Reversible<QuboPath> for InformedFlips {}
