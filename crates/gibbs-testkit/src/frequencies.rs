//! Counts and shares against probabilities.

use statrs::distribution::{Beta, ChiSquared, ContinuousCDF};

use crate::check_alpha;

/// Cells expected fewer times than this are pooled: below it the chi-square law is a poor approximation
/// (Cochran 1954, DOI 10.2307/3001616).
const MIN_EXPECTED: f64 = 5.0;

/// Pearson's chi-square test of independent draws: `counts[k]` draws fell in cell `k`, which has probability `probs[k]`.
///
/// Cells expected fewer than five times are pooled into one; if the pool is small too, the smallest other cell joins it.
/// A draw in a cell of probability 0 fails at once. For draws of a Markov chain thin first: correlation inflates the
/// statistic.
///
/// Rejects a correct sampler with probability `alpha`.
///
/// # Errors
/// The statistic, its degrees of freedom and p-value, and the cell that is furthest off; or what is wrong with the input
/// (including too few draws to have two cells).
pub fn chi_square_test(counts: &[u64], probs: &[f64], alpha: f64) -> Result<(), String> {
    check_alpha(alpha)?;
    if counts.len() != probs.len() {
        return Err(format!("{} counts but {} probabilities", counts.len(), probs.len()));
    }
    let total: f64 = probs.iter().sum();
    if probs.iter().any(|p| !p.is_finite() || *p < 0.0) || (total - 1.0).abs() > 1e-9 {
        return Err(format!("the probabilities sum to {total}, or one is negative: pass a distribution"));
    }
    if let Some(k) = (0..counts.len()).find(|k| counts[*k] > 0 && probs[*k] == 0.0) {
        return Err(format!("{} draws fell in cell {k}, which has probability 0", counts[k]));
    }
    let n = counts.iter().sum::<u64>() as f64;
    let cells = pooled(counts, probs, n);
    if cells.len() < 2 {
        return Err(format!("{n} draws leave no two cells expected {MIN_EXPECTED} times: draw more"));
    }
    let term = |c: &Cell| (c.count - c.expected).powi(2) / c.expected;
    let statistic: f64 = cells.iter().map(term).sum();
    let dof = cells.len() as f64 - 1.0;
    let p_value = ChiSquared::new(dof).map_err(|e| e.to_string())?.sf(statistic);
    if p_value >= alpha {
        return Ok(());
    }
    let worst = cells.iter().fold(&cells[0], |worst, c| if term(c) > term(worst) { c } else { worst });
    Err(format!(
        "chi-square {statistic:.1} with {dof} degrees of freedom, p = {p_value:.1e} < {alpha:e}: {} was drawn {} times \
         of {n} where {:.1} were expected",
        worst.index.map_or("the pool of rare cells".to_owned(), |k| format!("cell {k}")),
        worst.count,
        worst.expected
    ))
}

struct Cell {
    /// `None` for the pool.
    index: Option<usize>,
    count: f64,
    expected: f64,
}

fn pooled(counts: &[u64], probs: &[f64], n: f64) -> Vec<Cell> {
    let mut pool = Cell { index: None, count: 0.0, expected: 0.0 };
    let mut kept = Vec::new();
    for (k, (count, p)) in counts.iter().zip(probs).enumerate() {
        let cell = Cell { index: Some(k), count: *count as f64, expected: n * p };
        if cell.expected >= MIN_EXPECTED {
            kept.push(cell);
        } else {
            pool.count += cell.count;
            pool.expected += cell.expected;
        }
    }
    kept.sort_by(|a, b| b.expected.total_cmp(&a.expected));
    if pool.expected > 0.0
        && pool.expected < MIN_EXPECTED
        && let Some(smallest) = kept.pop()
    {
        pool.count += smallest.count;
        pool.expected += smallest.expected;
    }
    if pool.expected >= MIN_EXPECTED {
        kept.push(pool);
    }
    kept
}

/// Clopper-Pearson interval: all `p` for which `successes` of `n` is not in a tail of probability `alpha / 2`. Covers the
/// true `p` with probability at least `1 - alpha`, at any `n`.
///
/// # Errors
/// If `successes > n`, `n` is 0, or `alpha` is no rate.
///
/// # Source
/// Clopper & Pearson 1934, DOI 10.1093/biomet/26.4.404.
pub fn binomial_interval(successes: u64, n: u64, alpha: f64) -> Result<(f64, f64), String> {
    check_alpha(alpha)?;
    if n == 0 || successes > n {
        return Err(format!("{successes} successes of {n}: there must be at least one trial and no more successes"));
    }
    let (k, m) = (successes as f64, (n - successes) as f64);
    // Bisection, since it is as exact as the incomplete beta function itself and speed is no matter here.
    let quantile = |a: f64, b: f64, p: f64| -> Result<f64, String> {
        let beta = Beta::new(a, b).map_err(|e| e.to_string())?;
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if beta.cdf(middle) < p { low = middle } else { high = middle }
        }
        Ok(f64::midpoint(low, high))
    };
    let low = if successes == 0 { 0.0 } else { quantile(k, m + 1.0, alpha / 2.0)? };
    let high = if successes == n { 1.0 } else { quantile(k + 1.0, m, 1.0 - alpha / 2.0)? };
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gibbs_core::key::Key;

    fn dice(n: usize, probs: &[f64], seed: u64) -> Vec<u64> {
        let mut rng = Key::from_seed(seed).rng();
        let mut counts = vec![0; probs.len()];
        for _ in 0..n {
            let mut u = rng.uniform();
            let k = probs
                .iter()
                .position(|p| {
                    u -= p;
                    u < 0.0
                })
                .unwrap_or(probs.len() - 1);
            counts[k] += 1;
        }
        counts
    }

    const FAIR: [f64; 6] = [1.0 / 6.0; 6];

    /// At alpha = 0.1 some 100 of 1000 fair samples are rejected: 61 to 143 is 4.3 binomial standard deviations of 9.5.
    #[test]
    fn the_false_alarm_rate_is_alpha() {
        let rejected = (0..1000).filter(|s| chi_square_test(&dice(600, &FAIR, *s), &FAIR, 0.1).is_err()).count();
        assert!((61..=143).contains(&rejected), "{rejected}");
    }

    #[test]
    fn a_loaded_die_is_caught() {
        // One face at 0.25 instead of 0.167: non-centrality 6000 * (0.0833^2 + 5 * 0.0167^2) * 6 = 300, against a
        // critical value of 26 (5 dof, alpha 1e-4).
        let loaded = [0.25, 0.15, 0.15, 0.15, 0.15, 0.15];
        let why = chi_square_test(&dice(6000, &loaded, 1), &FAIR, 1e-4).unwrap_err();
        assert!(why.contains("cell 0"), "{why}");
        chi_square_test(&dice(6000, &loaded, 1), &loaded, 1e-4).unwrap();
    }

    #[test]
    fn small_cells_are_pooled_but_still_count() {
        let mut probs = vec![0.001; 100];
        probs.push(0.9);
        chi_square_test(&dice(1000, &probs, 3), &probs, 1e-4).unwrap();
        // All the rare cells together never seen: expected 100.
        let mut none = vec![0; 100];
        none.push(1000);
        assert!(chi_square_test(&none, &probs, 1e-4).unwrap_err().contains("rare"));
        // A pool that is itself too small takes the smallest cell in.
        assert_eq!(pooled(&[90, 8, 2], &[0.9, 0.08, 0.02], 100.0).len(), 2);
    }

    #[test]
    fn wrong_input_is_named() {
        assert!(chi_square_test(&[1, 2], &[1.0], 0.1).unwrap_err().contains("2 counts"));
        assert!(chi_square_test(&[50, 50], &[0.5, 0.6], 0.1).unwrap_err().contains("1.1"));
        assert!(chi_square_test(&[50, 1], &[1.0, 0.0], 0.1).unwrap_err().contains("probability 0"));
        assert!(chi_square_test(&[1, 1], &[0.5, 0.5], 0.1).unwrap_err().contains("draw more"));
        assert!(chi_square_test(&[9, 9], &[0.5, 0.5], 0.0).unwrap_err().contains("alpha"));
        assert!(chi_square_test(&[9, 9], &[f64::NAN, 0.5], 0.1).is_err());
    }

    #[test]
    fn intervals_have_their_closed_forms() {
        // None of n: the upper end is 1 - (alpha/2)^(1/n).
        let (low, high) = binomial_interval(0, 20, 0.05).unwrap();
        assert!(low == 0.0 && (high - (1.0 - 0.025_f64.powf(0.05))).abs() < 1e-12);
        let (low, high) = binomial_interval(20, 20, 0.05).unwrap();
        assert!(high == 1.0 && (low - 0.025_f64.powf(0.05)).abs() < 1e-12);
        // At the lower end, 7 or more of 20 has probability alpha / 2: the definition, by its own sum.
        let (p, _) = binomial_interval(7, 20, 0.05).unwrap();
        let mut term = (1.0 - p).powi(20);
        let mut below = 0.0;
        for k in 0..7 {
            below += term;
            term *= (20 - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        }
        assert!((1.0 - below - 0.025).abs() < 1e-10);
        assert!(binomial_interval(3, 2, 0.05).is_err() && binomial_interval(0, 0, 0.05).is_err());
    }

    #[test]
    fn a_wrong_share_is_outside() {
        // 0.5 of 10000 has standard deviation 0.005: 0.47 is six of it away, and alpha = 1e-6 reaches 4.9.
        let (low, high) = binomial_interval(4700, 10_000, 1e-6).unwrap();
        assert!(low < 0.47 && 0.47 < high && high < 0.5);
    }
}
