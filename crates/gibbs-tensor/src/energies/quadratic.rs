//! A quadratic energy: the Gaussian before it is normalised.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::cholesky::Cholesky;
use super::precision::Precision;
use super::rows::{check, check_pair, tile};

/// Why numbers do not define a quadratic energy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuadraticError {
    /// No coordinate at all.
    #[error("a quadratic energy needs at least one coordinate")]
    Empty,
    /// The matrix or diagonal does not fit the mean.
    #[error("{found} numbers for a mean of {n_cols}: a diagonal has {n_cols}, a matrix {n_cols} x {n_cols}")]
    Shape {
        /// Numbers found.
        found: usize,
        /// Numbers of the mean.
        n_cols: usize,
    },
    /// A mean that is no number.
    #[error("the mean has {value} in place {index}")]
    Mean {
        /// The number.
        value: f64,
        /// Its place.
        index: usize,
    },
    /// A precision or variance that is not positive and finite.
    #[error("precisions and variances are positive and finite, found {value} in place {index}")]
    NotPositive {
        /// The number.
        value: f64,
        /// Its place.
        index: usize,
    },
    /// A matrix whose two triangles differ.
    #[error("entries ({row}, {col}) and ({col}, {row}) differ by {by:e}: pass a symmetric matrix")]
    NotSymmetric {
        /// Row.
        row: usize,
        /// Column.
        col: usize,
        /// Difference.
        by: f64,
    },
    /// A matrix with a direction of no or negative curvature.
    #[error(
        "not positive definite: pivot {index} of the Cholesky factor is {value:e}; add a ridge to the diagonal or drop dependent coordinates"
    )]
    NotDefinite {
        /// The pivot.
        value: f64,
        /// Its place.
        index: usize,
    },
}

/// `E(x) = (x - m)' A (x - m) / 2`, with `A` positive definite: the Gaussian of mean `m` and covariance `A^-1`, not
/// normalised. [`Gaussian`](super::Gaussian) is the same plus [`Quadratic::log_z`].
///
/// # Shapes and units
/// Rows of `n_cols` numbers; energies in nats.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::energy::Energy;
/// use gibbs_core::scratch::Scratch;
/// use gibbs_tensor::energies::Quadratic;
/// let energy = Quadratic::<f64>::dense(&[0.0, 1.0], &[2.0, -1.0, -1.0, 2.0])?;
/// let x = Dense::from_rows(2, vec![1.0, 1.0]);
/// let mut e = [0.0];
/// energy.energy(&x, &mut e, &mut Scratch::default());
/// assert_eq!(e[0], 1.0);
/// assert!((energy.log_z() - (std::f64::consts::TAU.ln() - 0.5 * 3f64.ln())).abs() < 1e-14);
/// # Ok::<(), gibbs_tensor::energies::QuadraticError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Quadratic<T> {
    mean: Vec<f64>,
    log_z: f64,
    form: Form<T>,
}

#[derive(Clone, Debug)]
enum Form<T> {
    /// Precisions; means and precisions in `T`, tiled.
    Diagonal {
        precision: Vec<f64>,
        mean_tile: Vec<T>,
        precision_tile: Vec<T>,
    },
    Dense {
        precision: Vec<f64>,
        factor: Cholesky,
        product: Precision<T>,
    },
}

impl<T: Real> Quadratic<T> {
    /// `A` diagonal, with these precisions (inverse variances).
    pub fn diagonal(mean: &[f64], precision: &[f64]) -> Result<Self, QuadraticError> {
        check_mean(mean)?;
        if precision.len() != mean.len() {
            return Err(QuadraticError::Shape { found: precision.len(), n_cols: mean.len() });
        }
        check_positive(precision)?;
        let log_det: f64 = precision.iter().map(|p| p.ln()).sum();
        let form =
            Form::Diagonal { precision: precision.to_vec(), mean_tile: tile(mean), precision_tile: tile(precision) };
        Ok(Self { mean: mean.to_vec(), log_z: log_z(mean.len(), log_det), form })
    }

    /// Any `A`, row-major, symmetric to a relative 1e-9.
    pub fn dense(mean: &[f64], precision: &[f64]) -> Result<Self, QuadraticError> {
        check_mean(mean)?;
        let n = mean.len();
        let precision = symmetric(precision, n)?;
        let factor = factored(&precision, n)?;
        let log_z = log_z(n, factor.log_det());
        let product = Precision::new(mean, &precision);
        Ok(Self { mean: mean.to_vec(), log_z, form: Form::Dense { precision, factor, product } })
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.mean.len()
    }

    /// The minimum `m`, which is the mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// `A`, row-major.
    pub fn precision(&self) -> Vec<f64> {
        match &self.form {
            Form::Diagonal { precision, .. } => diagonal_matrix(precision),
            Form::Dense { precision, .. } => precision.clone(),
        }
    }

    /// The covariance `A^-1`, row-major.
    pub fn covariance(&self) -> Vec<f64> {
        match &self.form {
            Form::Diagonal { precision, .. } => {
                diagonal_matrix(&precision.iter().map(|p| p.recip()).collect::<Vec<_>>())
            }
            Form::Dense { factor, .. } => factor.inverse(),
        }
    }

    /// `log Z = (n_cols log(2 pi) - log det A) / 2`, in nats.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Turns a row of white noise into a draw.
    pub(super) fn colour(&self, white: &mut [f64]) {
        match &self.form {
            Form::Diagonal { precision, .. } => white.iter_mut().zip(precision).for_each(|(w, p)| *w /= p.sqrt()),
            Form::Dense { factor, .. } => factor.solve_upper(white),
        }
        white.iter_mut().zip(&self.mean).for_each(|(w, m)| *w += m);
    }

    /// Energies plus `constant`: shared with the normalised form.
    pub(super) fn energy_plus(&self, constant: f64, x: &Dense<T>, e: &mut [f64], ws: &mut Scratch) {
        check(x, self.n_cols(), e);
        match &self.form {
            Form::Diagonal { mean_tile, precision_tile, .. } => {
                let n = self.n_cols();
                let (mean, precision) = (&mean_tile[..n], &precision_tile[..n]);
                for (e, row) in e.iter_mut().zip(x.values().chunks_exact(n)) {
                    let mut twice = T::zero();
                    for ((&x, &m), &p) in row.iter().zip(mean).zip(precision) {
                        twice += (x - m) * (x - m) * p;
                    }
                    *e = twice.widen();
                }
            }
            Form::Dense { product, .. } => product.twice_energy(x, e, ws),
        }
        e.iter_mut().for_each(|e| *e = 0.5 * *e + constant);
    }

    /// Gradients, without energies.
    pub(super) fn gradient(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        check_pair(x, g, self.n_cols());
        match &self.form {
            Form::Diagonal { mean_tile, precision_tile, .. } => {
                let tiles = x.values().chunks(mean_tile.len()).zip(g.values_mut().chunks_mut(mean_tile.len()));
                for (x, g) in tiles {
                    for (((g, &x), &m), &p) in g.iter_mut().zip(x).zip(mean_tile).zip(precision_tile) {
                        *g = (x - m) * p;
                    }
                }
            }
            Form::Dense { product, .. } => product.gradient(x, g, ws),
        }
    }

    /// Energies plus `constant`, and gradients.
    pub(super) fn energy_gradient_plus(
        &self,
        constant: f64,
        x: &Dense<T>,
        e: &mut [f64],
        g: &mut Dense<T>,
        ws: &mut Scratch,
    ) {
        check(x, self.n_cols(), e);
        self.gradient(x, g, ws);
        let n = self.n_cols();
        let mean = match &self.form {
            Form::Diagonal { mean_tile, .. } => &mean_tile[..n],
            Form::Dense { product, .. } => product.mean(),
        };
        for ((e, x), g) in e.iter_mut().zip(x.values().chunks_exact(n)).zip(g.values().chunks_exact(n)) {
            *e = 0.5 * inner(x, mean, g).widen() + constant;
        }
    }
}

/// `(x - m) . g`, in four strands that a compiler may put side by side.
#[inline]
pub(super) fn inner<T: Real>(x: &[T], mean: &[T], g: &[T]) -> T {
    let mut strands = [T::zero(); 4];
    let whole = x.len() - x.len() % 4;
    let fours = x.chunks_exact(4).zip(mean.chunks_exact(4)).zip(g.chunks_exact(4));
    for ((x, m), g) in fours {
        for k in 0..4 {
            strands[k] += (x[k] - m[k]) * g[k];
        }
    }
    for ((&x, &m), &g) in x[whole..].iter().zip(&mean[whole..]).zip(&g[whole..]) {
        strands[0] += (x - m) * g;
    }
    (strands[0] + strands[1]) + (strands[2] + strands[3])
}

impl<T: Real> Energy for Quadratic<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], ws: &mut Scratch) {
        self.energy_plus(0.0, x, out, ws);
    }
}

impl<T: Real> Gradient for Quadratic<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.energy_gradient_plus(0.0, x, e, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        self.gradient(x, g, ws);
    }
}

fn log_z(n_cols: usize, log_det: f64) -> f64 {
    0.5 * (n_cols as f64 * std::f64::consts::TAU.ln() - log_det)
}

fn check_mean(mean: &[f64]) -> Result<(), QuadraticError> {
    if mean.is_empty() {
        return Err(QuadraticError::Empty);
    }
    match mean.iter().position(|m| !m.is_finite()) {
        Some(index) => Err(QuadraticError::Mean { value: mean[index], index }),
        None => Ok(()),
    }
}

/// Every value positive and finite, and so its inverse.
pub(super) fn check_positive(values: &[f64]) -> Result<(), QuadraticError> {
    match values.iter().position(|&v| !(v > 0.0 && v.is_finite() && v.recip().is_finite())) {
        Some(index) => Err(QuadraticError::NotPositive { value: values[index], index }),
        None => Ok(()),
    }
}

/// The matrix with its triangles averaged, if they agree.
pub(super) fn symmetric(a: &[f64], n: usize) -> Result<Vec<f64>, QuadraticError> {
    if a.len() != n * n {
        return Err(QuadraticError::Shape { found: a.len(), n_cols: n });
    }
    let size = a.iter().fold(0.0f64, |s, v| s.max(v.abs()));
    let mut out = a.to_vec();
    for row in 0..n {
        for col in 0..row {
            let (lower, upper) = (a[row * n + col], a[col * n + row]);
            if (lower - upper).abs() > 1e-9 * size {
                return Err(QuadraticError::NotSymmetric { row, col, by: lower - upper });
            }
            out[row * n + col] = 0.5 * (lower + upper);
            out[col * n + row] = out[row * n + col];
        }
    }
    Ok(out)
}

pub(super) fn factored(a: &[f64], n: usize) -> Result<Cholesky, QuadraticError> {
    Cholesky::new(a, n).map_err(|(index, value)| QuadraticError::NotDefinite { value, index })
}

fn diagonal_matrix(diagonal: &[f64]) -> Vec<f64> {
    let n = diagonal.len();
    let mut a = vec![0.0; n * n];
    diagonal.iter().enumerate().for_each(|(i, &d)| a[i * n + i] = d);
    a
}
