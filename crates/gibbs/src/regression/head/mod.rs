//! What a network says of an outcome: how its outputs become the parameters of a law, and what is made small.
//!
//! Each head is written once, as code on the tape; its gradient and its forecasts follow from there.

mod classes;
mod counts;
mod real;

use gibbs_stats::predictive::{Law, Mixture};
use gibbs_tensor::tape::Var;
use gibbs_tensor::trace::Declare;
use serde::{Deserialize, Serialize};

use super::Forecast;

/// The law that a network predicts, with the settings that belong to it.
///
/// Outcomes of real heads are on the standardised scale, counts as they are, classes one-hot. All losses are negative
/// log-likelihoods in nats, but for quantiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Head {
    /// Mean and variance (softplus, at least 1e-6), `0.5 ln(2 pi v) + (y - m)^2 / (2 v)`.
    Gaussian {
        /// Exponent of the factor `v^beta`, taken as constant in gradients: 0 is the likelihood, 1 makes the gradient of the
        /// mean that of squared error (Seitzer et al. 2022, arXiv:2203.09168, equation 5).
        beta: f64,
    },
    /// Centre, scale and degrees of freedom, the latter above 2.
    StudentT,
    /// Centre and scale.
    Laplace,
    /// Weights, means and variances of Gaussians: a mixture density network (Bishop 1994, NCRG/94/004).
    Mixture {
        /// Gaussians.
        components: usize,
    },
    /// Quantiles that cannot cross: the lowest, and increments. The loss is twice the mean quantile score over the levels, which
    /// tends to the CRPS for many levels.
    Quantile {
        /// Levels, rising, strictly between 0 and 1.
        levels: Vec<f64>,
    },
    /// Logarithm of a rate.
    Poisson,
    /// Logarithm of a mean, and size: variance `mean + mean^2 / size`.
    NegativeBinomial,
    /// Ordered classes by cumulative logits: `P(y <= k) = sigmoid(c_k - f(x))` with rising `c` ("Regression models for ordinal data", 1980,
    /// DOI 10.1111/j.2517-6161.1980.tb01109.x).
    Ordinal {
        /// Number of classes.
        classes: usize,
    },
    /// Classes by softmax.
    Classes {
        /// Number of classes.
        classes: usize,
    },
}

/// Variances and scales on the standardised scale are larger than this.
pub(super) const LEAST: f64 = 1e-6;

impl Head {
    /// What is wrong with the settings, in words.
    ///
    /// # Errors
    /// A setting out of range.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Head::Gaussian { beta } if !(0.0..=1.0).contains(beta) => Err(format!("beta lies in [0, 1], found {beta}")),
            Head::Mixture { components } if !(1..=100).contains(components) => {
                Err(format!("a mixture has 1 to 100 components, found {components}"))
            }
            Head::Quantile { levels } => {
                let inside = levels.iter().all(|l| *l > 0.0 && *l < 1.0);
                if levels.is_empty() || levels.len() > 200 || !inside || levels.windows(2).any(|w| w[0] >= w[1]) {
                    return Err(format!("levels of quantiles rise and lie strictly between 0 and 1, found {levels:?}"));
                }
                Ok(())
            }
            Head::Ordinal { classes } | Head::Classes { classes } if !(2..=10_000).contains(classes) => {
                Err(format!("there are 2 to 10000 classes, found {classes}"))
            }
            _ => Ok(()),
        }
    }

    /// Outputs of the network.
    pub fn n_outputs(&self) -> usize {
        match self {
            Head::Poisson | Head::Ordinal { .. } => 1,
            Head::Gaussian { .. } | Head::Laplace | Head::NegativeBinomial => 2,
            Head::StudentT => 3,
            Head::Mixture { components } => 3 * components,
            Head::Quantile { levels } => levels.len(),
            Head::Classes { classes } => *classes,
        }
    }

    /// Numbers by which an outcome is given: a one-hot group for classes, itself otherwise.
    pub fn n_targets(&self) -> usize {
        self.n_classes().unwrap_or(1)
    }

    /// Number of classes, for heads that have them.
    pub fn n_classes(&self) -> Option<usize> {
        match self {
            Head::Ordinal { classes } | Head::Classes { classes } => Some(*classes),
            _ => None,
        }
    }

    /// Whether outcomes are counts.
    pub fn takes_counts(&self) -> bool {
        matches!(self, Head::Poisson | Head::NegativeBinomial)
    }

    /// Whether outcomes are standardised.
    pub fn takes_reals(&self) -> bool {
        !self.takes_counts() && self.n_classes().is_none()
    }

    /// The parameters of the law from the outputs of a network; `unit` is the mean of a count at an output of 0.
    pub fn parameters(&self, raw: &Var, p: &mut Declare, unit: f64) -> Var {
        match self {
            Head::Gaussian { .. } => real::gaussian(raw),
            Head::StudentT => real::student_t(raw),
            Head::Laplace => real::laplace(raw),
            Head::Mixture { components } => real::mixture(raw, *components),
            Head::Quantile { levels } => real::quantiles(raw, levels.len()),
            Head::Poisson => counts::poisson(raw, unit),
            Head::NegativeBinomial => counts::negative_binomial(raw, unit),
            Head::Ordinal { classes } => classes::ordinal(raw, p, *classes),
            Head::Classes { .. } => classes::softmax(raw),
        }
    }

    /// What is made small, one number a row, from [`Head::parameters`] and the outcome ([`Head::n_targets`] numbers).
    pub fn loss(&self, parameters: &Var, y: &Var) -> Var {
        match self {
            Head::Gaussian { beta } => real::gaussian_loss(parameters, y, *beta),
            Head::StudentT => real::student_t_loss(parameters, y),
            Head::Laplace => real::laplace_loss(parameters, y),
            Head::Mixture { components } => real::mixture_loss(parameters, y, *components),
            Head::Quantile { levels } => real::quantile_loss(parameters, y, levels),
            Head::Poisson => counts::poisson_loss(parameters, y),
            Head::NegativeBinomial => counts::negative_binomial_loss(parameters, y),
            Head::Ordinal { .. } | Head::Classes { .. } => classes::loss(parameters, y),
        }
        .sum()
    }

    /// The forecast that a row of parameters stands for, real outcomes in the unit `shift + scale y`.
    pub fn forecast(&self, row: &[f64], shift: f64, scale: f64) -> Forecast {
        let one = |law: Law| Forecast::Law(Mixture::equal([law.scaled(shift, scale)]));
        match self {
            Head::Gaussian { .. } => one(Law::Gaussian { mean: row[0], sd: row[1].sqrt() }),
            Head::StudentT => one(Law::StudentT { centre: row[0], scale: row[1], dof: row[2] }),
            Head::Laplace => one(Law::Laplace { centre: row[0], scale: row[1] }),
            Head::Mixture { components: k } => {
                let part = |i: usize| {
                    let law = Law::Gaussian { mean: row[k + i], sd: row[2 * k + i].sqrt() };
                    // A weight of zero has no logarithm.
                    (row[i].exp().max(f64::MIN_POSITIVE), law.scaled(shift, scale))
                };
                Forecast::Law(Mixture::new((0..*k).map(part)))
            }
            Head::Quantile { levels } => {
                Forecast::Quantiles { levels: levels.clone(), values: row.iter().map(|q| shift + scale * q).collect() }
            }
            Head::Poisson => one(Law::Poisson { rate: row[0] }),
            Head::NegativeBinomial => one(Law::NegativeBinomial { mean: row[0], size: row[1] }),
            Head::Ordinal { .. } | Head::Classes { .. } => {
                let p: Vec<f64> = row.iter().map(|l| l.exp()).collect();
                let total: f64 = p.iter().sum();
                Forecast::Classes(p.iter().map(|p| p / total).collect())
            }
        }
    }
}
