//! `gibbs eval`: held-out log-likelihood with its interval.

use gibbs::config::LogZMethod;
use gibbs::core::key::Key;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::likelihood::{Evaluation, evaluate, log_likelihoods};
use gibbs::models::{LogZOptions, Model, QUADRATURE_TOLERANCE};
use gibbs::pipeline;
use gibbs::run_dir::RunDir;
use gibbs::two_sample::{self, TwoSample};
use serde::Serialize;

use super::logz::start_rows;
use super::raise::{self, LikelihoodKind};
use super::{say, say_json};
use crate::Context;
use crate::args::{Eval, LogZ};

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    evaluation: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<TwoSample>,
}

pub fn run(args: &Eval, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let saved = pipeline::model_of_run(&run)?;
    let part = match (&args.data, args.part) {
        (Some(data), _) => pipeline::table_for_run(&run, &saved, data)?,
        (None, Some(part)) => pipeline::part_of_run(&run, part)?,
        (None, None) => return Err(Error::Usage("name a table, or a part of the run's data with --part".into())),
    };
    if args.raise.likelihood == LikelihoodKind::Raise {
        if args.mmd.is_some() {
            return Err(Error::Usage("--mmd goes with --likelihood log-z".into()));
        }
        let how = (args.log_z.ais_temperatures, args.log_z.seed);
        return raise::run(&args.raise, how, args.per_row.as_ref(), &saved, &part, context);
    }
    let log_z = log_z(&run, saved.model.as_ref(), &args.log_z, context)?;
    let jacobian = saved.header.preprocess.log_jacobian();
    let e = evaluate(saved.model.as_ref(), &part, &log_z, jacobian);
    if let Some(path) = &args.per_row {
        let log_prob = log_likelihoods(saved.model.as_ref(), &part.rows, log_z.value, jacobian);
        write_atomic_with(path, |out| {
            writeln!(out, "row,log_likelihood")?;
            log_prob.iter().enumerate().try_for_each(|(i, l)| writeln!(out, "{i},{l}"))
        })?;
    }
    let samples = match args.mmd {
        Some(n) => {
            let key = Key::from_seed(args.log_z.seed);
            let progress = &context.terminal;
            Some(two_sample::compare(saved.model.as_ref(), &part.rows, n, args.bandwidth, args.steps, &key, progress)?)
        }
        None => None,
    };
    if context.json {
        return say_json(&Output { evaluation: e, samples });
    }
    let l = &e.log_likelihood;
    say(&format!("rows                   {}", e.n));
    say(&format!(
        "{:<23}{:.4} nats (std err {:.4}, 95 % interval {:.4} to {:.4})",
        e.quantity(),
        l.mean,
        l.std_err,
        l.lower,
        l.upper
    ));
    say(&format!("                       {}", e.direction));
    say(&format!("log Z                  {:.4} +- {:.4} ({})", e.log_z.value, e.log_z.std_err, e.log_z.method));
    if let Some(ends) = e.log_z.ends {
        say(&format!("                       from {:.4} to {:.4}, {}", ends.lower, ends.upper, ends.verdict));
    }
    say(&format!("bits per dimension     {:.5}", e.bits_per_dim));
    if let Some(r) = e.regret {
        say(&format!("regret                 {:.4} nats (std err {:.4}) against the true density", r.mean, r.std_err));
    }
    if let Some(c) = e.classes {
        say(&format!(
            "classes                {:.2} % right (std err {:.2}), log p(class | rest) {:.4} nats",
            100.0 * c.accuracy,
            100.0 * c.accuracy_std_err,
            c.log_likelihood
        ));
    }
    if let Some(pseudo) = e.pseudo_log_likelihood {
        say(&format!("pseudo-log-likelihood  {pseudo:.4} nats (not a likelihood)"));
    }
    if let Some(s) = samples {
        let data = s.between_data.map_or(String::new(), |d| format!("; {d:.6} between {} and other rows", s.n));
        say(&format!(
            "squared MMD            {:.6} between {} samples and rows, kernel {:.4}{data}",
            s.mmd_squared, s.n, s.bandwidth
        ));
    }
    for w in &e.log_z.warnings {
        say(&format!("warning: {w}"));
    }
    Ok(())
}

/// `log Z` as the flags ask for it.
pub fn log_z(
    run: &RunDir,
    model: &dyn Model,
    args: &LogZ,
    context: &Context,
) -> Result<gibbs::core::log_partition::LogZ, Error> {
    if args.log_z == LogZMethod::Bracket {
        let (rows, key) = (start_rows(run, context), Key::from_seed(args.seed));
        let found = model.bracket(&args.budget.options(), rows.as_ref(), &key, &context.terminal)?;
        return Ok(found.log_z());
    }
    let how = LogZOptions {
        method: args.log_z,
        exact_work: 1 << 32,
        tolerance: QUADRATURE_TOLERANCE,
        n_chains: args.ais_chains,
        n_temperatures: args.ais_temperatures.max(1),
        probe: true,
    };
    model.log_z(&how, &Key::from_seed(args.seed), &context.terminal)
}
