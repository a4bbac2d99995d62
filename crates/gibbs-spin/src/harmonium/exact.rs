//! Exact `log Z` and its gradient: the smaller layer enumerated, the other summed (or integrated) analytically.

use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::log_partition::LogZError;
use gibbs_core::params::ParamMap;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::activation::log_sum_exp;
use gibbs_kernels::bit_gemm;
use rayon::prelude::*;

use super::{Binary, Counts, Harmonium, Hidden, Visible};
use crate::Bits;
use crate::rbm::{HIDDEN_BIAS, WEIGHTS};

/// Largest number of bits that are enumerated: `2^24` states.
pub const ENUMERATION_LIMIT: usize = 24;

/// States summed by one thread at a time: a constant of the results, as sums of blocks are joined in order.
const BLOCK: u64 = 1024;
/// Blocks whose gradients share a buffer.
const BLOCKS_A_SHARD: usize = 16;

/// Which layer is enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Hidden,
    Visible,
}

/// States of the layer that would be enumerated; `None` if neither layer has finitely many that can be counted.
pub fn n_states<V: Visible, H: Hidden>(model: &Harmonium<V, H>) -> Option<u64> {
    layer(model).map(|(_, n)| n)
}

/// Terms of the exact sum: states of the enumerated layer times units of the other; `u64::MAX` where there is none.
pub fn terms<V: Visible, H: Hidden>(model: &Harmonium<V, H>) -> u64 {
    layer(model).map_or(u64::MAX, |(layer, n)| work(model, layer, n))
}

fn work<V: Visible, H: Hidden>(model: &Harmonium<V, H>, layer: Layer, n: u64) -> u64 {
    n.saturating_mul(if layer == Layer::Hidden { model.n_visible() } else { model.n_hidden() } as u64)
}

fn layer<V: Visible, H: Hidden>(model: &Harmonium<V, H>) -> Option<(Layer, u64)> {
    let hidden = H::TWO_VALUED.then(|| 1u64.checked_shl(model.n_hidden() as u32)).flatten();
    let candidates = [(Layer::Hidden, hidden), (Layer::Visible, model.visible().n_states())];
    candidates.into_iter().filter_map(|(l, n)| Some((l, n?))).min_by_key(|&(l, n)| work(model, l, n))
}

/// As [`n_states`], checked against the limit.
fn chosen<V: Visible, H: Hidden>(model: &Harmonium<V, H>) -> Result<(Layer, u64), LogZError> {
    let too_large = |n: Option<u64>| LogZError::TooLarge {
        bits: n.map_or(64.max(model.n_hidden()), |n| n.next_power_of_two().trailing_zeros() as usize),
        limit: ENUMERATION_LIMIT,
    };
    match layer(model) {
        Some((layer, n)) if n <= 1 << ENUMERATION_LIMIT => Ok((layer, n)),
        other => Err(too_large(other.map(|(_, n)| n))),
    }
}

/// Hidden states `start..end`, one a row.
fn hidden_states(n_hidden: usize, start: u64, end: u64) -> Bits {
    Bits::from_words((end - start) as usize, n_hidden, (start..end).collect())
}

/// `W h` of hidden states, rows x visible.
fn visible_input<V: Visible, H: Hidden>(model: &Harmonium<V, H>, h: &Bits, n: usize) -> Vec<f32> {
    let mut wh = vec![0.0; n * model.n_visible()];
    let matrix = bit_gemm::Matrix::row_major(model.weights(), model.n_visible(), model.n_hidden());
    bit_gemm::bit_gemm(h.view(), matrix.t(), None, &mut wh);
    wh
}

/// Log weights of the states `start..end` of a layer; the other layer is summed out.
fn log_weights<V: Visible, H: Hidden>(
    model: &Harmonium<V, H>,
    layer: Layer,
    (start, end): (u64, u64),
    ws: &mut Scratch,
) -> Vec<f64> {
    let n = (end - start) as usize;
    let mut out = vec![0.0; n];
    match layer {
        Layer::Visible => {
            model.energy(&model.visible().states(start, end), &mut out, ws);
            out.iter_mut().for_each(|o| *o = -*o);
        }
        Layer::Hidden => {
            let h = hidden_states(model.n_hidden(), start, end);
            model.visible().log_partition(model.params(), &visible_input(model, &h, n), &mut out);
            let mut bias = vec![0.0; n];
            gibbs_kernels::bits::row_dots(h.view(), model.params().get(HIDDEN_BIAS), &mut bias);
            let length = f64::from(model.visible().own_length());
            out.iter_mut().zip(&bias).for_each(|(o, b)| *o += length * b);
        }
    }
    out
}

/// The blocks of all states.
fn blocks(n: u64) -> impl IndexedParallelIterator<Item = (u64, u64)> {
    (0..n.div_ceil(BLOCK) as usize).into_par_iter().map(move |b| (b as u64 * BLOCK, n.min((b as u64 + 1) * BLOCK)))
}

/// Exact `log Z` in nats. `progress` is told how many states are done, from several threads and not in order; returning
/// `false` stops.
///
/// # Errors
/// [`LogZError::TooLarge`] above [`ENUMERATION_LIMIT`] or if neither layer can be enumerated,
/// [`LogZError::Interrupted`] if stopped.
pub fn log_z<V: Visible, H: Hidden>(
    model: &Harmonium<V, H>,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<f64, LogZError> {
    let (layer, n) = chosen(model)?;
    let sums: Option<Vec<f64>> = blocks(n)
        .map_init(Scratch::default, |ws, block| {
            progress(block.1).then(|| log_sum_exp(&log_weights(model, layer, block, ws)))
        })
        .collect();
    sums.map(|s| log_sum_exp(&s)).ok_or(LogZError::Interrupted)
}

/// `log Z` of a machine of counts for documents of any length, from one pass over the hidden states:
/// `Z(D) = sum_h exp(D (c'h + log sum_k exp(b_k + (W h)_k)))`.
#[derive(Clone, Debug)]
pub struct ByLength {
    /// `c'h + log sum_k exp(b_k + (W h)_k)` of every hidden state.
    a_word: Vec<f64>,
}

impl ByLength {
    /// Sums over the words, for every hidden state.
    ///
    /// # Errors
    /// [`LogZError::TooLarge`] above [`ENUMERATION_LIMIT`] hidden units.
    pub fn new(model: &Harmonium<Counts, Binary>) -> Result<Self, LogZError> {
        let mut one_word = model.clone();
        one_word.visible = Counts::new(model.n_visible(), 1);
        let (layer, n) = chosen(&one_word)?;
        let blocks: Vec<Vec<f64>> =
            blocks(n).map_init(Scratch::default, |ws, block| log_weights(&one_word, layer, block, ws)).collect();
        Ok(Self { a_word: blocks.concat() })
    }

    /// `log Z` of documents of `length` words, nats.
    pub fn log_z(&self, length: f64) -> f64 {
        log_sum_exp(&self.a_word.iter().map(|w| length * w).collect::<Vec<_>>())
    }
}

/// `out += d log Z / dtheta`; returns `log Z`.
pub(super) fn add_grad_log_z<V: Visible, H: Hidden>(
    model: &Harmonium<V, H>,
    out: &mut ParamMap,
    _ws: &mut Scratch,
) -> Result<f64, LogZError> {
    let (layer, n) = chosen(model)?;
    let weights: Vec<Vec<f64>> =
        blocks(n).map_init(Scratch::default, |ws, block| log_weights(model, layer, block, ws)).collect();
    let log_z = log_sum_exp(&weights.iter().map(|w| log_sum_exp(w)).collect::<Vec<_>>());
    let shards: Vec<ParamMap> = weights
        .par_chunks(BLOCKS_A_SHARD)
        .enumerate()
        .map_init(Scratch::default, |ws, (shard, weights)| {
            let mut grad = model.params().zeros_like();
            for (b, weights) in weights.iter().enumerate() {
                let start = (shard * BLOCKS_A_SHARD + b) as u64 * BLOCK;
                let p: Vec<f64> = weights.iter().map(|w| (w - log_z).exp()).collect();
                add_block(model, layer, start, &p, &mut grad, ws);
            }
            grad
        })
        .collect();
    shards.iter().for_each(|grad| out.add_scaled(1.0, grad));
    Ok(log_z)
}

/// `out -= sum_s p_s dE(s)/dtheta` over the states from `start` on.
fn add_block<V: Visible, H: Hidden>(
    model: &Harmonium<V, H>,
    layer: Layer,
    start: u64,
    p: &[f64],
    out: &mut ParamMap,
    ws: &mut Scratch,
) {
    let (nv, nh, end) = (model.n_visible(), model.n_hidden(), start + p.len() as u64);
    if layer == Layer::Visible {
        let w: Vec<f64> = p.iter().map(|p| -p).collect();
        model.add_grad(&model.visible().states(start, end), &w, out, ws);
        return;
    }
    let h = hidden_states(nh, start, end);
    let mut stats = visible_input(model, &h, p.len());
    let w: Vec<f32> = p.iter().map(|&p| p as f32).collect();
    model.visible().log_partition_grad(model.params(), &w, &mut stats, out);
    // h' stats is hidden x visible: the transpose of the weights' layout.
    let mut joint = vec![0.0; nh * nv];
    bit_gemm::bit_gemm_tn(h.view(), &stats, nv, 1.0, &mut joint, &mut Vec::new());
    let d_weights = out.get_mut(WEIGHTS);
    for (j, row) in joint.chunks_exact(nv).enumerate() {
        row.iter().enumerate().for_each(|(i, g)| d_weights[i * nh + j] += g);
    }
    let mut sums = vec![0.0; nh];
    gibbs_kernels::bits::column_sums(h.view(), Some(&w), &mut sums);
    let length = model.visible().own_length();
    out.get_mut(HIDDEN_BIAS).iter_mut().zip(&sums).for_each(|(d, s)| *d += length * s);
}
