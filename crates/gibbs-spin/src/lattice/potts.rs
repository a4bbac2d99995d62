//! The Potts model: `q` states a site.

use gibbs_core::key::Key;

use super::{Grid, LatticeError, checked_coupling};

/// A `side` x `side` torus of sites in one of `q` states, `p(x) prop exp(K sum_<ij> [x_i = x_j])`.
///
/// With `q = 2` it is the Ising model at coupling `K / 2`. The infinite lattice orders at `K = ln(1 + sqrt q)`.
///
/// # Source
/// Potts 1952, DOI 10.1017/S0305004100027419; Wu 1982, DOI 10.1103/RevModPhys.54.235.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::lattice::Potts;
/// let mut potts = Potts::random(16, 3, &Key::from_seed(1))?;
/// potts.sweep(2.0, 50, &Key::from_seed(2))?;
/// // Far below the transition nearly all bonds agree.
/// assert!(potts.equal_bonds() > 400);
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Potts {
    side: usize,
    q: usize,
    states: Vec<u8>,
}

impl Potts {
    /// Every site in a state of its own choice, all equally likely.
    ///
    /// # Errors
    /// If `side` is below 2, or `q` not 2 to 256.
    pub fn random(side: usize, q: usize, key: &Key) -> Result<Self, LatticeError> {
        if side < 2 {
            return Err(LatticeError::Side { side, wanted: "2 or more" });
        }
        if !(2..=256).contains(&q) {
            return Err(LatticeError::States(q));
        }
        let mut rng = key.rng();
        Ok(Self { side, q, states: (0..side * side).map(|_| rng.below(q) as u8).collect() })
    }

    /// States row by row, from 0 to `q - 1`.
    pub fn states(&self) -> &[u8] {
        &self.states
    }

    /// Number of states.
    pub fn n_states(&self) -> usize {
        self.q
    }

    /// `sum_<ij> [x_i = x_j]`; the energy is `-K` times it.
    pub fn equal_bonds(&self) -> u64 {
        let equal = |a: usize, b: usize| u64::from(self.states[a] == self.states[b]);
        (0..self.states.len())
            .map(|site| {
                let [_, below, _, right] = Grid::neighbours(self.side, site);
                equal(site, below) + equal(site, right)
            })
            .sum()
    }

    /// `n` heat-bath sweeps, site after site: each is drawn from its distribution given its neighbours.
    ///
    /// # Errors
    /// If the coupling is negative or not finite.
    pub fn sweep(&mut self, coupling: f64, n: u64, key: &Key) -> Result<(), LatticeError> {
        let coupling = checked_coupling(coupling)?;
        // exp(K (k - 4)) for k equal neighbours: at most 1, so that no coupling overflows.
        let boltzmann: [f64; 5] = std::array::from_fn(|k| (coupling * (k as f64 - 4.0)).exp());
        let (mut rng, mut equal) = (key.rng(), vec![0usize; self.q]);
        for _ in 0..n {
            for site in 0..self.states.len() {
                let near = Grid::neighbours(self.side, site).map(|k| usize::from(self.states[k]));
                near.iter().for_each(|s| equal[*s] += 1);
                let total: f64 = equal.iter().map(|k| boltzmann[*k]).sum();
                let mut left = rng.uniform() * total;
                let drawn = equal[..self.q - 1].iter().position(|k| {
                    left -= boltzmann[*k];
                    left < 0.0
                });
                self.states[site] = drawn.unwrap_or(self.q - 1) as u8;
                near.iter().for_each(|s| equal[*s] = 0);
            }
        }
        Ok(())
    }
}
