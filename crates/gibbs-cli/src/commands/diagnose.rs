//! `gibbs diagnose`: the sampler doctor.

use std::path::PathBuf;

use clap::Args;
use gibbs::config::SamplerKind;
use gibbs::diagnose::{DiagnoseOptions, REPORT, diagnose};
use gibbs::error::Error;
use gibbs::pipeline::{self, PartName};
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;

/// Arguments of `diagnose`.
#[derive(Args, Debug)]
pub struct Diagnose {
    /// Run directory
    pub run: PathBuf,
    /// Table whose rows chains start at [default: the run's training rows]
    pub data: Option<String>,
    /// Look at this sampler instead of the model's own (real rows)
    #[arg(long, value_enum, requires = "step_size")]
    pub sampler: Option<SamplerKind>,
    /// Step size of --sampler
    #[arg(long, requires = "sampler")]
    pub step_size: Option<f64>,
    /// Temperature the sampler is set to; its chains are judged as samples at temperature 1
    #[arg(long, default_value_t = DiagnoseOptions::default().temperature)]
    pub temperature: f64,
    /// Temper the chains: levels of replica exchange between the base and the model, whose swaps are judged too
    #[arg(long, value_name = "LEVELS", conflicts_with = "sampler")]
    pub tempering: Option<usize>,
    /// Steps of each chain
    #[arg(long, default_value_t = DiagnoseOptions::default().steps)]
    pub steps: u64,
    /// Steps thrown away first
    #[arg(long, default_value_t = DiagnoseOptions::default().warm_up)]
    pub warm_up: u64,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

pub fn run(args: &Diagnose, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let saved = pipeline::model_of_run(&run)?;
    let data = match &args.data {
        Some(table) => pipeline::table_for_run(&run, &saved, table)?,
        None => pipeline::part_of_run(&run, PartName::Train)?,
    };
    let how = DiagnoseOptions {
        sampler: args.sampler,
        step_size: args.step_size,
        temperature: args.temperature,
        tempering: args.tempering,
        steps: args.steps,
        warm_up: args.warm_up,
        seed: args.seed,
    };
    let report = diagnose(saved.model.as_ref(), &data.rows, &how, &context.terminal)?;
    run.write_json(REPORT, &report)?;
    if context.json {
        return say_json(&report);
    }
    let d = &report.diagnosis;
    say(&format!("state             {}", d.state));
    say(&format!("energy            {:.4} +- {:.4} nats", d.energy, d.mcse));
    for (name, energy) in &d.energy_by_start {
        say(&format!("                  {energy:.4} from {name}"));
    }
    say(&format!(
        "                  {:.4} of the data, {:.4} of short runs",
        report.data_energy, report.short_run_energy
    ));
    say(&format!("R-hat             {:.4}", d.rhat));
    say(&format!("effective draws   {:.0}", d.ess));
    say(&format!("steps that stay   {:.1} %", 100.0 * d.self_transition));
    if let Some(a) = report.acceptance {
        say(&format!("acceptance        {:.1} %", 100.0 * a));
    }
    if let Some(b) = report.e_bfmi {
        say(&format!("E-BFMI            {b:.3}"));
    }
    if let Some(t) = &report.tempering {
        let lowest = t.swap_rates.iter().copied().fold(f64::INFINITY, f64::min);
        say(&format!(
            "tempering         {} levels, swaps accepted at {lowest:.3} or more, {} round trips where {:.0} were ideal",
            t.swap_rates.len() + 1,
            t.round_trips,
            t.ideal_round_trips
        ));
    }
    if let Some(t) = &report.temperature {
        let o = t.overall;
        let (low, high) = t.range();
        let range = if low < high { format!(", {low:.3} to {high:.3} by direction") } else { String::new() };
        say(&format!("temperature       {:.4}, 95 % interval {:.4} to {:.4}{range}", o.value, o.lower, o.upper));
    }
    if report.advice.is_empty() {
        say("No sign against these chains.");
    }
    report.advice.iter().for_each(|a| say(&format!("- {a}.")));
    Ok(())
}
