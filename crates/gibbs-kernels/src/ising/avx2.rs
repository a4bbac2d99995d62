//! The same in registers of 256 bits.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_storeu_si256, _mm256_testz_si256,
    _mm256_xor_si256,
};

use super::bonds::COUNTERS;
use super::{Around, Decision, decide};
use crate::rng::Lanes;
use crate::vector::avx2::Registers;

/// [`decide::block`] in registers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn block(lanes: &[Lanes; 2], spins: &mut [u64], around: &[Around], decision: &Decision) {
    decide::block::<Registers>(lanes, spins, around, decision);
}

/// Adds to the digits of 256 numbers how many neighbours differ, for all whole groups of a row.
#[target_feature(enable = "avx2,fma")]
pub(super) fn add_differences(spins: &[u64], around: &Around, digits: &mut [[u64; COUNTERS]; 32]) {
    let [above, below, left, right] = around.0.map(|r| r.as_chunks::<COUNTERS>().0);
    // Carries leave the first ten digits once in 2^10 bonds that differ; these digits are added without asking.
    let (low, high) = digits.split_at_mut(10);
    let mut sums: [__m256i; 10] = std::array::from_fn(|k| load(&low[k]));
    for ((((spins, a), b), c), d) in spins.as_chunks::<COUNTERS>().0.iter().zip(above).zip(below).zip(left).zip(right) {
        let spins = load(spins);
        let [a, b, c, d] = [a, b, c, d].map(|n| xor(load(n), spins));
        let (sum, carry_a) = add3(a, b, c);
        let (ones, carry_b) = add3(sums[0], sum, d);
        let (twos, mut carry) = add3(sums[1], carry_a, carry_b);
        (sums[0], sums[1]) = (ones, twos);
        for sum in &mut sums[2..] {
            (*sum, carry) = (xor(*sum, carry), and(*sum, carry));
        }
        if _mm256_testz_si256(carry, carry) == 0 {
            for digit in &mut *high {
                let sum = load(digit);
                store(digit, xor(sum, carry));
                carry = and(sum, carry);
            }
        }
    }
    low.iter_mut().zip(sums).for_each(|(digit, sum)| store(digit, sum));
}

/// Sum and carry of three bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add3(a: __m256i, b: __m256i, c: __m256i) -> (__m256i, __m256i) {
    let half = xor(a, b);
    (xor(half, c), or(and(a, b), and(half, c)))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(x: &[u64; COUNTERS]) -> __m256i {
    // SAFETY: four words.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(to: &mut [u64; COUNTERS], x: __m256i) {
    // SAFETY: four words.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn and(a: __m256i, b: __m256i) -> __m256i {
    _mm256_and_si256(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn or(a: __m256i, b: __m256i) -> __m256i {
    _mm256_or_si256(a, b)
}
