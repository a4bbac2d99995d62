//! Single flips of a quadratic energy, a sweep a step.

use gibbs_core::kernel::{Evaluated, Kernel, MoveInfo};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Path;
use gibbs_core::rows::Rows;
use gibbs_core::samplers::Reversible;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::Rule;
use gibbs_kernels::rng::Lanes;

use super::{Qubo, QuboEval, QuboPath};
use crate::Bits;

/// Which variables a sweep visits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Each once, by number: fast, and not reversible.
    #[default]
    InOrder,
    /// As many as there are, each drawn anew: reversible.
    AtRandom,
}

/// One visit of as many variables as there are, each flipped with probability `min(1, exp(-beta d))` (Metropolis) or
/// `1 / (1 + exp(beta d))` (heat bath) for the cost `d` of its flip.
///
/// Leaves `p_beta` invariant exactly, but for probabilities being compared with 32 random bits. Fields are kept up to date:
/// a visit costs O(1), a flip the variable's neighbours. Metropolis in order at `beta = 0` flips everything in turn: use
/// the heat bath or random order where `beta` is near 0.
///
/// # Source
/// Metropolis et al. 1953, DOI 10.1063/1.1699114; Glauber 1963, DOI 10.1063/1.1703954.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlipSweep {
    /// Probability of a flip.
    pub rule: Rule,
    /// Which variables are visited.
    pub order: Order,
}

impl FlipSweep {
    /// Metropolis in order: what annealing uses.
    pub const METROPOLIS: Self = Self { rule: Rule::Metropolis, order: Order::InOrder };
}

/// Random numbers of a row, eight at a time.
pub(crate) struct Uniforms {
    lanes: Lanes,
    ready: [u32; 8],
    used: usize,
}

impl Uniforms {
    pub(crate) fn new(key: &Key, block: u64) -> Self {
        Self { lanes: Lanes::new(key.bits(), block), ready: [0; 8], used: 8 }
    }

    #[inline]
    pub(crate) fn next_u32(&mut self) -> u32 {
        if self.used == 8 {
            self.ready = self.lanes.next_u32s();
            self.used = 0;
        }
        self.used += 1;
        self.ready[self.used - 1]
    }

    /// Uniform in `(0, 1)`: the middle of one of 2^32 cells.
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        (f64::from(self.next_u32()) + 0.5) * (1.0 / 4_294_967_296.0)
    }

    /// Below `n`, with bias at most `n / 2^32`.
    #[inline]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.next_u32()) * n as u64) >> 32) as usize
    }
}

/// Flips variable `i` of a row with fields `g`; returns what the energy rose by.
#[inline]
pub(crate) fn flip(qubo: &Qubo, words: &mut [u64], g: &mut [f64], i: usize) -> f64 {
    let on = words[i / 64] >> (i % 64) & 1 == 1;
    words[i / 64] ^= 1 << (i % 64);
    let sign = if on { -1.0 } else { 1.0 };
    let (to, b) = qubo.neighbours(i);
    for (j, b) in to.iter().zip(b) {
        g[*j as usize] += sign * b;
    }
    sign * g[i]
}

/// What flipping variable `i` would cost.
#[inline]
pub(crate) fn cost(words: &[u64], g: &[f64], i: usize) -> f64 {
    if words[i / 64] >> (i % 64) & 1 == 1 { -g[i] } else { g[i] }
}

impl FlipSweep {
    /// Whether to flip at cost `beta d`.
    #[inline]
    fn takes(self, cost: f64, random: &mut Uniforms) -> bool {
        match self.rule {
            // Beyond 23 the probability is below 2^-33: no cell of the random number is that small.
            Rule::Metropolis => cost <= 0.0 || (cost < 23.0 && random.uniform() < (-cost).exp()),
            Rule::HeatBath => random.uniform() * (1.0 + cost.exp()) < 1.0,
        }
    }

    /// One sweep of one row; returns the number of flips and what the energy rose by.
    pub(crate) fn sweep(
        self,
        qubo: &Qubo,
        beta: f64,
        words: &mut [u64],
        g: &mut [f64],
        random: &mut Uniforms,
    ) -> (usize, f64) {
        let (mut flips, mut rise) = (0, 0.0);
        for k in 0..g.len() {
            let i = match self.order {
                Order::InOrder => k,
                Order::AtRandom => random.below(g.len()),
            };
            if self.takes(beta * cost(words, g, i), random) {
                rise += flip(qubo, words, g, i);
                flips += 1;
            }
        }
        (flips, rise)
    }
}

impl Kernel<QuboPath> for FlipSweep {
    type Chain = Evaluated<Bits, QuboEval>;
    type Tuning = ();
    /// `rows` counts visits, `acceptance` flips.
    type Info = MoveInfo;

    fn init(&self, path: &QuboPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        Evaluated { x, eval }
    }

    fn step(
        &self,
        path: &QuboPath,
        beta: f64,
        (): &(),
        chain: &mut Self::Chain,
        key: &Key,
        _ws: &mut Scratch,
    ) -> MoveInfo {
        let n = path.0.n_variables();
        let key = key.purpose(Purpose::Noise);
        let mut info = MoveInfo { rows: chain.x.n_rows() * n, ..MoveInfo::default() };
        let stride = chain.x.stride();
        let rows = chain.x.words_mut().chunks_exact_mut(stride).zip(chain.eval.fields.chunks_exact_mut(n));
        for ((row, (words, g)), e) in rows.enumerate().zip(&mut chain.eval.energy) {
            let (flips, rise) = self.sweep(&path.0, beta, words, g, &mut Uniforms::new(&key, row as u64));
            *e += rise;
            info.acceptance += flips as f64;
            info.distance_squared += flips as f64;
        }
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a QuboEval {
        &chain.eval
    }
}

/// [`FlipSweep`] at random, the kind that is in detailed balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFlips(pub Rule);

impl RandomFlips {
    fn sweep(self) -> FlipSweep {
        FlipSweep { rule: self.0, order: Order::AtRandom }
    }
}

impl Kernel<QuboPath> for RandomFlips {
    type Chain = Evaluated<Bits, QuboEval>;
    type Tuning = ();
    type Info = MoveInfo;

    fn init(&self, path: &QuboPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        self.sweep().init(path, x, ws)
    }

    fn step(
        &self,
        path: &QuboPath,
        beta: f64,
        (): &(),
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> MoveInfo {
        self.sweep().step(path, beta, &(), chain, key, ws)
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a QuboEval {
        &chain.eval
    }
}

impl Reversible<QuboPath> for RandomFlips {}
