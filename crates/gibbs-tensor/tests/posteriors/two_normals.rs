//! A mixture of two normal distributions on the line.

use super::model::Posterior;

/// `y ~ theta normal(mu_1, sigma_1) + (1 - theta) normal(mu_2, sigma_2)`, `mu_1 < mu_2` both `normal(0, 2)`, `sigma`
/// half-normal(0, 2), `theta ~ beta(5, 5)`; coordinates `mu_1, log(mu_2 - mu_1), log sigma_1, log sigma_2, logit theta`.
pub struct TwoNormals {
    pub y: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Posterior for TwoNormals {
    fn n_cols(&self) -> usize {
        5
    }

    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let q = self.quantities(x);
        let (mu, sigma, theta, gap) = ([q[0], q[1]], [q[2], q[3]], q[4], x[1].exp());
        let weights = [theta, 1.0 - theta];
        let mut e = 0.0;
        let (mut d_mu, mut d_log_sigma, mut d_logit) = ([0.0; 2], [0.0; 2], 0.0);
        let heights = [0, 1].map(|k| weights[k].ln() - x[2 + k]);
        for y in &self.y {
            let z = [0, 1].map(|k| (y - mu[k]) / sigma[k]);
            let logs = [0, 1].map(|k| heights[k] - 0.5 * z[k] * z[k]);
            let odds = (-(logs[0] - logs[1]).abs()).exp();
            e -= logs[0].max(logs[1]) + odds.ln_1p();
            let first = if logs[0] > logs[1] { 1.0 } else { odds } / (1.0 + odds);
            let shares = [first, 1.0 - first];
            for k in 0..2 {
                d_mu[k] -= shares[k] * z[k] / sigma[k];
                d_log_sigma[k] += shares[k] * (1.0 - z[k] * z[k]);
            }
            d_logit -= first - theta;
        }
        for k in 0..2 {
            e += mu[k] * mu[k] / 8.0 + sigma[k] * sigma[k] / 8.0;
            d_mu[k] += mu[k] / 4.0;
            d_log_sigma[k] += sigma[k] * sigma[k] / 4.0;
        }
        // Beta(5, 5) with the Jacobian theta (1 - theta); the other Jacobians are the coordinates themselves.
        e -= 5.0 * (theta.ln() + (1.0 - theta).ln()) + x[1] + x[2] + x[3];
        g[0] = d_mu[0] + d_mu[1];
        g[1] = d_mu[1] * gap - 1.0;
        g[2] = d_log_sigma[0] - 1.0;
        g[3] = d_log_sigma[1] - 1.0;
        g[4] = d_logit - 5.0 * (1.0 - 2.0 * theta);
        e
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        vec![x[0], x[0] + x[1].exp(), x[2].exp(), x[3].exp(), sigmoid(x[4])]
    }
}
