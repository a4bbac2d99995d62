//! `gibbs report`: writes the report of a run again.

use gibbs::error::Error;
use gibbs::pipeline;
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;
use crate::args::Report;

pub fn run(args: &Report, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let plan = pipeline::replan(&run)?;
    gibbs::run_report::write(&run, &plan.data, &context.terminal)?;
    let path = run.file("report.html");
    if context.json {
        return say_json(&serde_json::json!({ "report": path }));
    }
    say(&path.display().to_string());
    Ok(())
}
