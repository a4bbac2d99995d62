//! `gibbs predict`: forecasts by a fit with --model regression, classes by a deep belief net.

use std::path::PathBuf;

use clap::Args;
use gibbs::classifier::Classifier;
use gibbs::config::ModelKind;
use gibbs::data::{csv, parquet};
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::pipeline;
use gibbs::regression::{Ensemble, Evaluation, Forecast, RegressionResult, table};
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;
use crate::args::Fit;

/// Arguments of `predict`.
#[derive(Args, Debug)]
pub struct Predict {
    /// Run directory of a fit with --model regression, or of a deep belief net that was fitted to a table with labels
    pub run: PathBuf,
    /// Table with the columns of the fit; outcomes, where it has them, are scored
    pub table: PathBuf,
    /// CSV or Parquet file (by its ending) to write: mean, sd, quantiles and conformal interval, or probabilities of classes;
    /// the outcome last [default: standard output, as CSV]
    #[arg(short, long)]
    pub out: Option<PathBuf>,
    /// Levels of the quantiles, comma-separated
    #[arg(long, value_delimiter = ',', default_values_t = [0.05, 0.25, 0.5, 0.75, 0.95])]
    pub quantiles: Vec<f64>,
}

pub fn run(args: &Predict, context: &Context) -> Result<(), Error> {
    if let Some(level) = args.quantiles.iter().find(|l| !(**l > 0.0 && **l < 1.0)) {
        return Err(Error::Usage(format!("--quantiles lie strictly between 0 and 1, found {level}")));
    }
    let run = RunDir::open(&args.run)?;
    if run.options().is_ok_and(|o| o.model == Some(ModelKind::Dbn)) {
        return classes(&run, args, context);
    }
    let model = Ensemble::read(&run.file("model.safetensors"))?;
    let (inputs, outcome) = table::read_for(&args.table, model.frame())?;
    let forecasts = model.forecasts(&inputs)?;
    let level = model.conformal().map_or(0.9, |c| c.level);
    let key = gibbs::core::key::Key::from_seed(0);
    let target = &model.frame().target;
    let found =
        outcome.as_ref().map(|y| Evaluation::of(&forecasts, y, target, model.conformal(), level, &key)).transpose()?;
    let columns = Columns { model: &model, levels: &args.quantiles, outcome: outcome.as_deref() };
    let names = columns.names(&forecasts);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values = columns.values(&forecasts, names.len());
    let values: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
    write(args, context, &names, &values)?;
    if context.json {
        return say_json(&serde_json::json!({ "rows": forecasts.len(), "out": args.out, "evaluation": found }));
    }
    if let Some(found) = &found {
        tell(args, context, &summary("these rows", found));
    }
    Ok(())
}

/// Writes the columns to the file that was named, or else to standard output unless that is for JSON.
fn write(args: &Predict, context: &Context, names: &[&str], values: &[&[f64]]) -> Result<(), Error> {
    let Some(path) = &args.out else {
        if !context.json {
            // A reader that closes the pipe early has seen enough.
            drop(csv::write(std::io::stdout().lock(), names, values));
        }
        return Ok(());
    };
    let is_parquet = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
    write_atomic_with(path, |out| {
        let done = if is_parquet { parquet::write(out, names, values) } else { csv::write(out, names, values) };
        done.map_err(std::io::Error::other)
    })
}

/// Says a line where it cannot be taken for forecasts.
fn tell(args: &Predict, context: &Context, text: &str) {
    if args.out.is_some() {
        say(text);
    } else if !context.quiet {
        eprintln!("{text}");
    }
}

/// Probabilities of classes by the classifier of a deep belief net.
fn classes(run: &RunDir, args: &Predict, context: &Context) -> Result<(), Error> {
    let saved = pipeline::model_of_run(run)?;
    let other = || Error::Usage(format!("{} holds another model than its config.toml says", run.path().display()));
    let classifier = Classifier::read(run, saved.model.belief_net().ok_or_else(other)?)?;
    let part = pipeline::table_for_run(run, &saved, &args.table.to_string_lossy())?;
    let bits = part.rows.bits().ok_or_else(other)?;
    let mut columns = classifier.log_probabilities(bits);
    columns.iter_mut().flatten().for_each(|p| *p = p.exp());
    let mut names: Vec<String> = classifier.classes().iter().map(|c| format!("p_{c}")).collect();
    if let Some(labels) = &part.labels {
        names.push("outcome".into());
        // As `gibbs calibrate` reads it: the number of the class, NaN for one unseen in training.
        columns.push(labels.iter().map(|l| classifier.class(*l).map_or(f64::NAN, |k| k as f64)).collect());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let found = part.labels.as_ref().map(|labels| classifier.accuracy(bits, labels));
    write(args, context, &names, &values)?;
    if context.json {
        return say_json(&serde_json::json!({ "rows": columns[0].len(), "out": args.out, "accuracy": found }));
    }
    if let Some(a) = found {
        let right = format!("{:.2} % right (std err {:.2})", 100.0 * a.accuracy, 100.0 * a.std_err);
        tell(args, context, &format!("these rows ({}): {right}", a.n));
    }
    Ok(())
}

/// The columns that forecasts are written in.
struct Columns<'a> {
    model: &'a Ensemble,
    levels: &'a [f64],
    outcome: Option<&'a [f64]>,
}

impl Columns<'_> {
    fn names(&self, forecasts: &[Forecast]) -> Vec<String> {
        let mut names: Vec<String> = match forecasts.first() {
            Some(Forecast::Classes(_)) => self.model.frame().classes.iter().map(|c| format!("p_{c}")).collect(),
            Some(Forecast::Quantiles { levels, .. }) => levels.iter().map(|l| format!("q{l}")).collect(),
            _ => {
                let quantiles = self.levels.iter().map(|l| format!("q{l}"));
                ["mean".to_string(), "sd".to_string()].into_iter().chain(quantiles).collect()
            }
        };
        if self.model.conformal().is_some() && !matches!(forecasts.first(), Some(Forecast::Classes(_))) {
            names.extend(["low".to_string(), "high".to_string()]);
        }
        names.extend(self.outcome.map(|_| "outcome".to_string()));
        names
    }

    /// Column by column.
    fn values(&self, forecasts: &[Forecast], n_columns: usize) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::with_capacity(forecasts.len()); n_columns];
        for (i, forecast) in forecasts.iter().enumerate() {
            columns.iter_mut().zip(self.row(i, forecast)).for_each(|(column, v)| column.push(v));
        }
        columns
    }

    fn row(&self, i: usize, forecast: &Forecast) -> Vec<f64> {
        let mut row: Vec<f64> = match forecast {
            Forecast::Classes(p) => p.clone(),
            Forecast::Quantiles { values, .. } => values.clone(),
            Forecast::Law(law) => {
                let quantiles = self.levels.iter().map(|l| law.quantile(*l));
                [law.mean(), law.sd()].into_iter().chain(quantiles).collect()
            }
        };
        if let (Some(c), false) = (self.model.conformal(), matches!(forecast, Forecast::Classes(_))) {
            let (low, high) = c.interval(forecast);
            row.extend([low, high]);
        }
        row.extend(self.outcome.map(|y| y[i]));
        row
    }
}

/// `gibbs fit --model regression`.
pub fn fit(args: &Fit, options: &gibbs::options::FitOptions, context: &Context) -> Result<(), Error> {
    let (run, result) = gibbs::regression::fit(options, &args.out, args.force, &context.terminal)?;
    if context.json {
        return say_json(&result);
    }
    print(&result);
    say(&format!("report: {}", run.file("report.html").display()));
    Ok(())
}

/// How a fit ended.
pub fn print(result: &RegressionResult) {
    say(&format!(
        "{} training rows, {} inputs, {} weights a network; {:.1} s",
        result.rows[0], result.n_inputs, result.n_weights, result.seconds
    ));
    say(&summary("train", &result.train));
    if let Some(test) = &result.test {
        say(&summary("test", test));
    }
    if let Some(linear) = &result.linear {
        say(&format!("linear least squares, test: log score {:.4}, RMSE {:.4}", linear.log_score, linear.rmse));
    }
}

/// Scores of a part in a few lines.
fn summary(part: &str, e: &Evaluation) -> String {
    let cell = |x: Option<f64>| x.map_or("infinite".to_string(), |x| format!("{x:.4}"));
    let f = &e.forecasts;
    let mut items: Vec<String> =
        f.scores.iter().map(|s| format!("{} {} +- {}", s.name, cell(s.mean), cell(s.std_err))).collect();
    items.extend(f.real.as_ref().map(|r| format!("RMSE {:.4}", r.rmse)));
    items.extend(f.classes.as_ref().map(|c| format!("accuracy {:.4}, calibration error {:.4}", c.accuracy, c.ece)));
    items.extend(e.conformal.map(|c| {
        format!("conformal at {}: holds {:.4} +- {:.4}, mean width {:.4}", c.level, c.share, c.std_err, c.width)
    }));
    format!("{part} ({} rows): {}\n  {}", f.n, items.join("; "), f.verdict)
}
