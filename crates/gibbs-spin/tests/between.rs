//! The ratio of two RBMs against enumeration.

mod common;

use std::ops::ControlFlow;

use common::{Brute, all_rows, small_rbm};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::bracket::Progress;
use gibbs_core::log_partition::ratio::Between;
use gibbs_core::log_partition::{Bracket, Starts, Verdict};
use gibbs_core::path::Path;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::{ExactDraws, RbmBetween};
use gibbs_spin::{BlockGibbs, Rbm};
use gibbs_testkit::chi_square_test;

fn exact(model: &Rbm) -> Starts<'static, gibbs_spin::Bits> {
    let draws = ExactDraws::new(model).unwrap();
    Starts::exact("enumeration", move |n, key: &Key| draws.sample(n, key))
}

/// Hidden layers of different size: the ratio is inside, certified, and within five of its errors.
#[test]
fn the_ratio_is_enclosed() {
    for seed in 0..4 {
        let (first, second) = (small_rbm(8, 3, 1.0, seed), small_rbm(8, 6, 1.0, 100 + seed));
        let truth = Brute::new(&second).log_z - Brute::new(&first).log_z;
        let path = RbmBetween::new(first.clone(), second.clone()).unwrap();
        let between = Between { offset: path.offset(), ..Between::new(path, exact(&first)) };
        let bracket = Bracket::new(BlockGibbs).reversible().until(0.1).unwrap();
        let go = &mut |_: Progress<'_>| ControlFlow::Continue(());
        let found = between.ratio(&bracket, &[exact(&second)], &Key::from_seed(seed), go).unwrap();
        assert!((found.value - truth).abs() < 5.0 * found.std_err, "{} +- {} {truth}", found.value, found.std_err);
        assert!(found.lower < truth + 0.02 && truth < found.upper + 0.02 && found.verdict == Verdict::Certified);
    }
    assert!(RbmBetween::new(small_rbm(4, 2, 1.0, 0), small_rbm(5, 2, 1.0, 0)).is_err());
}

/// Half-way along the path: long-run frequencies of the kernel against the enumerated density, chains that started at exact
/// draws of neither end.
#[test]
fn the_kernel_leaves_the_path_invariant() {
    let (first, second) = (small_rbm(5, 3, 1.0, 7), small_rbm(5, 4, 1.0, 8));
    let path = RbmBetween::new(first.clone(), second.clone()).unwrap();
    let (mut ws, beta, rows) = (Scratch::default(), 0.4, all_rows(5));
    let mut eval = path.empty_eval();
    path.evaluate(&rows, &mut eval, &mut ws);
    // log p*_beta = -F_1 + (log p*_beta - log p*_0), with the first machine's free energies.
    let mut log_p: Vec<f64> = Brute::new(&first).free_energy.iter().map(|f| -f).collect();
    path.add_log_weight(&rows, &eval, 0.0, beta, &mut log_p);
    let most = log_p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = log_p.iter().map(|l| (l - most).exp()).sum();
    let probs: Vec<f64> = log_p.iter().map(|l| (l - most).exp() / total).collect();
    let n = 20_000;
    let start = rows.select(&(0..n).map(|i| i % 32).collect::<Vec<_>>());
    let mut chain = Kernel::<RbmBetween>::init(&BlockGibbs, &path, start, &mut ws);
    for t in 0..60 {
        Kernel::<RbmBetween>::step(&BlockGibbs, &path, beta, &(), &mut chain, &Key::from_seed(3).step(t), &mut ws);
    }
    let mut counts = vec![0u64; 32];
    (0..n).for_each(|r| counts[(0..5).map(|k| usize::from(chain.x.get(r, k)) << k).sum::<usize>()] += 1);
    chi_square_test(&counts, &probs, 1e-4).unwrap();
    // Planted: the density at another place of the path does not pass.
    assert!(chi_square_test(&counts, &Brute::new(&second).marginal(), 1e-4).is_err());
}
