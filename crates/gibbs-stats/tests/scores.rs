//! Scores against `golden/scores.json` (scoringrules, scikit-learn; written by `golden/make_scores.py`), against their
//! definitions, and their propriety.

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_stats::family::Gaussian;
use gibbs_stats::scores::{
    ClassForecasts, ScoreError, brier, classes, compare, crps, multivariate, pit, quantiles, summarise,
};
use gibbs_stats::special::normal_cdf;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/scores.json")).unwrap()
}

fn list(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The tolerance asked for.
fn close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-10 * expected.abs().max(1.0), "{what}: {found}, golden is {expected}");
}

fn crps_of(name: &str, p: &[f64], y: f64) -> f64 {
    match name {
        "normal" => crps::normal(p[0], p[1], y),
        "laplace" => crps::laplace(p[0], p[1], y),
        "logistic" => crps::logistic(p[0], p[1], y),
        "student_t" => crps::student_t(p[0], p[1], p[2], y),
        "uniform" => crps::uniform(p[0], p[1], y),
        "exponential" => crps::exponential(p[0], y),
        "gamma" => crps::gamma(p[0], p[1], y),
        "log_normal" => crps::log_normal(p[0], p[1], y),
        "poisson" => crps::poisson(p[0], y),
        other => panic!("unknown law {other}"),
    }
}

#[test]
fn equal_to_scoringrules_and_scikit_learn() {
    let all = golden();
    for row in all["crps"].as_array().unwrap() {
        let found = crps_of(row["name"].as_str().unwrap(), &list(&row["params"]), row["y"].as_f64().unwrap());
        close(found, &row["value"], &row.to_string());
    }
    let e = &all["ensemble"];
    let (draws, y) = (list(&e["draws"]), e["y"].as_f64().unwrap());
    close(crps::samples(&draws, y).unwrap(), &e["crps"], "crps");
    close(crps::samples_fair(&draws, y).unwrap(), &e["crps_fair"], "fair crps");
    let m = &all["multivariate"];
    let (draws, y) = (list(&m["draws"]), list(&m["y"]));
    close(multivariate::energy(&draws, &y).unwrap(), &m["energy"], "energy");
    close(multivariate::energy_fair(&draws, &y).unwrap(), &m["energy_fair"], "fair energy");
    close(multivariate::variogram(&draws, &y, 0.5).unwrap(), &m["variogram"], "variogram");
    let found = multivariate::dawid_sebastiani_multivariate(&list(&m["mu"]), &list(&m["covariance"]), &y).unwrap();
    close(found, &m["dawid_sebastiani"], "Dawid-Sebastiani");
    let u = &all["pit"];
    let found = pit::report(&list(&u["u"]), 8).unwrap();
    assert_eq!(found.histogram.iter().map(|n| *n as f64).collect::<Vec<_>>(), list(&u["histogram"]));
    close(found.mean, &u["mean"], "mean of the transform");
    close(found.variance, &u["variance"], "variance of the transform");
    close(found.distance, &u["distance"], "distance of the transform");
    // SciPy's probability is exact, ours an approximation.
    assert!((found.p_value / u["p_value"].as_f64().unwrap() - 1.0).abs() < 0.05, "{}", found.p_value);
    let get = |row: &Value, name: &str| row[name].as_f64().unwrap();
    for row in all["interval"].as_array().unwrap() {
        let found = quantiles::interval(get(row, "alpha"), get(row, "low"), get(row, "high"), get(row, "y")).unwrap();
        close(found, &row["value"], "interval");
    }
    for row in all["quantile"].as_array().unwrap() {
        close(quantiles::quantile(get(row, "level"), get(row, "q"), get(row, "y")).unwrap(), &row["value"], "quantile");
    }
    let w = &all["weighted_interval"];
    let (low, high, alpha) = (list(&w["low"]), list(&w["high"]), list(&w["alpha"]));
    let intervals: Vec<(f64, f64, f64)> = (0..2).map(|i| (alpha[i], low[i], high[i])).collect();
    let found = quantiles::weighted_interval(get(w, "median"), &intervals, get(w, "y")).unwrap();
    close(found, &w["value"], "weighted interval");

    let c = &all["classes"];
    let labels: Vec<usize> = list(&c["labels"]).iter().map(|y| *y as usize).collect();
    let table = ClassForecasts::new(4, &list(&c["probs"]), &labels).unwrap();
    let mean = |f: fn(&[f64], usize) -> f64| summarise(&table.scores(f)).unwrap().mean;
    close(mean(classes::log_score), &c["log"], "log score");
    close(mean(classes::brier), &c["brier"], "Brier score");
    close(mean(classes::ranked), &c["ranked"], "ranked probability score");
    let (p, y) = table.one_class(1);
    close(brier::decompose(&p, &y, None).unwrap().score, &c["brier_one"], "Brier score of one class");
}

/// `int (F(x) - [y <= x])^2 dx` by the midpoint rule on both sides of `y`, 200,000 cells each.
fn crps_by_quadrature(cdf: impl Fn(f64) -> f64, from: f64, to: f64, y: f64) -> f64 {
    let side = |from: f64, to: f64, step: f64| {
        let h = (to - from) / 2e5;
        (0..200_000).map(|i| (cdf(from + h * (f64::from(i) + 0.5)) - step).powi(2)).sum::<f64>() * h
    };
    side(from, y, 0.0) + side(y, to, 1.0)
}

/// What scoringrules has no closed form for, and the two ends of what it has, from the definition. The midpoint rule errs
/// by `h^2/24` times the change of the slope: below 1e-8 here.
#[test]
fn crps_is_its_integral() {
    let (w, mu, sigma) = ([0.3, 0.7], [-1.0, 2.0], [0.5, 1.5]);
    let cdf = |x: f64| (0..2).map(|k| w[k] * normal_cdf((x - mu[k]) / sigma[k])).sum::<f64>();
    for y in [-3.0, 0.4, 6.0] {
        let found = crps::normal_mixture(&w, &mu, &sigma, y);
        assert!((found - crps_by_quadrature(cdf, -30.0, 30.0, y)).abs() < 1e-7);
        assert!((crps::normal_mixture(&[1.0], &[0.5], &[2.0], y) - crps::normal(0.5, 2.0, y)).abs() < 1e-13);
    }
    // Far out the score is the distance, less the mean distance of two draws: it must not lose that to cancellation.
    assert!((crps::normal(0.0, 1.0, 40.0) - (40.0 - 1.0 / std::f64::consts::PI.sqrt())).abs() < 1e-13);
    assert!((crps::logistic(0.0, 1.0, -800.0) - 799.0).abs() < 1e-11);
    assert!((crps::exponential(2.0, -1.0) - 1.25).abs() < 1e-15);
}

/// The fair score of draws is unbiased for that of their law, the plain one is too large by `E|X - X'| / (2 m)`, which
/// for ten standard normal draws is `1/(10 sqrt pi)` = 0.0564. 20,000 ensembles; scores have a standard deviation below
/// 0.6, so five standard errors are 0.021: the bias is seen, and its absence too.
#[test]
fn fair_scores_are_unbiased() {
    let (y, m, n) = (0.3, 10, 20_000);
    let x = Gaussian::default().sample(n * m, &Key::from_seed(1));
    let mean = |f: &dyn Fn(&[f64]) -> f64| x.values().chunks_exact(m).map(f).sum::<f64>() / n as f64;
    let truth = crps::normal(0.0, 1.0, y);
    let fair = mean(&|d| crps::samples_fair(d, y).unwrap());
    let plain = mean(&|d| crps::samples(d, y).unwrap());
    assert!((fair - truth).abs() < 0.021, "{fair} {truth}");
    assert!((plain - truth - 0.056_418_958).abs() < 0.021, "{plain} {truth}");
    let energy = mean(&|d| multivariate::energy_fair(d, &[y]).unwrap());
    assert!((energy - fair).abs() < 1e-12);
}

/// A score with a name, of a forecast out of a list, at an outcome.
type Score = (&'static str, bool, fn(&[f64], usize) -> f64);

/// Exact expectations over three classes on a grid of forecasts: no forecast beats the truth, and for strictly proper
/// scores only the truth itself comes within `1e-9` (neighbours on the grid are a twentieth away, where the scores differ
/// by 1e-3 and more). Planted: the linear score `-p_y`, which is not proper, fails.
#[test]
fn scores_of_classes_are_strictly_proper() {
    let grid: Vec<[f64; 3]> = (1..19)
        .flat_map(|i| (1..20 - i).map(move |j| [f64::from(i), f64::from(j), f64::from(20 - i - j)].map(|v| v / 20.0)))
        .collect();
    let scores: [Score; 5] = [
        ("log", true, classes::log_score),
        ("Brier", true, classes::brier),
        ("spherical", true, classes::spherical),
        ("ranked", true, classes::ranked),
        ("linear", false, |p, y| -p[y]),
    ];
    for (name, proper, score) in scores {
        let mut beaten = false;
        for truth in &grid {
            let expected = |p: &[f64; 3]| (0..3).map(|y| truth[y] * score(p, y)).sum::<f64>();
            let own = expected(truth);
            beaten |= grid.iter().any(|p| p != truth && expected(p) < own + 1e-9);
        }
        assert_eq!(beaten, !proper, "{name}");
    }
}

/// The mean of a score of a normal forecast under a normal truth, by the midpoint rule over the quantiles of the truth.
fn expected(truth: (f64, f64), score: impl Fn(f64) -> f64) -> f64 {
    let h = 0.01;
    (-900..900)
        .map(|i| h * (f64::from(i) + 0.5))
        .map(|z| h * gibbs_stats::special::normal_pdf(z) * score(truth.0 + truth.1 * z))
        .sum()
}

/// Scores of real quantities under a normal truth: the forecast of the truth wins against every other mean and spread on
/// a grid, strictly where the score is strictly proper for these two. Planted: squared error of the mean is proper but
/// blind to the spread, and `|y - mu| / sigma` is not proper.
#[test]
fn scores_of_numbers_are_proper() {
    type Real = fn((f64, f64), f64) -> f64;
    let z = 1.281_551_565_544_600_4; // the 90 % quantile
    let scores: [(&str, bool, bool, Real); 7] = [
        ("log", true, true, |(m, s), y| s.ln() + 0.5 * ((y - m) / s).powi(2)),
        ("CRPS", true, true, |(m, s), y| crps::normal(m, s, y)),
        ("Dawid-Sebastiani", true, true, |(m, s), y| multivariate::dawid_sebastiani(m, s, y)),
        ("interval", true, true, |(m, s), y| {
            let z = 1.281_551_565_544_600_4;
            quantiles::interval(0.2, m - z * s, m + z * s, y).unwrap()
        }),
        ("weighted interval", true, true, |(m, s), y| {
            let (a, b) = (1.281_551_565_544_600_4, 0.524_400_512_708_040_9);
            quantiles::weighted_interval(m, &[(0.2, m - a * s, m + a * s), (0.6, m - b * s, m + b * s)], y).unwrap()
        }),
        ("squared error", true, false, |(m, _), y| (y - m).powi(2)),
        ("error in sigmas", false, false, |(m, s), y| (y - m).abs() / s),
    ];
    for (name, proper, strict, score) in scores {
        let truth = (0.5, 1.5);
        let own = expected(truth, |y| score(truth, y));
        let (mut beaten, mut matched) = (false, false);
        for m in [-1.0, 0.2, 0.5, 0.7, 2.0] {
            for s in [0.5, 1.3, 1.5, 1.7, 4.0] {
                let other = expected(truth, |y| score((m, s), y));
                // Kinks at nodes of the rule cost up to 1e-4 of a score; neighbours differ by 1e-3.
                beaten |= other < own - 2e-4;
                matched |= (m, s) != truth && other < own + 2e-4;
            }
        }
        assert_eq!((beaten, matched), (!proper, !strict), "{name}");
    }
    // A quantile score finds its quantile: the 0.9 quantile of the truth is 0.5 + 1.5 z.
    let own = expected((0.5, 1.5), |y| quantiles::quantile(0.9, 0.5 + 1.5 * z, y).unwrap());
    for q in [0.5, 2.0, 2.2, 2.7, 3.5] {
        assert!(expected((0.5, 1.5), |y| quantiles::quantile(0.9, q, y).unwrap()) > own + 1e-3, "{q}");
    }
}

/// Energy and variogram scores of draws in two dimensions, paired over 2000 outcomes from the truth (correlation 0.8):
/// draws of the truth beat draws without correlation and shifted ones, by more than five standard errors of the paired
/// difference; only the variogram score, which sees differences, is blind to a common shift.
#[test]
fn scores_of_several_columns_are_proper() {
    let pairs = |n: usize, rho: f64, shift: f64, seed: u64| -> Vec<f64> {
        let z = Gaussian::default().sample(2 * n, &Key::from_seed(seed));
        z.values()
            .chunks_exact(2)
            .flat_map(|z| [z[0] + shift, rho * z[0] + (1.0 - rho * rho).sqrt() * z[1] + shift])
            .collect()
    };
    let outcomes = pairs(2000, 0.8, 0.0, 1);
    let scores = |score: fn(&[f64], &[f64]) -> f64, rho: f64, shift: f64| -> Vec<f64> {
        let draws = pairs(400, rho, shift, 2);
        outcomes.chunks_exact(2).map(|y| score(&draws, y)).collect()
    };
    let energy = |d: &[f64], y: &[f64]| multivariate::energy_fair(d, y).unwrap();
    let variogram = |d: &[f64], y: &[f64]| multivariate::variogram(d, y, 0.5).unwrap();
    for (score, shift_seen) in [(energy as fn(&[f64], &[f64]) -> f64, true), (variogram, false)] {
        let own = scores(score, 0.8, 0.0);
        let flat = compare(&own, &scores(score, -0.5, 0.0), 1).unwrap();
        assert!(flat.difference < -5.0 * flat.std_err, "{flat:?}");
        let shifted = compare(&own, &scores(score, 0.8, 0.7), 1).unwrap();
        assert_eq!(shifted.difference < -5.0 * shifted.std_err, shift_seen, "{shifted:?}");
    }
}

/// The parts add up to the score, exactly and in bins; and each is what it says for a forecaster that knows nothing, and
/// one that knows all.
#[test]
fn brier_decomposition() {
    let mut rng = Key::from_seed(4).rng();
    let p: Vec<f64> = (0..500).map(|_| (rng.uniform() * 20.0).floor() / 20.0).collect();
    let y: Vec<bool> = p.iter().map(|p| rng.uniform() < p * p).collect();
    for bins in [None, Some(1), Some(7), Some(20)] {
        let d = brier::decompose(&p, &y, bins).unwrap();
        let sum = d.reliability - d.resolution + d.uncertainty + d.within_variance - d.within_covariance;
        assert!((sum - d.score).abs() < 1e-15, "{bins:?}: {d:?}");
        if bins.is_none() {
            assert!(d.within_variance < 1e-30 && d.reliability > 0.01, "{d:?}");
        }
    }
    let o = y.iter().filter(|y| **y).count() as f64 / 500.0;
    let d = brier::decompose(&[o; 500], &y, None).unwrap();
    assert!(d.reliability < 1e-25 && d.resolution < 1e-25 && (d.score - d.uncertainty).abs() < 1e-13);
    let all: Vec<f64> = y.iter().map(|y| f64::from(u8::from(*y))).collect();
    let d = brier::decompose(&all, &y, None).unwrap();
    assert!(d.score == 0.0 && (d.resolution - d.uncertainty).abs() < 1e-13);
}

/// 2000 comparisons of equally good forecasters with independent rows, and with rows that share errors over two steps:
/// a 5 % test rejects 5 % (binomial standard deviation 0.5 %; 3 % to 7 % is four of them). Planted: the horizon ignored
/// on overlapping rows rejects far more.
#[test]
fn the_comparison_rejects_as_often_as_it_says() {
    let (n, trials) = (60, 2000);
    let rate = |overlap: bool, horizon: usize| {
        let rejected = (0..trials).filter(|seed| {
            let z = Gaussian::default().sample(2 * (n + 1), &Key::from_seed(*seed));
            let z = z.values();
            let noise = |k: usize, t: usize| {
                if overlap { z[k * (n + 1) + t] + z[k * (n + 1) + t + 1] } else { z[k * (n + 1) + t] }
            };
            let (a, b): (Vec<f64>, Vec<f64>) = (0..n).map(|t| (noise(0, t), noise(1, t))).unzip();
            compare(&a, &b, horizon).unwrap().p_value < 0.05
        });
        rejected.count() as f64 / trials as f64
    };
    let (plain, right, wrong) = (rate(false, 1), rate(true, 2), rate(true, 1));
    assert!((0.03..0.07).contains(&plain), "{plain}");
    // The long-run variance is itself estimated from 60 rows, which this correction only halves: up to 8 %.
    assert!((0.03..0.085).contains(&right), "{right}");
    assert!(wrong > 0.12, "{wrong}");
}

/// Transforms of calibrated forecasts are uniform, of too narrow ones not; of counts when randomised.
#[test]
fn transforms() {
    let y = Gaussian::default().sample(2000, &Key::from_seed(3));
    let u = |sigma: f64| -> Vec<f64> { y.values().iter().map(|y| normal_cdf(y / sigma)).collect() };
    let right = pit::report(&u(1.0), 10).unwrap();
    // alpha = 1e-3, seed fixed.
    assert!(right.p_value > 1e-3 && right.histogram.iter().sum::<usize>() == 2000, "{right:?}");
    let narrow = pit::report(&u(0.8), 10).unwrap();
    assert!(narrow.p_value < 1e-4 && narrow.variance > 1.0 / 12.0 + 0.01, "{narrow:?}");
    let mut rng = Key::from_seed(5).rng();
    let draws: Vec<f64> = (0..2000)
        .map(|i| {
            let ensemble: Vec<f64> = (0..9).map(|_| (rng.uniform() * 4.0).floor()).collect();
            pit::from_samples(&ensemble, (rng.uniform() * 4.0).floor(), &Key::from_seed(i)).unwrap()
        })
        .collect();
    assert!(pit::report(&draws, 5).unwrap().p_value > 1e-3);
    // A coin with p = 0.3: F(y-), F(y) are 0, 0.7 or 0.7, 1.
    let (below, at): (Vec<f64>, Vec<f64>) =
        (0..2000).map(|_| if rng.uniform() < 0.3 { (0.7, 1.0) } else { (0.0, 0.7) }).unzip();
    let u = pit::randomised(&below, &at, &Key::from_seed(6)).unwrap();
    assert!(pit::report(&u, 5).unwrap().p_value > 1e-3);
    assert!(pit::report(&at, 5).unwrap().p_value < 1e-6);
}

#[test]
fn misuse() {
    let says = |e: ScoreError, words: &str| assert!(e.to_string().contains(words), "{e}");
    says(ClassForecasts::new(2, &[0.5, 0.4], &[0]).unwrap_err(), "add up to 0.9");
    assert!(ClassForecasts::with_tolerance(2, &[0.5, 0.4], &[0], f64::INFINITY).is_ok());
    says(ClassForecasts::new(2, &[0.5, 0.5, 1.1, -0.1], &[0, 1]).unwrap_err(), "row 1, column 1");
    says(ClassForecasts::new(2, &[f64::NAN, 0.5], &[0]).unwrap_err(), "row 0, column 0");
    says(ClassForecasts::new(2, &[0.5, 0.5], &[2]).unwrap_err(), "below the number of classes");
    says(ClassForecasts::new(2, &[0.5, 0.5], &[]).unwrap_err(), "at least 1");
    says(summarise(&[1.0, f64::NAN]).unwrap_err(), "row 1");
    assert!(summarise(&[1.0, f64::INFINITY]).unwrap().mean.is_infinite());
    says(compare(&[1.0, f64::INFINITY], &[1.0, 1.0], 1).unwrap_err(), "cut probabilities off");
    says(compare(&[1.0], &[1.0], 1).unwrap_err(), "at least 2");
    says(quantiles::interval(0.1, 2.0, 1.0, 0.0).unwrap_err(), "in order");
    says(quantiles::quantile(1.0, 2.0, 1.0).unwrap_err(), "strictly between");
    says(crps::samples_fair(&[1.0], 0.0).unwrap_err(), "at least 2");
    says(multivariate::variogram(&[1.0, 2.0], &[0.0, 0.0], 0.0).unwrap_err(), "0.5 is usual");
    says(multivariate::energy(&[1.0, 2.0, 3.0], &[0.0, 0.0]).unwrap_err(), "numbers in the draws");
    assert!(crps::normal(0.0, 0.0, 1.0).is_nan() && crps::gamma(1.0, -1.0, 1.0).is_nan());
}
