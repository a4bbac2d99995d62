//! Importance weights: their mean, its error, and how many of them carry it.

/// Summary of log importance weights, each from one independent chain or draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSummary {
    /// Number of weights.
    pub n_weights: usize,
    /// `log(1/n sum_i w_i)`: the estimate of a log ratio of partition functions, in nats.
    pub log_mean_exp: f64,
    /// Standard error of [`WeightSummary::log_mean_exp`] by the delta method, `sd(w) / (mean(w) sqrt n)`, in nats.
    ///
    /// Infinite for a single weight. It is a lower bound in spirit: weights too rare to have been drawn are missing from
    /// it, so distrust it when `ess` is small or `max_share` large.
    pub std_err: f64,
    /// Effective number of weights (chains), `(sum w)^2 / sum w^2`: `n` when all are equal, 1 when one is everything.
    pub ess: f64,
    /// Share of the largest weight in the sum.
    pub max_share: f64,
}

/// Summary of `log_weights`, which may hold `-inf` (weight zero) and be of any size: the largest is taken out first.
///
/// `None` when no weight is above zero, or when one is NaN or infinite: the sum is then no number.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::weights::summarise;
/// // Weights 1, 1, 2 times exp(1000).
/// let s = summarise(&[1000.0, 1000.0, 1000.0 + 2f64.ln()]).unwrap();
/// assert!((s.log_mean_exp - (1000.0 + (4.0f64 / 3.0).ln())).abs() < 1e-12);
/// assert!((s.ess - 16.0 / 6.0).abs() < 1e-12 && (s.max_share - 0.5).abs() < 1e-12);
/// ```
///
/// # Source
/// Effective number: Kong 1992, University of Chicago technical report 348; Elvira, Martino & Robert 2022,
/// DOI 10.1111/insr.12500, on what it leaves out. Error of AIS: Neal 2001, equation 10, DOI 10.1023/A:1008923215028.
pub fn summarise(log_weights: &[f64]) -> Option<WeightSummary> {
    let n = log_weights.len() as f64;
    let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() || log_weights.iter().any(|l| l.is_nan()) {
        return None;
    }
    let w: Vec<f64> = log_weights.iter().map(|l| (l - most).exp()).collect();
    let sum: f64 = w.iter().sum();
    let mean = sum / n;
    let square: f64 = w.iter().map(|w| w * w).sum();
    let std_err = if log_weights.len() == 1 {
        f64::INFINITY
    } else {
        (w.iter().map(|w| (w / mean - 1.0).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
    };
    Some(WeightSummary {
        n_weights: log_weights.len(),
        log_mean_exp: most + mean.ln(),
        std_err,
        ess: sum * sum / square,
        max_share: 1.0 / sum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    #[test]
    fn one_weight_says_nothing_of_its_error() {
        let s = summarise(&[-3.0]).unwrap();
        assert_eq!((s.log_mean_exp, s.std_err, s.ess, s.max_share), (-3.0, f64::INFINITY, 1.0, 1.0));
    }

    #[test]
    fn what_has_no_mean_is_none() {
        for bad in [&[][..], &[f64::NEG_INFINITY; 3], &[0.0, f64::NAN], &[0.0, f64::INFINITY]] {
            assert_eq!(summarise(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn weights_of_zero_count() {
        let s = summarise(&[0.0, f64::NEG_INFINITY]).unwrap();
        assert_eq!((s.log_mean_exp, s.ess, s.max_share), (0.5_f64.ln(), 1.0, 1.0));
    }

    /// Over 400 repetitions the estimate of `log E w` with `w` log-normal (`sigma` 0.5, `n` 400) scatters with the
    /// standard deviation that `std_err` claims: the ratio has an error of `1 / sqrt(2 * 400)` = 3.5 %, so 15 % is more
    /// than four of it. Planted: the error without the division by `sqrt n` would be 20 times off.
    #[test]
    fn the_standard_error_is_the_scatter() {
        let mut rng = Key::from_seed(11).rng();
        let (mut values, mut claimed) = (Vec::new(), 0.0);
        for _ in 0..400 {
            let log_weights: Vec<f64> = (0..400).map(|_| 0.5 * rng.normal()).collect();
            let s = summarise(&log_weights).unwrap();
            values.push(s.log_mean_exp);
            claimed += s.std_err / 400.0;
        }
        let sd = super::super::draws::variance(&values).sqrt();
        assert!((claimed / sd - 1.0).abs() < 0.15, "claimed {claimed}, found {sd}");
    }

    proptest! {
        #[test]
        fn a_common_factor_changes_only_the_mean(w in prop::collection::vec(-5.0..5.0_f64, 2..30), shift in -1e4..1e4_f64) {
            let moved: Vec<f64> = w.iter().map(|w| w + shift).collect();
            let (a, b) = (summarise(&w).unwrap(), summarise(&moved).unwrap());
            // Adding 1e4 rounds the weights by 1e4 * eps = 2e-12 relative.
            prop_assert!((b.log_mean_exp - shift - a.log_mean_exp).abs() < 1e-11);
            prop_assert!((b.ess / a.ess - 1.0).abs() < 1e-10);
            prop_assert!((b.std_err - a.std_err).abs() < 1e-10);
            prop_assert!(a.ess >= 1.0 - 1e-12 && a.ess <= w.len() as f64 + 1e-9);
            // The largest square is at most their sum, and their sum at most the largest weight.
            prop_assert!(a.max_share <= a.ess.sqrt().recip() + 1e-12 && a.max_share >= a.ess.recip() - 1e-12);
        }
    }
}
