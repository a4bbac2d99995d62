//! Exact sums over all states of the smaller layer of a two-layer binary model.
//!
//! For a state `e` of the enumerated layer (n units) the other layer (m units) is summed analytically:
//! `log w(e) = e . bias_e + sum_j softplus(a_j(e))` with `a_j(e) = bias_o[j] + sum_i e_i W[i, j]`, and
//! `log Z = log sum_e w(e)`.

mod scalar;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::activation::log_sum_exp;
use crate::bit_gemm::Matrix;
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
    let model = scalar::Model::new(weights, bias_e, bias_o);
    let ranges = Ranges::new(weights.n_rows());
    let (done, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    let report = |n: u64| {
        if !progress(done.fetch_add(n, Ordering::Relaxed) + n) {
            stopped.store(true, Ordering::Relaxed);
        }
        !stopped.load(Ordering::Relaxed)
    };
    let mut sums = vec![f64::NEG_INFINITY; ranges.n];
    let out = Shared::new(&mut sums);
    parallel::for_each(ranges.n, ranges.cost(weights.n_cols()), |i| {
        // SAFETY: each range writes its own sum.
        unsafe { out.part(i, 1)[0] = model.log_sum(ranges.range(i), &report) };
    });
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
    let model = scalar::Model::new(weights, bias_e, bias_o);
    let ranges = Ranges::new(weights.n_rows());
    let mut parts: Vec<Option<Moments>> = vec![None; ranges.n];
    let out = Shared::new(&mut parts);
    parallel::for_each(ranges.n, 3 * ranges.cost(weights.n_cols()), |i| {
        // SAFETY: each range writes its own part.
        unsafe { out.part(i, 1)[0] = Some(model.moments(ranges.range(i))) };
    });
    combine(&parts.into_iter().flatten().collect::<Vec<_>>())
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

/// The `2^n` states in ordered ranges of equal size.
#[derive(Clone, Copy)]
struct Ranges {
    n: usize,
    size: u64,
}

impl Ranges {
    fn new(n_bits: usize) -> Self {
        assert!(n_bits <= 62, "2^{n_bits} states cannot be counted");
        let states = 1u64 << n_bits;
        let n = (states / 256).clamp(1, RANGES as u64);
        Self { n: n as usize, size: states / n }
    }

    fn range(self, i: usize) -> std::ops::Range<u64> {
        i as u64 * self.size..(i as u64 + 1) * self.size
    }

    /// About one nanosecond a state and unit.
    fn cost(self, n_units: usize) -> usize {
        (self.n as u64 * self.size).saturating_mul(n_units as u64).min(1 << 40) as usize
    }
}
