//! The kernels that carry momenta and refuse nothing, against the moments that their step size gives them.
//!
//! All z-tests are two-sided at `ALPHA` = 1e-5 with fixed seeds, about 25 of them: a correct library fails with
//! probability 3e-4, once and for all.

mod targets;

use gibbs_core::dense::Dense;
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::Target;
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{Sghmc, Underdamped};
use gibbs_core::scratch::Scratch;
use gibbs_testkit::z_test;
use targets::{Correlated, DoubleWell, Parabola, check_convergence, check_invariance, check_moments, positions};

const ALPHA: f64 = 1e-5;
const GAUSSIAN: Correlated = Correlated { sd: [1.0, 0.5], rho: 0.6 };
const WELL: DoubleWell = DoubleWell { h: 1.0, tilt: 0.3 };

fn plain() -> StepTuning {
    StepTuning::default()
}

/// The exact second moments of `x` after `n` steps of SGHMC on `a x^2 / 2` from `x = 0`: the recursion
/// `v' = (1 - f) v - eta a x + sqrt(2 f eta T) xi`, `x' = x + v'` carried by the moments themselves.
fn sghmc_variance(a: f64, eta: f64, f: f64, temperature: f64, n: u64) -> f64 {
    let (mut xx, mut xv, mut vv) = (0.0, 0.0, eta * temperature);
    for _ in 0..n {
        let (c, d) = (1.0 - f, eta * a);
        let new_vv = c * c * vv - 2.0 * c * d * xv + d * d * xx + 2.0 * f * eta * temperature;
        let new_xv = c * xv - d * xx;
        xx += 2.0 * new_xv + new_vv;
        xv = new_xv + new_vv;
        vv = new_vv;
    }
    xx
}

#[test]
fn sghmc_has_the_moments_of_its_recursion() {
    let n = 50_000;
    for (a, eta, friction, temperature, n_steps) in
        [(1.0, 0.1, 0.3, 1.0, 7), (2.0, 0.2, 0.5, 0.5, 30), (1.0, 0.3, 1.0, 1.0, 30)]
    {
        let kernel = Sghmc::new(eta, friction).unwrap().with_temperature(temperature).unwrap();
        let path = Target(Parabola { a });
        let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(n, 1));
        chains.advance(&kernel, &path, 1.0, &plain(), n_steps, &Key::from_seed(1));
        let x = positions(&kernel, &path, &chains);
        let mean = x.values().iter().map(|x| x * x).sum::<f64>() / n as f64;
        let expected = sghmc_variance(a, eta, friction, temperature, n_steps);
        // The relative standard error of a mean square is sqrt(2 / n).
        let se = expected * (2.0 / n as f64).sqrt();
        z_test(mean, se, expected, ALPHA).unwrap();
        // Planted: noise that forgets the factor 2.
        assert!(z_test(mean, se, sghmc_variance(a, eta, friction, temperature / 2.0, n_steps), ALPHA).is_err());
    }
    // Without memory it is Langevin.
    assert!((sghmc_variance(1.0, 0.3, 1.0, 1.0, 100) - 1.0 / 0.85).abs() < 1e-9);
}

/// On a Gaussian the positions of BAOAB are exact at every stable step. Here `h` is 1.8 times the standard deviation of the
/// narrowest direction, 0.38, where the stable end is 2, and where leapfrog positions would have 5 times their variance,
/// `1 / (1 - h^2 / (4 sd^2))`. After 100 steps of a friction that forgets in 1.4 the start is gone.
#[test]
fn baoab_is_exact_on_a_gaussian() {
    let kernel = Underdamped::new(0.7, 1.0).unwrap();
    let start = GAUSSIAN.draws(20_000, &Key::from_seed(3));
    let moments = GAUSSIAN.moments();
    check_invariance((&kernel, &plain()), &Target(GAUSSIAN), &start, &moments, 100, ALPHA).unwrap();
    let metric = StepTuning { scale: 1.3, variance: vec![1.0, 0.25] };
    check_invariance((&kernel, &metric), &Target(GAUSSIAN), &start, &moments, 100, ALPHA).unwrap();
    let start = Dense::from_rows(2, vec![4.0, 1.0, -2.0, -5.0, 1.0, -2.0, 4.0, -4.0]);
    check_convergence((&kernel, &plain()), &Target(GAUSSIAN), &start, &moments, (100, 3_000), ALPHA).unwrap();
    // At half the temperature the same kernel misses.
    let cold = kernel.with_temperature(0.5).unwrap();
    let start = GAUSSIAN.draws(20_000, &Key::from_seed(3));
    assert!(check_invariance((&cold, &plain()), &Target(GAUSSIAN), &start, &moments, 100, ALPHA).is_err());
}

/// Off a Gaussian the bias is of second order: invisible at a small step with 20 000 draws (standard errors of half a per
/// cent), plain at the largest stable one.
#[test]
fn baoab_has_a_bias_that_vanishes_with_the_step() {
    let run = |h: f64, n_steps: u64| {
        let kernel = Underdamped::new(h, 1.0).unwrap();
        let mut chains = Ensemble::start(&kernel, &Target(WELL), &WELL.draws(20_000, &Key::from_seed(4)));
        chains.advance(&kernel, &Target(WELL), 1.0, &plain(), n_steps, &Key::from_seed(5));
        check_moments(&positions(&kernel, &Target(WELL), &chains), &WELL.moments(), ALPHA)
    };
    run(0.1, 100).unwrap();
    assert!(run(0.65, 40).is_err());
}

/// A chain saved and loaded goes on bit for bit, momenta included; threads change nothing.
#[test]
fn momenta_are_state() {
    fn check<K: Kernel<Target<DoubleWell>, Tuning = StepTuning, Info = MoveInfo>>(kernel: &K) {
        let (path, mut ws) = (Target(WELL), Scratch::default());
        let x = WELL.draws(300, &Key::from_seed(6));
        let step = |chain: &mut K::Chain, t: u64, ws: &mut Scratch| {
            kernel.step(&path, 1.0, &plain(), chain, &Key::from_seed(7).step(t), ws);
        };
        let mut chain = kernel.init(&path, x.clone(), &mut ws);
        (0..5).for_each(|t| step(&mut chain, t, &mut ws));
        let mut saved = TensorMap::default();
        chain.save("chain.", &mut saved);
        let mut other = kernel.init(&path, Dense::zeros(1, 1), &mut ws);
        other.load("chain.", &saved).unwrap();
        (5..9).for_each(|t| step(&mut chain, t, &mut ws));
        (5..9).for_each(|t| step(&mut other, t, &mut ws));
        assert_eq!(kernel.position(&chain), kernel.position(&other));

        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut chains = Ensemble::start(kernel, &path, &x);
                chains.advance(kernel, &path, 1.0, &plain(), 10, &Key::from_seed(8));
                positions(kernel, &path, &chains)
            })
        };
        assert_eq!(run(1), run(4));
    }
    check(&Underdamped::new(0.2, 1.0).unwrap());
    check(&Sghmc::new(0.02, 0.2).unwrap());
}

/// Where the well rises with the fourth power, a chain far out is thrown further: it stays, and its neighbour moves.
#[test]
fn chains_that_explode_stay_and_are_counted() {
    fn check<K: Kernel<Target<DoubleWell>, Tuning = StepTuning, Info = MoveInfo>>(kernel: &K) {
        let mut ws = Scratch::default();
        let mut chain = kernel.init(&Target(WELL), Dense::from_rows(1, vec![1.0, 1e120]), &mut ws);
        for t in 0..3 {
            let info = kernel.step(&Target(WELL), 1.0, &plain(), &mut chain, &Key::from_seed(t), &mut ws);
            assert_eq!((info.rows, info.divergent), (2, 1));
            let x = kernel.position(&chain);
            assert!(x.row(1) == [1e120] && x.row(0)[0] != 1.0 && x.row(0)[0].is_finite());
        }
    }
    check(&Underdamped::new(0.1, 1.0).unwrap());
    check(&Sghmc::new(0.01, 0.2).unwrap());
}

#[test]
fn settings_that_cannot_run_are_refused() {
    assert!(Sghmc::new(0.1, 1.5).unwrap_err().to_string().contains("friction is 1.5"));
    assert!(Sghmc::new(0.0, 0.5).is_err() && Underdamped::new(0.1, 0.0).is_err());
    assert!(Underdamped::new(0.1, 1.0).unwrap().with_temperature(-1.0).is_err());
}
