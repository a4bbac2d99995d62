//! Exponential families, `p(x | eta) = h(x) exp(eta . T(x) - A(eta))`, behind one trait.
//!
//! A row of observations is a slice of [`ExponentialFamily::n_cols`] numbers (counts and class indices are whole
//! numbers), a table is a [`Dense`]. Every family is a [`Distribution`] and, through it, an energy `-log p(x)` that can
//! be the base of a path; those with a smooth density in `x` have a [`Gradient`](gibbs_core::energy::Gradient) too.
//!
//! | family | `T(x)` | `eta` | `h(x)` |
//! |---|---|---|---|
//! | [`Bernoulli`] | `x` | `ln p/(1-p)` | 1 |
//! | [`Binomial`], `n` known | `x` | `ln p/(1-p)` | `C(n, x)` |
//! | [`Categorical`] of `K` | `[x = k]`, `k < K-1` | `ln p_k/p_(K-1)` | 1 |
//! | [`Multinomial`], `n` known | `x_k`, `k < K-1` | `ln p_k/p_(K-1)` | `n! / prod x_k!` |
//! | [`Geometric`] (failures) | `x` | `ln (1-p)` | 1 |
//! | [`NegativeBinomial`], `r` known | `x` | `ln (1-p)` | `C(x+r-1, x)` |
//! | [`Poisson`] | `x` | `ln rate` | `1/x!` |
//! | [`Exponential`] | `x` | `-rate` | 1 |
//! | [`Gamma`] | `ln x, x` | `shape, -rate` | `1/x` |
//! | [`InverseGamma`] | `ln x, 1/x` | `-shape, -scale` | `1/x` |
//! | [`Beta`] | `ln x, ln(1-x)` | `a, b` | `1/(x(1-x))` |
//! | [`Dirichlet`] | `ln x_k` | `alpha_k` | `prod 1/x_k` |
//! | [`Gaussian`] | `x, x^2` | `mu/s^2, -1/(2 s^2)` | `(2 pi)^-1/2` |
//! | [`GaussianMean`], `s` known | `x` | `mu/s^2` | normal density of mean 0 |
//! | [`MultivariateGaussian`] | `x_i, x_i x_j` | `P mu, -P_ii/2, -P_ij` | `(2 pi)^-d/2` |
//! | [`VonMises`] | `cos x, sin x` | `kappa (cos mu, sin mu)` | 1 |
//! | [`LogNormal`] | `ln x, (ln x)^2` | `mu/s^2, -1/(2 s^2)` | `(2 pi)^-1/2 / x` |
//! | [`Laplace`], centre known | <code>\|x - c\|</code> | `-1/b` | 1 |
//! | [`Weibull`], shape `k` known | `x^k` | `-scale^-k` | `k x^(k-1)` |
//! | [`Independent`] columns | all of them | all of them | product |
//!
//! # Example
//! ```
//! use gibbs_core::{dense::Dense, energy::Distribution, key::Key};
//! use gibbs_stats::family::{ExponentialFamily, Gamma};
//! let truth = Gamma::new(2.0, 0.5)?;
//! let x = truth.sample(20_000, &Key::from_seed(1));
//! let fitted = Gamma::default().fit(&x)?;
//! assert!((fitted.shape() - 2.0).abs() < 0.1 && truth.kl(&fitted)? < 1e-3);
//! # Ok::<(), gibbs_stats::family::FamilyError>(())
//! ```
//!
//! # Source
//! Barndorff-Nielsen 1978, *Information and Exponential Families*; Wainwright & Jordan 2008, DOI 10.1561/2200000001.
mod bernoulli;
mod beta;
mod binomial;
mod categorical;
mod conjugate;
mod dirichlet;
mod distribution;
mod draw;
mod error;
mod exponential;
mod gamma;
mod gaussian;
mod gaussian_mean;
mod geometric;
mod independent;
mod inverse_gamma;
mod laplace;
mod lattice;
mod log_normal;
mod multinomial;
mod multivariate_gaussian;
mod negative_binomial;
mod poisson;
mod sufficient;
mod support;
mod von_mises;
mod weibull;

pub use bernoulli::Bernoulli;
pub use beta::Beta;
pub use binomial::Binomial;
pub use categorical::Categorical;
pub use conjugate::{Conjugate, log_evidence, log_predictive};
pub use dirichlet::Dirichlet;
pub use error::FamilyError;
pub use exponential::Exponential;
pub use gamma::Gamma;
pub use gaussian::Gaussian;
pub use gaussian_mean::GaussianMean;
pub use geometric::Geometric;
pub use independent::Independent;
pub use inverse_gamma::InverseGamma;
pub use laplace::Laplace;
pub use log_normal::LogNormal;
pub use multinomial::Multinomial;
pub use multivariate_gaussian::MultivariateGaussian;
pub use negative_binomial::NegativeBinomial;
pub use poisson::Poisson;
pub use sufficient::Sufficient;
pub use support::Fault;
pub use von_mises::VonMises;
pub use weibull::Weibull;

use gibbs_core::dense::Dense;
use gibbs_core::energy::Distribution;
use gibbs_core::key::Rng;
use gibbs_core::rows::Continuous;

/// A member of an exponential family; `eta` lies inside the natural parameter space, so `A` and all its derivatives
/// exist, and all of them are finite (constructors refuse what is not).
///
/// Known constants (the `n` of a binomial law, the shape of a Weibull) belong to the member and are copied by every
/// method that makes a new one.
///
/// # Units
/// Nats throughout.
pub trait ExponentialFamily: Distribution<X = Dense<f64>> + Clone + std::fmt::Debug {
    /// The family's name as it is written in messages.
    const NAME: &'static str;

    /// Numbers in a row of observations.
    fn n_cols(&self) -> usize {
        1
    }

    /// Number of natural parameters, which is that of sufficient statistics.
    fn n_params(&self) -> usize;

    /// The customary parameters by name, known constants included.
    fn customary(&self) -> Vec<(String, f64)>;

    /// The natural parameters `eta`.
    fn natural(&self) -> Vec<f64>;

    /// The member with these natural parameters and the constants of `self`.
    fn with_natural(&self, eta: &[f64]) -> Result<Self, FamilyError>;

    /// The mean parameters `E[T] = A'(eta)`.
    fn mean(&self) -> Vec<f64>;

    /// The member with these mean parameters: the inverse of the mean map, and so the member of largest likelihood for
    /// data whose statistics have this average. [`FamilyError::Mean`] where there is none: averages on the boundary,
    /// such as a constant column, have no maximum-likelihood member.
    fn with_mean(&self, mean: &[f64]) -> Result<Self, FamilyError>;

    /// `Var[T] = A''(eta)`, `n_params x n_params`, row-major: also the Fisher information of `eta`.
    fn variance(&self) -> Vec<f64>;

    /// `A(eta)`.
    fn log_partition(&self) -> f64;

    /// `T(x)` of one row inside the support.
    fn statistics(&self, x: &[f64], out: &mut [f64]);

    /// `ln h(x)` of one row inside the support.
    fn log_base(&self, x: &[f64]) -> f64;

    /// Coefficients `c` with `ln h(x) = c . T(x) + constant`, where there are any: then products and powers of members
    /// stay in the family.
    fn base_in_statistics(&self) -> Option<Vec<f64>>;

    /// Statistics that are products of others: `(i, j, k)` for `T_k = T_i T_j`. They are gathered about the means of
    /// `T_i` and `T_j`, so that a large mean does not swallow the variance.
    fn products(&self) -> Vec<(usize, usize, usize)> {
        Vec::new()
    }

    /// What keeps a row out of the support, if something does.
    fn fault(&self, x: &[f64]) -> Option<Fault>;

    /// Whether two members share their known constants and sizes; [`FamilyError::Incompatible`] says which differs.
    fn compatible(&self, other: &Self) -> Result<(), FamilyError>;

    /// `log p(x)` of one row, `-inf` outside the support, NaN for NaN.
    ///
    /// Computed so that large terms cancel on paper: it keeps its digits where `eta . T - A` has lost them.
    fn log_prob(&self, x: &[f64]) -> f64;

    /// One draw into `out`.
    fn sample_row(&self, rng: &mut Rng, out: &mut [f64]);

    /// Entropy `-E[log p(x)]`; differential for densities.
    fn entropy(&self) -> f64;

    /// Bregman divergence of `A`: `A(eta_q) - A(eta_p) - (eta_q - eta_p) . A'(eta_p)`, which is `KL(p || q)`.
    ///
    /// Straight from the definition: members close to each other cancel. [`ExponentialFamily::kl`] does better where the
    /// family has a closed form.
    fn bregman(&self, other: &Self) -> Result<f64, FamilyError> {
        self.compatible(other)?;
        let (p, q, mean) = (self.natural(), other.natural(), self.mean());
        let slope: f64 = p.iter().zip(&q).zip(&mean).map(|((p, q), m)| (q - p) * m).sum();
        Ok(other.log_partition() - self.log_partition() - slope)
    }

    /// `KL(p || q) = E_p[log p(x) - log q(x)]` for `p = self`, `q = other`, at least 0.
    fn kl(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(self.bregman(other)?.max(0.0))
    }

    /// Cross-entropy `-E_p[log q(x)]`: the entropy of `self` plus `KL(self || other)`.
    fn cross_entropy(&self, other: &Self) -> Result<f64, FamilyError> {
        Ok(self.entropy() + self.kl(other)?)
    }

    /// The member proportional to `p(x)^beta`, which is the same energy at temperature `1/beta`.
    ///
    /// [`FamilyError::LeavesFamily`] where the base measure is neither constant nor absorbed in `T`: take the energy
    /// (every member is one) and scale it.
    fn tempered(&self, beta: f64) -> Result<Self, FamilyError> {
        let c = self.base_in_statistics().ok_or(FamilyError::LeavesFamily { family: Self::NAME })?;
        let eta: Vec<f64> = self.natural().iter().zip(&c).map(|(eta, c)| beta * eta + (beta - 1.0) * c).collect();
        self.with_natural(&eta)
    }

    /// The member proportional to `p(x) q(x)`; errors as [`ExponentialFamily::tempered`].
    fn product(&self, other: &Self) -> Result<Self, FamilyError> {
        self.compatible(other)?;
        let c = self.base_in_statistics().ok_or(FamilyError::LeavesFamily { family: Self::NAME })?;
        let eta: Vec<f64> = self.natural().iter().zip(other.natural()).zip(&c).map(|((p, q), c)| p + q + c).collect();
        self.with_natural(&eta)
    }

    /// The member of largest likelihood for data seen as their sufficient statistics.
    ///
    /// The data may have streamed by: [`Sufficient::absorb`] takes them in blocks, and blocks from several threads merge.
    fn maximum_likelihood(&self, data: &Sufficient) -> Result<Self, FamilyError> {
        data.check::<Self>(self.n_params())?;
        self.with_mean(&data.mean())
    }

    /// The mode of the posterior density over natural parameters under the conjugate prior
    /// `p(eta) prop exp(n0 (eta . t0 - A(eta)))`: `prior` is `n0` observations' worth of data with average `t0`
    /// ([`Sufficient::pseudo`]), so the mode is the maximum-likelihood member of data and pseudo-data together.
    ///
    /// Every family has this prior (Diaconis & Ylvisaker 1979, DOI 10.1214/aos/1176344611). A mode depends on the
    /// parameter it is taken in: this is that of `eta`.
    fn maximum_a_posteriori(&self, data: &Sufficient, prior: &Sufficient) -> Result<Self, FamilyError> {
        let mut all = prior.clone();
        all.merge(data);
        self.maximum_likelihood(&all)
    }

    /// The member of largest likelihood for the rows of a table.
    fn fit(&self, rows: &Dense<f64>) -> Result<Self, FamilyError> {
        if Continuous::n_cols(rows) != ExponentialFamily::n_cols(self) {
            return Err(FamilyError::Length {
                family: Self::NAME,
                what: "columns",
                found: Continuous::n_cols(rows),
                wanted: ExponentialFamily::n_cols(self),
            });
        }
        let mut data = Sufficient::new(self);
        data.absorb(self, rows.values(), None)?;
        self.maximum_likelihood(&data)
    }

    /// Average log-likelihood of data seen as their sufficient statistics: `eta . mean T - A(eta) + mean ln h`.
    fn mean_log_prob(&self, data: &Sufficient) -> Result<f64, FamilyError> {
        data.check::<Self>(self.n_params())?;
        let linear: f64 = self.natural().iter().zip(data.mean()).map(|(eta, t)| eta * t).sum();
        Ok(linear - self.log_partition() + data.mean_log_base())
    }
}
