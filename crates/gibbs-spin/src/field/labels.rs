//! Rows of sites with a few states each, a byte a site.

use gibbs_core::key::Key;
use gibbs_core::persist::{Persist, StateError, Tensor, TensorMap};
use gibbs_core::rows::{Natural, Redraw, Rows};

use super::FieldError;

/// `n_rows` x `n_sites` labels from 0 to `q - 1`, row after row.
///
/// # Example
/// ```
/// use gibbs_spin::field::Labels;
/// let x = Labels::from_values(3, 2, vec![0, 2, 1, 1])?;
/// assert_eq!(x.row(1), [1, 1]);
/// assert!(Labels::from_values(3, 2, vec![0, 3]).is_err());
/// # Ok::<(), gibbs_spin::field::FieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    q: usize,
    n_sites: usize,
    values: Vec<u8>,
}

impl Labels {
    /// All sites in state 0.
    pub fn zeros(q: usize, n_rows: usize, n_sites: usize) -> Self {
        Self { q, n_sites, values: vec![0; n_rows * n_sites] }
    }

    /// From labels, row after row.
    ///
    /// # Errors
    /// `q` not 2 to 256, a number of labels that makes no whole rows, a label of `q` or more.
    pub fn from_values(q: usize, n_sites: usize, values: Vec<u8>) -> Result<Self, FieldError> {
        if !(2..=256).contains(&q) {
            return Err(FieldError::States { found: q, wanted: "give 2 to 256" });
        }
        if n_sites == 0 || !values.len().is_multiple_of(n_sites) {
            let expected = values.len().next_multiple_of(n_sites.max(1));
            return Err(FieldError::Length { what: "labels", found: values.len(), expected });
        }
        match values.iter().position(|v| usize::from(*v) >= q) {
            Some(k) => Err(FieldError::Label { row: k / n_sites, site: k % n_sites, label: values[k], q }),
            None => Ok(Self { q, n_sites, values }),
        }
    }

    /// Number of states.
    pub fn n_states(&self) -> usize {
        self.q
    }

    /// Sites of a row.
    pub fn n_sites(&self) -> usize {
        self.n_sites
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[u8] {
        &self.values[row * self.n_sites..][..self.n_sites]
    }

    /// One row, to change; labels stay below `q`.
    pub fn row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.values[row * self.n_sites..][..self.n_sites]
    }

    /// All labels.
    pub fn values(&self) -> &[u8] {
        &self.values
    }
}

impl Rows for Labels {
    fn n_rows(&self) -> usize {
        self.values.len() / self.n_sites.max(1)
    }

    fn select(&self, index: &[usize]) -> Self {
        let values = index.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self { values, ..*self }
    }
}

impl Redraw for Labels {
    fn redraw_sites(&mut self, sites: &[usize], natural: &Natural, key: &Key) {
        let (q, free) = (self.q, self.q - 1);
        assert_eq!(natural.width, sites.len() * free, "one natural parameter a site and state but the first");
        let (mut rng, mut log_weights) = (key.rng(), vec![0.0; q]);
        for (row, naturals) in natural.logits.chunks_exact(natural.width.max(1)).enumerate() {
            for (&site, logits) in sites.iter().zip(naturals.chunks_exact(free)) {
                log_weights[0] = 0.0;
                log_weights[1..].copy_from_slice(logits);
                self.values[row * self.n_sites + site] = draw(&mut log_weights, rng.uniform()) as u8;
            }
        }
    }
}

/// The state that a uniform number picks, given log weights, which are spoilt.
pub(super) fn draw(log_weights: &mut [f64], uniform: f64) -> usize {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for w in &mut *log_weights {
        total += (*w - largest).exp();
        *w = total;
    }
    let left = uniform * total;
    let last = log_weights.len() - 1;
    log_weights[..last].iter().position(|w| left < *w).unwrap_or(last)
}

impl Persist for Labels {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        let words: Vec<u64> = self
            .values
            .chunks(8)
            .map(|c| c.iter().enumerate().fold(0, |w, (k, v)| w | u64::from(*v) << (8 * k)))
            .collect();
        to.insert(format!("{prefix}labels"), Tensor::from_u64(&[words.len()], &words));
        to.insert_u64(format!("{prefix}n_labels"), self.values.len() as u64);
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        let len = from.expect_u64(&format!("{prefix}n_labels"))? as usize;
        let name = format!("{prefix}labels");
        let words = from.expect(&name, Some(&[len.div_ceil(8)]))?.to_u64(&name)?;
        let values: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).take(len).collect();
        if values.len() != len || !len.is_multiple_of(self.n_sites.max(1)) {
            return Err(StateError::Invalid { name, reason: format!("{len} labels make no rows of {}", self.n_sites) });
        }
        if let Some(v) = values.iter().find(|v| usize::from(**v) >= self.q) {
            return Err(StateError::Invalid { name, reason: format!("label {v} of {} states", self.q) });
        }
        self.values = values;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_and_loaded() {
        let x = Labels::from_values(5, 3, vec![4, 0, 1, 2, 3, 4, 0, 0, 1]).unwrap();
        let mut map = TensorMap::default();
        x.save("x.", &mut map);
        let mut y = Labels::zeros(5, 0, 3);
        y.load("x.", &map).unwrap();
        assert_eq!(x, y);
        assert!(Labels::zeros(4, 0, 3).load("x.", &map).is_err() && Labels::zeros(5, 0, 4).load("x.", &map).is_err());
        assert_eq!(x.select(&[2, 0]).values(), [0, 0, 1, 4, 0, 1]);
        assert!(Labels::from_values(1, 3, vec![0; 3]).is_err() && Labels::from_values(3, 2, vec![0; 3]).is_err());
    }
}
