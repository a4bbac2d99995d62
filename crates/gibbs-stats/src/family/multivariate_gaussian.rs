//! The normal law of several columns with all their covariances.

use gibbs_core::key::Rng;

use super::distribution::distribution;
use super::error::{USE_A_PRIOR, finite, in_range, length, same};
use super::{Conjugate, ExponentialFamily, FamilyError, Fault, Sufficient, support};
use crate::linalg::{backward, cholesky, forward, inverse, ln_det};
use crate::special::{LN_TAU, deviance, ln_multivariate_gamma};
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;
use std::f64::consts::LN_2;

/// The normal law on `R^d` of a mean and a covariance matrix. For a diagonal covariance take
/// [`Independent`](super::Independent)`<Gaussian>`.
///
/// Statistics and natural parameters are `x_i`, then `x_i x_j` for `i <= j` row by row: `eta_i = (P mu)_i` for the
/// precision matrix `P`, `eta_ii = -P_ii / 2` and `eta_ij = -P_ij`.
#[derive(Clone, Debug, PartialEq)]
pub struct MultivariateGaussian {
    mu: Vec<f64>,
    /// Covariance, `d x d`.
    sigma: Vec<f64>,
    /// Its lower Cholesky factor.
    factor: Vec<f64>,
}

impl MultivariateGaussian {
    /// From the mean and the covariance matrix, `d x d` row-major, symmetric and positive definite.
    pub fn new(mu: &[f64], sigma: &[f64]) -> Result<Self, FamilyError> {
        let d = mu.len();
        if d == 0 {
            return Err(FamilyError::Length { family: Self::NAME, what: "columns", found: 0, wanted: 1 });
        }
        length(Self::NAME, "entries of the covariance matrix", sigma.len(), d * d)?;
        for &v in mu.iter().chain(sigma) {
            finite(Self::NAME, "an entry of the mean or covariance", v)?;
        }
        for i in 0..d {
            for j in 0..i {
                let (a, b) = (sigma[i * d + j], sigma[j * d + i]);
                let scale = (sigma[i * d + i] * sigma[j * d + j]).abs().sqrt();
                if (a - b).abs() > 1e-10 * scale {
                    let wanted = "give a symmetric covariance matrix (this is a difference of two mirrored entries)";
                    let name = "the asymmetry";
                    return Err(FamilyError::Parameter { family: Self::NAME, name, value: a - b, wanted });
                }
            }
        }
        let factor = cholesky(sigma, d).map_err(|(index, value)| FamilyError::NotPositiveDefinite {
            family: Self::NAME,
            what: "covariance matrix",
            index,
            value,
            advice: "add a ridge to its diagonal, or drop columns that depend on others",
        })?;
        in_range(Self { mu: mu.to_vec(), sigma: sigma.to_vec(), factor })
    }

    /// Mean 0 and covariance 1 in `d >= 1` dimensions.
    pub fn standard(d: usize) -> Result<Self, FamilyError> {
        let mut sigma = vec![0.0; d * d];
        (0..d).for_each(|i| sigma[i * d + i] = 1.0);
        Self::new(&vec![0.0; d], &sigma)
    }

    /// The mean.
    pub fn mu(&self) -> &[f64] {
        &self.mu
    }

    /// The covariance matrix, row-major.
    pub fn sigma(&self) -> &[f64] {
        &self.sigma
    }

    fn d(&self) -> usize {
        self.mu.len()
    }

    /// Squared Mahalanobis distance of `x`.
    fn distance(&self, x: &[f64], out: &mut [f64]) -> f64 {
        out.iter_mut().zip(x).zip(&self.mu).for_each(|((o, x), m)| *o = x - m);
        forward(&self.factor, self.d(), out);
        out.iter().map(|z| z * z).sum()
    }

    fn from_moments(mu: &[f64], central: &[f64]) -> Result<Self, FamilyError> {
        let d = mu.len();
        let sigma = square(central, d);
        if let Err((index, value)) = cholesky(&sigma, d) {
            let reason =
                "the covariance is singular: a constant column, columns that depend on others, or too few rows";
            return Err(FamilyError::Mean { family: Self::NAME, index, value, reason, advice: USE_A_PRIOR });
        }
        Self::new(mu, &sigma)
    }
}

/// Pairs `i <= j`, row by row.
fn pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |i| (i..d).map(move |j| (i, j)))
}

/// The symmetric matrix of a list over [`pairs`].
fn square(list: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; d * d];
    for ((i, j), v) in pairs(d).zip(list) {
        (out[i * d + j], out[j * d + i]) = (*v, *v);
    }
    out
}

impl ExponentialFamily for MultivariateGaussian {
    const NAME: &'static str = "multivariate Gaussian";

    fn n_cols(&self) -> usize {
        self.d()
    }

    fn n_params(&self) -> usize {
        self.d() * (self.d() + 3) / 2
    }

    fn customary(&self) -> Vec<(String, f64)> {
        let mu = self.mu.iter().enumerate().map(|(i, m)| (format!("mu_{i}"), *m));
        let sigma = pairs(self.d()).map(|(i, j)| (format!("sigma_{i}_{j}"), self.sigma[i * self.d() + j]));
        mu.chain(sigma).collect()
    }

    fn natural(&self) -> Vec<f64> {
        let d = self.d();
        let precision = inverse(&self.factor, d);
        let mut out = self.mu.clone();
        forward(&self.factor, d, &mut out);
        backward(&self.factor, d, &mut out);
        out.extend(pairs(d).map(|(i, j)| if i == j { -0.5 } else { -1.0 } * precision[i * d + j]));
        out
    }

    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError> {
        let d = self.d();
        length(Self::NAME, "natural parameters", eta.len(), self.n_params())?;
        let scaled: Vec<f64> =
            pairs(d).zip(&eta[d..]).map(|((i, j), e)| if i == j { -2.0 } else { -1.0 } * e).collect();
        let factor = cholesky(&square(&scaled, d), d).map_err(|(index, value)| FamilyError::NotPositiveDefinite {
            family: Self::NAME,
            what: "precision matrix",
            index,
            value,
            advice: "these natural parameters have no normalised density",
        })?;
        let mut mu = eta[..d].to_vec();
        forward(&factor, d, &mut mu);
        backward(&factor, d, &mut mu);
        Self::new(&mu, &inverse(&factor, d))
    }

    fn mean(&self) -> Vec<f64> {
        let d = self.d();
        let mut out = self.mu.clone();
        out.extend(pairs(d).map(|(i, j)| self.sigma[i * d + j] + self.mu[i] * self.mu[j]));
        out
    }

    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError> {
        let d = self.d();
        length(Self::NAME, "mean parameters", mean.len(), self.n_params())?;
        let central: Vec<f64> = pairs(d).zip(&mean[d..]).map(|((i, j), m)| m - mean[i] * mean[j]).collect();
        Self::from_moments(&mean[..d], &central)
    }

    fn variance(&self) -> Vec<f64> {
        let (d, p) = (self.d(), self.n_params());
        let (s, mu) = (|i: usize, j: usize| self.sigma[i * d + j], &self.mu);
        let mut out = vec![0.0; p * p];
        for i in 0..d {
            for j in 0..d {
                out[i * p + j] = s(i, j);
            }
            for (k, (a, b)) in pairs(d).enumerate() {
                let v = s(i, a) * mu[b] + s(i, b) * mu[a];
                (out[i * p + d + k], out[(d + k) * p + i]) = (v, v);
            }
        }
        for (k, (a, b)) in pairs(d).enumerate() {
            for (l, (c, e)) in pairs(d).enumerate() {
                let fourth = s(a, c) * s(b, e) + s(a, e) * s(b, c);
                let mixed = mu[a] * mu[c] * s(b, e)
                    + mu[a] * mu[e] * s(b, c)
                    + mu[b] * mu[c] * s(a, e)
                    + mu[b] * mu[e] * s(a, c);
                out[(d + k) * p + d + l] = fourth + mixed;
            }
        }
        out
    }

    fn log_partition(&self) -> f64 {
        let zero = vec![0.0; self.d()];
        0.5 * (self.distance(&zero, &mut zero.clone()) + ln_det(&self.factor, self.d()))
    }

    fn statistics(&self, x: &[f64], out: &mut [f64]) {
        let d = self.d();
        out[..d].copy_from_slice(x);
        pairs(d).zip(&mut out[d..]).for_each(|((i, j), o)| *o = x[i] * x[j]);
    }

    fn log_base(&self, _x: &[f64]) -> f64 {
        -0.5 * LN_TAU * self.d() as f64
    }

    fn base_in_statistics(&self) -> Option<Vec<f64>> {
        Some(vec![0.0; self.n_params()])
    }

    fn products(&self) -> Vec<(usize, usize, usize)> {
        pairs(self.d()).enumerate().map(|(k, (i, j))| (i, j, self.d() + k)).collect()
    }

    fn fault(&self, x: &[f64]) -> Option<Fault> {
        support::real(x)
    }

    fn compatible(&self, other: &Self) -> Result<(), FamilyError> {
        same(Self::NAME, "the number of columns", self.d() as f64, other.d() as f64)
    }

    fn log_prob(&self, x: &[f64]) -> f64 {
        let distance = self.distance(x, &mut vec![0.0; self.d()]);
        -0.5 * (LN_TAU * self.d() as f64 + ln_det(&self.factor, self.d()) + distance)
    }

    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]) {
        let d = self.d();
        let z: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
        for ((o, mu), row) in out.iter_mut().zip(&self.mu).zip(self.factor.chunks_exact(d)) {
            // The factor is zero beyond its diagonal.
            *o = mu + row.iter().zip(&z).map(|(l, z)| l * z).sum::<f64>();
        }
    }

    fn entropy(&self) -> f64 {
        0.5 * ((1.0 + LN_TAU) * self.d() as f64 + ln_det(&self.factor, self.d()))
    }

    /// With `M = L_q^-1 L_p`, half of the squared distance of the means plus half of
    /// `sum_ij M_ij^2 - d - ln det(M)^2`, where the diagonal of `M` cancels on paper.
    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        let d = self.d();
        let mut sum = other.distance(&self.mu, &mut vec![0.0; d]);
        let mut column = vec![0.0; d];
        for j in 0..d {
            (0..d).for_each(|i| column[i] = self.factor[i * d + j]);
            forward(&other.factor, d, &mut column);
            sum += deviance(1.0, column[j] * column[j]);
            sum += column[j + 1..].iter().map(|m| m * m).sum::<f64>();
        }
        Ok(0.5 * sum)
    }

    fn maximum_likelihood(&self, data: &Sufficient) -> Result<Self, FamilyError> {
        data.check::<Self>(self.n_params())?;
        let (mu, central) = data.central().split_at(self.d());
        Self::from_moments(mu, central)
    }

    fn mean_log_prob(&self, data: &Sufficient) -> Result<f64, FamilyError> {
        data.check::<Self>(self.n_params())?;
        let d = self.d();
        let (mu, central) = data.central().split_at(d);
        let precision = inverse(&self.factor, d);
        let trace: f64 = square(central, d).iter().zip(&precision).map(|(c, p)| c * p).sum();
        Ok(self.log_prob(mu) - self.log_base(mu) - 0.5 * trace + data.mean_log_base())
    }
}

/// The normal-Wishart prior of mean and precision.
impl Conjugate for MultivariateGaussian {
    fn log_prior_integral(&self, prior: &Sufficient) -> f64 {
        let (d, n) = (self.d(), prior.weight());
        let scatter: Vec<f64> = square(&prior.central()[d..], d).iter().map(|c| n * c).collect();
        let Ok(factor) = cholesky(&scatter, d) else { return f64::NAN };
        let (k, m) = (d as f64, n + d as f64 + 2.0);
        -k * LN_2 + 0.5 * k * (LN_TAU - n.ln()) + 0.5 * m * k * LN_2 + ln_multivariate_gamma(d, 0.5 * m)
            - 0.5 * m * ln_det(&factor, d)
    }
}

distribution!(MultivariateGaussian);

impl Gradient for MultivariateGaussian {
    /// `grad E = P (x - mu)`.
    fn energy_grad(&self, x: &Self::X, e: &mut [f64], g: &mut Self::X, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for i in 0..e.len() {
            let row = g.row_mut(i);
            row.iter_mut().zip(x.row(i)).zip(&self.mu).for_each(|((g, x), m)| *g = x - m);
            forward(&self.factor, self.d(), row);
            backward(&self.factor, self.d(), row);
        }
    }
}
