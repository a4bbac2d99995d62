//! Autocovariance and autocorrelation of chains.

use super::Draws;
use super::draws::mean;

/// Autocovariances of one chain at lags `0..=max_lag`, each divided by the length of the chain (the biased estimate,
/// whose sequence is positive definite).
///
/// Cost `n max_lag`; callers ask for more lags only while they need them.
pub fn autocovariance(chain: &[f64], lags: std::ops::Range<usize>) -> Vec<f64> {
    let m = mean(chain);
    let centred: Vec<f64> = chain.iter().map(|v| v - m).collect();
    let n = chain.len();
    lags.map(|lag| {
        if lag >= n {
            return 0.0;
        }
        centred[..n - lag].iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / n as f64
    })
    .collect()
}

/// Mean autocorrelation over the chains at lags `0..=max_lag`, about the pooled mean of each chain.
///
/// NaN when every chain is constant.
pub fn autocorrelation(x: &Draws, max_lag: usize) -> Vec<f64> {
    let lags = max_lag.min(x.n_draws() - 1) + 1;
    let mut sums = vec![0.0; lags];
    for chain in x.chains() {
        for (s, c) in sums.iter_mut().zip(autocovariance(chain, 0..lags)) {
            *s += c;
        }
    }
    let variance = sums[0];
    sums.into_iter().map(|s| s / variance).collect()
}
