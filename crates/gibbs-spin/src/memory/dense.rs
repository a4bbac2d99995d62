//! Dense associative memories.

use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bits::{BitRows, transpose};
use rayon::prelude::*;

use super::{MemoryError, Recall, Update, check_patterns};
use crate::Bits;

/// How much an overlap counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Interaction {
    /// `E(s) = -N sum_mu (xi_mu . s / N)^n`. At `n = 2` it is twice the Hopfield energy of Hebb's rule but for a constant; even
    /// degrees know no difference between a pattern and its negative. Holds of the order of `N^(n-1)` patterns.
    Polynomial(u32),
    /// `E(s) = -(1/beta) log sum_mu exp(beta xi_mu . s)`: the same descents as `-sum_mu exp(beta xi_mu . s)`, without its
    /// overflow. Holds exponentially many patterns.
    Exponential {
        /// Sharpness, per unit of overlap (of `xi . s`, which flips change by 2).
        beta: f64,
    },
}

/// A dense associative memory of binary patterns: the energy is a steep function of the overlaps with them.
///
/// Patterns are kept as they are (64 spins a word), and not as couplings.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::{Bits, memory::{DenseMemory, Interaction, Update}};
/// let patterns = Bits::from_rows(&[[true, true, false, false, true], [false, true, true, false, false]]);
/// let memory = DenseMemory::new(Interaction::Exponential { beta: 1.0 }, patterns)?;
/// let query = Bits::from_rows(&[[true, true, false, true, true]]);
/// let found = memory.recall(&query, Update::Asynchronous, 10, &Key::from_seed(0));
/// assert_eq!(found.states, memory.patterns().slice(0, 1));
/// # Ok::<(), gibbs_spin::memory::MemoryError>(())
/// ```
///
/// # Source
/// Krotov & Hopfield 2016, arXiv 1606.01164, equations 4-6; exponential: Demircigil et al. 2017,
/// DOI 10.1007/s10955-017-1806-y.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseMemory {
    interaction: Interaction,
    patterns: Bits,
    /// Spin `i` of all patterns, a row a spin.
    columns: Vec<u64>,
}

/// What is known of one state: overlaps, and what they say about flips.
struct Overlaps {
    /// `xi_mu . s`.
    overlap: Vec<i32>,
    /// Contribution of a pattern if its overlap falls by two, minus that if it rises by two.
    swing: Vec<f64>,
    /// Sum over patterns of their rise, were all overlaps to rise by two.
    all_rise: f64,
    /// Sum of the patterns' contributions; those of the exponential are relative to the largest.
    total: f64,
}

impl DenseMemory {
    /// Stores the rows of `patterns`.
    pub fn new(interaction: Interaction, patterns: Bits) -> Result<Self, MemoryError> {
        check_patterns(&patterns)?;
        match interaction {
            Interaction::Polynomial(n) if !(2..=60).contains(&n) => return Err(MemoryError::Degree(n)),
            Interaction::Exponential { beta } if !(beta > 0.0 && beta.is_finite()) => {
                return Err(MemoryError::Beta(beta));
            }
            _ => {}
        }
        let mut columns = Vec::new();
        transpose(patterns.view(), &mut columns);
        Ok(Self { interaction, patterns, columns })
    }

    /// The stored patterns.
    pub fn patterns(&self) -> &Bits {
        &self.patterns
    }

    /// Number of spins.
    pub fn n_spins(&self) -> usize {
        self.patterns.n_cols()
    }

    /// Contribution of an overlap.
    fn worth(&self, overlap: i32, most: i32) -> f64 {
        let n = self.n_spins() as f64;
        match self.interaction {
            Interaction::Polynomial(degree) => n * (f64::from(overlap) / n).powi(degree as i32),
            Interaction::Exponential { beta } => (beta * f64::from(overlap - most)).exp(),
        }
    }

    fn overlaps(&self, x: &Bits, row: usize) -> Overlaps {
        assert_eq!(x.n_cols(), self.n_spins(), "rows of {} spins", self.n_spins());
        let n = self.n_spins() as i32;
        let state = x.view();
        let differ = |mu: usize| -> i32 {
            let pattern = self.patterns.view();
            pattern.row(mu).iter().zip(state.row(row)).map(|(a, b)| (a ^ b).count_ones() as i32).sum()
        };
        let overlap: Vec<i32> = (0..self.patterns.n_rows()).map(|mu| n - 2 * differ(mu)).collect();
        let mut known = Overlaps { overlap, swing: vec![0.0; self.patterns.n_rows()], all_rise: 0.0, total: 0.0 };
        self.refresh(&mut known);
        known
    }

    fn refresh(&self, known: &mut Overlaps) {
        let most = known.overlap.iter().copied().max().unwrap_or(0);
        let (mut all_rise, mut total) = (0.0, 0.0);
        for (m, swing) in known.overlap.iter().zip(&mut known.swing) {
            let now = self.worth(*m, most);
            let (fallen, risen) = match self.interaction {
                Interaction::Polynomial(_) => (self.worth(m - 2, most), self.worth(m + 2, most)),
                Interaction::Exponential { beta } => (now * (-2.0 * beta).exp(), now * (2.0 * beta).exp()),
            };
            *swing = fallen - risen;
            all_rise += risen - now;
            total += now;
        }
        (known.all_rise, known.total) = (all_rise, total);
    }

    /// What flipping spin `i`, now `up`, would add to the sum of contributions.
    fn gain(&self, known: &Overlaps, i: usize, up: bool) -> f64 {
        let columns = BitRows::new(&self.columns, self.n_spins(), self.patterns.n_rows());
        // Overlaps with the patterns that agree at i fall, the others rise.
        let flip = if up { 0 } else { u64::MAX };
        let mut falling = 0.0;
        for (word, swing) in columns.row(i).iter().zip(known.swing.chunks(64)) {
            let agree = word ^ flip;
            for (k, s) in swing.iter().enumerate() {
                falling += f64::from_bits(s.to_bits() & (agree >> k & 1).wrapping_neg());
            }
        }
        known.all_rise + falling
    }

    fn cost(&self, known: &Overlaps, gain: f64) -> f64 {
        match self.interaction {
            Interaction::Polynomial(_) => -gain,
            Interaction::Exponential { beta } => -(gain / known.total).ln_1p() / beta,
        }
    }

    fn flip(&self, known: &mut Overlaps, i: usize, up: bool) {
        let columns = BitRows::new(&self.columns, self.n_spins(), self.patterns.n_rows());
        for (mu, m) in known.overlap.iter_mut().enumerate() {
            *m += if columns.get(i, mu) == up { -2 } else { 2 };
        }
        self.refresh(known);
    }

    /// Follows the energy downhill from each query until nothing flips, for at most `max_sweeps` sweeps; queries run in
    /// parallel, each with a key and an order of its own. A spin whose flip changes nothing stays.
    ///
    /// # Panics
    /// If the queries have another number of spins.
    pub fn recall(&self, queries: &Bits, update: Update, max_sweeps: u32, key: &Key) -> Recall {
        let (n, n_rows) = (self.n_spins(), queries.n_rows());
        let ends: Vec<(Bits, u32, bool, f64)> = (0..n_rows)
            .into_par_iter()
            .map(|row| {
                let (mut x, key) = (queries.slice(row, row + 1), key.block(row as u64));
                let mut known = self.overlaps(&x, 0);
                let mut order: Vec<usize> = (0..n).collect();
                let (mut sweeps, mut rest) = (0, false);
                while sweeps < max_sweeps && !rest {
                    key.step(u64::from(sweeps)).purpose(Purpose::Shuffle).rng().shuffle(&mut order);
                    let mut turned = Vec::new();
                    for &i in &order {
                        let up = x.get(0, i);
                        if self.gain(&known, i, up) > 0.0 {
                            turned.push(i);
                            if update == Update::Asynchronous {
                                x.set(0, i, !up);
                                self.flip(&mut known, i, up);
                            }
                        }
                    }
                    if update == Update::Synchronous {
                        turned.iter().for_each(|&i| x.set(0, i, !x.get(0, i)));
                        known = self.overlaps(&x, 0);
                    }
                    rest = turned.is_empty();
                    sweeps += 1;
                }
                let e = self.energy_of(&known);
                (x, sweeps, rest, e)
            })
            .collect();
        let words = ends.iter().flat_map(|e| e.0.words().to_vec()).collect();
        Recall {
            states: Bits::from_words(n_rows, n, words),
            sweeps: ends.iter().map(|e| e.1).collect(),
            converged: ends.iter().map(|e| e.2).collect(),
            energies: ends.iter().map(|e| e.3).collect(),
        }
    }

    fn energy_of(&self, known: &Overlaps) -> f64 {
        match self.interaction {
            Interaction::Polynomial(_) => -known.total,
            Interaction::Exponential { beta } => {
                let most = known.overlap.iter().copied().max().unwrap_or(0);
                -f64::from(most) - known.total.ln() / beta
            }
        }
    }
}

impl Energy for DenseMemory {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        out.iter_mut().enumerate().for_each(|(row, o)| *o = self.energy_of(&self.overlaps(x, row)));
    }
}

impl Flips for DenseMemory {
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        for (row, deltas) in out.chunks_exact_mut(self.n_spins()).enumerate() {
            let known = self.overlaps(x, row);
            for (i, d) in deltas.iter_mut().enumerate() {
                *d = self.cost(&known, self.gain(&known, i, x.get(row, i)));
            }
        }
    }
}

/// Each spin is a block of its own.
impl Blocks for DenseMemory {
    fn n_blocks(&self) -> usize {
        self.n_spins()
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        out.reset(x.n_rows(), 1);
        for (row, o) in out.logits.iter_mut().enumerate() {
            let (known, up) = (self.overlaps(x, row), x.get(row, block));
            let cost = self.cost(&known, self.gain(&known, block, up));
            *o = if up { cost } else { -cost };
        }
    }
}
