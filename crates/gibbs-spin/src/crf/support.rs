//! Which features may vote for which labels.

use super::{CrfError, Labelled};

/// Largest number of weights of a model: 2^31, whose optimiser would want half a terabyte.
const MAX_WEIGHTS: usize = 1 << 31;

/// The (feature, label) pairs that have a weight, feature after feature.
///
/// [`Support::full`] gives every feature a weight for every label, [`Support::observed`] only for the labels it was seen
/// with: far fewer weights where features are words, at a slightly lower likelihood of the training data, because a
/// feature can no longer speak against a label it never meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    n_labels: usize,
    offsets: Vec<usize>,
    /// Labels of the weights; empty where the support is full.
    labels: Vec<u32>,
}

impl Support {
    /// Every feature with every label.
    ///
    /// # Errors
    /// No labels, or more weights than any machine could train.
    pub fn full(n_features: usize, n_labels: usize) -> Result<Self, CrfError> {
        let n = n_features.checked_mul(n_labels).filter(|n| *n <= MAX_WEIGHTS && n_labels > 0);
        let Some(_) = n else {
            return Err(CrfError::Size { what: "labels of that many features", found: n_labels, wanted: 1 });
        };
        Ok(Self { n_labels, offsets: (0..=n_features).map(|f| f * n_labels).collect(), labels: Vec::new() })
    }

    /// Every feature with the labels of the positions it is in.
    pub fn observed(data: &Labelled) -> Self {
        let by_feature = data.sequences().rows().transposed();
        let (mut offsets, mut labels) = (vec![0], Vec::new());
        let mut seen = vec![usize::MAX; data.n_labels()];
        for feature in 0..by_feature.n_rows() {
            let start = labels.len();
            for position in by_feature.row(feature).0 {
                let label = data.labels()[*position as usize];
                if std::mem::replace(&mut seen[label as usize], feature) != feature {
                    labels.push(label);
                }
            }
            labels[start..].sort_unstable();
            offsets.push(labels.len());
        }
        Self { n_labels: data.n_labels(), offsets, labels }
    }

    /// From its parts, as they are saved: `counts[f]` labels of feature `f`, all in `labels`, rising within a feature.
    ///
    /// # Errors
    /// Counts and labels that do not belong together.
    pub fn from_parts(n_labels: usize, counts: &[u64], labels: Vec<u32>) -> Result<Self, CrfError> {
        let mut offsets = vec![0usize];
        let mut end = 0u64;
        for c in counts {
            end = end.saturating_add(*c);
            offsets.push(end.min(labels.len() as u64 + 1) as usize);
        }
        super::sized("labels of all features", labels.len(), usize::try_from(end).unwrap_or(usize::MAX))?;
        for range in offsets.windows(2) {
            let of_feature = &labels[range[0]..range[1]];
            let rising = of_feature.windows(2).all(|p| p[0] < p[1]);
            if let Some(at) = of_feature.iter().position(|y| !rising || *y as usize >= n_labels) {
                return Err(CrfError::Label { position: range[0] + at, label: of_feature[at], n_labels });
            }
        }
        Ok(Self { n_labels, offsets, labels })
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// Number of weights: pairs of a feature and a label.
    pub fn n_weights(&self) -> usize {
        self.offsets[self.n_features()]
    }

    /// Whether every feature has a weight for every label.
    pub fn is_full(&self) -> bool {
        self.labels.is_empty() && (self.n_labels == 0 || self.n_weights() == self.n_features() * self.n_labels)
    }

    /// Places of a feature's weights.
    pub fn weights_of(&self, feature: usize) -> std::ops::Range<usize> {
        self.offsets[feature]..self.offsets[feature + 1]
    }

    /// The label of every weight, unless the support is full.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}
