//! How often the sites of discrete chains change: the sign of a stuck chain.

/// Flip counts of bit-packed chains, fed with successive states.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::FlipRates;
/// let mut flips = FlipRates::new(2, 3);
/// flips.observe(&[0b000, 0b111]);
/// flips.observe(&[0b011, 0b111]);
/// assert_eq!(flips.chain_rates(), [2.0 / 3.0, 0.0]);
/// assert_eq!(flips.stuck_chains(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct FlipRates {
    n_sites: usize,
    stride: usize,
    previous: Vec<u64>,
    site_flips: Vec<u64>,
    site_ones: Vec<u64>,
    chain_flips: Vec<u64>,
    steps: u64,
}

/// A site this close to always 0 or always 1 is not called stuck when it does not move.
const NEAR_CERTAIN: f64 = 0.02;

impl FlipRates {
    /// For `n_chains` chains of `n_sites` sites, 64 sites a word.
    pub fn new(n_chains: usize, n_sites: usize) -> Self {
        Self {
            n_sites,
            stride: n_sites.div_ceil(64),
            previous: Vec::new(),
            site_flips: vec![0; n_sites],
            site_ones: vec![0; n_sites],
            chain_flips: vec![0; n_chains],
            steps: 0,
        }
    }

    /// Takes in the next state: chains x words, padding bits zero.
    ///
    /// # Panics
    /// If the number of words is not that of the chains.
    pub fn observe(&mut self, words: &[u64]) {
        assert_eq!(words.len(), self.chain_flips.len() * self.stride, "one row of words a chain");
        for_each_bit(words, self.stride, |_, site| self.site_ones[site] += 1);
        if !self.previous.is_empty() {
            let changed: Vec<u64> = words.iter().zip(&self.previous).map(|(a, b)| a ^ b).collect();
            for_each_bit(&changed, self.stride, |chain, site| {
                self.site_flips[site] += 1;
                self.chain_flips[chain] += 1;
            });
        }
        self.previous.clear();
        self.previous.extend_from_slice(words);
        self.steps += 1;
    }

    fn moves(&self) -> f64 {
        self.steps.saturating_sub(1).max(1) as f64
    }

    /// Share of steps at which each site changed, over all chains.
    pub fn site_rates(&self) -> Vec<f64> {
        let n = self.moves() * self.chain_flips.len() as f64;
        self.site_flips.iter().map(|&f| f as f64 / n).collect()
    }

    /// Mean of each site over chains and steps.
    pub fn site_means(&self) -> Vec<f64> {
        let n = (self.steps.max(1) * self.chain_flips.len() as u64) as f64;
        self.site_ones.iter().map(|&o| o as f64 / n).collect()
    }

    /// Share of sites that changed at a step, for each chain.
    pub fn chain_rates(&self) -> Vec<f64> {
        let n = self.moves() * self.n_sites as f64;
        self.chain_flips.iter().map(|&f| f as f64 / n).collect()
    }

    /// Chains none of whose sites ever changed.
    pub fn stuck_chains(&self) -> usize {
        if self.steps < 2 { 0 } else { self.chain_flips.iter().filter(|&&f| f == 0).count() }
    }

    /// Sites that never changed in any chain although their mean is not near 0 or 1: chains disagree about them.
    pub fn stuck_sites(&self) -> usize {
        let uncertain = |m: f64| (NEAR_CERTAIN..1.0 - NEAR_CERTAIN).contains(&m);
        let still = self.site_flips.iter().zip(self.site_means()).filter(|&(&f, m)| f == 0 && uncertain(m));
        if self.steps < 2 { 0 } else { still.count() }
    }
}

fn for_each_bit(words: &[u64], stride: usize, mut act: impl FnMut(usize, usize)) {
    for (i, &word) in words.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            act(i / stride, i % stride * 64 + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_disagreement_is_seen() {
        let mut flips = FlipRates::new(2, 70);
        for t in 0..10u64 {
            // Chain 0 holds site 65 at 1, chain 1 at 0; site 3 flips every step in both; site 5 is 0 everywhere.
            flips.observe(&[(t & 1) << 3, 1 << 1, (t & 1) << 3, 0]);
        }
        assert_eq!(flips.stuck_sites(), 1);
        assert_eq!(flips.stuck_chains(), 0);
        assert_eq!(flips.site_rates()[3], 1.0);
        assert_eq!(flips.site_means()[65], 0.5);
    }
}
