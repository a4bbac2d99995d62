//! Parallel tempering of a quadratic energy on a ladder that is tuned first.

use gibbs_core::kernel::Kernel;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Annealable;
use gibbs_core::samplers::{PerLevel, SamplerError, SwapStatistics, Tempering, even_ladder, geometric_ladder};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::ising::Rule;
use rayon::prelude::*;

use super::{FlipSweep, Order, Qubo, QuboPath};
use crate::Bits;

/// How a problem is tempered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemperingSettings {
    /// Independent ladders.
    pub n_ladders: usize,
    /// Levels of each.
    pub n_levels: usize,
    /// Rounds: a sweep of every level and swaps.
    pub n_rounds: u64,
    /// Hot and cold inverse temperature.
    pub range: (f64, f64),
}

/// What a run of parallel tempering found.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperedRun {
    /// The best state of each ladder over all levels and rounds.
    pub states: Bits,
    /// Their energies.
    pub energies: Vec<f64>,
    /// The tuned inverse temperatures.
    pub betas: Vec<f64>,
    /// Swaps and round trips of the run after tuning.
    pub swaps: SwapStatistics,
}

/// The lowest energy of a ladder so far, and a state that has it.
type Best = Option<(f64, Bits)>;

type Chains = gibbs_core::samplers::Replicas<gibbs_core::kernel::Evaluated<Bits, super::QuboEval>>;

/// Rounds of one ladder, and the best it saw.
fn rounds(
    kernel: &Tempering<FlipSweep>,
    path: &QuboPath,
    cold: f64,
    chains: &mut Chains,
    n: u64,
    key: &Key,
    best: &mut Best,
) {
    let ws = &mut Scratch::default();
    for t in 0..n {
        kernel.step(path, cold, &PerLevel::default(), chains, &key.step(t), ws);
        for level in chains.levels() {
            let e = level.eval.energy()[0];
            if best.as_ref().is_none_or(|(b, _)| e < *b) {
                *best = Some((e, level.x.clone()));
            }
        }
    }
}

impl Qubo {
    /// Parallel tempering with heat-bath sweeps: one fifth of the rounds tunes the ladder in two passes (levels are put
    /// where neighbours reject equally often), the rest runs on it. Ladders run in parallel; keys fix the result.
    ///
    /// # Errors
    /// If the levels are fewer than two or the range does not rise.
    pub fn temper(&self, settings: &TemperingSettings, key: &Key) -> Result<TemperedRun, SamplerError> {
        let (hot, cold) = settings.range;
        if settings.n_levels < 2 || !(hot > 0.0 && hot < cold && cold.is_finite()) {
            let advice = "give two or more levels and 0 < hot < cold";
            return Err(SamplerError::Ladder { index: 0, value: hot, advice });
        }
        let path = QuboPath(self.clone());
        let sweep = FlipSweep { rule: Rule::HeatBath, order: Order::InOrder };
        let start = |kernel: &Tempering<FlipSweep>, l: usize| {
            let x = path.sample_base(1, &key.purpose(Purpose::Init).block(l as u64));
            kernel.init(&path, x, &mut Scratch::default())
        };
        let mut ladder = geometric_ladder(hot / cold, settings.n_levels);
        let pilot = settings.n_rounds / 10;
        let run = |ladder: &[f64], n: u64, key: &Key| -> Result<(Vec<Best>, SwapStatistics), SamplerError> {
            let kernel = Tempering::new(sweep, ladder.to_vec())?;
            let ends: Vec<_> = (0..settings.n_ladders)
                .into_par_iter()
                .with_max_len(1)
                .map(|l| {
                    let (mut chains, mut best) = (start(&kernel, l), None);
                    rounds(&kernel, &path, cold, &mut chains, n, &key.block(l as u64), &mut best);
                    (best, chains.swaps().clone())
                })
                .collect();
            let mut swaps = SwapStatistics::default();
            ends.iter().for_each(|(_, s)| swaps.join(s));
            Ok((ends.into_iter().map(|(best, _)| best).collect(), swaps))
        };
        for pass in 0..2 {
            let (_, swaps) = run(&ladder, pilot.max(2), &key.purpose(Purpose::Other).step(pass))?;
            ladder = even_ladder(&ladder, &swaps.rates(), settings.n_levels);
        }
        let (best, swaps) = run(&ladder, (settings.n_rounds - 2 * pilot.min(settings.n_rounds / 2)).max(1), key)?;
        let (mut words, mut fields) = (Vec::new(), vec![0.0; self.n_variables()]);
        best.into_iter().flatten().for_each(|(_, x)| words.extend(x.into_words()));
        let states = Bits::from_words(settings.n_ladders, self.n_variables(), words);
        let energies = (0..settings.n_ladders).map(|l| self.fields(&states, l, &mut fields)).collect();
        Ok(TemperedRun { states, energies, betas: ladder.iter().map(|b| b * cold).collect(), swaps })
    }
}
