//! Equal isotropic Gaussians: the density that several sets share.

/// `p(x) = 1/k sum_j N(x; c_j, sd^2 I)` in `d` dimensions; `centres` are `k` rows of `d`.
#[derive(Clone)]
pub(super) struct Gaussians {
    pub(super) d: usize,
    pub(super) centres: Vec<f64>,
    pub(super) sd: f64,
}

impl Gaussians {
    /// `-|x - c_j|^2 / (2 sd^2)` of every component.
    fn exponents<'a>(&'a self, x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let squared = move |c: &[f64]| c.iter().zip(x).map(|(c, x)| (x - c).powi(2)).sum::<f64>();
        self.centres.chunks_exact(self.d).map(move |c| -0.5 * squared(c) / (self.sd * self.sd))
    }

    /// `ln p(x)`.
    pub(super) fn log_density(&self, x: &[f64]) -> f64 {
        let most = self.exponents(x).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.exponents(x).map(|e| (e - most).exp()).sum();
        let k = (self.centres.len() / self.d) as f64;
        let log_norm = 0.5 * self.d as f64 * std::f64::consts::TAU.ln() + self.d as f64 * self.sd.ln();
        most + (sum / k).ln() - log_norm
    }

    /// Entropy of the component given the point, in nats.
    pub(super) fn doubt(&self, x: &[f64]) -> f64 {
        let most = self.exponents(x).fold(f64::NEG_INFINITY, f64::max);
        // With weights w = exp(e - most): ln sum w - sum w (e - most) / sum w.
        let (mut sum, mut moment) = (0.0, 0.0);
        for e in self.exponents(x) {
            let w = (e - most).exp();
            (sum, moment) = (sum + w, moment + w * (e - most));
        }
        sum.ln() - moment / sum
    }
}
