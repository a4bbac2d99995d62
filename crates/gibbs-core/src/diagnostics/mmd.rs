//! Maximum mean discrepancy: how far are two sets of points from one distribution?

use rayon::prelude::*;

use crate::ensemble::BLOCK_ROWS;
use crate::rows::Continuous;

/// Why two sets cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MmdError {
    /// The unbiased estimate leaves out a point's kernel with itself.
    #[error("sets of {0} and {1} points: each needs at least 2")]
    TooFew(usize, usize),
    /// Points of different spaces.
    #[error("points of {0} and of {1} numbers cannot be compared: give both the same columns")]
    Columns(usize, usize),
    /// A bandwidth that is no length.
    #[error("the bandwidth is {0}: give a positive number, about the scale of the structure to be seen")]
    Bandwidth(f64),
    /// A number that is not finite.
    #[error("row {row} of the {which} set holds {value}: only finite points can be compared")]
    NotFinite {
        /// `first` or `second`.
        which: &'static str,
        /// The row.
        row: usize,
        /// The number.
        value: f64,
    },
}

/// Unbiased estimate of the squared maximum mean discrepancy with the kernel `k(x, y) = exp(-|x - y|^2 / (2 h^2))`:
///
/// `MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)`.
///
/// Its expectation is 0 exactly when both sets come from one distribution, so that it is as often negative as positive
/// there, with a scatter of about `1 / n`. It sees differences on the scale of `bandwidth` best.
///
/// Shapes: `x` is n x d, `y` is m x d. Units: none; between -1 and 2. Cost `(n + m)^2 / 2` kernels, over the cores in blocks
/// of 128 rows summed in a fixed order, so that the number of threads does not change a bit.
///
/// # Errors
/// [`MmdError`] for fewer than two points, different widths, a bandwidth that is not positive, and a number that is not finite.
///
/// # Source
/// Gretton, Borgwardt, Rasch, Schölkopf & Smola, Journal of Machine Learning Research 13, 2012, equation 3 (lemma 6).
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::diagnostics::mmd::mmd_squared;
/// let x = Dense::from_rows(1, vec![0.0f64, 1.0]);
/// let far = Dense::from_rows(1, vec![100.0f64, 101.0]);
/// let k = (-0.5f64).exp(); // of neighbours within a set; between the sets it is zero
/// assert!((mmd_squared(&x, &far, 1.0).unwrap() - 2.0 * k).abs() < 1e-15);
/// ```
pub fn mmd_squared<X: Continuous>(x: &X, y: &X, bandwidth: f64) -> Result<f64, MmdError> {
    let (n, m) = (x.n_rows(), y.n_rows());
    if n < 2 || m < 2 {
        return Err(MmdError::TooFew(n, m));
    }
    if x.n_cols() != y.n_cols() || x.n_cols() == 0 {
        return Err(MmdError::Columns(x.n_cols(), y.n_cols()));
    }
    if !(bandwidth.is_finite() && bandwidth > 0.0) {
        return Err(MmdError::Bandwidth(bandwidth));
    }
    let (a, b) = (widened(x, "first")?, widened(y, "second")?);
    let sums = Sums { n_cols: x.n_cols(), factor: -0.5 / (bandwidth * bandwidth) };
    let (n, m) = (n as f64, m as f64);
    let within = sums.pairs(&a) / (0.5 * n * (n - 1.0)) + sums.pairs(&b) / (0.5 * m * (m - 1.0));
    Ok(within - 2.0 * sums.between(&a, &b) / (n * m))
}

fn widened<X: Continuous>(x: &X, which: &'static str) -> Result<Vec<f64>, MmdError> {
    use crate::real::Real;
    let values: Vec<f64> = x.values().iter().map(|v| v.widen()).collect();
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(i) => Err(MmdError::NotFinite { which, row: i / x.n_cols(), value: values[i] }),
    }
}

/// Sums of kernels over pairs of rows.
struct Sums {
    n_cols: usize,
    factor: f64,
}

impl Sums {
    /// Over a row and all `rows`.
    fn row(&self, a: &[f64], rows: &[f64]) -> f64 {
        let squared = |b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        rows.chunks_exact(self.n_cols).map(|b| (self.factor * squared(b)).exp()).sum()
    }

    /// Over all pairs of one set, each once.
    fn pairs(&self, x: &[f64]) -> f64 {
        let later = |i: usize| &x[(i + 1) * self.n_cols..];
        self.blocks(x, |i, a| self.row(a, later(i)))
    }

    /// Over all pairs of a row of each.
    fn between(&self, x: &[f64], y: &[f64]) -> f64 {
        self.blocks(x, |_, a| self.row(a, y))
    }

    fn blocks(&self, x: &[f64], row: impl Fn(usize, &[f64]) -> f64 + Sync) -> f64 {
        let block = |(b, rows): (usize, &[f64])| -> f64 {
            rows.chunks_exact(self.n_cols).enumerate().map(|(r, a)| row(b * BLOCK_ROWS + r, a)).sum()
        };
        let sums: Vec<f64> = x.par_chunks(BLOCK_ROWS * self.n_cols).enumerate().map(block).collect();
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::Dense;
    use crate::key::Key;
    use crate::rows::Rows;

    fn normals(n: usize, d: usize, mean: f64, sd: f64, key: &Key) -> Dense<f64> {
        let mut rng = key.rng();
        Dense::from_rows(d, (0..n * d).map(|_| mean + sd * rng.normal()).collect())
    }

    /// `E exp(-|x - y|^2 / (2 h^2))` for `x - y ~ N(m 1, v I)` in `d` dimensions.
    fn mean_kernel(d: usize, m: f64, v: f64, h: f64) -> f64 {
        let s = h * h / (h * h + v);
        (s.sqrt() * (-0.5 * m * m / (h * h + v)).exp()).powi(d as i32)
    }

    /// 60 independent estimates have the closed form as their mean, within 5 of its standard errors (for a t distribution
    /// with 59 degrees of freedom: a false alarm in 180,000). The biased estimate, with the kernels of points with
    /// themselves, would be `(1 - E k) (1 / n + 1 / m)` = 0.01 higher: it must fail.
    #[test]
    fn gaussians_have_a_closed_form() {
        let (n, m) = (150, 130);
        for (d, mean, sd, h) in [(2, 0.0, 1.0, 1.0), (2, 0.7, 1.0, 0.8), (1, 0.0, 2.0, 1.0), (5, 0.3, 0.8, 2.0)] {
            let key = Key::from_seed(d as u64);
            let found: Vec<f64> = (0..60)
                .map(|r| {
                    let x = normals(n, d, 0.0, 1.0, &key.step(r).block(0));
                    let y = normals(m, d, mean, sd, &key.step(r).block(1));
                    mmd_squared(&x, &y, h).unwrap()
                })
                .collect();
            let (kxx, kyy) = (mean_kernel(d, 0.0, 2.0, h), mean_kernel(d, 0.0, 2.0 * sd * sd, h));
            let exact = kxx + kyy - 2.0 * mean_kernel(d, mean, 1.0 + sd * sd, h);
            let average = found.iter().sum::<f64>() / 60.0;
            let se = (found.iter().map(|f| (f - average).powi(2)).sum::<f64>() / 59.0 / 60.0).sqrt();
            assert!((average - exact).abs() < 5.0 * se, "d {d}: {average} +- {se}, exact {exact}");
            let biased = average + (1.0 - kxx) / n as f64 + (1.0 - kyy) / m as f64;
            // Where the sets agree the scatter is of order 1 / n; elsewhere it is larger and hides the bias.
            assert!(exact != 0.0 || biased > 5.0 * se, "a biased estimate passes: {biased} +- {se}");
        }
    }

    /// Against the definition, pair by pair, with rows that do not fill blocks; and in single precision.
    #[test]
    fn it_is_the_definition() {
        let key = Key::from_seed(3);
        let (x, y) = (normals(301, 3, 0.0, 1.0, &key.block(0)), normals(257, 3, 0.5, 1.5, &key.block(1)));
        let kernel = |a: &[f64], b: &[f64]| {
            (-a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / (2.0 * 0.6 * 0.6)).exp()
        };
        let mean = |a: &Dense<f64>, b: &Dense<f64>, same: bool| {
            let (mut sum, mut count) = (0.0, 0.0);
            for i in 0..a.n_rows() {
                for j in (0..b.n_rows()).filter(|&j| !same || i != j) {
                    (sum, count) = (sum + kernel(a.row(i), b.row(j)), count + 1.0);
                }
            }
            sum / count
        };
        let exact = mean(&x, &x, true) + mean(&y, &y, true) - 2.0 * mean(&x, &y, false);
        assert!((mmd_squared(&x, &y, 0.6).unwrap() - exact).abs() < 1e-13);
        assert!((mmd_squared(&x.cast::<f32>(), &y.cast::<f32>(), 0.6).unwrap() - exact).abs() < 1e-6);
        assert_eq!(mmd_squared(&x, &y, 0.6).unwrap().to_bits(), mmd_squared(&x, &y, 0.6).unwrap().to_bits());
    }

    #[test]
    fn misuse_is_named() {
        let x = Dense::from_rows(2, vec![0.0f64, 1.0, 2.0, 3.0]);
        assert_eq!(mmd_squared(&x, &x.slice(0, 1), 1.0), Err(MmdError::TooFew(2, 1)));
        assert_eq!(mmd_squared(&x, &Dense::from_rows(1, vec![0.0, 1.0]), 1.0), Err(MmdError::Columns(2, 1)));
        assert_eq!(mmd_squared(&x, &x, 0.0), Err(MmdError::Bandwidth(0.0)));
        assert!(mmd_squared(&x, &x, f64::NAN).is_err());
        let bad = Dense::from_rows(2, vec![0.0, 1.0, f64::INFINITY, 3.0]);
        let e = mmd_squared(&x, &bad, 1.0).unwrap_err();
        assert_eq!(e, MmdError::NotFinite { which: "second", row: 1, value: f64::INFINITY });
    }
}
