//! Dequantisation against exact integrals over cells.

use gibbs_core::key::Key;
use gibbs_stats::dequantise::{
    DequantiseError, Dequantised, LogitNormalNoise, Noise, UniformNoise, Variational, bits_per_dimension, bounds,
    dequantise, discrete_log_prob, quantise,
};
use gibbs_stats::special::LN_TAU;
use statrs::distribution::{Beta, Continuous, ContinuousCDF, Normal};

const MU: f64 = 2.1;
const SIGMA: f64 = 0.7;
const STEP: f64 = 0.5;
/// Levels of the cells between 0 and 4.
const LEVELS: usize = 8;

fn log_density(y: f64) -> f64 {
    let z = (y - MU) / SIGMA;
    -0.5 * (LN_TAU + z * z) - SIGMA.ln()
}

/// `ln int_cell p_c`.
fn exact(k: usize) -> f64 {
    let law = Normal::new(MU, SIGMA).unwrap();
    (law.cdf((k + 1) as f64 * STEP) - law.cdf(k as f64 * STEP)).ln()
}

/// The bound of uniform noise, `mean over the cell of ln p_c + ln D`: a cubic at its ends.
fn uniform_bound(k: usize) -> f64 {
    let cube = |y: f64| ((y - MU) / SIGMA).powi(3) * SIGMA / 3.0;
    let (a, b) = (k as f64 * STEP, (k + 1) as f64 * STEP);
    -0.5 * LN_TAU - SIGMA.ln() - 0.5 * (cube(b) - cube(a)) / STEP + STEP.ln()
}

#[test]
fn cross_entropies_differ_by_the_width() {
    let p = Dequantised::new(&[0.1, 0.3, 0.05, 0.2, 0.35], 0.2).unwrap();
    // Data with a density that is nowhere flat.
    let q = Beta::new(2.0, 3.5).unwrap();
    let share: Vec<f64> = (0..5).map(|k| q.cdf(0.2 * f64::from(k + 1)) - q.cdf(0.2 * f64::from(k))).collect();
    // Midpoints of 200,000 equal parts: the error of the rule is below h^2 / 24 max|f'| with h = 5e-6, |f'| < 50: 6e-11.
    let n = 200_000;
    let continuous: f64 =
        (0..n).map(|i| (f64::from(i) + 0.5) / f64::from(n)).map(|y| -q.pdf(y) * p.log_prob(y) / f64::from(n)).sum();
    assert!((continuous - (p.cross_entropy(&share) + 0.2f64.ln())).abs() < 1e-10, "{continuous}");
    // And draw by draw, whatever they were drawn from.
    let levels = [0.0, 4.0, 2.0, 2.0, 1.0, 3.0];
    for (y, k) in dequantise(&levels, 0.2, &Key::from_seed(1)).unwrap().iter().zip(levels) {
        assert!((p.log_prob(*y) - (p.log_prob_of_level(k as usize) - 0.2f64.ln())).abs() < 1e-14);
    }
    assert_eq!((p.log_prob(-1e-9), p.log_prob(1.01)), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    assert!(p.log_prob(f64::NAN).is_nan());
}

#[test]
fn noise_stays_in_its_cell_and_is_uniform() {
    let levels: Vec<f64> = (0..40_000).map(|i| f64::from(i % 256)).collect();
    let y = dequantise(&levels, 1.0 / 256.0, &Key::from_seed(3)).unwrap();
    assert_eq!(quantise(&y, 1.0 / 256.0).unwrap(), levels);
    let mut counts = [0.0f64; 20];
    y.iter().zip(&levels).for_each(|(y, k)| counts[((y * 256.0 - k) * 20.0) as usize] += 1.0);
    let chi2: f64 = counts.iter().map(|c| (c - 2_000.0).powi(2) / 2_000.0).sum();
    // 19 degrees of freedom, alpha = 0.001.
    assert!(chi2 < 43.82, "{chi2}");
    // Levels so large that noise is rounded stay their own.
    let large = [2f64.powi(51) + 1.0, 2f64.powi(52) - 1.0];
    for seed in 0..50 {
        assert_eq!(quantise(&dequantise(&large, 1.0, &Key::from_seed(seed)).unwrap(), 1.0).unwrap(), large);
    }
}

/// Mean and standard error.
fn mean(v: &[f64]) -> (f64, f64) {
    let (n, m) = (v.len() as f64, v.iter().sum::<f64>() / v.len() as f64);
    (m, (v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n / (n - 1.0)).sqrt())
}

/// Bounds of level `k`, from many rows of it.
fn of_level(k: usize, noise: &impl Noise, n_draws: usize) -> ((f64, f64), (f64, f64)) {
    let rows = vec![k as f64; 20_000];
    let found = bounds(&rows, 1, STEP, noise, n_draws, &Key::from_seed(5), |y| log_density(y[0])).unwrap();
    (mean(&found.single), mean(&found.importance))
}

fn fitted() -> LogitNormalNoise {
    let rows: Vec<f64> = (0..800).map(|i| f64::from(i % LEVELS as i32)).collect();
    let mut noise = LogitNormalNoise::new(1, LEVELS).unwrap();
    let gradient = |y: &[f64], slope: &mut [f64]| {
        slope[0] = -(y[0] - MU) / SIGMA / SIGMA;
        log_density(y[0])
    };
    noise.fit(&rows, STEP, Variational::default(), &Key::from_seed(7), gradient).unwrap();
    noise
}

/// Five standard errors: a false alarm with probability 6e-7 a comparison.
#[test]
fn bounds_are_what_they_should_be() {
    let noise = fitted();
    let (mut gap_uniform, mut gap_fitted) = (0.0, 0.0);
    for k in 0..LEVELS {
        let (uniform, several) = of_level(k, &UniformNoise, 8);
        assert!((uniform.0 - uniform_bound(k)).abs() < 5.0 * uniform.1 + 1e-12, "{k}: {uniform:?}");
        assert!(uniform_bound(k) < exact(k) && uniform.0 < several.0, "{k}: {uniform:?} {several:?}");
        assert!(several.0 < exact(k) + 5.0 * several.1, "{k}: {several:?} {}", exact(k));
        let (single, several) = of_level(k, &noise, 8);
        assert!(single.0 < exact(k) + 5.0 * single.1 && several.0 < exact(k) + 5.0 * several.1);
        gap_uniform += exact(k) - uniform_bound(k);
        gap_fitted += exact(k) - single.0;
        // The weights themselves are unbiased for the probability, whatever the noise.
        let rows = vec![k as f64; 20_000];
        let found = bounds(&rows, 1, STEP, &noise, 1, &Key::from_seed(6), |y| log_density(y[0])).unwrap();
        let (p, error) = mean(&found.single.iter().map(|w| w.exp()).collect::<Vec<_>>());
        assert!((p - exact(k).exp()).abs() < 5.0 * error, "{k}: {p} {error} {}", exact(k).exp());
    }
    // Fitted noise leans where the density is: what it leaves is the distance of logit-normal laws from linear slopes.
    assert!(gap_fitted < 0.3 * gap_uniform, "{gap_fitted} {gap_uniform}");
}

/// The gradient that fitting follows is that of the bound: ends where the bound of every level is stationary. A planted
/// mistake, the Jacobian's part left out, moves the centres to where the density alone is largest.
#[test]
fn fitted_noise_is_close_to_the_law_within_the_cell() {
    let noise = fitted();
    for k in 0..LEVELS {
        // Mean of u under p_c restricted to the cell, by midpoints, and under the noise.
        let n = 2_000;
        let at = |i: i32| (f64::from(i) + 0.5) / f64::from(n);
        let weight = |u: f64| log_density((k as f64 + u) * STEP).exp();
        let total: f64 = (0..n).map(at).map(weight).sum();
        let wanted = (0..n).map(at).map(|u| u * weight(u)).sum::<f64>() / total;
        let (mut rng, mut u) = (Key::from_seed(9).rng(), [0.0]);
        let draws: Vec<f64> = (0..20_000)
            .map(|_| {
                noise.draw(&[k as f64], &mut rng, &mut u);
                u[0]
            })
            .collect();
        let (found, error) = mean(&draws);
        // Another family's closest member: its mean is within 0.02 of the law's; uniform noise is off by up to 0.24.
        assert!((found - wanted).abs() < 0.02 + 5.0 * error, "level {k}: {found}, wanted {wanted}");
    }
}

#[test]
fn bits() {
    // Fair levels of 256: eight bits, by density as by probability.
    let fair = -(256f64.ln()) * 12.0;
    assert!((bits_per_dimension(fair, 12) - 8.0).abs() < 1e-13);
    assert!((discrete_log_prob(0.0, 12, 1.0 / 256.0) - fair).abs() < 1e-12);
}

#[test]
fn misuse() {
    let key = Key::from_seed(0);
    assert_eq!(dequantise(&[1.0], 0.0, &key), Err(DequantiseError::Step(0.0)));
    for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(dequantise(&[0.0, bad], 1.0, &key), Err(DequantiseError::Level { .. })), "{bad}");
        assert!(quantise(&[bad], 1.0).is_ok() == (bad == 0.5));
    }
    let flat = |_: &[f64]| 0.0;
    assert!(bounds(&[0.0; 3], 2, 1.0, &UniformNoise, 1, &key, flat).is_err());
    assert!(bounds(&[0.0; 4], 2, 1.0, &UniformNoise, 0, &key, flat).is_err());
    let noise = LogitNormalNoise::new(2, 4).unwrap();
    let e = bounds(&[0.0, 1.0, 3.0, 4.0], 2, 1.0, &noise, 1, &key, flat).unwrap_err();
    assert!(e.to_string().contains("row 1, column 1 is 4"), "{e}");
    assert!(bounds(&[0.0; 3], 3, 1.0, &noise, 1, &key, flat).is_err());
    assert!(LogitNormalNoise::new(0, 4).is_err() && LogitNormalNoise::new(usize::MAX, 4).is_err());
    let mut noise = noise;
    let infinite = |_: &[f64], _: &mut [f64]| f64::NEG_INFINITY;
    let e = noise.fit(&[0.0, 1.0], 1.0, Variational::default(), &key, infinite).unwrap_err();
    assert!(matches!(e, DequantiseError::Density { row: 0, .. }), "{e}");
    assert!(Dequantised::new(&[0.0, 0.0], 1.0).is_err() && Dequantised::new(&[0.5, -0.5], 1.0).is_err());
}
