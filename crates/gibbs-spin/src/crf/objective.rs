//! What a conditional random field is fitted by: the exact negative log-likelihood with an L2 penalty.

use std::ops::Range;

use gibbs_core::optimisers::lbfgs::{Ended, Look, Minimum, Stop, minimise_watched};
use gibbs_kernels::chain::{Transitions, Workspace};
use gibbs_kernels::sparse;
use rayon::prelude::*;

use super::model::{BLOCK, add_scores};
use super::{Chain, Crf, CrfError, Labelled, SparseRows, Support, sized};

/// Settings of [`fit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitSettings {
    /// Strength `lambda` of the penalty `lambda / 2 |w|^2` on all weights.
    pub l2: f64,
    /// When to stop.
    pub stop: Stop,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self { l2: 1.0, stop: Stop { gradient_norm: 1e-3, change: 1e-7, ..Stop::default() } }
    }
}

/// `f(w) = -sum_i log p(y_i | x_i) + lambda / 2 |w|^2`, nats, summed over sequences; convex, strictly where `lambda > 0`.
///
/// The gradient of the first part is expected minus observed features, `sum_t x_tf (p(y_t = j) - [y_t = j])`. It is taken
/// in two passes over the data: forward-backward of blocks of sequences, which leaves the difference in brackets at every
/// position, then feature after feature over the positions it is in. Every number is a sum in a fixed order, so results
/// do not depend on the number of threads, and no thread needs a gradient of its own.
#[derive(Debug)]
pub struct Objective<'a> {
    data: &'a Labelled,
    support: &'a Support,
    l2: f64,
    by_feature: SparseRows,
    sequence_blocks: Vec<Range<usize>>,
    feature_blocks: Vec<Range<usize>>,
    /// Transitions of the data, labels x labels.
    observed: Vec<f64>,
    /// `p(y_t = j) - [y_t = j]`, positions x labels.
    residuals: Vec<f64>,
}

impl<'a> Objective<'a> {
    /// Of this data, for weights as `support` has them.
    ///
    /// # Errors
    /// No labelled position, features or labels that are not the support's, or a negative penalty.
    pub fn new(data: &'a Labelled, support: &'a Support, l2: f64) -> Result<Self, CrfError> {
        if data.labels().is_empty() {
            return Err(CrfError::Empty);
        }
        if !(l2 >= 0.0 && l2.is_finite()) {
            return Err(CrfError::Setting { name: "the L2 strength", value: l2, wanted: "0 or more, and finite" });
        }
        let sequences = data.sequences();
        let n = support.n_labels();
        sized("features", sequences.rows().n_columns(), support.n_features())?;
        sized("labels of the data", data.n_labels(), n)?;
        let by_feature = sequences.rows().transposed();
        let mut observed = vec![0.0; n * n];
        for i in 0..sequences.len() {
            for pair in data.labels()[sequences.positions(i)].windows(2) {
                observed[pair[0] as usize * n + pair[1] as usize] += 1.0;
            }
        }
        Ok(Self {
            data,
            support,
            l2,
            sequence_blocks: sequences.blocks(BLOCK),
            feature_blocks: blocks_of_rows(&by_feature),
            by_feature,
            observed,
            residuals: vec![0.0; sequences.n_positions() * n],
        })
    }

    /// Number of weights: those of the support, then transitions.
    pub fn n_weights(&self) -> usize {
        self.support.n_weights() + self.observed.len()
    }

    /// The objective at `weights`; `gradient` is written.
    ///
    /// # Panics
    /// If there are not [`Objective::n_weights`] of both.
    pub fn value_and_gradient(&mut self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        assert!(weights.len() == self.n_weights() && gradient.len() == weights.len(), "weights of this objective");
        let transitions = Transitions::new(self.support.n_labels(), &weights[self.support.n_weights()..]);
        let (loss, counts) = self.expectations(weights, &transitions);
        let (nodes, pairs) = gradient.split_at_mut(self.support.n_weights());
        let pair_weights = transitions.weights();
        for (((g, w), expected), observed) in pairs.iter_mut().zip(pair_weights).zip(&counts).zip(&self.observed) {
            *g = expected - observed + self.l2 * w;
        }
        let squares = self.node_gradient(weights, nodes) + pair_weights.iter().map(|w| w * w).sum::<f64>();
        loss + 0.5 * self.l2 * squares
    }

    /// Negative log-likelihood and expected transitions; leaves the residuals.
    fn expectations(&mut self, weights: &[f64], transitions: &Transitions) -> (f64, Vec<f64>) {
        let n = self.support.n_labels();
        let (data, support) = (self.data, self.support);
        let sequences = data.sequences();
        let mut parts = Vec::with_capacity(self.sequence_blocks.len());
        let mut rest = &mut self.residuals[..];
        for block in &self.sequence_blocks {
            let positions: usize = block.clone().map(|i| sequences.positions(i).len()).sum();
            let (mine, others) = rest.split_at_mut(positions * n);
            parts.push((block.clone(), mine));
            rest = others;
        }
        let work = |(block, residuals): (Range<usize>, &mut [f64])| {
            let (mut ws, mut scores, mut counts) = (Workspace::default(), Vec::new(), vec![0.0; n * n]);
            ws.clear_steps(transitions);
            let (mut loss, mut rest) = (0.0, residuals);
            for i in block {
                let positions = sequences.positions(i);
                add_scores(support, weights, sequences, positions.clone(), &mut scores);
                let (nodes, others) = rest.split_at_mut(scores.len());
                rest = others;
                let (chain, labels) = (Chain::unchecked(transitions, &scores), &data.labels()[positions]);
                loss += chain.node_marginals(nodes, &mut counts, &mut ws) - chain.score(labels);
                for (nodes, label) in nodes.chunks_exact_mut(n).zip(labels) {
                    nodes[*label as usize] -= 1.0;
                }
            }
            transitions.add_counts(&ws.steps, &mut counts);
            (loss, counts)
        };
        let blocks: Vec<(f64, Vec<f64>)> = parts.into_par_iter().map(work).collect();
        let (mut loss, mut counts) = (0.0, vec![0.0; n * n]);
        for (part, of_block) in &blocks {
            loss += part;
            counts.iter_mut().zip(of_block).for_each(|(c, b)| *c += b);
        }
        (loss, counts)
    }

    /// Gradient of the node weights from the residuals; returns the sum of the squares of these weights.
    fn node_gradient(&self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let n = self.support.n_labels();
        let mut parts = Vec::with_capacity(self.feature_blocks.len());
        let mut rest = gradient;
        for block in &self.feature_blocks {
            let at = self.support.weights_of(block.start).start..self.support.weights_of(block.end - 1).end;
            let (mine, others) = rest.split_at_mut(at.len());
            parts.push((block.clone(), &weights[at], mine));
            rest = others;
        }
        let work = |(block, weights, gradient): (Range<usize>, &[f64], &mut [f64])| {
            let mut squares = 0.0;
            for (g, w) in gradient.iter_mut().zip(weights) {
                *g = self.l2 * w;
                squares += w * w;
            }
            if self.support.is_full() {
                sparse::add_product(self.by_feature.view(block), &self.residuals, n, gradient);
                return squares;
            }
            let start = self.support.weights_of(block.start).start;
            for f in block {
                let at = self.support.weights_of(f);
                let labels = &self.support.labels()[at.clone()];
                let gradient = &mut gradient[at.start - start..at.end - start];
                let (positions, values) = self.by_feature.row(f);
                for (t, x) in positions.iter().zip(values) {
                    let residuals = &self.residuals[*t as usize * n..][..n];
                    for (g, label) in gradient.iter_mut().zip(labels) {
                        *g += f64::from(*x) * residuals[*label as usize];
                    }
                }
            }
            squares
        };
        let squares: Vec<f64> = parts.into_par_iter().map(work).collect();
        squares.iter().sum()
    }
}

/// Blocks of features with about the same number of entries; constants of the data.
fn blocks_of_rows(rows: &SparseRows) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for f in 0..rows.n_rows() {
        if rows.entries_of(start..f + 1) + 8 * (f + 1 - start) >= BLOCK || f + 1 == rows.n_rows() {
            blocks.push(start..f + 1);
            start = f + 1;
        }
    }
    blocks
}

/// Minimises the [`Objective`] by L-BFGS from all weights zero. `watch` sees every iteration and ends the work by returning
/// `false`; the best weights so far are returned then.
///
/// # Errors
/// As [`Objective::new`]; [`CrfError::Diverged`] where the objective is not a number at the start.
pub fn fit(
    data: &Labelled,
    support: Support,
    settings: &FitSettings,
    watch: impl FnMut(&Look<'_>) -> bool,
) -> Result<(Crf, Minimum), CrfError> {
    let mut objective = Objective::new(data, &support, settings.l2)?;
    let start = vec![0.0; objective.n_weights()];
    let found = minimise_watched(|w, g| objective.value_and_gradient(w, g), &start, &settings.stop, watch);
    if found.ended == Ended::NotFinite {
        return Err(CrfError::Diverged);
    }
    let crf = Crf::new(support, found.at.clone())?;
    Ok((crf, found))
}
