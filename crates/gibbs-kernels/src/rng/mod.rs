//! Wide random numbers: eight lanes of xoshiro128++ for a block, seeded by Philox from the key and the block.
//!
//! A block is a fixed piece of the output (4096 numbers here, 64 rows of 64 columns in [`crate::bernoulli`]), so the
//! key alone decides every number, whatever the number of threads. Philox alone would do, at three times the cost.
//!
//! Sources: xoshiro128++, Blackman & Vigna 2021, DOI 10.1145/3460772; Philox, DOI 10.1145/2063384.2063405.

#[cfg(test)]
mod tests;

use crate::parallel::{self, Shared};
use crate::philox::philox4x32;

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
        let k: [u32; 4] = std::array::from_fn(|i| (key >> (32 * i)) as u32);
        let mut state = [[0; 8]; 4];
        for lane in 0..8 {
            let counter = [block as u32 ^ k[2], (block >> 32) as u32 ^ k[3], lane as u32, DOMAIN];
            let mut words = philox4x32(counter, [k[0], k[1]]);
            if words == [0; 4] {
                words[0] = 1; // the one state that xoshiro never leaves
            }
            for (row, word) in state.iter_mut().zip(words) {
                row[lane] = word;
            }
        }
        Self { state }
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

/// Independent uniform numbers in `[0, 1)`, multiples of 2^-24.
///
/// # Example
/// ```
/// let mut u = [0.0; 3];
/// gibbs_kernels::rng::fill_uniform(5, &mut u);
/// assert!(u.iter().all(|u| (0.0..1.0).contains(u)));
/// ```
pub fn fill_uniform(key: u128, out: &mut [f32]) {
    for_each_block(out, 1, |block, out| {
        let mut lanes = Lanes::new(key, block);
        for out in out.chunks_mut(8) {
            let x = lanes.next_u32s();
            out.iter_mut().zip(x).for_each(|(o, x)| *o = (x >> 8) as f32 * (1.0 / (1 << 24) as f32));
        }
    });
}

/// Independent standard normal numbers (Box & Muller 1958, DOI 10.1214/aoms/1177706645); none is larger than 6.7 in
/// absolute value, which truncates probability 2.1e-11.
pub fn fill_normal(key: u128, out: &mut [f32]) {
    for_each_block(out, 8, |block, out| {
        let mut lanes = Lanes::new(key, block);
        for out in out.chunks_mut(16) {
            let (x, y) = (lanes.next_u32s(), lanes.next_u32s());
            let mut pair = [0.0; 16];
            for l in 0..8 {
                let radius = (-2.0 * ((x[l] as f32 + 1.0) * 2f32.powi(-32)).ln()).sqrt();
                let (sin, cos) = ((y[l] >> 8) as f32 * (std::f32::consts::TAU / (1 << 24) as f32)).sin_cos();
                (pair[l], pair[8 + l]) = (radius * cos, radius * sin);
            }
            out.copy_from_slice(&pair[..out.len()]);
        }
    });
}

fn for_each_block(out: &mut [f32], cost: usize, f: impl Fn(u64, &mut [f32]) + Sync + Send) {
    let len = out.len();
    let out = Shared::new(out);
    parallel::for_each(len.div_ceil(BLOCK), len * cost, |i| {
        // SAFETY: blocks are disjoint.
        f(i as u64, unsafe { out.part(i * BLOCK, (len - i * BLOCK).min(BLOCK)) });
    });
}
