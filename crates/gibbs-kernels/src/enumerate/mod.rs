//! Exact sums over all states of the smaller layer of a two-layer binary model.
//!
//! For a state `e` of the enumerated layer (n units) the other layer (m units) is summed analytically:
//! `log w(e) = e . bias_e + sum_j softplus(a_j(e))` with `a_j(e) = bias_o[j] + sum_i e_i W[i, j]`, and
//! `log Z = log sum_e w(e)`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod shards;
#[cfg(target_arch = "x86_64")]
mod tables;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::activation::log_sum_exp;
use crate::bit_gemm::Matrix;
use crate::level::{Level, level};
use crate::parallel::{self, Shared};

/// Ordered ranges of states whose sums are combined in index order; fixed, so that threads cannot matter.
const RANGES: usize = 64;

/// Exact `log Z` in nats, all sums in f64. `progress` is told the number of states done (from several threads, not in
/// order); when it answers `false` the sum stops and the result is `None`.
///
/// Shapes: `weights` n x m (any strides), `bias_e` n, `bias_o` m.
///
/// # Panics
/// On other shapes, or if `n > 62`.
///
/// # Example
/// ```
/// use gibbs_kernels::{bit_gemm::Matrix, enumerate::log_z};
/// // One unit on each side without parameters: four states.
/// let z = log_z(Matrix::row_major(&[0.0], 1, 1), &[0.0], &[0.0], &|_| true).unwrap();
/// assert!((z - 4f64.ln()).abs() < 1e-12);
/// ```
pub fn log_z(weights: Matrix, bias_e: &[f32], bias_o: &[f32], progress: &(dyn Fn(u64) -> bool + Sync)) -> Option<f64> {
    log_z_on(level(), weights, bias_e, bias_o, progress)
}

fn log_z_on(
    on: Level,
    weights: Matrix,
    bias_e: &[f32],
    bias_o: &[f32],
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Option<f64> {
    check(weights, bias_e, bias_o);
    let (done, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    let report = |n: u64| {
        if !progress(done.fetch_add(n, Ordering::Relaxed) + n) {
            stopped.store(true, Ordering::Relaxed);
        }
        !stopped.load(Ordering::Relaxed)
    };
    #[cfg(target_arch = "x86_64")]
    if on >= Level::Avx2Fma {
        let tables = tables::Tables::new(weights, bias_e, bias_o);
        if shards::fits_f64(&tables) {
            let ranges = Ranges::new(tables.n_high, 4);
            let sums = ranges.map(ranges.states() * weights.n_cols() * 8, |shards| {
                // SAFETY: this level is only found on a processor that has it.
                unsafe { shards::log_sum(&tables, shards, &report) }
            });
            return (!stopped.load(Ordering::Relaxed)).then(|| log_sum_exp(&sums));
        }
    }
    let model = scalar::Model::new(weights, bias_e, bias_o);
    let ranges = Ranges::new(weights.n_rows(), 256);
    let sums = ranges.map(ranges.states() * weights.n_cols() * 10, |states| model.log_sum(states, &report));
    (!stopped.load(Ordering::Relaxed)).then(|| log_sum_exp(&sums))
}

/// Exact expectations under the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `log Z` in nats.
    pub log_z: f64,
    /// `E[e_i]`, n.
    pub enumerated: Vec<f64>,
    /// `E[o_j]` of the other layer, m.
    pub other: Vec<f64>,
    /// `E[e_i o_j]`, n x m row-major.
    pub joint: Vec<f64>,
}

/// Exact first moments and pair moments between the layers: what the exact gradient of the likelihood needs.
///
/// Shapes and panics as in [`log_z`].
pub fn moments(weights: Matrix, bias_e: &[f32], bias_o: &[f32]) -> Moments {
    moments_on(level(), weights, bias_e, bias_o)
}

fn moments_on(on: Level, weights: Matrix, bias_e: &[f32], bias_o: &[f32]) -> Moments {
    check(weights, bias_e, bias_o);
    #[cfg(target_arch = "x86_64")]
    if on >= Level::Avx2Fma {
        let tables = tables::Tables::new(weights, bias_e, bias_o);
        if shards::fits_f32(&tables) {
            let table: Vec<f32> = tables.table.iter().map(|&x| x as f32).collect();
            let ranges = Ranges::new(tables.n_high, 16);
            let parts = ranges.map(ranges.states() * weights.n_cols() * 16, |shards| {
                // SAFETY: this level is only found on a processor that has it.
                unsafe { shards::moments(&tables, &table, shards) }
            });
            return combine(&parts);
        }
    }
    let model = scalar::Model::new(weights, bias_e, bias_o);
    let ranges = Ranges::new(weights.n_rows(), 256);
    combine(&ranges.map(ranges.states() * weights.n_cols() * 30, |states| model.moments(states)))
}

fn check(weights: Matrix, bias_e: &[f32], bias_o: &[f32]) {
    let shape = (weights.n_rows(), weights.n_cols());
    assert_eq!((bias_e.len(), bias_o.len()), shape, "one bias a unit");
    assert!(shape.0 <= 62, "2^{} states cannot be counted", shape.0);
}

/// Averages the ranges' moments with weights `Z_range / Z`, in index order.
fn combine(parts: &[Moments]) -> Moments {
    let log_z = log_sum_exp(&parts.iter().map(|p| p.log_z).collect::<Vec<_>>());
    let first = &parts[0];
    let zeros = |x: &Vec<f64>| vec![0.0; x.len()];
    let mut all =
        Moments { log_z, enumerated: zeros(&first.enumerated), other: zeros(&first.other), joint: zeros(&first.joint) };
    for part in parts {
        let share = (part.log_z - log_z).exp();
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(t, f)| *t += share * f);
        add(&mut all.enumerated, &part.enumerated);
        add(&mut all.other, &part.other);
        add(&mut all.joint, &part.joint);
    }
    all
}

/// `2^n` states, or shards of them, in ordered ranges of equal size.
#[derive(Clone, Copy)]
struct Ranges {
    n: usize,
    size: u64,
}

impl Ranges {
    /// At most [`RANGES`] ranges of at least `least` states.
    fn new(n_bits: usize, least: u64) -> Self {
        let states = 1u64 << n_bits;
        let n = (states / least).clamp(1, RANGES as u64);
        Self { n: n as usize, size: states / n }
    }

    fn states(self) -> usize {
        self.n * self.size as usize
    }

    /// The results of all ranges, in order; `cost` is a rough total in nanoseconds.
    fn map<T: Send>(self, cost: usize, f: impl Fn(Range<u64>) -> T + Sync + Send) -> Vec<T> {
        let mut results: Vec<Option<T>> = (0..self.n).map(|_| None).collect();
        let out = Shared::new(&mut results);
        parallel::for_each(self.n, cost, |i| {
            let range = i as u64 * self.size..(i as u64 + 1) * self.size;
            // SAFETY: each range writes its own result.
            unsafe { out.part(i, 1)[0] = Some(f(range)) };
        });
        results.into_iter().flatten().collect()
    }
}
