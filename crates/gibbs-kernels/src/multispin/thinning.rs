//! Bits kept with one probability.

use crate::level::{Level, level};
use crate::rng::Lanes;
use crate::vector::{Vector, WORDS, Words};

/// Keeps each bit of `words` with probability `threshold / 2^32`, each by a random number of its own. The key fixes the result,
/// whatever the instruction set.
///
/// # Example
/// ```
/// use gibbs_kernels::multispin::{thin, threshold};
/// let mut words = vec![u64::MAX; 1000];
/// thin(&mut words, threshold(0.25), 1);
/// let kept: u32 = words.iter().map(|w| w.count_ones()).sum();
/// // 16,000 expected, with a standard deviation of 110.
/// assert!((15_500..16_500).contains(&kept), "{kept}");
/// ```
pub fn thin(words: &mut [u64], threshold: u32, key: u128) {
    thin_on(level(), words, threshold, key);
}

pub(super) fn thin_on(on: Level, words: &mut [u64], threshold: u32, key: u128) {
    let lanes = &Lanes::pair(key, 0);
    match on {
        Level::Scalar => thin_all::<Words>(words, threshold, lanes),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma => unsafe { super::avx2::thin(words, threshold, lanes) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { super::avx512::thin(words, threshold, lanes) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

#[inline(always)]
pub(super) fn thin_all<V: Vector>(words: &mut [u64], threshold: u32, lanes: &[Lanes; 2]) {
    let mut random = V::random(lanes);
    let (groups, rest) = words.as_chunks_mut::<WORDS>();
    for group in groups {
        kept(V::load(group), threshold, &mut random).store(group);
    }
    if !rest.is_empty() {
        let mut group = [0; WORDS];
        group[..rest.len()].copy_from_slice(rest);
        kept(V::load(&group), threshold, &mut random).store(&mut group);
        rest.copy_from_slice(&group[..rest.len()]);
    }
}

/// A random word says where a digit of the numbers differs from the threshold's: the first that does decides.
#[inline(always)]
fn kept<V: Vector>(mut open: V, threshold: u32, random: &mut V::Random) -> V {
    let mut kept = V::splat(0);
    for z in 0..32 {
        let differs = V::next(random);
        if threshold >> (31 - z) & 1 == 1 {
            kept = kept.or(open.and(differs));
        }
        open = differs.not_and(open);
        if z >= 6 && open.is_zero() {
            break;
        }
    }
    kept
}
