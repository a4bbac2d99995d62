//! `gibbs demo`: the main job on embedded data, with no arguments.

use gibbs::config::{LogZMethod, ModelKind};
use gibbs::error::Error;
use gibbs::likelihood::{Evaluation, evaluate};
use gibbs::options::FitOptions;
use gibbs::pipeline;
use gibbs::progress::Progress;
use gibbs::run_dir::RunDir;

use super::logz::Budget;
use super::{eval, fit, say, say_json};
use crate::Context;
use crate::args::{Demo, LogZ};

pub fn run(args: &Demo, context: &Context) -> Result<(), Error> {
    let options = FitOptions {
        data: Some("digits".into()),
        model: Some(ModelKind::Rbm),
        hidden: Some(16),
        seed: Some(args.seed),
        ..FitOptions::default()
    };
    let run = RunDir::create(&args.out, args.force)?;
    let plan = pipeline::plan(&options)?;
    context.terminal.line("training an RBM with 16 hidden units on the 8x8 handwritten digits of UCI");
    let result = fit::train(&run, &plan, false, context)?;
    let saved = pipeline::model_of_run(&run)?;
    let by = |method| -> Result<Evaluation, Error> {
        let how = LogZ {
            log_z: method,
            ais_chains: 100,
            ais_temperatures: 5_000,
            budget: Budget::default(),
            seed: args.seed,
        };
        Ok(evaluate(
            saved.model.as_ref(),
            &plan.data.test,
            &eval::log_z(&run, saved.model.as_ref(), &how, context)?,
            0.0,
        ))
    };
    let (exact, ais) = (by(LogZMethod::Exact)?, by(LogZMethod::Ais)?);
    let report = run.file("report.html");
    if context.json {
        return say_json(&serde_json::json!({ "fit": result, "exact": exact, "ais": ais, "report": report }));
    }
    say(&format!("test log-likelihood of {} held-out digits, nats a digit", exact.n));
    for (name, e) in [("exact", &exact), ("AIS", &ais)] {
        let l = &e.log_likelihood;
        say(&format!(
            "  {name:<6} {:>9.4} +- {:.4}   log Z {:.4} +- {:.4}   {}",
            l.mean, l.std_err, e.log_z.value, e.log_z.std_err, e.log_z.method
        ));
    }
    say(&format!(
        "  pseudo-log-likelihood {:.4}: what is usually watched, and not a likelihood",
        exact.pseudo_log_likelihood.unwrap_or(f64::NAN)
    ));
    say(&format!("trained in {:.1} s, {} updates, best at {}", result.seconds, result.steps, result.best_step));
    say(&format!("samples and curves: {}", report.display()));
    Ok(())
}
