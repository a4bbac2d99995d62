//! Bernoulli draws from logits, packed.
//!
//! The less likely value is drawn: with `e = exp(-|x|)` and `u` uniform it wins when `u (1 + e) < e`. So no division
//! is needed, and small probabilities keep their relative accuracy on both sides: the grid of `u` is 2^-31 wide and
//! finer than f32 near zero, a probability below 2^-32 never wins, and `x = 0` gives exactly one half. A logit that is
//! NaN gives the bit of its sign: check the logits, not the bits.
//!
//! The numbers of 64 rows and 64 columns come from one stream ([`crate::rng::Lanes`]) whose block number is
//! `row / 64 * words_per_row + word`: key and shape fix every draw. Instruction sets share the random numbers and
//! differ in `e` by an ulp, so a bit can differ with probability of about 1e-7.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;
#[cfg(test)]
mod tests;

use crate::bits::words_per_row;
use crate::level::{Level, level};
use crate::parallel::{self, Shared};
use crate::rng::{BLOCK_ROWS, Lanes};

/// Words of a row whose increment is summed before it meets f64.
const GROUP: usize = 4;

/// The place of 64 rows and 64 columns in the output.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) key: u128,
    /// First row, a multiple of 64.
    pub(crate) row: usize,
    /// Word of the row.
    pub(crate) word: usize,
    /// Words of a row.
    pub(crate) stride: usize,
}

impl Block {
    fn lanes(self) -> Lanes {
        Lanes::new(self.key, (self.row / BLOCK_ROWS * self.stride + self.word) as u64)
    }
}

/// Draws one block from logits at `x[r * row_stride + j]`; rows and columns beyond the shape are zero.
pub(crate) fn draw_block(
    on: Level,
    block: Block,
    x: &[f32],
    row_stride: usize,
    (n_rows, n_cols): (usize, usize),
    scale: f32,
) -> [u64; BLOCK_ROWS] {
    let mut out = [0; BLOCK_ROWS];
    let lanes = &mut block.lanes();
    match on {
        Level::Scalar => scalar::draw(lanes, x, row_stride, n_cols, scale, &mut out[..n_rows]),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this level is only found on a processor that has it.
        Level::Avx2Fma | Level::Avx512 => unsafe {
            avx2::draw(lanes, x, row_stride, n_cols, scale, &mut out[..n_rows]);
        },
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
    }
    out
}

/// `out[i, j] ~ Bernoulli(sigmoid(scale logits[i, j]))`.
///
/// Shapes: `logits` `n_rows` x `n_cols`, `out` `n_rows` rows of [`words_per_row`]`(n_cols)` words.
///
/// # Panics
/// On other shapes.
///
/// # Example
/// ```
/// let mut bits = [0];
/// gibbs_kernels::bernoulli::draw(&[100.0, -100.0, 100.0], 1, 3, 1.0, 42, &mut bits);
/// assert_eq!(bits, [0b101]);
/// ```
pub fn draw(logits: &[f32], n_rows: usize, n_cols: usize, scale: f32, key: u128, out: &mut [u64]) {
    draw_on(level(), logits, (n_rows, n_cols), scale, key, out);
}

pub(crate) fn draw_on(
    on: Level,
    logits: &[f32],
    (n_rows, n_cols): (usize, usize),
    scale: f32,
    key: u128,
    out: &mut [u64],
) {
    let stride = words_per_row(n_cols);
    assert_eq!(logits.len(), n_rows * n_cols, "{n_rows} rows of {n_cols} logits");
    assert_eq!(out.len(), n_rows * stride, "{n_rows} rows of {stride} words");
    let out = Shared::new(out);
    parallel::for_each(n_rows.div_ceil(BLOCK_ROWS) * stride, logits.len(), |i| {
        let (row, word) = (i / stride * BLOCK_ROWS, i % stride);
        let shape = ((n_rows - row).min(BLOCK_ROWS), (n_cols - 64 * word).min(64));
        let x = &logits[row * n_cols + 64 * word..];
        let drawn = draw_block(on, Block { key, row, word, stride }, x, n_cols, shape, scale);
        for (r, bits) in drawn[..shape.0].iter().enumerate() {
            // SAFETY: blocks are disjoint.
            unsafe { out.part((row + r) * stride + word, 1)[0] = *bits };
        }
    });
}

/// The inner step of annealed importance sampling: [`draw`] at `beta1`, and
/// `increment[i] += sum_j softplus(beta1 x_ij) - softplus(beta0 x_ij)` in nats, in one pass.
///
/// Both inverse temperatures must be at least zero. One logarithm is taken for up to 256 ratios
/// `(1 + e1) / (1 + e0)`; error of the increment: at most 3e-7 nats a column plus 2^-21 of its linear part.
///
/// Shapes: `x` `n_rows` x `n_cols`, `out` as in [`draw`], `increment` `n_rows`.
///
/// # Panics
/// On other shapes.
#[allow(clippy::too_many_arguments)]
pub fn draw_with_increment(
    x: &[f32],
    n_rows: usize,
    n_cols: usize,
    beta0: f32,
    beta1: f32,
    key: u128,
    out: &mut [u64],
    increment: &mut [f64],
) {
    draw_with_increment_on(level(), x, (n_rows, n_cols), (beta0, beta1), key, out, increment);
}

fn draw_with_increment_on(
    on: Level,
    x: &[f32],
    (n_rows, n_cols): (usize, usize),
    betas: (f32, f32),
    key: u128,
    out: &mut [u64],
    increment: &mut [f64],
) {
    let stride = words_per_row(n_cols);
    assert_eq!(x.len(), n_rows * n_cols, "{n_rows} rows of {n_cols} logits");
    assert_eq!(out.len(), n_rows * stride, "{n_rows} rows of {stride} words");
    assert_eq!(increment.len(), n_rows, "one increment a row");
    let groups = stride.div_ceil(GROUP);
    let mut partial = vec![0.0; n_rows.next_multiple_of(BLOCK_ROWS) * groups];
    let (out, sums) = (Shared::new(out), Shared::new(&mut partial));
    parallel::for_each(n_rows.div_ceil(BLOCK_ROWS) * groups, 2 * x.len(), |i| {
        let (row, group) = (i / groups * BLOCK_ROWS, i % groups);
        let n = (n_rows - row).min(BLOCK_ROWS);
        // SAFETY: every unit has its own sums and its own words.
        let sums = unsafe { sums.part(i * BLOCK_ROWS, BLOCK_ROWS) };
        let mut ratios = Ratios::new(betas);
        for word in group * GROUP..stride.min((group + 1) * GROUP) {
            let width = (n_cols - 64 * word).min(64);
            let x = &x[row * n_cols + 64 * word..];
            let lanes = &mut Block { key, row, word, stride }.lanes();
            let mut drawn = [0; BLOCK_ROWS];
            match on {
                Level::Scalar => scalar::draw_with_increment(lanes, x, n_cols, width, betas, &mut drawn[..n], sums),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: this level is only found on a processor that has it.
                Level::Avx2Fma | Level::Avx512 => unsafe {
                    avx2::draw_with_increment(lanes, x, n_cols, width, &mut drawn[..n], &mut ratios);
                },
                #[cfg(not(target_arch = "x86_64"))]
                Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
            }
            for (r, bits) in drawn[..n].iter().enumerate() {
                // SAFETY: as above.
                unsafe { out.part((row + r) * stride + word, 1)[0] = *bits };
            }
        }
        if on != Level::Scalar {
            ratios.add_to(&mut sums[..n]);
        }
    });
    for (i, total) in increment.iter_mut().enumerate() {
        let (block, r) = (i / BLOCK_ROWS, i % BLOCK_ROWS);
        *total += (0..groups).map(|g| partial[(block * groups + g) * BLOCK_ROWS + r]).sum::<f64>();
    }
}

/// What the increments of 64 rows are made of, eight lanes a row.
struct Ratios {
    betas: (f32, f32),
    /// Products of `1 + exp(-beta0 |x|)`: at most 32 factors of two.
    at_beta0: [[f32; 8]; BLOCK_ROWS],
    /// Products of `1 + exp(-beta1 |x|)`.
    at_beta1: [[f32; 8]; BLOCK_ROWS],
    /// Sums of `max(x, 0)`.
    linear: [[f32; 8]; BLOCK_ROWS],
}

impl Ratios {
    fn new(betas: (f32, f32)) -> Self {
        let ones = [[1.0; 8]; BLOCK_ROWS];
        Self { betas, at_beta0: ones, at_beta1: ones, linear: [[0.0; 8]; BLOCK_ROWS] }
    }

    fn add_to(&self, sums: &mut [f64]) {
        let rise = f64::from(self.betas.1) - f64::from(self.betas.0);
        let product = |x: &[f32; 8]| x.iter().map(|&x| f64::from(x)).product::<f64>();
        for (r, total) in sums.iter_mut().enumerate() {
            let linear: f64 = self.linear[r].iter().map(|&x| f64::from(x)).sum();
            *total += rise * linear + (product(&self.at_beta1[r]) / product(&self.at_beta0[r])).ln();
        }
    }
}
