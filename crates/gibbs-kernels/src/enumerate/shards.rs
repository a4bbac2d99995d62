//! Ordered walks over shards of 64 states, on top of the vector loops of [`super::avx2`].

use std::ops::Range;

use super::tables::{SHARD, Tables, power_of_two, split_exp};
use super::{Moments, avx2};

/// Shards whose f32 sums are added up before they go to f64.
const BLOCK: u64 = 64;
/// Shards between two reports of progress.
const REPORT: u64 = 256;
/// Products of f32 factors stay above exp(-80), those of f64 above exp(-600).
const DEPTH: (f64, f64) = (80.0, 600.0);

/// Whether the weights are small enough for the tables: a factor must not underflow by itself.
pub(super) fn fits_f32(tables: &Tables) -> bool {
    tables.spread < DEPTH.0
}

/// As [`fits_f32`], for [`log_sum`].
pub(super) fn fits_f64(tables: &Tables) -> bool {
    tables.spread < DEPTH.1
}

/// Number of factors that can be multiplied; their upper limit is two each.
fn group(depth: f64, spread: f64) -> usize {
    (depth / spread.max(1.0)) as usize
}

/// `log sum w(e)` over a range of shards; stops early when `report` says so.
///
/// # Safety
/// Needs AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn log_sum(tables: &Tables, shards: Range<u64>, report: &(dyn Fn(u64) -> bool + Sync)) -> f64 {
    let m = tables.n_units;
    let group = group(DEPTH.1, tables.spread);
    let (mut t, mut one, mut input) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
    let (mut sum, mut reference) = (0.0, i32::MIN);
    let states = SHARD as u64 >> (6 - 6.min(tables.n_low()));
    for (i, shard) in shards.clone().enumerate() {
        let linear = tables.shard(shard, &mut t);
        let (scale, shift) = split_exp(linear + avx2::factors(&t, &mut one, &mut input));
        let (mut mantissa, mut exponent) = (tables.mantissa, tables.exponent);
        avx2::multiply_f64((&one, &input, &tables.table), group, &mut mantissa, &mut exponent);
        let top = exponent.iter().max().expect("64 states") + shift;
        if top > reference {
            sum *= power_of_two(reference.saturating_sub(top).max(-2000));
            reference = top;
        }
        let down = shift - reference;
        let weights: f64 = mantissa.iter().zip(exponent).map(|(m, e)| m * power_of_two((e + down).max(-2000))).sum();
        sum += scale * weights;
        let walked = i as u64 + 1;
        let left = if walked.is_multiple_of(REPORT) { REPORT } else { walked % REPORT };
        if (walked.is_multiple_of(REPORT) || shard + 1 == shards.end) && !report(left * states) {
            break;
        }
    }
    sum.ln() + f64::from(reference) * std::f64::consts::LN_2
}

/// Sums of one range, in units of `2^reference`.
struct Sums {
    reference: i32,
    /// `sum_e w(e) sigma_j`.
    total: Vec<f64>,
    /// `sum_e e_i w(e) sigma_j`, low bits first.
    joint: Vec<f64>,
}

/// The moments of the model restricted to a range of shards.
///
/// # Safety
/// Needs AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn moments(tables: &Tables, table: &[f32], shards: Range<u64>) -> Moments {
    let m = tables.n_units;
    let n = tables.n_low() + tables.n_high;
    let mut sums = Sums { reference: i32::MIN, total: vec![0.0; m], joint: vec![0.0; n * m] };
    let mut start = shards.start;
    while start < shards.end {
        let end = shards.end.min(start + BLOCK);
        add_block(tables, table, start..end, &mut sums);
        start = end;
    }
    let z = sums.total[m - 1];
    let means = |x: &[f64]| x.iter().map(|x| x / z).collect::<Vec<_>>();
    Moments {
        log_z: z.ln() + f64::from(sums.reference) * std::f64::consts::LN_2,
        enumerated: (0..n).map(|i| sums.joint[i * m + m - 1] / z).collect(),
        other: means(&sums.total[..m - 1]),
        joint: sums.joint.chunks_exact(m).flat_map(|row| means(&row[..m - 1])).collect(),
    }
}

#[target_feature(enable = "avx2,fma")]
fn add_block(tables: &Tables, table: &[f32], shards: Range<u64>, all: &mut Sums) {
    let m = tables.n_units;
    let group = group(DEPTH.0, tables.spread);
    let (mut t, mut one, mut input) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
    let (mut one_f32, mut input_f32, mut totals) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
    let mut by_state = vec![0.0f32; m * SHARD];
    let mut by_high_bit = vec![0.0f32; m * tables.n_high];
    let start: [f32; SHARD] = tables.mantissa.map(|x| x as f32);
    let mut reference = i32::MIN;
    for shard in shards {
        let linear = tables.shard(shard, &mut t);
        let (scale, shift) = split_exp(linear + avx2::factors(&t, &mut one, &mut input));
        one_f32.iter_mut().zip(&one).for_each(|(to, x)| *to = *x as f32);
        input_f32.iter_mut().zip(&input).for_each(|(to, x)| *to = *x as f32);
        let factors = (&one_f32[..], &input_f32[..], table);
        let (mut mantissa, mut exponent) = (start, tables.exponent);
        avx2::multiply_f32(factors, group, &mut mantissa, &mut exponent);
        let top = exponent.iter().max().expect("64 states") + shift;
        if top > reference {
            // A power of two: nothing is rounded.
            let shrink = power_of_two(reference.saturating_sub(top).max(-2000)) as f32;
            by_state.iter_mut().chain(&mut by_high_bit).for_each(|x| *x *= shrink);
            reference = top;
        }
        let (scale, down) = (scale as f32, shift - reference);
        for (weight, e) in mantissa.iter_mut().zip(exponent) {
            let e = e + down;
            *weight *= if e < -126 { 0.0 } else { scale * f32::from_bits(((e + 127) as u32) << 23) };
        }
        avx2::add_sigmoids(factors, &mantissa, &mut by_state, &mut totals);
        for (i, row) in by_high_bit.chunks_exact_mut(m).enumerate().filter(|(i, _)| shard >> i & 1 == 1) {
            debug_assert!(i < tables.n_high);
            row.iter_mut().zip(&totals).for_each(|(to, x)| *to += x);
        }
    }
    // The block joins the sums of the range at the larger of the two scales.
    let top = reference.max(all.reference);
    let shrink = power_of_two(all.reference.saturating_sub(top).max(-2000));
    all.total.iter_mut().chain(&mut all.joint).for_each(|x| *x *= shrink);
    all.reference = top;
    let shrink = power_of_two(reference.saturating_sub(top).max(-2000));
    let n_low = tables.n_low();
    for (j, states) in by_state.chunks_exact(SHARD).enumerate() {
        let (total, low) = fold(states);
        all.total[j] += shrink * total;
        (0..n_low).for_each(|i| all.joint[i * m + j] += shrink * low[i]);
    }
    for (to, x) in all.joint[n_low * m..].iter_mut().zip(&by_high_bit) {
        *to += shrink * f64::from(*x);
    }
}

/// The sum of 64 numbers, and for each of six bits the sum over the states that have it: halving sums, highest bit
/// first.
#[target_feature(enable = "avx2,fma")]
fn fold(states: &[f32]) -> (f64, [f64; 6]) {
    let mut x: [f64; SHARD] = std::array::from_fn(|s| f64::from(states[s]));
    let mut low = [0.0; 6];
    for i in (0..6).rev() {
        let (without, with) = x[..2 << i].split_at_mut(1 << i);
        low[i] = with.iter().sum();
        without.iter_mut().zip(with).for_each(|(a, b)| *a += *b);
    }
    (x[0], low)
}
