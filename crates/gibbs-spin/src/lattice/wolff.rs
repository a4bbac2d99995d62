//! Wolff's single-cluster algorithm.

use gibbs_core::key::Key;

use super::{Grid, LatticeError, checked_coupling};

/// Grows a cluster of equal spins from a random site, each bond within joining with probability `1 - exp(-2 K)`, and turns it
/// over. Leaves `exp(K sum s s)` invariant.
///
/// At the critical coupling its autocorrelation grows with a power near 0.25 of the side where single flips have 2.17.
///
/// # Source
/// Wolff 1989, DOI 10.1103/PhysRevLett.62.361.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::lattice::{CRITICAL_COUPLING, Grid, Wolff};
/// let mut grid = Grid::random(32, &Key::from_seed(1))?;
/// let mut wolff = Wolff::new(CRITICAL_COUPLING)?;
/// let flipped = wolff.step(&mut grid, 100, &Key::from_seed(2));
/// assert!(flipped >= 100);
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Wolff {
    join: f64,
    stack: Vec<usize>,
}

impl Wolff {
    /// At coupling `coupling`.
    ///
    /// # Errors
    /// If the coupling is negative or not finite.
    pub fn new(coupling: f64) -> Result<Self, LatticeError> {
        Ok(Self { join: -(-2.0 * checked_coupling(coupling)?).exp_m1(), stack: Vec::new() })
    }

    /// Turns `n` clusters over, one after another; returns the number of spins turned.
    pub fn step(&mut self, grid: &mut Grid, n: u64, key: &Key) -> u64 {
        let (side, mut rng) = (grid.side(), key.rng());
        let spins = grid.spins_mut();
        let mut turned = 0;
        for _ in 0..n {
            let seed = rng.below(spins.len());
            let before = spins[seed];
            // A spin is turned when it joins, which also marks it.
            spins[seed] = !before;
            self.stack.push(seed);
            while let Some(site) = self.stack.pop() {
                turned += 1;
                for near in Grid::neighbours(side, site) {
                    if spins[near] == before && rng.uniform() < self.join {
                        spins[near] = !before;
                        self.stack.push(near);
                    }
                }
            }
        }
        turned
    }
}
