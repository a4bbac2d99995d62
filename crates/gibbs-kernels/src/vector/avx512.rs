//! One register of 512 bits. Runs of logic become ternary operations, which is the compiler's work.

use std::arch::x86_64::{
    __m512i, _mm256_load_si256, _mm512_add_epi32, _mm512_and_si512, _mm512_andnot_si512, _mm512_castsi256_si512,
    _mm512_inserti64x4, _mm512_loadu_si512, _mm512_or_si512, _mm512_rol_epi32, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_test_epi64_mask,
    _mm512_xor_si512,
};

use super::{Vector, WORDS};
use crate::rng::Lanes;

/// A register. Made only within functions that run where AVX-512 is: that makes its methods sound.
#[derive(Clone, Copy)]
pub(crate) struct Register(__m512i);

/// The states of two [`Lanes`] side by side.
pub(crate) struct Wide([__m512i; 4]);

macro_rules! in_register {
    ($e:expr) => {
        // SAFETY: a `Register` exists, so the processor has AVX-512; loads and stores are of arrays of eight words.
        unsafe { $e }
    };
}

impl Vector for Register {
    type Random = Wide;

    #[inline(always)]
    fn random(lanes: &[Lanes; 2]) -> Wide {
        let mut wide = [in_register!(_mm512_setzero_si512()); 4];
        for (i, wide) in wide.iter_mut().enumerate() {
            let (a, b) = (lanes[0].state[i].as_ptr().cast(), lanes[1].state[i].as_ptr().cast());
            *wide = in_register!(_mm512_inserti64x4::<1>(
                _mm512_castsi256_si512(_mm256_load_si256(a)),
                _mm256_load_si256(b)
            ));
        }
        Wide(wide)
    }

    #[inline(always)]
    fn next(random: &mut Wide) -> Self {
        let [s0, s1, s2, s3] = random.0;
        in_register!({
            let result = _mm512_add_epi32(_mm512_rol_epi32::<7>(_mm512_add_epi32(s0, s3)), s0);
            let (across, along) = (_mm512_xor_si512(s2, s0), _mm512_xor_si512(s3, s1));
            random.0 = [
                _mm512_xor_si512(s0, along),
                _mm512_xor_si512(s1, across),
                _mm512_xor_si512(across, _mm512_slli_epi32::<9>(s1)),
                _mm512_rol_epi32::<11>(along),
            ];
            Self(result)
        })
    }

    #[inline(always)]
    fn load(words: &[u64; WORDS]) -> Self {
        Self(in_register!(_mm512_loadu_si512(words.as_ptr().cast())))
    }

    #[inline(always)]
    fn store(self, words: &mut [u64; WORDS]) {
        in_register!(_mm512_storeu_si512(words.as_mut_ptr().cast(), self.0));
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        Self(in_register!(_mm512_set1_epi64(word as i64)))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(in_register!(_mm512_xor_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(in_register!(_mm512_and_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(in_register!(_mm512_or_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn not_and(self, other: Self) -> Self {
        Self(in_register!(_mm512_andnot_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        in_register!(_mm512_test_epi64_mask(self.0, self.0)) == 0
    }

    #[inline(always)]
    fn up_one(self, before: Self) -> Self {
        Self(in_register!(_mm512_or_si512(_mm512_slli_epi64::<1>(self.0), _mm512_srli_epi64::<63>(before.0))))
    }

    #[inline(always)]
    fn down_one(self, after: Self) -> Self {
        Self(in_register!(_mm512_or_si512(_mm512_srli_epi64::<1>(self.0), _mm512_slli_epi64::<63>(after.0))))
    }
}
