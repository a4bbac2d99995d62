//! The tables of `record/ising.md`, up to a side: `cargo run --release -p gibbs-spin --example ising -- log-z|times [SIDE]`,
//! and `-- seeds SIDE` for the errors of one; with `--quick` the first of each, short.

use std::ops::ControlFlow;
use std::time::Instant;

use gibbs_core::diagnostics::{Draws, autocorrelation::integrated_time};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::ladder::stretch;
use gibbs_core::log_partition::{Ais, PilotLadder, Thermodynamic, balance};
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::lattice::{
    CRITICAL_COUPLING, Checkerboard, Clusters, ExactTorus, Grid, Rule, SwendsenWang, TorusPath, Wolff,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// `log Z` of four sizes at three couplings by two methods with two kernels, beside the exact value.
fn log_z(largest: usize, quick: bool) -> Result<()> {
    println!("| side | K | kernel | exact | estimate | off | error / value | s | method | |");
    for side in [16, 32, 64, 128].into_iter().filter(|side| *side <= largest) {
        let plan = Plan::new(side, quick);
        for coupling in COUPLINGS {
            both(side, coupling, "heat bath", Checkerboard(Rule::HeatBath), &plan, 1)?;
            both(side, coupling, "clusters", Clusters::default(), &plan, 1)?;
        }
    }
    Ok(())
}

/// The same with clusters and other seeds, at and beyond the transition, and how far off they are in stated errors: 1 in the root
/// mean square if these are right.
fn seeds(side: usize) -> Result<()> {
    for coupling in [CRITICAL_COUPLING, 0.6] {
        let mut squares = [0.0; 2];
        for seed in 0..N_SEEDS {
            let offs = both(side, coupling, "clusters", Clusters::default(), &Plan::new(side, false), 100 + seed)?;
            squares.iter_mut().zip(offs).for_each(|(s, off)| *s += off * off / N_SEEDS as f64);
        }
        let [ais, integral] = squares.map(f64::sqrt);
        println!("{side}, K = {coupling:.4}: root mean square of {N_SEEDS} AIS {ais:.2}, integration {integral:.2}");
    }
    Ok(())
}

const COUPLINGS: [f64; 3] = [0.3, CRITICAL_COUPLING, 0.6];
const N_SEEDS: u64 = 8;

/// What both methods are given.
struct Plan {
    n_chains: usize,
    ais_rungs: usize,
    integral_rungs: usize,
    integral_steps: u64,
}

impl Plan {
    fn new(side: usize, quick: bool) -> Self {
        if quick {
            return Self { n_chains: 128, ais_rungs: 200, integral_rungs: 20, integral_steps: 20 };
        }
        // A lattice with more sites takes more rungs to an error that is the same share of its log Z; small ones can afford chains.
        let (n_chains, ais_rungs) = if side < 64 { (512, 16_000) } else { (128, 60_000) };
        Self { n_chains, ais_rungs, integral_rungs: 144, integral_steps: 470 }
    }
}

/// Annealed importance sampling and thermodynamic integration, on ladders shaped by a pilot and, for annealing, by trial runs;
/// how far off each is, in its stated errors.
fn both<K: Kernel<TorusPath> + Copy>(
    side: usize,
    coupling: f64,
    name: &str,
    kernel: K,
    plan: &Plan,
    seed: u64,
) -> Result<[f64; 2]> {
    let (go, ws) = (&mut |_, _| ControlFlow::Continue(()), &mut Scratch::default());
    let (path, key) = (TorusPath::new(side, coupling)?, Key::from_seed(seed));
    let exact = ExactTorus::new(side, coupling)?.log_z;
    let on = &mut |_| ControlFlow::Continue(());
    let start = Instant::now();
    let pilot = PilotLadder::new(kernel, 64)?.find(&path, &key.step(0), ws, on)?;
    let mut shape = pilot.clone();
    // The second trial sees more of the lag and less of chains that never arrived.
    for (trial, part) in [(1, 20), (2, 10)] {
        shape = balance(&kernel, &path, &shape, (64, plan.ais_rungs / part), &key.step(trial), on)?.shape;
    }
    let ais = Ais::new(kernel, plan.n_chains, stretch(&shape, plan.ais_rungs))?;
    let (ais, _) = ais.estimate(&path, &key.step(3), ws, go)?;
    let (half, start) = (start.elapsed().as_secs_f64(), Instant::now());
    let ladder = stretch(&pilot, plan.integral_rungs);
    let integral = Thermodynamic::new(kernel, plan.n_chains, plan.integral_steps, ladder)?;
    let integral = integral.estimate(&path, &key.step(4), ws, go)?.log_z;
    let times = [half, start.elapsed().as_secs_f64()];
    for (z, seconds) in [&ais, &integral].into_iter().zip(times) {
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
    Ok([&ais, &integral].map(|z| (z.value - exact) / z.std_err))
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
        Some("seeds") => seeds(largest),
        Some("times") => times(largest, false),
        Some("--quick") => log_z(16, true).and_then(|()| times(16, true)),
        _ => Err("log-z, seeds or times".into()),
    }
}
