//! Adaptation finds the step size and the metric, and says when there is none to be found.

mod targets;

use gibbs_core::adapt::{AdaptError, DiagonalMass, WarmUp, warm_up};
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::{Hmc, Langevin, Mala, RandomWalk};
use gibbs_core::scratch::Scratch;
use targets::{Correlated, check_invariance};

/// Widths that differ by a factor of 600.
const LOPSIDED: Correlated = Correlated { sd: [30.0, 0.05], rho: 0.5 };

fn adapt<K: Kernel<Target<Correlated>, Tuning = StepTuning, Info = MoveInfo>>(
    kernel: &K,
    options: &WarmUp,
) -> (StepTuning, f64) {
    let path = Target(LOPSIDED);
    let mut start = Dense::zeros(256, 2);
    start.values_mut().chunks_exact_mut(2).enumerate().for_each(|(i, x)| x[0] = i as f64 - 128.0);
    let mut chains = Ensemble::start(kernel, &path, &start);
    let tuning = warm_up(kernel, &path, 1.0, &mut chains, options, &Key::from_seed(1)).unwrap();
    let mut info = MoveInfo::default();
    for t in 0..50 {
        let infos = chains.advance(kernel, &path, 1.0, &tuning, 1, &Key::from_seed(2).step(t));
        info = infos.into_iter().fold(info, MoveInfo::join);
    }
    (tuning, info.acceptance_rate())
}

/// From a step size that is wrong by orders of magnitude. The acceptance that follows is within 0.07 of its target: the
/// averaged iterates have an error of some `1 / sqrt(50)` of the spread of one step's mean acceptance over 256 chains,
/// 0.02, and the curvature of acceptance in the step adds a bias of the same size. The variance of 256 chains over 100
/// steps or more is known to 10 per cent even if a chain decorrelates in 100.
#[test]
fn steps_and_metrics_are_found() {
    let options = WarmUp { n_steps: 600, target_acceptance: 0.8, learn_variance: true };
    let (hmc, acceptance) = adapt(&Hmc::new(10.0, 5).unwrap(), &options);
    assert!((acceptance - 0.8).abs() < 0.07, "{acceptance} {hmc:?}");
    for (v, sd) in hmc.variance.iter().zip(LOPSIDED.sd) {
        assert!((v / (sd * sd) - 1.0).abs() < 0.4, "{hmc:?}");
    }
    let (mala, acceptance) = adapt(&Mala::new(1e-4).unwrap(), &WarmUp { target_acceptance: 0.574, ..options });
    assert!((acceptance - 0.574).abs() < 0.07, "{acceptance} {mala:?}");
    let (walk, acceptance) = adapt(&RandomWalk::new(1.0).unwrap(), &WarmUp { target_acceptance: 0.3, ..options });
    assert!((acceptance - 0.3).abs() < 0.07, "{acceptance} {walk:?}");

    let only_step = WarmUp { learn_variance: false, ..options };
    assert!(adapt(&Hmc::new(10.0, 5).unwrap(), &only_step).0.variance.is_empty());

    // What was found is a valid kernel.
    let exact = LOPSIDED.draws(20_000, &Key::from_seed(3));
    let kernel = Hmc::new(10.0, 5).unwrap();
    check_invariance((&kernel, &hmc), &Target(LOPSIDED), &exact, &LOPSIDED.moments(), 5, 1e-5).unwrap();
}

#[test]
fn what_cannot_be_adapted_is_said() {
    let path = Target(LOPSIDED);
    let start = LOPSIDED.draws(20, &Key::from_seed(4));
    let options = WarmUp::default();
    let langevin = Langevin::new(1e-6).unwrap();
    let mut chains = Ensemble::start(&langevin, &path, &start);
    let error = warm_up(&langevin, &path, 1.0, &mut chains, &options, &Key::from_seed(5)).unwrap_err();
    assert!(matches!(error, AdaptError::NeverRefuses { .. }) && error.to_string().contains("refuses nothing"));

    let hmc = Hmc::new(0.1, 3).unwrap();
    let mut chains = Ensemble::start(&hmc, &path, &start);
    let mut run = |options| warm_up(&hmc, &path, 1.0, &mut chains, &options, &Key::from_seed(5)).unwrap_err();
    assert_eq!(run(WarmUp { n_steps: 5, ..options }), AdaptError::TooShort(5));
    assert_eq!(run(WarmUp { target_acceptance: 1.0, ..options }), AdaptError::Target(1.0));

    let mut chains = Ensemble::start(&hmc, &Target(Nowhere), &start);
    let error = warm_up(&hmc, &Target(Nowhere), 1.0, &mut chains, &options, &Key::from_seed(5)).unwrap_err();
    assert!(matches!(error, AdaptError::NeverAccepts { .. }), "{error}");
}

/// An energy that is no number.
struct Nowhere;

impl Energy for Nowhere {
    type X = Dense<f64>;

    fn energy(&self, _x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
        out.fill(f64::NAN);
    }
}

impl Gradient for Nowhere {
    fn energy_grad(&self, _x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, _ws: &mut Scratch) {
        e.fill(f64::NAN);
        g.values_mut().fill(f64::NAN);
    }
}

/// Welford's update against the two-pass formula, around a large mean where the naive one has no digit left.
#[test]
fn running_variances_are_variances() {
    let mut x = LOPSIDED.draws(300, &Key::from_seed(6));
    x.values_mut().iter_mut().for_each(|v| *v += 1e9);
    let mut mass = DiagonalMass::new(2);
    mass.add(&x.slice(0, 100));
    mass.add(&x.slice(100, 300));
    for j in 0..2 {
        let column: Vec<f64> = (0..x.n_rows()).map(|i| x.row(i)[j] - 1e9).collect();
        let mean = column.iter().sum::<f64>() / 300.0;
        let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 299.0;
        // Numbers around 1e9 are rounded by 1e-7, and so is the mean, step by step.
        assert!((mass.mean()[j] - 1e9 - mean).abs() < 1e-5);
        assert!((mass.sample_variance()[j] / variance - 1.0).abs() < 1e-3, "{j}");
        let drawn = (300.0 * mass.sample_variance()[j] + 5e-3) / 305.0;
        assert!((mass.variance()[j] - drawn).abs() < 1e-12 * drawn);
    }
    assert_eq!(DiagonalMass::new(1).variance(), [1e-3]);
}
