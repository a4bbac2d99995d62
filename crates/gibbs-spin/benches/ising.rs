//! Sweeps of the Ising model at the critical coupling: `cargo bench -p gibbs-spin --bench ising`.
//!
//! Throughput is in decisions: elements a second are spins visited a second. With an argument that starts with `least`, the
//! shortest of many runs is printed in place of criterion's statistics, which a neighbour on the machine cannot lengthen.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::path::Annealable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::lattice::{
    CRITICAL_COUPLING, Checkerboard, Grid, LatticeError, Potts, Rule, SwendsenWang, Torus, TorusPath, Wolff,
};

/// A name, the decisions of a run, and the run.
type Case<'a> = (String, u64, Box<dyn FnMut(&Key) + 'a>);

fn cases<'a>() -> Result<Vec<Case<'a>>, LatticeError> {
    let mut cases: Vec<Case> = Vec::new();
    for (side, n) in [(512usize, 200u64), (2048, 20), (8192, 2)] {
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            let mut torus = Torus::random(side, &Key::from_seed(1))?;
            let run = move |key: &Key| drop(torus.sweep(rule, CRITICAL_COUPLING, n, key));
            cases.push((format!("one lattice of {side}^2, {rule:?}"), n * (side * side) as u64, Box::new(run)));
        }
    }
    let torus = Torus::random(2048, &Key::from_seed(1))?;
    cases.push(("bonds of 2048^2".into(), 1 << 22, Box::new(move |_| _ = std::hint::black_box(torus.bonds()))));
    for (side, n_rows, n) in [(16usize, 64usize, 500u64), (32, 64, 200), (128, 128, 10)] {
        let path = TorusPath::new(side, CRITICAL_COUPLING)?;
        let (kernel, mut ws) = (Checkerboard(Rule::HeatBath), Scratch::default());
        let mut chain = kernel.init(&path, path.sample_base(n_rows, &Key::from_seed(1)), &mut ws);
        let run = move |key: &Key| (0..n).for_each(|t| kernel.step(&path, 1.0, &(), &mut chain, &key.step(t), &mut ws));
        let name = format!("{n_rows} lattices of {side}^2 with their energies");
        cases.push((name, n * (n_rows * side * side) as u64, Box::new(run)));
    }
    let (mut grid, mut swendsen_wang) = (Grid::random(512, &Key::from_seed(1))?, SwendsenWang::new(CRITICAL_COUPLING)?);
    let run = move |key: &Key| _ = swendsen_wang.step(&mut grid, 1, key);
    cases.push(("Swendsen-Wang, 512^2".into(), 512 * 512, Box::new(run)));
    let (mut grid, mut wolff) = (Grid::random(512, &Key::from_seed(1))?, Wolff::new(CRITICAL_COUPLING)?);
    wolff.step(&mut grid, 500, &Key::from_seed(2));
    let run = move |key: &Key| _ = wolff.step(&mut grid, 100, key);
    cases.push(("Wolff, 512^2, a hundred clusters".into(), 100, Box::new(run)));
    let mut potts = Potts::random(512, 3, &Key::from_seed(1))?;
    cases.push(("Potts, q = 3, 512^2".into(), 512 * 512, Box::new(move |key| drop(potts.sweep(1.0, 1, key)))));
    Ok(cases)
}

/// The shortest of the runs of two seconds.
fn least(cases: Vec<Case>) {
    for (name, decisions, mut run) in cases {
        let (begin, mut best, mut t) = (Instant::now(), Duration::MAX, 0);
        while begin.elapsed() < Duration::from_secs(2) {
            let start = Instant::now();
            run(&Key::from_seed(t));
            best = best.min(start.elapsed());
            t += 1;
        }
        let rate = decisions as f64 / best.as_secs_f64() / 1e9;
        println!("{name}: {:.3} us a run, {rate:.3} decisions a nanosecond", best.as_secs_f64() * 1e6);
    }
}

fn main() -> Result<(), LatticeError> {
    if std::env::args().any(|a| a.starts_with("least")) {
        least(cases()?);
        return Ok(());
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("ising");
    for (name, decisions, mut run) in cases()? {
        let mut t = 0;
        group.throughput(Throughput::Elements(decisions));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                t += 1;
                run(&Key::from_seed(t));
            });
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
