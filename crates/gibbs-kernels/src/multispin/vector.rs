//! What the sweeps need of 256 bits.

use crate::rng::Lanes;

/// Words of a vector.
pub(super) const GROUP: usize = 4;

/// 256 bits. Methods are inlined into functions that enable what they need.
pub(super) trait Vector: Copy {
    /// A generator of random vectors; every kind draws the same numbers.
    type Random;

    fn random(lanes: &Lanes) -> Self::Random;
    fn next(random: &mut Self::Random) -> Self;
    fn load(words: &[u64; GROUP]) -> Self;
    fn store(self, words: &mut [u64; GROUP]);
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
}

/// Sum and carry of three bits.
#[inline(always)]
pub(super) fn add3<V: Vector>(a: V, b: V, c: V) -> (V, V) {
    let half = a.xor(b);
    (half.xor(c), a.and(b).or(half.and(c)))
}
