//! Eight words: the plain twin that defines the results.

use super::{Vector, WORDS};
use crate::rng::Lanes;

/// Eight words.
#[derive(Clone, Copy)]
pub(crate) struct Words(pub(crate) [u64; WORDS]);

impl Words {
    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Vector for Words {
    type Random = [Lanes; 2];

    fn random(lanes: &[Lanes; 2]) -> [Lanes; 2] {
        lanes.clone()
    }

    fn next(random: &mut [Lanes; 2]) -> Self {
        let [a, b] = random.each_mut().map(Lanes::next_u32s);
        let word = |x: &[u32; 8], i: usize| u64::from(x[2 * i]) | u64::from(x[2 * i + 1]) << 32;
        Self(std::array::from_fn(|i| if i < WORDS / 2 { word(&a, i) } else { word(&b, i - WORDS / 2) }))
    }

    fn load(words: &[u64; WORDS]) -> Self {
        Self(*words)
    }

    fn store(self, words: &mut [u64; WORDS]) {
        *words = self.0;
    }

    fn splat(word: u64) -> Self {
        Self([word; WORDS])
    }

    fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }

    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    fn not_and(self, other: Self) -> Self {
        self.zip(other, |a, b| !a & b)
    }

    fn is_zero(self) -> bool {
        self.0 == [0; WORDS]
    }

    fn up_one(self, before: Self) -> Self {
        self.zip(before, |w, b| w << 1 | b >> 63)
    }

    fn down_one(self, after: Self) -> Self {
        self.zip(after, |w, a| w >> 1 | a << 63)
    }
}
