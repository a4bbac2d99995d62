//! A kernel density over some of the data: coarse, but normalised and easy to draw from.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::gaussian::{FitError, Gaussian};
use super::gaussian_mixture::{GaussianMixture, MixtureError};

/// Why no kernel density was made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelDensityError {
    /// No centre.
    #[error("a kernel density needs at least one centre")]
    NoCentre,
    /// A width that is not positive.
    #[error("the factor on the bandwidth is positive and finite (1 is Scott's rule), found {0}")]
    Factor(f64),
    /// Data without spread, or with numbers missing.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// Centres or bandwidths that are no numbers.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
}

/// `p(x) = (1/K) sum_k prod_j normal(x_j; c_kj, h_j^2)`: a bump on each of `K` rows of the data.
///
/// Noise for contrastive estimation that knows where the data are: far closer to them than one Gaussian, with a known
/// density. A hundred or two centres do; the cost of a row is `K` exponentials.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_core::key::Key;
/// use gibbs_tensor::energies::KernelDensity;
/// let data = Dense::from_rows(1, (0..1000).map(|i| f64::from(i) / 1000.0).collect());
/// let noise = KernelDensity::fit(&data, 100, 1.0, &Key::from_seed(0))?;
/// assert!(noise.bandwidths()[0] < 0.2);
/// # Ok::<(), gibbs_tensor::energies::KernelDensityError>(())
/// ```
///
/// # Source
/// Scott 1992, *Multivariate Density Estimation*, equation 6.42, DOI 10.1002/9780470316849: `h_j = sd_j K^(-1/(n_cols + 4))`.
#[derive(Clone, Debug)]
pub struct KernelDensity<T> {
    mixture: GaussianMixture<T>,
    bandwidths: Vec<f64>,
}

impl<T: Real> KernelDensity<T> {
    /// Bumps on `n_centres` rows drawn without replacement (on all, if there are fewer), `factor` times as wide as
    /// Scott's rule. Data of several separated clusters want a factor below 1.
    pub fn fit(x: &Dense<T>, n_centres: usize, factor: f64, key: &Key) -> Result<Self, KernelDensityError> {
        if n_centres == 0 {
            return Err(KernelDensityError::NoCentre);
        }
        if !(factor > 0.0 && factor.is_finite()) {
            return Err(KernelDensityError::Factor(factor));
        }
        let spread = Gaussian::fit_diagonal(x, 0.0)?.covariance();
        let mut index: Vec<usize> = (0..x.n_rows()).collect();
        key.purpose(Purpose::Shuffle).rng().shuffle(&mut index);
        index.truncate(n_centres);
        let (k, n) = (index.len() as f64, x.n_cols());
        let narrower = factor * k.powf(-1.0 / (n as f64 + 4.0));
        let bandwidths: Vec<f64> = (0..n).map(|j| narrower * spread[j * n + j].sqrt()).collect();
        Self::new(&x.select(&index), &bandwidths)
    }

    /// Bumps on these rows with these standard deviations, one a coordinate.
    pub fn new(centres: &Dense<T>, bandwidths: &[f64]) -> Result<Self, KernelDensityError> {
        let k = centres.n_rows();
        if k == 0 {
            return Err(KernelDensityError::NoCentre);
        }
        let means: Vec<f64> = centres.values().iter().map(|v| v.widen()).collect();
        let variances: Vec<f64> = (0..k).flat_map(|_| bandwidths.iter().map(|h| h * h)).collect();
        let mixture = GaussianMixture::diagonal(&vec![1.0; k], &means, &variances, centres.n_cols())?;
        Ok(Self { mixture, bandwidths: bandwidths.to_vec() })
    }

    /// Standard deviation of a bump in each coordinate.
    pub fn bandwidths(&self) -> &[f64] {
        &self.bandwidths
    }

    /// The same density as a mixture.
    pub fn mixture(&self) -> &GaussianMixture<T> {
        &self.mixture
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }
}

impl<T: Real> Energy for KernelDensity<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], ws: &mut Scratch) {
        self.mixture.energy(x, out, ws);
    }
}

impl<T: Real> Gradient for KernelDensity<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.mixture.energy_grad(x, e, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, ws: &mut Scratch) {
        self.mixture.grad(x, g, ws);
    }
}

impl<T: Real> Distribution for KernelDensity<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        self.mixture.sample(n, key)
    }
}
