//! One file a command. Each is thin: the work is in the library.

pub mod anneal;
pub mod calibrate;
pub mod compare;
pub mod data;
pub mod demo;
pub mod denoise;
pub mod diagnose;
pub mod eval;
pub mod fit;
pub mod fit_family;
pub mod import;
pub mod impute;
pub mod info;
pub mod ising;
pub mod logz;
pub mod predict;
pub mod raise;
pub mod recall;
pub mod report;
pub mod sample;
pub mod score;
pub mod tag;

use std::io::Write;

use gibbs::error::Error;
use serde::Serialize;

/// Prints one line of results; a closed pipe is not an error.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a result as one JSON object.
pub fn say_json(value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(value).map_err(|e| Error::Usage(format!("the result cannot be written: {e}")))?;
    say(&text);
    Ok(())
}

/// Prints the completion script of a shell.
pub fn completions(shell: clap_complete::Shell) {
    let mut command = <crate::args::Cli as clap::CommandFactory>::command();
    clap_complete::generate(shell, &mut command, "gibbs", &mut std::io::stdout());
}
