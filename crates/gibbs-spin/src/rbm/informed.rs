//! Gibbs with gradients on the visible units of an RBM.

use std::sync::Arc;

use gibbs_core::kernel::{Evaluated, Kernel, MoveInfo};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::Path;
use gibbs_core::persist::{Persist, StateError, TensorMap};
use gibbs_core::rows::{ExchangeRows, Rows};
use gibbs_core::samplers::Reversible;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::gemm::{Packed, matmul};
use gibbs_kernels::{activation, elementwise};
use rayon::prelude::*;

use super::{RbmEval, RbmPath};
use crate::Bits;
use crate::qubo::flips::Uniforms;

/// Rows that one thread takes at a time; a constant of the results.
const ROWS_AT_ONCE: usize = 32;

/// [`gibbs_core::samplers::GibbsWithGradients`] on the visible units of an RBM with the hidden ones summed out along its path:
/// a flip of unit `i` is guessed to cost `-(1 - 2 v_i) g_i` with `g = (1 - beta) a + beta (b + W sigmoid(beta x))` and hidden
/// inputs `x`, proposed with probability `prop exp((1 - 2 v_i) g_i / 2)`, and corrected by the true free energies.
///
/// Leaves `p_beta(v)` invariant (but for the rounding of f32 inputs) and is reversible. A flip changes the hidden inputs by a
/// row of `W`, so that one matrix product a step is left, that for the fields of the proposals.
///
/// Chains hold the weights in the order in which the product reads them: when the parameters move, start anew with
/// [`Kernel::init`].
///
/// # Source
/// Grathwohl et al. 2021, arXiv 2102.04509, section 4 and appendix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InformedVisible;

/// Steps after which hidden inputs are computed afresh: so many additions of f32 leave an error of some 1e-5.
const REFRESH: u64 = 512;

/// Chains of [`InformedVisible`].
#[derive(Clone, Debug)]
pub struct InformedRbm {
    at: Evaluated<Bits, RbmEval>,
    /// `W'`, for `W sigmoid(x)` of a batch of rows.
    weights: Arc<Packed>,
    /// Weights of the proposals, `exp((1 - 2 v_i) g_i / 2)`, rows x visible.
    proposal: Vec<f32>,
    /// Their sums.
    total: Vec<f64>,
    /// `sum_j softplus(beta x_j)`.
    softplus: Vec<f64>,
    /// Where on the path these hold; NaN for nowhere.
    beta: f64,
    steps: u64,
}

impl Persist for InformedRbm {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.at.save(prefix, to);
        to.insert_u64(format!("{prefix}steps"), self.steps);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.beta = f64::NAN;
        self.steps = from.expect_u64(&format!("{prefix}steps"))?;
        self.at.load(prefix, from)
    }
}

impl ExchangeRows for InformedRbm {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        self.at.exchange_rows(&mut other.at, which);
        (self.beta, other.beta) = (f64::NAN, f64::NAN);
    }
}

/// What a block of rows knows at one `beta`.
struct Model<'a> {
    path: &'a RbmPath,
    weights: &'a Packed,
    beta: f64,
    bias: &'a [f32],
}

impl Model<'_> {
    /// Weights of the proposals, their sums, and softplus sums of rows with hidden inputs `input`; `on(row, i)` is `v_i`.
    fn evaluate(
        &self,
        input: &[f32],
        on: impl Fn(usize, usize) -> bool,
        (proposal, total, softplus): (&mut [f32], &mut [f64], &mut [f64]),
        buffers: &mut (Vec<f32>, Vec<f32>),
    ) {
        let (rows, beta) = (total.len(), self.beta as f32);
        let (nv, nh) = (self.path.target.n_visible(), self.path.target.n_hidden());
        let (p, g) = buffers;
        p.resize(rows * nh, 0.0);
        g.resize(rows * nv, 0.0);
        activation::sigmoid(beta, input, p);
        activation::softplus_sum(input, rows, nh, beta, softplus);
        matmul(rows, p, self.weights, None, false, g);
        for (row, g) in g.chunks_exact_mut(nv).enumerate() {
            for (i, (g, b)) in g.iter_mut().zip(self.bias).enumerate() {
                let half = 0.5 * (b + beta * *g);
                *g = if on(row, i) { -half } else { half };
            }
        }
        elementwise::exp(g, proposal);
        for (total, w) in total.iter_mut().zip(proposal.chunks_exact(nv)) {
            *total = sum(w);
        }
    }
}

/// A sum in f64 with eight partial sums.
fn sum(w: &[f32]) -> f64 {
    let (eights, rest) = w.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(s, w)| *s += f64::from(*w));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|w| f64::from(*w)).sum::<f64>()
}

/// The place where the running sum passes `rest`.
fn choose(w: &[f32], mut rest: f64) -> usize {
    let mut start = 0;
    // Sixteen at a time until the place is near.
    for chunk in w.chunks(16) {
        let s = sum(chunk);
        if rest < s || start + chunk.len() == w.len() {
            for (k, w) in chunk.iter().enumerate() {
                rest -= f64::from(*w);
                if rest < 0.0 {
                    return start + k;
                }
            }
            return start + chunk.len() - 1;
        }
        rest -= s;
        start += chunk.len();
    }
    w.len() - 1
}

impl Kernel<RbmPath> for InformedVisible {
    type Chain = InformedRbm;
    type Tuning = ();
    /// `divergent` counts rows that stayed because an energy was not a number.
    type Info = MoveInfo;

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> InformedRbm {
        let (n, nv, nh) = (x.n_rows(), path.target.n_visible(), path.target.n_hidden());
        let mut eval = path.empty_eval();
        path.evaluate(&x, &mut eval, ws);
        InformedRbm {
            at: Evaluated { x, eval },
            weights: Arc::new(Packed::transposed(nh, nv, path.target.weights())),
            proposal: vec![0.0; n * nv],
            total: vec![0.0; n],
            softplus: vec![0.0; n],
            beta: f64::NAN,
            steps: 0,
        }
    }

    fn step(
        &self,
        path: &RbmPath,
        beta: f64,
        (): &(),
        chain: &mut InformedRbm,
        key: &Key,
        ws: &mut Scratch,
    ) -> MoveInfo {
        let (n, nv, nh) = (chain.at.x.n_rows(), path.target.n_visible(), path.target.n_hidden());
        let stride = chain.at.x.stride();
        chain.steps += 1;
        let refresh = chain.steps.is_multiple_of(REFRESH);
        if refresh {
            path.evaluate(&chain.at.x, &mut chain.at.eval, ws);
        }
        let fresh = chain.beta == beta && !refresh;
        chain.beta = beta;
        let mut bias = ws.take_f32(nv);
        path.visible_bias_at(beta, &mut bias);
        let model = Model { path, weights: &chain.weights, beta, bias: &bias };
        // Blocks of one size, so that none is left with few rows.
        let size = n.div_ceil(n.div_ceil(ROWS_AT_ONCE).max(1)).max(1);
        let rows =
            chain.at.x.words_mut().par_chunks_mut(size * stride).zip(chain.at.eval.input.par_chunks_mut(size * nh));
        let known = chain.proposal.par_chunks_mut(size * nv).zip(chain.total.par_chunks_mut(size));
        let infos: Vec<MoveInfo> = rows
            .zip(known.zip(chain.softplus.par_chunks_mut(size)))
            .with_max_len(1)
            .enumerate()
            .map_init(Buffers::default, |buffers, (b, ((words, input), ((proposal, total), softplus)))| {
                let key = key.block(b as u64);
                model.step_block(words, input, (proposal, total, softplus), fresh, &key, buffers)
            })
            .collect();
        ws.give_f32(bias);
        infos.into_iter().fold(MoveInfo::default(), MoveInfo::join)
    }

    fn position<'a>(&self, chain: &'a InformedRbm) -> &'a Bits {
        &chain.at.x
    }

    fn eval<'a>(&self, chain: &'a InformedRbm) -> &'a RbmEval {
        &chain.at.eval
    }
}

/// Of proposals: hidden inputs, weights, their sums, softplus sums; and of the evaluation.
#[derive(Default)]
struct Buffers {
    input: Vec<f32>,
    proposal: Vec<f32>,
    total: Vec<f64>,
    softplus: Vec<f64>,
    chosen: Vec<usize>,
    inner: (Vec<f32>, Vec<f32>),
}

impl Model<'_> {
    fn step_block(
        &self,
        words: &mut [u64],
        input: &mut [f32],
        (proposal, total, softplus): (&mut [f32], &mut [f64], &mut [f64]),
        fresh: bool,
        key: &Key,
        buffers: &mut Buffers,
    ) -> MoveInfo {
        let rows = total.len();
        let (nv, nh) = (self.path.target.n_visible(), self.path.target.n_hidden());
        let stride = words.len() / rows;
        let bit = |words: &[u64], row: usize, i: usize| words[row * stride + i / 64] >> (i % 64) & 1 == 1;
        if !fresh {
            self.evaluate(input, |r, i| bit(words, r, i), (proposal, total, softplus), &mut buffers.inner);
        }
        let mut random = Uniforms::new(&key.purpose(Purpose::Noise), 0);
        buffers.input.clear();
        buffers.input.extend_from_slice(input);
        buffers.chosen.clear();
        for row in 0..rows {
            let i = choose(&proposal[row * nv..][..nv], random.uniform() * total[row]);
            let sign = if bit(words, row, i) { -1.0 } else { 1.0 };
            let w = &self.path.target.weights()[i * nh..][..nh];
            elementwise::add_scaled(sign, w, &mut buffers.input[row * nh..][..nh]);
            words[row * stride + i / 64] ^= 1 << (i % 64);
            buffers.chosen.push(i);
        }
        buffers.proposal.resize(rows * nv, 0.0);
        buffers.total.resize(rows, 0.0);
        buffers.softplus.resize(rows, 0.0);
        let theirs = (&mut buffers.proposal[..], &mut buffers.total[..], &mut buffers.softplus[..]);
        self.evaluate(&buffers.input, |r, i| bit(words, r, i), theirs, &mut buffers.inner);
        let mut info = MoveInfo { rows, ..MoveInfo::default() };
        for (row, i) in buffers.chosen.iter().copied().enumerate() {
            let sign = if bit(words, row, i) { 1.0 } else { -1.0 };
            let fall = buffers.softplus[row] - softplus[row] + sign * f64::from(self.bias[i]);
            let back = f64::from(buffers.proposal[row * nv + i]) / buffers.total[row];
            let forth = f64::from(proposal[row * nv + i]) / total[row];
            let p = (fall.exp() * back / forth).min(1.0);
            let p = if p.is_nan() { 0.0 } else { p };
            info.divergent += usize::from(!fall.is_finite());
            info.acceptance += p;
            if random.uniform() < p {
                info.distance_squared += 1.0;
                input[row * nh..][..nh].copy_from_slice(&buffers.input[row * nh..][..nh]);
                proposal[row * nv..][..nv].copy_from_slice(&buffers.proposal[row * nv..][..nv]);
                (total[row], softplus[row]) = (buffers.total[row], buffers.softplus[row]);
            } else {
                words[row * stride + i / 64] ^= 1 << (i % 64);
            }
        }
        info
    }
}

/// Detailed balance holds for the visible units.
impl Reversible<RbmPath> for InformedVisible {}
