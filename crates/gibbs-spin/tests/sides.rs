//! Estimators of log Z from either side, and cross-checks, on RBMs whose log Z is known exactly.

mod common;

use std::ops::ControlFlow;

use common::{Brute, draw_exactly, small_rbm};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{
    Ais, Bennett, Bias, ImportanceSampling, LogZ, LogZError, PilotLadder, ReverseAis, Thermodynamic,
};
use gibbs_core::path::{Annealable, Geometric};
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Rbm, RbmPath};

fn path(sd: f32, seed: u64) -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.3, -0.5, 0.0, 1.0, 0.2]), small_rbm(5, 3, sd, seed))
}

/// The same ends, joined on the free energy: another path, for another kernel.
fn geometric(sd: f32, seed: u64) -> Geometric<Bernoulli, Rbm> {
    let RbmPath { base, target } = path(sd, seed);
    Geometric { base, target }
}

fn forward<P: Annealable<X = Bits>, K: Kernel<P>>(path: &P, kernel: K, rungs: usize, n: usize, seed: u64) -> LogZ {
    let ais = Ais::new(kernel, n, linear_ladder(rungs)).unwrap();
    ais.estimate(path, &Key::from_seed(seed), &mut Scratch::default(), &mut |_, _| ControlFlow::Continue(())).unwrap().0
}

fn reverse<P: Annealable<X = Bits>, K: Kernel<P>>(path: &P, kernel: K, rungs: usize, x: Bits, seed: u64) -> LogZ {
    let ais = ReverseAis::new(kernel, linear_ladder(rungs)).unwrap();
    let go = &mut |_, _| ControlFlow::Continue(());
    let (z, _) = ais.estimate(path, x, &Key::from_seed(seed), &mut Scratch::default(), go).unwrap();
    assert_eq!(z.bias, Bias::Upper);
    z
}

/// Few rungs and many chains, as for the forward side: a wrong order of weighing and moving would show.
#[test]
fn reverse_chains_from_exact_samples_give_log_z() {
    for seed in 0..4 {
        let path = path(1.5, 10 + seed);
        let brute = Brute::new(&path.target);
        let x = draw_exactly(&brute.marginal(), 5, 20_000, seed);
        let z = reverse(&path, BlockGibbs, 3, x.clone(), seed);
        assert!((z.value - brute.log_z).abs() < 4.0 * z.std_err, "{} +- {}, {}", z.value, z.std_err, brute.log_z);
        assert!(z.std_err < 0.05); // alpha = 6e-5 each
        let geometric = geometric(1.5, 10 + seed);
        let z = reverse(&geometric, HeatBath, 3, x, seed);
        assert!((z.value - brute.log_z).abs() < 4.0 * z.std_err, "{} +- {}, {}", z.value, z.std_err, brute.log_z);
    }
}

/// Planted: samples of the base in place of samples of the model.
#[test]
fn reverse_chains_from_wrong_samples_do_not() {
    let path = path(1.5, 10);
    let exact = Brute::new(&path.target).log_z;
    let z = reverse(&path, BlockGibbs, 3, path.sample_base(20_000, &Key::from_seed(1)), 0);
    assert!((z.value - exact).abs() > 10.0 * z.std_err, "{} +- {}, exact {exact}", z.value, z.std_err);
}

/// Mean over 1,000 runs of three chains on a ladder of two rungs: below forward, above backward, by Jensen's inequality; and
/// by more than the noise, so that sides that change places would be seen.
fn bounds<P: Annealable<X = Bits>, K: Kernel<P> + Copy>(path: &P, kernel: K, brute: &Brute) {
    let marginal = brute.marginal();
    let runs = 0..1_000;
    let low: Vec<f64> = runs.clone().map(|s| forward(path, kernel, 2, 3, s).value - brute.log_z).collect();
    let high: Vec<f64> =
        runs.map(|s| reverse(path, kernel, 2, draw_exactly(&marginal, 5, 3, s), s).value - brute.log_z).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let noise = |v: &[f64]| {
        let (n, mean) = (v.len() as f64, mean(v));
        (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt()
    };
    // alpha = 3e-5 each, were the bias zero.
    assert!(mean(&low) < -4.0 * noise(&low), "{} +- {}", mean(&low), noise(&low));
    assert!(mean(&high) > 4.0 * noise(&high), "{} +- {}", mean(&high), noise(&high));
}

#[test]
fn bounds_are_bounds() {
    for seed in 0..3 {
        let joint = path(2.0, 30 + seed);
        let brute = Brute::new(&joint.target);
        bounds(&joint, BlockGibbs, &brute);
        bounds(&geometric(2.0, 30 + seed), HeatBath, &brute);
    }
}

/// Six models: the joint estimate is right and closer than both sides.
#[test]
fn bennett_joins_the_sides() {
    for seed in 0..6 {
        let path = path(2.0, 40 + seed);
        let brute = Brute::new(&path.target);
        let f = forward(&path, BlockGibbs, 4, 4_000, seed);
        let r = reverse(&path, BlockGibbs, 4, draw_exactly(&brute.marginal(), 5, 4_000, seed), seed);
        let b = Bennett::of(&f, &r).unwrap();
        let error = path.base_log_z() + b.log_ratio - brute.log_z;
        assert!(error.abs() < 4.0 * b.std_err, "{error} +- {}", b.std_err); // alpha = 6e-5
        assert!(b.std_err < f.std_err.min(r.std_err) && b.overlap > 0.1, "{b:?} {} {}", f.std_err, r.std_err);
    }
}

/// On twenty rungs the corrected trapezoid leaves nothing to be seen, on one it is off and says so.
#[test]
fn thermodynamic_integration() {
    let go = &mut |_, _| ControlFlow::Continue(());
    let mut ws = Scratch::default();
    for seed in 0..4 {
        let path = path(1.0, 50 + seed);
        let exact = Brute::new(&path.target).log_z;
        let ti = Thermodynamic::new(BlockGibbs, 1_000, 20, linear_ladder(20)).unwrap();
        let found = ti.estimate(&path, &Key::from_seed(seed), &mut ws, go).unwrap();
        let z = &found.log_z;
        // The correction to the trapezoid is of second order in the step; what it leaves is of fourth order.
        let left = found.correction.abs() / 20.0;
        assert!((z.value - exact).abs() < 4.0 * z.std_err + left, "{} +- {}, {exact}", z.value, z.std_err);
        assert!(z.std_err < 0.02 && found.below < exact && found.above > exact, "{found:?}");
        let path = geometric(2.0, 50 + seed);
        let coarse = Thermodynamic::new(HeatBath, 4_000, 20, linear_ladder(1)).unwrap();
        let found = coarse.estimate(&path, &Key::from_seed(seed), &mut ws, go).unwrap();
        assert!(!found.log_z.warnings.is_empty() && found.above - found.below > 0.1, "{found:?}");
    }
    assert_eq!(Thermodynamic::new(BlockGibbs, 1, 20, linear_ladder(1)).unwrap_err(), LogZError::Chains(1));
    assert!(matches!(Thermodynamic::new(BlockGibbs, 2, 3, linear_ladder(1)), Err(LogZError::Setting { .. })));
}

#[test]
fn importance_sampling_and_its_tail() {
    let mut ws = Scratch::default();
    let target = small_rbm(5, 3, 0.5, 60);
    let easy = RbmPath::new(Bernoulli::new(target.visible_bias().to_vec()), target);
    let exact = Brute::new(&easy.target).log_z;
    let found = ImportanceSampling::new(20_000).unwrap().estimate(&easy, &Key::from_seed(0), &mut ws).unwrap();
    for z in [&found.plain, &found.smoothed] {
        assert!(
            (z.value - exact).abs() < 4.0 * z.std_err && z.warnings.is_empty(),
            "{} +- {} {exact}",
            z.value,
            z.std_err
        );
    }
    // Thirty strongly coupled units under a flat base: most draws are worthless, and the tail says so.
    let hard = RbmPath::new(Bernoulli::new(vec![0.0; 30]), small_rbm(30, 20, 3.0, 1));
    let found = ImportanceSampling::new(2_000).unwrap().estimate(&hard, &Key::from_seed(0), &mut ws).unwrap();
    assert!(found.pareto_k.unwrap() > 1.0 && !found.plain.warnings.is_empty(), "{:?}", found.pareto_k);
}

/// A pilot's ladder rises from 0 to 1, its rungs lose about what was asked for, and other chains agree.
#[test]
fn a_pilot_finds_a_ladder_of_equal_losses() {
    let model = path(2.0, 70);
    let mut ws = Scratch::default();
    let pilot = PilotLadder::new(BlockGibbs, 2_000).unwrap().with_loss(0.1).unwrap();
    let ladder = pilot.find(&model, &Key::from_seed(1), &mut ws, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(ladder.windows(2).all(|w| w[0] < w[1]) && ladder[0] == 0.0 && ladder[ladder.len() - 1] == 1.0);
    // At a rung's lower end 1 - CESS = var(w) / <w^2>, by enumeration; the
    // pilot's 2,000 chains know it to about a tenth. The last rung is what is left.
    for pair in ladder.windows(2).rev().skip(1) {
        let p = common::path_probabilities(&model, pair[0]);
        let w: Vec<f64> =
            common::log_weight(&model, &common::all_rows(5), pair[0], pair[1]).iter().map(|w| w.exp()).collect();
        let mean: f64 = p.iter().zip(&w).map(|(p, w)| p * w).sum();
        let square: f64 = p.iter().zip(&w).map(|(p, w)| p * w * w).sum();
        let loss = 1.0 - mean * mean / square;
        assert!((loss - 0.1).abs() < 0.04, "rung {pair:?} loses {loss}");
    }
    assert!(PilotLadder::new(BlockGibbs, 2_000).unwrap().with_loss(0.0).is_err());
    let coarse = pilot.with_most_rungs(3).unwrap();
    let ladder = coarse.find(&model, &Key::from_seed(1), &mut ws, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(ladder.len() <= 4, "{ladder:?}");
}

#[test]
fn the_caller_may_stop_every_one() {
    let model = path(1.0, 80);
    let (key, mut ws) = (Key::from_seed(0), Scratch::default());
    let stop = &mut |_, _| ControlFlow::Break(());
    let x = model.sample_base(10, &key);
    let found = ReverseAis::new(BlockGibbs, linear_ladder(5)).unwrap().estimate(&model, x, &key, &mut ws, stop);
    assert_eq!(found.err(), Some(LogZError::Interrupted));
    let ti = Thermodynamic::new(BlockGibbs, 10, 4, linear_ladder(5)).unwrap();
    assert_eq!(ti.estimate(&model, &key, &mut ws, stop).err(), Some(LogZError::Interrupted));
    let found = PilotLadder::new(BlockGibbs, 10).unwrap().find(&model, &key, &mut ws, &mut |_| ControlFlow::Break(()));
    assert_eq!(found.err(), Some(LogZError::Interrupted));
    let one = model.sample_base(1, &key);
    let found = ReverseAis::new(BlockGibbs, linear_ladder(5)).unwrap().estimate(&model, one, &key, &mut ws, stop);
    assert_eq!(found.err(), Some(LogZError::Chains(1)));
}
