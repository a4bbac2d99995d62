//! Probabilistic regression: gradients of every head, what it learns, and that threads do not matter.

use gibbs::core::dense::Dense;
use gibbs::core::energy::{Energy, Parametric};
use gibbs::core::key::Key;
use gibbs::core::scratch::Scratch;
use gibbs::data::{Table, Values};
use gibbs::error::Error;
use gibbs::progress::Silent;
use gibbs::regression::ensemble::{Data, Ensemble};
use gibbs::regression::{Evaluation, Forecast, Head, Network, Settings};
use gibbs::tensor::{map::TapeMap, nets::Mlp, tape::Activation};
use gibbs_core::rows::Continuous;

fn heads() -> Vec<Head> {
    vec![
        Head::Gaussian { beta: 0.0 },
        Head::StudentT,
        Head::Laplace,
        Head::Mixture { components: 3 },
        Head::Quantile { levels: vec![0.1, 0.5, 0.9] },
        Head::Poisson,
        Head::NegativeBinomial,
        Head::Ordinal { classes: 4 },
        Head::Ordinal { classes: 2 },
        Head::Classes { classes: 3 },
    ]
}

const INPUTS: usize = 2;

fn network(head: Head) -> Network {
    // A smooth activation: differences across a kink are not derivatives.
    Network { mlp: Mlp { hidden: vec![5], activation: Activation::Silu }, head, n_inputs: INPUTS, unit: 1.5 }
}

/// Three rows of inputs with outcomes of the kind that the head takes.
fn rows(head: &Head) -> (Dense<f64>, Vec<f64>) {
    let x = [0.3, -1.2, 1.1, 0.4, -0.7, 0.9];
    let (mut values, mut outcomes) = (Vec::new(), Vec::new());
    for (i, x) in x.chunks_exact(INPUTS).enumerate() {
        values.extend_from_slice(x);
        if let Some(k) = head.n_classes() {
            let class = (2 * i + 1) % k;
            values.extend((0..k).map(|c| if c == class { 1.0 } else { 0.0 }));
            outcomes.push(class as f64);
        } else {
            let y = if head.takes_counts() { [0.0, 3.0, 7.0][i] } else { [0.4, -1.7, 2.2][i] };
            values.push(y);
            outcomes.push(y);
        }
    }
    (Dense::from_rows(INPUTS + head.n_targets(), values), outcomes)
}

/// Largest error of the gradient in the parameters against central differences, relative to `1 + |d|`. Parameters are f32:
/// a step of 2^-10 is exact in it, and central differences then err by `h^2 f'''/6`, about 1e-6 for third derivatives of order
/// ten, plus half a unit in the last place of the parameter (6e-8 for |w| < 1) which is exact too, since steps are.
fn gradient_error(head: &Head, plant: f32) -> f64 {
    let net = network(head.clone());
    let mut energy = net.energy::<f64>(&Key::from_seed(3)).unwrap();
    let (x, _) = rows(head);
    let weights = [0.5, 0.2, 0.3];
    // Coarse values, so that adding and taking off a step is exact.
    energy.params_mut().flat_mut().iter_mut().for_each(|p| *p = (*p * 4096.0).round() / 4096.0);
    let mut gradient = energy.params().zeros_like();
    energy.add_grad(&x, &weights, &mut gradient, &mut Scratch::default());
    gradient.scale(1.0 + plant);
    let h = 2f32.powi(-10);
    let mut loss = |i: usize, by: f32| {
        energy.params_mut().flat_mut()[i] += by;
        let mut e = [0.0; 3];
        energy.energy(&x, &mut e, &mut Scratch::default());
        energy.params_mut().flat_mut()[i] -= by;
        e.iter().zip(weights).map(|(e, w)| e * w).sum::<f64>()
    };
    let numeric: Vec<f64> =
        (0..gradient.flat().len()).map(|i| (loss(i, h) - loss(i, -h)) / (2.0 * f64::from(h))).collect();
    let error = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() / (1.0 + b.abs());
    gradient.flat().iter().zip(&numeric).map(error).fold(0.0, f64::max)
}

#[test]
fn gradients_of_every_head_are_exact() {
    for head in heads() {
        let error = gradient_error(&head, 0.0);
        assert!(error < 1e-5, "{head:?}: {error:e}");
    }
    assert!(gradient_error(&heads()[0], 0.001) > 1e-4, "a planted mistake is seen");
}

/// The loss on the tape is minus the log density of the forecast read out of the same network.
#[test]
fn losses_are_those_of_the_forecasts() {
    for head in heads() {
        let net = network(head.clone());
        let key = Key::from_seed(5);
        let (energy, map): (_, TapeMap<f64>) = (net.energy::<f64>(&key).unwrap(), net.map(&key).unwrap());
        let (x, outcomes) = rows(&head);
        let mut e = [0.0; 3];
        energy.energy(&x, &mut e, &mut Scratch::default());
        let inputs: Vec<f64> = x.values().chunks_exact(x.n_cols()).flat_map(|r| r[..INPUTS].to_vec()).collect();
        let out = map.apply(energy.params(), &Dense::from_rows(INPUTS, inputs));
        for (i, p) in out.values().chunks_exact(map.n_outputs()).enumerate() {
            let loss = head.forecast(p, 0.0, 1.0).loss(outcomes[i]);
            assert!((e[i] - loss).abs() < 1e-9 * (1.0 + loss.abs()), "{head:?} row {i}: {} {loss}", e[i]);
        }
    }
}

/// Of beta-NLL at 1 the gradient in the mean is that of squared error: `-(y - m)`, whatever the variance
/// (Seitzer et al. 2022, equation 6).
#[test]
fn beta_weighs_rows_by_their_variance() {
    let head = Head::Gaussian { beta: 1.0 };
    let map = TapeMap::<f64>::new(3, &Key::from_seed(0), |row, p| {
        let m = p.constant("mean", &[1], 0.0);
        let parameters = (&row.slice(0, 1) + &m).concat(&[&row.slice(1, 2)]);
        let loss = head.loss(&parameters, &row.slice(2, 3));
        gibbs::tensor::tape::gradient(&loss, &m).reshape(&[1]) + &row.slice(0, 1) * 0.0
    })
    .unwrap();
    for v in [0.01, 1.0, 50.0] {
        let g = map.apply(map.params(), &Dense::from_rows(3, vec![0.5, v, 2.0]));
        assert!((g.values()[0] + 1.5).abs() < 1e-12, "{v}: {}", g.values()[0]);
    }
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Key::from_seed(seed).rng();
    (0..n).map(|_| rng.normal()).collect()
}

/// `y = sin(2 x) + (0.1 + 0.4 [x > 0]) noise` on `x` uniform in (-2, 2).
fn heteroscedastic(n: usize, seed: u64) -> (Table, Vec<f64>) {
    let mut rng = Key::from_seed(seed).rng();
    let x: Vec<f64> = (0..n).map(|_| 4.0 * rng.uniform() - 2.0).collect();
    let y = x.iter().zip(normals(n, seed + 1)).map(|(x, e)| (2.0 * x).sin() + noise(*x) * e).collect();
    (Table::from_values(1, Values::F64(x)).unwrap(), y)
}

fn noise(x: f64) -> f64 {
    if x > 0.0 { 0.5 } else { 0.1 }
}

fn settings() -> Settings {
    Settings { members: 2, epochs: 60, ..Settings::default() }
}

/// The predicted standard deviation follows the noise (mission A6), its forecasts beat those of one variance for all rows in
/// log score and coverage, and threads change nothing.
#[test]
fn heteroscedastic_noise_is_recovered() {
    let (table, y) = heteroscedastic(1500, 1);
    let (train, test): (Vec<usize>, Vec<usize>) = ((0..1000).collect(), (1000..1500).collect());
    let data = Data::new(&table, &y);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let head = Head::Gaussian { beta: 0.0 };
        pool.install(|| Ensemble::fit(&data, head, &settings(), &train, &[], &Key::from_seed(7), &Silent)).unwrap().0
    };
    let (model, again) = (fit(1), fit(3));
    assert_eq!(model, again, "the same bits at any number of threads");
    let forecasts = model.forecasts_of(&table, &test).unwrap();
    let x: Vec<f64> = test.iter().map(|r| table.value(*r, 0)).collect();
    let far = |x: f64| x.abs() > 0.3 && x.abs() < 1.8;
    let ratios: Vec<f64> =
        forecasts.iter().zip(&x).filter(|(_, x)| far(**x)).map(|(f, x)| f.sd() / noise(*x)).collect();
    // 500 rows a side give sd to 1/sqrt(1000) = 3 %; the curve of the mean, badly fitted, adds to it: half as much again.
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!((0.85..1.5).contains(&mean), "{mean}");
    let nll = forecasts.iter().zip(&test).map(|(f, r)| f.loss(y[*r])).sum::<f64>() / 500.0;
    // One variance for all, even with the true mean: 0.5 ln(2 pi e (0.1^2 + 0.5^2) / 2) = 0.40; the truth reaches
    // 0.5 ln(2 pi e) + (ln 0.1 + ln 0.5) / 2 = -0.08.
    assert!(nll < 0.2, "{nll}");
    let left: Vec<_> = forecasts.iter().zip(&test).zip(&x).filter(|(_, x)| **x < 0.0).map(|(f, _)| f).collect();
    let held = left.iter().filter(|(f, r)| {
        let (low, high) = f.interval(0.9);
        low <= y[**r] && y[**r] <= high
    });
    // Four standard errors of a share of 0.9 in 250 rows are 0.076; one variance would hold all.
    let share = held.count() as f64 / left.len() as f64;
    assert!((share - 0.9).abs() < 0.076, "{share}");
}

/// Conformal intervals of a bad model hold what they promise; without them it does not.
#[test]
fn conformal_intervals_hold_for_a_bad_model() {
    let (table, y) = heteroscedastic(3000, 11);
    let data = Data::new(&table, &y);
    let part = |a: usize, b: usize| (a..b).collect::<Vec<_>>();
    let bad = Settings { epochs: 1, learning_rate: 1e-3, members: 1, ..Settings::default() };
    let heads = [Head::Gaussian { beta: 0.5 }, Head::Quantile { levels: vec![0.05, 0.5, 0.95] }];
    for head in heads {
        let (mut model, _) = Ensemble::fit(&data, head, &bad, &part(0, 500), &[], &Key::from_seed(2), &Silent).unwrap();
        model.calibrate(&data, &part(500, 1500), 0.9).unwrap();
        let test = part(1500, 3000);
        let forecasts = model.forecasts_of(&table, &test).unwrap();
        let seen: Vec<f64> = test.iter().map(|r| y[*r]).collect();
        let e = Evaluation::of(&forecasts, &seen, "y", model.conformal(), 0.9, &Key::from_seed(0)).unwrap();
        // Calibration and test rows are both samples: sd = sqrt(0.09 (1/1000 + 1/1500)) = 0.0122; four of them.
        let share = e.conformal.unwrap().share;
        assert!((share - 0.9).abs() < 0.049, "{share}");
    }
}

/// Counts and classes from known laws: the fitted log score comes within sampling error of the truth's.
#[test]
fn counts_and_classes_are_learnt() {
    let n = 2000;
    let mut rng = Key::from_seed(21).rng();
    let x: Vec<f64> = (0..n).map(|_| 2.0 * rng.uniform() - 1.0).collect();
    // Poisson of rate exp(1 + x) by inversion; classes by the logits (0, 2 x).
    let poisson = |rate: f64, u: f64| {
        let (mut k, mut p) = (0.0, (-rate).exp());
        let mut sum = p;
        while sum < u && k < 100.0 {
            k += 1.0;
            p *= rate / k;
            sum += p;
        }
        k
    };
    let counts: Vec<f64> = x.iter().map(|x| poisson((1.0 + x).exp(), rng.uniform())).collect();
    // Negative binomial of size 2: Poisson of that rate times a gamma variable of shape 2 and mean 1.
    let mut mixed = |x: f64| -0.5 * (rng.uniform() * rng.uniform()).ln() * (1.0 + x).exp();
    let mixed: Vec<f64> = x.iter().map(|x| mixed(*x)).collect();
    let spread: Vec<f64> = mixed.into_iter().map(|rate| poisson(rate, rng.uniform())).collect();
    let share = |x: f64| 1.0 / (1.0 + (-2.0 * x).exp());
    let classes: Vec<f64> = x.iter().map(|x| if rng.uniform() < share(*x) { 1.0 } else { 0.0 }).collect();
    let table = Table::from_values(1, Values::F64(x.clone())).unwrap();
    let (train, test): (Vec<usize>, Vec<usize>) = ((0..1500).collect(), (1500..n).collect());
    let settings = Settings { members: 1, epochs: 30, learning_rate: 0.003, ..Settings::default() };
    let gap = |y: &[f64], head: Head, truth: &dyn Fn(usize) -> f64| {
        let (model, _) =
            Ensemble::fit(&Data::new(&table, y), head, &settings, &train, &[], &Key::from_seed(4), &Silent).unwrap();
        let forecasts = model.forecasts_of(&table, &test).unwrap();
        forecasts.iter().zip(&test).map(|(f, r)| f.loss(y[*r]) - truth(*r)).sum::<f64>() / test.len() as f64
    };
    let rate = |r: usize| (1.0 + x[r]).exp();
    let true_count =
        |r: usize| rate(r) - counts[r] * rate(r).ln() + (1..=counts[r] as usize).map(|k| (k as f64).ln()).sum::<f64>();
    // Probability (k + 1) p^2 (1 - p)^k with p = 2 / (2 + rate).
    let true_spread = |r: usize| {
        let p = 2.0 / (2.0 + rate(r));
        -((spread[r] + 1.0).ln() + 2.0 * p.ln() + spread[r] * (1.0 - p).ln())
    };
    let true_class = |r: usize| -(if classes[r] > 0.5 { share(x[r]) } else { 1.0 - share(x[r]) }).ln();
    // A model of about ten free directions loses 10 / (2 * 1500) = 0.003 nats; ten times that.
    for (what, gap) in [
        ("poisson", gap(&counts, Head::Poisson, &true_count)),
        ("negative binomial", gap(&spread, Head::NegativeBinomial, &true_spread)),
        ("classes", gap(&classes, Head::Classes { classes: 2 }, &true_class)),
        ("ordinal", gap(&classes, Head::Ordinal { classes: 2 }, &true_class)),
    ] {
        assert!(gap < 0.03, "{what}: {gap}");
    }
}

#[test]
fn the_model_survives_a_file_and_damage_is_an_error() {
    let (table, y) = heteroscedastic(100, 5);
    let data = Data::new(&table, &y);
    let rows: Vec<usize> = (0..80).collect();
    let settings = Settings { members: 2, epochs: 2, ..Settings::default() };
    let head = Head::Mixture { components: 2 };
    let (mut model, _) = Ensemble::fit(&data, head, &settings, &rows, &[], &Key::from_seed(0), &Silent).unwrap();
    model.calibrate(&data, &(80..100).collect::<Vec<_>>(), 0.9).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    model.write(&path).unwrap();
    let read = Ensemble::read(&path).unwrap();
    assert_eq!(read, model);
    assert_eq!(read.forecasts(&table).unwrap(), model.forecasts(&table).unwrap());
    let bytes = std::fs::read(&path).unwrap();
    let mut rng = Key::from_seed(9).rng();
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        let at = rng.below(damaged.len().min(2_000));
        damaged[at] = (rng.next_u32() & 0xff) as u8;
        if rng.below(2) == 0 {
            damaged.truncate(rng.below(bytes.len()));
        }
        std::fs::write(&path, &damaged).unwrap();
        // Read or refused, never a panic; what is read can be asked.
        if let Ok(model) = Ensemble::read(&path) {
            let _ = model.forecasts(&table);
        }
    }
}

#[test]
fn misuse_is_said_with_row_and_column() {
    let fit = |x: Vec<f64>, y: &[f64], head: Head, rows: usize| {
        let table = Table::from_values(1, Values::F64(x)).unwrap();
        let rows: Vec<usize> = (0..rows).collect();
        let settings = Settings { members: 1, epochs: 1, ..Settings::default() };
        Ensemble::fit(&Data::new(&table, y), head, &settings, &rows, &[], &Key::from_seed(0), &Silent).map(|_| ())
    };
    let said = |r: Result<(), Error>| r.unwrap_err().to_string();
    let normal = || Head::Gaussian { beta: 0.0 };
    assert!(said(fit(vec![1.0], &[1.0], normal(), 1)).contains("1 training rows"));
    assert!(said(fit(vec![2.0, 2.0], &[1.0, 2.0], normal(), 2)).contains("--drop"));
    assert!(said(fit(vec![1.0, 2.0], &[5.0, 5.0], normal(), 2)).contains("nothing to predict"));
    assert!(said(fit(vec![1.0, f64::NAN], &[5.0, 6.0], normal(), 2)).contains("row 2, column \"x0\""));
    assert!(said(fit(vec![1.0, 2.0], &[5.0, f64::NAN], normal(), 2)).contains("row 2, column \"y\""));
    assert!(
        said(fit(vec![1.0, 2.0], &[5.0, 1.5], Head::Poisson, 2)).contains("row 2, column \"y\": the outcome is 1.5")
    );
    assert!(said(fit(vec![1.0, 2.0], &[0.0, 3.0], Head::Classes { classes: 3 }, 2)).contains("numbered from 0 to 2"));
    assert!(said(fit(vec![1.0, 2.0], &[0.0, 1.0], Head::Quantile { levels: vec![0.5, 0.2] }, 2)).contains("rise"));
}

/// A forecast's transform is uniform under its own law, discrete or not.
#[test]
fn transforms_lie_where_they_should() {
    let counts = Head::Poisson.forecast(&[2.0], 0.0, 1.0);
    let (low, high) = (counts.transform(0.0, 0.0).unwrap(), counts.transform(0.0, 1.0).unwrap());
    assert_eq!(low, 0.0);
    assert!((high - (-2.0f64).exp()).abs() < 1e-12);
    let quantiles = Forecast::Quantiles { levels: vec![0.1, 0.9], values: vec![-1.0, 1.0] };
    assert_eq!(quantiles.transform(0.0, 0.5), Some(0.5));
    assert_eq!(quantiles.transform(3.0, 1.0), Some(1.0));
    assert_eq!(quantiles.transform(-3.0, 0.0), Some(0.0));
}
