//! Many small lattices, 64 a word.

use gibbs_core::key::Key;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_kernels::ising::{self, Decision, Plane, Shape};
use rayon::prelude::*;

use super::torus::{fill, plane_words, set_plane_words};
use super::{Grid, LatticeError};

/// Lattices of a word.
pub(super) const PER_WORD: usize = 64;

/// Below this many sites a second thread is not woken for a sweep.
const SERIAL_BELOW: usize = 1 << 18;

/// `n_rows` independent `side` x `side` tori, the rows of a batch: bit `r % 64` of a word of block `r / 64` is lattice `r`.
///
/// All 64 lattices of a block are swept at once at the price of one; the last block is swept whole even where it is not full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    side: usize,
    n_rows: usize,
    blocks: Vec<[Plane; 2]>,
}

impl Replicas {
    /// All spins down.
    ///
    /// # Errors
    /// If `side` is not even and at least 2.
    pub fn ordered(side: usize, n_rows: usize) -> Result<Self, LatticeError> {
        let wanted = "an even number from 2 on, as two colours need; `Grid` takes odd sides";
        let shape = Shape::replicas(side).ok_or(LatticeError::Side { side, wanted })?;
        let blocks = vec![[Plane::new(shape), Plane::new(shape)]; n_rows.div_ceil(PER_WORD)];
        Ok(Self { side, n_rows, blocks })
    }

    /// Fair independent spins.
    ///
    /// # Errors
    /// As [`Replicas::ordered`].
    pub fn random(side: usize, n_rows: usize, key: &Key) -> Result<Self, LatticeError> {
        let mut replicas = Self::ordered(side, n_rows)?;
        for (b, planes) in replicas.blocks.iter_mut().enumerate() {
            for (colour, plane) in planes.iter_mut().enumerate() {
                fill(plane, &key.block(b as u64).block(colour as u64));
            }
        }
        Ok(replicas)
    }

    /// Sites of a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// From the two colours of every block of 64 lattices, the last of which need not be full.
    pub(super) fn from_blocks(side: usize, n_rows: usize, blocks: Vec<[Plane; 2]>) -> Self {
        debug_assert_eq!(blocks.len(), n_rows.div_ceil(PER_WORD), "a block for every 64 lattices");
        Self { side, n_rows, blocks }
    }

    /// The two colours of every block.
    pub(super) fn into_blocks(self) -> Vec<[Plane; 2]> {
        self.blocks
    }

    /// The two colours of every block of 64 lattices.
    pub(super) fn blocks_mut(&mut self) -> &mut [[Plane; 2]] {
        &mut self.blocks
    }

    /// One sweep of every lattice, colour `first` and then the other; block `b` draws from `key.block(b)`.
    pub(super) fn sweep(&mut self, decision: &Decision, first: usize, key: &Key) {
        let sweep = |(b, planes): (usize, &mut [Plane; 2])| {
            let (key, [even, odd]) = (key.block(b as u64), planes);
            for colour in [first, 1 - first] {
                let (target, other) = if colour == 0 { (&mut *even, &*odd) } else { (&mut *odd, &*even) };
                ising::half_sweep(target, other, colour, decision, key.block(colour as u64).bits());
            }
        };
        if self.blocks.len() == 1 || self.blocks.len() * PER_WORD * self.side * self.side < SERIAL_BELOW {
            self.blocks.iter_mut().enumerate().for_each(sweep);
        } else {
            self.blocks.par_iter_mut().with_max_len(1).enumerate().for_each(sweep);
        }
    }

    /// `out[r] = sum_<ij> s_i s_j` of lattice `r`.
    ///
    /// # Panics
    /// If `out` has not one place a lattice.
    pub fn bonds(&self, out: &mut [f64]) {
        let all = (2 * self.side * self.side) as f64;
        self.count(|[even, odd]| ising::bond_counts(even, odd), |differ| all - 2.0 * differ, out);
    }

    /// `out[r] = sum_i s_i` of lattice `r`.
    ///
    /// # Panics
    /// If `out` has not one place a lattice.
    pub fn magnetisations(&self, out: &mut [f64]) {
        let all = (self.side * self.side) as f64;
        self.count(|[even, odd]| ising::up_counts(even, odd), |ups| 2.0 * ups - all, out);
    }

    fn count(
        &self,
        count: impl Fn(&[Plane; 2]) -> [u64; PER_WORD] + Sync,
        value: impl Fn(f64) -> f64 + Sync,
        out: &mut [f64],
    ) {
        assert_eq!(out.len(), self.n_rows, "one place a lattice");
        let fill = |(planes, out): (&[Plane; 2], &mut [f64])| {
            out.iter_mut().zip(count(planes)).for_each(|(o, n)| *o = value(n as f64));
        };
        if self.n_rows * self.side * self.side < SERIAL_BELOW {
            self.blocks.iter().zip(out.chunks_mut(PER_WORD)).for_each(fill);
        } else {
            self.blocks.par_iter().with_max_len(1).zip(out.par_chunks_mut(PER_WORD)).for_each(fill);
        }
    }

    /// Whether the spin of row `i`, column `j` of lattice `row` is +1.
    ///
    /// # Panics
    /// If there is no such lattice or site.
    pub fn is_up(&self, row: usize, i: usize, j: usize) -> bool {
        assert!(row < self.n_rows && j < self.side, "lattice {row} of {}, column {j}", self.n_rows);
        self.blocks[row / PER_WORD][(i + j) % 2].row(i)[j / 2] >> (row % PER_WORD) & 1 == 1
    }

    /// One lattice, a byte a spin.
    pub fn to_grid(&self, row: usize) -> Grid {
        Grid::from_fn(self.side, |i, j| self.is_up(row, i, j))
    }
}

impl Rows for Replicas {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn select(&self, index: &[usize]) -> Self {
        let block = |rows: &[usize]| {
            [0, 1].map(|colour| {
                Plane::from_fn(self.blocks[0][colour].shape(), |i, c| {
                    let bit = |r: usize| self.blocks[r / PER_WORD][colour].row(i)[c] >> (r % PER_WORD) & 1;
                    rows.iter().enumerate().fold(0, |word, (k, &r)| word | bit(r) << k)
                })
            })
        };
        assert!(index.iter().all(|r| *r < self.n_rows), "lattices below {}", self.n_rows);
        Self { side: self.side, n_rows: index.len(), blocks: index.chunks(PER_WORD).map(block).collect() }
    }
}

impl Persist for Replicas {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        let words: Vec<u64> = self.blocks.iter().flat_map(plane_words).collect();
        to.insert(format!("{prefix}spins"), Tensor::from_u64(&[self.side * self.side, self.blocks.len()], &words));
        to.insert_u64(format!("{prefix}n_rows"), self.n_rows as u64);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let n_rows = from.expect_u64(&format!("{prefix}n_rows"))? as usize;
        let name = format!("{prefix}spins");
        let blocks = n_rows.div_ceil(PER_WORD);
        let words = from.expect(&name, Some(&[self.side * self.side, blocks]))?.to_u64(&name)?;
        let mut words = words.into_iter();
        let Some(shape) = Shape::replicas(self.side) else {
            return Err(StateError::Invalid { name, reason: format!("a side of {}", self.side) });
        };
        self.n_rows = n_rows;
        self.blocks.resize(blocks, [Plane::new(shape), Plane::new(shape)]);
        self.blocks.iter_mut().for_each(|planes| set_plane_words(planes, &mut words));
        Ok(())
    }
}
