//! Many queries to their fixed points.

use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::Rows;
use gibbs_kernels::elementwise;
use gibbs_kernels::gemm::{self, Packed};
use rayon::prelude::*;

use super::{Hopfield, spins};
use crate::Bits;

/// Queries that one thread takes at a time: they visit spins in one order, so that a row of couplings is read once for all of
/// them, and their fields stay in the cache. A constant of the results.
pub const QUERIES_AT_ONCE: usize = 32;

/// Spins that are decided before their flips reach the other fields.
const PANEL: usize = 32;

/// How spins follow their fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// One after another in random order: the energy never rises, and every query comes to rest.
    #[default]
    Asynchronous,
    /// All at once: may end in a cycle of two states.
    Synchronous,
}

/// Where queries ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    /// The last states.
    pub states: Bits,
    /// Sweeps until nothing flipped, that one included; the most allowed where it still did.
    pub sweeps: Vec<u32>,
    /// Whether the state is a fixed point.
    pub converged: Vec<bool>,
    /// Energies of the last states.
    pub energies: Vec<f64>,
}

/// A [`Hopfield`] network with its couplings in the order in which products read them.
#[derive(Clone, Debug)]
pub struct Recaller<'a> {
    memory: &'a Hopfield,
    packed: Packed,
}

impl<'a> Recaller<'a> {
    /// Prepares the couplings: about as much work as recalling four queries.
    pub fn new(memory: &'a Hopfield) -> Self {
        let n = memory.n_spins();
        Self { memory, packed: Packed::new(n, n, memory.couplings()) }
    }

    /// Fields `h = W s + b` of every row, rows x spins, by one matrix product.
    ///
    /// # Panics
    /// If the rows have another number of spins, or `out` another shape.
    pub fn fields(&self, x: &Bits, out: &mut [f32]) {
        assert_eq!(x.n_cols(), self.memory.n_spins(), "rows of {} spins", self.memory.n_spins());
        gemm::matmul(x.n_rows(), &spins(x), &self.packed, Some(self.memory.bias()), false, out);
    }

    /// Follows the fields from each query until nothing flips, for at most `max_sweeps` sweeps. A spin whose field is zero
    /// stays. Blocks of [`QUERIES_AT_ONCE`] queries run in parallel, each with a key of its own.
    ///
    /// # Panics
    /// If the queries have another number of spins.
    pub fn recall(&self, queries: &Bits, update: Update, max_sweeps: u32, key: &Key) -> Recall {
        let (n, n_rows) = (self.memory.n_spins(), queries.n_rows());
        assert_eq!(queries.n_cols(), n, "queries of {n} spins");
        let blocks: Vec<Recall> = (0..n_rows.div_ceil(QUERIES_AT_ONCE))
            .into_par_iter()
            .with_max_len(1)
            .map(|b| {
                let first = b * QUERIES_AT_ONCE;
                let x = queries.slice(first, (first + QUERIES_AT_ONCE).min(n_rows));
                self.recall_block(x, update, max_sweeps, &key.block(b as u64))
            })
            .collect();
        let mut all = Recall { states: Bits::zeros(0, n), sweeps: vec![], converged: vec![], energies: vec![] };
        let mut words = Vec::with_capacity(queries.words().len());
        for block in blocks {
            words.extend_from_slice(block.states.words());
            all.sweeps.extend(block.sweeps);
            all.converged.extend(block.converged);
            all.energies.extend(block.energies);
        }
        all.states = Bits::from_words(n_rows, n, words);
        all
    }

    fn recall_block(&self, mut x: Bits, update: Update, max_sweeps: u32, key: &Key) -> Recall {
        let (n, rows) = (self.memory.n_spins(), x.n_rows());
        let mut h = vec![0.0; rows * n];
        self.fields(&x, &mut h);
        let (mut sweeps, mut converged) = (vec![0; rows], vec![false; rows]);
        for t in 0..max_sweeps {
            let flips = match update {
                Update::Asynchronous => self.sweep(&mut x, &mut h, &converged, &key.step(u64::from(t))),
                Update::Synchronous => self.turn_all(&mut x, &mut h, &converged),
            };
            for ((sweeps, converged), flips) in sweeps.iter_mut().zip(&mut converged).zip(flips) {
                *sweeps += u32::from(!*converged);
                *converged |= flips == 0;
            }
            if converged.iter().all(|c| *c) {
                break;
            }
        }
        // Afresh: thousands of updates leave their roundings.
        self.fields(&x, &mut h);
        let energy = |r: usize| self.memory.energy_of(|i| x.get(r, i), |i| f64::from(h[r * n + i]));
        let energies = (0..rows).map(energy).collect();
        Recall { states: x, sweeps, converged, energies }
    }

    /// One asynchronous sweep of up to [`QUERIES_AT_ONCE`] rows with fields `h` (rows x spins), in one random order; rows that
    /// are `done` are left alone. Returns the flips of each row.
    ///
    /// Spins are decided in panels: inside one, flips reach the fields of the panel at once; all other fields are brought up
    /// to date after it, several flips in one pass.
    ///
    /// # Panics
    /// On other shapes.
    pub fn sweep(&self, x: &mut Bits, h: &mut [f32], done: &[bool], key: &Key) -> Vec<u32> {
        let (n, rows) = (self.memory.n_spins(), x.n_rows());
        assert_eq!((h.len(), done.len()), (rows * n, rows), "fields and one answer for each of {rows} rows");
        let mut order: Vec<u32> = (0..n as u32).collect();
        key.purpose(Purpose::Shuffle).rng().shuffle(&mut order);
        let mut flips = vec![0; rows];
        let mut inner = vec![0.0f32; PANEL * PANEL];
        let mut changes: Vec<(f32, &[f32])> = Vec::with_capacity(PANEL);
        for panel in order.chunks(PANEL) {
            let k = panel.len();
            for (i, row) in panel.iter().zip(inner.chunks_exact_mut(k)) {
                let couplings = self.memory.row(*i as usize);
                row.iter_mut().zip(panel).for_each(|(o, j)| *o = couplings[*j as usize]);
            }
            for (row, h) in h.chunks_exact_mut(n).enumerate().filter(|(row, _)| !done[*row]) {
                let mut near = [0.0f32; PANEL];
                near.iter_mut().zip(panel).for_each(|(o, j)| *o = h[*j as usize]);
                changes.clear();
                for (a, i) in panel.iter().enumerate() {
                    let i = *i as usize;
                    let up = x.get(row, i);
                    if if up { near[a] < 0.0 } else { near[a] > 0.0 } {
                        let change = if up { -2.0 } else { 2.0 };
                        x.set(row, i, !up);
                        near.iter_mut().zip(&inner[a * k..][..k]).for_each(|(h, w)| *h += change * w);
                        changes.push((change, self.memory.row(i)));
                    }
                }
                flips[row] += changes.len() as u32;
                add_rows(h, &changes);
            }
        }
        flips
    }

    /// All spins follow their fields at once.
    fn turn_all(&self, x: &mut Bits, h: &mut [f32], done: &[bool]) -> Vec<u32> {
        let n = self.memory.n_spins();
        let mut flips = vec![0; x.n_rows()];
        for (row, h) in h.chunks_exact(n).enumerate().filter(|(row, _)| !done[*row]) {
            for (i, h) in h.iter().enumerate() {
                let up = x.get(row, i);
                if if up { *h < 0.0 } else { *h > 0.0 } {
                    x.set(row, i, !up);
                    flips[row] += 1;
                }
            }
        }
        self.fields(x, h);
        flips
    }
}

/// `h += sum_k c_k w_k`, up to four rows in one pass over `h`.
fn add_rows(h: &mut [f32], changes: &[(f32, &[f32])]) {
    let mut four = changes.chunks_exact(4);
    for c in &mut four {
        elementwise::add_four_scaled([c[0].0, c[1].0, c[2].0, c[3].0], [c[0].1, c[1].1, c[2].1, c[3].1], h);
    }
    match four.remainder() {
        // Three as four, one of them idle.
        [a, b, c] => elementwise::add_four_scaled([a.0, b.0, c.0, 0.0], [a.1, b.1, c.1, c.1], h),
        rest => rest.iter().for_each(|(a, x)| elementwise::add_scaled(*a, x, h)),
    }
}
