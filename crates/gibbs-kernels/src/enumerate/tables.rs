//! What all shards of 64 states share.
//!
//! The lowest six bits of a state index a shard. Within it `exp(a_j)` is a product of a factor of the shard and a
//! tabulated factor of the six bits, so the inner loops need no exponential: with `t` the largest input of the shard,
//! `exp(softplus(a_j) - max(t, 0)) = one + input * table`, where `one = exp(-max(t, 0))`, `input = exp(min(t, 0))`
//! and `table = exp(a_j - t) <= 1`. Weights of states are products of such numbers; no logarithm is needed either,
//! only the exponent of the product is taken off before it can underflow.

use super::Matrix;

/// States of a shard.
pub(super) const SHARD: usize = 64;
/// Exponent of the states that a model of fewer than six units does not have: their weight is zero.
const ABSENT: i32 = -(1 << 24);

/// The parameters, in f64, split at six bits. One unit is added to the other layer that is always one: its
/// "expectations" are the normaliser and the expectations of the enumerated units.
pub(super) struct Tables {
    /// Enumerated units within a shard: six, or all of fewer.
    n_low: usize,
    /// Enumerated units beyond the first six.
    pub(super) n_high: usize,
    /// Units of the other layer and the one that is always one.
    pub(super) n_units: usize,
    /// `exp(a_j - t_j)`: `n_units` rows of 64 states.
    pub(super) table: Vec<f64>,
    /// `max(a_j)` over the shard whose high bits are zero.
    pub(super) base: Vec<f64>,
    /// Weights of the high bits, `n_high` rows of `n_units`.
    pub(super) high: Vec<f64>,
    /// Biases of the high bits.
    pub(super) bias_high: Vec<f64>,
    /// Weight of each state by the biases of the low bits: `mantissa 2^exponent`.
    pub(super) mantissa: [f64; SHARD],
    pub(super) exponent: [i32; SHARD],
    /// Largest `-log(table)`.
    pub(super) spread: f64,
}

impl Tables {
    pub(super) fn new(weights: Matrix, bias_e: &[f32], bias_o: &[f32]) -> Self {
        let (n, m) = (weights.n_rows(), weights.n_cols());
        let low = n.min(6);
        let n_units = m + 1;
        let mut table = vec![1.0; n_units * SHARD];
        // The last unit: no weights, and an input so large that its sigmoid is one and its factor exp(0).
        let mut base = vec![0.0; n_units];
        let finite = (0..n * m).all(|k| weights.get(k / m, k % m).is_finite());
        let finite = finite && bias_e.iter().chain(bias_o).all(|b| b.is_finite());
        // Taking exponents off would hide a NaN; the plain twin passes it on.
        let mut spread: f64 = if finite { 0.0 } else { f64::INFINITY };
        for (j, row) in table.chunks_exact_mut(SHARD).take(m).enumerate() {
            base[j] = f64::from(bias_o[j]);
            let mut fall = 0.0;
            for i in 0..low {
                let w = f64::from(weights.get(i, j));
                base[j] += w.max(0.0);
                fall += w.abs();
                let (zero, one) = ((-w.max(0.0)).exp(), w.min(0.0).exp());
                for s in 0..1 << i {
                    row[s | 1 << i] = row[s] * one;
                    row[s] *= zero;
                }
            }
            spread = spread.max(fall);
        }
        let mut high = vec![0.0; (n - low) * n_units];
        for (i, row) in high.chunks_exact_mut(n_units).enumerate() {
            (0..m).for_each(|j| row[j] = f64::from(weights.get(low + i, j)));
        }
        let (mut mantissa, mut exponent) = ([1.0; SHARD], [ABSENT; SHARD]);
        for s in 0..1 << low {
            let linear: f64 = (0..low).filter(|i| s >> i & 1 == 1).map(|i| f64::from(bias_e[i])).sum();
            (mantissa[s], exponent[s]) = split_exp(linear);
        }
        let bias_high = bias_e[low..].iter().map(|&b| f64::from(b)).collect();
        Self { n_low: low, n_high: n - low, n_units, table, base, high, bias_high, mantissa, exponent, spread }
    }

    /// Enumerated units within a shard.
    pub(super) fn n_low(&self) -> usize {
        self.n_low
    }

    /// The largest inputs of a shard into `t`; returns the weight of its high bits' biases in nats.
    pub(super) fn shard(&self, high_bits: u64, t: &mut [f64]) -> f64 {
        t.copy_from_slice(&self.base);
        let mut linear = 0.0;
        let mut left = high_bits;
        while left != 0 {
            let i = left.trailing_zeros() as usize;
            t.iter_mut().zip(&self.high[i * self.n_units..]).for_each(|(t, w)| *t += w);
            linear += self.bias_high[i];
            left &= left - 1;
        }
        linear
    }
}

/// `exp(x)` as a number in `[1, 2)` and a power of two, clamped to what 32 bits hold.
pub(super) fn split_exp(x: f64) -> (f64, i32) {
    let binary = x * std::f64::consts::LOG2_E;
    let whole = binary.floor();
    ((binary - whole).exp2(), whole as i32)
}

/// `2^exponent`, zero below the smallest normal number.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    if exponent < -1022 { 0.0 } else { f64::from_bits(((exponent + 1023) as u64) << 52) }
}
