//! `gibbs sample`: draws from a fitted model.

use std::io::Write;

use gibbs::batch::Batch;
use gibbs::core::key::Key;
use gibbs::core::rows::Continuous;
use gibbs::data::{npy, parquet};
use gibbs::dataset::Preparation;
use gibbs::error::Error;
use gibbs::files::write_atomic_with;
use gibbs::models::{SampleObserver, Start};
use gibbs::pipeline;
use gibbs::progress::Progress;
use gibbs::run_dir::RunDir;

use super::{say, say_json};
use crate::Context;
use crate::args::Sample;

/// Chains run at once: their hidden inputs stay in the cache.
const CHAINS_AT_ONCE: usize = 256;

struct Watch<'a> {
    progress: &'a dyn Progress,
    before: u64,
}

impl SampleObserver for Watch<'_> {
    fn observe(&mut self, step: u64, _rows: &Batch, _energies: &[f64]) -> bool {
        self.progress.advance(self.before + step + 1);
        !self.progress.stop()
    }

    fn wants_energies(&self, _step: u64) -> bool {
        false
    }
}

pub fn run(args: &Sample, context: &Context) -> Result<(), Error> {
    if args.n == 0 || args.n > 100_000_000 {
        return Err(Error::Usage(format!("-n lies in 1..=100000000, found {}", args.n)));
    }
    if !(args.temperature > 0.0 && args.temperature.is_finite()) {
        return Err(Error::Usage(format!("--temperature is a finite number above 0, found {}", args.temperature)));
    }
    let extension = args.out.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !["npy", "csv", "parquet"].contains(&extension) {
        return Err(Error::Usage(format!("--out ends in .npy, .csv or .parquet, found {}", args.out.display())));
    }
    let saved = pipeline::model_of_run(&RunDir::open(&args.run)?)?;
    if extension != "csv" && matches!(saved.header.preprocess, Preparation::Categories(_) | Preparation::Labelled(_)) {
        return Err(Error::Usage("samples of categories and classes are written as text: --out ends in .csv".into()));
    }
    let key = Key::from_seed(args.seed);
    let progress = &context.terminal;
    let batches = args.n.div_ceil(CHAINS_AT_ONCE);
    progress.begin("sampling", batches as u64 * args.steps);
    let (mut bytes, mut numbers, mut text) = (Vec::new(), Vec::new(), Vec::new());
    for batch in 0..batches {
        let n = CHAINS_AT_ONCE.min(args.n - batch * CHAINS_AT_ONCE);
        let mut watch = Watch { progress, before: batch as u64 * args.steps };
        let beta = 1.0 / args.temperature;
        let rows = saved.model.sample(n, Start::Base, beta, args.steps, &key.block(batch as u64), &mut watch);
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        debug_assert_eq!(rows.n_rows(), n);
        match (&rows, &saved.header.preprocess) {
            (_, Preparation::Categories(_) | Preparation::Labelled(_)) => {
                text.extend((0..n).map(|row| saved.header.preprocess.cells(&rows, row)));
            }
            (Batch::Bits(bits), _) => bytes.extend(bits.to_bytes()),
            // Back to the table's own units.
            (Batch::Real(x), Preparation::Real(scale)) => {
                let z: Vec<f64> = x.values().iter().map(|&v| f64::from(v)).collect();
                numbers.extend(scale.invert(&z).into_iter().map(|v| v as f32));
            }
            (Batch::Real(x), _) => numbers.extend_from_slice(x.values()),
        }
    }
    progress.end();
    let columns = saved.header.preprocess.columns();
    write_atomic_with(&args.out, |out| match extension {
        _ if !text.is_empty() => write_cells(out, columns, &text),
        "npy" => {
            let values = if bytes.is_empty() { npy::Numbers::F32(&numbers) } else { npy::Numbers::U8(&bytes) };
            npy::write(out, &[args.n, columns.len()], values).map_err(std::io::Error::other)
        }
        "parquet" => {
            let values: Vec<f64> =
                numbers.iter().map(|v| f64::from(*v)).chain(bytes.iter().map(|b| f64::from(*b))).collect();
            let k = columns.len();
            let each: Vec<Vec<f64>> = (0..k).map(|c| values.iter().skip(c).step_by(k).copied().collect()).collect();
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            let each: Vec<&[f64]> = each.iter().map(Vec::as_slice).collect();
            parquet::write(out, &names, &each).map_err(std::io::Error::other)
        }
        _ if bytes.is_empty() => write_csv(out, columns, &numbers),
        _ => write_csv(out, columns, &bytes),
    })?;
    if context.json {
        return say_json(
            &serde_json::json!({ "n": args.n, "columns": columns.len(), "steps": args.steps, "out": args.out }),
        );
    }
    say(&format!("{} samples of {} columns, {} steps each: {}", args.n, columns.len(), args.steps, args.out.display()));
    Ok(())
}

/// Writes rows of text; cells that need it are quoted.
pub fn write_cells(out: &mut dyn Write, columns: &[String], rows: &[Vec<String>]) -> std::io::Result<()> {
    let quoted = |cell: &String| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    for row in std::iter::once(columns).chain(rows.iter().map(Vec::as_slice)) {
        writeln!(out, "{}", row.iter().map(quoted).collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

pub fn write_csv<T: ToString>(out: &mut dyn Write, columns: &[String], values: &[T]) -> std::io::Result<()> {
    writeln!(out, "{}", columns.join(","))?;
    for row in values.chunks_exact(columns.len().max(1)) {
        let cells: Vec<String> = row.iter().map(T::to_string).collect();
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}
