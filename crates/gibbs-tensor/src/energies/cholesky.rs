//! The Cholesky factor of a small symmetric matrix.

/// `A = L L'` with `L` lower triangular, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cholesky {
    n: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// Factors the `n x n` matrix `a`, of which the lower triangle is read.
    ///
    /// # Errors
    /// The first pivot that is not positive, and its place: `a` is not positive definite.
    pub(super) fn new(a: &[f64], n: usize) -> Result<Self, (usize, f64)> {
        let mut l = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (done, rest) = (&l[j * n..j * n + j], &l[i * n..i * n + j]);
                let sum = a[i * n + j] - done.iter().zip(rest).map(|(x, y)| x * y).sum::<f64>();
                if i == j {
                    if sum.is_nan() || sum <= 0.0 || sum.is_infinite() {
                        return Err((i, sum));
                    }
                    l[i * n + i] = sum.sqrt();
                } else {
                    l[i * n + j] = sum / l[j * n + j];
                }
            }
        }
        Ok(Self { n, l })
    }

    /// `log det A`.
    pub(super) fn log_det(&self) -> f64 {
        2.0 * (0..self.n).map(|i| self.l[i * self.n + i].ln()).sum::<f64>()
    }

    /// `x = L'^-1 x`, which turns white noise into noise of covariance `A^-1`.
    pub(super) fn solve_upper(&self, x: &mut [f64]) {
        for i in (0..self.n).rev() {
            let sum: f64 = (i + 1..self.n).map(|k| self.l[k * self.n + i] * x[k]).sum();
            x[i] = (x[i] - sum) / self.l[i * self.n + i];
        }
    }

    /// `x = L^-1 x`.
    pub(super) fn solve_lower(&self, x: &mut [f64]) {
        for i in 0..self.n {
            let row = &self.l[i * self.n..i * self.n + i];
            let sum: f64 = row.iter().zip(&*x).map(|(l, x)| l * x).sum();
            x[i] = (x[i] - sum) / self.l[i * self.n + i];
        }
    }

    /// `A^-1`, symmetric to the last bit.
    pub(super) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let (mut inverse, mut column) = (vec![0.0; n * n], vec![0.0; n]);
        for j in 0..n {
            column.fill(0.0);
            column[j] = 1.0;
            self.solve_lower(&mut column);
            self.solve_upper(&mut column);
            for i in j..n {
                (inverse[i * n + j], inverse[j * n + i]) = (column[i], column[i]);
            }
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A = [[4, 2], [2, 5]] = L L'` with `L = [[2, 0], [1, 2]]`, `det A = 16`, `A^-1 = [[5, -2], [-2, 4]] / 16`.
    #[test]
    fn a_matrix_factored_by_hand() {
        let a = Cholesky::new(&[4.0, 2.0, 2.0, 5.0], 2).unwrap();
        assert_eq!(a.l, [2.0, 0.0, 1.0, 2.0]);
        assert!((a.log_det() - 16f64.ln()).abs() < 1e-15);
        let expected = [5.0, -2.0, -2.0, 4.0].map(|v| v / 16.0);
        assert!(a.inverse().iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-16));
    }

    #[test]
    fn an_indefinite_matrix_names_its_pivot() {
        assert_eq!(Cholesky::new(&[1.0, 2.0, 2.0, 1.0], 2), Err((1, -3.0)));
        assert!(Cholesky::new(&[f64::NAN], 1).is_err());
    }
}
