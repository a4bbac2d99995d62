//! Effective sample sizes.

use super::Draws;
use super::autocorrelation::autocovariance;
use super::draws::{mean, variance};

/// Lags are computed in blocks of this many: the sum below usually stops within the first.
const LAGS_AT_ONCE: usize = 64;

/// Mean autocovariance over chains, computed as far as it is asked for.
struct Autocovariances<'a> {
    x: &'a Draws,
    known: Vec<f64>,
}

impl Autocovariances<'_> {
    fn at(&mut self, lag: usize) -> f64 {
        while lag >= self.known.len() {
            let from = self.known.len();
            let mut block = vec![0.0; LAGS_AT_ONCE];
            for chain in self.x.chains() {
                for (b, c) in block.iter_mut().zip(autocovariance(chain, from..from + LAGS_AT_ONCE)) {
                    *b += c / self.x.n_chains() as f64;
                }
            }
            self.known.extend(block);
        }
        self.known[lag]
    }
}

/// Effective sample size of the mean of chains that are already split: `S / tau` with Geyer's initial monotone
/// sequence (equations 10-11, section 3.2; Geyer 1992, DOI 10.1214/ss/1177011137). The number of draws if all are equal.
fn of_chains(x: &Draws) -> f64 {
    let total = x.values().len() as f64;
    let (low, high) = x.values().iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    if high - low < 1e-15 {
        return total;
    }
    let n = x.n_draws();
    let mut covariance = Autocovariances { x, known: Vec::new() };
    let within = covariance.at(0) * n as f64 / (n as f64 - 1.0);
    let means: Vec<f64> = x.chains().map(mean).collect();
    let pooled = within * (n as f64 - 1.0) / n as f64 + if means.len() > 1 { variance(&means) } else { 0.0 };
    let mut rho = |lag: usize| 1.0 - (within - covariance.at(lag)) / pooled;

    // Correlations in pairs (even lag, odd lag), while the sum of a pair is positive.
    let mut sequence = vec![1.0, rho(1)];
    let (mut even, mut odd) = (sequence[0], sequence[1]);
    let mut lag = 1;
    while lag + 3 < n && even + odd > 0.0 {
        (even, odd) = (rho(lag + 1), rho(lag + 2));
        if even + odd >= 0.0 {
            sequence.extend([even, odd]);
        } else {
            sequence.extend([0.0, 0.0]);
        }
        lag += 2;
    }
    // The last pair ends the sequence; of it only a positive even correlation counts, once.
    let pairs_end = lag.saturating_sub(1).max(1);
    let last = if lag == 1 { 0.0 } else { even.max(0.0) };
    sequence.truncate(pairs_end);
    // Sums of pairs may not rise.
    let mut k = 2;
    while k + 1 < sequence.len() {
        let before = sequence[k - 2] + sequence[k - 1];
        if sequence[k] + sequence[k + 1] > before {
            sequence[k] = before / 2.0;
            sequence[k + 1] = before / 2.0;
        }
        k += 2;
    }
    let tau = -1.0 + 2.0 * sequence.iter().sum::<f64>() + last;
    total / tau.max(1.0 / total.log10())
}

/// Effective sample size for the centre of the distribution: of the rank-normalised split chains (section 4.2).
pub fn bulk(x: &Draws) -> f64 {
    of_chains(&x.split().rank_normalise())
}

/// Effective sample size of the mean, of the split chains as they are.
pub fn of_mean(x: &Draws) -> f64 {
    of_chains(&x.split())
}

/// Effective sample size of the `p` quantile: of the indicators of lying at or below it (section 4.3).
pub fn quantile(x: &Draws, p: f64) -> f64 {
    let q = x.quantile(p);
    of_chains(&x.map(|v| f64::from(u8::from(v <= q))).split())
}

/// Effective sample size of the tails: the smaller of those of the 5 % and 95 % quantiles.
pub fn tail(x: &Draws) -> f64 {
    quantile(x, 0.05).min(quantile(x, 0.95))
}
