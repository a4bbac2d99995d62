//! The tables of `record/denoise.md`: flipped pixels of MNIST digits restored by every method, and the speed of the sweeps.
//!
//! ```text
//! cargo run --release -p gibbs --example denoise -- train|test DATA_DIR [DIGITS] | speed | --quick
//! ```

use std::time::Instant;

use gibbs::denoise::{Method, restore_bits};
use gibbs_core::key::Key;
use gibbs_data::{NamedOptions, Part, Table, named};
use gibbs_kernels::multispin::picture::Picture;
use gibbs_spin::field::IsingReplicas;
use gibbs_spin::graph::{Connectivity, Graph};
use gibbs_spin::restoration::estimate::usual;
use gibbs_spin::restoration::{Estimate, Flips, Prior, Restoration};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Digits side by side on one page, forty in a row; pixels from `threshold` on are ink.
fn page(digits: &Table, side: usize, n: usize, threshold: f64) -> Picture {
    let columns = n.min(40);
    let ink = |i: usize, j: usize| {
        let digit = i / side * columns + j / side;
        digit < n && digits.value(digit, i % side * side + j % side) >= threshold
    };
    Picture::from_fn(n.div_ceil(columns) * side, columns * side, ink)
}

fn flipped(clean: &Picture, rate: f64, key: &Key) -> Picture {
    let (mut rng, width) = (key.rng(), clean.width());
    let flips: Vec<bool> = (0..clean.height() * width).map(|_| rng.uniform() < rate).collect();
    Picture::from_fn(clean.height(), width, |i, j| clean.get(i, j) != flips[i * width + j])
}

fn bytes(x: &Picture) -> Vec<u8> {
    let mut out = Vec::with_capacity(x.height() * x.width());
    x.for_each(|_, _, bit| out.push(u8::from(bit)));
    out
}

/// Percent of pixels that differ.
fn off(a: &[u8], b: &[u8]) -> f64 {
    100.0 * a.iter().zip(b).filter(|(a, b)| a != b).count() as f64 / a.len() as f64
}

const METHODS: [(&str, Method); 5] = [
    ("ICM", Method::Icm),
    ("mean field", Method::MeanField),
    ("belief propagation", Method::Bp),
    ("Gibbs marginals", Method::Marginals),
    ("annealed MAP", Method::Annealing),
];

/// Every method on one page.
fn table(clean: &Picture, rate: f64, connectivity: Connectivity, sweeps: u64) -> Result<()> {
    let seen = flipped(clean, rate, &Key::from_seed(1));
    let start = Instant::now();
    let estimate = Estimate { connectivity, ..Estimate::default() };
    let posterior = estimate.run(&seen, &Key::from_seed(2))?;
    let Restoration { prior, flips } = posterior;
    println!(
        "\n{connectivity:?} neighbours, {:.0} % flipped; estimated in {:.2} s: couplings by distance {:.3?}, bias {:.3}, \
         noise {:.2} %\n",
        100.0 * rate,
        start.elapsed().as_secs_f64(),
        &prior.couplings()[..connectivity.n_kinds()],
        prior.bias,
        100.0 * flips.rate()
    );
    println!("| | wrong pixels, % | energy, nats | s | iterations |\n|---|---|---|---|---|");
    let (field, truth) = (posterior.field(&seen)?, bytes(clean));
    let noisy = bytes(&seen);
    println!("| noisy | {:.3} | {:.1} | | |", off(&noisy, &truth), field.energy_of(&noisy));
    println!("| clean | 0 | {:.1} | | |", field.energy_of(&truth));
    for (name, method) in METHODS {
        let start = Instant::now();
        let (x, end) = restore_bits(&posterior, &seen, method, sweeps, &Key::from_seed(3))?;
        let end = end
            .map_or(String::new(), |e| format!("{}{}", e.iterations, if e.converged { "" } else { ", not converged" }));
        let seconds = start.elapsed().as_secs_f64();
        println!("| {name} | {:.3} | {:.1} | {seconds:.2} | {end} |", off(&x, &truth), field.energy_of(&x));
    }
    Ok(())
}

/// Digits one by one: coupling and noise from 784 pixels each.
fn one_by_one(digits: &Table, side: usize, n: usize, threshold: f64, rate: f64, sweeps: u64) -> Result<()> {
    let (mut noisy, mut restored) = (0.0, 0.0);
    for d in 0..n {
        let clean = Picture::from_fn(side, side, |i, j| digits.value(d, i * side + j) >= threshold);
        let seen = flipped(&clean, rate, &Key::from_seed(1).step(d as u64));
        let posterior = Estimate::default().run(&seen, &Key::from_seed(2).step(d as u64))?;
        let (x, _) = restore_bits(&posterior, &seen, Method::Marginals, sweeps, &Key::from_seed(3).step(d as u64))?;
        noisy += off(&bytes(&seen), &bytes(&clean)) / n as f64;
        restored += off(&x, &bytes(&clean)) / n as f64;
    }
    println!("\n{n} digits one by one, {:.0} % flipped: {noisy:.3} % wrong, restored {restored:.3} %", 100.0 * rate);
    Ok(())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Sweeps of a megapixel given what was seen, and of replicas on random graphs of degree 6.
fn speed(side: usize, sites: &[usize], repeats: usize) -> Result<()> {
    let clean = Picture::from_fn(side, side, |i, j| (i / 40 + j / 60) % 3 == 0);
    let seen = flipped(&clean, 0.1, &Key::from_seed(1));
    let threads = rayon::current_num_threads();
    let four = Prior { coupling: 0.5, ..Prior::default() };
    let eight = Prior { diagonal: 0.25, ..four };
    for (name, prior) in [("four", four), ("eight", eight), ("24", usual(Connectivity::TwentyFour))] {
        let posterior = Restoration::new(prior, Flips::new(0.1)?)?;
        let mut x = seen.clone();
        let times = (0..repeats).map(|t| {
            let start = Instant::now();
            posterior.sweep(&mut x, &seen, 1.0, 50, &Key::from_seed(t as u64));
            start.elapsed().as_secs_f64()
        });
        let s = median(times.collect());
        let rate = 50.0 * (side * side) as f64 / s / 1e6;
        println!(
            "{side} x {side} pixels, {name} neighbours, 50 sweeps, {threads} threads: {s:.4} s, {rate:.0} updates/us"
        );
    }
    for &n in sites {
        let mut replicas = IsingReplicas::random(Graph::regular(n, 6, &Key::from_seed(1))?, &Key::from_seed(2))?;
        let sweeps = (20_000_000 / (n as u64 * 64)).max(1);
        let times = (0..repeats).map(|t| {
            let start = Instant::now();
            let done = replicas.sweep(0.15, 0.0, sweeps, &Key::from_seed(t as u64));
            done.map(|()| start.elapsed().as_secs_f64())
        });
        let s = median(times.collect::<std::result::Result<_, _>>()?);
        let rate = sweeps as f64 * n as f64 * 64.0 / s / 1e9;
        println!("64 replicas of a graph of {n} sites of degree 6, {threads} threads: {rate:.3} updates/ns");
    }
    Ok(())
}

fn digits(part: Part, folder: &str) -> Result<Table> {
    let options = NamedOptions { part, data_dir: Some(folder.into()), ..NamedOptions::default() };
    Ok(named("mnist", &options, &Key::from_seed(0))?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--quick"] => {
            let digits = named("digits", &NamedOptions::default(), &Key::from_seed(0))?;
            table(&page(&digits, 8, 200, 8.0), 0.1, Connectivity::TwentyFour, 100)?;
            one_by_one(&digits, 8, 20, 8.0, 0.1, 50)?;
            speed(200, &[1000], 2)
        }
        ["speed"] => speed(1024, &[16_384, 1_000_000], 7),
        [part @ ("train" | "test"), folder, ref rest @ ..] => {
            let n = rest.first().map_or(Ok(1000), |n| n.parse())?;
            let digits = digits(if part == "train" { Part::Train } else { Part::Test }, folder)?;
            let clean = page(&digits, 28, n, 128.0);
            for rate in [0.1, 0.2] {
                for connectivity in [Connectivity::Four, Connectivity::Eight, Connectivity::TwentyFour] {
                    table(&clean, rate, connectivity, 1000)?;
                }
                one_by_one(&digits, 28, n.min(200), 128.0, rate, 1000)?;
            }
            Ok(())
        }
        _ => Err("train DATA_DIR, test DATA_DIR, speed, or --quick".into()),
    }
}
