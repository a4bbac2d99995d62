//! Does annealed importance sampling tell the truth about its error?
//!
//! 200 random RBMs (20 visible, 10-20 hidden units, weights and biases normal with standard deviation 0.3, 1, 2, 3),
//! 100 chains x 1,000 temperatures each, against the exact `log Z`. A stated error is honest when the true error lies
//! within 1.96 of it in 95 % of the models and their ratio has root mean square 1.
//!
//! ```text
//! cargo run --release -p gibbs-spin --example ais_coverage            # record/ais.md
//! cargo run --release -p gibbs-spin --example ais_coverage -- --quick
//! ```

use std::ops::ControlFlow;

use gibbs_core::energy::Parametric;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, LogZ, LogZError};
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS, log_z};
use gibbs_spin::{Bernoulli, BlockGibbs, Rbm, RbmPath};

const SCALES: [f32; 4] = [0.3, 1.0, 2.0, 3.0];

fn main() -> Result<(), LogZError> {
    let quick = std::env::args().any(|a| a == "--quick");
    let (per_scale, chains, temperatures) = if quick { (3, 100, 100) } else { (50, 100, 1_000) };
    println!("| weight sd | models | largest stated error | within 1.96 | rms of error / stated | warned |");
    println!("|---|---|---|---|---|---|");
    let mut all = Vec::new();
    for (s, &sd) in SCALES.iter().enumerate() {
        let rows: Result<Vec<_>, LogZError> =
            (0..per_scale).map(|i| one(sd, (s * per_scale + i) as u64, chains, temperatures)).collect();
        let rows = rows?;
        print_row(&sd.to_string(), &rows);
        all.extend(rows);
    }
    print_row("all", &all);
    bimodal(temperatures)
}

/// Error, stated error, and whether the probe from flat bits raised a warning.
fn one(sd: f32, seed: u64, chains: usize, temperatures: usize) -> Result<(f64, f64, bool), LogZError> {
    let key = Key::from_seed(seed);
    let model = random_rbm(20, 10 + seed as usize % 11, sd, &key);
    let exact = log_z(&model, &|_| true)?;
    let base = Bernoulli::from_pilot(&model, &key.step(1))?;
    let mut found = anneal(base, &model, chains, temperatures, &key.step(2))?;
    let flat = Bernoulli::new(vec![0.0; 20]);
    let probe = anneal(flat, &model, (chains / 4).max(25), temperatures, &key.step(3))?;
    found.compare_with_probe(&probe, "flat bits");
    Ok((found.value - exact, found.std_err, !found.warnings.is_empty()))
}

fn anneal(base: Bernoulli, model: &Rbm, chains: usize, temperatures: usize, key: &Key) -> Result<LogZ, LogZError> {
    let path = RbmPath::new(base, model.clone());
    let ais = Ais::new(BlockGibbs, chains, linear_ladder(temperatures))?;
    Ok(ais.estimate(&path, key, &mut Scratch::default(), &mut |_, _| ControlFlow::Continue(()))?.0)
}

fn random_rbm(nv: usize, nh: usize, sd: f32, key: &Key) -> Rbm {
    let mut model = Rbm::zeros(nv, nh);
    let mut rng = key.purpose(Purpose::Init).rng();
    model.params_mut().flat_mut().iter_mut().for_each(|p| *p = sd * rng.normal() as f32);
    model
}

fn print_row(name: &str, rows: &[(f64, f64, bool)]) {
    let n = rows.len() as f64;
    let largest = rows.iter().map(|r| r.1).fold(0.0, f64::max);
    let within = rows.iter().filter(|r| r.0.abs() < 1.96 * r.1).count() as f64 / n;
    let rms = (rows.iter().map(|r| (r.0 / r.1).powi(2)).sum::<f64>() / n).sqrt();
    let warned = rows.iter().filter(|r| r.2).count();
    println!("| {name} | {n} | {largest:.4} | {:.1} % | {rms:.3} | {warned} |", 100.0 * within);
}

/// Two deep modes, all zeros and all ones, and a base that sits on the first.
fn bimodal(temperatures: usize) -> Result<(), LogZError> {
    let (nv, nh, strength, tilt) = (20, 10, 1.0f32, 3.0f32);
    let mut model = Rbm::zeros(nv, nh);
    let params = model.params_mut();
    params.get_mut(WEIGHTS).fill(strength);
    params.get_mut(VISIBLE_BIAS).fill(-0.5 * strength * nh as f32 + tilt / nv as f32);
    params.get_mut(HIDDEN_BIAS).fill(-0.5 * strength * nv as f32);
    let exact = log_z(&model, &|_| true)?;
    let on_one_mode = Bernoulli::new(vec![(0.02f32 / 0.98).ln(); nv]);
    let mut warned = 0;
    let mut example = None;
    for seed in 0..20 {
        let key = Key::from_seed(seed).step(9);
        let mut found = anneal(on_one_mode.clone(), &model, 100, temperatures, &key.step(0))?;
        let probe = anneal(Bernoulli::new(vec![0.0; nv]), &model, 25, temperatures, &key.step(1))?;
        found.compare_with_probe(&probe, "flat bits");
        warned += usize::from(!found.warnings.is_empty());
        example = Some(found);
    }
    println!("\nbimodal model, base on one mode: exact log Z {exact:.4}, warned in {warned} of 20 runs");
    if let Some(z) = example {
        println!("one of them: {:.4} +- {:.4}; {}", z.value, z.std_err, z.warnings.join("; "));
    }
    Ok(())
}
