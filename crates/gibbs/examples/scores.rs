//! A million forecasts scored (`record/stats.md`): `cargo run --release -p gibbs --example scores -- write DIR` draws them,
//! `... -- score DIR` scores them and prints one line of JSON, as `record/peers/scores_sklearn.py DIR` does; `--quick` does
//! both with a few.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Instant;

use gibbs::core::key::Key;
use gibbs::data::npy::{self, Numbers};
use gibbs::stats::calibration::{Binning, calibration_error, reliability};
use gibbs::stats::scores::{ClassForecasts, classes, crps, summarise};
use gibbs::stats::softmax::softmax;
use rayon::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CLASSES: usize = 10;
const DRAWS: usize = 20;
const BINS: usize = 15;

/// Forecasts that are too sure, so that there is something to see.
fn write(dir: &Path, n: usize) -> Result<()> {
    let mut rng = Key::from_seed(1).rng();
    let (mut probs, mut labels) = (Vec::with_capacity(n * CLASSES), Vec::with_capacity(n));
    let (mut normal, mut draws) = (Vec::with_capacity(n * 3), Vec::with_capacity(n * DRAWS));
    for _ in 0..n {
        let z: Vec<f64> = (0..CLASSES).map(|_| 2.0 * rng.normal()).collect();
        let truth = softmax(&z, 0.6)?;
        let mut left = rng.uniform();
        let label = truth.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        labels.push(label.unwrap_or(CLASSES - 1) as f64);
        probs.extend(softmax(&z, 1.0)?);
        let (mu, sigma) = (rng.normal(), 0.5 + rng.uniform());
        normal.extend([mu, sigma, mu + 1.2 * sigma * rng.normal()]);
        draws.extend((0..DRAWS).map(|_| mu + sigma * rng.normal()));
    }
    std::fs::create_dir_all(dir)?;
    for (name, cols, values) in
        [("probs", CLASSES, &probs), ("labels", 1, &labels), ("normal", 3, &normal), ("draws", DRAWS, &draws)]
    {
        let file = BufWriter::new(File::create(dir.join(format!("{name}.npy")))?);
        npy::write(file, &[n, cols], Numbers::F64(values))?;
    }
    Ok(())
}

fn read(dir: &Path, name: &str) -> Result<Vec<f64>> {
    let array = npy::read(BufReader::new(File::open(dir.join(format!("{name}.npy")))?), 1 << 33)?;
    Ok((0..array.values.len()).map(|i| array.values.get(i)).collect())
}

fn score(dir: &Path) -> Result<()> {
    let (probs, labels) = (read(dir, "probs")?, read(dir, "labels")?);
    let labels: Vec<usize> = labels.iter().map(|y| *y as usize).collect();
    let (normal, draws) = (read(dir, "normal")?, read(dir, "draws")?);
    let n = labels.len();
    let mut out: BTreeMap<&str, f64> = BTreeMap::new();
    let lap = |name: &'static str, out: &mut BTreeMap<&str, f64>, clock: Instant| {
        out.insert(name, clock.elapsed().as_secs_f64());
    };

    let clock = Instant::now();
    let table = ClassForecasts::new(CLASSES, &probs, &labels)?;
    for (name, score) in [
        ("log", classes::log_score as fn(&[f64], usize) -> f64),
        ("brier", classes::brier),
        ("spherical", classes::spherical),
        ("ranked", classes::ranked),
    ] {
        out.insert(name, summarise(&table.scores(score))?.mean);
    }
    lap("seconds_scores", &mut out, clock);

    let clock = Instant::now();
    let (p, y) = table.top_label();
    let wide = calibration_error(&p, &y, Binning::EqualWidth(BINS))?;
    let mass = calibration_error(&p, &y, Binning::EqualMass(BINS))?;
    out.extend([("ece", wide.ece), ("mce", wide.mce), ("ece_equal_mass", mass.ece)]);
    let classwise = reliability::classwise(&table, Binning::EqualWidth(BINS))?;
    out.insert("classwise_ece", classwise.iter().map(|e| e.ece).sum::<f64>() / CLASSES as f64);
    lap("seconds_calibration", &mut out, clock);

    let clock = Instant::now();
    let scores: Vec<f64> = normal.par_chunks_exact(3).map(|f| crps::normal(f[0], f[1], f[2])).collect();
    out.insert("crps_normal", summarise(&scores)?.mean);
    lap("seconds_crps_normal", &mut out, clock);

    let clock = Instant::now();
    let scores: std::result::Result<Vec<f64>, _> = draws
        .par_chunks_exact(DRAWS)
        .zip(normal.par_chunks_exact(3))
        .map(|(d, f)| crps::samples_fair(d, f[2]))
        .collect();
    out.insert("crps_fair", summarise(&scores?)?.mean);
    lap("seconds_crps_fair", &mut out, clock);

    out.insert("n", n as f64);
    println!("{}", serde_json::to_string(&out)?);
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", dir] => write(Path::new(dir), 1_000_000),
        ["score", dir] => score(Path::new(dir)),
        ["--quick"] => {
            let dir = std::env::temp_dir().join(format!("gibbs-scores-{}", std::process::id()));
            write(&dir, 2_000)?;
            score(&dir)?;
            Ok(std::fs::remove_dir_all(dir)?)
        }
        _ => Err("write DIR, score DIR or --quick".into()),
    }
}
