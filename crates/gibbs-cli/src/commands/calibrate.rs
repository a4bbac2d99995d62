//! `gibbs calibrate`: forecasts in a table held against what happened.

use std::path::PathBuf;

use clap::Args;
use gibbs::data::{ReadOptions, read};
use gibbs::error::Error;
use gibbs::files::write_atomic;
use gibbs::forecasts::{ForecastOptions, assess, page::page};

use super::{say, say_json};
use crate::Context;

/// Arguments of `calibrate`.
#[derive(Args, Debug)]
pub struct Calibrate {
    /// Table of forecasts and what happened: CSV, TSV, Parquet, NPY
    pub predictions: PathBuf,
    /// Column of what happened [default: y, outcome, label, target or observed, else the last]
    #[arg(long)]
    pub outcome: Option<String>,
    /// Columns of the probabilities of classes 0, 1, ..., comma-separated; one alone is that of class 1 of two
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub probabilities: Vec<String>,
    /// Column of means
    #[arg(long)]
    pub mean: Option<String>,
    /// Column of standard deviations
    #[arg(long)]
    pub sd: Option<String>,
    /// Columns of draws, comma-separated
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub draws: Vec<String>,
    /// Divide rows of probabilities by their sums
    #[arg(long)]
    pub normalise: bool,
    /// Coverage of intervals and of sets of classes
    #[arg(long, default_value_t = 0.9)]
    pub level: f64,
    /// File to write the fitted calibrator to, JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// File to write the report to, HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Seed of folds, resampling and ties
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

pub fn run(args: &Calibrate, context: &Context) -> Result<(), Error> {
    let table = read(&args.predictions, &ReadOptions::default())?;
    let options = ForecastOptions {
        outcome: args.outcome.clone(),
        probabilities: args.probabilities.clone(),
        mean: args.mean.clone(),
        sd: args.sd.clone(),
        draws: args.draws.clone(),
        normalise: args.normalise,
        level: args.level,
        seed: args.seed,
    };
    let found = assess(&table, &options)?;
    if let Some(path) = &args.out {
        let text = serde_json::to_string_pretty(&found.calibrator)
            .map_err(|e| Error::Usage(format!("the calibrator cannot be written: {e}")))?;
        write_atomic(path, (text + "\n").as_bytes())?;
    }
    if let Some(path) = &args.report {
        write_atomic(path, page(&found, &table.source).to_html().as_bytes())?;
    }
    if context.json {
        return say_json(&found);
    }
    say(&format!("{} rows, outcome in column {}", found.n, found.outcome));
    let cell = |x: Option<f64>| x.map_or("infinite".to_string(), |x| format!("{x:.4}"));
    for s in &found.scores {
        let interval = format!("95 % interval {} to {}", cell(s.lower), cell(s.upper));
        say(&format!("{:<26} {:>9} +- {} ({interval})", s.name, cell(s.mean), cell(s.std_err)));
    }
    if let Some(c) = &found.classes {
        say(&format!("{:<26} {:>9.4}", "accuracy", c.accuracy));
        say(&format!(
            "{:<26} {:>9.4} (equal counts {:.4}, largest {:.4})",
            "calibration error", c.ece, c.ece_equal_mass, c.mce
        ));
        say(&format!(
            "{:<26} {:>9.2} of {} classes hold {:.0} %",
            "set size",
            c.set_size,
            c.n_classes,
            100.0 * c.level
        ));
    }
    if let Some(r) = &found.real {
        say(&format!("{:<26} {:>9.4}", "rmse", r.rmse));
        for c in &r.coverage {
            let what = format!("coverage at {}", c.level);
            say(&format!("{what:<26} {:>9.4} +- {:.4}, mean width {:.4}", c.share, c.std_err, c.width));
        }
    }
    for s in &found.scaling {
        let what = format!("scaled by {}", s.method);
        say(&format!("{what:<26} {:>9.4} (gain {:+.4} +- {:.4} nats a row)", s.log_score, s.gain, s.std_err));
    }
    say(&found.verdict);
    Ok(())
}
