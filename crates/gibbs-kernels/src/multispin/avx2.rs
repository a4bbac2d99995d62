//! The same in a register.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::graph::{self, Block};
use super::picture::{self, Row};
use super::vector::{GROUP, Vector};
use crate::rng::Lanes;
use crate::rng::avx2::Wide;

/// A register. Made only within the two functions below, which run only where it exists: that makes its methods sound.
#[derive(Clone, Copy)]
struct Register(__m256i);

/// [`picture::decide_row`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn decide_row(row: &mut Row, lanes: &Lanes) {
    picture::decide_row::<Register>(row, lanes);
}

/// [`graph::decide_block`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn decide_block(block: &Block, lanes: &Lanes) {
    graph::decide_block::<Register>(block, lanes);
}

macro_rules! in_register {
    ($e:expr) => {
        // SAFETY: a `Register` exists, so the processor has AVX2; loads and stores are of arrays of four words.
        unsafe { $e }
    };
}

impl Vector for Register {
    type Random = Wide;

    #[inline(always)]
    fn random(lanes: &Lanes) -> Wide {
        in_register!(Wide::new(lanes))
    }

    #[inline(always)]
    fn next(random: &mut Wide) -> Self {
        Self(in_register!(random.next()))
    }

    #[inline(always)]
    fn load(words: &[u64; GROUP]) -> Self {
        Self(in_register!(_mm256_loadu_si256(words.as_ptr().cast())))
    }

    #[inline(always)]
    fn store(self, words: &mut [u64; GROUP]) {
        in_register!(_mm256_storeu_si256(words.as_mut_ptr().cast(), self.0));
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        Self(in_register!(_mm256_set1_epi64x(word as i64)))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(in_register!(_mm256_xor_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(in_register!(_mm256_and_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(in_register!(_mm256_or_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn not_and(self, other: Self) -> Self {
        Self(in_register!(_mm256_andnot_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        in_register!(_mm256_testz_si256(self.0, self.0)) == 1
    }

    #[inline(always)]
    fn up_one(self, before: Self) -> Self {
        Self(in_register!(_mm256_or_si256(_mm256_slli_epi64::<1>(self.0), _mm256_srli_epi64::<63>(before.0))))
    }

    #[inline(always)]
    fn down_one(self, after: Self) -> Self {
        Self(in_register!(_mm256_or_si256(_mm256_srli_epi64::<1>(self.0), _mm256_slli_epi64::<63>(after.0))))
    }
}
