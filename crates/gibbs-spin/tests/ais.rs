//! Annealed importance sampling on RBMs whose log Z is known exactly.

mod common;

use std::ops::ControlFlow;

use common::{Brute, all_rows, log_weight, path_probabilities, small_rbm};
use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, Bias};
use gibbs_core::path::{Annealable, Geometric, Path};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::rbm::RbmEval;
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, RbmPath};

fn path(sd: f32, seed: u64) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.3, -0.5, 0.0, 1.0, 0.2]), small_rbm(5, 3, sd, seed))
}

#[test]
fn weights_are_ratios_of_the_densities_along_the_path() {
    let path = path(1.5, 1);
    let x = all_rows(5);
    let w = log_weight(&path, &x, 0.25, 0.75);
    let ratio: Vec<f64> = path_probabilities(&path, 0.75)
        .iter()
        .zip(path_probabilities(&path, 0.25))
        .map(|(p1, p0)| (p1 / p0).ln())
        .collect();
    // Equal up to the ratio of the two partition functions, which is the same for every row.
    for (w_i, r_i) in w.iter().zip(&ratio) {
        assert!(((w_i - r_i) - (w[0] - ratio[0])).abs() < 1e-4);
    }
    // From end to end the weight is base energy minus target energy.
    let whole = log_weight(&path, &x, 0.0, 1.0);
    let brute = Brute::new(&path.target);
    for (row, w) in whole.iter().enumerate() {
        let base: f64 = (0..5).filter(|k| row >> k & 1 == 1).map(|k| f64::from(path.base.logits()[k])).sum();
        let exact = -brute.free_energy[row] - base - 3.0 * 2f64.ln();
        assert!((w - exact).abs() < 1e-4, "{w} {exact}");
    }
}

#[test]
fn the_fused_rung_is_the_plain_rung() {
    let path = path(2.0, 2);
    let mut ws = Scratch::default();
    let mut a = BlockGibbs.init(&path, path.sample_base(500, &Key::from_seed(1)), &mut ws);
    let mut b = a.clone();
    let (mut wa, mut wb) = (vec![0.0; 500], vec![0.0; 500]);
    for t in 0..10 {
        let (b0, b1) = (f64::from(t) / 10.0, f64::from(t + 1) / 10.0);
        let key = Key::from_seed(2).step(t as u64);
        BlockGibbs.anneal(&path, (b0, b1), &(), &mut a, &mut wa, &key, &mut ws);
        path.add_log_weight(&b.x, &b.eval, b0, b1, &mut wb);
        BlockGibbs.step(&path, b1, &(), &mut b, &key, &mut ws);
    }
    assert_eq!(a.x, b.x);
    wa.iter().zip(&wb).for_each(|(x, y)| assert!((x - y).abs() < 1e-4, "{x} {y}"));
}

fn estimate<P: Annealable<X = Bits>, K: Kernel<P>>(
    path: &P,
    kernel: K,
    rungs: usize,
    n: usize,
    seed: u64,
) -> (f64, f64) {
    let ais = Ais::new(kernel, n, linear_ladder(rungs)).unwrap();
    let go = &mut |_, _| ControlFlow::Continue(());
    let (z, _) = ais.estimate(path, &Key::from_seed(seed), &mut Scratch::default(), go).unwrap();
    assert_eq!(z.bias, Bias::Lower);
    (z.value, z.std_err)
}

/// Few rungs and many chains: a wrong kernel or a wrong order of weighing and moving shows, where 200 rungs would
/// hide it.
#[test]
fn three_rungs_and_many_chains_give_log_z() {
    for seed in 0..4 {
        let path = path(1.5, 10 + seed);
        let exact = Brute::new(&path.target).log_z;
        let (value, se) = estimate(&path, BlockGibbs, 3, 20_000, seed);
        assert!((value - exact).abs() < 4.0 * se, "{value} +- {se}, exact {exact}"); // alpha = 6e-5 each
        assert!(se < 0.05);
    }
}

/// A kernel with a planted mistake: it moves first and weighs afterwards.
#[derive(Clone, Copy)]
struct MovesFirst;

impl Kernel<RbmPath> for MovesFirst {
    type Chain = Evaluated<Bits, RbmEval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &RbmPath, x: Bits, ws: &mut Scratch) -> Self::Chain {
        BlockGibbs.init(path, x, ws)
    }

    fn step(&self, path: &RbmPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        BlockGibbs.step(path, beta, &(), chain, key, ws);
    }

    fn anneal(
        &self,
        path: &RbmPath,
        (b0, b1): (f64, f64),
        (): &(),
        chain: &mut Self::Chain,
        log_weights: &mut [f64],
        key: &Key,
        ws: &mut Scratch,
    ) {
        self.step(path, b1, &(), chain, key, ws);
        path.add_log_weight(&chain.x, &chain.eval, b0, b1, log_weights);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Bits {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a RbmEval {
        &chain.eval
    }
}

#[test]
fn a_wrong_order_is_caught() {
    let path = path(1.5, 10);
    let exact = Brute::new(&path.target).log_z;
    let (value, se) = estimate(&path, MovesFirst, 3, 20_000, 0);
    assert!((value - exact).abs() > 10.0 * se, "{value} +- {se}, exact {exact}");
}

/// The same estimator over another path and another kernel: the geometric path on free energies, site by site.
#[test]
fn generic_over_path_and_kernel() {
    let rbm = path(1.0, 20);
    let exact = Brute::new(&rbm.target).log_z;
    let geometric = Geometric { base: rbm.base.clone(), target: rbm.target.clone() };
    let (value, se) = estimate(&geometric, HeatBath, 4, 4_000, 3);
    assert!((value - exact).abs() < 4.0 * se, "{value} +- {se}, exact {exact}");
}

#[test]
fn exact_when_base_and_target_agree() {
    let logits = vec![0.3, -0.5, 0.0, 1.0, 0.2];
    let target = gibbs_spin::Rbm::from_arrays(&[0.0; 15], &logits, &[0.0; 3]).unwrap();
    let (value, se) = estimate(&RbmPath::new(Bernoulli::new(logits), target.clone()), BlockGibbs, 2, 10, 0);
    assert!(se < 1e-6 && (value - Brute::new(&target).log_z).abs() < 1e-5);
}
