//! Rows of any kind of model: bits or real numbers.

use gibbs_core::dense::Dense;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_spin::Bits;

/// A batch of rows as a model takes them.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Rows of bits.
    Bits(Bits),
    /// Rows of real numbers, on the model's scale.
    Real(Dense<f32>),
}

impl Batch {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Batch::Bits(x) => x.n_rows(),
            Batch::Real(x) => x.n_rows(),
        }
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        match self {
            Batch::Bits(x) => x.n_cols(),
            Batch::Real(x) => x.n_cols(),
        }
    }

    /// The rows `start..end`.
    ///
    /// # Panics
    /// If the range is not inside the rows.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        match self {
            Batch::Bits(x) => Batch::Bits(x.slice(start, end)),
            Batch::Real(x) => Batch::Real(x.slice(start, end)),
        }
    }

    /// The rows at `index`, in that order.
    ///
    /// # Panics
    /// If an index is not below the number of rows.
    #[must_use]
    pub fn select(&self, index: &[usize]) -> Self {
        match self {
            Batch::Bits(x) => Batch::Bits(x.select(index)),
            Batch::Real(x) => Batch::Real(x.select(index)),
        }
    }

    /// These rows and then those of `other`.
    ///
    /// # Panics
    /// If kinds or columns differ.
    #[must_use]
    pub fn followed_by(&self, other: &Self) -> Self {
        match (self, other) {
            (Batch::Bits(a), Batch::Bits(b)) => {
                Batch::Bits(Bits::from_words(a.n_rows() + b.n_rows(), a.n_cols(), [a.words(), b.words()].concat()))
            }
            (Batch::Real(a), Batch::Real(b)) => {
                Batch::Real(Dense::from_rows(a.n_cols(), [a.values(), b.values()].concat()))
            }
            _ => panic!("rows of one kind"),
        }
    }

    /// The rows, if they are bits.
    pub fn bits(&self) -> Option<&Bits> {
        match self {
            Batch::Bits(x) => Some(x),
            Batch::Real(_) => None,
        }
    }

    /// The rows, if they are real numbers.
    pub fn real(&self) -> Option<&Dense<f32>> {
        match self {
            Batch::Real(x) => Some(x),
            Batch::Bits(_) => None,
        }
    }

    /// One row as numbers.
    pub fn row(&self, i: usize) -> Vec<f32> {
        match self {
            Batch::Bits(x) => (0..x.n_cols()).map(|c| f32::from(u8::from(x.get(i, c)))).collect(),
            Batch::Real(x) => x.row(i).to_vec(),
        }
    }
}
