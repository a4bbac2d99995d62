//! Swendsen and Wang's algorithm: all clusters at once.

use gibbs_core::key::Key;

use super::{Grid, LatticeError, checked_coupling};

/// Joins every bond of equal spins with probability `1 - exp(-2 K)` and gives each cluster that results a fair spin. Leaves
/// `exp(K sum s s)` invariant.
///
/// # Source
/// Swendsen & Wang 1987, DOI 10.1103/PhysRevLett.58.86. Clusters are found by union with path halving (Tarjan & van
/// Leeuwen 1984, DOI 10.1145/62.2160).
#[derive(Clone, Debug)]
pub struct SwendsenWang {
    join: f64,
    parent: Vec<usize>,
}

impl SwendsenWang {
    /// At coupling `coupling`.
    ///
    /// # Errors
    /// If the coupling is negative or not finite.
    pub fn new(coupling: f64) -> Result<Self, LatticeError> {
        Ok(Self { join: -(-2.0 * checked_coupling(coupling)?).exp_m1(), parent: Vec::new() })
    }

    /// `n` sweeps; returns the number of clusters of the last.
    pub fn step(&mut self, grid: &mut Grid, n: u64, key: &Key) -> usize {
        let (side, mut rng) = (grid.side(), key.rng());
        let spins = grid.spins_mut();
        let mut clusters = 0;
        for _ in 0..n {
            self.parent.clear();
            self.parent.extend(0..spins.len());
            for site in 0..spins.len() {
                let [_, below, _, right] = Grid::neighbours(side, site);
                for near in [below, right] {
                    if spins[near] == spins[site] && rng.uniform() < self.join {
                        let (a, b) = (self.root(site), self.root(near));
                        // The smaller number stays on top, so that a root is met before its cluster.
                        self.parent[a.max(b)] = a.min(b);
                    }
                }
            }
            clusters = 0;
            for site in 0..spins.len() {
                let root = self.root(site);
                if root == site {
                    clusters += 1;
                    spins[site] = rng.next_u32() >> 31 == 1;
                } else {
                    spins[site] = spins[root];
                }
            }
        }
        clusters
    }

    fn root(&mut self, mut site: usize) -> usize {
        while self.parent[site] != site {
            self.parent[site] = self.parent[self.parent[site]];
            site = self.parent[site];
        }
        site
    }
}
