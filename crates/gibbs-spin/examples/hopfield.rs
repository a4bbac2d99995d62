//! Associative memories studied (`record/hopfield.md`): `cargo run --release -p gibbs-spin --example hopfield -- WHAT`, where
//! WHAT is `capacity` (retrieval against load), `dense` (how many patterns an exponential memory holds) or `speed` (one
//! asynchronous sweep beside its floor); `--quick` runs a little of each.

use std::time::Instant;

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::rows::Rows;
use gibbs_kernels::gemm::{Packed, matmul};
use gibbs_spin::memory::recall::QUERIES_AT_ONCE;
use gibbs_spin::memory::{DenseMemory, Hopfield, Interaction, Recaller, Rule, Trials, Update, retrieval};
use gibbs_spin::{Bernoulli, Bits};
use rayon::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn patterns(p: usize, n: usize, key: &Key) -> Bits {
    Bernoulli::new(vec![0.0; n]).sample(p, key)
}

/// Rows with a share of their spins turned.
fn noisy(x: &Bits, share: f64, key: &Key) -> Bits {
    let (mut out, mut rng) = (x.clone(), key.rng());
    for i in 0..x.n_rows() {
        for k in 0..x.n_cols() {
            if rng.uniform() < share {
                out.set(i, k, !x.get(i, k));
            }
        }
    }
    out
}

/// Retrieval against load as a table; the picture is drawn by `cargo run --release -p gibbs --example capacity`.
fn table(rule: Rule, n_spins: usize, loads: &[f64], noise: f64, networks: usize, queries: usize) -> Result<()> {
    println!(
        "\n{rule:?}, N = {n_spins}, queries with {:.0} % of the spins turned, {networks} networks x {queries} queries",
        100.0 * noise
    );
    println!("| P/N | final overlap | share recalled (overlap >= 0.9) | sweeps |\n|---|---|---|---|");
    let trials = Trials { n_spins, networks, queries, noise, recalled_from: 0.9 };
    for load in loads {
        let r = retrieval(rule, &trials, *load, &Key::from_seed(1))?;
        println!(
            "| {load} | {:.4} +- {:.4} | {:.3} +- {:.3} | {:.1} |",
            r.overlap.mean, r.overlap.std_err, r.recalled.mean, r.recalled.std_err, r.sweeps.mean
        );
    }
    Ok(())
}

/// Share of queries that the exponential memory turns into exactly the stored pattern.
fn dense(n: usize, multiples: &[usize], queries: usize) -> Result<()> {
    println!("\nExponential memory (beta 1), N = {n}, 10 % of the spins turned, exact recall of {queries} queries");
    println!("| P / N | recalled exactly | seconds |\n|---|---|---|");
    for multiple in multiples {
        let key = Key::from_seed(2).step(*multiple as u64);
        let stored = patterns(multiple * n, n, &key);
        let start = noisy(&stored.slice(0, queries.min(stored.n_rows())), 0.1, &key.block(1));
        let clock = Instant::now();
        let memory = DenseMemory::new(Interaction::Exponential { beta: 1.0 }, stored)?;
        let found = memory.recall(&start, Update::Asynchronous, 20, &key.block(2));
        let exact =
            (0..queries).filter(|i| found.states.slice(*i, i + 1) == memory.patterns().slice(*i, i + 1)).count();
        println!("| {multiple} | {exact} of {queries} | {:.2} |", clock.elapsed().as_secs_f64());
    }
    Ok(())
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn timed(reps: usize, mut f: impl FnMut()) -> f64 {
    f();
    let once = |f: &mut dyn FnMut()| {
        let clock = Instant::now();
        f();
        clock.elapsed().as_secs_f64()
    };
    median((0..reps).map(|_| once(&mut f)).collect())
}

/// One asynchronous sweep of many queries, fields included, beside what its product and its rows of couplings must cost.
fn speed(n: usize, n_queries: usize, reps: usize) -> Result<()> {
    let key = Key::from_seed(3);
    let stored = patterns(n / 10, n, &key);
    let memory = Hopfield::store(Rule::Hebbian, &stored)?;
    let recaller = Recaller::new(&memory);
    let index: Vec<usize> = (0..n_queries).map(|i| i % stored.n_rows()).collect();
    let queries = noisy(&stored.select(&index), 0.1, &key.block(1));

    // The rate of the product at the same shapes, and of memory: both cores read 64 MiB that no cache holds.
    let packed = Packed::new(n, n, memory.couplings());
    let (ones, mut out) = (vec![1.0f32; n_queries * n], vec![0.0f32; n_queries * n]);
    let gemm = timed(reps, || {
        let rows = out.par_chunks_mut(n * n_queries.div_ceil(8)).zip(ones.par_chunks(n * n_queries.div_ceil(8)));
        rows.for_each(|(out, a)| matmul(a.len() / n, a, &packed, None, false, out));
    });
    let flops = 2.0 * (n_queries * n * n) as f64 / gemm;
    let big = vec![1u64; 8 << 20];
    let mut total = 0u64;
    let seconds = timed(reps, || {
        total += big.par_chunks(1 << 18).map(|c| c.iter().fold(0u64, |s, x| s.wrapping_add(*x))).sum::<u64>();
    });
    let bandwidth = (big.len() * 8) as f64 / seconds;

    let mut flips = 0;
    let mut touched = 0;
    let sweep = timed(reps, || {
        let ends: Vec<(usize, Bits)> = (0..n_queries.div_ceil(QUERIES_AT_ONCE))
            .into_par_iter()
            .with_max_len(1)
            .map(|b| {
                let first = b * QUERIES_AT_ONCE;
                let mut x = queries.slice(first, (first + QUERIES_AT_ONCE).min(n_queries));
                let mut h = vec![0.0; x.n_rows() * n];
                recaller.fields(&x, &mut h);
                let done = vec![false; x.n_rows()];
                recaller.sweep(&mut x, &mut h, &done, &key.block(2 + b as u64));
                (first, x)
            })
            .collect();
        (flips, touched) = (0, 0);
        for (first, x) in &ends {
            let mut any = vec![0u64; x.stride()];
            for row in 0..x.n_rows() {
                for (k, a) in any.iter_mut().enumerate() {
                    let turned = x.view().row(row)[k] ^ queries.view().row(first + row)[k];
                    flips += turned.count_ones();
                    *a |= turned;
                }
            }
            touched += any.iter().map(|w| w.count_ones()).sum::<u32>();
        }
    });
    let product = 2.0 * (n_queries * n * n) as f64 / flops;
    let rows = |count: u32| f64::from(count) * 4.0 * n as f64 / bandwidth;
    println!("\none sweep of {n_queries} queries, N = {n}: {:.2} ms, {flips} flips", 1e3 * sweep);
    println!("product at {:.1} GFLOP/s: {:.2} ms; memory {:.1} GB/s", flops / 1e9, 1e3 * product, bandwidth / 1e9);
    for (name, count) in [("once a block of queries", touched), ("once a flip", flips)] {
        let floor = product + rows(count);
        println!("floor, rows read {name}: {:.2} ms: share {:.0} %", 1e3 * floor, 100.0 * floor / sweep);
    }
    Ok(())
}

fn main() -> Result<()> {
    let loads = [0.05, 0.1, 0.12, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.2];
    match std::env::args().nth(1).as_deref() {
        Some("capacity") => {
            table(Rule::Hebbian, 2000, &loads, 0.0, 8, 64)?;
            table(Rule::Storkey, 500, &[0.1, 0.14, 0.2, 0.25, 0.3, 0.4], 0.0, 4, 50)?;
            table(Rule::Projection, 500, &[0.14, 0.3, 0.5, 0.7, 0.9], 0.0, 4, 50)?;
            table(Rule::Projection, 500, &[0.14, 0.3, 0.5, 0.7], 0.1, 4, 50)
        }
        Some("dense") => dense(100, &[10, 50, 100, 500], 200),
        Some("speed") => speed(2000, 256, 9),
        Some("--quick") => {
            table(Rule::Hebbian, 200, &[0.05, 0.25], 0.0, 3, 10)?;
            dense(40, &[1, 50], 20)?;
            speed(200, 64, 3)
        }
        _ => Err("capacity, dense, speed or --quick".into()),
    }
}
