//! One law of a number.

use std::cmp::Ordering;

use statrs::function::beta::beta_reg;
use statrs::function::gamma::gamma_ur;

use crate::special::{LN_TAU, deviance, factorial_rest, ln_beta, ln_gamma, normal_cdf, normal_quantile};

/// A law of a real number or a count, by its parameters; those out of range give NaN.
///
/// # Example
/// ```
/// use gibbs_stats::predictive::Law;
/// let law = Law::Gaussian { mean: 1.0, sd: 2.0 };
/// assert_eq!((law.mean(), law.variance(), law.cdf(1.0)), (1.0, 4.0, 0.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Normal.
    Gaussian {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// Student's t.
    StudentT {
        /// Degrees of freedom.
        dof: f64,
        /// Centre.
        centre: f64,
        /// Scale.
        scale: f64,
    },
    /// Laplace, `exp(-|y - centre| / scale) / (2 scale)`.
    Laplace {
        /// Centre.
        centre: f64,
        /// Scale.
        scale: f64,
    },
    /// Poisson.
    Poisson {
        /// Rate.
        rate: f64,
    },
    /// Negative binomial of variance `mean + mean^2 / size`.
    NegativeBinomial {
        /// Mean.
        mean: f64,
        /// Size: the smaller, the more spread.
        size: f64,
    },
}

impl Law {
    /// Whether outcomes are counts.
    pub fn is_discrete(&self) -> bool {
        matches!(self, Law::Poisson { .. } | Law::NegativeBinomial { .. })
    }

    /// Log density, or log probability of a count, nats; minus infinity for what is no count.
    pub fn log_prob(&self, y: f64) -> f64 {
        if self.is_discrete() && !(y >= 0.0 && y.fract() == 0.0) {
            return f64::NEG_INFINITY;
        }
        match *self {
            Law::Gaussian { mean, sd } => -0.5 * (LN_TAU + ((y - mean) / sd).powi(2)) - sd.ln(),
            Law::StudentT { dof, centre, scale } => {
                let z = (y - centre) / scale;
                let norm = ln_beta(0.5, 0.5 * dof) + 0.5 * dof.ln() + scale.ln();
                -norm - 0.5 * (dof + 1.0) * (z * z / dof).ln_1p()
            }
            Law::Laplace { centre, scale } => -(y - centre).abs() / scale - (2.0 * scale).ln(),
            Law::Poisson { rate } => -factorial_rest(y) - deviance(y, rate),
            Law::NegativeBinomial { mean, size } => {
                let choose = ln_gamma(y + size) - ln_gamma(size) - ln_gamma(y + 1.0);
                choose - size * (mean / size).ln_1p() + if y > 0.0 { y * (mean / (mean + size)).ln() } else { 0.0 }
            }
        }
    }

    /// `P(Y <= y)`.
    pub fn cdf(&self, y: f64) -> f64 {
        // The incomplete functions take no other arguments.
        if self.variance().partial_cmp(&0.0) != Some(Ordering::Greater) || !self.mean().is_finite() || y.is_nan() {
            return f64::NAN;
        }
        match *self {
            Law::Gaussian { mean, sd } => normal_cdf((y - mean) / sd),
            Law::StudentT { dof, centre, scale } => {
                let z = (y - centre) / scale;
                // The tail from the incomplete beta function, without cancellation.
                let tail = 0.5 * beta_reg(0.5 * dof, 0.5, dof / (dof + z * z));
                if z > 0.0 { 1.0 - tail } else { tail }
            }
            Law::Laplace { centre, scale } => {
                let z = (y - centre) / scale;
                if z > 0.0 { 1.0 - 0.5 * (-z).exp() } else { 0.5 * z.exp() }
            }
            _ if y < 0.0 => 0.0,
            _ if y == f64::INFINITY => 1.0,
            Law::Poisson { rate } => gamma_ur(y.floor() + 1.0, rate),
            Law::NegativeBinomial { mean, size } => beta_reg(size, y.floor() + 1.0, size / (size + mean)),
        }
    }

    /// Mean; that of Student's t is its centre, which is the mean from one degree of freedom on.
    pub fn mean(&self) -> f64 {
        match *self {
            Law::Gaussian { mean, .. } | Law::NegativeBinomial { mean, .. } => mean,
            Law::StudentT { centre, .. } | Law::Laplace { centre, .. } => centre,
            Law::Poisson { rate } => rate,
        }
    }

    /// Variance; infinite for Student's t of two degrees of freedom or fewer.
    pub fn variance(&self) -> f64 {
        match *self {
            Law::Gaussian { sd, .. } => sd * sd,
            Law::StudentT { dof, scale, .. } if dof > 2.0 => scale * scale * dof / (dof - 2.0),
            Law::StudentT { .. } => f64::INFINITY,
            Law::Laplace { scale, .. } => 2.0 * scale * scale,
            Law::Poisson { rate } => rate,
            Law::NegativeBinomial { mean, size } => mean + mean * mean / size,
        }
    }

    /// Continuous ranked probability score, where it has a closed form ([`crate::scores::crps`]).
    pub fn crps(&self, y: f64) -> Option<f64> {
        use crate::scores::crps;
        match *self {
            Law::Gaussian { mean, sd } => Some(crps::normal(mean, sd, y)),
            Law::StudentT { dof, centre, scale } if dof > 1.0 => Some(crps::student_t(dof, centre, scale, y)),
            Law::Laplace { centre, scale } => Some(crps::laplace(centre, scale, y)),
            Law::Poisson { rate } => Some(crps::poisson(rate, y)),
            _ => None,
        }
    }

    /// A quantile, where it has a closed form.
    pub(super) fn quantile(&self, p: f64) -> Option<f64> {
        match *self {
            Law::Gaussian { mean, sd } => Some(mean + sd * normal_quantile(p)),
            Law::Laplace { centre, scale } if p < 0.5 => Some(centre + scale * (2.0 * p).ln()),
            Law::Laplace { centre, scale } => Some(centre - scale * (2.0 * (1.0 - p)).ln()),
            _ => None,
        }
    }

    /// The law of `shift + factor Y` for `factor > 0`; counts have no such law and stay as they are.
    #[must_use]
    pub fn scaled(self, shift: f64, factor: f64) -> Self {
        match self {
            Law::Gaussian { mean, sd } => Law::Gaussian { mean: shift + factor * mean, sd: factor * sd },
            Law::StudentT { dof, centre, scale } => {
                Law::StudentT { dof, centre: shift + factor * centre, scale: factor * scale }
            }
            Law::Laplace { centre, scale } => Law::Laplace { centre: shift + factor * centre, scale: factor * scale },
            counts => counts,
        }
    }
}
