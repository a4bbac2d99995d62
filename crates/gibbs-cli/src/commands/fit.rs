//! `gibbs fit`: data in, run directory out.

use std::fmt::Write as _;

use gibbs::config::ModelKind;
use gibbs::error::Error;
use gibbs::fit::{FitResult, fit};
use gibbs::options::FitOptions;
use gibbs::pipeline::{self, Plan};
use gibbs::progress::Progress;
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;
use crate::args::Fit;

pub fn run(args: &Fit, context: &Context) -> Result<(), Error> {
    if !args.resume {
        let options = options(args)?;
        if options.model == Some(ModelKind::Crf) {
            return super::tag::fit(args, &options, context);
        }
        if options.model == Some(ModelKind::Regression) {
            return super::predict::fit(args, &options, context);
        }
    }
    let (run, plan) = if args.resume { resume(args)? } else { begin(args)? };
    for note in &plan.notes {
        context.terminal.line(note);
    }
    let result = train(&run, &plan, args.resume, context)?;
    print(&run, &result, context)
}

/// Flags, and where they are silent the configuration file.
fn options(args: &Fit) -> Result<FitOptions, Error> {
    let options = args.options.clone();
    let Some(path) = &args.config else {
        return Ok(options);
    };
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.clone(), source })?;
    Ok(options.or(&FitOptions::from_toml(&text)?))
}

fn begin(args: &Fit) -> Result<(RunDir, Plan), Error> {
    let options = options(args)?;
    let plan = pipeline::plan(&options)?;
    Ok((RunDir::create(&args.out, args.force)?, plan))
}

fn resume(args: &Fit) -> Result<(RunDir, Plan), Error> {
    if args.options != FitOptions::default() {
        return Err(Error::Usage("--resume goes on with the run's own configuration: give --out alone".to_string()));
    }
    let run = RunDir::open(&args.out)?;
    if run.options()?.model == Some(ModelKind::Crf) {
        return Err(Error::Usage("fits of label sequences are short and begin anew: use --force, not --resume".into()));
    }
    if run.options()?.model == Some(ModelKind::Regression) {
        return Err(Error::Usage("fits of one column are short and begin anew: use --force, not --resume".into()));
    }
    let plan = pipeline::replan(&run)?;
    Ok((run, plan))
}

/// Trains and writes the report; on an interruption says how to go on.
pub fn train(run: &RunDir, plan: &Plan, resume: bool, context: &Context) -> Result<FitResult, Error> {
    let trained = fit(run, &plan.config, &plan.data, resume, &context.terminal);
    if matches!(trained, Err(Error::Interrupted | Error::LogZ(_))) && context.terminal.stop() {
        context.terminal.end();
        eprintln!("saved; go on with: gibbs fit --resume --out {}", run.path().display());
    }
    let result = trained?;
    gibbs::run_report::write(run, &plan.data, &context.terminal)?;
    Ok(result)
}

fn print(run: &RunDir, result: &FitResult, context: &Context) -> Result<(), Error> {
    if context.json {
        return say_json(result);
    }
    say(&format!("kept the model of step {} of {} ({:.1} s)", result.best_step, result.steps, result.seconds));
    say(&table(result));
    if let Some(c) = &result.classifier {
        let wrong = 100.0 * (1.0 - c.accuracy);
        say(&format!(
            "fine-tuned as a classifier: accuracy {:.4} +- {:.4} on {} held-out rows ({wrong:.2} % wrong)",
            c.accuracy, c.std_err, c.n
        ));
    }
    say(&format!("report: {}", run.file("report.html").display()));
    Ok(())
}

/// The likelihood table of a fit.
pub fn table(result: &FitResult) -> String {
    let parts = [("train", &result.train), ("validation", &result.validation), ("test", &result.test)];
    let parts: Vec<_> = parts.into_iter().filter_map(|(name, e)| Some((name, e.as_ref()?))).collect();
    let Some((_, first)) = parts.first() else {
        return "no log Z was asked for: energies only (--log-z ais estimates it)".to_string();
    };
    let mut head =
        format!("{:<12}{:>8}{:>26}{:>12}", "part", "rows", format!("{} (nats)", first.quantity()), "bits/dim");
    if first.pseudo_log_likelihood.is_some() {
        _ = write!(head, "{:>12}", "pseudo");
    }
    if first.regret.is_some() {
        _ = write!(head, "{:>22}", "regret (nats)");
    }
    let mut lines = vec![head];
    for (name, e) in &parts {
        let l = &e.log_likelihood;
        let mut line = format!("{name:<12}{:>8}{:>15.3} +- {:<7.3}{:>12.4}", e.n, l.mean, l.std_err, e.bits_per_dim);
        if let Some(pseudo) = e.pseudo_log_likelihood {
            _ = write!(line, "{pseudo:>12.3}");
        }
        if let Some(r) = e.regret {
            _ = write!(line, "{:>12.4} +- {:.4}", r.mean, r.std_err);
        }
        lines.push(line);
    }
    let z = &first.log_z;
    lines.push(format!("log Z {:.4} +- {:.4} ({})", z.value, z.std_err, z.method));
    lines.push(first.direction.clone());
    lines.extend(z.warnings.iter().map(|w| format!("warning: {w}")));
    lines.join("\n")
}
