//! `gibbs logz`: `log Z` from both sides, with a verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use gibbs::batch::Batch;
use gibbs::bracket::{BracketOptions, BracketReport, REPORT, SideReport};
use gibbs::config::LogZMethod;
use gibbs::core::key::Key;
use gibbs::error::Error;
use gibbs::ising_log_z;
use gibbs::models::{LogZOptions, Model, QUADRATURE_TOLERANCE};
use gibbs::pipeline::{self, PartName};
use gibbs::progress::Progress;
use gibbs::rounds::Rounds;
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;

/// Terms of an exact sum up to which the exact value is shown beside the interval.
const CHEAP: u64 = 1 << 32;

/// Arguments of `logz`.
#[derive(Args, Debug)]
pub struct Logz {
    /// Run directory, or `ising` for the two-dimensional Ising model
    pub run: PathBuf,
    /// Sites of a side of the Ising model's torus, even
    #[arg(long, default_value_t = 32)]
    pub size: usize,
    /// Coupling over temperature of the Ising model; the lattice orders at 0.440687
    #[arg(long, default_value_t = 0.44)]
    pub beta: f64,
    /// Steps of the chains that make samples of the model, where exact ones cannot be had
    #[arg(long, default_value_t = BracketOptions::default().start_steps)]
    pub start_steps: u64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How narrow, at what price
    #[command(flatten)]
    pub budget: Budget,
}

/// How narrow an interval of `log Z` is to be, and what may be spent on it.
#[derive(Args, Clone, Debug)]
pub struct Budget {
    /// Width wanted of the two-sided interval of log Z, nats
    #[arg(long, default_value_t = BracketOptions::default().width)]
    pub width: f64,
    /// Moves of chains that the interval may cost [default: 20 million; of an Ising model 100 million, four sweeps each]
    #[arg(long)]
    pub moves: Option<u64>,
    /// Seconds that the interval may take [default: no limit]
    #[arg(long)]
    pub seconds: Option<f64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { width: BracketOptions::default().width, moves: None, seconds: None }
    }
}

impl Budget {
    /// As the library takes it.
    pub fn options(&self) -> BracketOptions {
        let &Self { width, moves, seconds } = self;
        let standard = BracketOptions::default();
        BracketOptions { width, moves: moves.unwrap_or(standard.moves), seconds, ..standard }
    }
}

pub fn run(args: &Logz, context: &Context) -> Result<(), Error> {
    let key = Key::from_seed(args.seed);
    if args.run.as_os_str() == "ising" {
        let moves = args.budget.moves.unwrap_or(ising_log_z::MOVES);
        let how = BracketOptions { moves, ..args.budget.options() };
        return show(&ising_log_z::log_z(args.size, args.beta, &how, &key, &context.terminal)?, context);
    }
    let run = RunDir::open(&args.run)?;
    let saved = pipeline::model_of_run(&run)?;
    let rows = start_rows(&run, context);
    let how = BracketOptions { start_steps: args.start_steps, ..args.budget.options() };
    // Whatever decides the bits of a round, or how many there are.
    let settings = format!(
        "seed {} width {} moves {} seconds {:?} start-steps {} rows {}",
        args.seed,
        how.width,
        how.moves,
        how.seconds,
        how.start_steps,
        rows.is_some()
    );
    let rounds = Arc::new(Rounds::open(&run, &settings)?);
    let before = rounds.seconds();
    if before > 0.0 {
        context.terminal.line(&format!("going on after {before:.1} s of finished rounds in {}", run.path().display()));
    }
    let how = BracketOptions { rounds: Some(Arc::clone(&rounds)), ..how };
    let begin = Instant::now();
    let found = saved.model.bracket(&how, rows.as_ref(), &key, &context.terminal);
    if found.is_err() && context.terminal.stop() && rounds.seconds() > 0.0 {
        context.terminal.end();
        eprintln!("finished rounds are kept; the same command goes on from them");
    }
    let (found, seconds) = (found?, before + begin.elapsed().as_secs_f64());
    let report = BracketReport::new(&found, exact(saved.model.as_ref(), &key, context)?, seconds);
    run.write_json(REPORT, &report)?;
    show(&report, context)
}

/// Rows of the run's own data, to start chains at; none, with a word about it, if they cannot be had any more.
pub fn start_rows(run: &RunDir, context: &Context) -> Option<Batch> {
    match pipeline::part_of_run(run, PartName::Train) {
        Ok(part) => Some(part.rows),
        Err(e) => {
            if !context.quiet {
                eprintln!("no chains start at data: {e}");
            }
            None
        }
    }
}

/// The exact value, where it is cheap.
fn exact(model: &dyn Model, key: &Key, context: &Context) -> Result<Option<f64>, Error> {
    if model.exact_work().is_none_or(|work| work > CHEAP) {
        return Ok(None);
    }
    let how = LogZOptions {
        method: LogZMethod::Exact,
        exact_work: CHEAP,
        tolerance: QUADRATURE_TOLERANCE,
        n_chains: 2,
        n_temperatures: 1,
        probe: false,
    };
    match model.log_z(&how, key, &context.terminal) {
        Ok(z) => Ok(Some(z.value)),
        // The interval stands by itself where an integral does not come out.
        Err(Error::Quadrature(e)) => {
            eprintln!("no exact value: {e}");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// Prints a report.
pub fn show(report: &BracketReport, context: &Context) -> Result<(), Error> {
    if context.json {
        return say_json(report);
    }
    let z = &report.log_z;
    say(&format!("log Z         {:.4} nats, from {:.4} (lower end) to {:.4} (upper end)", z.value, z.lower, z.upper));
    say(&format!("verdict       {}", z.verdict));
    if let Some(exact) = report.exact {
        let inside = z.lower <= exact && exact <= z.upper;
        say(&format!("exact         {exact:.4} ({} the interval)", if inside { "inside" } else { "outside" }));
    }
    let side = |name: &str, s: &SideReport| {
        let effective = s.effective_chains.map_or(String::new(), |n| format!(", {n:.0} effective chains"));
        say(&format!("{name:<13} {:.4} +- {:.4} from {}{effective}", s.value, s.std_err, s.starts));
    };
    side("forward", &report.forward);
    report.reverse.iter().for_each(|s| side("reverse", s));
    say(&format!(
        "spent         {} chains x {} temperatures a side in round {}, {:.2e} moves, {:.1} s",
        report.n_chains, report.n_temperatures, report.rounds, report.moves as f64, report.seconds
    ));
    report.concerns.iter().for_each(|c| say(&format!("concern: {c}")));
    Ok(())
}
