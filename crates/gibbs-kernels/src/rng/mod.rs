//! Wide random numbers: eight lanes of xoshiro128++ for a block, seeded by Philox from the key and the block.
//!
//! A block is a fixed piece of the output (4096 numbers here, 64 rows of 64 columns in [`crate::bernoulli`]), so the
//! key alone decides every number, whatever the number of threads. Philox alone would do, at three times the cost.
//!
//! Sources: xoshiro128++, Blackman & Vigna 2021, DOI 10.1145/3460772; Philox, DOI 10.1145/2063384.2063405.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
mod scalar;
#[cfg(test)]
mod tests;

use crate::level::{Level, level};
use crate::parallel::{self, Shared};

/// Rows of 64 columns that draw from one stream.
pub(crate) const BLOCK_ROWS: usize = 64;
/// Numbers of a block of the fills.
const BLOCK: usize = 4096;
/// Keeps these streams apart from the other uses of a key ("lane").
const DOMAIN: u32 = 0x6c61_6e65;

/// Eight independent xoshiro128++ generators that step together.
///
/// # Example
/// ```
/// use gibbs_kernels::rng::Lanes;
/// let (mut a, mut b) = (Lanes::new(1, 0), Lanes::new(1, 0));
/// assert_eq!(a.next_u32s(), b.next_u32s());
/// assert_ne!(a.next_u32s(), Lanes::new(1, 1).next_u32s());
/// ```
#[derive(Clone, Debug)]
#[repr(align(32))]
pub struct Lanes {
    /// Word `i` of lane `l` is `state[i][l]`.
    pub(crate) state: [[u32; 8]; 4],
}

impl Lanes {
    /// The generators of one block of a key.
    pub fn new(key: u128, block: u64) -> Self {
        seed_on(level(), key, block)
    }

    /// The generators of blocks `2 block` and `2 block + 1`.
    pub(crate) fn pair(key: u128, block: u64) -> [Self; 2] {
        [Self::new(key, 2 * block), Self::new(key, 2 * block + 1)]
    }

    /// The next number of each lane.
    #[inline]
    pub fn next_u32s(&mut self) -> [u32; 8] {
        let [s0, s1, s2, s3] = &mut self.state;
        std::array::from_fn(|l| {
            let result = s0[l].wrapping_add(s3[l]).rotate_left(7).wrapping_add(s0[l]);
            let t = s1[l] << 9;
            s2[l] ^= s0[l];
            s3[l] ^= s1[l];
            s1[l] ^= s2[l];
            s0[l] ^= s3[l];
            s2[l] ^= t;
            s3[l] = s3[l].rotate_left(11);
            result
        })
    }
}

fn seed_on(on: Level, key: u128, block: u64) -> Lanes {
    match on {
        Level::Scalar => scalar::seed(key, block),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { avx2::seed(key, block) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

/// Independent uniform numbers in `[0, 1)`, multiples of 2^-24.
///
/// # Example
/// ```
/// let mut u = [0.0; 3];
/// gibbs_kernels::rng::fill_uniform(5, &mut u);
/// assert!(u.iter().all(|u| (0.0..1.0).contains(u)));
/// ```
pub fn fill_uniform(key: u128, out: &mut [f32]) {
    for_each_block(out, 1, |block, out| uniform_block(level(), key, block, out));
}

/// Independent standard normal numbers (Box & Muller 1958, DOI 10.1214/aoms/1177706645); none is larger than 6.7 in
/// absolute value, which truncates probability 2.1e-11.
///
/// Error: at most 5 units in the last place of `sqrt(-2 log u) cos(2 pi v)` for the f32 number `u` and the 32 bits `v`
/// drawn, so instruction sets agree within 10.
///
/// # Example
/// ```
/// let (mut z, mut same) = ([0.0; 5], [0.0; 5]);
/// gibbs_kernels::rng::fill_normal(5, &mut z);
/// gibbs_kernels::rng::fill_normal_serial(5, &mut same);
/// assert!(z == same && z.iter().all(|z| z.abs() < 6.7));
/// ```
pub fn fill_normal(key: u128, out: &mut [f32]) {
    for_each_block(out, 1, |block, out| normal_block(level(), key, block, out));
}

/// [`fill_normal`] on the calling thread alone: the same numbers, for callers that are themselves one of many.
pub fn fill_normal_serial(key: u128, out: &mut [f32]) {
    normal_on(level(), key, out);
}

fn normal_on(on: Level, key: u128, out: &mut [f32]) {
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        normal_block(on, key, block as u64, out);
    }
}

fn uniform_block(on: Level, key: u128, block: u64, out: &mut [f32]) {
    let mut lanes = seed_on(on, key, block);
    match on {
        Level::Scalar => scalar::uniform(&mut lanes, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { avx2::uniform(&mut lanes, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

fn normal_block(on: Level, key: u128, block: u64, out: &mut [f32]) {
    let mut lanes = seed_on(on, key, block);
    match on {
        Level::Scalar => scalar::normal(&mut lanes, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe { avx2::normal(&mut lanes, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
}

fn for_each_block(out: &mut [f32], cost: usize, f: impl Fn(u64, &mut [f32]) + Sync + Send) {
    let len = out.len();
    let out = Shared::new(out);
    parallel::for_each(len.div_ceil(BLOCK), len * cost, |i| {
        // SAFETY: blocks are disjoint.
        f(i as u64, unsafe { out.part(i * BLOCK, (len - i * BLOCK).min(BLOCK)) });
    });
}
