//! `gibbs recall`: patterns stored, queries recalled.

use std::path::PathBuf;

use clap::Args;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::recall::{RecallOptions, Rule, recall};

use super::sample::write_csv;
use super::{say, say_json};
use crate::Context;

/// Arguments of `recall`.
#[derive(Args, Debug)]
pub struct Recall {
    /// Table of patterns, one a row: 0 and 1, -1 and 1, or real numbers for --rule modern
    pub patterns: PathBuf,
    /// Table of queries with the same columns
    pub queries: PathBuf,
    /// How patterns are stored
    #[arg(long, value_enum, default_value = "exponential")]
    pub rule: Rule,
    /// Degree of --rule polynomial
    #[arg(long, default_value_t = 3)]
    pub degree: u32,
    /// Sharpness of --rule exponential and modern [default: 1]
    #[arg(long)]
    pub beta: Option<f64>,
    /// Turn all spins at once instead of one after another
    #[arg(long)]
    pub synchronous: bool,
    /// Sweeps at most
    #[arg(long, default_value_t = 100)]
    pub max_sweeps: u32,
    /// Seed of the order of spins
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// CSV file for the recalled rows
    #[arg(long)]
    pub out: Option<PathBuf>,
}

pub fn run(args: &Recall, context: &Context) -> Result<(), Error> {
    let options = RecallOptions {
        rule: args.rule,
        degree: args.degree,
        beta: args.beta,
        synchronous: args.synchronous,
        max_sweeps: args.max_sweeps,
        seed: args.seed,
    };
    let (found, rows, columns) = recall(&args.patterns, &args.queries, &options)?;
    if let Some(out) = &args.out {
        write_atomic_with(out, |to| write_csv(to, &columns, &rows))?;
    }
    if context.json {
        return say_json(&found);
    }
    say("query  pattern  overlap  sweeps  energy");
    for q in &found.queries {
        let rest = if q.converged { "" } else { "  (not at rest)" };
        say(&format!("{:>5}  {:>7}  {:>7.4}  {:>6}  {:.4}{rest}", q.row, q.pattern, q.overlap, q.sweeps, q.energy));
    }
    for w in &found.warnings {
        say(&format!("warning: {w}"));
    }
    Ok(())
}
