//! One chain of potentials: `p(y) prop exp(sum_t s_t(y_t) + sum_t w(y_{t-1}, y_t))`, and everything exact about it.

use gibbs_core::key::Key;
use gibbs_kernels::activation::log_sum_exp;
use gibbs_kernels::chain::{self, Transitions, Workspace};

use super::{CrfError, finite, sized};

/// A chain over `n` labels: node scores of `T` positions and transition weights, nats. Its energy is minus the score.
///
/// # Example
/// ```
/// use gibbs_spin::crf::{Chain, Transitions};
/// // Labels want to stay; the node of the middle position does not know.
/// let transitions = Transitions::new(2, &[1.0, 0.0, 0.0, 1.0]);
/// let chain = Chain::new(&transitions, &[2.0, 0.0, 0.0, 0.0, 2.0, 0.0])?;
/// let (best, score) = chain.viterbi();
/// assert_eq!(best, [0, 0, 0]);
/// assert!((score - 6.0).abs() < 1e-15 && chain.log_z() > score);
/// # Ok::<(), gibbs_spin::crf::CrfError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    transitions: &'a Transitions,
    scores: &'a [f64],
}

/// Exact marginals of a [`Chain`].
#[derive(Clone, Debug, PartialEq)]
pub struct Marginals {
    /// `log Z`, nats.
    pub log_z: f64,
    /// `p(y_t = j)`: positions x labels.
    pub nodes: Vec<f64>,
    /// `p(y_t = i, y_{t+1} = j)`: (positions - 1) x labels x labels.
    pub edges: Vec<f64>,
}

impl<'a> Chain<'a> {
    /// With node scores `positions x labels`.
    ///
    /// # Errors
    /// No label, scores that are not whole rows, or a number that is not finite.
    pub fn new(transitions: &'a Transitions, scores: &'a [f64]) -> Result<Self, CrfError> {
        let n = transitions.n_labels();
        if n == 0 {
            return Err(CrfError::Size { what: "labels", found: 0, wanted: 1 });
        }
        sized("scores of whole positions", scores.len(), scores.len() / n * n)?;
        finite("transition weight", transitions.weights())?;
        finite("node score", scores)?;
        Ok(Self::unchecked(transitions, scores))
    }

    /// For scores that a model of this crate has made.
    pub(crate) fn unchecked(transitions: &'a Transitions, scores: &'a [f64]) -> Self {
        Self { transitions, scores }
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.scores.len() / self.transitions.n_labels()
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.transitions.n_labels()
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// `-E(y)`: the sum of node scores and transition weights along a labelling.
    ///
    /// # Panics
    /// If there is not one label in range a position.
    pub fn score(&self, labels: &[u32]) -> f64 {
        let n = self.transitions.n_labels();
        assert!(labels.len() == self.len() && labels.iter().all(|y| (*y as usize) < n), "a label for every position");
        let nodes: f64 = labels.iter().zip(self.scores.chunks_exact(n)).map(|(y, s)| s[*y as usize]).sum();
        let weights = self.transitions.weights();
        nodes + labels.windows(2).map(|p| weights[p[0] as usize * n + p[1] as usize]).sum::<f64>()
    }

    /// `log Z`, nats.
    pub fn log_z(&self) -> f64 {
        self.log_z_with(&mut Workspace::default())
    }

    pub(crate) fn log_z_with(&self, ws: &mut Workspace) -> f64 {
        let found = chain::log_z(self.transitions, self.scores, ws);
        if found.is_nan() { self.log_of_last(&self.log_forward()) } else { found }
    }

    /// `log Z`, with `nodes[t * n + j] = p(y_t = j)`; expected transitions are added to `ws.steps` or, where potentials
    /// are too far apart for scaled numbers, to `counts`.
    pub(crate) fn node_marginals(&self, nodes: &mut [f64], counts: &mut [f64], ws: &mut Workspace) -> f64 {
        let found = chain::marginals(self.transitions, self.scores, nodes, ws);
        if !found.is_nan() {
            return found;
        }
        let exact = self.marginals();
        nodes.copy_from_slice(&exact.nodes);
        for edge in exact.edges.chunks_exact(counts.len().max(1)) {
            counts.iter_mut().zip(edge).for_each(|(c, e)| *c += e);
        }
        exact.log_z
    }

    /// Node and edge marginals, by sums of logarithms throughout: as exact for potentials of any size.
    pub fn marginals(&self) -> Marginals {
        let n = self.transitions.n_labels();
        let (forward, backward) = (self.log_forward(), self.log_backward());
        let log_z = self.log_of_last(&forward);
        let nodes = forward.iter().zip(&backward).map(|(a, b)| (a + b - log_z).exp()).collect();
        let mut edges = Vec::with_capacity(self.len().saturating_sub(1) * n * n);
        for t in 1..self.len() {
            for i in 0..n {
                for j in 0..n {
                    let step = self.transitions.weights()[i * n + j] + self.scores[t * n + j];
                    edges.push((forward[(t - 1) * n + i] + step + backward[t * n + j] - log_z).exp());
                }
            }
        }
        Marginals { log_z, nodes, edges }
    }

    /// The labelling of highest probability and its score `-E(y)`; of several, the one whose last labels are lowest.
    ///
    /// # Source
    /// Viterbi 1967, DOI 10.1109/TIT.1967.1054010.
    pub fn viterbi(&self) -> (Vec<u32>, f64) {
        let n = self.transitions.n_labels();
        let weights = self.transitions.weights();
        let mut from = vec![0u32; self.scores.len()];
        let (mut best, mut next) = (vec![0.0; n], vec![0.0; n]);
        for (t, scores) in self.scores.chunks_exact(n).enumerate() {
            if t == 0 {
                best.copy_from_slice(scores);
                continue;
            }
            let from = &mut from[t * n..][..n];
            next.fill(f64::NEG_INFINITY);
            for (i, weights) in weights.chunks_exact(n).enumerate() {
                for ((b, f), w) in next.iter_mut().zip(&mut *from).zip(weights) {
                    let value = best[i] + w;
                    let higher = value > *b;
                    *b = if higher { value } else { *b };
                    *f = if higher { i as u32 } else { *f };
                }
            }
            best.iter_mut().zip(&next).zip(scores).for_each(|((b, n), s)| *b = n + s);
        }
        let mut labels = vec![0u32; self.len()];
        let Some(last) = labels.last_mut() else {
            return (labels, 0.0);
        };
        let end = (0..n).fold(0, |top, j| if best[j] > best[top] { j } else { top });
        *last = end as u32;
        for t in (1..labels.len()).rev() {
            labels[t - 1] = from[t * n + labels[t] as usize];
        }
        (labels, best[end])
    }

    /// `n_samples` independent labellings from `p(y)`: probabilities forward, labels drawn backward.
    ///
    /// # Source
    /// Scott 2002, section 2.1, DOI 10.1198/016214502753479464.
    pub fn sample(&self, n_samples: usize, key: &Key) -> Vec<Vec<u32>> {
        let n = self.transitions.n_labels();
        let weights = self.transitions.weights();
        let forward = self.log_forward();
        let mut logs = vec![0.0; n];
        let mut draw = |i: usize| {
            let mut rng = key.block(i as u64).rng();
            let mut labels = vec![0u32; self.len()];
            for t in (0..labels.len()).rev() {
                for (i, l) in logs.iter_mut().enumerate() {
                    let onward = labels.get(t + 1).map_or(0.0, |next| weights[i * n + *next as usize]);
                    *l = forward[t * n + i] + onward;
                }
                let total = log_sum_exp(&logs);
                let mut left = rng.uniform();
                // Rounding can leave a little of the unit interval: it belongs to the last label that can be drawn.
                let mut chosen = 0;
                for (i, l) in logs.iter().enumerate() {
                    let p = (l - total).exp();
                    if p > 0.0 {
                        chosen = i;
                        left -= p;
                        if left < 0.0 {
                            break;
                        }
                    }
                }
                labels[t] = chosen as u32;
            }
            labels
        };
        (0..n_samples).map(&mut draw).collect()
    }

    /// `log sum` over everything before position `t` of the weight of ending in `j` there, node included.
    fn log_forward(&self) -> Vec<f64> {
        let n = self.transitions.n_labels();
        let weights = self.transitions.weights();
        let mut forward = self.scores.to_vec();
        let mut logs = vec![0.0; n];
        for t in 1..self.len() {
            for j in 0..n {
                for (i, l) in logs.iter_mut().enumerate() {
                    *l = forward[(t - 1) * n + i] + weights[i * n + j];
                }
                forward[t * n + j] += log_sum_exp(&logs);
            }
        }
        forward
    }

    /// `log sum` over everything after position `t`, given `i` there.
    fn log_backward(&self) -> Vec<f64> {
        let n = self.transitions.n_labels();
        let weights = self.transitions.weights();
        let mut backward = vec![0.0; self.scores.len()];
        let mut logs = vec![0.0; n];
        for t in (1..self.len()).rev() {
            for i in 0..n {
                for (j, l) in logs.iter_mut().enumerate() {
                    *l = weights[i * n + j] + self.scores[t * n + j] + backward[t * n + j];
                }
                backward[(t - 1) * n + i] = log_sum_exp(&logs);
            }
        }
        backward
    }

    /// `log Z` from [`Self::log_forward`]; an empty chain has the one empty labelling.
    fn log_of_last(&self, forward: &[f64]) -> f64 {
        if forward.is_empty() { 0.0 } else { log_sum_exp(&forward[forward.len() - self.transitions.n_labels()..]) }
    }
}
