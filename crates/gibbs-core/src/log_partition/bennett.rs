//! Bennett's acceptance ratio: forward and reverse weights joined into one estimate.

use super::LogZ;
use super::LogZError;

/// The estimate of a log ratio of partition functions from weights of both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bennett {
    /// `log Z_1 / Z_0` in nats.
    pub log_ratio: f64,
    /// Its standard error in nats.
    pub std_err: f64,
    /// Overlap of the two distributions of paths, from 0 (disjoint) to 1 (the same). Below some hundredths the standard
    /// error is not to be believed.
    pub overlap: f64,
}

/// Bennett's acceptance ratio from log weights of `Z_1 / Z_0` obtained forward and of `Z_0 / Z_1` obtained backward: the root
/// `c` of
///
/// `sum_i 1 / (1 + (n_f / n_r) exp(c - f_i)) = sum_j 1 / (1 + (n_r / n_f) exp(-c - r_j))`,
///
/// whose two sides fall and rise in `c`. It is bridge sampling with the best bridge between the two ensembles of *paths*, the
/// estimate of least variance that these weights allow, and usually far closer than either direction alone: their biases
/// have opposite signs and cancel to first order.
///
/// The standard error is that of the two means at the root, to first order in `1 / n`.
///
/// **It is right only if a reverse path is a forward path read backwards**: the samples of the target are exact, the kernel
/// leaves every `p_beta` invariant and is *reversible* (detailed balance: block Gibbs of an RBM, Metropolis kernels, HMC with
/// fresh momenta; not a heat bath that scans several blocks in a fixed order). Bounds by the two directions need no
/// reversibility.
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, log_partition::bennett};
/// // Works of a normal protocol: f ~ N(c - s^2 / 2, s^2), -r ~ N(c + s^2 / 2, s^2) obey Crooks' relation with c = 3.
/// let mut rng = Key::from_seed(0).rng();
/// let s = 2.0;
/// let f: Vec<f64> = (0..2000).map(|_| 3.0 - s * s / 2.0 + s * rng.normal()).collect();
/// let r: Vec<f64> = (0..2000).map(|_| -3.0 - s * s / 2.0 + s * rng.normal()).collect();
/// let b = bennett::join(&f, &r)?;
/// assert!((b.log_ratio - 3.0).abs() < 4.0 * b.std_err && b.std_err < 0.05);
/// # Ok::<(), gibbs_core::log_partition::LogZError>(())
/// ```
///
/// # Source
/// Bennett 1976, DOI 10.1016/0021-9991(76)90078-4, equations 10 and 12; for paths: Shirts, Bair, Hooker & Pande 2003,
/// DOI 10.1103/PhysRevLett.91.140601; as bridge sampling: Meng & Wong 1996, Statistica Sinica 6, 831-860.
pub fn join(forward: &[f64], reverse: &[f64]) -> Result<Bennett, LogZError> {
    let (n_f, n_r) = (forward.len() as f64, reverse.len() as f64);
    for log_weights in [forward, reverse] {
        check(log_weights)?;
    }
    let shift = (n_f / n_r).ln();
    // Of each forward path the chance to be called a reverse one, and the other way round, if the log ratio is c.
    let of_forward = |c: f64| forward.iter().map(move |f| logistic(f - c - shift));
    let of_reverse = |c: f64| reverse.iter().map(move |r| logistic(r + c + shift));
    let excess = |c: f64| of_forward(c).sum::<f64>() - of_reverse(c).sum::<f64>();

    let finite = || forward.iter().copied().chain(reverse.iter().map(|r| -r)).filter(|w| w.is_finite());
    let mut low = finite().fold(f64::INFINITY, f64::min) - shift.abs();
    let mut high = finite().fold(f64::NEG_INFINITY, f64::max) + shift.abs();
    // Where weights of zero hold the root off, it lies beyond all the others, by the logarithm of the number of weights.
    let mut reach = 1.0;
    while excess(low) < 0.0 {
        low -= reach;
        reach *= 2.0;
    }
    while excess(high) > 0.0 {
        high += reach;
        reach *= 2.0;
    }
    while high - low > 1e-12 * (1.0 + low.abs().max(high.abs())) {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    let c = 0.5 * (low + high);
    let (mean_f, variance_f) = mean_and_variance(of_forward(c), n_f);
    let (mean_r, variance_r) = mean_and_variance(of_reverse(c), n_r);
    Ok(Bennett {
        log_ratio: c,
        std_err: (variance_f / (n_f * mean_f * mean_f) + variance_r / (n_r * mean_r * mean_r)).sqrt(),
        overlap: (0.5 * (mean_f * n_f + mean_r * n_r) * (n_f + n_r) / (n_f * n_r)).min(1.0),
    })
}

impl Bennett {
    /// From a forward and a reverse estimate on one path.
    pub fn of(forward: &LogZ, reverse: &LogZ) -> Result<Self, LogZError> {
        join(&forward.log_weights, &reverse.log_weights)
    }
}

fn check(log_weights: &[f64]) -> Result<(), LogZError> {
    if log_weights.len() < 2 {
        return Err(LogZError::Chains(log_weights.len()));
    }
    if let Some(index) = log_weights.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
        return Err(LogZError::Weight { value: log_weights[index], index });
    }
    if log_weights.iter().all(|w| *w == f64::NEG_INFINITY) {
        return Err(LogZError::Degenerate(log_weights.len()));
    }
    Ok(())
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn mean_and_variance(values: impl Iterator<Item = f64> + Clone, n: f64) -> (f64, f64) {
    let mean = values.clone().sum::<f64>() / n;
    (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::draws::variance;
    use crate::key::Key;

    /// Normal work with spread `s` and log ratio `c`, `n_f` forward and `n_r` backward.
    fn works(c: f64, s: f64, n_f: usize, n_r: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
        let mut rng = Key::from_seed(seed).rng();
        let mut draw =
            |n: usize, mean: f64| (0..n).map(|_| mean - 0.5 * s * s + s * rng.normal()).collect::<Vec<f64>>();
        (draw(n_f, c), draw(n_r, -c))
    }

    /// 400 repetitions: the mean error over its standard error is normal (alpha = 6e-5 at four), and the claimed error is the
    /// scatter to `1 / sqrt(800)` = 3.5 %, 15 % being more than four of it.
    #[test]
    fn no_bias_and_an_honest_error() {
        for (s, n_f, n_r) in [(0.5, 100, 100), (2.0, 200, 200), (1.5, 300, 60)] {
            let found: Vec<Bennett> = (0..400)
                .map(|seed| {
                    let (f, r) = works(-7.0, s, n_f, n_r, seed);
                    join(&f, &r).unwrap()
                })
                .collect();
            let errors: Vec<f64> = found.iter().map(|b| b.log_ratio + 7.0).collect();
            let (sd, mean) = (variance(&errors).sqrt(), errors.iter().sum::<f64>() / 400.0);
            assert!(mean.abs() < 4.0 * sd / 20.0, "bias {mean} at s = {s}");
            let claimed = found.iter().map(|b| b.std_err).sum::<f64>() / 400.0;
            assert!((claimed / sd - 1.0).abs() < 0.15, "claimed {claimed}, found {sd} at s = {s}");
            // Planted: with the roles of the two swapped the root is off by much more than its error.
            let (f, r) = works(-7.0, s, n_f, n_r, 0);
            assert!((join(&r, &f).unwrap().log_ratio + 7.0).abs() > 10.0);
        }
    }

    #[test]
    fn equal_paths_overlap_fully_and_disjoint_ones_do_not() {
        let same = join(&[2.0; 10], &[-2.0; 30]).unwrap();
        assert!((same.log_ratio - 2.0).abs() < 1e-9 && same.std_err < 1e-9 && (same.overlap - 1.0).abs() < 1e-9);
        let (f, r) = works(0.0, 10.0, 100, 100, 0);
        assert!(join(&f, &r).unwrap().overlap < 0.02);
    }

    /// Half of the forward weights are zero: `Z_1 = Z_0 / 2`, and no reverse weight says otherwise.
    #[test]
    fn weights_of_zero_are_paths_that_never_return() {
        let f: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 0.0 } else { f64::NEG_INFINITY }).collect();
        let b = join(&f, &[0.0; 100]).unwrap();
        // The two sides at exp(c) = z: 50 / (1 + z) = 100 / (1 + 1 / z), so z = 1 / 2.
        assert!((b.log_ratio + 2f64.ln()).abs() < 1e-9, "{b:?}");
        assert_eq!(join(&[f64::NEG_INFINITY; 3], &[0.0; 3]), Err(LogZError::Degenerate(3)));
        assert!(matches!(join(&[0.0, f64::NAN], &[0.0; 3]), Err(LogZError::Weight { index: 1, .. })));
        assert_eq!(join(&[0.0], &[0.0; 3]), Err(LogZError::Chains(1)));
    }
}
