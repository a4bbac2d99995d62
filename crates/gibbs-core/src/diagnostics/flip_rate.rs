//! Flip rates of chains of bits: do the sites move at all?

/// Why a window of states cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlipRateError {
    /// The packed states do not have the announced shape.
    #[error(
        "{found} words do not hold {n_rows} rows of {n_cols} bits: {wanted} are needed, 64 bits a word, row by row"
    )]
    Shape {
        /// Words handed over.
        found: usize,
        /// Words needed.
        wanted: usize,
        /// Chains.
        n_rows: usize,
        /// Sites.
        n_cols: usize,
    },
    /// No chains or no sites.
    #[error("{n_rows} chains of {n_cols} sites: there is nothing to count")]
    Empty {
        /// Chains.
        n_rows: usize,
        /// Sites.
        n_cols: usize,
    },
}

/// Counts, over a window of successive states, how often each site of each chain changes.
///
/// A flip rate is the share of steps in which a bit differs from the step before. Independent draws of a site with
/// marginal `p` flip at rate `2 p (1 - p)`; a chain that has stopped mixing flips at rate 0 although, over all chains,
/// its sites take both values. That is what [`FlipRate::stuck_sites`] finds, without any model of the distribution.
///
/// # Shapes
/// States are packed rows, chain by chain: site `k` is bit `k % 64` of word `k / 64`, and a row starts at a word.
/// Padding bits are ignored.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::FlipRate;
/// // Two chains of three sites: the first moves, the second does not.
/// let mut flips = FlipRate::new(2, 3)?;
/// flips.record(&[0b001, 0b110], &[0b011, 0b110])?;
/// flips.record(&[0b011, 0b110], &[0b010, 0b110])?;
/// assert_eq!(flips.per_site(), [0.25, 0.25, 0.0]);
/// assert_eq!(flips.stuck_chains(), 1);
/// // Site 2 is 0 in one chain and 1 in the other, and neither ever changed it.
/// assert_eq!(flips.stuck_sites(0.05), [2]);
/// # Ok::<(), gibbs_core::diagnostics::FlipRateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlipRate {
    n_rows: usize,
    n_cols: usize,
    n_steps: u64,
    site_flips: Vec<u64>,
    site_ones: Vec<u64>,
    chain_flips: Vec<u64>,
    /// Which bits have changed at least once, packed as the states.
    moved: Vec<u64>,
}

impl FlipRate {
    /// An empty window for `n_rows` chains of `n_cols` sites.
    pub fn new(n_rows: usize, n_cols: usize) -> Result<Self, FlipRateError> {
        if n_rows == 0 || n_cols == 0 {
            return Err(FlipRateError::Empty { n_rows, n_cols });
        }
        Ok(Self {
            n_rows,
            n_cols,
            n_steps: 0,
            site_flips: vec![0; n_cols],
            site_ones: vec![0; n_cols],
            chain_flips: vec![0; n_rows],
            moved: vec![0; n_rows * n_cols.div_ceil(64)],
        })
    }

    /// Counts one step of all chains, from `old` to `new`. The order of chains must be kept from call to call.
    pub fn record(&mut self, old: &[u64], new: &[u64]) -> Result<(), FlipRateError> {
        let stride = self.n_cols.div_ceil(64);
        for found in [old.len(), new.len()] {
            let wanted = self.n_rows * stride;
            if found != wanted {
                return Err(FlipRateError::Shape { found, wanted, n_rows: self.n_rows, n_cols: self.n_cols });
            }
        }
        for (at, ((old, new), moved)) in old.iter().zip(new).zip(&mut self.moved).enumerate() {
            let (chain, word) = (at / stride, at % stride);
            let sites = self.n_cols - 64 * word;
            let mask = if sites >= 64 { u64::MAX } else { (1 << sites) - 1 };
            let flipped = (old ^ new) & mask;
            *moved |= flipped;
            self.chain_flips[chain] += u64::from(flipped.count_ones());
            count_bits(flipped, &mut self.site_flips[64 * word..]);
            count_bits(new & mask, &mut self.site_ones[64 * word..]);
        }
        self.n_steps += 1;
        Ok(())
    }

    /// Forgets what was counted: the start of the next window.
    pub fn clear(&mut self) {
        self.n_steps = 0;
        for counts in [&mut self.site_flips, &mut self.site_ones, &mut self.chain_flips, &mut self.moved] {
            counts.fill(0);
        }
    }

    /// Steps counted since the start or the last [`FlipRate::clear`].
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Flip rate of each site over all chains and steps (NaN before the first step).
    pub fn per_site(&self) -> Vec<f64> {
        self.site_flips.iter().map(|f| *f as f64 / self.observations()).collect()
    }

    /// Flip rate of each chain over all sites and steps (NaN before the first step).
    pub fn per_chain(&self) -> Vec<f64> {
        self.chain_flips.iter().map(|f| *f as f64 / (self.n_steps as f64 * self.n_cols as f64)).collect()
    }

    /// Flip rate over everything (NaN before the first step).
    pub fn mean(&self) -> f64 {
        self.chain_flips.iter().sum::<u64>() as f64 / (self.observations() * self.n_cols as f64)
    }

    /// Share of ones of each site, over all chains and the states stepped to.
    pub fn marginals(&self) -> Vec<f64> {
        self.site_ones.iter().map(|o| *o as f64 / self.observations()).collect()
    }

    /// Autocorrelation of each site from one step to the next, `1 - rate / (2 p (1 - p))` with `p` pooled over the
    /// chains: 0 for independent draws, 1 for a site that never moves but differs between chains, NaN where all chains
    /// hold one value.
    pub fn lag_one_autocorrelation(&self) -> Vec<f64> {
        let one = |(rate, p): (f64, f64)| 1.0 - rate / (2.0 * p * (1.0 - p));
        self.per_site().into_iter().zip(self.marginals()).map(one).collect()
    }

    /// Number of chains of which no site changed in the window (all of them before the first step).
    pub fn stuck_chains(&self) -> usize {
        self.chain_flips.iter().filter(|f| **f == 0).count()
    }

    /// Sites that no chain ever changed although their pooled marginal lies between `margin` and `1 - margin`: the
    /// chains disagree about them and none can cross over. Sites that are (nearly) always 0 or 1 are left out, since not
    /// moving is right for them; 0.05 is a sensible `margin`.
    pub fn stuck_sites(&self, margin: f64) -> Vec<usize> {
        self.live_sites(margin).filter(|site| self.site_flips[*site] == 0).collect()
    }

    /// Share of (chain, site) pairs that never changed, among sites whose pooled marginal lies between `margin` and
    /// `1 - margin`; 0 if there is no such site. Finer than [`FlipRate::stuck_sites`]: one chain that moves does not
    /// hide the others.
    pub fn stuck_share(&self, margin: f64) -> f64 {
        let stride = self.n_cols.div_ceil(64);
        let (mut live, mut stuck) = (0_usize, 0_usize);
        for site in self.live_sites(margin) {
            live += self.n_rows;
            let words = self.moved.iter().skip(site / 64).step_by(stride);
            stuck += words.filter(|word| **word >> (site % 64) & 1 == 0).count();
        }
        if live == 0 { 0.0 } else { stuck as f64 / live as f64 }
    }

    fn live_sites(&self, margin: f64) -> impl Iterator<Item = usize> {
        let within = move |(_, p): &(usize, f64)| *p > margin && *p < 1.0 - margin;
        self.marginals().into_iter().enumerate().filter(within).map(|(site, _)| site)
    }

    fn observations(&self) -> f64 {
        self.n_steps as f64 * self.n_rows as f64
    }
}

/// Adds 1 to the count of every set bit.
fn count_bits(mut word: u64, counts: &mut [u64]) {
    while word != 0 {
        counts[word.trailing_zeros() as usize] += 1;
        word &= word - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    fn pack(rows: &[Vec<bool>]) -> Vec<u64> {
        let word = |bits: &[bool]| bits.iter().enumerate().fold(0, |w, (k, b)| w | u64::from(*b) << k);
        rows.iter().flat_map(|row| row.chunks(64).map(word)).collect()
    }

    proptest! {
        /// Against counting booleans one by one, also where a row ends inside a word and padding bits are set.
        #[test]
        fn equals_counting_site_by_site(n_rows in 1..4_usize, n_cols in 1..140_usize, n_steps in 1..6_usize, seed: u64) {
            let mut rng = Key::from_seed(seed).rng();
            let states: Vec<Vec<Vec<bool>>> = (0..=n_steps)
                .map(|_| (0..n_rows).map(|_| (0..n_cols).map(|_| rng.below(3) == 0).collect()).collect())
                .collect();
            let mut flips = FlipRate::new(n_rows, n_cols).unwrap();
            for pair in states.windows(2) {
                let mut new = pack(&pair[1]);
                if n_cols % 64 != 0 {
                    *new.last_mut().unwrap() |= 1 << 63;
                }
                flips.record(&pack(&pair[0]), &new).unwrap();
            }
            let total = (n_steps * n_rows) as f64;
            let changed = |t: usize, r: usize, k: usize| states[t][r][k] != states[t + 1][r][k];
            let (rates, marginals) = (flips.per_site(), flips.marginals());
            for (k, (rate, marginal)) in rates.iter().zip(&marginals).enumerate() {
                let count = (0..n_steps).map(|t| (0..n_rows).filter(|r| changed(t, *r, k)).count()).sum::<usize>();
                prop_assert_eq!(*rate, count as f64 / total);
                let ones = (1..=n_steps).map(|t| (0..n_rows).filter(|r| states[t][*r][k]).count()).sum::<usize>();
                prop_assert_eq!(*marginal, ones as f64 / total);
            }
            for r in 0..n_rows {
                let count = (0..n_steps).map(|t| (0..n_cols).filter(|k| changed(t, r, *k)).count()).sum::<usize>();
                prop_assert_eq!(flips.per_chain()[r], count as f64 / (n_steps * n_cols) as f64);
            }
            let live: Vec<usize> = (0..n_cols).filter(|k| (0.05..0.95).contains(&marginals[*k])).collect();
            let still = |r: usize, k: usize| (0..n_steps).all(|t| !changed(t, r, k));
            let stuck: usize = live.iter().map(|k| (0..n_rows).filter(|r| still(*r, *k)).count()).sum();
            let share = if live.is_empty() { 0.0 } else { stuck as f64 / (live.len() * n_rows) as f64 };
            prop_assert_eq!(flips.stuck_share(0.05), share);
            let sites: Vec<usize> = live.into_iter().filter(|k| (0..n_rows).all(|r| still(r, *k))).collect();
            prop_assert_eq!(flips.stuck_sites(0.05), sites);
        }
    }

    /// Independent bits with p = 0.3: the estimate of the lag-one autocorrelation from 64 000 steps of one chain has a
    /// standard error of `1 / sqrt 64000` = 0.004; 0.02 is five of it. A site that stays with probability 0.8 and is
    /// redrawn otherwise has autocorrelation 0.8.
    #[test]
    fn lag_one_autocorrelation_of_known_chains() {
        let mut rng = Key::from_seed(5).rng();
        let mut flips = FlipRate::new(1, 2).unwrap();
        let mut state = [0_u64];
        for _ in 0..64_000 {
            let free = u64::from(rng.uniform() < 0.3);
            let lazy = if rng.uniform() < 0.8 { state[0] >> 1 } else { u64::from(rng.uniform() < 0.3) };
            let new = [free | lazy << 1];
            flips.record(&state, &new).unwrap();
            state = new;
        }
        let rho = flips.lag_one_autocorrelation();
        assert!(rho[0].abs() < 0.02 && (rho[1] - 0.8).abs() < 0.02, "{rho:?}");
    }

    #[test]
    fn wrong_shapes_are_errors_and_a_window_can_be_cleared() {
        assert_eq!(FlipRate::new(0, 3).unwrap_err(), FlipRateError::Empty { n_rows: 0, n_cols: 3 });
        let mut flips = FlipRate::new(2, 65).unwrap();
        let error = FlipRateError::Shape { found: 3, wanted: 4, n_rows: 2, n_cols: 65 };
        assert_eq!(flips.record(&[0; 4], &[0; 3]), Err(error));
        flips.record(&[0; 4], &[1; 4]).unwrap();
        assert_eq!((flips.n_steps(), flips.stuck_chains()), (1, 0));
        flips.clear();
        assert_eq!((flips.n_steps(), flips.stuck_chains()), (0, 2));
        assert!(flips.mean().is_nan());
    }
}
