//! Forward and backward over a chain of labels: exact marginals of `p(y) prop exp(sum_t s_t(y_t) + sum_t w(y_t-1, y_t))`.
//!
//! Probabilities are scaled at every position, so a position costs two products of a vector with an `n x n` table and one
//! outer product, and no logarithm but that of its scale. Where potentials differ by hundreds of nats scaled numbers can
//! underflow: that is noticed, and the answer is NaN, for the caller to go on with logarithms.
//!
//! Plain loops that the compiler turns into vectors, compiled once for the portable instruction set and once for AVX2;
//! results are the same to the bit. Functions here are serial: callers are the threads.
//!
//! Source: Rabiner 1989, section V.A, DOI 10.1109/5.18626, with `exp(s_t(j))` for the emission.
#![expect(
    clippy::inline_always,
    reason = "one body is compiled once for each instruction set, which inlining alone does"
)]

#[cfg(test)]
mod tests;

use crate::level::{Level, level};

/// Below this a scale has lost the digits of what it sums.
const SMALLEST_SCALE: f64 = 1e-250;

/// Numbers of a padded row come in multiples of this.
const LANES: usize = 8;

/// Transition weights, with their exponentials in rows and in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Transitions {
    n_labels: usize,
    stride: usize,
    max: f64,
    weights: Vec<f64>,
    exp: Vec<f64>,
    exp_transposed: Vec<f64>,
}

impl Transitions {
    /// From weights `n_labels x n_labels`; row: label before, column: label after.
    ///
    /// # Panics
    /// If there are not `n_labels^2` weights.
    pub fn new(n_labels: usize, weights: &[f64]) -> Self {
        assert_eq!(weights.len(), n_labels * n_labels, "a square table of transitions");
        let stride = n_labels.next_multiple_of(LANES);
        let max = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let max = if max.is_finite() { max } else { 0.0 };
        let mut exp = vec![0.0; n_labels * stride];
        let mut exp_transposed = exp.clone();
        for i in 0..n_labels {
            for j in 0..n_labels {
                let e = (weights[i * n_labels + j] - max).exp();
                exp[i * stride + j] = e;
                exp_transposed[j * stride + i] = e;
            }
        }
        Self { n_labels, stride, max, weights: weights.to_vec(), exp, exp_transposed }
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// The weights, `n_labels x n_labels`.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Length of a padded row of [`Workspace::steps`].
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Expected transitions `n_labels x n_labels` from sums of [`Workspace::steps`], added to `counts`.
    pub fn add_counts(&self, steps: &[f64], counts: &mut [f64]) {
        for (i, counts) in counts.chunks_exact_mut(self.n_labels.max(1)).enumerate() {
            for (j, c) in counts.iter_mut().enumerate() {
                *c += steps[i * self.stride + j] * self.exp[i * self.stride + j];
            }
        }
    }
}

/// Buffers of [`log_z`] and [`marginals`], and what the latter leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    local: Vec<f64>,
    forward: Vec<f64>,
    scales: Vec<f64>,
    beta: Vec<f64>,
    /// Sums over positions that become expected transitions by [`Transitions::add_counts`]: `n_labels x stride`, added to
    /// by every call of [`marginals`] since it was cleared.
    pub steps: Vec<f64>,
}

impl Workspace {
    /// Sets [`Workspace::steps`] to zero, of the size these transitions need.
    pub fn clear_steps(&mut self, transitions: &Transitions) {
        self.steps.clear();
        self.steps.resize(transitions.n_labels * transitions.stride, 0.0);
    }

    fn reserve(&mut self, n_positions: usize, stride: usize) {
        for buffer in [&mut self.local, &mut self.forward] {
            if buffer.len() < n_positions * stride {
                buffer.resize(n_positions * stride, 0.0);
            }
        }
        if self.scales.len() < n_positions {
            self.scales.resize(n_positions, 0.0);
        }
        self.beta.resize(stride, 0.0);
    }

    /// `p(y_t = j | s_0, .., s_t)` after [`log_z`] or [`marginals`], the labels of position `t`.
    pub fn filtered<'a>(&'a self, transitions: &Transitions, t: usize) -> &'a [f64] {
        &self.forward[t * transitions.stride..][..transitions.n_labels]
    }
}

macro_rules! dispatch {
    ($plain:ident, $avx2:ident, ($($arg:expr),*)) => {
        match level() {
            Level::Scalar => $plain($($arg),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this level is only found on a processor that has it.
            Level::Avx2Fma | Level::Avx512 => unsafe { $avx2($($arg),*) },
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2Fma | Level::Avx512 => $plain($($arg),*),
        }
    };
}

/// `log Z` of the chain with node scores `scores` (positions x labels), nats; NaN where scaled numbers underflow.
///
/// # Panics
/// If `scores` is not whole rows of labels.
pub fn log_z(transitions: &Transitions, scores: &[f64], ws: &mut Workspace) -> f64 {
    check(transitions, scores);
    dispatch!(forward, forward_avx2, (transitions, scores, ws))
}

/// As [`log_z`]; `nodes[t * n_labels + j] = p(y_t = j)`, and [`Workspace::steps`] is added to.
///
/// # Panics
/// If `scores` is not whole rows of labels, `nodes` has another length, or [`Workspace::clear_steps`] was not called.
pub fn marginals(transitions: &Transitions, scores: &[f64], nodes: &mut [f64], ws: &mut Workspace) -> f64 {
    check(transitions, scores);
    assert_eq!(nodes.len(), scores.len(), "a probability for every score");
    assert_eq!(ws.steps.len(), transitions.n_labels * transitions.stride, "steps of these transitions");
    let log_z = dispatch!(forward, forward_avx2, (transitions, scores, ws));
    if log_z.is_nan() {
        return log_z;
    }
    if dispatch!(backward, backward_avx2, (transitions, nodes, ws)) { log_z } else { f64::NAN }
}

fn check(transitions: &Transitions, scores: &[f64]) {
    let n = transitions.n_labels;
    assert!(n > 0 && scores.len().is_multiple_of(n), "whole rows of {n} scores");
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn forward_avx2(transitions: &Transitions, scores: &[f64], ws: &mut Workspace) -> f64 {
    forward(transitions, scores, ws)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn backward_avx2(transitions: &Transitions, nodes: &mut [f64], ws: &mut Workspace) -> bool {
    backward(transitions, nodes, ws)
}

#[inline(always)]
fn forward(transitions: &Transitions, scores: &[f64], ws: &mut Workspace) -> f64 {
    let (n, stride) = (transitions.n_labels, transitions.stride);
    let n_positions = scores.len() / n;
    ws.reserve(n_positions, stride);
    let mut log_z = 0.0;
    for (t, scores) in scores.chunks_exact(n).enumerate() {
        let local = &mut ws.local[t * stride..][..stride];
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
        for (l, s) in local.iter_mut().zip(scores) {
            *l = exp(s - highest);
        }
        local[n..].fill(0.0);
        let (before, here) = ws.forward.split_at_mut(t * stride);
        let here = &mut here[..stride];
        if t == 0 {
            here.copy_from_slice(local);
        } else {
            vector_times(&before[(t - 1) * stride..][..n], &transitions.exp, here);
            here.iter_mut().zip(&*local).for_each(|(h, l)| *h *= l);
            log_z += transitions.max;
        }
        let scale = sum(here);
        if !(scale > SMALLEST_SCALE && scale < f64::INFINITY) {
            return f64::NAN;
        }
        let inverse = 1.0 / scale;
        here.iter_mut().for_each(|h| *h *= inverse);
        ws.scales[t] = inverse;
        log_z += highest + scale.ln();
    }
    log_z
}

/// Whether every number came out finite; if not, steps are not added to.
#[inline(always)]
fn backward(transitions: &Transitions, nodes: &mut [f64], ws: &mut Workspace) -> bool {
    let (n, stride) = (transitions.n_labels, transitions.stride);
    let Workspace { local, forward, scales, beta, steps } = ws;
    beta[..n].fill(1.0);
    beta[n..].fill(0.0);
    for (t, nodes) in nodes.chunks_exact_mut(n).enumerate().rev() {
        let here = &forward[t * stride..][..n];
        for ((p, h), b) in nodes.iter_mut().zip(here).zip(&*beta) {
            *p = h * b;
        }
        if t > 0 {
            let local = &mut local[t * stride..][..stride];
            for (l, b) in local.iter_mut().zip(&*beta) {
                *l *= b * scales[t];
            }
            vector_times(&local[..n], &transitions.exp_transposed, beta);
        }
    }
    // Infinite or NaN anywhere later ends up in the sum of the first position, which is one otherwise.
    let Some(first) = nodes.chunks_exact(n).next() else {
        return true;
    };
    let total = sum(first);
    if total.is_nan() || (total - 1.0).abs() > 1e-6 {
        return false;
    }
    let before = forward.chunks_exact(stride);
    for (before, onward) in before.zip(local.chunks_exact(stride).skip(1)).take(nodes.len() / n - 1) {
        for (b, steps) in before.iter().zip(steps.chunks_exact_mut(stride)) {
            steps.iter_mut().zip(onward).for_each(|(s, w)| *s += b * w);
        }
    }
    true
}

/// `out = v' M`, rows of `M` as long as `out`, a multiple of the lanes.
#[inline(always)]
fn vector_times(v: &[f64], m: &[f64], out: &mut [f64]) {
    let stride = out.len();
    let mut at = 0;
    // Sums stay in registers while the rows are walked.
    while at + 4 * LANES <= stride {
        tile::<{ 4 * LANES }>(v, m, at, out);
        at += 4 * LANES;
    }
    if at + 2 * LANES <= stride {
        tile::<{ 2 * LANES }>(v, m, at, out);
        at += 2 * LANES;
    }
    if at < stride {
        tile::<LANES>(v, m, at, out);
    }
}

#[inline(always)]
fn tile<const N: usize>(v: &[f64], m: &[f64], at: usize, out: &mut [f64]) {
    let mut acc = [0.0; N];
    for (v, row) in v.iter().zip(m.chunks_exact(out.len())) {
        let row = &row[at..][..N];
        for k in 0..N {
            acc[k] += v * row[k];
        }
    }
    out[at..][..N].copy_from_slice(&acc);
}

/// Four partial sums.
#[inline(always)]
fn sum(x: &[f64]) -> f64 {
    let (chunks, rest) = x.as_chunks::<4>();
    let mut acc = [0.0; 4];
    for c in chunks {
        for k in 0..4 {
            acc[k] += c[k];
        }
    }
    (acc[0] + acc[1]) + (acc[2] + acc[3]) + rest.iter().sum::<f64>()
}

/// `exp(x)` for `x <= 0` to 1e-15 relative; `x` below -708 counts as -708. Without branches, so that loops over it become
/// vectors: `x = k ln 2 + r` with `|r| <= ln 2 / 2`, and the series of `exp(r)` to the twelfth power, whose first omitted
/// term is `r^13 / 13! < 2e-16`.
#[inline(always)]
fn exp(x: f64) -> f64 {
    /// Adding this leaves the nearest integer in the low bits: `1.5 2^52`.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// ln 2 in two parts, the first short enough that `k` times it is exact.
    const LN2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    /// `1/12!, 1/11!, ..., 1`.
    const SERIES: [f64; 13] = [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let x = if x < -708.0 { -708.0 } else { x };
    let k = x * std::f64::consts::LOG2_E + ROUND;
    let whole = k - ROUND;
    let r = (x - whole * LN2[0]) - whole * LN2[1];
    let mut p = SERIES[0];
    for c in &SERIES[1..] {
        p = p * r + c;
    }
    p * f64::from_bits((k.to_bits() << 52).wrapping_add(1.0f64.to_bits()))
}
