//! The tail of importance weights: its Pareto shape, and weights smoothed by it.

/// Fewest weights of a tail that a shape is fitted to.
const LEAST_TAIL: usize = 5;

/// Shape `k` of the generalised Pareto distribution fitted to the largest weights, `min(n / 5, 3 sqrt n)` of them.
///
/// Weights with `k` below 1/2 have a variance and the central limit theorem holds; up to 0.7 the error is still practical;
/// above it the sum waits for weights that have not been drawn, and above 1 not even the mean exists. The fit itself
/// scatters by about `(1 + k) / sqrt(tail)`; it is drawn towards 1/2 as if by ten more weights, as in the source.
///
/// `None` if fewer than 25 weights are given, one is NaN or infinite, or the tail has fewer than five that rise above its
/// threshold (all weights equal: nothing is heavy).
///
/// # Example
/// ```
/// use gibbs_core::{key::Key, log_partition::pareto};
/// let mut rng = Key::from_seed(0).rng();
/// // w = u^(-k) is Pareto with shape k.
/// let heavy: Vec<f64> = (0..10_000).map(|_| -1.5 * (1.0 - rng.uniform()).ln()).collect();
/// let light: Vec<f64> = (0..10_000).map(|_| -0.2 * (1.0 - rng.uniform()).ln()).collect();
/// assert!(pareto::shape(&heavy).unwrap() > 1.0 && pareto::shape(&light).unwrap() < 0.5);
/// ```
///
/// # Source
/// Vehtari, Simpson, Gelman, Yao & Gabry 2024, "Pareto smoothed importance sampling", JMLR 25(72); the fit is that of
/// Zhang & Stephens 2009, DOI 10.1198/tech.2009.08017.
pub fn shape(log_weights: &[f64]) -> Option<f64> {
    Some(Tail::of(log_weights)?.shape)
}

/// The largest `k` that a number of weights can be trusted with: `min(1 - 1 / log10 n, 0.7)`; 0.62 for 400, 0.7 from 2,200 on.
///
/// # Source
/// Vehtari et al. 2024 (above), section 3.2.4.
pub fn largest_trusted_shape(n_weights: usize) -> f64 {
    (1.0 - 1.0 / (n_weights as f64).log10()).min(0.7)
}

/// Log weights whose tail is replaced by the expected order statistics of its fitted distribution, no weight above the
/// largest raw one; with the shape. Weights that have no tail to fit come back as they are, with no shape.
///
/// Smoothing trades a little bias for much variance where the tail is heavy.
pub fn smooth(log_weights: &[f64]) -> (Vec<f64>, Option<f64>) {
    let mut smoothed = log_weights.to_vec();
    let Some(tail) = Tail::of(log_weights) else { return (smoothed, None) };
    let m = tail.order.len();
    for (z, &i) in tail.order.iter().enumerate() {
        let p = (z as f64 + 0.5) / m as f64;
        // The raw maximum is 1 on this scale.
        smoothed[i] = tail.most + (tail.threshold + tail.quantile(p)).min(1.0).ln();
    }
    (smoothed, Some(tail.shape))
}

/// The largest weights, relative to the largest of all.
struct Tail {
    /// Log of the largest weight.
    most: f64,
    /// Largest weight that is not in the tail.
    threshold: f64,
    /// Which weights are in the tail, the smallest first.
    order: Vec<usize>,
    shape: f64,
    scale: f64,
}

impl Tail {
    fn of(log_weights: &[f64]) -> Option<Self> {
        let n = log_weights.len();
        let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !most.is_finite() || log_weights.iter().any(|l| l.is_nan()) {
            return None;
        }
        let size = (n / 5).min((3.0 * (n as f64).sqrt()) as usize);
        if size < LEAST_TAIL {
            return None;
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| log_weights[a].total_cmp(&log_weights[b]));
        let threshold = (log_weights[order[n - size - 1]] - most).exp();
        order.drain(..n - size);
        let excess: Vec<f64> = order.iter().map(|&i| (log_weights[i] - most).exp() - threshold).collect();
        // Ties with the threshold, or differences of rounding, are no tail.
        if excess.iter().filter(|&&x| x > 1e-13).count() < LEAST_TAIL || excess[0] < 0.0 {
            return None;
        }
        let (shape, scale) = fit(&excess);
        let m = size as f64;
        Some(Self { most, threshold, order, shape: (shape * m + 5.0) / (m + 10.0), scale })
    }

    /// Quantile of the excess.
    fn quantile(&self, p: f64) -> f64 {
        let survival = (-p).ln_1p();
        if self.shape.abs() < 1e-12 {
            -self.scale * survival
        } else {
            self.scale * (-self.shape * survival).exp_m1() / self.shape
        }
    }
}

/// Shape and scale of a generalised Pareto distribution from sorted values of which the last is positive: the posterior mean of
/// `theta = -k / sigma` over a grid of profile likelihoods.
fn fit(sorted: &[f64]) -> (f64, f64) {
    let n = sorted.len();
    let grid = 30 + (n as f64).sqrt() as usize;
    let largest = sorted[n - 1];
    // A quartile of zero (ties with the threshold) would send the grid to infinity.
    let quartile = sorted[((n as f64 / 4.0 + 0.5) as usize).clamp(1, n) - 1].max(1e-12 * largest);
    let thetas: Vec<f64> =
        (0..grid).map(|j| 1.0 / largest + (1.0 - (grid as f64 / (j as f64 + 0.5)).sqrt()) / (3.0 * quartile)).collect();
    let shape_at = |theta: f64| sorted.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n as f64;
    let profile = |theta: f64| {
        let k = shape_at(theta);
        n as f64 * ((-theta / k).ln() - k - 1.0)
    };
    let likelihoods: Vec<f64> = thetas.iter().map(|&t| profile(t)).collect();
    let most = likelihoods.iter().copied().filter(|l| l.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut total) = (0.0, 0.0);
    for (theta, l) in thetas.iter().zip(&likelihoods).filter(|(_, l)| l.is_finite()) {
        let weight = (l - most).exp();
        sum += weight * theta;
        total += weight;
    }
    let theta = sum / total;
    let k = shape_at(theta);
    (k, -k / theta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    /// `n` log weights `-k ln(u)`: Pareto with shape `k`.
    fn pareto(n: usize, k: f64, seed: u64) -> Vec<f64> {
        let mut rng = Key::from_seed(seed).rng();
        (0..n).map(|_| -k * (1.0 - rng.uniform()).ln()).collect()
    }

    /// 40,000 weights have a tail of 600: the fit scatters by `(1 + k) / sqrt 600`, 0.04 (1 + k), and is drawn to 1/2 by
    /// 10 / 610 of the distance. Four of the former and the latter.
    #[test]
    fn shapes_are_found() {
        for (seed, k) in [(1, 0.2), (2, 0.5), (3, 0.7), (4, 1.0), (5, 1.5)] {
            let found = shape(&pareto(40_000, k, seed)).unwrap();
            assert!((found - k).abs() < 0.164 * (1.0 + k) + 0.017 * (k - 0.5_f64).abs(), "{found} for {k}");
        }
    }

    /// Uniform weights have `k = -1`, bounded tails: far below one half.
    #[test]
    fn bounded_weights_are_light() {
        let mut rng = Key::from_seed(9).rng();
        let w: Vec<f64> = (0..10_000).map(|_| rng.uniform().ln()).collect();
        assert!(shape(&w).unwrap() < 0.0);
    }

    #[test]
    fn without_a_tail_there_is_no_shape() {
        assert_eq!(shape(&[0.0; 1000]), None);
        assert_eq!(shape(&pareto(20, 1.0, 0)), None);
        assert_eq!(shape(&[f64::NEG_INFINITY; 100]), None);
        let mut w = pareto(100, 1.0, 0);
        w[3] = f64::NAN;
        assert_eq!(shape(&w), None);
        assert_eq!(smooth(&[1.0, 2.0]), (vec![1.0, 2.0], None));
        // Half of the weights zero, and half of them ties: no excess anywhere.
        let half: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 0.0 } else { f64::NEG_INFINITY }).collect();
        assert_eq!(shape(&half), None);
    }

    /// A common factor moves nothing but the weights.
    #[test]
    fn smoothing_keeps_the_body_and_the_order() {
        let raw = pareto(1000, 0.9, 7);
        let (smoothed, k) = smooth(&raw);
        let shifted: Vec<f64> = raw.iter().map(|w| w + 500.0).collect();
        let (again, k_again) = smooth(&shifted);
        assert!((k.unwrap() - k_again.unwrap()).abs() < 1e-9);
        let most = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let changed = raw.iter().zip(&smoothed).filter(|(a, b)| a != b).count();
        assert!(changed <= 94, "{changed}"); // 3 sqrt 1000
        for (i, s) in smoothed.iter().enumerate() {
            assert!(*s <= most + 1e-12 && (again[i] - 500.0 - s).abs() < 1e-9);
        }
    }

    /// 500 repetitions with `k = 0.7` (no variance): smoothing brings `log mean` closer to `log E w = -ln(1 - k)`. A smoothing
    /// without effect would leave the ratio of the mean squared errors at 1; it is 0.52.
    #[test]
    fn smoothing_helps_heavy_tails() {
        let truth = -(1.0_f64 - 0.7).ln();
        let log_mean = |w: &[f64]| (w.iter().map(|l| l.exp()).sum::<f64>() / w.len() as f64).ln();
        let (mut raw, mut smoothed) = (0.0, 0.0);
        for seed in 0..500 {
            let w = pareto(500, 0.7, 1000 + seed);
            raw += (log_mean(&w) - truth).powi(2);
            smoothed += (log_mean(&smooth(&w).0) - truth).powi(2);
        }
        assert!(smoothed < 0.75 * raw, "{smoothed} {raw}");
    }
}
