//! Ranks, normal scores and quantiles of draws.

use std::sync::LazyLock;

use statrs::distribution::{ContinuousCDF, Normal};

use super::draws::Chains;

static NORMAL: LazyLock<Normal> = LazyLock::new(Normal::standard);

/// Replaces each draw by the normal quantile of its pooled rank, `Phi^-1((r - 3/8) / (S + 1/4))`; ties share their
/// average rank.
///
/// Vehtari et al. 2021, section 4, with the offsets of Blom 1958.
pub(crate) fn normal_scores(chains: &Chains) -> Chains {
    let x = &chains.values;
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_unstable_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut z = vec![0.0; x.len()];
    let mut start = 0;
    // -0.0 sorts before 0.0 and equals it, so ties are found by value.
    for tied in order.chunk_by(|&a, &b| x[a] == x[b]) {
        let rank = start as f64 + f64::midpoint(1.0, tied.len() as f64);
        let score = NORMAL.inverse_cdf((rank - 0.375) / (x.len() as f64 + 0.25));
        for &at in tied {
            z[at] = score;
        }
        start += tied.len();
    }
    Chains { values: z, n_draws: chains.n_draws }
}

/// Distance of each draw from the pooled median: large in both tails.
pub(crate) fn folded(chains: &Chains) -> Chains {
    let mut sorted = chains.values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    Chains { values: chains.values.iter().map(|x| (x - median).abs()).collect(), n_draws: chains.n_draws }
}

/// Quantile of type 7 (linear between order statistics) of sorted numbers.
///
/// The place is computed with the same roundings as `ArviZ`, since whether a draw counts as below the quantile can
/// hang on them; between two equal neighbours the value is exactly theirs, which a weighted mean would miss.
pub(crate) fn quantile(sorted: &[f64], prob: f64) -> f64 {
    let n = sorted.len() as f64;
    let place = n * prob + (1.0 - prob);
    let k = place.clamp(1.0, n - 1.0).floor();
    let (low, high) = (sorted[k as usize - 1], sorted[k as usize]);
    let share = (place - k).clamp(0.0, 1.0);
    low + share * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_average_rank() {
        let chains = Chains { values: vec![3.0, -0.0, 0.0, 9.0], n_draws: 4 };
        let z = normal_scores(&chains).values;
        let score = |rank: f64| NORMAL.inverse_cdf((rank - 0.375) / 4.25);
        assert_eq!(z, [score(3.0), score(1.5), score(1.5), score(4.0)]);
    }

    #[test]
    fn quantiles_of_five_numbers() {
        let x = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(quantile(&x, 0.5), 4.0);
        assert_eq!(quantile(&x, 0.0), 1.0);
        assert_eq!(quantile(&x, 1.0), 16.0);
        assert_eq!(quantile(&x, 0.125), 1.5);
    }

    #[test]
    fn a_quantile_among_ties_is_the_tied_value() {
        for n in 2..200 {
            for prob in [0.05, 0.1, 0.37, 0.95] {
                assert_eq!(quantile(&vec![0.1; n], prob), 0.1);
            }
        }
    }
}
