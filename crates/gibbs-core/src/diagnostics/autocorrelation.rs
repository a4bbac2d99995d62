//! Autocorrelation: how long does a chain remember?

use super::draws::{Chains, Draws, mean};
use super::ess;

/// Autocovariance of one series at every lag: `1/n sum_i (x_i - m)(x_(i+t) - m)` for `t` from 0 to `n - 1`, by fast
/// Fourier transform. Empty for an empty series.
pub fn autocovariance(x: &[f64]) -> Vec<f64> {
    if x.is_empty() {
        return Vec::new();
    }
    mean_autocovariance(&Chains { values: x.to_vec(), n_draws: x.len() })
}

/// Autocorrelation of one series at every lag: [`autocovariance`] over its value at lag 0 (NaN for a constant series).
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::autocorrelation::autocorrelation;
/// let alternating: Vec<f64> = (0..100).map(|i| f64::from(i % 2)).collect();
/// let rho = autocorrelation(&alternating);
/// assert!((rho[0] - 1.0).abs() < 1e-12 && (rho[1] + 0.99).abs() < 1e-12);
/// ```
pub fn autocorrelation(x: &[f64]) -> Vec<f64> {
    let acov = autocovariance(x);
    acov.iter().map(|c| c / acov[0]).collect()
}

/// Integrated autocorrelation time of the mean, `1 + 2 sum_t rho_t`, in draws: one independent draw is worth this many.
///
/// The number of draws over [`ess::mean`], so disagreement between chains counts as memory.
pub fn integrated_time(draws: &Draws) -> f64 {
    draws.values().len() as f64 / ess::mean(draws)
}

/// Autocovariance at every lag, averaged over the chains.
///
/// The real part of the autocovariance of `a + ib` is the sum of those of `a` and of `b`, so two chains share a
/// transform, and all chains share the one back.
pub(crate) fn mean_autocovariance(chains: &Chains) -> Vec<f64> {
    let n = chains.n_draws;
    // Zeros behind the series keep its end from meeting its beginning.
    let fft = Fft::new((2 * n).next_power_of_two());
    let mut power = vec![0.0; fft.len];
    let centred: Vec<Vec<f64>> = chains
        .iter()
        .map(|x| {
            let m = mean(x);
            x.iter().map(|v| v - m).collect()
        })
        .collect();
    let (mut re, mut im) = (vec![0.0; fft.len], vec![0.0; fft.len]);
    for pair in centred.chunks(2) {
        re.fill(0.0);
        im.fill(0.0);
        re[..n].copy_from_slice(&pair[0]);
        if let Some(second) = pair.get(1) {
            im[..n].copy_from_slice(second);
        }
        fft.forward(&mut re, &mut im);
        for (p, (a, b)) in power.iter_mut().zip(re.iter().zip(&im)) {
            *p += a * a + b * b;
        }
    }
    im.fill(0.0);
    // Forward instead of back: the two differ in the sign of the imaginary part only, which is dropped.
    fft.forward(&mut power, &mut im);
    let scale = 1.0 / (fft.len * n * centred.len()) as f64;
    power[..n].iter().map(|p| p * scale).collect()
}

/// Radix-2 transform of a power-of-two length, in place.
struct Fft {
    len: usize,
    /// `exp(-2 pi i k / len)` for `k < len / 2`.
    roots: Vec<(f64, f64)>,
}

impl Fft {
    fn new(len: usize) -> Self {
        let angle = |k: usize| -std::f64::consts::TAU * k as f64 / len as f64;
        Self { len, roots: (0..len / 2).map(|k| (angle(k).cos(), angle(k).sin())).collect() }
    }

    fn forward(&self, re: &mut [f64], im: &mut [f64]) {
        let bits = self.len.trailing_zeros();
        for i in 0..self.len {
            let j = i.reverse_bits() >> (usize::BITS - bits);
            if i < j {
                re.swap(i, j);
                im.swap(i, j);
            }
        }
        let mut half = 1;
        while half < self.len {
            let stride = self.len / (2 * half);
            for start in (0..self.len).step_by(2 * half) {
                for k in 0..half {
                    let (c, s) = self.roots[k * stride];
                    let (a, b) = (start + k, start + k + half);
                    let (x, y) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                    (re[b], im[b]) = (re[a] - x, im[a] - y);
                    re[a] += x;
                    im[a] += y;
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    fn direct(x: &[f64]) -> Vec<f64> {
        let m = mean(x);
        (0..x.len())
            .map(|t| x.iter().zip(&x[t..]).map(|(a, b)| (a - m) * (b - m)).sum::<f64>() / x.len() as f64)
            .collect()
    }

    proptest! {
        /// Rounding of a transform of length L grows like `eps log2 L` of the largest value, the lag-0 one:
        /// 2.2e-16 * 10 * a few; 1e-13 leaves room.
        #[test]
        fn the_transform_equals_the_sum(x in prop::collection::vec(-10.0..10.0_f64, 1..300)) {
            let expected = direct(&x);
            for (a, b) in autocovariance(&x).iter().zip(&expected) {
                prop_assert!((a - b).abs() <= 1e-13 * expected[0].max(1.0), "{} {}", a, b);
            }
        }

        #[test]
        fn chains_are_averaged(n_chains in 1..6_usize, n_draws in 2..50_usize, seed: u64) {
            let mut rng = Key::from_seed(seed).rng();
            let values: Vec<f64> = (0..n_chains * n_draws).map(|_| rng.uniform()).collect();
            let chains = Chains { values, n_draws };
            let each: Vec<Vec<f64>> = chains.iter().map(direct).collect();
            for (t, c) in mean_autocovariance(&chains).iter().enumerate() {
                let expected = each.iter().map(|e| e[t]).sum::<f64>() / n_chains as f64;
                prop_assert!((c - expected).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_empty_and_the_constant_series() {
        assert!(autocovariance(&[]).is_empty());
        assert_eq!(autocovariance(&[0.1; 3]), [0.0; 3]);
        assert!(autocorrelation(&[0.1; 3])[0].is_nan());
    }
}
