//! The tables of `record/ising.md`, up to a side: `cargo run --release -p gibbs-spin --example ising -- log-z|times [SIDE]`;
//! with `--quick` the first of each, short.

use std::ops::ControlFlow;
use std::time::Instant;

use gibbs_core::diagnostics::{Draws, autocorrelation::integrated_time};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::ladder::stretch;
use gibbs_core::log_partition::{Ais, PilotLadder, Thermodynamic};
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::lattice::{
    CRITICAL_COUPLING, Checkerboard, Clusters, ExactTorus, Grid, Rule, SwendsenWang, TorusPath, Wolff,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// `log Z` of four sizes at three couplings by two methods with two kernels, beside the exact value.
fn log_z(largest: usize, quick: bool) -> Result<()> {
    println!("| side | K | kernel | exact | estimate | off | error / value | s | method | |");
    for (side, flips, clusters) in [
        (16, Plan::new(512, 10_000, 512, 400), Plan::new(512, 8_000, 512, 400)),
        (32, Plan::new(512, 10_000, 512, 400), Plan::new(128, 32_000, 256, 400)),
        (64, Plan::new(256, 10_000, 256, 400), Plan::new(128, 60_000, 128, 300)),
        (128, Plan::new(128, 20_000, 128, 600), Plan::new(128, 40_000, 64, 160)),
    ] {
        for coupling in [0.3, CRITICAL_COUPLING, 0.6].into_iter().filter(|_| side <= largest) {
            let heat_bath = Checkerboard(Rule::HeatBath);
            both(side, coupling, "heat bath", [heat_bath, heat_bath], &flips.shortened(quick))?;
            // Annealing moves by small steps and needs few of the dear moves; integration waits for equilibrium at every rung.
            let kernels = [Clusters::default(), Clusters::with_share(0.2)];
            both(side, coupling, "clusters", kernels, &clusters.shortened(quick))?;
        }
    }
    Ok(())
}

/// What both methods are given.
struct Plan {
    ais_chains: usize,
    ais_rungs: usize,
    integral_chains: usize,
    integral_steps: u64,
}

impl Plan {
    fn new(ais_chains: usize, ais_rungs: usize, integral_chains: usize, integral_steps: u64) -> Self {
        Self { ais_chains, ais_rungs, integral_chains, integral_steps }
    }

    fn shortened(&self, quick: bool) -> Self {
        if quick { Self::new(self.ais_chains, 200, self.integral_chains, 20) } else { Self { ..*self } }
    }
}

/// Annealed importance sampling, on a ladder shaped by a pilot, and thermodynamic integration, each with its kernel.
fn both<K: Kernel<TorusPath> + Copy>(
    side: usize,
    coupling: f64,
    name: &str,
    [kernel, waiting]: [K; 2],
    plan: &Plan,
) -> Result<()> {
    let (go, ws) = (&mut |_, _| ControlFlow::Continue(()), &mut Scratch::default());
    let exact = ExactTorus::new(side, coupling)?.log_z;
    let (path, key) = (TorusPath::new(side, coupling)?, Key::from_seed(1));
    let start = Instant::now();
    let pilot = PilotLadder::new(kernel, 64)?;
    let shape = pilot.find(&path, &Key::from_seed(2), ws, &mut |_| ControlFlow::Continue(()))?;
    let ladder = stretch(&shape, plan.ais_rungs);
    let (ais, _) = Ais::new(kernel, plan.ais_chains, ladder)?.estimate(&path, &key, ws, go)?;
    let (half, start) = (start.elapsed().as_secs_f64(), Instant::now());
    let integral = Thermodynamic::new(waiting, plan.integral_chains, plan.integral_steps, linear_ladder(48))?;
    let integral = integral.estimate(&path, &key, ws, go)?;
    let times = [half, start.elapsed().as_secs_f64()];
    for (z, seconds) in [ais, integral.log_z].into_iter().zip(times) {
        println!(
            "| {side} | {coupling:.4} | {name} | {exact:.4} | {:.4} +- {:.4} | {:+.1} | {:.1e} | {seconds:.1} | {} | {} |",
            z.value,
            z.std_err,
            (z.value - exact) / z.std_err,
            z.std_err / exact,
            z.method,
            if z.warnings.is_empty() { "" } else { "warned" }
        );
    }
    Ok(())
}

/// Autocorrelation times of the energy at the critical coupling, in sweeps (visits of as many spins as there are).
fn times(largest: usize, quick: bool) -> Result<()> {
    let ws = &mut Scratch::default();
    let n_draws: u64 = if quick { 400 } else { 40_000 };
    for side in [16, 32, 64].into_iter().filter(|side| *side <= largest) {
        let (path, n) = (TorusPath::new(side, CRITICAL_COUPLING)?, side * side);
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            // Long runs of 64 lattices from fair spins, each measured every so often.
            let every = (side / 4) as u64;
            let (kernel, draws) = (Checkerboard(rule), n_draws / 10);
            let mut chain = kernel.init(&path, path.sample_base(64, &Key::from_seed(1)), ws);
            let mut energies = vec![Vec::new(); 64];
            for t in 0..every * draws * 5 / 4 {
                kernel.step(&path, 1.0, &(), &mut chain, &Key::from_seed(2).step(t), ws);
                if t >= every * draws / 4 && t % every == 0 {
                    energies.iter_mut().zip(chain.eval.values()).for_each(|(e, b)| e.push(*b));
                }
            }
            let time = integrated_time(&Draws::new(&energies.concat(), 64)?) * every as f64;
            println!("| {side} | {rule:?} | {time:.1} |");
        }
        let (mut grid, mut wolff) = (Grid::random(side, &Key::from_seed(3))?, Wolff::new(CRITICAL_COUPLING)?);
        wolff.step(&mut grid, 2_000, &Key::from_seed(4));
        let (mut energies, mut turned) = (Vec::new(), 0);
        for t in 0..n_draws {
            turned += wolff.step(&mut grid, 1, &Key::from_seed(5).step(t));
            energies.push(grid.bonds() as f64);
        }
        let share = turned as f64 / n_draws as f64 / n as f64;
        let time = integrated_time(&Draws::new(&energies, 1)?);
        println!("| {side} | Wolff | {:.1} ({time:.1} clusters) |", time * share);
        let mut all = SwendsenWang::new(CRITICAL_COUPLING)?;
        let energies: Vec<f64> = (0..n_draws / 2)
            .map(|t| {
                all.step(&mut grid, 1, &Key::from_seed(6).step(t));
                grid.bonds() as f64
            })
            .collect();
        println!("| {side} | Swendsen-Wang | {:.1} |", integrated_time(&Draws::new(&energies, 1)?));
    }
    Ok(())
}

fn main() -> Result<()> {
    let largest = std::env::args().nth(2).map_or(Ok(128), |a| a.parse())?;
    match std::env::args().nth(1).as_deref() {
        Some("log-z") => log_z(largest, false),
        Some("times") => times(largest, false),
        Some("--quick") => log_z(16, true).and_then(|()| times(16, true)),
        _ => Err("log-z or times".into()),
    }
}
