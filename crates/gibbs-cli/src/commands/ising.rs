//! `gibbs ising`: the two-dimensional Ising model beside its exact solution.

use gibbs::error::Error;
use gibbs::ising::{IsingOptions, Measured, ising};

use super::{say, say_json};
use crate::Context;
use crate::args::Ising;

pub fn run(args: &Ising, context: &Context) -> Result<(), Error> {
    let options = IsingOptions {
        size: args.size,
        beta: args.beta,
        sampler: args.sampler,
        n_measurements: args.measurements,
        n_between: args.between,
        burn_in: args.burn_in,
        seed: args.seed,
    };
    let found = ising(&options, &context.terminal)?;
    if context.json {
        return say_json(&found);
    }
    say(&format!(
        "lattice          {0} x {0}, beta {1} (critical {2:.6})",
        found.size, found.beta, found.critical_beta
    ));
    let line = |name: &str, m: &Measured| {
        let exact = m.exact.map_or(String::new(), |e| format!("   exact {e:.6}"));
        say(&format!("{name:<16} {:>10.6} +- {:.6}{exact}", m.value, m.std_err));
    };
    line("energy", &found.energy);
    line("specific heat", &found.specific_heat);
    line("|magnetisation|", &found.magnetisation);
    line("susceptibility", &found.susceptibility);
    line("Binder cumulant", &found.binder);
    say(&format!("log Z            exact {:.4} nats", found.log_z));
    say(&format!(
        "autocorrelation  energy {:.1}, |magnetisation| {:.1} measurements of {}",
        found.energy_time, found.magnetisation_time, found.n_measurements
    ));
    if let Some(rate) = found.updates_per_nanosecond {
        say(&format!("speed            {rate:.2} spins a nanosecond, measurements included"));
    }
    for w in &found.warnings {
        say(&format!("warning: {w}"));
    }
    Ok(())
}
