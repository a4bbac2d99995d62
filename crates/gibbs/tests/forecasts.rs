//! Tables of forecasts held against outcomes whose law is known.

use gibbs::core::key::Key;
use gibbs::data::{Table, Values};
use gibbs::error::Error;
use gibbs::forecasts::{Calibrator, ForecastOptions, assess};

fn table(columns: &[&str], values: Vec<f64>) -> Table {
    let mut table = Table::from_values(columns.len(), Values::F64(values)).unwrap();
    table.columns = columns.iter().map(ToString::to_string).collect();
    table.source = "t.csv".into();
    table.first_row = 2;
    table
}

fn options() -> ForecastOptions {
    ForecastOptions { level: 0.9, ..ForecastOptions::default() }
}

/// `n` rows of a two-class forecast whose log-odds are `sharpness` times the true ones.
fn odds(n: usize, sharpness: f64) -> Table {
    let mut rng = Key::from_seed(3).rng();
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let values = (0..n).flat_map(|_| {
        let truth = 1.5 * rng.normal();
        let y = f64::from(u8::from(rng.uniform() < logistic(truth)));
        [logistic(sharpness * truth), y]
    });
    table(&["p", "y"], values.collect())
}

#[test]
fn scores_of_a_table_by_hand() {
    let t = table(&["a", "b", "c", "y"], vec![0.7, 0.2, 0.1, 0.0, 0.1, 0.1, 0.8, 1.0]);
    let r = assess(&t, &options()).unwrap();
    let (log, brier) = (&r.scores[0], &r.scores[1]);
    assert!((log.mean.unwrap() + f64::midpoint(0.7f64.ln(), 0.1f64.ln())).abs() < 1e-12);
    // (0.09 + 0.04 + 0.01 + 0.01 + 0.81 + 0.64) / 2.
    assert!((brier.mean.unwrap() - 0.8).abs() < 1e-12);
    assert_eq!(r.classes.unwrap().accuracy, 0.5);
    // An outcome called impossible: the log score is infinite, and said to be.
    let t = table(&["a", "b", "y"], vec![1.0, 0.0, 1.0, 0.5, 0.5, 0.0]);
    assert_eq!(assess(&t, &options()).unwrap().scores[0].mean, None);
}

/// 4,000 calibrated rows are not scaled; log-odds twice too large are found and halved. The standard error of the inverse
/// temperature is `1 / sqrt(n Var)` with `Var` the mean of `z^2 p (1 - p)`, about 0.35 for true log-odds of sd 1.5, so 0.5 is
/// met to `4 * 0.5 / sqrt(4,000 * 0.35)`.
#[test]
fn scaling_is_found_where_it_helps() {
    let fair = assess(&odds(4_000, 1.0), &options()).unwrap();
    assert_eq!(fair.calibrator, Calibrator::Identity, "{}", fair.verdict);
    assert!(fair.classes.unwrap().p_value > 0.01);
    let sharp = assess(&odds(4_000, 2.0), &options()).unwrap();
    assert!(sharp.classes.as_ref().unwrap().p_value < 0.01 && sharp.scaling[0].gain > 0.0, "{}", sharp.verdict);
    let temperature = ForecastOptions { seed: 1, ..options() };
    let slope = match assess(&odds(4_000, 2.0), &temperature).unwrap().calibrator {
        Calibrator::Temperature { beta } => beta,
        Calibrator::Platt { slope, .. } => slope,
        Calibrator::Beta { a, b, .. } => 0.5 * (a + b),
        other => panic!("{other:?}"),
    };
    assert!((slope - 0.5).abs() < 0.06, "{slope}");
}

/// Standard deviations half of what they should be: intervals of 90 % hold `2 Phi(1.645 / 2) - 1 = 0.589`, the factor is 2.
/// Bounds are four standard errors of 5,000 rows.
#[test]
fn narrow_forecasts_of_numbers_are_widened() {
    let mut rng = Key::from_seed(5).rng();
    let rows = |sd: f64, rng: &mut gibbs::core::key::Rng| -> Table {
        let values = (0..5_000).flat_map(|_| {
            let mu = 3.0 * rng.normal();
            [mu, sd, mu + rng.normal()]
        });
        table(&["mean", "sd", "y"], values.collect())
    };
    let narrow = assess(&rows(0.5, &mut rng), &options()).unwrap();
    let real = narrow.real.as_ref().unwrap();
    assert!((real.coverage[0].share - 0.589_3).abs() < 4.0 * 0.007, "{:?}", real.coverage[0]);
    assert!((real.conformal_margin.unwrap() - 2.0 * 1.645).abs() < 0.2);
    let Calibrator::Normal { shift, factor } = narrow.calibrator else { panic!("{}", narrow.verdict) };
    assert!(shift.abs() < 4.0 * 2.0 / 5_000f64.sqrt() && (factor - 2.0).abs() < 4.0 * 2.0 / 10_000f64.sqrt());
    // ln s + z^2 / 2: the gain is ln(1/2) + 4/2 - 1/2.
    assert!((narrow.scaling[0].gain - (1.5 - 2f64.ln())).abs() < 4.0 * narrow.scaling[0].std_err);
    let fair = assess(&rows(1.0, &mut rng), &options()).unwrap();
    assert_eq!(fair.calibrator, Calibrator::Identity, "{}", fair.verdict);
    assert!(fair.real.unwrap().p_value > 0.01);
}

#[test]
fn draws_are_scored_by_crps() {
    let mut rng = Key::from_seed(6).rng();
    let columns: Vec<String> = (0..20).map(|i| format!("draw{i}")).chain(["y".to_string()]).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let t = table(&names, (0..3_000 * 21).map(|_| rng.normal()).collect());
    let r = assess(&t, &options()).unwrap();
    // E|X - y| - E|X - X'| / 2 of standard normals is 1 / sqrt(pi).
    let crps = &r.scores[0];
    assert!((crps.mean.unwrap() - 1.0 / std::f64::consts::PI.sqrt()).abs() < 4.0 * crps.std_err.unwrap());
    assert!(r.real.unwrap().p_value > 0.01, "{}", r.verdict);
}

#[test]
fn bad_tables_are_refused_with_row_and_column() {
    let refused = |t: &Table| -> String {
        let e = assess(t, &options()).unwrap_err();
        assert!(matches!(e, Error::Table(_) | Error::Data(_)), "{e}");
        e.to_string()
    };
    let three = |a, b, y| table(&["a", "b", "y"], vec![0.5, 0.5, 0.0, a, b, y]);
    assert!(refused(&three(0.5, 0.6, 0.0)).contains("row 3, the probabilities add up to 1.1"));
    assert!(assess(&three(0.5, 0.6, 0.0), &ForecastOptions { normalise: true, ..options() }).is_ok());
    let negative = ForecastOptions { probabilities: vec!["a".into(), "b".into()], ..options() };
    let error = assess(&three(1.2, -0.2, 0.0), &negative).unwrap_err().to_string();
    assert!(error.contains("row 3, column `b`"), "{error}");
    assert!(refused(&three(0.5, 0.5, 2.0)).contains("column `y`: the outcome is 2"));
    assert!(refused(&three(f64::NAN, 0.5, 0.0)).contains('a'));
    let sd = table(&["mean", "sd", "y"], vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(refused(&sd).contains("row 3, column `sd`"));
    let missing = ForecastOptions { outcome: Some("out".into()), ..options() };
    assert!(matches!(assess(&sd, &missing), Err(Error::Usage(m)) if m.contains("no column `out`")));
    // One row: scores, without errors or scaling.
    let one = assess(&table(&["p", "y"], vec![0.25, 1.0]), &options());
    assert!(one.is_ok() || matches!(one, Err(Error::Table(_))), "{one:?}");
}
