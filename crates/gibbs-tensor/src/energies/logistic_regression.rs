//! The posterior of Bayesian logistic regression.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use super::error::{TargetError, as_many, at_least_one, finite, positive};
use super::rows::{check, check_pair};

/// Coefficients `theta` given labels `y_i` in 0, 1 and features `a_i`:
/// `E(theta) = sum_i log(1 + exp(a_i . theta)) - y_i a_i . theta + |theta|^2 / 2 s^2 + (n_cols / 2) log(2 pi s^2)`.
///
/// The prior `normal(0, s^2)` is normalised, so `log Z` is the log evidence `log p(y | a)`; it has no closed form.
/// For an intercept add a column of ones.
///
/// # Shapes and units
/// Rows of as many numbers as there are features; energies in nats, evaluated in `f64`.
///
/// # Example
/// ```
/// use gibbs_core::dense::Dense;
/// use gibbs_tensor::energies::LogisticRegression;
/// let features = Dense::from_rows(2, vec![1.0, -0.5, 1.0, 0.2, 1.0, 0.9]);
/// let posterior = LogisticRegression::new(&features, &[false, true, true], 2.5)?;
/// assert_eq!(posterior.n_cols(), 2);
/// # Ok::<(), gibbs_tensor::energies::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogisticRegression<T> {
    n_cols: usize,
    /// Feature rows with the sign turned where the label is 1: only `log(1 + exp(signed . theta))` is left to sum.
    signed: Vec<f64>,
    prior_precision: f64,
    log_scale: f64,
    precision: std::marker::PhantomData<T>,
}

impl<T: Real> LogisticRegression<T> {
    /// `prior_sd` is `s`.
    pub fn new(features: &Dense<T>, labels: &[bool], prior_sd: f64) -> Result<Self, TargetError> {
        let n_cols = at_least_one("features", features.n_cols())?;
        as_many("labels", labels.len(), features.n_rows())?;
        let variance = positive("prior_sd", prior_sd)?.powi(2);
        let mut signed = Vec::with_capacity(features.values().len());
        for (row, &label) in features.values().chunks_exact(n_cols).zip(labels) {
            for v in row {
                let v = finite("a feature", v.widen())?;
                signed.push(if label { -v } else { v });
            }
        }
        Ok(Self {
            n_cols,
            signed,
            prior_precision: variance.recip(),
            log_scale: 0.5 * n_cols as f64 * (std::f64::consts::TAU * variance).ln(),
            precision: std::marker::PhantomData,
        })
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Energy of `theta`; adds the gradient of the likelihood to `g`, which is empty where none is wanted.
    fn visit(&self, theta: &[f64], g: &mut [f64]) -> f64 {
        let mut e = self.log_scale + 0.5 * self.prior_precision * theta.iter().map(|t| t * t).sum::<f64>();
        for a in self.signed.chunks_exact(self.n_cols) {
            let u: f64 = a.iter().zip(theta).map(|(a, t)| a * t).sum();
            let small = (-u.abs()).exp();
            e += u.max(0.0) + small.ln_1p();
            let sigmoid = if u > 0.0 { 1.0 } else { small } / (1.0 + small);
            g.iter_mut().zip(a).for_each(|(g, a)| *g += sigmoid * a);
        }
        e
    }
}

impl<T: Real> Energy for LogisticRegression<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], ws: &mut Scratch) {
        check(x, self.n_cols, out);
        let mut theta = ws.take_f64(self.n_cols);
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols)) {
            theta.iter_mut().zip(row).for_each(|(t, v)| *t = v.widen());
            *o = self.visit(&theta, &mut []);
        }
        ws.give_f64(theta);
    }
}

impl<T: Real> Gradient for LogisticRegression<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        check(x, self.n_cols, e);
        check_pair(x, g, self.n_cols);
        let (mut theta, mut slope) = (ws.take_f64(self.n_cols), ws.take_f64(self.n_cols));
        let rows = x.values().chunks_exact(self.n_cols).zip(g.values_mut().chunks_exact_mut(self.n_cols));
        for (e, (row, g)) in e.iter_mut().zip(rows) {
            for ((t, s), v) in theta.iter_mut().zip(&mut slope).zip(row) {
                *t = v.widen();
                *s = self.prior_precision * *t;
            }
            *e = self.visit(&theta, &mut slope);
            g.iter_mut().zip(&slope).for_each(|(g, &s)| *g = T::narrow(s));
        }
        ws.give_f64(theta);
        ws.give_f64(slope);
    }
}
