//! Eight schools: the smallest hierarchical model that is hard.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::error::{TargetError, as_many, at_least_one, finite, positive};
use super::rows::{check, check_pair};

/// Which coordinates describe the schools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameterisation {
    /// The effects `theta_j` themselves: a funnel as `tau` goes to 0, which no single step size explores.
    Centred,
    /// `z_j = (theta_j - mu) / tau`: easy where data are weak.
    NonCentred,
}

/// Posterior of effects `theta_j ~ normal(mu, tau^2)` seen as `y_j ~ normal(theta_j, sigma_j^2)`, with
/// `mu ~ normal(0, 5^2)` and `tau ~ half-Cauchy(0, 5)`, over rows `(mu, log tau, theta or z)`.
///
/// All factors are normalised and the Jacobian of `log tau` is in, so `log Z` is the log evidence `log p(y)` in either
/// parameterisation: a two-dimensional integral, since `y_j ~ normal(mu, sigma_j^2 + tau^2)` once the effects are
/// integrated out ([`EightSchools::marginal_energy`]).
///
/// # Shapes and units
/// Rows of `2 + J` numbers; energies in nats, evaluated in `f64`.
///
/// # Example
/// ```
/// use gibbs_tensor::energies::{EightSchools, Parameterisation};
/// let posterior = EightSchools::<f64>::rubin(Parameterisation::NonCentred);
/// assert_eq!(posterior.n_cols(), 10);
/// let (mu, tau, theta) = posterior.effects(&[4.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
/// assert_eq!((mu, tau, theta[0]), (4.0, 1.0, 5.0));
/// ```
///
/// # Source
/// Rubin 1981, DOI 10.3102/10769986006004377, table 1; Papaspiliopoulos, Roberts & Sköld 2007, DOI
/// 10.1214/088342307000000014, for the parameterisations.
#[derive(Clone, Debug)]
pub struct EightSchools<T> {
    y: Vec<f64>,
    sigma: Vec<f64>,
    parameterisation: Parameterisation,
    log_scale: f64,
    precision: std::marker::PhantomData<T>,
}

/// Standard deviation of `mu` and scale of `tau`.
const PRIOR: f64 = 5.0;

impl<T: Real> EightSchools<T> {
    /// Any number of schools.
    pub fn new(y: &[f64], sigma: &[f64], parameterisation: Parameterisation) -> Result<Self, TargetError> {
        at_least_one("schools", y.len())?;
        as_many("standard errors", sigma.len(), y.len())?;
        y.iter().try_for_each(|&v| finite("an effect", v).map(drop))?;
        sigma.iter().try_for_each(|&v| positive("a standard error", v).map(drop))?;
        Ok(Self::unchecked(y, sigma, parameterisation))
    }

    /// Rubin's eight: the gain in test scores by coaching, and its standard error.
    pub fn rubin(parameterisation: Parameterisation) -> Self {
        let y = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
        let sigma = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
        Self::unchecked(&y, &sigma, parameterisation)
    }

    fn unchecked(y: &[f64], sigma: &[f64], parameterisation: Parameterisation) -> Self {
        // One normal constant for mu, and two for each school: its effect and its observation.
        let normals = 0.5 * (1.0 + 2.0 * y.len() as f64) * std::f64::consts::TAU.ln();
        let half_cauchy = (0.5 * std::f64::consts::PI * PRIOR).ln();
        let log_scale = normals + PRIOR.ln() + half_cauchy + sigma.iter().map(|s| s.ln()).sum::<f64>();
        Self { y: y.to_vec(), sigma: sigma.to_vec(), parameterisation, log_scale, precision: std::marker::PhantomData }
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        2 + self.y.len()
    }

    /// The coordinates of the schools.
    pub fn parameterisation(&self) -> Parameterisation {
        self.parameterisation
    }

    /// `mu`, `tau` and the effects `theta` of a row.
    ///
    /// # Panics
    /// If the row has not [`EightSchools::n_cols`] numbers.
    pub fn effects(&self, row: &[T]) -> (f64, f64, Vec<f64>) {
        assert_eq!(row.len(), self.n_cols(), "mu, log tau, and one number a school");
        let (mu, tau) = (row[0].widen(), row[1].widen().exp());
        let theta = row[2..].iter().map(|v| match self.parameterisation {
            Parameterisation::Centred => v.widen(),
            Parameterisation::NonCentred => mu + tau * v.widen(),
        });
        (mu, tau, theta.collect())
    }

    /// `-log p(mu, log tau, y)` with the effects integrated out: `y_j ~ normal(mu, sigma_j^2 + tau^2)`.
    pub fn marginal_energy(&self, mu: f64, log_tau: f64) -> f64 {
        let tau = log_tau.exp();
        let schools = self.y.iter().zip(&self.sigma).map(|(y, s)| {
            let variance = s * s + tau * tau;
            0.5 * ((y - mu).powi(2) / variance + (std::f64::consts::TAU * variance).ln())
        });
        let prior_mu = 0.5 * ((mu / PRIOR).powi(2) + std::f64::consts::TAU.ln()) + PRIOR.ln();
        let prior_tau = (0.5 * std::f64::consts::PI * PRIOR).ln() + (tau / PRIOR).powi(2).ln_1p() - log_tau;
        prior_mu + prior_tau + schools.sum::<f64>()
    }

    /// Energy of a row; writes its gradient to `g`.
    fn visit(&self, row: &[T], g: &mut [T]) -> f64 {
        let (mu, log_tau) = (row[0].widen(), row[1].widen());
        let tau = log_tau.exp();
        let ratio = (tau / PRIOR).powi(2);
        let mut e = self.log_scale + 0.5 * (mu / PRIOR).powi(2) + ratio.ln_1p() - log_tau;
        let (mut d_mu, mut d_log_tau) = (mu / (PRIOR * PRIOR), 2.0 * ratio / (1.0 + ratio) - 1.0);
        for (((y, sigma), v), g) in self.y.iter().zip(&self.sigma).zip(&row[2..]).zip(&mut g[2..]) {
            let v = v.widen();
            match self.parameterisation {
                Parameterisation::Centred => {
                    let (z, residual) = ((v - mu) / tau, (v - y) / sigma);
                    e += 0.5 * (z * z + residual * residual) + log_tau;
                    d_mu -= z / tau;
                    d_log_tau += 1.0 - z * z;
                    *g = T::narrow(z / tau + residual / sigma);
                }
                Parameterisation::NonCentred => {
                    let residual = (mu + tau * v - y) / sigma;
                    let push = residual / sigma;
                    e += 0.5 * (v * v + residual * residual);
                    d_mu += push;
                    d_log_tau += push * tau * v;
                    *g = T::narrow(v + push * tau);
                }
            }
        }
        (g[0], g[1]) = (T::narrow(d_mu), T::narrow(d_log_tau));
        e
    }
}

impl<T: Real> Energy for EightSchools<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, self.n_cols(), out);
        let mut unused = vec![T::zero(); self.n_cols()];
        for (i, o) in out.iter_mut().enumerate() {
            *o = self.visit(x.row(i), &mut unused);
        }
    }
}

impl<T: Real> Gradient for EightSchools<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, _ws: &mut Scratch) {
        check(x, self.n_cols(), e);
        check_pair(x, g, self.n_cols());
        for (i, e) in e.iter_mut().enumerate() {
            *e = self.visit(x.row(i), g.row_mut(i));
        }
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, self.n_cols());
        for i in 0..x.n_rows() {
            self.visit(x.row(i), g.row_mut(i));
        }
    }
}
