//! The RBM at the size of MNIST, with criterion: `cargo bench -p gibbs-spin`.
//!
//! One update of CD-1 and PCD-1 (784 x 500, batch 100), and ten temperatures of AIS with 100 chains.

use std::ops::ControlFlow;

use criterion::{Criterion, criterion_group, criterion_main};
use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::log_partition::Ais;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::objective::Objective;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood};
use gibbs_core::path::Learnable;
use gibbs_core::scratch::Scratch;
use gibbs_spin::{Bernoulli, BlockGibbs, Rbm, RbmPath};

fn updates(c: &mut Criterion) {
    let mut group = c.benchmark_group("update 784x500, batch 100");
    let base = Bernoulli::new(vec![-1.9; 784]);
    let data = base.sample(100, &Key::from_seed(1));
    let path = RbmPath::new(base, Rbm::random(784, 500, 0.01, &Key::from_seed(2)));
    let weights = vec![0.01; 100];
    for (name, persistent) in [("CD-1", false), ("PCD-1", true)] {
        let objective = ContrastiveDivergence { kernel: BlockGibbs, n_steps: 1, persistent, n_chains: 100 };
        let mut ws = Scratch::default();
        let mut state = objective.init(&path, &data, &Key::from_seed(3), &mut ws);
        let mut grad = path.params().zeros_like();
        let mut step = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                step += 1;
                let key = Key::from_seed(4).step(step);
                let watch = &mut |_: &_| {};
                objective.gradient(&path, &data, &weights, &mut state, &mut grad, watch, false, &key, &mut ws)
            });
        });
    }
    group.finish();
}

fn exact(c: &mut Criterion) {
    let base = Bernoulli::new(vec![0.0; 64]);
    let data = base.sample(100, &Key::from_seed(1));
    let path = RbmPath::new(base, Rbm::random(64, 16, 0.5, &Key::from_seed(2)));
    let mut grad = path.params().zeros_like();
    let mut ws = Scratch::default();
    let weights = vec![0.01; 100];
    c.bench_function("exact gradient 64x16", |b| {
        b.iter(|| {
            let (key, watch) = (Key::from_seed(0), &mut |_: &_| {});
            ExactLikelihood.gradient(&path, &data, &weights, &mut (), &mut grad, watch, false, &key, &mut ws)
        });
    });
}

fn annealing(c: &mut Criterion) {
    let path = RbmPath::new(Bernoulli::new(vec![-1.9; 784]), Rbm::random(784, 500, 0.05, &Key::from_seed(2)));
    let mut ws = Scratch::default();
    c.bench_function("AIS 784x500, 100 chains, 10 temperatures", |b| {
        let ais = Ais::new(BlockGibbs, 100, linear_ladder(10));
        b.iter(|| {
            let go = &mut |_, _| ControlFlow::Continue(());
            ais.as_ref().ok().map(|a| a.estimate(&path, &Key::from_seed(0), &mut ws, go).is_ok())
        });
    });
}

criterion_group!(benches, updates, exact, annealing);
criterion_main!(benches);
