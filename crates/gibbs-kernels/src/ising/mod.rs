//! Sweeps of the two-dimensional Ising model, 64 spins a word ("multi-spin coding").
//!
//! The sites of a square torus fall into two colours like a checkerboard's; a colour is independent given the other, so
//! all its spins are decided at once. Site `(i, j)` has colour `(i + j) mod 2`; the sites of one colour in a row are
//! numbered by `c = j / 2`, and a [`Plane`] holds one colour. What the 64 bits of a word are is the caller's choice of
//! [`Shape`]:
//!
//! * **strips**: one lattice cut into 64 strips of whole rows, bit `b` of a word is strip `b`. Neighbours are whole words,
//!   and at the seam between strips they are whole words rotated by one bit;
//! * **replicas**: 64 independent lattices, bit `b` is lattice `b`. Then the torus closes without the rotation.
//!
//! # Decisions
//! A site flips (Metropolis) or goes against its neighbours (heat bath) with one of two probabilities, each a 32-bit number
//! over 2^32, and **every site compares a 32-bit random number of its own** with it. The comparison goes bit by bit from the
//! highest: a random word says for one bit of 64 numbers whether it differs from the threshold's, which is as random as the
//! bit itself. The first that differs decides, so the lower ones cannot matter and are not drawn. That is a saving, not an
//! approximation: the event has probability `threshold / 2^32` exactly.
//!
//! Every group of 512 sites draws the first bits of its comparisons. The few sites that are then undecided are decided
//! together with those of the groups after it, each by bits of random words that no other site has.
//!
//! Source: multi-spin coding, Creutz, Jacobs & Rebbi 1979, DOI 10.1103/PhysRevLett.42.1390; strips and the bitwise
//! comparison in the manner of Block, Virnau & Preis 2010, DOI 10.1016/j.cpc.2010.05.005.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bonds;
mod decide;
mod plane;
#[cfg(test)]
mod tests;

pub use bonds::{bond_counts, up_counts};
pub use plane::{Plane, Shape};

use crate::level::{Level, level};
use crate::parallel::Shared;
use crate::rng::Lanes;
use crate::team;
use crate::vector::{WORDS, Words};

/// Words that draw from one stream, rounded to whole rows: the unit of threads, and part of the results.
const BLOCK_WORDS: usize = 1024;
/// Bits of a comparison that every group draws for itself.
const ALWAYS: usize = 6;
/// Bits that are drawn next for all that is undecided, before asking whether anything still is.
const MORE: usize = 8;
/// The most groups whose undecided sites are decided together.
const TOGETHER: usize = 12;
/// Sites one thread decides in a nanosecond, for deciding whether to wake the others.
fn sites_per_nanosecond(on: Level) -> usize {
    match on {
        Level::Scalar => 2,
        Level::Avx2Fma => 12,
        Level::Avx512 => 30,
    }
}

/// How a site is decided given its four neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Draw the spin afresh from its conditional distribution.
    HeatBath,
    /// Flip with probability `min(1, exp(-dE))`.
    ///
    /// Where no energy is at stake it flips for certain. So the few states in which every site has two neighbours of each sign
    /// turn over for ever and are reached from no other: a quarter of the states of 2 x 2, 1 in 10^4 of those of 4 x 4, and
    /// nothing that matters beyond. Heat bath has no such states.
    Metropolis,
}

/// A rule with its two probabilities in units of 2^-32.
///
/// | rule | `three` | `four` |
/// |---|---|---|
/// | heat bath: the spin goes against | three equal neighbours, `1 / (1 + exp(4 K))` | four, `1 / (1 + exp(8 K))` |
/// | Metropolis: the spin flips that agrees with | three neighbours, `exp(-4 K)` | four, `exp(-8 K)` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The rule.
    pub rule: Rule,
    /// Threshold where the neighbours are three to one.
    pub three: u32,
    /// Threshold where all four neighbours agree.
    pub four: u32,
}

impl Decision {
    /// The thresholds at coupling `K >= 0`, rounded to the nearest multiple of 2^-32 and held below 1.
    ///
    /// # Panics
    /// If `K` is negative or NaN.
    pub fn new(rule: Rule, coupling: f64) -> Self {
        assert!(coupling >= 0.0, "a ferromagnetic coupling, not {coupling}");
        let threshold = |change: f64| {
            let boltzmann = (-change * coupling).exp();
            let p = if rule == Rule::HeatBath { boltzmann / (1.0 + boltzmann) } else { boltzmann };
            (p * 2f64.powi(32)).round() as u32
        };
        Self { rule, three: threshold(4.0), four: threshold(8.0) }
    }
}

/// Decides every site of one colour, on the calling thread: `target` holds colour `colour`, `other` the opposite one.
///
/// The key fixes the result, whatever the instruction set; [`sweeps`] gives the same on many threads.
///
/// # Panics
/// If the planes differ in shape.
///
/// # Example
/// ```
/// use gibbs_kernels::ising::{Decision, Plane, Rule, Shape, half_sweep};
/// let shape = Shape::replicas(8).unwrap();
/// let (mut even, odd) = (Plane::new(shape), Plane::new(shape));
/// // All spins down and very cold: nothing moves.
/// half_sweep(&mut even, &odd, 0, &Decision::new(Rule::HeatBath, 10.0), 1);
/// assert_eq!(even, odd);
/// ```
pub fn half_sweep(target: &mut Plane, other: &Plane, colour: usize, decision: &Decision, key: u128) {
    half_sweep_on(level(), target, other, colour, decision, key);
}

fn half_sweep_on(on: Level, target: &mut Plane, other: &Plane, colour: usize, decision: &Decision, key: u128) {
    let shape = target.shape();
    assert_eq!(shape, other.shape(), "two colours of one lattice");
    let target = Shared::new(target.words_mut());
    for block in 0..n_blocks(shape) {
        // SAFETY: one block after another.
        unsafe { decide(on, shape, block, &target, other.words(), colour, decision, key) };
    }
}

/// `n` sweeps: colour 0, then colour 1, each decided as by [`half_sweep`] with `key(sweep, colour)`.
///
/// Uses up to as many threads as the current rayon pool has; the result does not depend on their number.
///
/// # Panics
/// If the planes differ in shape.
pub fn sweeps(planes: &mut [Plane; 2], decision: &Decision, n: u64, key: impl Fn(u64, usize) -> u128 + Sync) {
    let shape = planes[0].shape();
    let cost = shape.rows * shape.width * 64 / sites_per_nanosecond(level());
    sweeps_on(level(), planes, decision, n, key, team::threads(cost, 2, n));
}

fn sweeps_on(
    on: Level,
    planes: &mut [Plane; 2],
    decision: &Decision,
    n: u64,
    key: impl Fn(u64, usize) -> u128 + Sync,
    n_threads: usize,
) {
    let torus = Torus::new(planes);
    let blocks = [torus.n_blocks(); 2];
    team::rounds(n_threads, &blocks, n, |sweep, colour, block| {
        // SAFETY: each block is asked for once, and all blocks of the other colour have returned, which are not written until all
        // of this one have.
        unsafe { torus.decide(on, block, colour, decision, key(sweep, colour)) };
    });
}

/// Blocks of whole rows, each with a stream of its own.
fn n_blocks(shape: Shape) -> usize {
    shape.rows.div_ceil(rows_of_block(shape))
}

fn rows_of_block(shape: Shape) -> usize {
    (BLOCK_WORDS / shape.width).max(1)
}

/// Both colours of a lattice, for threads that decide blocks of one in turn.
struct Torus {
    shape: Shape,
    planes: [Shared<u64>; 2],
}

impl Torus {
    fn new(planes: &mut [Plane; 2]) -> Self {
        let shape = planes[0].shape();
        assert_eq!(shape, planes[1].shape(), "two colours of one lattice");
        Self { shape, planes: planes.each_mut().map(|p| Shared::new(p.words_mut())) }
    }

    fn n_blocks(&self) -> usize {
        n_blocks(self.shape)
    }

    /// # Safety
    /// The planes given to `new` must still be borrowed, no other thread may have this block, and none may write the other
    /// colour.
    unsafe fn decide(&self, on: Level, block: usize, colour: usize, decision: &Decision, key: u128) {
        // SAFETY: the caller's promise.
        unsafe {
            let other = self.planes[1 - colour].whole();
            decide(on, self.shape, block, &self.planes[colour], other, colour, decision, key);
        }
    }
}

/// Decides the sites of one block of rows and renews their rim.
///
/// # Safety
/// No other thread may have this block of `target`.
#[allow(clippy::too_many_arguments)]
unsafe fn decide(
    on: Level,
    shape: Shape,
    block: usize,
    target: &Shared<u64>,
    other: &[u64],
    colour: usize,
    decision: &Decision,
    key: u128,
) {
    let lanes = &Lanes::pair(key, block as u64);
    let first = block * rows_of_block(shape);
    let last = (first + rows_of_block(shape)).min(shape.rows) - 1;
    let around: Vec<Around> = (first..=last).map(|row| Around::new(other, shape, row, colour)).collect();
    // SAFETY: blocks of rows are disjoint, and the first and the last row each have a rim of their own.
    let rows = |row: isize, n: usize| unsafe { target.part(shape.start(row), n * shape.stride()) };
    let spins = rows(first as isize, last + 1 - first);
    match on {
        Level::Scalar => decide::block::<Words>(lanes, spins, &around, decision),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma => unsafe { avx2::block(lanes, spins, &around, decision) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { avx512::block(lanes, spins, &around, decision) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
    spins.chunks_exact_mut(shape.stride()).for_each(|row| shape.close_row(row));
    let turn =
        |rim: &mut [u64], row: &[u64], by: u32| rim.iter_mut().zip(row).for_each(|(r, w)| *r = w.rotate_left(by));
    if first == 0 {
        // A turn to the right by one bit is one to the left by 63.
        turn(rows(shape.rows as isize, 1), &spins[..shape.stride()], 64 - shape.seam);
    }
    if last + 1 == shape.rows {
        turn(rows(-1, 1), &spins[spins.len() - shape.stride()..], shape.seam);
    }
}

/// The neighbours of the sites of one row, in whole groups of words: above, below, and the two beside.
struct Around<'a>([&'a [u64]; 4]);

impl<'a> Around<'a> {
    fn new(other: &'a [u64], shape: Shape, row: usize, colour: usize) -> Self {
        let len = shape.width.next_multiple_of(WORDS);
        let groups = |row: isize, first: usize| &other[shape.start(row) + first..][..len];
        // A site with c has its neighbours in the row at c, and at c - 1 where it comes first of its pair of columns.
        let beside = if (row + colour).is_multiple_of(2) { WORDS - 1 } else { WORDS + 1 };
        let row = row as isize;
        Self([groups(row - 1, WORDS), groups(row + 1, WORDS), groups(row, WORDS), groups(row, beside)])
    }
}

/// Bit `z` from the top of both thresholds as a number: `three + 2 four`.
fn threshold_bits(decision: &Decision) -> [u8; 32] {
    std::array::from_fn(|z| ((decision.three >> (31 - z)) & 1 | ((decision.four >> (31 - z)) & 1) << 1) as u8)
}
