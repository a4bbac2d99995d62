//! `gibbs import`: a model trained elsewhere becomes a run.

use gibbs::error::Error;
use gibbs::import::{RbmFiles, rbm};
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;
use crate::args::Import;

pub fn run(args: &Import, context: &Context) -> Result<(), Error> {
    let Import::Rbm(a) = args;
    let run = RunDir::create(&a.out, a.force)?;
    let files = RbmFiles { weights: &a.weights, visible_bias: &a.visible_bias, hidden_bias: &a.hidden_bias };
    let what = rbm(&files, &run)?;
    if context.json {
        return say_json(&serde_json::json!({ "model": what, "run": a.out }));
    }
    say(&format!("{what}: {}", a.out.display()));
    Ok(())
}
