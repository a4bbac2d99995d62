//! Seconds of a training epoch and of annealed importance sampling at the size of MNIST, one JSON line each.
//!
//! 784 visible and 500 hidden units, 60,000 rows of density 0.13, batch 100: CD-1 and PCD-1 with 100 chains; AIS with 100
//! chains. The number of threads is that of `RAYON_NUM_THREADS`, all cores without it. Figures beside other programs on
//! the same work are in `record/speed.md`.
//!
//! ```text
//! cargo run --release -p gibbs-spin --example speed -- [pcd|cd|ais] [--quick]
//! ```

use std::ops::ControlFlow;
use std::time::Instant;

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::log_partition::Ais;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::objective::Objective;
use gibbs_core::objectives::ContrastiveDivergence;
use gibbs_core::optimisers::{Optimiser, Sgd};
use gibbs_core::path::Learnable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};

const VISIBLE: usize = 784;
const HIDDEN: usize = 500;
const BATCH: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|a| a == "--quick");
    let wanted = |name: &str| arguments.iter().all(|a| a.starts_with("--")) || arguments.iter().any(|a| a == name);
    let Ok(pool) = rayon::ThreadPoolBuilder::new().build() else {
        return eprintln!("no threads could be started");
    };
    // Inside the pool: a loop of many small parallel steps must not wake it at every step.
    pool.install(|| {
        let n = if quick { 2_000 } else { 60_000 };
        for (name, persistent) in [("pcd", true), ("cd", false)] {
            if wanted(name) {
                epochs(name, persistent, n, if quick { 1 } else { 3 });
            }
        }
        if wanted("ais") {
            anneal(if quick { 20 } else { 1_000 }, if quick { 1 } else { 3 });
        }
    });
}

/// Bright in the middle and dark at the rim, as handwritten digits are.
fn rows(n: usize) -> Bits {
    let weight = |k: usize| {
        let (y, x) = ((k / 28) as f64 - 13.5, (k % 28) as f64 - 13.5);
        (-(y * y + x * x) / (2.0 * 5.6f64.powi(2))).exp()
    };
    let mean = (0..VISIBLE).map(weight).sum::<f64>() / VISIBLE as f64;
    let logit = |k: usize| {
        let p = (0.13 * weight(k) / mean).clamp(1e-6, 1.0 - 1e-6);
        (p / (1.0 - p)).ln() as f32
    };
    Bernoulli::new((0..VISIBLE).map(logit).collect()).sample(n, &Key::from_seed(1))
}

fn epochs(name: &str, persistent: bool, n: usize, repetitions: u64) {
    let data = rows(n);
    let base = Bernoulli::new(vec![0.0; VISIBLE]);
    let mut path = RbmPath::new(base, Rbm::random(VISIBLE, HIDDEN, 0.01, &Key::from_seed(2)));
    let objective = ContrastiveDivergence { kernel: BlockGibbs, n_steps: 1, persistent, n_chains: BATCH };
    let mut ws = Scratch::default();
    let mut state = objective.init(&path, &data, &Key::from_seed(3), &mut ws);
    let mut grad = path.params().zeros_like();
    let mut optimiser = Sgd::new(0.0, path.params());
    let weights = vec![1.0 / BATCH as f64; BATCH];
    let mut seconds = Vec::new();
    // One more epoch than is reported: the first warms caches and threads up.
    for repetition in 0..=repetitions {
        let start = Instant::now();
        let key = Key::from_seed(4).step(repetition);
        for i in 0..n / BATCH {
            let batch = data.slice(i * BATCH, (i + 1) * BATCH);
            let step = key.step(i as u64);
            let watch = &mut |_: &_| {};
            objective.gradient(&path, &batch, &weights, &mut state, &mut grad, watch, false, &step, &mut ws);
            optimiser.step(path.params_mut(), &grad, 0.05);
        }
        seconds.push(start.elapsed().as_secs_f64() * 60_000.0 / n as f64);
    }
    report(name, "seconds an epoch of 60,000 rows", &seconds[1..]);
}

fn anneal(temperatures: usize, repetitions: u64) {
    let path =
        RbmPath::new(Bernoulli::new(vec![-1.9; VISIBLE]), Rbm::random(VISIBLE, HIDDEN, 0.05, &Key::from_seed(2)));
    let Ok(ais) = Ais::new(BlockGibbs, 100, linear_ladder(temperatures)) else { return };
    let mut seconds = Vec::new();
    for repetition in 0..=repetitions {
        let start = Instant::now();
        let go = &mut |_, _| ControlFlow::Continue(());
        let estimate = ais.estimate(&path, &Key::from_seed(repetition), &mut Scratch::default(), go);
        std::hint::black_box(estimate.ok());
        seconds.push(start.elapsed().as_secs_f64() * 14_500.0 / temperatures as f64);
    }
    report("ais", "seconds for 14,500 temperatures", &seconds[1..]);
}

fn report(name: &str, what: &str, seconds: &[f64]) {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rounded: Vec<String> = seconds.iter().map(|s| format!("{s:.3}")).collect();
    println!(
        "{{\"bench\":\"{name}\",\"what\":\"{what}\",\"threads\":{},\"median\":{:.3},\"all\":[{}]}}",
        rayon::current_num_threads(),
        sorted[sorted.len() / 2],
        rounded.join(",")
    );
}
