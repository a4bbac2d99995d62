//! Mixtures of Gaussians with independent coordinates.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;
use std::marker::PhantomData;

use super::rows::{check, check_pair, exp_of_negative};

/// Why numbers do not define a mixture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixtureError {
    /// No component, no coordinate, or tables that do not fit each other.
    #[error(
        "{weights} weights, {means} means and {variances} variances for rows of {n_cols}: pass a weight a component, and as many means and variances as components times coordinates"
    )]
    Shape {
        /// Weights.
        weights: usize,
        /// Means.
        means: usize,
        /// Variances.
        variances: usize,
        /// Coordinates.
        n_cols: usize,
    },
    /// A weight that is not positive, or no number.
    #[error("weights are positive and finite, found {value} in place {index}; leave empty components out")]
    Weight {
        /// The number.
        value: f64,
        /// Its place.
        index: usize,
    },
    /// A mean that is no number.
    #[error("means are finite, found {value} in place {index}")]
    Mean {
        /// The number.
        value: f64,
        /// Its place.
        index: usize,
    },
    /// A variance that is not positive and finite.
    #[error("variances are positive and finite, found {value} in place {index}")]
    Variance {
        /// The number.
        value: f64,
        /// Its place.
        index: usize,
    },
}

/// `p(x) = sum_k w_k prod_j normal(x_j; m_kj, v_kj)`: normalised, so `E = -log p` and `log_z()` is 0.
///
/// Rows are evaluated in `f64` whatever `T`: a log-sum-exp over components a hundred nats apart deserves it.
///
/// # Shapes and units
/// `K` components over `n_cols` coordinates, tables row-major, component after component; energies in nats.
///
/// # Example
/// ```
/// use gibbs_core::energy::Distribution;
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::Rows;
/// use gibbs_tensor::energies::GaussianMixture;
/// let eight = GaussianMixture::<f32>::ring(8, 2.0, 0.15)?;
/// assert_eq!(eight.sample(100, &Key::from_seed(0)).n_rows(), 100);
/// let skewed = GaussianMixture::<f64>::isotropic(&[0.3, 0.7], &[-1.0, 1.0], &[0.1, 0.4], 1)?;
/// assert!((skewed.mean()[0] - 0.4).abs() < 1e-15);
/// # Ok::<(), gibbs_tensor::energies::MixtureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianMixture<T> {
    n_cols: usize,
    weights: Vec<f64>,
    means: Vec<f64>,
    variances: Vec<f64>,
    /// `log w_k - sum_j log(2 pi v_kj) / 2`.
    log_heights: Vec<f64>,
    /// `m_kj` and `1 / (2 v_kj)`, coordinate after coordinate: the inner loops run over components.
    mean_columns: Vec<f64>,
    half_precision_columns: Vec<f64>,
    precision: PhantomData<T>,
}

impl<T: Real> GaussianMixture<T> {
    /// Components with a variance for every coordinate. `weights` need not sum to 1; they are divided by their sum.
    pub fn diagonal(weights: &[f64], means: &[f64], variances: &[f64], n_cols: usize) -> Result<Self, MixtureError> {
        let k = weights.len();
        if k == 0 || n_cols == 0 || means.len() != k * n_cols || variances.len() != k * n_cols {
            let (weights, means, variances) = (k, means.len(), variances.len());
            return Err(MixtureError::Shape { weights, means, variances, n_cols });
        }
        let positive = |v: &f64| *v > 0.0 && v.is_finite() && v.recip().is_finite();
        if let Some(index) = weights.iter().position(|w| !positive(w)) {
            return Err(MixtureError::Weight { value: weights[index], index });
        }
        if let Some(index) = means.iter().position(|m| !m.is_finite()) {
            return Err(MixtureError::Mean { value: means[index], index });
        }
        if let Some(index) = variances.iter().position(|v| !positive(v)) {
            return Err(MixtureError::Variance { value: variances[index], index });
        }
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let log_heights = weights
            .iter()
            .zip(variances.chunks_exact(n_cols))
            .map(|(w, v)| w.ln() - 0.5 * v.iter().map(|v| (std::f64::consts::TAU * v).ln()).sum::<f64>())
            .collect();
        let columns = |f: &dyn Fn(usize) -> f64| {
            (0..n_cols).flat_map(|j| (0..k).map(move |k| k * n_cols + j)).map(f).collect::<Vec<f64>>()
        };
        Ok(Self {
            n_cols,
            log_heights,
            mean_columns: columns(&|at| means[at]),
            half_precision_columns: columns(&|at| 0.5 / variances[at]),
            weights,
            means: means.to_vec(),
            variances: variances.to_vec(),
            precision: PhantomData,
        })
    }

    /// Components with one variance each.
    pub fn isotropic(weights: &[f64], means: &[f64], variances: &[f64], n_cols: usize) -> Result<Self, MixtureError> {
        let all: Vec<f64> = variances.iter().flat_map(|&v| std::iter::repeat_n(v, n_cols)).collect();
        Self::diagonal(weights, means, &all, n_cols)
    }

    /// `n` equal components in the plane, evenly on a circle of this radius from angle 0 on, standard deviation `sd`.
    pub fn ring(n: usize, radius: f64, sd: f64) -> Result<Self, MixtureError> {
        let angle = |i: usize| std::f64::consts::TAU * i as f64 / n as f64;
        let means: Vec<f64> = (0..n).flat_map(|i| [radius * angle(i).cos(), radius * angle(i).sin()]).collect();
        Self::isotropic(&vec![1.0; n], &means, &vec![sd * sd; n], 2)
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Weights, summing to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Means of the components, row after row.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Variances of the components, row after row.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// `m = sum_k w_k m_k`.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.n_cols];
        for (w, m) in self.weights.iter().zip(self.means.chunks_exact(self.n_cols)) {
            mean.iter_mut().zip(m).for_each(|(mean, m)| *mean += w * m);
        }
        mean
    }

    /// `sum_k w_k (diag v_k + (m_k - m)(m_k - m)')`, row-major.
    pub fn covariance(&self) -> Vec<f64> {
        let (n, mean) = (self.n_cols, self.mean());
        let mut covariance = vec![0.0; n * n];
        let tables = self.means.chunks_exact(n).zip(self.variances.chunks_exact(n));
        for (w, (m, v)) in self.weights.iter().zip(tables) {
            for i in 0..n {
                covariance[i * n + i] += w * v[i];
                for j in 0..n {
                    covariance[i * n + j] += w * (m[i] - mean[i]) * (m[j] - mean[j]);
                }
            }
        }
        covariance
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }

    /// Leaves `exp(l_k - max l)` of every component in `shares`, with `l_k = log w_k p_k(x)`; returns their sum and the
    /// maximum.
    fn shares(&self, row: &[T], shares: &mut [f64]) -> (f64, f64) {
        shares.copy_from_slice(&self.log_heights);
        let k = shares.len();
        let columns = self.mean_columns.chunks_exact(k).zip(self.half_precision_columns.chunks_exact(k));
        for (x, (means, halves)) in row.iter().zip(columns) {
            let x = x.widen();
            for ((s, m), h) in shares.iter_mut().zip(means).zip(halves) {
                *s -= (x - m) * (x - m) * h;
            }
        }
        let top = in_strands(shares, f64::NEG_INFINITY, |a, b| if a > b { a } else { b });
        shares.iter_mut().for_each(|s| *s = exp_of_negative(*s - top));
        (in_strands(shares, 0.0, |a, b| a + b), top)
    }

    /// Gradient of one row from its shares and their sum.
    fn row_gradient(&self, row: &[T], shares: &[f64], sum: f64, g: &mut [T]) {
        let k = shares.len();
        let columns = self.mean_columns.chunks_exact(k).zip(self.half_precision_columns.chunks_exact(k));
        for ((g, x), (means, halves)) in g.iter_mut().zip(row).zip(columns) {
            let x = x.widen();
            // Four strands that a compiler may put side by side.
            let mut pulls = [0.0; 4];
            for ((shares, means), halves) in shares.chunks(4).zip(means.chunks(4)).zip(halves.chunks(4)) {
                for (((p, s), m), h) in pulls.iter_mut().zip(shares).zip(means).zip(halves) {
                    *p += s * (x - m) * h;
                }
            }
            let pull: f64 = pulls.iter().sum();
            *g = T::narrow(2.0 * pull / sum);
        }
    }
}

/// Folds in four strands that a compiler may put side by side.
fn in_strands(values: &[f64], zero: f64, join: impl Fn(f64, f64) -> f64) -> f64 {
    let mut strands = [zero; 4];
    let fours = values.chunks_exact(4);
    let rest = fours.remainder();
    for four in fours {
        strands.iter_mut().zip(four).for_each(|(s, &v)| *s = join(*s, v));
    }
    rest.iter().chain(&strands).fold(zero, |s, &v| join(s, v))
}

impl<T: Real> Energy for GaussianMixture<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], ws: &mut Scratch) {
        check(x, self.n_cols, out);
        let mut shares = ws.take_f64(self.weights.len());
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols)) {
            let (sum, top) = self.shares(row, &mut shares);
            *o = -sum.ln() - top;
        }
        ws.give_f64(shares);
    }
}

impl<T: Real> Gradient for GaussianMixture<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        check(x, self.n_cols, e);
        check_pair(x, g, self.n_cols);
        let mut shares = ws.take_f64(self.weights.len());
        let rows = x.values().chunks_exact(self.n_cols).zip(g.values_mut().chunks_exact_mut(self.n_cols));
        for (e, (row, g)) in e.iter_mut().zip(rows) {
            let (sum, top) = self.shares(row, &mut shares);
            self.row_gradient(row, &shares, sum, g);
            *e = -sum.ln() - top;
        }
        ws.give_f64(shares);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        check_pair(x, g, self.n_cols);
        let mut shares = ws.take_f64(self.weights.len());
        for (row, g) in x.values().chunks_exact(self.n_cols).zip(g.values_mut().chunks_exact_mut(self.n_cols)) {
            let (sum, _) = self.shares(row, &mut shares);
            self.row_gradient(row, &shares, sum, g);
        }
        ws.give_f64(shares);
    }
}

impl<T: Real> Distribution for GaussianMixture<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut rng = key.purpose(Purpose::Noise).rng();
        let cumulative: Vec<f64> = self
            .weights
            .iter()
            .scan(0.0, |sum, w| {
                *sum += w;
                Some(*sum)
            })
            .collect();
        let mut x = Dense::zeros(n, self.n_cols);
        for row in x.values_mut().chunks_exact_mut(self.n_cols) {
            let u = rng.uniform();
            // Rounding may leave the last sum just below 1.
            let at = cumulative.partition_point(|c| *c <= u).min(self.weights.len() - 1) * self.n_cols;
            let tables = self.means[at..].iter().zip(&self.variances[at..]);
            for (x, (m, v)) in row.iter_mut().zip(tables) {
                *x = T::narrow(m + v.sqrt() * rng.normal());
            }
        }
        x
    }
}
