//! 512 bits at once: what sweeps over packed spins need of a register, of two, or of eight words.
//!
//! Closures do not inherit the instructions of the function around them, so generic code is written without.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod scalar;

pub(crate) use scalar::Words;

use crate::rng::Lanes;

/// Words of a vector.
pub(crate) const WORDS: usize = 8;

/// 512 bits. Methods are inlined into functions that enable what they need.
pub(crate) trait Vector: Copy {
    /// Generators of random vectors; every kind draws the same numbers.
    type Random;

    /// From the generators of the first four words and of the last four.
    fn random(lanes: &[Lanes; 2]) -> Self::Random;
    fn next(random: &mut Self::Random) -> Self;
    fn load(words: &[u64; WORDS]) -> Self;
    fn store(self, words: &mut [u64; WORDS]);
    fn splat(word: u64) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// `!self & other`.
    fn not_and(self, other: Self) -> Self;
    fn is_zero(self) -> bool;
    /// Each word moved up by one bit, the highest bit of the word of `before` coming in.
    fn up_one(self, before: Self) -> Self;
    /// Each word moved down by one bit, the lowest bit of the word of `after` coming in.
    fn down_one(self, after: Self) -> Self;

    #[inline(always)]
    fn not(self) -> Self {
        self.xor(Self::splat(u64::MAX))
    }
}

/// Sum and carry of three bits.
#[inline(always)]
pub(crate) fn add3<V: Vector>(a: V, b: V, c: V) -> (V, V) {
    let half = a.xor(b);
    (half.xor(c), a.and(b).or(half.and(c)))
}
