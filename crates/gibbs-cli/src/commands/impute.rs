//! `gibbs impute`: missing cells from a model.

use std::io::Write;
use std::path::{Path, PathBuf};

use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::impute::{Cell, ImputeOptions, impute};
use gibbs::pipeline;
use gibbs::progress::Progress;
use gibbs::run_dir::RunDir;

use super::sample::write_cells;
use super::{say, say_json};
use crate::Context;

/// Arguments of `impute`.
#[derive(clap::Args, Debug)]
pub struct Impute {
    /// Run directory
    pub run: PathBuf,
    /// Table with missing cells: empty, NA, nan or ?
    pub data: String,
    /// CSV file to write the completed table to; beside it goes FILE.cells.csv with what is known of each cell filled
    #[arg(short, long)]
    pub out: PathBuf,
    /// Draws of a row where its cells are drawn
    #[arg(long, default_value_t = ImputeOptions::default().draws)]
    pub draws: usize,
    /// Probability that the interval of a number is to hold
    #[arg(long, default_value_t = ImputeOptions::default().level)]
    pub level: f64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

pub fn run(args: &Impute, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let saved = pipeline::model_of_run(&run)?;
    let how = ImputeOptions { draws: args.draws, level: args.level, seed: args.seed };
    let options = run.options().unwrap_or_default();
    let found = impute(&saved, &args.data, &options, &how, &context.terminal)?;
    let details = beside(&args.out);
    write_atomic_with(&args.out, |out| write_cells(out, &found.columns, &found.rows))?;
    write_atomic_with(&details, |out| write_details(out, &found.cells))?;
    for warning in &found.warnings {
        context.terminal.line(&format!("warning: {warning}"));
    }
    if context.json {
        return say_json(&serde_json::json!({
            "rows": found.rows.len(),
            "missing": found.cells.len(),
            "exact": found.cells.iter().filter(|c| c.exact).count(),
            "untrusted": found.cells.iter().filter(|c| !c.trusted).count(),
            "level": args.level,
            "out": args.out,
            "details": details,
            "warnings": found.warnings,
            "cells": found.cells,
        }));
    }
    let exact = found.cells.iter().filter(|c| c.exact).count();
    say(&format!(
        "{} cells of {} rows filled ({exact} by exact sums): {}, details in {}",
        found.cells.len(),
        found.rows.len(),
        args.out.display(),
        details.display()
    ));
    Ok(())
}

/// `table.csv` to `table.cells.csv`.
fn beside(out: &Path) -> PathBuf {
    out.with_extension("cells.csv")
}

fn write_details(out: &mut dyn Write, cells: &[Cell]) -> std::io::Result<()> {
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let names = [
        "row",
        "column",
        "value",
        "probability",
        "sd",
        "lower",
        "upper",
        "exact",
        "rhat",
        "effective_draws",
        "trusted",
    ];
    let rows: Vec<Vec<String>> = cells
        .iter()
        .map(|c| {
            vec![
                c.row.to_string(),
                c.column.clone(),
                c.value.clone(),
                number(c.probabilities.first().map(|p| p.1)),
                number(c.sd),
                number(c.interval.map(|i| i[0])),
                number(c.interval.map(|i| i[1])),
                c.exact.to_string(),
                number(c.rhat),
                number(c.effective_draws),
                c.trusted.to_string(),
            ]
        })
        .collect();
    write_cells(out, &names.map(String::from), &rows)
}
