//! What is built from kernels: tempering, annealed and short runs.
//!
//! All z-tests are two-sided at `ALPHA` = 1e-5 with fixed seeds, about 20 of them: a correct library fails with
//! probability 2e-4, once and for all.

mod targets;

use std::ops::ControlFlow;

use gibbs_core::dense::Dense;
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::log_partition::Ais;
use gibbs_core::path::{Bridge, Target};
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{
    AnnealedLangevin, Hmc, Langevin, Mala, PerLevel, RandomWalk, Replicas, SamplerError, ShortRun, Start,
    SwapStatistics, Tempering, geometric_ladder,
};
use gibbs_core::scratch::Scratch;
use gibbs_testkit::z_test;
use targets::{DoubleWell, Normal, Parabola, check_convergence, positions};

const ALPHA: f64 = 1e-5;
/// A barrier of 8 nats and 1.2 nats between the wells: a local kernel crosses it once in thousands of steps.
const DEEP: DoubleWell = DoubleWell { h: 8.0, tilt: 0.6 };

fn check_variance(x: &[f64], expected: f64) -> Result<(), String> {
    let n = x.len() as f64;
    z_test(x.iter().map(|x| x * x).sum::<f64>() / n, expected * (2.0 / n).sqrt(), expected, ALPHA)
}

/// Both wells are visited as often as they should be, at the cold end and at the hot one, from starts in the wrong well.
#[test]
fn tempering_crosses_barriers() {
    let ladder = vec![0.1, 0.3, 0.6, 1.0];
    let start = Dense::from_rows(1, vec![-1.0; 8]);
    let moments = DEEP.moments();
    let path = Target(DEEP);
    let hot = DoubleWell { h: 0.8, tilt: 0.06 };
    let tuning = PerLevel([3.0, 1.5, 1.2, 1.0].map(|scale| StepTuning { scale, variance: Vec::new() }).to_vec());
    let random_walk = Tempering::new(RandomWalk::new(0.4).unwrap(), ladder.clone()).unwrap();
    check_convergence((&random_walk, &tuning), &path, &start, &moments, (500, 20_000), ALPHA).unwrap();
    let mala = Tempering::new(Mala::new(0.02).unwrap(), ladder).unwrap().with_moves(2).unwrap();
    check_convergence((&mala, &tuning), &path, &start, &moments, (500, 10_000), ALPHA).unwrap();

    let alone = Mala::new(0.02).unwrap();
    assert!(
        check_convergence((&alone, &StepTuning::default()), &path, &start, &moments, (500, 10_000), ALPHA).is_err()
    );
    // The cold end is no sample of the hot end's density.
    assert!(check_convergence((&mala, &tuning), &path, &start, &hot.moments(), (500, 10_000), ALPHA).is_err());
}

/// The hot end, read off the levels: swaps that kept the wrong one of two states would show here first.
#[test]
fn every_level_has_its_own_density() {
    let kernel = Tempering::new(RandomWalk::new(0.6).unwrap(), vec![0.25, 0.5, 1.0]).unwrap();
    let (path, tuning) = (Target(DoubleWell { h: 2.0, tilt: 0.4 }), PerLevel::default());
    let n = 10_000;
    // Independent ladders, long enough for this low barrier to be forgotten many times over.
    let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(n, 1));
    chains.advance(&kernel, &path, 1.0, &tuning, 300, &Key::from_seed(1));
    for (l, beta) in [0.25, 0.5, 1.0].into_iter().enumerate() {
        let level = DoubleWell { h: 2.0 * beta, tilt: 0.4 * beta };
        let at = |c: &Replicas<_>| -> Vec<f64> {
            Kernel::<Target<DoubleWell>>::position(&RandomWalk { step_size: 0.6 }, &c.levels()[l]).values().to_vec()
        };
        let x = Dense::from_rows(1, chains.blocks().iter().flat_map(at).collect());
        targets::check_moments(&x, &level.moments(), ALPHA).unwrap();
        let other = DoubleWell { h: 3.0 * beta, tilt: 0.6 * beta };
        assert!(targets::check_moments(&x, &other.moments(), ALPHA).is_err());
    }
}

/// Levels that are as good as equal accept every swap, and each replica walks straight up and down: of `n` replicas
/// one comes home every two rounds.
#[test]
fn round_trips_are_counted() {
    let ladder: Vec<f64> = (0..5).map(|i| 1.0 - 1e-9 * f64::from(4 - i)).collect();
    let kernel = Tempering::new(Langevin::new(0.05).unwrap(), ladder).unwrap();
    let path = Target(Parabola { a: 1.0 });
    let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(200, 1));
    let n_rounds = 1_000;
    chains.advance(&kernel, &path, 1.0, &PerLevel::default(), n_rounds, &Key::from_seed(2));
    let mut swaps = SwapStatistics::default();
    chains.blocks().iter().for_each(|c| swaps.join(c.swaps()));
    assert_eq!((swaps.rounds, swaps.tried.as_slice()), (200 * n_rounds, &[200 * n_rounds / 2; 4][..]));
    assert!(swaps.rates().iter().all(|r| *r > 1.0 - 1e-6) && swaps.barrier() < 1e-5);
    // The first trips take 2 n rounds.
    assert!((swaps.round_trip_rate() - 0.5).abs() < 0.01, "{}", swaps.round_trip_rate());
    assert!((swaps.ideal_round_trip_rate() - 0.5).abs() < 1e-5);

    let kernel = Tempering::new(RandomWalk::new(0.4).unwrap(), geometric_ladder(0.1, 4)).unwrap();
    let mut chains = Ensemble::start(&kernel, &Target(DEEP), &Dense::zeros(100, 1));
    chains.advance(&kernel, &Target(DEEP), 1.0, &PerLevel::default(), 2_000, &Key::from_seed(3));
    let swaps = chains.blocks()[0].swaps();
    assert!(swaps.rates().iter().all(|r| (0.1..0.95).contains(r)), "{:?}", swaps.rates());
    assert!(swaps.round_trips > 0 && swaps.round_trip_rate() < 1.2 * swaps.ideal_round_trip_rate());
}

#[test]
fn a_tempered_run_resumes_bit_for_bit() {
    let kernel = Tempering::new(Mala::new(0.02).unwrap(), geometric_ladder(0.1, 3)).unwrap();
    let (path, tuning, mut ws) = (Target(DEEP), PerLevel::default(), Scratch::default());
    let x = DEEP.draws(20, &Key::from_seed(4));
    let mut chain = kernel.init(&path, x.clone(), &mut ws);
    let step = |chain: &mut _, t: u64, ws: &mut Scratch| {
        kernel.step(&path, 1.0, &tuning, chain, &Key::from_seed(5).step(t), ws);
    };
    (0..7).for_each(|t| step(&mut chain, t, &mut ws));
    let mut saved = TensorMap::default();
    chain.save("", &mut saved);
    let mut other = kernel.init(&path, x, &mut ws);
    other.load("", &saved).unwrap();
    (7..12).for_each(|t| step(&mut chain, t, &mut ws));
    (7..12).for_each(|t| step(&mut other, t, &mut ws));
    let cold = |chain: &Replicas<_>| Kernel::<Target<DoubleWell>>::position(&kernel, chain).clone();
    assert_eq!(cold(&chain), cold(&other));
    assert_eq!(chain.swaps(), other.swaps());

    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut chains = Ensemble::start(&kernel, &path, &DEEP.draws(300, &Key::from_seed(6)));
            chains.advance(&kernel, &path, 1.0, &tuning, 10, &Key::from_seed(7));
            positions(&kernel, &path, &chains)
        })
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn ladders_are_checked() {
    let ladder = |l: &[f64]| Tempering::new(Mala::new(0.1).unwrap(), l.to_vec()).map(|_| ());
    assert!(ladder(&[0.0, 0.5, 1.0]).is_ok() && ladder(&geometric_ladder(0.01, 7)).is_ok());
    assert!(matches!(ladder(&[1.0]), Err(SamplerError::Ladder { index: 1, .. })));
    assert!(matches!(ladder(&[0.5, 0.4, 1.0]), Err(SamplerError::Ladder { index: 1, .. })));
    assert!(matches!(ladder(&[0.5, 0.9]), Err(SamplerError::Ladder { index: 1, .. })));
    assert!(ladder(&[f64::NAN, 1.0]).is_err() && ladder(&[-0.5, 1.0]).is_err());
    assert!(Tempering::new(Mala::new(0.1).unwrap(), vec![0.5, 1.0]).unwrap().with_moves(0).is_err());
}

/// Annealed importance sampling over three rungs, few enough that the weights hang on the kernel: exact with every corrected
/// kernel. Langevin at a small step is as good; at a large one its bias is in the weights.
#[test]
fn annealed_importance_sampling_finds_log_z() {
    const WELL: DoubleWell = DoubleWell { h: 2.0, tilt: 0.4 };
    fn error<K: Kernel<Bridge<Normal, DoubleWell>>>(kernel: K) -> f64 {
        let path = Bridge { base: Normal { sd: 1.0 }, target: WELL };
        let ais = Ais::new(kernel, 50_000, vec![0.0, 0.3, 0.6, 1.0]).unwrap();
        let go_on = &mut |_: usize, _: usize| ControlFlow::Continue(());
        let (log_z, _) = ais.estimate(&path, &Key::from_seed(20), &mut Scratch::default(), go_on).unwrap();
        assert!(log_z.std_err < 0.01, "{log_z:?}");
        (log_z.value - WELL.log_z()) / log_z.std_err
    }
    // 4.42 standard errors: ALPHA, two-sided.
    assert!(error(Mala::new(0.2).unwrap()).abs() < 4.42);
    assert!(error(Hmc::new(0.4, 3).unwrap()).abs() < 4.42);
    assert!(error(RandomWalk::new(0.8).unwrap()).abs() < 4.42);
    assert!(error(Langevin::new(0.01).unwrap()).abs() < 4.42);
    assert!(error(Langevin::new(0.15).unwrap()).abs() > 4.42);
}

/// On a parabola every step is `x' = (1 - a eta) x + sqrt(2 eta T) xi`: the variance is carried through the levels exactly.
#[test]
fn annealed_runs_have_the_variance_of_their_recursion() {
    let (levels, n_steps, n) = (vec![3.0, 1.0, 0.3], 4, 50_000);
    let run = AnnealedLangevin::new(0.05, levels.clone(), n_steps).unwrap();
    let start = Start::Normal { sd: 3.0 }.draw(n, 1, &Key::from_seed(8));
    let carry = |of: &dyn Fn(f64) -> (f64, f64, f64)| {
        let mut variance = 9.0;
        for &level in &levels {
            let (a, eta, temperature) = of(level);
            for _ in 0..n_steps {
                variance = (1.0 - a * eta).powi(2) * variance + 2.0 * eta * temperature;
            }
        }
        variance
    };
    // Data of variance 1/4 with noise of variance sigma^2.
    let a_of = |sigma: f64| 1.0 / (0.25 + sigma * sigma);
    let x = run.noise_levels(|sigma| Target(Parabola { a: a_of(sigma) }), &start, &Key::from_seed(9));
    let expected = carry(&|sigma| (a_of(sigma), 0.05 * (sigma / 0.3).powi(2), 1.0));
    check_variance(x.values(), expected).unwrap();
    let x = run.temperatures(&Target(Parabola { a: 1.0 }), &start, &Key::from_seed(9));
    check_variance(x.values(), carry(&|t| (1.0, 0.05 * t / 0.3, t))).unwrap();
    // Planted: the same step at every level.
    assert!(check_variance(x.values(), carry(&|t| (1.0, 0.05, t))).is_err());

    assert!(matches!(AnnealedLangevin::new(0.1, vec![1.0, 2.0], 5), Err(SamplerError::Ladder { index: 1, .. })));
    assert!(AnnealedLangevin::new(0.1, vec![], 5).is_err() && AnnealedLangevin::new(0.1, vec![1.0], 0).is_err());
}

/// `x_n = rho^n x_0 + noise` of variance `s^2 (1 - rho^(2n))`: end and distance are known.
#[test]
fn short_runs_end_where_they_should() {
    let (eta, n_steps, n, sd) = (0.1, 5, 50_000, 2.0);
    let langevin = Langevin::new(eta).unwrap();
    let run = ShortRun { langevin, n_steps, start: Start::Normal { sd } };
    let samples = run.sample(&Target(Parabola { a: 1.0 }), n, 1, &Key::from_seed(10));
    let (rho, stationary) = (1.0 - eta, 1.0 / (1.0 - eta / 2.0));
    let noise = stationary * (1.0 - rho.powi(2 * n_steps as i32));
    check_variance(samples.x.values(), rho.powi(2 * n_steps as i32) * sd * sd + noise).unwrap();
    let travelled = (1.0 - rho.powi(n_steps as i32)).powi(2) * sd * sd + noise;
    let se = travelled * (2.0 / n as f64).sqrt();
    z_test(samples.travelled.powi(2), se, travelled, ALPHA).unwrap();
    assert_eq!(samples.last.rows, n);

    let x: Dense<f32> = Start::Uniform { low: -1.0, high: 3.0 }.draw(50_000, 2, &Key::from_seed(11));
    let values: Vec<f64> = x.values().iter().map(|v| f64::from(*v)).collect();
    assert!(values.iter().all(|v| (-1.0..=3.0).contains(v)));
    // A uniform number over a length of 4 has the variance 16 / 12.
    let mean = values.iter().sum::<f64>() / 1e5;
    z_test(mean, (16.0 / 12.0 / 1e5_f64).sqrt(), 1.0, ALPHA).unwrap();
}
