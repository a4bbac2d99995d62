//! A moving average of one error on an autoregression of one lag.

use super::model::Posterior;

/// `err_1 = y_1 - (mu + phi mu)`, `err_t = y_t - (mu + phi y_{t-1} + theta err_{t-1})`, `err ~ normal(0, sigma)`,
/// `mu ~ normal(0, 10)`, `phi, theta ~ normal(0, 2)`, `sigma ~ half-Cauchy(0, 2.5)`; coordinates `mu, phi, theta, log sigma`.
pub struct Arma11 {
    pub y: Vec<f64>,
}

impl Posterior for Arma11 {
    fn n_cols(&self) -> usize {
        4
    }

    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let [mu, phi, theta, log_sigma] = *x else { unreachable!("four coordinates") };
        let precision = (-2.0 * log_sigma).exp();
        let mut error = self.y[0] - mu - phi * mu;
        // Derivatives of the error in mu, phi, theta.
        let mut d = [-1.0 - phi, -mu, 0.0];
        let (mut squares, mut slopes) = (error * error, d.map(|d| d * error));
        for t in 1..self.y.len() {
            d = [-1.0 - theta * d[0], -self.y[t - 1] - theta * d[1], -error - theta * d[2]];
            error = self.y[t] - mu - phi * self.y[t - 1] - theta * error;
            squares += error * error;
            slopes.iter_mut().zip(d).for_each(|(s, d)| *s += d * error);
        }
        let n = self.y.len() as f64;
        let ratio = (log_sigma.exp() / 2.5).powi(2);
        g[0] = slopes[0] * precision + mu / 100.0;
        g[1] = slopes[1] * precision + phi / 4.0;
        g[2] = slopes[2] * precision + theta / 4.0;
        g[3] = n - 1.0 - squares * precision + 2.0 * ratio / (1.0 + ratio);
        0.5 * (squares * precision + mu * mu / 100.0 + (phi * phi + theta * theta) / 4.0)
            + (n - 1.0) * log_sigma
            + ratio.ln_1p()
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        vec![x[0], x[1], x[2], x[3].exp()]
    }
}
