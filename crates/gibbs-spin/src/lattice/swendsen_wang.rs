//! Swendsen and Wang's algorithm: all clusters at once.

use gibbs_core::key::Key;

use super::labels::Labels;
use super::{Grid, LatticeError, checked_coupling};

/// Joins every bond of equal spins with probability `1 - exp(-2 K)` (rounded to 2^-32) and gives each cluster that results a
/// fair spin. Leaves `exp(K sum s s)` invariant.
///
/// # Source
/// Swendsen & Wang 1987, DOI 10.1103/PhysRevLett.58.86.
#[derive(Clone, Debug)]
pub struct SwendsenWang {
    join: u64,
    labels: Labels,
    fair: Vec<bool>,
}

/// `1 - exp(-2 K)` in units of 2^-32.
pub(super) fn join_probability(coupling: f64) -> u64 {
    (-(-2.0 * coupling).exp_m1() * (1u64 << 32) as f64).round() as u64
}

impl SwendsenWang {
    /// At coupling `coupling`.
    ///
    /// # Errors
    /// If the coupling is negative or not finite.
    pub fn new(coupling: f64) -> Result<Self, LatticeError> {
        let join = join_probability(checked_coupling(coupling)?);
        Ok(Self { join, labels: Labels::default(), fair: Vec::new() })
    }

    /// `n` sweeps; returns the number of clusters of the last.
    pub fn step(&mut self, grid: &mut Grid, n: u64, key: &Key) -> usize {
        let side = grid.side();
        let (mut across, mut down) = (key.block(0).rng(), key.block(1).rng());
        let mut coins = key.block(2).rng();
        let spins = grid.spins_mut();
        let mut clusters = 0;
        for _ in 0..n {
            let sites = spins.len();
            clusters = self.labels.find(
                side,
                |s| {
                    let near = if (s + 1).is_multiple_of(side) { s + 1 - side } else { s + 1 };
                    spins[s] == spins[near] && u64::from(across.next_u32()) < self.join
                },
                |s| {
                    let near = if s + side < sites { s + side } else { s + side - sites };
                    spins[s] == spins[near] && u64::from(down.next_u32()) < self.join
                },
            );
            self.fair.clear();
            self.fair.extend((0..self.labels.bound()).map(|_| coins.next_u32() >> 31 == 1));
            for (site, spin) in spins.iter_mut().enumerate() {
                *spin = self.fair[self.labels.of(site)];
            }
        }
        clusters
    }
}
