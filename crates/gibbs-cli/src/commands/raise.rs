//! `gibbs eval --likelihood raise`: a conservative log-likelihood by reverse annealing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gibbs::conservative::{RaiseOptions, conservative};
use gibbs::core::key::Key;
use gibbs::dataset::Part;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::models::Saved;

use super::{say, say_json};
use crate::Context;

/// How a likelihood is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LikelihoodKind {
    /// From energies and log Z
    LogZ,
    /// By reverse annealing from every row, without log Z; on the low side for rows of the model's own law
    Raise,
}

/// The likelihood wanted, and what reverse annealing may cost.
#[derive(Args, Clone, Debug)]
pub struct HowLikely {
    /// How the likelihood is obtained
    #[arg(long, value_enum, default_value = "log-z")]
    pub likelihood: LikelihoodKind,
    /// Rows of --likelihood raise, drawn at random where there are more
    #[arg(long, default_value_t = RaiseOptions::default().rows)]
    pub raise_rows: usize,
    /// Chains a row of --likelihood raise; their temperatures are --ais-temperatures
    #[arg(long, default_value_t = RaiseOptions::default().n_chains)]
    pub raise_chains: usize,
}

/// Evaluates `part` and prints.
pub fn run(
    args: &HowLikely,
    (n_temperatures, seed): (usize, u64),
    per_row: Option<&PathBuf>,
    saved: &Saved,
    part: &Part,
    context: &Context,
) -> Result<(), Error> {
    let how = RaiseOptions { rows: args.raise_rows, n_chains: args.raise_chains, n_temperatures };
    if how.rows == 0 || how.n_chains == 0 || n_temperatures == 0 {
        let message = "--raise-rows, --raise-chains and --ais-temperatures: give at least 1 of each";
        return Err(Error::Usage(message.into()));
    }
    let (model, jacobian) = (saved.model.as_ref(), saved.header.preprocess.log_jacobian());
    let (found, rows) = conservative(model, part, &how, jacobian, &Key::from_seed(seed), &context.terminal)?;
    if let Some(path) = per_row {
        write_atomic_with(path, |out| {
            writeln!(out, "row,log_likelihood")?;
            rows.iter().try_for_each(|(i, l)| writeln!(out, "{i},{l}"))
        })?;
    }
    if context.json {
        return say_json(&found);
    }
    let l = &found.log_likelihood;
    say(&format!("rows                   {} of {}", found.n, part.rows.n_rows()));
    say(&format!(
        "log-likelihood         {:.4} nats (std err {:.4}, 95 % interval {:.4} to {:.4})",
        l.mean, l.std_err, l.lower, l.upper
    ));
    say(&format!("                       {}", found.direction));
    say(&format!("                       {}, std err of a row {:.4}", found.method, found.chain_std_err));
    say(&format!("bits per dimension     {:.5}", found.bits_per_dim));
    Ok(())
}
