//! The plain twin: four words.

use super::vector::{GROUP, Vector};
use crate::rng::Lanes;

fn each(f: impl Fn(usize) -> u64) -> [u64; GROUP] {
    std::array::from_fn(f)
}

impl Vector for [u64; GROUP] {
    type Random = Lanes;

    fn random(lanes: &Lanes) -> Lanes {
        lanes.clone()
    }

    fn next(random: &mut Lanes) -> Self {
        let x = random.next_u32s();
        each(|i| u64::from(x[2 * i]) | u64::from(x[2 * i + 1]) << 32)
    }

    fn load(words: &[u64; GROUP]) -> Self {
        *words
    }

    fn store(self, words: &mut [u64; GROUP]) {
        *words = self;
    }

    fn splat(word: u64) -> Self {
        [word; GROUP]
    }

    fn xor(self, other: Self) -> Self {
        each(|i| self[i] ^ other[i])
    }

    fn and(self, other: Self) -> Self {
        each(|i| self[i] & other[i])
    }

    fn or(self, other: Self) -> Self {
        each(|i| self[i] | other[i])
    }

    fn not_and(self, other: Self) -> Self {
        each(|i| !self[i] & other[i])
    }

    fn is_zero(self) -> bool {
        self == [0; GROUP]
    }

    fn up_one(self, before: Self) -> Self {
        each(|i| self[i] << 1 | before[i] >> 63)
    }

    fn down_one(self, after: Self) -> Self {
        each(|i| self[i] >> 1 | after[i] << 63)
    }
}
