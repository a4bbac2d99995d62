//! `gibbs info`: what a run holds.

use gibbs::config::ModelKind;
use gibbs::error::Error;
use gibbs::fit::FitResult;
use gibbs::pipeline;
use gibbs::regression::RegressionResult;
use gibbs::run_dir::RunDir;
use gibbs::tagging::TaggerResult;

use super::{say, say_json};
use crate::Context;
use crate::args::Info;

pub fn run(args: &Info, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let manifest = run.manifest()?;
    if run.options()?.model == Some(ModelKind::Crf) {
        return of_sequences(&run, context);
    }
    if run.options()?.model == Some(ModelKind::Regression) {
        return of_regression(&run, context);
    }
    let saved = pipeline::model_of_run(&run)?;
    let result: Option<FitResult> = run.read_json("evaluation.json")?;
    if context.json {
        return say_json(&serde_json::json!({
            "model": saved.model.describe(),
            "preprocess": saved.header.preprocess,
            "manifest": manifest,
            "result": result,
        }));
    }
    say(&format!("model    {}", saved.model.describe()));
    say(&format!("data     {}", run.options()?.data.unwrap_or_default()));
    let status = serde_json::to_string(&manifest.status).unwrap_or_default();
    say(&format!("status   {} after {:.1} s, seed {}", status.trim_matches('"'), manifest.wall_seconds, manifest.seed));
    say(&format!("written  by gibbs {} ({}), {}", manifest.version, manifest.commit, manifest.machine.processor));
    if let Some(result) = result {
        say(&super::fit::table(&result));
    }
    Ok(())
}

/// A run that predicts a column.
fn of_regression(run: &RunDir, context: &Context) -> Result<(), Error> {
    let (manifest, result): (_, Option<RegressionResult>) = (run.manifest()?, run.read_json("evaluation.json")?);
    if context.json {
        return say_json(&serde_json::json!({ "model": "regression", "manifest": manifest, "result": result }));
    }
    let options = run.options()?;
    say(&format!("data     {}, column {}", options.data.unwrap_or_default(), options.target.unwrap_or_default()));
    if let Some(result) = &result {
        super::predict::print(result);
    }
    Ok(())
}

/// A run of label sequences.
fn of_sequences(run: &RunDir, context: &Context) -> Result<(), Error> {
    let (manifest, result): (_, Option<TaggerResult>) = (run.manifest()?, run.read_json("evaluation.json")?);
    if context.json {
        return say_json(&serde_json::json!({ "model": "crf", "manifest": manifest, "result": result }));
    }
    say(&format!("data     {}", run.options()?.data.unwrap_or_default()));
    if let Some(result) = &result {
        super::tag::print(result);
    }
    Ok(())
}
