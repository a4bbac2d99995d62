//! `gibbs tag`: labels for sentences, and scores where labels are given.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use gibbs::data::conll;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::options::FitOptions;
use gibbs::run_dir::RunDir;
use gibbs::tagging::{self, Evaluation, TaggerResult};

use super::{say, say_json};
use crate::Context;
use crate::args::Fit;

/// Arguments of `tag`.
#[derive(Args, Debug)]
pub struct Tag {
    /// Run directory of a fit with --model crf
    pub run: PathBuf,
    /// Sentences: a token a line, columns as in training, a blank line between sentences; with labels they are scored
    pub file: PathBuf,
    /// File to write: the columns given and the label found behind them [default: standard output]
    #[arg(short, long)]
    pub out: Option<PathBuf>,
}

pub fn run(args: &Tag, context: &Context) -> Result<(), Error> {
    let run = RunDir::open(&args.run)?;
    let tagger = tagging::Tagger::read(&run.file("model.safetensors"))?;
    let text = conll::read(&args.file)?;
    let labels = tagger.tag(&text)?;
    let scores = if tagger.has_gold(&text)? { Some(Evaluation::of(&tagger, &text)?) } else { None };
    let write = |out: &mut dyn Write| -> std::io::Result<()> {
        let mut token = 0;
        for length in &text.lengths {
            for _ in 0..*length {
                writeln!(out, "{} {}", text.token(token).join(" "), labels[token])?;
                token += 1;
            }
            writeln!(out)?;
        }
        Ok(())
    };
    if let Some(path) = &args.out {
        write_atomic_with(path, write)?;
    }
    if context.json {
        let tags = args.out.is_none().then_some(&labels);
        return say_json(&serde_json::json!({
            "sentences": text.lengths.len(),
            "tokens": text.n_tokens(),
            "out": args.out,
            "labels": tags,
            "evaluation": scores,
        }));
    }
    if args.out.is_none() {
        // A reader that closes the pipe early has seen enough.
        drop(write(&mut std::io::stdout().lock()));
    }
    match scores {
        Some(scores) if args.out.is_some() => say(&scores.table()),
        Some(scores) if !context.quiet => eprintln!("{}", scores.table()),
        _ => {}
    }
    Ok(())
}

/// `gibbs fit --model crf`.
pub fn fit(args: &Fit, options: &FitOptions, context: &Context) -> Result<(), Error> {
    let (run, result) = tagging::fit(options, &args.out, args.force, &context.terminal)?;
    if context.json {
        return say_json(&result);
    }
    print(&result);
    say(&format!("report: {}", run.file("report.html").display()));
    Ok(())
}

/// How a fit ended.
pub fn print(result: &TaggerResult) {
    let end = if result.converged { "the optimum" } else { "an end before the optimum" };
    say(&format!(
        "{} features, {} labels, {} weights; {} iterations to {end} in {:.1} s: objective {:.4}",
        result.n_features, result.n_labels, result.n_weights, result.iterations, result.seconds, result.objective
    ));
    say(&format!("train: {}", result.train.table()));
    if let Some(held_out) = &result.validation {
        say(&format!("held out: {}", held_out.table()));
    }
}
