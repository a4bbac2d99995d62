//! Which of some weighted particles go on, and in how many copies.

use crate::key::Key;

/// How as many particles as there are weights are drawn in proportion to them. All three give particle `i` in the mean
/// `n W_i` copies, which is all that an unbiased estimate needs; they differ in the noise that they add.
///
/// # Source
/// Douc & Cappe 2005, "Comparison of resampling schemes for particle filtering", DOI 10.1109/ISPA.2005.195385: stratified
/// draws have at most the variance of multinomial ones, for every function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resampling {
    /// Independent draws.
    Multinomial,
    /// One draw from each of `n` equal strata of the running sum of weights.
    Stratified,
    /// The same place in each stratum: one uniform number for all. Usually the least noise; for weights in an unlucky order
    /// it can have more than the others.
    #[default]
    Systematic,
}

impl Resampling {
    /// `n` indices, rising, of `n` log weights of which at least one is above minus infinity.
    ///
    /// # Example
    /// ```
    /// use gibbs_core::{key::Key, log_partition::Resampling};
    /// // Weights 3 : 1 of four particles: nobody else goes on.
    /// let none = f64::NEG_INFINITY;
    /// let kept = Resampling::Systematic.ancestors(&[3f64.ln(), none, none, 0.0], &Key::from_seed(0));
    /// assert_eq!(kept, [0, 0, 0, 3]);
    /// ```
    pub fn ancestors(self, log_weights: &[f64], key: &Key) -> Vec<usize> {
        let (n, mut rng) = (log_weights.len(), key.rng());
        let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log_weights.iter().map(|l| (l - most).exp()).collect();
        let last = weights.iter().rposition(|w| *w > 0.0).unwrap_or(0);
        let step = weights.iter().sum::<f64>() / n as f64;
        let places: Vec<f64> = match self {
            Self::Multinomial => {
                let mut places: Vec<f64> = (0..n).map(|_| n as f64 * rng.uniform()).collect();
                places.sort_by(f64::total_cmp);
                places
            }
            Self::Stratified => (0..n).map(|i| i as f64 + rng.uniform()).collect(),
            Self::Systematic => {
                let offset = rng.uniform();
                (0..n).map(|i| i as f64 + offset).collect()
            }
        };
        let (mut at, mut sum) = (0, weights.first().copied().unwrap_or(0.0));
        let walk = places.into_iter().map(|place| {
            while sum <= step * place && at < last {
                at += 1;
                sum += weights[at];
            }
            at
        });
        walk.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Resampling; 3] = [Resampling::Multinomial, Resampling::Stratified, Resampling::Systematic];

    /// Weights 1, 2, 5 of 8: among 8 copies of the three, indices come 8, 16 and 40 times of 64, give or take one.
    #[test]
    fn systematic_draws_follow_the_weights() {
        let log_weights: Vec<f64> = (0..64).map(|i| [1f64, 2.0, 5.0][i % 3].ln()).collect();
        let total: f64 = log_weights.iter().map(|l| l.exp()).sum();
        let drawn = Resampling::Systematic.ancestors(&log_weights, &Key::from_seed(1));
        for (i, l) in log_weights.iter().enumerate() {
            let expected = 64.0 * l.exp() / total;
            let count = drawn.iter().filter(|&&d| d == i).count() as f64;
            assert!((count - expected).abs() < 1.0, "{i}: {count} for {expected}");
        }
    }

    /// The mean number of copies is `n W_i` for every scheme. Over 20,000 draws of 5 particles its standard error is at most
    /// that of independent draws, `sqrt(n W (1 - W) / 20000)`; five of them leave alpha = 6e-7 each.
    #[test]
    fn copies_are_unbiased() {
        let weights = [0.05, 0.0, 0.4, 0.25, 0.3f64];
        let log_weights: Vec<f64> = weights.iter().map(|w| w.ln() + 700.0).collect();
        for scheme in ALL {
            let mut counts = [0u32; 5];
            for seed in 0..20_000 {
                let drawn = scheme.ancestors(&log_weights, &Key::from_seed(seed));
                assert!(drawn.len() == 5 && drawn.windows(2).all(|w| w[0] <= w[1]));
                drawn.iter().for_each(|&d| counts[d] += 1);
            }
            for (count, w) in counts.iter().zip(weights) {
                let (mean, expected) = (f64::from(*count) / 20_000.0, 5.0 * w);
                let error = (5.0 * w * (1.0 - w) / 20_000.0).sqrt();
                assert!((mean - expected).abs() <= 5.0 * error, "{scheme:?}: {mean} for {expected}");
            }
        }
    }

    /// Copies of the particle of weight 1/2 among ten: variance 10/4 for independent draws, below 1/4 for systematic ones.
    #[test]
    fn strata_take_noise_away() {
        let mut log_weights = vec![(0.5f64 / 9.0).ln(); 10];
        log_weights[4] = 0.5f64.ln();
        let variance = |scheme: Resampling| {
            let counts: Vec<f64> = (0..2_000)
                .map(|s| {
                    let drawn = scheme.ancestors(&log_weights, &Key::from_seed(s));
                    drawn.iter().filter(|d| **d == 4).count() as f64
                })
                .collect();
            crate::diagnostics::draws::variance(&counts)
        };
        let [multinomial, stratified, systematic] = ALL.map(variance);
        // Its relative error over 2,000 draws is sqrt(2 / 2000) = 3 %.
        assert!((multinomial / 2.5 - 1.0).abs() < 0.15, "{multinomial}");
        assert!(stratified < 0.5 * multinomial && systematic <= 0.25, "{stratified} {systematic}");
    }
}
