//! `gibbs fit-family`: which law is a column of numbers drawn from?

use std::path::PathBuf;

use clap::Args;
use gibbs::core::key::Key;
use gibbs::data::{ReadOptions, nearest, read};
use gibbs::error::Error;
use gibbs::families::{page, rank};
use gibbs::files::write_atomic;
use gibbs::one_pass::{FamilyKind, fit_stream};

use super::{say, say_json};
use crate::Context;

/// Arguments of `fit-family`.
#[derive(Args, Debug)]
pub struct FitFamily {
    /// Table: CSV, TSV, Parquet, NPY
    pub table: PathBuf,
    /// The column [default: the first]
    #[arg(long)]
    pub column: Option<String>,
    /// Fit this law alone, in one pass: the column is never held in memory (Parquet, CSV, TSV)
    #[arg(long, value_enum, conflicts_with_all = ["continuous", "report", "seed"])]
    pub family: Option<FamilyKind>,
    /// What the law takes as known: the centre of laplace, the shape of weibull, the trials of binomial, the successes of
    /// negative-binomial
    #[arg(long, requires = "family", allow_negative_numbers = true)]
    pub known: Option<f64>,
    /// Fit densities also where every value is a count
    #[arg(long)]
    pub continuous: bool,
    /// File to write the report to, HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Seed of folds, resamples and draws
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

pub fn run(args: &FitFamily, context: &Context) -> Result<(), Error> {
    if let Some(family) = args.family {
        return one(args, family, context);
    }
    let table = read(&args.table, &ReadOptions::default())?;
    let index = match &args.column {
        None => 0,
        Some(name) => table.columns.iter().position(|c| c == name).ok_or_else(|| {
            let near = nearest(name, table.columns.iter().map(String::as_str));
            let known = || table.columns.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            let hint = near.map_or_else(|| format!("it has {}", known()), |n| format!("did you mean `{n}`?"));
            Error::Usage(format!("{} has no column `{name}`; {hint}", table.source))
        })?,
    };
    let values: Vec<f64> = (0..table.n_rows).map(|r| table.value(r, index)).collect();
    let name = &table.columns[index];
    let found = rank(name, &values, args.continuous, &Key::from_seed(args.seed), &context.terminal)?;
    if let Some(path) = &args.report {
        write_atomic(path, page(&found, &table.source).to_html().as_bytes())?;
    }
    if context.json {
        return say_json(&found);
    }
    say(&format!("column {}: {} values, {} missing", found.column, found.n, found.missing));
    for f in &found.families {
        say(&format!(
            "{:<18} {:>10.4} +- {:.4} nats a row{}",
            f.family,
            f.log_likelihood,
            f.std_err,
            if f.behind > 0.0 { format!(", {:.4} +- {:.4} behind", f.behind, f.behind_std_err) } else { String::new() }
        ));
        for p in &f.parameters {
            say(&format!("    {:<14} {:>10.5} ({:.5} to {:.5})", p.name, p.value, p.lower, p.upper));
        }
    }
    for (family, why) in &found.left_out {
        if !context.quiet {
            eprintln!("{family} left out: {why}");
        }
    }
    say(&found.verdict);
    Ok(())
}

/// One law, in one pass.
fn one(args: &FitFamily, family: FamilyKind, context: &Context) -> Result<(), Error> {
    let (column, options, progress) = (args.column.as_deref(), ReadOptions::default(), &context.terminal);
    let clock = std::time::Instant::now();
    let found = fit_stream(&args.table, column, family, args.known, &options, progress)?;
    if context.json {
        return say_json(&found);
    }
    let megabytes = 8e-6 * (found.n + found.missing) as f64 / clock.elapsed().as_secs_f64();
    say(&format!(
        "column {}: {} values, {} missing ({megabytes:.0} MB of numbers a second)",
        found.column, found.n, found.missing
    ));
    say(&format!("{:<18} {:>10.4} +- {:.4} nats a row", found.family, found.log_likelihood, found.std_err));
    for p in &found.parameters {
        say(&format!("    {:<14} {:>10.5} ({:.5} to {:.5})", p.name, p.value, p.lower, p.upper));
    }
    Ok(())
}
