//! A buffer of chains that survive parameter updates.

use crate::key::{Key, Purpose};
use crate::persist::{Persist, StateError, Tensor, TensorMap};
use crate::rows::Continuous;

/// Positions of many chains, of which each update moves a few: persistent contrastive divergence with more chains than
/// a batch has rows (Tieleman 2008, DOI 10.1145/1390156.1390290), some of them started afresh now and then
/// (Du & Mordatch 2019, arXiv:1903.08689, section 3.2).
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::{Continuous, Rows};
/// use gibbs_core::samplers::Replay;
/// let mut buffer = Replay::new(Dense::<f32>::zeros(10, 2));
/// let taken = buffer.draw(4, 0.0, |n| Dense::zeros(n, 2), &Key::from_seed(0));
/// let mut x = buffer.rows(&taken);
/// x.values_mut().fill(1.0);
/// buffer.put(&taken, &x);
/// assert_eq!(buffer.ages().iter().sum::<u64>(), 4);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Replay<X> {
    x: X,
    ages: Vec<u64>,
}

impl<X: Continuous> Replay<X> {
    /// A buffer whose chains stand at these rows, all of age 0.
    pub fn new(x: X) -> Self {
        Self { ages: vec![0; x.n_rows()], x }
    }

    /// Numbers of `n` chains without repetition (all of them if there are no more), after each was started afresh with
    /// probability `reinitialise` at a row of `fresh(how many)`.
    pub fn draw(&mut self, n: usize, reinitialise: f64, fresh: impl FnOnce(usize) -> X, key: &Key) -> Vec<usize> {
        let mut rng = key.purpose(Purpose::Shuffle).rng();
        let size = self.ages.len();
        let mut index: Vec<usize> = (0..size).collect();
        if n < size {
            for i in 0..n {
                index.swap(i, i + rng.below(size - i));
            }
            index.truncate(n);
        }
        let anew: Vec<usize> = index.iter().copied().filter(|_| rng.uniform() < reinitialise).collect();
        if !anew.is_empty() {
            let rows = fresh(anew.len());
            for (k, &i) in anew.iter().enumerate() {
                self.x.row_mut(i).copy_from_slice(rows.row(k));
                self.ages[i] = 0;
            }
        }
        index
    }

    /// Where those chains stand.
    pub fn rows(&self, index: &[usize]) -> X {
        self.x.select(index)
    }

    /// Puts chains back where they went; each is an update older.
    pub fn put(&mut self, index: &[usize], x: &X) {
        for (k, &i) in index.iter().enumerate() {
            self.x.row_mut(i).copy_from_slice(x.row(k));
            self.ages[i] += 1;
        }
    }

    /// All chains.
    pub fn all(&self) -> &X {
        &self.x
    }

    /// Updates that each chain has lived since it was started.
    pub fn ages(&self) -> &[u64] {
        &self.ages
    }

    /// Mean of the ages.
    pub fn mean_age(&self) -> f64 {
        self.ages.iter().sum::<u64>() as f64 / self.ages.len().max(1) as f64
    }
}

impl<X: Persist> Persist for Replay<X> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        self.x.save(&format!("{prefix}x."), to);
        to.insert(format!("{prefix}ages"), Tensor::from_u64(&[self.ages.len()], &self.ages));
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.x.load(&format!("{prefix}x."), from)?;
        let name = format!("{prefix}ages");
        self.ages = from.expect(&name, Some(&[self.ages.len()]))?.to_u64(&name)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;

    #[test]
    fn draws_are_distinct_and_fresh_at_the_stated_rate() {
        let mut buffer = Replay::new(Dense::<f64>::zeros(100, 1));
        let (mut fresh, n) = (0, 2_000);
        for t in 0..n {
            let index = buffer.draw(10, 0.1, |n| Dense::from_rows(1, vec![1.0; n]), &Key::from_seed(t));
            let mut sorted = index.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), 10);
            fresh += index.iter().filter(|&&i| buffer.all().row(i)[0] == 1.0).count();
            let mut x = buffer.rows(&index);
            x.values_mut().fill(0.0);
            buffer.put(&index, &x);
        }
        // Binomial(20,000, 0.1): five standard deviations are 212.
        assert!((fresh as f64 - 2_000.0).abs() < 212.0, "{fresh}");
        assert!(buffer.mean_age() > 5.0);
    }

    #[test]
    fn saved_buffers_come_back() {
        let mut buffer = Replay::new(Dense::from_rows(2, vec![1.0f32, 2.0, 3.0, 4.0]));
        buffer.put(&[1], &Dense::from_rows(2, vec![5.0, 6.0]));
        let mut map = TensorMap::default();
        buffer.save("b.", &mut map);
        let mut other = Replay::new(Dense::<f32>::zeros(2, 2));
        other.load("b.", &map).unwrap();
        assert_eq!(other, buffer);
        let mut wrong = Replay::new(Dense::<f32>::zeros(3, 2));
        assert!(wrong.load("b.", &map).is_err());
    }
}
