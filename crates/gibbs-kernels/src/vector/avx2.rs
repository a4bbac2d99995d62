//! Two registers of 256 bits.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::{Vector, WORDS};
use crate::rng::Lanes;
use crate::rng::avx2::Wide;

/// Two registers. Made only within functions that run where AVX2 is: that makes its methods sound.
#[derive(Clone, Copy)]
pub(crate) struct Registers([__m256i; 2]);

macro_rules! in_registers {
    ($e:expr) => {
        // SAFETY: `Registers` exist, so the processor has AVX2; loads and stores are of arrays of eight words.
        unsafe { $e }
    };
}

impl Vector for Registers {
    type Random = [Wide; 2];

    #[inline(always)]
    fn random(lanes: &[Lanes; 2]) -> [Wide; 2] {
        in_registers!([Wide::new(&lanes[0]), Wide::new(&lanes[1])])
    }

    #[inline(always)]
    fn next(random: &mut [Wide; 2]) -> Self {
        Self(in_registers!([random[0].next(), random[1].next()]))
    }

    #[inline(always)]
    fn load(words: &[u64; WORDS]) -> Self {
        let start = words.as_ptr();
        Self(in_registers!([_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(4).cast())]))
    }

    #[inline(always)]
    fn store(self, words: &mut [u64; WORDS]) {
        let start = words.as_mut_ptr();
        in_registers!({
            _mm256_storeu_si256(start.cast(), self.0[0]);
            _mm256_storeu_si256(start.add(4).cast(), self.0[1]);
        });
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        Self(in_registers!([_mm256_set1_epi64x(word as i64); 2]))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self(in_registers!([_mm256_xor_si256(a, c), _mm256_xor_si256(b, d)]))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self(in_registers!([_mm256_and_si256(a, c), _mm256_and_si256(b, d)]))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self(in_registers!([_mm256_or_si256(a, c), _mm256_or_si256(b, d)]))
    }

    #[inline(always)]
    fn not_and(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self(in_registers!([_mm256_andnot_si256(a, c), _mm256_andnot_si256(b, d)]))
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        let [a, b] = self.0;
        in_registers!({
            let any = _mm256_or_si256(a, b);
            _mm256_testz_si256(any, any) == 1
        })
    }

    #[inline(always)]
    fn up_one(self, before: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, before.0);
        Self(in_registers!([
            _mm256_or_si256(_mm256_slli_epi64::<1>(a), _mm256_srli_epi64::<63>(c)),
            _mm256_or_si256(_mm256_slli_epi64::<1>(b), _mm256_srli_epi64::<63>(d)),
        ]))
    }

    #[inline(always)]
    fn down_one(self, after: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, after.0);
        Self(in_registers!([
            _mm256_or_si256(_mm256_srli_epi64::<1>(a), _mm256_slli_epi64::<63>(c)),
            _mm256_or_si256(_mm256_srli_epi64::<1>(b), _mm256_slli_epi64::<63>(d)),
        ]))
    }
}
