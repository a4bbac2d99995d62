//! `gibbs anneal`: low states of a QUBO problem.

use std::path::PathBuf;

use clap::Args;
use gibbs::anneal::{AnnealOptions, Method, anneal};
use gibbs::error::Error;
use gibbs::files::write_atomic_with;

use super::{say, say_json};
use crate::Context;

/// Arguments of `anneal`.
#[derive(Args, Debug)]
pub struct Anneal {
    /// Problem: qbsolv's format, or lines `i j value` with variables from 0
    pub problem: PathBuf,
    /// How low states are looked for
    #[arg(long, value_enum, default_value = "annealing")]
    pub method: Method,
    /// Independent reads (ladders, for tempering)
    #[arg(long, default_value_t = 100)]
    pub reads: usize,
    /// Sweeps of a read
    #[arg(long, default_value_t = 1000)]
    pub sweeps: u64,
    /// Temperatures of a ladder, for tempering
    #[arg(long, default_value_t = 16)]
    pub levels: usize,
    /// Hot inverse temperature [default: the dearest flip is taken half of the time]
    #[arg(long)]
    pub hot: Option<f64>,
    /// Cold inverse temperature [default: the cheapest flip is taken once in a hundred times]
    #[arg(long)]
    pub cold: Option<f64>,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// CSV file for the final state of every read, the energy in the first column
    #[arg(long)]
    pub out: Option<PathBuf>,
}

pub fn run(args: &Anneal, context: &Context) -> Result<(), Error> {
    let options = AnnealOptions {
        method: args.method,
        n_reads: args.reads,
        n_sweeps: args.sweeps,
        n_levels: args.levels,
        hot: args.hot,
        cold: args.cold,
        seed: args.seed,
    };
    let (found, states, energies) = anneal(&args.problem, &options, &context.terminal)?;
    if let Some(out) = &args.out {
        write_atomic_with(out, |to| {
            let names: Vec<String> = (0..found.variables).map(|k| format!("x{k}")).collect();
            writeln!(to, "energy,{}", names.join(","))?;
            for (row, energy) in energies.iter().enumerate() {
                let bits: Vec<&str> =
                    (0..found.variables).map(|k| if states.get(row, k) { "1" } else { "0" }).collect();
                writeln!(to, "{energy},{}", bits.join(","))?;
            }
            Ok(())
        })?;
    }
    if context.json {
        return say_json(&found);
    }
    say(&format!("problem          {} variables, {} couplings", found.variables, found.couplings));
    let ends = (found.betas.first(), found.betas.last());
    if let (Some(hot), Some(cold)) = ends {
        say(&format!("temperatures     beta {hot:.4} to {cold:.4}, {} sweeps, {} reads", found.sweeps, found.reads));
    }
    say(&format!("lowest energy    {}", found.energy));
    say(&format!("state            {}", found.state));
    let p = found.ground_state_probability;
    let which = if found.ground_state_known { "the ground state" } else { "the lowest found" };
    say(&format!(
        "probability      {:.3} of a read to end at {which} (95 %: {:.3} to {:.3})",
        p.value, p.lower, p.upper
    ));
    if let Some(t) = found.time_to_solution {
        say(&format!("time to solution {t:.3e} s for 99 % on one thread ({:.2e} s a read)", found.seconds_per_read));
    }
    if let Some(e) = &found.exact {
        say(&format!("exact            {} by {} of all states", e.energy, e.states));
    }
    if let Some(trips) = found.round_trips {
        let rates = found.swap_rates.as_deref().unwrap_or_default();
        let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
        say(&format!("replicas         {trips} round trips, swaps accepted {least:.2} or more"));
    }
    for w in &found.warnings {
        say(&format!("warning: {w}"));
    }
    Ok(())
}
