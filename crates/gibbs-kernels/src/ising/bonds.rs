//! Counting: bonds between spins that differ, and spins that are up, for each of the 64 bits of a word.

use super::Around;
use super::plane::Plane;
use crate::level::{Level, level};

/// Words that a number's digits are shared out over: what one 256-bit register holds.
pub(super) const COUNTERS: usize = 4;

/// Number of bonds whose two spins **differ**, for each bit of a word: the planes hold colours 0 and 1.
///
/// With `n` such bonds of a lattice of `N` sites, `sum_<ij> s_i s_j = 2 N - 2 n`. Of strips the counts are of no interest one
/// by one: their sum is the lattice's.
///
/// # Panics
/// If the planes differ in shape.
pub fn bond_counts(even: &Plane, odd: &Plane) -> [u64; 64] {
    bond_counts_on(level(), even, odd)
}

pub(super) fn bond_counts_on(on: Level, even: &Plane, odd: &Plane) -> [u64; 64] {
    let shape = even.shape();
    assert_eq!(shape, odd.shape(), "two colours of one lattice");
    let mut counters = Counters::default();
    // Every bond has one end of colour 0.
    for row in 0..shape.rows {
        let around = Around::new(odd.words(), shape, row, 0);
        let spins = even.row(row);
        match on {
            Level::Scalar => counters.add_differences(spins, 0, &around),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2Fma | Level::Avx512 => {
                // SAFETY: this level is only found on a processor that has it.
                unsafe { super::avx2::add_differences(spins, &around, &mut counters.digits) };
                counters.add_differences(spins, spins.len() / COUNTERS * COUNTERS, &around);
            }
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
        }
    }
    counters.values()
}

/// Number of spins that are up, for each bit of a word.
pub fn up_counts(even: &Plane, odd: &Plane) -> [u64; 64] {
    let mut counters = Counters::default();
    for plane in [even, odd] {
        for row in 0..plane.shape().rows {
            let (groups, rest) = plane.row(row).as_chunks::<4>();
            for [a, b, c, d] in groups {
                counters.add_four([*a, *b, *c, *d]);
            }
            rest.iter().for_each(|w| counters.add(0, *w));
        }
    }
    counters.values()
}

/// Numbers, one for each bit of a word, kept as their binary digits; each digit is shared out over [`COUNTERS`] words, whose
/// numbers are added up at the end.
#[derive(Default)]
pub(super) struct Counters {
    digits: [[u64; COUNTERS]; 32],
}

impl Counters {
    /// Adds `2^weight` wherever `word` has a one.
    #[inline]
    fn add(&mut self, weight: usize, mut word: u64) {
        for [digit, ..] in &mut self.digits[weight..] {
            if word == 0 {
                break;
            }
            (*digit, word) = (*digit ^ word, *digit & word);
        }
    }

    /// Adds four bits a place.
    #[inline]
    fn add_four(&mut self, [a, b, c, d]: [u64; 4]) {
        let (sum, carry_a) = add3(a, b, c);
        let (ones, carry_b) = add3(self.digits[0][0], sum, d);
        let (twos, carry) = add3(self.digits[1][0], carry_a, carry_b);
        (self.digits[0][0], self.digits[1][0]) = (ones, twos);
        self.add(2, carry);
    }

    /// Adds the neighbours that differ, from word `first` of a row on.
    fn add_differences(&mut self, spins: &[u64], first: usize, around: &Around) {
        for (c, spin) in spins.iter().enumerate().skip(first) {
            self.add_four(around.0.map(|n| n[c] ^ spin));
        }
    }

    fn values(&self) -> [u64; 64] {
        let mut values = [0; 64];
        for (weight, words) in self.digits.iter().enumerate() {
            for word in words.iter().filter(|w| **w != 0) {
                values.iter_mut().enumerate().for_each(|(b, v)| *v += (word >> b & 1) << weight);
            }
        }
        values
    }
}

/// Sum and carry of three bits.
#[inline]
fn add3(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, (a & b) | (half & c))
}
