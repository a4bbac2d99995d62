//! Independent exact samples of a small RBM.

use gibbs_core::energy::Energy;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::LogZError;
use gibbs_core::scratch::Scratch;
use gibbs_kernels::bernoulli;
use rayon::prelude::*;

use super::Rbm;
use crate::Bits;

/// Rows enumerated at once.
const ROWS: usize = 1 << 12;

/// Exact, independent draws of an RBM whose smaller layer has at most [`ExactDraws::LIMIT`] units: a state of that layer from
/// the table of all their probabilities, and the other layer from its conditional.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, rows::Rows};
/// use gibbs_spin::{Rbm, rbm::ExactDraws};
/// let model = Rbm::random(20, 4, 0.5, &Key::from_seed(0));
/// let draws = ExactDraws::new(&model)?;
/// assert_eq!(draws.sample(100, &Key::from_seed(1)).n_rows(), 100);
/// # Ok::<(), gibbs_core::log_partition::LogZError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExactDraws {
    /// The RBM with the smaller layer as its visible one.
    model: Rbm,
    /// Whether that layer is the model's hidden one.
    turned: bool,
    /// Running sums of the states' probabilities, up to a factor.
    cumulative: Vec<f64>,
}

impl ExactDraws {
    /// Largest number of units of the smaller layer: a table of 2^20 numbers.
    pub const LIMIT: usize = 20;

    /// Enumerates the smaller layer.
    ///
    /// # Errors
    /// [`LogZError::TooLarge`] above the limit.
    pub fn new(model: &Rbm) -> Result<Self, LogZError> {
        let bits = model.enumeration_bits();
        if bits > Self::LIMIT {
            return Err(LogZError::TooLarge { bits, limit: Self::LIMIT });
        }
        let turned = model.n_hidden() < model.n_visible();
        let model = if turned { model.transposed() } else { model.clone() };
        let states = 1usize << bits;
        let mut energies = vec![0.0; states];
        energies.par_chunks_mut(ROWS).enumerate().for_each_init(Scratch::default, |ws, (b, out)| {
            // State `s` is the word `s` itself: one word a row.
            let words = (b * ROWS..b * ROWS + out.len()).map(|s| s as u64).collect();
            model.energy(&Bits::from_words(out.len(), bits, words), out, ws);
        });
        let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
        let mut sum = 0.0;
        let cumulative = energies.iter().map(|e| {
            sum += (least - e).exp();
            sum
        });
        Ok(Self { cumulative: cumulative.collect(), model, turned })
    }

    /// `n` independent visible rows.
    pub fn sample(&self, n: usize, key: &Key) -> Bits {
        let mut rng = key.purpose(Purpose::Visible).rng();
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let state = |u: f64| self.cumulative.partition_point(|c| *c <= u * total).min(self.cumulative.len() - 1);
        let words = (0..n).map(|_| state(rng.uniform()) as u64).collect();
        let small = Bits::from_words(n, self.model.n_visible(), words);
        if !self.turned {
            return small;
        }
        let mut input = vec![0.0; n * self.model.n_hidden()];
        self.model.hidden_input(&small, &mut input);
        let mut rows = Bits::zeros(n, self.model.n_hidden());
        let key = key.purpose(Purpose::Hidden).bits();
        bernoulli::draw(&input, n, self.model.n_hidden(), 1.0, key, rows.words_mut());
        rows
    }
}

impl Rbm {
    /// The same joint energy with the layers exchanged.
    pub fn transposed(&self) -> Self {
        let (nv, nh) = (self.n_visible(), self.n_hidden());
        let mut turned = Self::zeros(nh, nv);
        let weights = turned.params.get_mut(super::WEIGHTS);
        for (i, row) in self.weights().chunks_exact(nh).enumerate() {
            row.iter().enumerate().for_each(|(j, w)| weights[j * nv + i] = *w);
        }
        turned.params.get_mut(super::VISIBLE_BIAS).copy_from_slice(self.hidden_bias());
        turned.params.get_mut(super::HIDDEN_BIAS).copy_from_slice(self.visible_bias());
        turned
    }
}
