//! Pairwise memories.

use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::rows::{Natural, Rows};
use gibbs_core::scratch::Scratch;

use super::{MAX_SPINS, MemoryError};
use crate::Bits;

/// A Hopfield network: `E(s) = -s'Ws / 2 - b's` over spins `s = 2x - 1`, with symmetric `W` and a zero diagonal.
///
/// As an [`Energy`] at temperature 1 it is the fully connected Boltzmann machine of these couplings; other temperatures are
/// [`gibbs_core::compose::Scaled`] or the `beta` of a path. Patterns become couplings by [`super::Rule`]; queries find their
/// fixed points by [`super::Recaller`].
///
/// # Shapes
/// `W` is `n x n`, `b` is `n`, both `f32`; energies are `f64`.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::{Bits, memory::{Hopfield, Recaller, Rule, Update}};
/// let patterns = Bits::from_rows(&[[true, true, true, true, false, false], [true, false, true, false, true, false]]);
/// let memory = Hopfield::store(Rule::Hebbian, &patterns)?;
/// let query = Bits::from_rows(&[[true, true, true, false, false, false]]);
/// let found = Recaller::new(&memory).recall(&query, Update::Asynchronous, 10, &Key::from_seed(0));
/// assert_eq!(found.states, patterns.slice(0, 1));
/// # Ok::<(), gibbs_spin::memory::MemoryError>(())
/// ```
///
/// # Source
/// Hopfield 1982, DOI 10.1073/pnas.79.8.2554.
#[derive(Clone, Debug, PartialEq)]
pub struct Hopfield {
    n: usize,
    couplings: Vec<f32>,
    bias: Vec<f32>,
}

impl Hopfield {
    /// From couplings, `n x n` row-major, and biases.
    ///
    /// # Errors
    /// If a number is not finite, the couplings are not symmetric, or a diagonal element is not zero.
    pub fn from_couplings(couplings: Vec<f32>, bias: Vec<f32>) -> Result<Self, MemoryError> {
        let n = bias.len();
        if n == 0 {
            return Err(MemoryError::Empty { n_patterns: 0, n_spins: 0 });
        }
        if n > MAX_SPINS {
            return Err(MemoryError::TooLarge { found: n });
        }
        if couplings.len() != n * n {
            return Err(MemoryError::Length { what: "couplings", found: couplings.len(), wanted: n * n });
        }
        for (what, values) in [("couplings", &couplings), ("bias", &bias)] {
            if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                return Err(MemoryError::NotFinite { what, index, value: f64::from(values[index]) });
            }
        }
        for i in 0..n {
            if couplings[i * n + i] != 0.0 {
                return Err(MemoryError::SelfLoop(i));
            }
            for j in i + 1..n {
                let (upper, lower) = (f64::from(couplings[i * n + j]), f64::from(couplings[j * n + i]));
                if upper != lower {
                    return Err(MemoryError::NotSymmetric { i, j, upper, lower });
                }
            }
        }
        Ok(Self { n, couplings, bias })
    }

    /// Number of spins.
    pub fn n_spins(&self) -> usize {
        self.n
    }

    /// Couplings `W`, row-major.
    pub fn couplings(&self) -> &[f32] {
        &self.couplings
    }

    /// Biases `b`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Couplings of one spin.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.couplings[i * self.n..][..self.n]
    }

    /// Fields `h_i = b_i + sum_j W_ij s_j` of one row, in f64.
    fn fields(&self, x: &Bits, row: usize, out: &mut [f64]) {
        assert_eq!(x.n_cols(), self.n, "rows of {} spins", self.n);
        for (i, o) in out.iter_mut().enumerate() {
            let sum = |k: usize, w: &f32| if x.get(row, k) { f64::from(*w) } else { -f64::from(*w) };
            *o = f64::from(self.bias[i]) + self.row(i).iter().enumerate().map(|(k, w)| sum(k, w)).sum::<f64>();
        }
    }

    /// `-s'Ws/2 - b's = -sum_i s_i (h_i + b_i) / 2` from fields.
    pub(super) fn energy_of(&self, spin: impl Fn(usize) -> bool, field: impl Fn(usize) -> f64) -> f64 {
        let term = |i: usize| {
            let h = field(i) + f64::from(self.bias[i]);
            if spin(i) { h } else { -h }
        };
        -0.5 * (0..self.n).map(term).sum::<f64>()
    }
}

impl Energy for Hopfield {
    type X = Bits;

    fn energy(&self, x: &Bits, out: &mut [f64], ws: &mut Scratch) {
        let mut h = ws.take_f64(self.n);
        for (row, o) in out.iter_mut().enumerate() {
            self.fields(x, row, &mut h);
            *o = self.energy_of(|i| x.get(row, i), |i| h[i]);
        }
        ws.give_f64(h);
    }
}

impl Flips for Hopfield {
    /// `2 s_i h_i`.
    fn flip_deltas(&self, x: &Bits, out: &mut [f64], _ws: &mut Scratch) {
        for (row, deltas) in out.chunks_exact_mut(self.n).enumerate() {
            self.fields(x, row, deltas);
            deltas.iter_mut().enumerate().for_each(|(i, d)| *d *= if x.get(row, i) { 2.0 } else { -2.0 });
        }
    }
}

/// Each spin is a block of its own.
impl Blocks for Hopfield {
    fn n_blocks(&self) -> usize {
        self.n
    }

    fn sites(&self, block: usize) -> Vec<usize> {
        vec![block]
    }

    fn natural(&self, x: &Bits, block: usize, out: &mut Natural, _ws: &mut Scratch) {
        out.reset(x.n_rows(), 1);
        for (row, o) in out.logits.iter_mut().enumerate() {
            let sum = |k: usize, w: &f32| if x.get(row, k) { f64::from(*w) } else { -f64::from(*w) };
            let coupled: f64 = self.row(block).iter().enumerate().map(|(k, w)| sum(k, w)).sum();
            *o = 2.0 * (f64::from(self.bias[block]) + coupled);
        }
    }
}
