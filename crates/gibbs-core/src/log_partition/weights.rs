//! What the weights of a Monte Carlo estimate of `log Z` say of their own error, beyond the delta method.

use super::LogZ;
use super::pareto;
use crate::diagnostics::weights::summarise;
use crate::key::{Key, Purpose};

impl LogZ {
    /// Standard error of [`LogZ::value`] by the bootstrap: the standard deviation of `log mean(w)` over `resamples` draws of
    /// as many weights with replacement, in nats. It agrees with the delta method where the logarithm is straight over the
    /// error, and is the larger of the two where it is not. 0 for exact values.
    ///
    /// # Source
    /// Efron 1979, DOI 10.1214/aos/1176344552.
    pub fn bootstrap_std_err(&self, resamples: usize, key: &Key) -> f64 {
        bootstrap_std_err(&self.log_weights, resamples, key)
    }

    /// Shape of the tail of the weights, [`pareto::shape`]; `None` for exact values and for tails too short to say.
    pub fn pareto_k(&self) -> Option<f64> {
        pareto::shape(&self.log_weights)
    }
}

fn bootstrap_std_err(log_weights: &[f64], resamples: usize, key: &Key) -> f64 {
    let (n, mut rng) = (log_weights.len(), key.purpose(Purpose::Bootstrap).rng());
    let mut drawn = vec![0.0; n];
    let values: Vec<f64> = (0..resamples)
        .filter_map(|_| {
            drawn.iter_mut().for_each(|d| *d = log_weights[rng.below(n)]);
            // A draw of nothing but zero weights has no logarithm.
            summarise(&drawn).map(|s| s.log_mean_exp)
        })
        .collect();
    if values.len() < 2 { 0.0 } else { crate::diagnostics::draws::variance(&values).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log-normal weights with `sigma` 0.5, `n` 400: delta method and bootstrap differ by the noise of 2,000 resamples,
    /// `1 / sqrt(2 * 2000)` = 1.6 %, and by terms of the order `sigma^2 / n`; 8 % is five of the former.
    #[test]
    fn bootstrap_and_delta_method_agree_where_they_should() {
        let mut rng = Key::from_seed(3).rng();
        let log_weights: Vec<f64> = (0..400).map(|_| 0.5 * rng.normal()).collect();
        let z = LogZ::from_log_weights(log_weights, 0.0, String::new()).unwrap();
        let bootstrap = z.bootstrap_std_err(2000, &Key::from_seed(4));
        assert!((bootstrap / z.std_err - 1.0).abs() < 0.08, "{bootstrap} {}", z.std_err);
        assert_eq!(LogZ::exact(1.0, "").bootstrap_std_err(10, &Key::from_seed(0)), 0.0);
        assert_eq!(LogZ::exact(1.0, "").pareto_k(), None);
    }
}
