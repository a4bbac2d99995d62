//! Which rows an update sees.

use gibbs_core::key::{Key, Purpose};

/// Batches of a fixed size from a fresh permutation every epoch, which comes from a key of the epoch alone: nothing
/// needs saving.
pub(crate) struct Batches {
    n_rows: usize,
    size: usize,
    weights: Option<Vec<f64>>,
    order: Vec<usize>,
    epoch: Option<u64>,
}

impl Batches {
    pub(crate) fn new(n_rows: usize, size: usize, weights: Option<Vec<f64>>) -> Self {
        Self { n_rows, size, weights, order: Vec::new(), epoch: None }
    }

    pub(crate) fn per_epoch(&self) -> u64 {
        self.n_rows.div_ceil(self.size) as u64
    }

    /// Rows and weights (that sum to one) of update `step`.
    pub(crate) fn at(&mut self, step: u64, key: &Key) -> (Vec<usize>, Vec<f64>) {
        let (epoch, within) = (step / self.per_epoch(), (step % self.per_epoch()) as usize);
        let index = if self.size >= self.n_rows {
            (0..self.n_rows).collect()
        } else {
            if self.epoch != Some(epoch) {
                self.order = (0..self.n_rows).collect();
                key.purpose(Purpose::Shuffle).step(epoch).rng().shuffle(&mut self.order);
                self.epoch = Some(epoch);
            }
            let start = within * self.size;
            self.order[start..(start + self.size).min(self.n_rows)].to_vec()
        };
        let weights = self.weights_of(&index);
        (index, weights)
    }

    fn weights_of(&self, index: &[usize]) -> Vec<f64> {
        match &self.weights {
            None => vec![1.0 / index.len() as f64; index.len()],
            Some(w) => {
                let total: f64 = index.iter().map(|&i| w[i]).sum();
                // A batch may hold rows of weight zero only: then it says nothing.
                index.iter().map(|&i| if total > 0.0 { w[i] / total } else { 0.0 }).collect()
            }
        }
    }
}
