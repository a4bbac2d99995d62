//! Calibration: errors, tests, scaling and conformal prediction, against `golden/scores.json` (scikit-learn and `SciPy`;
//! written by `golden/make_scores.py`) and against what simulators that are calibrated by construction must give.

use gibbs_core::key::{Key, Rng};
use gibbs_stats::calibration::conformal::conformal_quantile;
use gibbs_stats::calibration::{
    AdaptiveSets, BetaScaling, Binning, ConformalInterval, FitError, Isotonic, LeastAmbiguousSets, Platt, Temperature,
    VectorScaling, calibration_error, diagram, hypothesis, reliability,
};
use gibbs_stats::scores::{ClassForecasts, classes, quantiles, summarise};
use gibbs_stats::softmax::softmax;
use gibbs_stats::special::sigmoid;
use gibbs_testkit::binomial_interval;
use serde_json::Value;

struct Golden {
    all: Value,
    logits: Vec<f64>,
    labels: Vec<usize>,
    table: ClassForecasts,
}

fn list(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn golden() -> Golden {
    let mut all: Value = serde_json::from_str(include_str!("golden/scores.json")).unwrap();
    let all = all["classes"].take();
    let labels: Vec<usize> = list(&all["labels"]).iter().map(|y| *y as usize).collect();
    let table = ClassForecasts::new(4, &list(&all["probs"]), &labels).unwrap();
    Golden { logits: list(&all["logits"]), labels, table, all }
}

fn close(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{what}: {found}, golden is {expected}");
}

#[test]
fn errors_equal_to_their_definition_in_numpy() {
    let g = golden();
    let (p, y) = g.table.one_class(1);
    let one = calibration_error(&p, &y, Binning::EqualWidth(10)).unwrap();
    let top = reliability::top_label(&g.table, Binning::EqualWidth(15)).unwrap();
    for (found, name) in [(one, "class_1"), (top, "top")] {
        close(found.ece, &g.all[name]["ece"], 1e-12, "ECE");
        close(found.rms, &g.all[name]["rms"], 1e-12, "RMS");
        close(found.mce, &g.all[name]["mce"], 1e-12, "MCE");
        close(found.debiased_square, &g.all[name]["debiased_square"], 1e-12, "debiased");
    }
    assert_eq!(reliability::classwise(&g.table, Binning::EqualWidth(10)).unwrap()[1], one);
}

/// Fits against those of `SciPy`: the likelihood is flat at its maximum, so values agree to the square of what
/// parameters do.
#[test]
fn scaling_equal_to_scipy() {
    let g = golden();
    let t = Temperature::fit(4, &g.logits, &g.labels).unwrap();
    // Its search over one number stops at 1e-8 of it.
    close(t.beta(), &g.all["temperature_beta"], 1e-7, "beta");
    let nll = |f: &dyn Fn(&[f64]) -> Vec<f64>| {
        let rows = g.logits.chunks_exact(4).zip(&g.labels);
        -rows.map(|(z, y)| f(z)[*y]).sum::<f64>() / g.labels.len() as f64
    };
    let scaled = nll(&|z| t.log_probs(z).unwrap());
    close(scaled, &g.all["temperature_nll"], 1e-12, "temperature");
    let v = VectorScaling::fit(4, &g.logits, &g.labels, 0.0).unwrap();
    let vector = nll(&|z| v.log_probs(z).unwrap());
    close(vector, &g.all["vector_nll"], 1e-12, "vector");
    assert!(vector < scaled && scaled < summarise(&g.table.scores(classes::log_score)).unwrap().mean);
    // A large ridge keeps the scales at 1 and the shifts at 0.
    let stiff = VectorScaling::fit(4, &g.logits, &g.labels, 1e9).unwrap();
    assert!(stiff.scale().iter().all(|a| (a - 1.0).abs() < 1e-8) && stiff.shift().iter().all(|b| b.abs() < 1e-8));

    let score: Vec<f64> = g.logits.iter().skip(1).step_by(4).copied().collect();
    let (p, y) = g.table.one_class(1);
    let platt = Platt::fit(&score, &y).unwrap();
    close(platt.slope(), &g.all["platt"][0], 1e-6, "Platt's slope");
    close(platt.offset(), &g.all["platt"][1], 1e-6, "Platt's offset");
    let beta = BetaScaling::fit(&p, &y).unwrap();
    let loss = |(p, y): (&f64, &bool)| {
        let q = beta.probability(*p);
        -if *y { q.ln() } else { (-q).ln_1p() }
    };
    let mean = p.iter().zip(&y).map(loss).sum::<f64>() / p.len() as f64;
    close(mean, &g.all["beta_nll"], 1e-9, "beta scaling");
    let curve = Isotonic::fit(&p, &y).unwrap();
    for (x, expected) in list(&g.all["isotonic_grid"]).iter().zip(g.all["isotonic"].as_array().unwrap()) {
        close(curve.probability(*x), expected, 1e-12, &format!("isotonic at {x}"));
    }
}

/// Forecasts that are calibrated by construction: `y` comes with probability `p`.
fn calibrated(n: usize, rng: &mut Rng) -> (Vec<f64>, Vec<bool>) {
    (0..n)
        .map(|_| {
            let p = rng.uniform();
            (p, rng.uniform() < p)
        })
        .unzip()
}

/// A calibrated simulator: ECE falls as `1/sqrt n`, the debiased square is 0 on average, intervals of the diagram hold
/// the truth as often as they say. Planted: forecasts pushed towards the ends have an error that stays.
#[test]
fn a_calibrated_simulator_scores_zero() {
    let mut rng = Key::from_seed(1).rng();
    let (p, y) = calibrated(400_000, &mut rng);
    for binning in [Binning::EqualWidth(15), Binning::EqualMass(15)] {
        let e = calibration_error(&p, &y, binning).unwrap();
        // Mean |gap| of a bin of 26,667 rows: sqrt(2/pi) sqrt(p(1-p)/n) < 0.0025; their mean over 15 bins has a
        // standard deviation below 0.0005.
        assert!(e.ece < 0.004 && e.mce < 0.015 && e.rms >= e.ece, "{e:?}");
        let pushed: Vec<f64> = p.iter().map(|p| sigmoid(1.5 * (p / (1.0 - p)).ln())).collect();
        assert!(calibration_error(&pushed, &y, binning).unwrap().ece > 0.05);
    }

    // 600 small sets: the plain square is about 15 p(1-p)/n = 0.0125 too large, the debiased one is not; each has a
    // standard deviation below 0.006, so five standard errors of the mean are 0.0012.
    let (mut plain, mut debiased, mut held, mut bins) = (0.0, 0.0, 0, 0);
    for _ in 0..600 {
        let (p, y) = calibrated(200, &mut rng);
        let e = calibration_error(&p, &y, Binning::EqualMass(15)).unwrap();
        plain += e.rms * e.rms / 600.0;
        debiased += e.debiased_square / 600.0;
        for bin in diagram(&p, &y, Binning::EqualWidth(5), 0.1).unwrap() {
            held += usize::from(bin.low <= bin.forecast && bin.forecast <= bin.high);
            bins += 1;
        }
    }
    assert!(debiased.abs() < 0.0012 && plain > 0.009, "{debiased} {plain}");
    // Exact intervals hold at least 90 %, and discreteness makes it more; 3000 bins have a deviation of 0.5 %.
    assert!(held as f64 / f64::from(bins) > 0.885, "{held} of {bins}");
}

/// Tests at 5 % on 300 calibrated sets of 300 rows: resampling is exact by construction (a rank among exchangeable
/// draws), Spiegelhalter's is normal for many rows. Binomial deviation 1.3 %: up to 10 % is four of them. Planted:
/// forecasts half as sure as they should be are rejected in most sets.
#[test]
fn calibration_tests_reject_as_often_as_they_say() {
    let (mut resampled, mut spiegelhalter, mut caught) = (0, 0, [0, 0]);
    for seed in 0..300 {
        let (p, y) = calibrated(300, &mut Key::from_seed(seed).rng());
        let binning = Binning::EqualMass(10);
        let key = Key::from_seed(1000 + seed);
        resampled += usize::from(hypothesis::resampling(&p, &y, binning, 99, &key).unwrap().p_value <= 0.05);
        spiegelhalter += usize::from(hypothesis::spiegelhalter(&p, &y).unwrap().p_value < 0.05);
        let shy: Vec<f64> = p.iter().map(|p| sigmoid(0.5 * (p / (1.0 - p)).ln())).collect();
        caught[0] += usize::from(hypothesis::resampling(&shy, &y, binning, 99, &key).unwrap().p_value <= 0.05);
        caught[1] += usize::from(hypothesis::spiegelhalter(&shy, &y).unwrap().p_value < 0.05);
    }
    assert!((1..=30).contains(&resampled) && (1..=30).contains(&spiegelhalter), "{resampled} {spiegelhalter}");
    assert!(caught.iter().all(|c| *c > 150), "{caught:?}");
}

/// Logits of a model that is `1/beta` times too sure, with labels from the true law.
fn too_sure(n: usize, beta: f64, rng: &mut Rng) -> (Vec<f64>, Vec<usize>) {
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let z: Vec<f64> = (0..3).map(|_| 2.0 * rng.normal()).collect();
        let p = softmax(&z, beta).unwrap();
        let u = rng.uniform();
        labels.push(usize::from(u >= p[0]) + usize::from(u >= p[0] + p[1]));
        logits.extend(z);
    }
    (logits, labels)
}

/// Temperature scaling finds the temperature (standard error about `1 / sqrt(n Var z)`, 0.007 here: five of them), never
/// changes the most probable class, and takes the calibration error away.
#[test]
fn temperature_is_found_and_changes_no_decision() {
    let mut rng = Key::from_seed(3).rng();
    let (logits, labels) = too_sure(20_000, 0.4, &mut rng);
    let fitted = Temperature::fit(3, &logits, &labels).unwrap();
    assert!((fitted.beta() - 0.4).abs() < 0.035, "{fitted:?}");
    let probs = |beta: f64| -> Vec<f64> { logits.chunks_exact(3).flat_map(|z| softmax(z, beta).unwrap()).collect() };
    let before = ClassForecasts::new(3, &probs(1.0), &labels).unwrap();
    let after = ClassForecasts::new(3, &probs(fitted.beta()), &labels).unwrap();
    assert_eq!(before.predictions(), after.predictions());
    let ece = |t: &ClassForecasts| reliability::top_label(t, Binning::EqualWidth(15)).unwrap().ece;
    assert!(ece(&before) > 0.1 && ece(&after) < 0.02, "{} {}", ece(&before), ece(&after));
    let vector = VectorScaling::fit(3, &logits, &labels, 0.0).unwrap();
    assert!(vector.scale().iter().all(|a| (a - 0.4).abs() < 0.06), "{vector:?}");
    assert!(vector.shift().iter().all(|b| b.abs() < 0.15), "{vector:?}");
}

/// Curves of one event on 20,000 rows whose true probability is known: each finds a curve that it can express, and
/// isotonic regression any. Tolerances are five standard errors of a logistic fit there; isotonic errs by `n^-1/3`.
#[test]
fn curves_of_one_event() {
    let mut rng = Key::from_seed(5).rng();
    let n = 20_000;
    let score: Vec<f64> = (0..n).map(|_| 3.0 * rng.normal()).collect();
    let y: Vec<bool> = score.iter().map(|s| rng.uniform() < sigmoid(0.5 * s - 0.3)).collect();
    let platt = Platt::fit(&score, &y).unwrap();
    assert!((platt.slope() - 0.5).abs() < 0.04 && (platt.offset() + 0.3).abs() < 0.1, "{platt:?}");
    // In a unit a million times larger the curve is the same.
    let large: Vec<f64> = score.iter().map(|s| 1e6 * s).collect();
    let same = Platt::fit(&large, &y).unwrap();
    assert!((same.probability(1e6) - platt.probability(1.0)).abs() < 1e-8);

    let p: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
    let truth = |p: f64| sigmoid(0.7 * p.ln() - 1.5 * (1.0 - p).ln() + 0.2);
    let y: Vec<bool> = p.iter().map(|p| rng.uniform() < truth(*p)).collect();
    let beta = BetaScaling::fit(&p, &y).unwrap();
    let curve = Isotonic::fit(&p, &y).unwrap();
    for x in [0.05, 0.2, 0.5, 0.8, 0.95] {
        assert!((beta.probability(x) - truth(x)).abs() < 0.03, "{beta:?} at {x}");
        assert!((curve.probability(x) - truth(x)).abs() < 0.1, "isotonic at {x}: {}", curve.probability(x));
    }
    assert!(curve.steps().zip(curve.steps().skip(1)).all(|((x0, y0), (x1, y1))| x0 < x1 && y0 <= y1));
    // A falling relation: the constraint holds, and the flat curve is the best that rises.
    let falling: Vec<bool> = p.iter().map(|p| rng.uniform() < 1.0 - p).collect();
    let (a, b, c) = BetaScaling::fit(&p, &falling).unwrap().coefficients();
    assert!(a == 0.0 && b == 0.0 && c.abs() < 0.1, "{a} {b} {c}");
}

/// Conformal intervals on a model that is wrong in every way (bias, constant width): 10,000 repetitions of 19 calibration
/// rows and one new one, so that coverage is exactly 0.9 (alpha = 0.1, (n + 1)(1 - alpha) = 18). The interval that a
/// share may have is binomial, alpha = 1e-6. Planted: the plain 90 % quantile of the scores covers less.
#[test]
fn conformal_coverage_is_exact() {
    let mut rng = Key::from_seed(7).rng();
    let n_trials = 10_000;
    let mut covered = [0; 4];
    for _ in 0..n_trials {
        let rows: Vec<(f64, f64)> = (0..20)
            .map(|_| {
                let x = rng.uniform();
                (x, 3.0 * x + (0.2 + x) * rng.normal())
            })
            .collect();
        let (x, y): (Vec<f64>, Vec<f64>) = rows[..19].iter().copied().unzip();
        let (new_x, new_y) = rows[19];
        let mu: Vec<f64> = x.iter().map(|x| 2.0 * x + 0.5).collect();
        let sigma: Vec<f64> = x.iter().map(|x| 0.1 + 0.5 * x).collect();
        let (low, high): (Vec<f64>, Vec<f64>) = x.iter().map(|x| (x - 1.0, 2.0 * x + 1.0)).unzip();
        let hit = |(low, high): (f64, f64)| usize::from(low <= new_y && new_y <= high);
        let m = 2.0 * new_x + 0.5;
        covered[0] += hit(ConformalInterval::around_means(&mu, &y, 0.1).unwrap().at(m, 1.0));
        covered[1] += hit(ConformalInterval::scaled(&mu, &sigma, &y, 0.1).unwrap().at(m, 0.1 + 0.5 * new_x));
        covered[2] +=
            hit(ConformalInterval::around_quantiles(&low, &high, &y, 0.1).unwrap().at(new_x - 1.0, 2.0 * new_x + 1.0));
        let mut errors: Vec<f64> = mu.iter().zip(&y).map(|(m, y)| (m - y).abs()).collect();
        errors.sort_by(f64::total_cmp);
        covered[3] += hit((m - errors[16], m + errors[16]));
    }
    for (k, c) in covered.into_iter().enumerate() {
        let (low, high) = binomial_interval(c as u64, n_trials, 1e-6).unwrap();
        assert_eq!(low <= 0.9 && 0.9 <= high, k < 3, "{k}: {c} of {n_trials}");
    }
}

/// Sets of classes: least ambiguous and adaptive, from a model that is twice too sure. Coverage as above.
#[test]
fn conformal_sets_cover() {
    let mut rng = Key::from_seed(9).rng();
    let n_trials = 5000;
    let (mut least, mut adaptive, mut sizes) = (0, 0, [0, 0]);
    for _ in 0..n_trials {
        let (logits, labels) = too_sure(20, 0.5, &mut rng);
        let probs: Vec<f64> = logits.chunks_exact(3).flat_map(|z| softmax(z, 1.0).unwrap()).collect();
        let table = ClassForecasts::new(3, &probs[..57], &labels[..19]).unwrap();
        let (new, y) = (&probs[57..], labels[19]);
        let set = LeastAmbiguousSets::fit(&table, 0.1).unwrap().set(new);
        least += u64::from(set.contains(&y));
        sizes[0] += set.len();
        let set = AdaptiveSets::fit(&table, 0.1, &mut rng).unwrap().set(new, &mut rng);
        adaptive += u64::from(set.contains(&y));
        sizes[1] += set.len();
    }
    for c in [least, adaptive] {
        let (low, high) = binomial_interval(c, n_trials, 1e-6).unwrap();
        assert!(low <= 0.9 && 0.9 <= high, "{c} of {n_trials}");
    }
    assert!(sizes[0] < sizes[1] && sizes[1] < 3 * n_trials as usize, "{sizes:?}");
}

#[test]
fn conformal_quantiles() {
    let scores: Vec<f64> = (1..=19).rev().map(f64::from).collect();
    assert_eq!(conformal_quantile(&scores, 0.1).unwrap(), 18.0);
    assert_eq!(conformal_quantile(&scores, 0.05).unwrap(), 19.0);
    assert_eq!(conformal_quantile(&scores, 0.04).unwrap(), f64::INFINITY);
    assert_eq!(conformal_quantile(&scores, 0.999).unwrap(), 1.0);
    let low = [0.0; 4];
    assert_eq!(quantiles::coverage(&low, &[1.0; 4], &[0.5, 1.0, 1.1, -0.1]).unwrap(), 0.5);
}

#[test]
fn misuse() {
    let says = |e: FitError, words: &str| assert!(e.to_string().contains(words), "{e}");
    says(Temperature::fit(2, &[1.0, 0.0, 0.0, 1.0], &[0, 1]).unwrap_err(), "every label has the largest logit");
    says(Temperature::fit(2, &[1.0, 0.0, 0.0, 1.0], &[1, 0]).unwrap_err(), "no better than chance");
    says(Temperature::fit(2, &[1.0, f64::NAN], &[0]).unwrap_err(), "row 0, column 1");
    says(Temperature::fit(2, &[1.0, 0.0], &[2]).unwrap_err(), "below the number of classes");
    says(VectorScaling::fit(2, &[1.0, 0.0, 0.0, 1.0], &[0, 1], 0.0).unwrap_err(), "positive ridge");
    assert!(VectorScaling::fit(2, &[1.0, 0.0, 0.0, 1.0], &[0, 1], 0.1).is_ok());
    says(Platt::fit(&[0.1, 0.2], &[true, true]).unwrap_err(), "only one of the two outcomes");
    says(Platt::fit(&[0.1, f64::NAN], &[true, false]).unwrap_err(), "row 1");
    assert!(Platt::fit(&[-1.0, -1.0, 1.0, 1.0], &[false, false, true, true]).unwrap().slope() > 0.0);
    says(BetaScaling::fit(&[0.1, 1.2], &[true, false]).unwrap_err(), "between 0 and 1");
    says(BetaScaling::fit(&[0.1, 0.1, 0.9, 0.9], &[false, false, true, true]).unwrap_err(), "separate the outcomes");
    says(Isotonic::fit(&[], &[]).unwrap_err(), "at least 1");
    assert!(diagram(&[0.5], &[true], Binning::EqualWidth(0), 0.1).is_err());
    assert!(diagram(&[0.5], &[true, false], Binning::EqualWidth(2), 0.1).is_err());
    assert!(hypothesis::spiegelhalter(&[0.5, 0.0], &[true, false]).is_err());
    assert!(conformal_quantile(&[1.0], 1.0).is_err() && conformal_quantile(&[f64::NAN], 0.1).is_err());
    assert!(ConformalInterval::scaled(&[0.0], &[0.0], &[1.0], 0.1).is_err());
}
