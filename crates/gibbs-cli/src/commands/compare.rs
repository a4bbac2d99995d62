//! `gibbs compare`: two models on the same rows.

use std::path::PathBuf;

use clap::Args;
use gibbs::compare::{Sides, compare};
use gibbs::core::key::Key;
use gibbs::error::Error;
use gibbs::pipeline;
use gibbs::run_dir::RunDir;

use super::logz::{Budget, start_rows};
use super::{say, say_json};
use crate::Context;

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct Compare {
    /// Run directory of the first model
    pub first: PathBuf,
    /// Run directory of the second model
    pub second: PathBuf,
    /// Table that both are evaluated on
    pub data: String,
    /// What the difference of log Z may cost, where it is not exact
    #[command(flatten)]
    pub budget: Budget,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

pub fn run(args: &Compare, context: &Context) -> Result<(), Error> {
    let runs = [RunDir::open(&args.first)?, RunDir::open(&args.second)?];
    let saved = [pipeline::model_of_run(&runs[0])?, pipeline::model_of_run(&runs[1])?];
    let part = |i: usize| pipeline::table_for_run(&runs[i], &saved[i], &args.data);
    let parts = [part(0)?, part(1)?];
    let rows = start_rows(&runs[0], context);
    let sides = Sides { models: [&saved[0], &saved[1]], parts: [&parts[0], &parts[1]], rows: rows.as_ref() };
    let found = compare(&sides, &args.budget.options(), &Key::from_seed(args.seed), &context.terminal)?;
    if context.json {
        return say_json(&found);
    }
    let d = &found.difference;
    say(&format!("rows              {}", found.n));
    say(&format!(
        "log-likelihood    first less second {:.4} nats a row (std err {:.4}, 95 % interval {:.4} to {:.4})",
        d.mean, d.std_err, d.lower, d.upper
    ));
    let z = &found.log_z_difference;
    let verdict = z.verdict.map_or(String::new(), |v| format!(", from {:.4} to {:.4}, {v}", z.lower, z.upper));
    say(&format!("log Z             first less second {:.4}{verdict} ({})", z.value, z.method));
    say(&format!("more likely rows  {:.1} % under the first", 100.0 * found.first_is_better));
    say(if d.lower > 0.0 {
        "The first model is better."
    } else if d.upper < 0.0 {
        "The second model is better."
    } else {
        "These rows do not tell the models apart."
    });
    z.warnings.iter().for_each(|w| say(&format!("warning: {w}")));
    Ok(())
}
