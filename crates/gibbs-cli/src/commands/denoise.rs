//! `gibbs denoise`: a picture restored from a noisy one.

use std::path::PathBuf;

use clap::Args;
use gibbs::data::Picture;
use gibbs::denoise::{Auto, DenoiseOptions, Distance, Method, Model, denoise, write_png};
use gibbs::error::Error;
use gibbs::files::write_atomic;

use super::{say, say_json};
use crate::Context;

/// Arguments of `denoise`.
#[derive(Args, Debug)]
pub struct Denoise {
    /// Noisy picture (PNG: binary, grey or colour, 8 bits, without transparent pixels)
    pub input: PathBuf,
    /// Picture to write (PNG)
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// What is believed of neighbouring pixels
    #[arg(long, value_enum, default_value = "auto")]
    pub model: Model,
    /// What is taken as the answer
    #[arg(long, value_enum, default_value = "marginals")]
    pub method: Method,
    /// Coupling of neighbouring pixels, or auto: estimated from the noisy picture
    #[arg(long, default_value = "auto")]
    pub coupling: Auto,
    /// Probability of a flipped pixel (ising), or standard deviation in grey values, or auto
    #[arg(long, default_value = "auto")]
    pub noise: Auto,
    /// Neighbours of a pixel under --model ising: 4, 8 or 24 [default: 24, or 4 with --coupling]
    #[arg(long)]
    pub neighbours: Option<usize>,
    /// Grey levels under --model levels and potts
    #[arg(long, default_value_t = 32)]
    pub levels: usize,
    /// Sweeps of sampling and of annealing
    #[arg(long, default_value_t = 400)]
    pub sweeps: u64,
    /// Clean picture to compare with
    #[arg(long, value_name = "FILE")]
    pub clean: Option<PathBuf>,
    /// Page with the pictures beside each other to write (HTML)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Bytes of a picture at most.
const MAX_BYTES: u64 = 1 << 30;

pub fn run(args: &Denoise, context: &Context) -> Result<(), Error> {
    let noisy = Picture::read(&args.input, MAX_BYTES)?;
    let clean = args.clean.as_ref().map(|path| Picture::read(path, MAX_BYTES)).transpose()?;
    let options = DenoiseOptions {
        model: args.model,
        method: args.method,
        coupling: args.coupling.0,
        noise: args.noise.0,
        neighbours: args.neighbours,
        levels: args.levels,
        sweeps: args.sweeps,
        seed: args.seed,
    };
    let (answer, mut report) = denoise(&noisy, &options, &context.terminal)?;
    if let Some(clean) = &clean {
        report.compare(&noisy, &answer, clean)?;
    }
    write_png(&args.out, &answer)?;
    if let Some(path) = &args.report {
        write_atomic(path, report.page(&noisy, &answer, clean.as_ref()).to_html().as_bytes())?;
    }
    if context.json {
        return say_json(&report);
    }
    say(&format!(
        "picture          {} x {} pixels, {} of samples changed",
        report.height,
        report.width,
        percent(report.changed)
    ));
    for (c, channel) in report.channels.iter().enumerate() {
        let Some(r) = channel else {
            say(&format!("channel {c}        one value only: left as it is"));
            continue;
        };
        let noise = if report.model == Model::Ising { percent(r.noise) } else { format!("{:.2} grey values", r.noise) };
        say(&format!("channel {c}        coupling {}, noise {noise}, energy {:.1} nats", r.couplings(), r.energy));
    }
    let line = |name: &str, d: Distance| {
        let psnr = d.psnr.map_or("none off".to_string(), |p| format!("{p:.2} dB"));
        say(&format!("{name:<16} {psnr}, {} of samples off", percent(d.error_rate)));
    };
    if let (Some(before), Some(after)) = (report.before, report.after) {
        line("noisy", before);
        line("restored", after);
    }
    for w in &report.warnings {
        say(&format!("warning: {w}"));
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
