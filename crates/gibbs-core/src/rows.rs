//! What the methods of this crate need to know of a batch of states. Rows are the leading axis, always.

use crate::key::Key;
use crate::real::Real;

/// A batch of states, one a row.
pub trait Rows: Clone + Send + Sync {
    /// Number of rows.
    fn n_rows(&self) -> usize;

    /// The rows at `index`, in that order (an index may repeat).
    ///
    /// # Panics
    /// If an index is not below [`Rows::n_rows`].
    fn select(&self, index: &[usize]) -> Self;
}

/// States in `R^n_cols`: rows of real numbers, row-major and contiguous.
pub trait Continuous: Rows + ExchangeRows + Default {
    /// Precision of the numbers.
    type T: Real;

    /// Numbers of a row.
    fn n_cols(&self) -> usize;

    /// All numbers, row after row.
    fn values(&self) -> &[Self::T];

    /// All numbers, to change.
    fn values_mut(&mut self) -> &mut [Self::T];

    /// Takes another shape and reuses the memory; the numbers are unspecified afterwards.
    fn reset(&mut self, n_rows: usize, n_cols: usize);

    /// One row.
    fn row(&self, i: usize) -> &[Self::T] {
        &self.values()[i * self.n_cols()..][..self.n_cols()]
    }

    /// One row, to change.
    fn row_mut(&mut self, i: usize) -> &mut [Self::T] {
        let n = self.n_cols();
        &mut self.values_mut()[i * n..][..n]
    }

    /// `self += a * x`, elementwise.
    fn add_scaled(&mut self, a: f64, x: &Self) {
        let a = Self::T::narrow(a);
        self.values_mut().iter_mut().zip(x.values()).for_each(|(s, &x)| *s += a * x);
    }

    /// Multiplies row `i` by `factors[i]`.
    fn scale_rows(&mut self, factors: &[f64]) {
        let n = self.n_cols().max(1);
        for (row, &f) in self.values_mut().chunks_exact_mut(n).zip(factors) {
            let f = Self::T::narrow(f);
            row.iter_mut().for_each(|v| *v *= f);
        }
    }
}

/// Evaluations and chains whose rows can change places with those of another batch: what accepting proposals row by
/// row and swapping replicas need.
pub trait ExchangeRows {
    /// Row `i` of `self` and of `other` change places wherever `which[i]`.
    ///
    /// # Panics
    /// If the two have not `which.len()` rows each.
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]);
}

impl<T: Copy> ExchangeRows for Vec<T> {
    fn exchange_rows(&mut self, other: &mut Self, which: &[bool]) {
        assert_eq!((self.len(), other.len()), (which.len(), which.len()), "one answer a row");
        for ((a, b), &which) in self.iter_mut().zip(other).zip(which) {
            (*a, *b) = if which { (*b, *a) } else { (*a, *b) };
        }
    }
}

/// States of finitely many two-valued sites.
pub trait Discrete: Rows {
    /// Number of sites of a row.
    fn n_sites(&self) -> usize;

    /// Value of a site: `true` is bit 1, spin +1.
    fn site(&self, row: usize, site: usize) -> bool;

    /// Sets a site.
    fn set_site(&mut self, row: usize, site: usize, value: bool);

    /// Draws each of `sites` independently from its natural parameters, row by row.
    fn redraw(&mut self, sites: &[usize], natural: &Natural, key: &Key) {
        assert_eq!(natural.width, sites.len(), "one natural parameter a site");
        let mut rng = key.rng();
        for row in 0..self.n_rows() {
            for (k, &site) in sites.iter().enumerate() {
                let p = 1.0 / (1.0 + (-natural.logits[row * sites.len() + k]).exp());
                self.set_site(row, site, rng.uniform() < p);
            }
        }
    }
}

/// States whose sites can be drawn anew from natural parameters, one a row and site or several: what heat bath needs.
pub trait Redraw: Rows {
    /// Draws each of `sites` independently from its natural parameters, row by row.
    ///
    /// # Panics
    /// If there are not as many natural parameters as these sites have.
    fn redraw_sites(&mut self, sites: &[usize], natural: &Natural, key: &Key);
}

impl<X: Discrete> Redraw for X {
    fn redraw_sites(&mut self, sites: &[usize], natural: &Natural, key: &Key) {
        self.redraw(sites, natural, key);
    }
}

/// Natural parameters of a block of sites given all the others: `log p(1 | rest) - log p(0 | rest)` where sites have two
/// values, and the `q - 1` numbers `log p(a | rest) - log p(0 | rest)`, `a = 1, .., q - 1`, side by side where they have `q`.
///
/// They add and scale as energies do, which is what lets sums, tempering and paths compose.
/// Shape: rows x `width`, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Natural {
    /// Numbers of a row: sites in the block, times `q - 1`.
    pub width: usize,
    /// Log-odds, rows x `width`.
    pub logits: Vec<f64>,
}

impl Natural {
    /// Zeroes for `n_rows` rows of `width` sites, reusing the buffer.
    pub fn reset(&mut self, n_rows: usize, width: usize) {
        self.width = width;
        self.logits.clear();
        self.logits.resize(n_rows * width, 0.0);
    }

    /// `self = a * self + b * other`.
    ///
    /// # Panics
    /// If the blocks differ in size.
    pub fn blend(&mut self, a: f64, b: f64, other: &Natural) {
        assert_eq!(self.logits.len(), other.logits.len(), "natural parameters of the same block");
        for (x, y) in self.logits.iter_mut().zip(&other.logits) {
            *x = a * *x + b * y;
        }
    }
}
