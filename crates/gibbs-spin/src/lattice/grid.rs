//! One lattice, a byte a spin.

use gibbs_core::key::Key;

use super::LatticeError;

/// A `side` x `side` torus of spins, row by row, a byte each: what cluster samplers walk on. Any side from 2 on; at 2 there
/// are two bonds between the same two sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    side: usize,
    up: Vec<bool>,
}

impl Grid {
    /// All spins down.
    ///
    /// # Errors
    /// If `side` is below 2.
    pub fn ordered(side: usize) -> Result<Self, LatticeError> {
        if side < 2 {
            return Err(LatticeError::Side { side, wanted: "2 or more" });
        }
        Ok(Self::from_fn(side, |_, _| false))
    }

    /// Fair independent spins.
    ///
    /// # Errors
    /// As [`Grid::ordered`].
    pub fn random(side: usize, key: &Key) -> Result<Self, LatticeError> {
        let (mut grid, mut rng) = (Self::ordered(side)?, key.rng());
        grid.up.iter_mut().for_each(|s| *s = rng.next_u32() >> 31 == 1);
        Ok(grid)
    }

    /// Spins chosen by `is_up(i, j)`.
    pub(super) fn from_fn(side: usize, is_up: impl Fn(usize, usize) -> bool) -> Self {
        Self { side, up: (0..side * side).map(|k| is_up(k / side, k % side)).collect() }
    }

    /// Sites of a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Spins row by row, +1 as `true`.
    pub fn spins(&self) -> &[bool] {
        &self.up
    }

    /// Spins row by row, to change.
    pub fn spins_mut(&mut self) -> &mut [bool] {
        &mut self.up
    }

    /// Sites above, below, left and right of a site.
    pub(super) fn neighbours(side: usize, site: usize) -> [usize; 4] {
        let (i, j) = (site / side, site % side);
        let at = |i: usize, j: usize| i % side * side + j % side;
        [at(i + side - 1, j), at(i + 1, j), at(i, j + side - 1), at(i, j + 1)]
    }

    /// `sum_<ij> s_i s_j`.
    pub fn bonds(&self) -> i64 {
        let agree = |a: usize, b: usize| if self.up[a] == self.up[b] { 1 } else { -1 };
        (0..self.up.len())
            .map(|site| {
                let [_, below, _, right] = Self::neighbours(self.side, site);
                agree(site, below) + agree(site, right)
            })
            .sum()
    }

    /// `sum_i s_i`.
    pub fn magnetisation(&self) -> i64 {
        self.up.iter().map(|s| if *s { 1 } else { -1 }).sum()
    }
}
