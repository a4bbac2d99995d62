//! The command line `gibbs`: parses, calls the library, prints.

mod args;
mod commands;
mod ui;

use std::process::ExitCode;

use clap::Parser;
use gibbs::error::Error;
use gibbs::progress::Progress;

use args::{Cli, Command};

/// What every command is given.
struct Context {
    json: bool,
    quiet: bool,
    terminal: ui::Terminal,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match in_pool(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Runs the command on a worker of the pool: a loop of many small parallel steps that starts outside of it would wake
/// the pool at every step.
fn in_pool(cli: Cli) -> Result<(), Error> {
    let n = cli.global.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if n == 0 || n > 1024 {
        return Err(Error::Usage(format!("--threads lies in 1..=1024, found {n}")));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.map_err(|e| Error::Usage(format!("--threads {n}: {e}")))?.install(|| run(cli))
}

fn run(cli: Cli) -> Result<(), Error> {
    ui::catch_interrupts();
    let context = Context {
        json: cli.global.json,
        quiet: cli.global.quiet,
        terminal: ui::Terminal::new(cli.global.quiet, cli.global.verbose),
    };
    let result = match cli.command {
        Command::Demo(a) => commands::demo::run(&a, &context),
        Command::Fit(a) => commands::fit::run(&a, &context),
        Command::Sample(a) => commands::sample::run(&a, &context),
        Command::Eval(a) => commands::eval::run(&a, &context),
        Command::Score(a) => commands::score::run(&a, &context),
        Command::Impute(a) => commands::impute::run(&a, &context),
        Command::Tag(a) => commands::tag::run(&a, &context),
        Command::Predict(a) => commands::predict::run(&a, &context),
        Command::Info(a) => commands::info::run(&a, &context),
        Command::Report(a) => commands::report::run(&a, &context),
        Command::Import(a) => commands::import::run(&a, &context),
        Command::Diagnose(a) => commands::diagnose::run(&a, &context),
        Command::Compare(a) => commands::compare::run(&a, &context),
        Command::Logz(a) => commands::logz::run(&a, &context),
        Command::Ising(a) => commands::ising::run(&a, &context),
        Command::Anneal(a) => commands::anneal::run(&a, &context),
        Command::Recall(a) => commands::recall::run(&a, &context),
        Command::FitFamily(a) => commands::fit_family::run(&a, &context),
        Command::Calibrate(a) => commands::calibrate::run(&a, &context),
        Command::Denoise(a) => commands::denoise::run(&a, &context),
        Command::Data(a) => commands::data::run(&a, &context),
        Command::Completions { shell } => {
            commands::completions(shell);
            Ok(())
        }
    };
    context.terminal.end();
    result
}
