//! How fast columns are fitted and forecasts are scored: `cargo run --release -p gibbs-stats --example throughput`.
//!
//! One thread. Columns stream through in blocks of 65,536 rows that are made anew each time and not timed.

use std::time::{Duration, Instant};

use gibbs_core::key::Key;
use gibbs_core::rows::Continuous;
use gibbs_stats::family::{ExponentialFamily, Gamma, Gaussian, Poisson, Sufficient};
use gibbs_stats::scores::{ClassForecasts, classes, crps, summarise};
use gibbs_stats::softmax::softmax;

/// Fits a stream of `n_blocks` blocks and prints the throughput.
fn stream<F: ExponentialFamily>(member: &F, n_blocks: u64) {
    let mut data = Sufficient::new(member);
    let mut spent = Duration::ZERO;
    for block in 0..n_blocks {
        let rows = member.sample(65_536, &Key::from_seed(block));
        let start = Instant::now();
        data.absorb(member, rows.values(), None).expect("draws lie in the support");
        spent += start.elapsed();
    }
    let bytes = 8.0 * data.weight();
    let fitted = member.maximum_likelihood(&data).expect("draws vary");
    println!("{}: {:.0} MB/s, {:?}", F::NAME, 1e-6 * bytes / spent.as_secs_f64(), fitted.customary());
}

fn main() {
    stream(&Gaussian::default(), 30);
    stream(&Poisson::new(4.0).expect("4 is positive"), 30);
    stream(&Gamma::default(), 30);

    let (n, k) = (1_000_000, 10);
    let mut rng = Key::from_seed(1).rng();
    let mut probs = Vec::with_capacity(n * k);
    let mut labels = Vec::with_capacity(n);
    for _ in 0..n {
        let z: Vec<f64> = (0..k).map(|_| rng.uniform()).collect();
        probs.extend(softmax(&z, 3.0).expect("logits are finite"));
        labels.push(rng.below(k));
    }
    let start = Instant::now();
    let table = ClassForecasts::new(k, &probs, &labels).expect("softmax adds up to one");
    for (name, score) in [
        ("log", classes::log_score as fn(&[f64], usize) -> f64),
        ("Brier", classes::brier),
        ("spherical", classes::spherical),
        ("ranked", classes::ranked),
    ] {
        let s = summarise(&table.scores(score)).expect("scores are numbers");
        println!("{name}: {:.5} +- {:.5}", s.mean, s.std_err);
    }
    println!("a million forecasts of ten classes, four scores: {:.2} s", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let sum: f64 = (0..n).map(|i| crps::normal(0.0, 1.0, probs[i])).sum();
    println!("a million CRPS of normal laws: {:.2} s (mean {:.4})", start.elapsed().as_secs_f64(), sum / n as f64);
}
