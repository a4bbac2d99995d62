//! Many chains on analytic targets: steps a second of Langevin and Hamiltonian kernels, and the effective sample size a
//! second of the no-U-turn sampler beside the crate `nuts-rs` alone.
//!
//! `cargo run --release -p gibbs-tensor --example chains -- [--threads N] [--seconds S] [NAME ...]`
//!
//! * `dw2`: double well `2 sum (x^2 - 1)^2` of two coordinates
//! * `gauss10`, `gauss100`: Gaussian of covariance `0.9^|i - j|`
//!
//! A Hamiltonian step is a trajectory of ten leapfrog steps on average.

use std::collections::HashMap;
use std::time::Instant;

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::{Draws, ess};
use gibbs_core::energy::Gradient;
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::nuts::{NutsOptions, nuts};
use gibbs_core::samplers::{Hmc, Langevin};
use gibbs_tensor::energies::{DoubleWell, Gaussian};
use nuts_rs::rand::{Rng as RandRng, SeedableRng, rngs::ChaCha8Rng};
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, Settings};

type Failure = Box<dyn std::error::Error>;

struct Asked {
    seconds: f64,
    threads: usize,
    names: Vec<String>,
}

fn asked() -> Asked {
    let mut asked = Asked { seconds: 2.0, threads: 2, names: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|v| v.parse::<f64>().ok());
        match arg.as_str() {
            "--quick" => asked.seconds = 0.01,
            "--seconds" => asked.seconds = number().unwrap_or(asked.seconds),
            "--threads" => asked.threads = number().map_or(asked.threads, |n| n as usize),
            name => asked.names.push(name.to_string()),
        }
    }
    asked
}

impl Asked {
    fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|n| name.contains(n.as_str()))
    }
}

/// `0.9^|i - j|`.
fn covariance(n: usize) -> Vec<f64> {
    (0..n * n).map(|k| 0.9f64.powi((k / n).abs_diff(k % n) as i32)).collect()
}

fn rate<'e, E, K>(asked: &Asked, name: &str, energy: &'e E, d: usize, chains: usize, kernel: &K)
where
    E: Gradient<X = Dense<f32>>,
    K: Kernel<Target<&'e E>, Tuning = StepTuning, Info = MoveInfo>,
{
    if !asked.wants(name) {
        return;
    }
    let path = Target(energy);
    let mut x = Dense::zeros(chains, d);
    f32::fill_normal(&Key::from_seed(1), x.values_mut());
    let mut ensemble = Ensemble::start(kernel, &path, &x);
    let tuning = StepTuning::default();
    let mut step = |n: u64, k: u64| {
        let t = Instant::now();
        ensemble.advance(kernel, &path, 1.0, &tuning, n, &Key::from_seed(k));
        t.elapsed().as_secs_f64()
    };
    // As many steps at a time as take a twentieth of the time.
    let mut n = 1;
    while step(n, n) < asked.seconds / 20.0 {
        n *= 2;
    }
    let mut rates: Vec<f64> = (0..15).map(|k| (chains as u64 * n) as f64 / step(n, k)).collect();
    rates.sort_by(f64::total_cmp);
    println!("RESULT gibbs T{} {name} chains {chains} chain-steps/s {:.3e}", asked.threads, rates[rates.len() / 2]);
}

/// The same targets in plain loops, as one would write them for `nuts-rs`.
struct Plain {
    precision: Vec<f64>,
    d: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("not finite")]
struct NotFinite;

impl LogpError for NotFinite {
    fn is_recoverable(&self) -> bool {
        true
    }
}

impl HasDims for Plain {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".to_owned(), self.d as u64)])
    }
}

impl CpuLogpFunc for Plain {
    type LogpError = NotFinite;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.d
    }

    fn logp(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, NotFinite> {
        if self.precision.is_empty() {
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g = -8.0 * x * (x * x - 1.0));
            return Ok(-2.0 * x.iter().map(|x| (x * x - 1.0).powi(2)).sum::<f64>());
        }
        for (g, row) in gradient.iter_mut().zip(self.precision.chunks_exact(self.d)) {
            *g = -row.iter().zip(x).map(|(p, x)| p * x).sum::<f64>();
        }
        Ok(0.5 * gradient.iter().zip(x).map(|(g, x)| g * x).sum::<f64>())
    }

    fn expand_vector<R: RandRng + ?Sized>(&mut self, _rng: &mut R, _x: &[f64]) -> Result<Vec<f64>, CpuMathError> {
        Ok(Vec::new())
    }
}

const N_TUNE: u64 = 1_000;

/// Draws of one chain by `nuts-rs` alone, with their energies, and seconds.
fn alone(plain: Plain, start: &[f64], n_draws: u64, seed: u64) -> Result<(Vec<f64>, f64), Failure> {
    let t = Instant::now();
    let settings = DiagNutsSettings { num_tune: N_TUNE, num_draws: n_draws, ..DiagNutsSettings::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chain = settings.new_chain(0, CpuMath::new(plain), &mut rng);
    let chain = chain.as_mut().map_err(|e| e.to_string())?;
    chain.set_position(start)?;
    let mut draws = Vec::new();
    for _ in 0..N_TUNE {
        chain.draw()?;
    }
    // With the statistics that diagnostics need, as we keep them.
    let mut energies = Vec::new();
    for _ in 0..n_draws {
        let (x, _, stats, _) = chain.expanded_draw()?;
        draws.extend_from_slice(&x);
        energies.push(stats.point.energy);
    }
    std::hint::black_box(&energies);
    Ok((draws, t.elapsed().as_secs_f64()))
}

fn least_ess(draws: &[f64], d: usize) -> f64 {
    let column = |j: usize| draws.iter().skip(j).step_by(d).copied().collect::<Vec<f64>>();
    let ess = |j| {
        let x = column(j);
        Draws::new(&x, 1).map_or(f64::NAN, |draws| ess::bulk(&draws))
    };
    (0..d).map(ess).fold(f64::INFINITY, f64::min)
}

fn no_u_turns<E: Gradient<X = Dense<f64>>>(
    asked: &Asked,
    name: &str,
    energy: &E,
    precision: &[f64],
    d: usize,
) -> Result<(), Failure> {
    if !asked.wants(name) {
        return Ok(());
    }
    let n_draws = if asked.seconds < 0.1 { 200 } else { 20_000 };
    let mut start = Dense::zeros(1, d);
    f64::fill_normal(&Key::from_seed(3), start.values_mut());
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..5 {
        let t = Instant::now();
        let options = NutsOptions { n_tune: N_TUNE, n_draws, ..NutsOptions::default() };
        let run = nuts(energy, &start, &options, &Key::from_seed(round))?;
        let seconds = t.elapsed().as_secs_f64();
        rates[0].push(least_ess(run.chains[0].draws.values(), d) / seconds);
        let plain = Plain { precision: precision.to_vec(), d };
        let (draws, seconds) = alone(plain, start.values(), n_draws, round)?;
        rates[1].push(least_ess(&draws, d) / seconds);
    }
    for (who, rates) in ["gibbs", "nuts-rs"].iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!("RESULT {who} T1 {name} least ESS/s {:.0}", rates[rates.len() / 2]);
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let asked = asked();
    rayon::ThreadPoolBuilder::new().num_threads(asked.threads).build_global()?;
    let double_well = DoubleWell::<f32>::new(2, 2.0)?;
    let gauss10 = Gaussian::<f32>::from_covariance(&[0.0; 10], &covariance(10))?;
    let gauss100 = Gaussian::<f32>::from_covariance(&[0.0; 100], &covariance(100))?;
    for chains in [1_000, 10_000] {
        let ula = Langevin::new(0.01)?;
        rate(&asked, "ula_dw2", &double_well, 2, chains, &ula);
        rate(&asked, "ula_gauss10", &gauss10, 10, chains, &ula);
        rate(&asked, "ula_gauss100", &gauss100, 100, chains, &ula);
        let hmc = |step: f64| Hmc::new(step, 10);
        rate(&asked, "hmc_dw2", &double_well, 2, chains, &hmc(0.2)?);
        rate(&asked, "hmc_gauss10", &gauss10, 10, chains, &hmc(0.2)?);
        rate(&asked, "hmc_gauss100", &gauss100, 100, chains, &hmc(0.12)?);
    }
    no_u_turns(&asked, "nuts_dw2", &DoubleWell::<f64>::new(2, 2.0)?, &[], 2)?;
    let gauss100 = Gaussian::<f64>::from_covariance(&[0.0; 100], &covariance(100))?;
    no_u_turns(&asked, "nuts_gauss100", &gauss100, &tridiagonal_precision(100), 100)?;
    Ok(())
}

/// The inverse of [`covariance`], which is that of a chain: `(1 + r^2) / (1 - r^2)` on the diagonal, 1 / (1 - r^2) at its
/// ends, `-r / (1 - r^2)` beside it.
fn tridiagonal_precision(n: usize) -> Vec<f64> {
    let r = 0.9f64;
    let mut p = vec![0.0; n * n];
    for i in 0..n {
        let ends = i == 0 || i + 1 == n;
        p[i * n + i] = if ends { 1.0 } else { 1.0 + r * r } / (1.0 - r * r);
        if i + 1 < n {
            p[i * n + i + 1] = -r / (1.0 - r * r);
            p[(i + 1) * n + i] = -r / (1.0 - r * r);
        }
    }
    p
}
