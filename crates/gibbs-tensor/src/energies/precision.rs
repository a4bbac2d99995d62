//! Products of rows with a dense symmetric matrix.

use std::any::Any;

use gibbs_core::dense::Dense;
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_kernels::gemm::{Packed, matmul};

use super::quadratic::inner;
use super::rows::c;

/// Columns computed together, and rows: what fits the registers.
const COLS: usize = 8;
const ROWS: usize = 4;

/// A mean `m` and a symmetric matrix `A`, for `A (x - m)` of many rows.
#[derive(Clone, Debug)]
pub(super) struct Precision<T> {
    mean: Vec<T>,
    /// Rows padded with zeros to a multiple of [`COLS`].
    padded: Vec<T>,
    /// What the kernels of single precision read; unused in double.
    packed: Packed,
    centred: bool,
}

impl<T: Real> Precision<T> {
    pub(super) fn new(mean: &[f64], a: &[f64]) -> Self {
        let n = mean.len();
        let mut padded = vec![T::zero(); n * n.next_multiple_of(COLS)];
        for (to, from) in padded.chunks_exact_mut(n.next_multiple_of(COLS)).zip(a.chunks_exact(n)) {
            to.iter_mut().zip(from).for_each(|(t, &f)| *t = c(f));
        }
        let single: Vec<f32> = a.iter().map(|&a| a as f32).collect();
        Self {
            mean: mean.iter().map(|&m| c(m)).collect(),
            padded,
            packed: Packed::new(n, n, &single),
            centred: mean.iter().all(|&m| m == 0.0),
        }
    }

    /// `m`.
    pub(super) fn mean(&self) -> &[T] {
        &self.mean
    }

    /// Row `i` of `g` = `A (x_i - m)`.
    pub(super) fn gradient(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        let single = (single(x), (g as &mut dyn Any).downcast_mut::<Dense<f32>>(), self.single_mean());
        if let (Some(x), Some(g), Some(mean)) = single {
            self.single_gradient(x.values(), mean, g.values_mut(), ws);
            return;
        }
        let n = self.mean.len();
        let g = g.values_mut();
        self.product(x.values(), |row, first, sums| {
            let to = &mut g[row * n + first..(row + 1) * n];
            to.iter_mut().zip(sums).for_each(|(g, &s)| *g = s);
        });
    }

    /// `e_i = (x_i - m)' A (x_i - m)`.
    pub(super) fn twice_energy(&self, x: &Dense<T>, e: &mut [f64], ws: &mut Scratch) {
        let n = self.mean.len();
        if let (Some(x), Some(mean)) = (single(x), self.single_mean()) {
            let mut g = ws.take_f32(x.n_rows() * n);
            self.single_gradient(x.values(), mean, &mut g, ws);
            for ((e, x), g) in e.iter_mut().zip(x.values().chunks_exact(n)).zip(g.chunks_exact(n)) {
                *e = f64::from(inner(x, mean, g));
            }
            ws.give_f32(g);
            return;
        }
        e.fill(0.0);
        self.product(x.values(), |row, first, sums| {
            let places = x.row(row)[first..].iter().zip(&self.mean[first..]).zip(sums);
            e[row] += places.map(|((&x, &m), &s)| (x - m) * s).sum::<T>().widen();
        });
    }

    fn single_mean(&self) -> Option<&Vec<f32>> {
        (&self.mean as &dyn Any).downcast_ref()
    }

    /// In single precision, by the kernels of the machine. The mean is taken off before the product: off the product, a
    /// mean far from 0 would leave only rounding.
    fn single_gradient(&self, x: &[f32], mean: &[f32], g: &mut [f32], ws: &mut Scratch) {
        let n = mean.len();
        if self.centred {
            matmul(x.len() / n, x, &self.packed, None, false, g);
            return;
        }
        let mut centred = ws.take_f32(x.len());
        for (to, x) in centred.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
            to.iter_mut().zip(x).zip(mean).for_each(|((t, x), m)| *t = x - m);
        }
        matmul(x.len() / n, &centred, &self.packed, None, false, g);
        ws.give_f32(centred);
    }

    /// Calls `sink(row, first, sums)` with [`COLS`] numbers of `A (x_row - m)`, from column `first` on.
    fn product(&self, x: &[T], mut sink: impl FnMut(usize, usize, &[T; COLS])) {
        let n = self.mean.len();
        let whole = x.len() / n / ROWS * ROWS;
        for row in (0..whole).step_by(ROWS) {
            self.rows::<ROWS>(&x[row * n..], |r, first, sums| sink(row + r, first, sums));
        }
        for row in whole..x.len() / n {
            self.rows::<1>(&x[row * n..], |_, first, sums| sink(row, first, sums));
        }
    }

    /// The first `R` rows of `x`, a tile of columns in registers at a time.
    #[inline]
    fn rows<const R: usize>(&self, x: &[T], mut sink: impl FnMut(usize, usize, &[T; COLS])) {
        let n = self.mean.len();
        let stride = n.next_multiple_of(COLS);
        for first in (0..n).step_by(COLS) {
            let mut sums = [[T::zero(); COLS]; R];
            for (j, a) in self.padded.chunks_exact(stride).enumerate() {
                for (r, sums) in sums.iter_mut().enumerate() {
                    let d = x[r * n + j] - self.mean[j];
                    sums.iter_mut().zip(&a[first..first + COLS]).for_each(|(s, &a)| *s += d * a);
                }
            }
            sums.iter().enumerate().for_each(|(r, sums)| sink(r, first, sums));
        }
    }
}

/// The rows, if they are of single precision.
fn single<T: Real>(x: &Dense<T>) -> Option<&Dense<f32>> {
    (x as &dyn Any).downcast_ref()
}
