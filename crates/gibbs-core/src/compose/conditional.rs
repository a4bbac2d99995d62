//! Conditioning of real rows: some coordinates keep their values, the others are the state.

use crate::energy::{Energy, Gradient};
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// `E(x_free) = E(x_free, x_held)`: the energy of the free coordinates given the others, which is the conditional law up to
/// its constant.
///
/// # Shapes
/// Rows of as many numbers as coordinates are free, in their order.
///
/// # Example
/// ```
/// use gibbs_core::compose::Conditional;
/// use gibbs_core::dense::Dense;
/// use gibbs_core::energy::{Energy, Gradient};
/// use gibbs_core::rows::{Continuous, Rows};
/// use gibbs_core::scratch::Scratch;
///
/// /// E(x) = x_0 x_1
/// struct Product;
/// impl Energy for Product {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
///         (0..x.n_rows()).for_each(|i| out[i] = x.row(i)[0] * x.row(i)[1]);
///     }
/// }
/// let given = Conditional::new(Product, vec![5.0, 3.0], &[false, true]);
/// let mut e = [0.0];
/// given.energy(&Dense::from_rows(1, vec![2.0]), &mut e, &mut Scratch::default());
/// assert_eq!(e, [6.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Conditional<E, T> {
    inner: E,
    row: Vec<T>,
    free: Vec<usize>,
}

impl<E, T> Conditional<E, T> {
    /// Holds the coordinates of `row` whose flag in `known` is set.
    ///
    /// # Panics
    /// If there is not one flag a coordinate.
    pub fn new(inner: E, row: Vec<T>, known: &[bool]) -> Self {
        assert_eq!(row.len(), known.len(), "one flag a coordinate");
        let free = (0..known.len()).filter(|&i| !known[i]).collect();
        Self { inner, row, free }
    }

    /// The free coordinates.
    pub fn free(&self) -> &[usize] {
        &self.free
    }
}

impl<E: Energy<X: Continuous>> Conditional<E, <E::X as Continuous>::T> {
    /// Whole rows: the held coordinates beside those of `x`.
    pub fn joined(&self, x: &E::X) -> E::X {
        let mut whole = E::X::default();
        whole.reset(x.n_rows(), self.row.len());
        for i in 0..x.n_rows() {
            whole.row_mut(i).copy_from_slice(&self.row);
            for (&at, &v) in self.free.iter().zip(x.row(i)) {
                whole.row_mut(i)[at] = v;
            }
        }
        whole
    }
}

impl<E: Energy<X: Continuous>> Energy for Conditional<E, <E::X as Continuous>::T> {
    type X = E::X;

    fn energy(&self, x: &E::X, out: &mut [f64], ws: &mut Scratch) {
        self.inner.energy(&self.joined(x), out, ws);
    }

    fn block_rows(&self) -> usize {
        self.inner.block_rows()
    }
}

impl<E: Gradient> Gradient for Conditional<E, <E::X as Continuous>::T> {
    fn energy_grad(&self, x: &E::X, e: &mut [f64], g: &mut E::X, ws: &mut Scratch) {
        let whole = self.joined(x);
        let mut all = E::X::default();
        all.reset(whole.n_rows(), whole.n_cols());
        self.inner.energy_grad(&whole, e, &mut all, ws);
        for i in 0..x.n_rows() {
            for (k, &at) in self.free.iter().enumerate() {
                g.row_mut(i)[k] = all.row(i)[at];
            }
        }
    }
}
