//! The UCI regression benchmark by its published protocol: 20 splits, one hidden layer of 50 rectified units, 40 epochs, five
//! networks (Hernandez-Lobato & Adams 2015, arXiv:1502.05336; Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474,
//! table 1). Batch size, learning rate and weight decay are chosen by cross-validation within the training rows; test rows
//! decide nothing.
//!
//! `cargo run --release -p gibbs --example uci -- [FOLDER] [--quick] [--choose] [--set NAME]`: FOLDER holds `uci_regression/`
//! and `tables/` (default: the environment variable `GIBBS_DATA`). `--choose` shows validation scores of every setting and
//! looks at no test row.

use std::path::{Path, PathBuf};

use gibbs::core::key::{Key, Purpose};
use gibbs::core::optimisers::Schedule;
use gibbs::data::{Table, Values};
use gibbs::error::Error;
use gibbs::progress::Silent;
use gibbs::regression::ensemble::{Data, Ensemble};
use gibbs::regression::least_squares::LeastSquares;
use gibbs::regression::{Head, Settings};
use rayon::prelude::*;

const SETS: [&str; 6] = ["bostonHousing", "concrete", "energy", "power-plant", "wine-quality-red", "yacht"];

/// Rows that choose the settings of a split, in at most four folds: one fold of a small set is some 70 rows, whose mean loss
/// tells two settings apart only when one is hopeless.
const WATCHED: usize = 1000;

/// A data set with its splits.
struct Set {
    inputs: Table,
    y: Vec<f64>,
    splits: Vec<(Vec<usize>, Vec<usize>)>,
}

fn numbers(path: &Path) -> Option<Vec<Vec<f64>>> {
    let text = std::fs::read_to_string(path).ok()?;
    let row = |line: &str| line.split_whitespace().map(|v| v.parse().ok()).collect::<Option<Vec<f64>>>();
    text.lines().filter(|l| !l.trim().is_empty()).map(row).collect()
}

fn load(folder: &Path) -> Option<Set> {
    let rows = numbers(&folder.join("data.txt"))?;
    let list = |name: &str| -> Option<Vec<usize>> {
        Some(numbers(&folder.join(name))?.into_iter().flatten().map(|v| v as usize).collect())
    };
    let (features, target) = (list("index_features.txt")?, list("index_target.txt")?[0]);
    let values = rows.iter().flat_map(|r| features.iter().map(|c| r[*c])).collect();
    let inputs = Table::from_values(features.len(), Values::F64(values)).ok()?;
    let split = |i: usize| Some((list(&format!("index_train_{i}.txt"))?, list(&format!("index_test_{i}.txt"))?));
    let splits = (0..list("n_splits.txt")?[0]).map(split).collect::<Option<_>>()?;
    Some(Set { inputs, y: rows.iter().map(|r| r[target]).collect(), splits })
}

/// `mean±sd` cells of a published column, by set.
fn published(folder: &Path, column: &str) -> Vec<(String, f64, f64)> {
    let text = std::fs::read_to_string(folder.join("tables/uci_regression_verified.csv")).unwrap_or_default();
    let mut lines = text.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let Some(at) = head.iter().position(|c| c.starts_with(column)) else { return Vec::new() };
    let cell = |l: Vec<&str>| {
        let mut parts = l.get(at)?.split('\u{b1}').map(|v| v.parse::<f64>().ok());
        let mean = parts.next()??;
        Some((l[0].to_string(), mean, parts.next().flatten().unwrap_or(0.0)))
    };
    lines.filter_map(cell).collect()
}

/// The settings that are chosen from.
fn grid(quick: bool) -> Vec<Settings> {
    let mut all = Vec::new();
    for batch_size in [8, 32] {
        for learning_rate in [0.003, 0.01, 0.03] {
            for weight_decay in [0.0, 0.1] {
                let schedule = Schedule::Cosine;
                all.push(Settings { batch_size, learning_rate, weight_decay, schedule, ..Settings::default() });
            }
        }
    }
    if quick {
        all.truncate(1);
        all[0].epochs = 5;
    }
    all
}

/// Mean negative log-likelihood and root mean squared error.
fn score(model: &Ensemble, set: &Set, rows: &[usize]) -> Result<(f64, f64), Error> {
    let forecasts = model.forecasts_of(&set.inputs, rows)?;
    let n = rows.len() as f64;
    let nll = forecasts.iter().zip(rows).map(|(f, r)| f.loss(set.y[*r])).sum::<f64>() / n;
    let square = forecasts.iter().zip(rows).map(|(f, r)| (f.mean() - set.y[*r]).powi(2)).sum::<f64>() / n;
    Ok((nll, square.sqrt()))
}

fn fit(set: &Set, settings: &Settings, rows: &[usize], key: &Key) -> Result<Ensemble, Error> {
    let data = Data::new(&set.inputs, &set.y);
    Ok(Ensemble::fit(&data, Head::Gaussian { beta: 0.0 }, settings, rows, &[], key, &Silent)?.0)
}

/// What one split came to.
struct Outcome {
    nll: f64,
    rmse: f64,
    coverage: f64,
    width: f64,
    linear: (f64, f64),
    choice: usize,
    validation: Vec<f64>,
}

fn split(set: &Set, i: usize, grid: &[Settings], choose: bool) -> Result<Outcome, Error> {
    let (train, test) = &set.splits[i];
    let key = Key::from_seed(i as u64);
    // Rows of the training part that make the intervals, that choose, and that are learnt from.
    let mut order = train.clone();
    key.purpose(Purpose::Split).rng().shuffle(&mut order);
    let part = order.len() / 5;
    let (calibrate, rest) = order.split_at(part);
    let folds = WATCHED.div_ceil(part).min(rest.len() / part);
    let key = key.purpose(Purpose::Init);
    let validation = (0..grid.len())
        .map(|g| {
            // Two members tell settings apart as well as five.
            let settings = Settings { members: 2, ..grid[g].clone() };
            let fold = |k: usize| {
                let watch = k * part..(k + 1) * part;
                let learn = [&rest[..watch.start], &rest[watch.end..]].concat();
                let key = key.step(g as u64).block(k as u64);
                Ok(score(&fit(set, &settings, &learn, &key)?, set, &rest[watch])?.0 / folds as f64)
            };
            (0..folds).map(fold).sum::<Result<f64, Error>>()
        })
        .collect::<Result<Vec<f64>, Error>>()?;
    let finite = |x: &f64| if x.is_finite() { *x } else { f64::INFINITY };
    let choice =
        (0..grid.len()).min_by(|a, b| finite(&validation[*a]).total_cmp(&finite(&validation[*b]))).unwrap_or(0);
    let nothing = Outcome {
        nll: f64::NAN,
        rmse: f64::NAN,
        coverage: f64::NAN,
        width: f64::NAN,
        linear: (f64::NAN, f64::NAN),
        choice,
        validation,
    };
    if choose {
        return Ok(nothing);
    }
    let (nll, rmse) = score(&fit(set, &grid[choice], train, &key.step(100))?, set, test)?;
    let mut model = fit(set, &grid[choice], rest, &key.step(101))?;
    let data = Data::new(&set.inputs, &set.y);
    model.calibrate(&data, calibrate, 0.9)?;
    let forecasts = model.forecasts_of(&set.inputs, test)?;
    let n = test.len() as f64;
    let (mut held, mut width) = (0.0, 0.0);
    if let Some(c) = model.conformal() {
        held = forecasts.iter().zip(test).filter(|(f, r)| c.holds(f, set.y[**r])).count() as f64 / n;
        width = forecasts.iter().map(|f| c.interval(f)).map(|(low, high)| high - low).sum::<f64>() / n;
    }
    let ols = LeastSquares::fit(&set.inputs, &set.y, train)?;
    let predicted = ols.predict(&set.inputs, test)?;
    let square = predicted.iter().zip(test).map(|(p, r)| (p - set.y[*r]).powi(2)).sum::<f64>() / n;
    let log_likelihood = -0.5 * ((std::f64::consts::TAU * ols.variance()).ln() + square / ols.variance());
    Ok(Outcome { nll, rmse, coverage: held, width, linear: (square.sqrt(), log_likelihood), ..nothing })
}

/// Mean and its standard error.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n).sqrt())
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|a| a == name);
    let (quick, choose) = (flag("--quick"), flag("--choose"));
    let only = arguments.iter().position(|a| a == "--set").and_then(|i| arguments.get(i + 1)).cloned();
    let given =
        arguments.iter().enumerate().find(|(i, a)| !a.starts_with("--") && (*i == 0 || arguments[i - 1] != "--set"));
    let folder = given.map(|(_, a)| PathBuf::from(a)).or_else(|| std::env::var_os("GIBBS_DATA").map(PathBuf::from));
    let Some(folder) = folder.filter(|f| f.join("uci_regression").is_dir()) else {
        println!("name the folder that holds uci_regression/, or set GIBBS_DATA: nothing done");
        return Ok(());
    };
    let grid = grid(quick);
    let (nll_column, rmse_column) = (published(&folder, "NLL_DeepEns"), published(&folder, "RMSE_DeepEns"));
    let find = |table: &[(String, f64, f64)], name: &str| {
        table.iter().find(|r| r.0 == name).map_or((f64::NAN, f64::NAN), |r| (r.1, r.2))
    };
    println!(
        "set: NLL (published, bound) | RMSE (published) | 90 % conformal coverage, width | OLS RMSE, log-likelihood"
    );
    for name in SETS.iter().filter(|n| only.as_ref().is_none_or(|o| o == **n)) {
        let Some(set) = load(&folder.join("uci_regression").join(name)) else {
            println!("{name}: not there");
            continue;
        };
        let n_splits = if quick { 2 } else { set.splits.len() };
        let found: Vec<Outcome> =
            (0..n_splits).into_par_iter().map(|i| split(&set, i, &grid, choose)).collect::<Result<_, _>>()?;
        if choose || flag("--verbose") {
            for (g, s) in grid.iter().enumerate() {
                let (m, e) = mean(found.iter().map(|f| f.validation[g]));
                let chosen = found.iter().filter(|f| f.choice == g).count();
                println!(
                    "  {name} batch {} rate {} decay {}: validation NLL {m:.4} +- {e:.4}, chosen {chosen} times",
                    s.batch_size, s.learning_rate, s.weight_decay
                );
            }
            if choose {
                continue;
            }
        }
        let (nll, nll_e) = mean(found.iter().map(|f| f.nll));
        let (rmse, rmse_e) = mean(found.iter().map(|f| f.rmse));
        let (cover, cover_e) = mean(found.iter().map(|f| f.coverage));
        let width = mean(found.iter().map(|f| f.width)).0;
        let (ols, ols_e) = mean(found.iter().map(|f| f.linear.0));
        let (ll, ll_e) = mean(found.iter().map(|f| f.linear.1));
        let ((p, s), (r, rs)) = (find(&nll_column, name), find(&rmse_column, name));
        let bound = p + s / (n_splits as f64).sqrt();
        println!(
            "{name}: {nll:.4} +- {nll_e:.4} ({p} +- {s}, {bound:.3}: {}) | {rmse:.4} +- {rmse_e:.4} ({r} +- {rs}) | \
             {:.2} +- {:.2} %, {width:.3} | {ols:.4} +- {ols_e:.4}, {ll:.4} +- {ll_e:.4}",
            if nll <= p {
                "better"
            } else if nll <= bound {
                "within"
            } else {
                "MISSED"
            },
            100.0 * cover,
            100.0 * cover_e,
        );
    }
    Ok(())
}
