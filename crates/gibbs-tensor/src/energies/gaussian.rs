//! The Gaussian, normalised: given, or fitted to data.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::quadratic::{Quadratic, QuadraticError, check_positive, factored, symmetric};

/// Why no Gaussian was fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Too few rows to see any spread.
    #[error("a Gaussian is fitted to at least 2 rows, found {n_rows}")]
    TooFew {
        /// Rows found.
        n_rows: usize,
    },
    /// A ridge that is negative or no number.
    #[error("the ridge is a share of the mean variance, 0 or more (say 1e-6), found {0}")]
    Ridge(f64),
    /// NaN or infinite numbers among the data.
    #[error("row {row}, column {col} is {value}: clean the data first")]
    NotFinite {
        /// The number.
        value: f64,
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
    },
    /// Rows that do not spread in every direction.
    #[error("the data have no spread in some direction: drop constant or dependent columns, or pass a ridge ({0})")]
    Degenerate(#[from] QuadraticError),
}

/// `log p(x) = -(x - m)' A (x - m) / 2 - log Z`: normalised, so `log_z()` is 0.
///
/// # Shapes and units
/// Rows of `n_cols` numbers; energies in nats.
///
/// # Example
/// ```
/// use gibbs_core::energy::Distribution;
/// use gibbs_core::key::Key;
/// use gibbs_tensor::energies::Gaussian;
/// let p = Gaussian::<f64>::from_covariance(&[1.0, 2.0], &[2.0, 1.0, 1.0, 2.0])?;
/// let x = p.sample(1000, &Key::from_seed(0));
/// let q = Gaussian::fit(&x, 1e-6)?;
/// assert!((q.mean()[1] - 2.0).abs() < 0.25 && (q.covariance()[1] - 1.0).abs() < 0.4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gaussian<T>(Quadratic<T>);

impl<T: Real> Gaussian<T> {
    /// Mean 0, variance 1 in each of `n_cols` coordinates.
    pub fn standard(n_cols: usize) -> Result<Self, QuadraticError> {
        Self::diagonal(&vec![0.0; n_cols], &vec![1.0; n_cols])
    }

    /// Independent coordinates with these variances.
    pub fn diagonal(mean: &[f64], variance: &[f64]) -> Result<Self, QuadraticError> {
        check_positive(variance)?;
        let precision: Vec<f64> = variance.iter().map(|v| v.recip()).collect();
        Ok(Self(Quadratic::diagonal(mean, &precision)?))
    }

    /// Any positive definite covariance, row-major.
    pub fn from_covariance(mean: &[f64], covariance: &[f64]) -> Result<Self, QuadraticError> {
        let covariance = symmetric(covariance, mean.len())?;
        Self::from_precision(mean, &factored(&covariance, mean.len())?.inverse())
    }

    /// Any positive definite precision (inverse covariance), row-major.
    pub fn from_precision(mean: &[f64], precision: &[f64]) -> Result<Self, QuadraticError> {
        Ok(Self(Quadratic::dense(mean, precision)?))
    }

    /// The maximum-likelihood Gaussian of the rows: their mean, and their covariance with `ridge` times its mean
    /// variance added to the diagonal (1e-6 keeps dependent columns from being an error and changes nothing else; 0 asks
    /// for the plain fit). What noise-contrastive estimation and annealing start from.
    pub fn fit(x: &Dense<T>, ridge: f64) -> Result<Self, FitError> {
        let (mean, centred) = centred(x, ridge)?;
        let n = mean.len();
        let mut covariance = vec![0.0; n * n];
        for row in centred.chunks_exact(n) {
            for (i, &a) in row.iter().enumerate() {
                covariance[i * n..=i * n + i].iter_mut().zip(row).for_each(|(c, b)| *c += a * b);
            }
        }
        let count = x.n_rows() as f64;
        for i in 0..n {
            for j in 0..=i {
                covariance[i * n + j] /= count;
                covariance[j * n + i] = covariance[i * n + j];
            }
        }
        let added = ridge * (0..n).map(|i| covariance[i * n + i]).sum::<f64>() / n as f64;
        (0..n).for_each(|i| covariance[i * n + i] += added);
        Ok(Self::from_covariance(&mean, &covariance)?)
    }

    /// As [`Gaussian::fit`] with the coordinates taken as independent.
    pub fn fit_diagonal(x: &Dense<T>, ridge: f64) -> Result<Self, FitError> {
        let (mean, centred) = centred(x, ridge)?;
        let n = mean.len();
        let mut variance = vec![0.0; n];
        for row in centred.chunks_exact(n) {
            variance.iter_mut().zip(row).for_each(|(v, r)| *v += r * r / x.n_rows() as f64);
        }
        let added = ridge * variance.iter().sum::<f64>() / n as f64;
        variance.iter_mut().for_each(|v| *v += added);
        Ok(Self::diagonal(&mean, &variance)?)
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.0.n_cols()
    }

    /// Mean.
    pub fn mean(&self) -> &[f64] {
        self.0.mean()
    }

    /// Covariance, row-major.
    pub fn covariance(&self) -> Vec<f64> {
        self.0.covariance()
    }

    /// Precision, row-major.
    pub fn precision(&self) -> Vec<f64> {
        self.0.precision()
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }
}

/// Column means, and the rows less them.
fn centred<T: Real>(x: &Dense<T>, ridge: f64) -> Result<(Vec<f64>, Vec<f64>), FitError> {
    let (n_rows, n) = (x.n_rows(), x.n_cols());
    if n_rows < 2 {
        return Err(FitError::TooFew { n_rows });
    }
    if !(ridge >= 0.0 && ridge.is_finite()) {
        return Err(FitError::Ridge(ridge));
    }
    let mut values: Vec<f64> = x.values().iter().map(|v| v.widen()).collect();
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(FitError::NotFinite { value: values[at], row: at / n, col: at % n });
    }
    let mut mean = vec![0.0; n];
    for row in values.chunks_exact(n) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n_rows as f64);
    }
    for row in values.chunks_exact_mut(n) {
        row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
    }
    Ok((mean, values))
}

impl<T: Real> Energy for Gaussian<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], ws: &mut Scratch) {
        self.0.energy_plus(self.0.log_z(), x, out, ws);
    }
}

impl<T: Real> Gradient for Gaussian<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.0.energy_gradient_plus(self.0.log_z(), x, e, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        self.0.gradient(x, g, ws);
    }
}

impl<T: Real> Distribution for Gaussian<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut x = Dense::zeros(n, self.n_cols());
        T::fill_normal(&key.purpose(Purpose::Noise), x.values_mut());
        let mut row = vec![0.0; self.n_cols()];
        for values in x.values_mut().chunks_exact_mut(self.n_cols()) {
            row.iter_mut().zip(&*values).for_each(|(r, v)| *r = v.widen());
            self.0.colour(&mut row);
            values.iter_mut().zip(&row).for_each(|(v, &r)| *v = T::narrow(r));
        }
        x
    }
}
