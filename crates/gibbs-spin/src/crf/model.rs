//! The conditional random field: node scores linear in features.

use std::ops::Range;

use gibbs_core::key::Key;
use gibbs_kernels::chain::{Transitions, Workspace};
use gibbs_kernels::sparse;
use rayon::prelude::*;

use super::{Chain, CrfError, Labelled, Marginals, Sequences, Support, finite, sized};

/// Feature entries that a thread takes at a time.
pub(crate) const BLOCK: usize = 20_000;

/// A linear-chain conditional random field: `s_t(j) = sum_f x_tf W_fj` and transition weights between any two labels.
///
/// # Shapes
/// Weights lie in one vector: those of [`Support`], feature after feature, then transitions `labels x labels`, row: label
/// before, column: label after.
#[derive(Clone, Debug, PartialEq)]
pub struct Crf {
    support: Support,
    weights: Vec<f64>,
    transitions: Transitions,
}

impl Crf {
    /// With all weights in one vector.
    ///
    /// # Errors
    /// Another number of weights than the support and the transitions have, or one that is not finite.
    pub fn new(support: Support, weights: Vec<f64>) -> Result<Self, CrfError> {
        let n = support.n_labels();
        sized("weights", weights.len(), support.n_weights() + n * n)?;
        finite("weight", &weights)?;
        let transitions = Transitions::new(n, &weights[support.n_weights()..]);
        Ok(Self { support, weights, transitions })
    }

    /// Which features vote for which labels.
    pub fn support(&self) -> &Support {
        &self.support
    }

    /// All weights: nodes, then transitions.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Transition weights.
    pub fn transitions(&self) -> &Transitions {
        &self.transitions
    }

    /// Node scores of some positions: positions x labels.
    ///
    /// # Errors
    /// Rows of other features than the model's.
    pub fn scores(&self, sequences: &Sequences, positions: Range<usize>) -> Result<Vec<f64>, CrfError> {
        sized("features", sequences.rows().n_columns(), self.support.n_features())?;
        sized("positions", sequences.n_positions().min(positions.end), positions.end)?;
        let mut out = Vec::new();
        add_scores(&self.support, &self.weights, sequences, positions, &mut out);
        Ok(out)
    }

    /// `log p(y | x)` of every sequence, nats.
    ///
    /// # Errors
    /// Features or labels that are not the model's.
    pub fn log_likelihood(&self, data: &Labelled) -> Result<Vec<f64>, CrfError> {
        sized("labels of the data", data.n_labels(), self.support.n_labels())?;
        self.each(data.sequences(), |chain, positions, ws| {
            chain.score(&data.labels()[positions]) - chain.log_z_with(ws)
        })
    }

    /// The most probable labelling of every sequence, one after another (Viterbi).
    ///
    /// # Errors
    /// Features that are not the model's.
    pub fn decode(&self, sequences: &Sequences) -> Result<Vec<u32>, CrfError> {
        Ok(self.each(sequences, |chain, _, _| chain.viterbi().0)?.concat())
    }

    /// At every position the label of highest marginal probability: fewest wrong labels in expectation, where
    /// [`Crf::decode`] has the fewest wrong sequences. Of several, the lowest.
    ///
    /// # Errors
    /// Features that are not the model's.
    pub fn decode_positions(&self, sequences: &Sequences) -> Result<Vec<u32>, CrfError> {
        let n = self.support.n_labels();
        let labels = self.each(sequences, |chain, positions, ws| {
            let (mut nodes, mut counts) = (vec![0.0; positions.len() * n], vec![0.0; n * n]);
            ws.clear_steps(&self.transitions);
            chain.node_marginals(&mut nodes, &mut counts, ws);
            let highest = |p: &[f64]| (0..n).fold(0, |top, j| if p[j] > p[top] { j } else { top }) as u32;
            nodes.chunks_exact(n).map(highest).collect::<Vec<u32>>()
        })?;
        Ok(labels.concat())
    }

    /// Exact node and edge marginals of every sequence.
    ///
    /// # Errors
    /// Features that are not the model's.
    pub fn marginals(&self, sequences: &Sequences) -> Result<Vec<Marginals>, CrfError> {
        self.each(sequences, |chain, _, _| chain.marginals())
    }

    /// One exact draw from `p(y | x)` for every sequence, one after another; sequence `i` draws from block `i` of the key.
    ///
    /// # Errors
    /// Features that are not the model's.
    pub fn sample(&self, sequences: &Sequences, key: &Key) -> Result<Vec<u32>, CrfError> {
        let blocks = sequences.blocks(BLOCK);
        let draw = |block: &Range<usize>| -> Result<Vec<u32>, CrfError> {
            let mut labels = Vec::new();
            for i in block.clone() {
                let scores = self.scores(sequences, sequences.positions(i))?;
                let chain = Chain::unchecked(&self.transitions, &scores);
                labels.extend(chain.sample(1, &key.block(i as u64)).concat());
            }
            Ok(labels)
        };
        let drawn: Result<Vec<_>, _> = blocks.par_iter().map(draw).collect();
        Ok(drawn?.concat())
    }

    /// Something of every sequence's chain, in order, on all threads.
    fn each<T: Send>(
        &self,
        sequences: &Sequences,
        f: impl Fn(Chain<'_>, Range<usize>, &mut Workspace) -> T + Sync,
    ) -> Result<Vec<T>, CrfError> {
        sized("features", sequences.rows().n_columns(), self.support.n_features())?;
        let block = |block: Range<usize>| {
            let (mut ws, mut scores) = (Workspace::default(), Vec::new());
            let one = |i: usize| {
                let positions = sequences.positions(i);
                add_scores(&self.support, &self.weights, sequences, positions.clone(), &mut scores);
                f(Chain::unchecked(&self.transitions, &scores), positions, &mut ws)
            };
            block.map(one).collect::<Vec<T>>()
        };
        let blocks: Vec<Vec<T>> = sequences.blocks(BLOCK).into_par_iter().map(block).collect();
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// `out` becomes the node scores of these positions.
pub(crate) fn add_scores(
    support: &Support,
    weights: &[f64],
    sequences: &Sequences,
    positions: Range<usize>,
    out: &mut Vec<f64>,
) {
    let n = support.n_labels();
    out.clear();
    out.resize(positions.len() * n, 0.0);
    if support.is_full() {
        sparse::add_product(sequences.rows().view(positions), &weights[..support.n_weights()], n, out);
        return;
    }
    for (t, out) in positions.zip(out.chunks_exact_mut(n)) {
        let (features, values) = sequences.rows().row(t);
        for (f, x) in features.iter().zip(values) {
            let at = support.weights_of(*f as usize);
            let x = f64::from(*x);
            for (label, w) in support.labels()[at.clone()].iter().zip(&weights[at]) {
                out[*label as usize] += x * w;
            }
        }
    }
}
