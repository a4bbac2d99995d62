//! `gibbs score`: energy and log-probability of every row.

use std::io::Write;

use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::pipeline;
use gibbs::run_dir::RunDir;

use super::{eval, say_json};
use crate::Context;
use crate::args::Score;

pub fn run(args: &Score, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let saved = pipeline::model_of_run(&run)?;
    let part = pipeline::table_for_run(&run, &saved, &args.data)?;
    let energy = saved.model.energy(&part.rows);
    // Log-probabilities are those of the table's own units.
    let jacobian = saved.header.preprocess.log_jacobian();
    let log_z = eval::log_z(&run, saved.model.as_ref(), &args.log_z, context)?;
    let write = |out: &mut dyn Write| -> std::io::Result<()> {
        writeln!(out, "row,energy,log_prob")?;
        for (i, e) in energy.iter().enumerate() {
            writeln!(out, "{i},{e},{}", jacobian - e - log_z.value)?;
        }
        Ok(())
    };
    match &args.out {
        Some(path) => write_atomic_with(path, write)?,
        // A reader that closes the pipe early has seen enough.
        None => drop(write(&mut std::io::stdout().lock())),
    }
    if context.json && args.out.is_some() {
        return say_json(&serde_json::json!({
            "n": energy.len(),
            "out": args.out,
            "log_z": gibbs::likelihood::LogZReport::from(&log_z),
        }));
    }
    if !context.quiet {
        eprintln!(
            "{} rows; log Z {:.4} +- {:.4} ({}): {}",
            energy.len(),
            log_z.value,
            log_z.std_err,
            log_z.method,
            gibbs::likelihood::direction(log_z.bias)
        );
    }
    Ok(())
}
