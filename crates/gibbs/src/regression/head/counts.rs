//! Heads of counts.

use gibbs_tensor::tape::Var;

use super::LEAST;

pub(super) fn poisson(raw: &Var, unit: f64) -> Var {
    raw.exp() * unit
}

pub(super) fn poisson_loss(rate: &Var, y: &Var) -> Var {
    rate - &(y * &rate.ln()) + (y + 1.0).ln_gamma()
}

/// Mean and size.
pub(super) fn negative_binomial(raw: &Var, unit: f64) -> Var {
    (raw.slice(0, 1).exp() * unit).concat(&[&(raw.slice(1, 2).softplus() + LEAST)])
}

pub(super) fn negative_binomial_loss(p: &Var, y: &Var) -> Var {
    let (mean, size) = (p.slice(0, 1), p.slice(1, 2));
    let total = &mean + &size;
    let choose = (y + &size).ln_gamma() - size.ln_gamma() - (y + 1.0).ln_gamma();
    &size * &(&total / &size).ln() + y * &(&total / &mean).ln() - choose
}
