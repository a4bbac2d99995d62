//! Conjugate priors whose normaliser has a closed form: evidence and posterior predictive.
//!
//! Every family has a conjugate prior and a mode of it ([`ExponentialFamily::maximum_a_posteriori`]); these have the
//! integral too: Bernoulli and binomial (beta), categorical and multinomial (Dirichlet), geometric and negative binomial
//! (beta), Poisson, exponential, Laplace, Weibull (gamma), Gaussian and log-normal (normal-gamma), Gaussian of known
//! spread (Gaussian), multivariate Gaussian (normal-Wishart), and independent columns of these. Gamma, inverse gamma,
//! beta, Dirichlet and von Mises have none in closed form.

use super::{ExponentialFamily, FamilyError, Sufficient};

/// Families with the integral of their conjugate prior in closed form.
pub trait Conjugate: ExponentialFamily {
    /// `ln int exp(n (eta . t - A(eta))) d eta` over the natural parameter space, for `n` the weight and `t` the average
    /// statistics of `prior`; NaN or infinite where the integral does not exist.
    fn log_prior_integral(&self, prior: &Sufficient) -> f64;
}

/// Log evidence `ln int p(data | eta) p(eta) d eta` under the conjugate prior that `prior` stands for.
///
/// # Errors
/// [`FamilyError::Empty`] where the prior weighs nothing, [`FamilyError::Range`] where it cannot be normalised (its
/// average statistics lie on the boundary).
///
/// # Example
/// ```
/// use gibbs_stats::family::{Bernoulli, ExponentialFamily, Sufficient, log_evidence};
/// let coin = Bernoulli::default();
/// // Weight 2 about a half is the uniform prior of p; three heads of three then have probability 1/4.
/// let prior = Sufficient::pseudo(&coin, 2.0)?;
/// let mut data = Sufficient::new(&coin);
/// data.absorb(&coin, &[1.0, 1.0, 1.0], None)?;
/// assert!((log_evidence(&coin, &data, &prior)? - 0.25f64.ln()).abs() < 1e-14);
/// # Ok::<(), gibbs_stats::family::FamilyError>(())
/// ```
pub fn log_evidence<F: Conjugate>(family: &F, data: &Sufficient, prior: &Sufficient) -> Result<f64, FamilyError> {
    prior.check::<F>(family.n_params())?;
    let mut all = prior.clone();
    all.merge(data);
    let base = data.weight() * data.mean_log_base();
    Ok(base + normaliser(family, &all)? - normaliser(family, prior)?)
}

/// Log probability of a row under the posterior predictive law `int p(x | eta) p(eta | data) d eta`, where `posterior`
/// is prior and data merged; `-inf` outside the support.
///
/// # Errors
/// As [`log_evidence`].
pub fn log_predictive<F: Conjugate>(family: &F, x: &[f64], posterior: &Sufficient) -> Result<f64, FamilyError> {
    posterior.check::<F>(family.n_params())?;
    if family.fault(x).is_some() {
        return Ok(super::support::log_prob_outside(x));
    }
    let mut row = Sufficient::new(family);
    row.absorb(family, x, None)?;
    log_evidence(family, &row, posterior)
}

fn normaliser<F: Conjugate>(family: &F, prior: &Sufficient) -> Result<f64, FamilyError> {
    let value = family.log_prior_integral(prior);
    if value.is_finite() {
        return Ok(value);
    }
    Err(FamilyError::Range { family: F::NAME, what: "the normaliser of the conjugate prior", value })
}
