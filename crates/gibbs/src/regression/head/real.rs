//! Heads of real outcomes.

use gibbs_stats::special::LN_TAU;
use gibbs_tensor::tape::Var;

use super::LEAST;

fn column(v: &Var, i: usize) -> Var {
    v.slice(i, i + 1)
}

/// `0.5 ln(2 pi v) + (y - m)^2 / (2 v)`.
fn normal_nll(m: &Var, v: &Var, y: &Var) -> Var {
    (v.ln() + &(y - m).square() * &v.recip()) * 0.5 + 0.5 * LN_TAU
}

pub(super) fn gaussian(raw: &Var) -> Var {
    column(raw, 0).concat(&[&(column(raw, 1).softplus() + LEAST)])
}

pub(super) fn gaussian_loss(p: &Var, y: &Var, beta: f64) -> Var {
    let v = column(p, 1);
    let nll = normal_nll(&column(p, 0), &v, y);
    if beta == 0.0 { nll } else { &nll * &(v.ln() * beta).exp().detach() }
}

/// Degrees of freedom start above 2, so that there is a variance.
pub(super) fn student_t(raw: &Var) -> Var {
    let (scale, dof) = (column(raw, 1).softplus() + LEAST, column(raw, 2).softplus() + 2.001);
    column(raw, 0).concat(&[&scale, &dof])
}

pub(super) fn student_t_loss(p: &Var, y: &Var) -> Var {
    let (scale, dof) = (column(p, 1), column(p, 2));
    let z = &(y - &column(p, 0)) / &scale;
    let half = (&dof + 1.0) * 0.5;
    let norm = (&dof * 0.5).ln_gamma() - half.ln_gamma() + (&dof * std::f64::consts::PI).ln() * 0.5 + scale.ln();
    norm + &half * &(&z.square() / &dof + 1.0).ln()
}

pub(super) fn laplace(raw: &Var) -> Var {
    column(raw, 0).concat(&[&(column(raw, 1).softplus() + LEAST)])
}

pub(super) fn laplace_loss(p: &Var, y: &Var) -> Var {
    let scale = column(p, 1);
    (&scale * 2.0).ln() + &(y - &column(p, 0)).abs() / &scale
}

/// Log weights, means, variances.
pub(super) fn mixture(raw: &Var, k: usize) -> Var {
    let logits = raw.slice(0, k);
    let weights = &logits - &logits.log_sum_exp();
    weights.concat(&[&raw.slice(k, 2 * k), &(raw.slice(2 * k, 3 * k).softplus() + LEAST)])
}

pub(super) fn mixture_loss(p: &Var, y: &Var, k: usize) -> Var {
    let nll = normal_nll(&p.slice(k, 2 * k), &p.slice(2 * k, 3 * k), y);
    -(&p.slice(0, k) - &nll).log_sum_exp()
}

/// The lowest quantile, and each next one a positive step above.
pub(super) fn quantiles(raw: &Var, n: usize) -> Var {
    let mut at = column(raw, 0);
    let first = at.clone();
    let mut rest = Vec::with_capacity(n);
    for i in 1..n {
        at = &at + &column(raw, i).softplus();
        rest.push(at.clone());
    }
    if rest.is_empty() { first } else { first.concat(&rest.iter().collect::<Vec<_>>()) }
}

/// `2 / n sum_k (level_k - [y < q_k]) (y - q_k)`.
pub(super) fn quantile_loss(p: &Var, y: &Var, levels: &[f64]) -> Var {
    let term = |(k, level): (usize, &f64)| {
        let miss = y - &column(p, k);
        miss.relu() * *level + (-&miss).relu() * (1.0 - level)
    };
    let mut terms = levels.iter().enumerate().map(term);
    let first = terms.next().unwrap_or_else(|| y.clone());
    terms.fold(first, |sum, t| sum + t) * (2.0 / levels.len() as f64)
}
