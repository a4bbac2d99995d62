//! Parallel tempering (replica exchange).

use super::error::{SamplerError, at_least_one};
use crate::kernel::Kernel;
use crate::key::{Key, Purpose};
use crate::path::Path;
use crate::persist::{Persist, StateError, Tensor, TensorMap};
use crate::rows::{ExchangeRows, Rows};
use crate::scratch::Scratch;

/// Copies of every chain along a ladder of inverse temperatures, moved by one kernel and swapped between neighbouring
/// levels with probability `min(1, exp(E_b(x) + E_c(y) - E_c(x) - E_b(y)))`: wide wanderings at the hot end arrive at the
/// cold one, the density itself, as jumps between modes.
///
/// Leaves the product of `p_(beta b)` over the ladder's `b` invariant exactly if the kernel does, so the last level's
/// positions are draws of `p_beta`. One step is `n_moves` moves of every level and one round of swaps, which alternates
/// between even and odd pairs: replicas then travel along the ladder instead of diffusing. Level `l` of a replica is a
/// whole batch: each row is a ladder of its own. Swaps use the path's cached evaluation, which does not depend on `beta`,
/// so they cost none.
///
/// [`Replicas::swaps`] counts swaps and round trips; see [`SwapStatistics`] for what is good.
///
/// # Source
/// Geyer 1991, "Markov chain Monte Carlo maximum likelihood"; Hukushima & Nemoto 1996, DOI 10.1143/JPSJ.65.1604;
/// alternating pairs and round trips: Syed, Bouchard-Cote, Deligiannidis & Doucet 2022, DOI 10.1111/rssb.12464.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempering<K> {
    kernel: K,
    ladder: Vec<f64>,
    n_moves: u64,
}

impl<K> Tempering<K> {
    /// Over `ladder`, two or more inverse temperatures that rise strictly to 1, from 0 up. (At 0 the path's base must be
    /// a density: `Target` has none.) One move between swaps.
    pub fn new(kernel: K, ladder: Vec<f64>) -> Result<Self, SamplerError> {
        check_ladder(&ladder)?;
        Ok(Self { kernel, ladder, n_moves: 1 })
    }

    /// With `n_moves` moves of the kernel between rounds of swaps.
    pub fn with_moves(self, n_moves: u64) -> Result<Self, SamplerError> {
        Ok(Self { n_moves: at_least_one(n_moves, "the number of moves between swaps")?, ..self })
    }

    /// The inverse temperatures.
    pub fn ladder(&self) -> &[f64] {
        &self.ladder
    }
}

/// Two or more inverse temperatures that rise strictly to 1, from 0 up.
pub(super) fn check_ladder(ladder: &[f64]) -> Result<(), SamplerError> {
    let bad = |index: usize, advice| SamplerError::Ladder {
        index,
        value: ladder.get(index).copied().unwrap_or(f64::NAN),
        advice,
    };
    if ladder.len() < 2 {
        return Err(bad(ladder.len(), "give two or more inverse temperatures"));
    }
    if ladder[0] < 0.0 || ladder[0].is_nan() {
        return Err(bad(0, "inverse temperatures begin at 0 or above"));
    }
    if let Some(i) = ladder.windows(2).position(|w| w[0] >= w[1] || w[1].is_nan()) {
        return Err(bad(i + 1, "inverse temperatures rise strictly"));
    }
    if ladder[ladder.len() - 1] != 1.0 {
        return Err(bad(ladder.len() - 1, "the last inverse temperature is 1, the density itself"));
    }
    Ok(())
}

/// `n` inverse temperatures over which a run with these swap `rates` ([`SwapStatistics::rates`]) on `ladder` would have
/// rejected equally between all neighbours: the cumulative rejection, linear between the old levels, cut into equal parts.
/// The ends stay. A pair that never tried counts as one that always rejects.
///
/// # Panics
/// If `n < 2`, or there is not one rate a pair.
///
/// # Source
/// Syed, Bouchard-Cote, Deligiannidis & Doucet 2022, section 5, DOI 10.1111/rssb.12464.
///
/// # Example
/// ```
/// use gibbs_core::samplers::even_ladder;
/// // All rejections happen in the lower half, so that is where the levels go.
/// assert_eq!(even_ladder(&[0.0, 0.5, 1.0], &[0.2, 1.0], 3), [0.0, 0.25, 1.0]);
/// ```
pub fn even_ladder(ladder: &[f64], rates: &[f64], n: usize) -> Vec<f64> {
    assert!(n >= 2 && rates.len() + 1 == ladder.len(), "{n} levels from {} with {} rates", ladder.len(), rates.len());
    let rejections: Vec<f64> = rates.iter().map(|r| if r.is_nan() { 1.0 } else { 1.0 - r.min(1.0) }).collect();
    let total: f64 = rejections.iter().sum();
    let mut levels = vec![ladder[0]];
    let (mut pair, mut before) = (0, 0.0);
    for k in 1..n - 1 {
        let at = total * k as f64 / (n - 1) as f64;
        while pair + 1 < rejections.len() && before + rejections[pair] < at {
            before += rejections[pair];
            pair += 1;
        }
        let share = if rejections[pair] > 0.0 { ((at - before) / rejections[pair]).clamp(0.0, 1.0) } else { 1.0 };
        levels.push(ladder[pair] + share * (ladder[pair + 1] - ladder[pair]));
    }
    levels.push(ladder[ladder.len() - 1]);
    // Without rejections anywhere all levels are as good as one another; they still must rise.
    if levels.windows(2).any(|w| w[0] >= w[1]) {
        let (low, high) = (ladder[0], ladder[ladder.len() - 1]);
        return (0..n).map(|k| low + (high - low) * k as f64 / (n - 1) as f64).collect();
    }
    levels
}

/// `n` inverse temperatures in equal ratios from `lowest` to 1.
///
/// # Panics
/// If `n < 2`, or `lowest` is not between 0 and 1.
pub fn geometric_ladder(lowest: f64, n: usize) -> Vec<f64> {
    assert!(n >= 2 && lowest > 0.0 && lowest < 1.0, "{n} temperatures from {lowest}: two or more, between 0 and 1");
    // From the cold end, so that it is 1 exactly.
    (0..n).rev().map(|i| lowest.powf(i as f64 / (n - 1) as f64)).collect()
}

/// One tuning a level, from the hottest; those that are missing are the kernel's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerLevel<T>(pub Vec<T>);

impl<T: Persist + Default> Persist for PerLevel<T> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        to.insert_u64(format!("{prefix}levels"), self.0.len() as u64);
        self.0.iter().enumerate().for_each(|(l, t)| t.save(&format!("{prefix}{l}."), to));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.0.clear();
        for l in 0..from.expect_u64(&format!("{prefix}levels"))? {
            let mut tuning = T::default();
            tuning.load(&format!("{prefix}{l}."), from)?;
            self.0.push(tuning);
        }
        Ok(())
    }
}

/// Chains of [`Tempering`]: those of every level, and which replica is where.
#[derive(Clone, Debug)]
pub struct Replicas<C> {
    levels: Vec<C>,
    /// `replica[level][row]`: which of its row's replicas is there.
    replica: Vec<Vec<u64>>,
    /// `journey[row * n_levels + replica]`: where that replica has been.
    journey: Vec<u64>,
    rounds: u64,
    swaps: SwapStatistics,
    swapped: Vec<bool>,
}

const NOWHERE: u64 = 0;
const AT_COLD: u64 = 1;
const AT_HOT_AFTER_COLD: u64 = 2;

impl<C> Replicas<C> {
    /// Chains of every level, from the hottest.
    pub fn levels(&self) -> &[C] {
        &self.levels
    }

    /// What the swaps have done since the start.
    pub fn swaps(&self) -> &SwapStatistics {
        &self.swaps
    }

    /// Notes which replicas are at the ends, and counts the trips that end there.
    fn note_ends(&mut self) {
        let n_levels = self.levels.len();
        for row in 0..self.replica[0].len() {
            let hot = &mut self.journey[row * n_levels + self.replica[0][row] as usize];
            if *hot == AT_COLD {
                *hot = AT_HOT_AFTER_COLD;
            }
            let cold = &mut self.journey[row * n_levels + self.replica[n_levels - 1][row] as usize];
            self.swaps.round_trips += u64::from(*cold == AT_HOT_AFTER_COLD);
            *cold = AT_COLD;
        }
    }
}

/// Swaps and round trips of replicas, over all rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwapStatistics {
    /// Swaps tried between level `l` and `l + 1`.
    pub tried: Vec<u64>,
    /// Sum of their acceptance probabilities.
    pub acceptance: Vec<f64>,
    /// Journeys of a replica from the cold end to the hot end and back.
    pub round_trips: u64,
    /// Rounds of swaps times rows.
    pub rounds: u64,
}

impl SwapStatistics {
    /// Mean acceptance probability of each pair, from the hottest; NaN where none was tried. Pairs far below the others
    /// want a level between them.
    pub fn rates(&self) -> Vec<f64> {
        self.acceptance.iter().zip(&self.tried).map(|(a, &n)| a / n as f64).collect()
    }

    /// The communication barrier: the sum of the rejection rates. It hardly depends on the ladder once that is fine
    /// enough, and twice as many levels as the barrier (and some) are best.
    pub fn barrier(&self) -> f64 {
        self.rates().iter().map(|r| 1.0 - r).sum()
    }

    /// Round trips a round of swaps and ladder: the rate at which independent news reaches the cold end.
    pub fn round_trip_rate(&self) -> f64 {
        self.round_trips as f64 / self.rounds as f64
    }

    /// What [`SwapStatistics::round_trip_rate`] would be if the levels mixed at once between swaps,
    /// `1 / (2 + 2 sum_l r_l / (1 - r_l))` of rejection rates `r`: a rate far below means that the kernel, not the
    /// ladder, is the bottleneck.
    pub fn ideal_round_trip_rate(&self) -> f64 {
        1.0 / (2.0 + 2.0 * self.rates().iter().map(|r| (1.0 - r) / r).sum::<f64>())
    }

    /// Adds those of other rows.
    pub fn join(&mut self, other: &Self) {
        self.tried.resize(other.tried.len().max(self.tried.len()), 0);
        self.acceptance.resize(self.tried.len(), 0.0);
        self.tried.iter_mut().zip(&other.tried).for_each(|(a, b)| *a += b);
        self.acceptance.iter_mut().zip(&other.acceptance).for_each(|(a, b)| *a += b);
        self.round_trips += other.round_trips;
        self.rounds += other.rounds;
    }
}

impl<C: Persist> Persist for Replicas<C> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        for (l, (chain, replica)) in self.levels.iter().zip(&self.replica).enumerate() {
            chain.save(&format!("{prefix}{l}."), to);
            to.insert(format!("{prefix}{l}.replica"), Tensor::from_u64(&[replica.len()], replica));
        }
        to.insert(format!("{prefix}journey"), Tensor::from_u64(&[self.journey.len()], &self.journey));
        to.insert_u64(format!("{prefix}rounds"), self.rounds);
        let swaps = &self.swaps;
        to.insert(format!("{prefix}tried"), Tensor::from_u64(&[swaps.tried.len()], &swaps.tried));
        to.insert(format!("{prefix}acceptance"), Tensor::from_f64(&[swaps.tried.len()], &swaps.acceptance));
        to.insert_u64(format!("{prefix}round_trips"), swaps.round_trips);
        to.insert_u64(format!("{prefix}swap_rounds"), swaps.rounds);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let counts = |name: &str| from.expect(name, None)?.to_u64(name);
        for (l, (chain, replica)) in self.levels.iter_mut().zip(&mut self.replica).enumerate() {
            chain.load(&format!("{prefix}{l}."), from)?;
            *replica = counts(&format!("{prefix}{l}.replica"))?;
        }
        self.journey = counts(&format!("{prefix}journey"))?;
        self.rounds = from.expect_u64(&format!("{prefix}rounds"))?;
        let n_pairs = self.levels.len() - 1;
        let name = format!("{prefix}tried");
        self.swaps.tried = from.expect(&name, Some(&[n_pairs]))?.to_u64(&name)?;
        let name = format!("{prefix}acceptance");
        self.swaps.acceptance = from.expect(&name, Some(&[n_pairs]))?.to_f64(&name)?;
        self.swaps.round_trips = from.expect_u64(&format!("{prefix}round_trips"))?;
        self.swaps.rounds = from.expect_u64(&format!("{prefix}swap_rounds"))?;
        Ok(())
    }
}

impl<P: Path, K: Kernel<P, Chain: ExchangeRows>> Kernel<P> for Tempering<K> {
    type Chain = Replicas<K::Chain>;
    type Tuning = PerLevel<K::Tuning>;
    /// That of the last move of the last level.
    type Info = K::Info;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        let (n_levels, n_rows) = (self.ladder.len(), x.n_rows());
        let mut replicas = Replicas {
            levels: self.ladder.iter().map(|_| self.kernel.init(path, x.clone(), ws)).collect(),
            replica: (0..n_levels as u64).map(|l| vec![l; n_rows]).collect(),
            journey: vec![NOWHERE; n_rows * n_levels],
            rounds: 0,
            swaps: SwapStatistics {
                tried: vec![0; n_levels - 1],
                acceptance: vec![0.0; n_levels - 1],
                ..SwapStatistics::default()
            },
            swapped: Vec::new(),
        };
        replicas.note_ends();
        replicas
    }

    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &Self::Tuning,
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> K::Info {
        let default = K::Tuning::default();
        let mut info = None;
        for (l, (level, b)) in chain.levels.iter_mut().zip(&self.ladder).enumerate() {
            let (tuning, key) = (tuning.0.get(l).unwrap_or(&default), key.block(l as u64));
            for t in 0..self.n_moves {
                info = Some(self.kernel.step(path, beta * b, tuning, level, &key.step(t), ws));
            }
            self.kernel.refresh(path, level, ws);
        }

        let mut rng = key.purpose(Purpose::Accept).rng();
        let n_rows = chain.replica[0].len();
        let mut log_ratio = ws.take_f64(2 * n_rows);
        for l in ((chain.rounds % 2) as usize..self.ladder.len() - 1).step_by(2) {
            let (hot, cold) = chain.levels[l..].split_at_mut(1);
            let (hot, cold) = (&mut hot[0], &mut cold[0]);
            let (b, c) = (beta * self.ladder[l], beta * self.ladder[l + 1]);
            let (of_hot, of_cold) = log_ratio.split_at_mut(n_rows);
            of_hot.fill(0.0);
            of_cold.fill(0.0);
            path.add_log_weight(self.kernel.position(hot), self.kernel.eval(hot), b, c, of_hot);
            path.add_log_weight(self.kernel.position(cold), self.kernel.eval(cold), b, c, of_cold);
            chain.swapped.clear();
            for (up, down) in of_hot.iter().zip(of_cold.iter()) {
                let r = up - down;
                chain.swaps.acceptance[l] += if r.is_nan() { 0.0 } else { r.min(0.0).exp() };
                chain.swapped.push(rng.uniform() < r.exp());
            }
            chain.swaps.tried[l] += n_rows as u64;
            hot.exchange_rows(cold, &chain.swapped);
            let (hot, cold) = chain.replica[l..].split_at_mut(1);
            hot[0].exchange_rows(&mut cold[0], &chain.swapped);
        }
        ws.give_f64(log_ratio);
        chain.rounds += 1;
        chain.swaps.rounds += n_rows as u64;
        chain.note_ends();
        info.expect("a ladder has levels and a level moves")
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        self.kernel.position(&chain.levels[self.ladder.len() - 1])
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        self.kernel.eval(&chain.levels[self.ladder.len() - 1])
    }
}
