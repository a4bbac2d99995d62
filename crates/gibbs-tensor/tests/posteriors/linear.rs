//! Linear regression: `y ~ normal(b_0 + sum_j b_j x_j, sigma)`.

use super::model::Posterior;

/// Coordinates are the coefficients of centred and scaled predictors for a scaled `y`, and the log of `sigma` in that
/// scale: linear in the coefficients, so flat priors stay flat, and nearly uncorrelated.
pub struct Linear {
    /// Rows of scaled predictors.
    z: Vec<Vec<f64>>,
    /// Scaled observations.
    t: Vec<f64>,
    x_scales: Vec<(f64, f64)>,
    y_scale: (f64, f64),
    /// Mean and sd of the normal prior of `b_0, b_1, ..`; none where they are flat.
    normal: Vec<(f64, f64)>,
    /// Scale of the half-Cauchy prior of `sigma`; none where it is flat.
    half_cauchy: Option<f64>,
}

fn mean_and_sd(v: &[f64]) -> (f64, f64) {
    let mean = v.iter().sum::<f64>() / v.len() as f64;
    (mean, (v.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt())
}

impl Linear {
    /// `columns` are the predictors.
    pub fn new(columns: &[Vec<f64>], y: &[f64], normal: &[(f64, f64)], half_cauchy: Option<f64>) -> Self {
        let x_scales: Vec<_> = columns.iter().map(|c| mean_and_sd(c)).collect();
        let y_scale = mean_and_sd(y);
        let row = |i: usize| columns.iter().zip(&x_scales).map(|(c, (m, s))| (c[i] - m) / s).collect();
        Self {
            z: (0..y.len()).map(row).collect(),
            t: y.iter().map(|y| (y - y_scale.0) / y_scale.1).collect(),
            x_scales,
            y_scale,
            normal: normal.to_vec(),
            half_cauchy,
        }
    }
}

impl Posterior for Linear {
    fn n_cols(&self) -> usize {
        self.x_scales.len() + 2
    }

    fn energy_grad(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let (a, log_s) = (&x[..x.len() - 1], x[x.len() - 1]);
        let precision = (-2.0 * log_s).exp();
        let (mut squares, mut slopes) = (0.0, vec![0.0; a.len()]);
        for (z, t) in self.z.iter().zip(&self.t) {
            let residual = a[0] + z.iter().zip(&a[1..]).map(|(z, a)| z * a).sum::<f64>() - t;
            squares += residual * residual;
            slopes[0] += residual;
            slopes[1..].iter_mut().zip(z).for_each(|(s, z)| *s += residual * z);
        }
        let n = self.t.len() as f64;
        // The last -1 is the Jacobian of log sigma.
        let mut e = 0.5 * squares * precision + (n - 1.0) * log_s;
        g.iter_mut().zip(&slopes).for_each(|(g, s)| *g = s * precision);
        let last = a.len();
        g[last] = n - 1.0 - squares * precision;
        if let Some(scale) = self.half_cauchy {
            let ratio = (self.y_scale.1 * log_s.exp() / scale).powi(2);
            e += ratio.ln_1p();
            g[last] += 2.0 * ratio / (1.0 + ratio);
        }
        let b = self.quantities(x);
        for (j, ((mean, sd), b)) in self.normal.iter().zip(&b).enumerate() {
            let z = (b - mean) / sd;
            e += 0.5 * z * z;
            if j == 0 {
                g[0] += z / sd * self.y_scale.1;
                for (g, (m, s)) in g[1..].iter_mut().zip(&self.x_scales) {
                    *g -= z / sd * m * self.y_scale.1 / s;
                }
            } else {
                g[j] += z / sd * self.y_scale.1 / self.x_scales[j - 1].1;
            }
        }
        e
    }

    fn quantities(&self, x: &[f64]) -> Vec<f64> {
        let (y_mean, y_sd) = self.y_scale;
        let slopes: Vec<f64> = x[1..x.len() - 1].iter().zip(&self.x_scales).map(|(a, (_, s))| a * y_sd / s).collect();
        let shift: f64 = slopes.iter().zip(&self.x_scales).map(|(b, (m, _))| b * m).sum();
        let mut out = vec![y_mean + y_sd * x[0] - shift];
        out.extend(slopes);
        out.push(y_sd * x[x.len() - 1].exp());
        out
    }
}
