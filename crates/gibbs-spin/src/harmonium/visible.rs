//! What a visible layer must know.

use std::fmt::Debug;

use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::persist::Persist;
use gibbs_core::rows::{ExchangeRows, Rows};

use crate::rbm::VISIBLE_BIAS;

/// Rows whose units draw from one key: a constant of the results.
pub(super) const BLOCK: usize = 64;

/// A layer of visible units: an exponential family with energies `E_V`, statistics `s(v)` that couple to the hidden
/// units, and conditionals that factorise over units (or groups of units).
///
/// `own` is a parameter map that holds the layer's parameters, [`VISIBLE_BIAS`] and [`Visible::more_parameters`]: those
/// of a model, or those of a base without hidden units.
pub trait Visible: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// A batch of rows.
    type X: Rows + ExchangeRows + Persist;

    /// Number of units: columns of a row, rows of the weights.
    fn n_units(&self) -> usize;

    /// Names of the parameters beside the bias, one number a unit each.
    fn more_parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// Factor of the hidden biases for a row: its length where rows are documents.
    fn length(&self, _x: &Self::X, _row: usize) -> f32 {
        1.0
    }

    /// The same factor for rows of this layer about which nothing is known.
    fn own_length(&self) -> f32 {
        1.0
    }

    /// `out[i] = E_V(v_i)`, nats.
    fn energy(&self, own: &ParamMap, x: &Self::X, out: &mut [f64]);

    /// `out = s(v)' W`, rows x hidden; `weights` visible x hidden.
    fn project(&self, own: &ParamMap, x: &Self::X, weights: &[f32], n_hidden: usize, out: &mut [f32]);

    /// Adds `s(v)' g` to the weights' entry of `out`; `g` rows x hidden.
    fn add_outer(&self, own: &ParamMap, x: &Self::X, g: &[f32], n_hidden: usize, out: &mut ParamMap);

    /// `out += sum_i w_i dF(v_i)/d(own)`; `means` are the hidden means, rows x hidden.
    fn add_grad(&self, own: &ParamMap, x: &Self::X, w: &[f64], means: &[f32], n_hidden: usize, out: &mut ParamMap);

    /// Draws every row of `x` from `p_beta(v | h)`, the conditional under `(1 - beta) E_base + beta (E_V - s(v)'W h)`;
    /// `wh` is `W h`, rows x visible. Rows keep their lengths.
    fn draw(&self, base: &ParamMap, own: &ParamMap, beta: f64, wh: &[f32], key: &Key, x: &mut Self::X);

    /// `out[i] = log sum_v exp(-E_V(v) + s(v)' (W h)_i)`, nats: the visible units summed (integrated) out.
    fn log_partition(&self, own: &ParamMap, wh: &[f32], out: &mut [f64]);

    /// The gradient of `sum_i w_i log_partition_i`: adds that in the layer's parameters to `out`, and writes that in
    /// `W h` (the weighted mean statistics) over `wh`.
    fn log_partition_grad(&self, own: &ParamMap, w: &[f32], wh: &mut [f32], out: &mut ParamMap);

    /// Rows to be filled by [`Visible::draw`].
    fn blank(&self, n: usize) -> Self::X;

    /// Number of states of a row, where they are finitely many and counted in 64 bits.
    fn n_states(&self) -> Option<u64>;

    /// The states `start..end`.
    ///
    /// # Panics
    /// If there are none such.
    fn states(&self, start: u64, end: u64) -> Self::X;

    /// Parameters without energy: every state the same (real units: as good as no confinement, so that this is
    /// no base to anneal from).
    fn flat(&self) -> ParamMap {
        parameters(self)
    }

    /// Parameters of a base without hidden units fitted to rows: where annealing starts.
    fn fit(&self, x: &Self::X, weights: Option<&[f64]>) -> ParamMap;
}

/// Layers whose units are independent given the hidden ones, so that some can be held while the others are redrawn.
pub trait Clamp: Visible {
    /// Units where `known` is set, a flag a unit, take the values of `from` in every row.
    fn clamp(&self, x: &mut Self::X, from: &Self::X, known: &[bool]);
}

/// Layers whose model with hidden units `H` has a finite `Z` at every parameter.
///
/// Real visible units with unbounded hidden ones have none once weights are large, so that pair is left out.
pub trait Proper<H> {}

/// Zero parameters of a layer alone.
pub(super) fn parameters<V: Visible>(layer: &V) -> ParamMap {
    let shape = [layer.n_units()];
    let names = std::iter::once(&VISIBLE_BIAS).chain(layer.more_parameters());
    let layout: Vec<(&str, &[usize])> = names.map(|name| (*name, &shape[..])).collect();
    ParamMap::zeros(&layout)
}

/// Weights that sum to one: equal ones where there are none.
pub(super) fn normalised(n: usize, weights: Option<&[f64]>) -> Vec<f64> {
    match weights {
        Some(w) => {
            let total: f64 = w.iter().sum();
            w.iter().map(|w| w / total).collect()
        }
        None => vec![1.0 / n as f64; n],
    }
}

/// The index drawn from weights `exp(logits)` by one uniform number.
pub(super) fn choose(logits: &[f64], u: f64) -> usize {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|l| (l - most).exp()).sum();
    let mut left = u * total;
    for (k, l) in logits.iter().enumerate() {
        left -= (l - most).exp();
        if left < 0.0 {
            return k;
        }
    }
    // Rounding left a remainder: the last state that is possible at all.
    logits.iter().rposition(|l| *l > f64::NEG_INFINITY).unwrap_or(0)
}

/// Turns logits into probabilities in place; returns `log sum exp`.
pub(super) fn softmax(logits: &mut [f64]) -> f64 {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for l in logits.iter_mut() {
        *l = (*l - most).exp();
        total += *l;
    }
    logits.iter_mut().for_each(|p| *p /= total);
    most + total.ln()
}
