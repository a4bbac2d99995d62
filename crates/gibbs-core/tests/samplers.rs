//! Every kernel for continuous states against exact moments.
//!
//! All z-tests here are two-sided at `ALPHA` = 1e-5, with fixed seeds; the file holds about 100 of them, so that a
//! correct library fails it with probability 1e-3, once and for all.

mod targets;

use gibbs_core::dense::Dense;
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo, StepTuning};
use gibbs_core::key::Key;
use gibbs_core::path::{PathGradient, Target};
use gibbs_core::rows::Continuous;
use gibbs_core::samplers::{Hmc, Langevin, Mala, Noise, RandomWalk};
use gibbs_core::scratch::Scratch;
use gibbs_testkit::{ks_test, z_test};
use targets::{Correlated, DoubleWell, Parabola, check_convergence, check_invariance, check_moments, positions};

const ALPHA: f64 = 1e-5;
const GAUSSIAN: Correlated = Correlated { sd: [1.0, 0.5], rho: 0.6 };
const WELL: DoubleWell = DoubleWell { h: 1.0, tilt: 0.3 };

fn plain() -> StepTuning {
    StepTuning::default()
}

/// A metric that fits [`GAUSSIAN`], and is not 1: it must not change what is sampled.
fn metric() -> StepTuning {
    StepTuning { scale: 0.9, variance: vec![1.0, 0.25] }
}

/// The mean square of `n` independent normal numbers of variance `s^2` has the standard error `s^2 sqrt(2 / n)`.
fn check_variance(x: &[f64], expected: f64) -> Result<(), String> {
    let n = x.len() as f64;
    let mean = x.iter().map(|x| x * x).sum::<f64>() / n;
    z_test(mean, expected * (2.0 / n).sqrt(), expected, ALPHA)
}

/// On `a x^2 / 2` the chain is `x' = (1 - a eta) x + sqrt(2 eta T) xi`, of variance
/// `T / (a (1 - a eta / 2)) (1 - (1 - a eta)^(2 n))` after `n` steps from 0; `n` makes the last factor 1 within 1e-5.
/// `T / a`, the variance without the bias, is 11, 56 and 134 standard errors away.
#[test]
fn langevin_has_the_variance_of_its_step() {
    let (a, n) = (2.0, 100_000);
    for (a_eta, temperature, n_steps) in [(0.1, 1.0, 60), (0.5, 0.4, 20), (1.2, 3.0, 15)] {
        let eta: f64 = a_eta / a;
        let expected = temperature / (a * (1.0 - a_eta / 2.0));
        let kernel = Langevin::new(eta).unwrap().with_temperature(temperature).unwrap();
        let path = Target(Parabola { a });
        let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(n, 1));
        chains.advance(&kernel, &path, 1.0, &plain(), n_steps, &Key::from_seed(1));
        let x = positions(&kernel, &path, &chains);
        check_variance(x.values(), expected).unwrap();
        assert!(check_variance(x.values(), temperature / a).is_err());

        // The same in f32, with the step size split between kernel, tuning and metric, and at beta = 1/2.
        let kernel = Langevin { step_size: eta / 3.0, ..kernel };
        let tuning = StepTuning { scale: 2.0, variance: vec![3.0] };
        let path = Target(Parabola { a: a as f32 });
        let mut chains = Ensemble::start(&kernel, &path, &Dense::<f32>::zeros(n, 1));
        chains.advance(&kernel, &path, 0.5, &tuning, n_steps, &Key::from_seed(1));
        let x: Vec<f64> = chains.blocks().iter().flat_map(|c| c.position().values()).map(|x| f64::from(*x)).collect();
        check_variance(&x, expected / 0.5).unwrap();
    }
}

/// With noise of standard deviation `s` it is `x' = (1 - a eta) x + s xi`: variance `s^2 / (1 - (1 - a eta)^2)`, far from
/// the density's 1.
#[test]
fn decoupled_noise_samples_something_else() {
    let kernel = Langevin::new(0.5).unwrap().with_noise(Noise::Decoupled(0.1)).unwrap();
    let path = Target(Parabola { a: 1.0 });
    let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(50_000, 1));
    chains.advance(&kernel, &path, 1.0, &plain(), 20, &Key::from_seed(2));
    let x = positions(&kernel, &path, &chains);
    check_variance(x.values(), 0.01 / 0.75).unwrap();
    assert!(check_variance(x.values(), 1.0).is_err());
}

#[test]
fn chains_that_explode_stay_and_are_counted() {
    // |1 - a eta| = 1e30: the square of the second step overflows f64.
    let (kernel, path) = (Langevin::new(1e160).unwrap(), Target(Parabola { a: 1.0 }));
    let mut ws = Scratch::default();
    let mut chain = kernel.init(&path, Dense::from_rows(1, vec![0.0, 1.0, 1e200]), &mut ws);
    let info = kernel.step(&path, 1.0, &plain(), &mut chain, &Key::from_seed(0), &mut ws);
    assert_eq!((info.divergent, info.rows), (2, 3));
    assert_eq!(chain.position().values()[1..], [1.0, 1e200]);
}

/// The rows of the table: a kernel, its tuning and the number of steps that it is given from exact draws.
fn invariant<K: Kernel<Target<Correlated>, Info = MoveInfo, Tuning = StepTuning>>(
    kernel: &K,
    tuning: &StepTuning,
) -> Result<MoveInfo, String> {
    let exact = GAUSSIAN.draws(20_000, &Key::from_seed(3));
    check_invariance((kernel, tuning), &Target(GAUSSIAN), &exact, &GAUSSIAN.moments(), 10, ALPHA)
}

fn invariant_in_wells<K: Kernel<Target<DoubleWell>, Info = MoveInfo, Tuning = StepTuning>>(
    kernel: &K,
) -> Result<MoveInfo, String> {
    let exact = WELL.draws(20_000, &Key::from_seed(4));
    let mut chains = Ensemble::start(kernel, &Target(WELL), &exact);
    chains.advance(kernel, &Target(WELL), 1.0, &plain(), 10, &Key::from_seed(5));
    ks_test(positions(kernel, &Target(WELL), &chains).values(), WELL.cdf(), ALPHA)?;
    check_invariance((kernel, &plain()), &Target(WELL), &exact, &WELL.moments(), 10, ALPHA)
}

fn converges<K>(kernel: &K, n_steps: u64) -> Result<(), String>
where
    K: Kernel<Target<Correlated>, Tuning = StepTuning> + Kernel<Target<DoubleWell>, Tuning = StepTuning>,
{
    let start = Dense::from_rows(2, vec![4.0, 1.0, -2.0, -5.0, 1.0, -2.0, 4.0, -4.0]);
    let moments = GAUSSIAN.moments();
    check_convergence((kernel, &metric()), &Target(GAUSSIAN), &start, &moments, (200, n_steps), ALPHA)?;
    let start = Dense::from_rows(1, vec![-2.0, -1.0, 0.0, 1.0]);
    check_convergence((kernel, &plain()), &Target(WELL), &start, &WELL.moments(), (200, n_steps), ALPHA)
}

#[test]
fn random_walk_is_exact() {
    let kernel = RandomWalk::new(0.8).unwrap();
    let info = invariant(&kernel, &plain()).unwrap();
    assert!((0.2..0.9).contains(&info.acceptance_rate()) && info.divergent == 0, "{info:?}");
    invariant(&kernel, &metric()).unwrap();
    invariant_in_wells(&kernel).unwrap();
    converges(&kernel, 10_000).unwrap();
}

#[test]
fn mala_is_exact() {
    let kernel = Mala::new(0.15).unwrap();
    let info = invariant(&kernel, &plain()).unwrap();
    assert!((0.2..0.9).contains(&info.acceptance_rate()) && info.divergent == 0, "{info:?}");
    invariant(&Mala::new(0.6).unwrap(), &metric()).unwrap();
    invariant(&kernel.with_spread(30.0).unwrap(), &plain()).unwrap();
    assert!(kernel.with_spread(0.5).is_err());
    invariant_in_wells(&kernel).unwrap();
    converges(&kernel, 5_000).unwrap();
}

#[test]
fn hmc_is_exact() {
    let kernel = Hmc::new(0.4, 4).unwrap();
    let info = invariant(&kernel, &plain()).unwrap();
    assert!((0.5..0.99).contains(&info.acceptance_rate()) && info.divergent == 0, "{info:?}");
    invariant(&Hmc::new(0.9, 3).unwrap(), &metric()).unwrap();
    invariant_in_wells(&Hmc::new(0.35, 4).unwrap()).unwrap();
    converges(&Hmc::new(0.35, 4).unwrap(), 3_000).unwrap();
}

/// Langevin proposals accepted on the energies alone, as if they were symmetric: the planted mistake.
struct WithoutProposalRatio(Langevin);

impl<P: PathGradient<X = Dense<f64>>> Kernel<P> for WithoutProposalRatio {
    type Chain = <Langevin as Kernel<P>>::Chain;
    type Tuning = StepTuning;
    type Info = MoveInfo;

    fn init(&self, path: &P, x: P::X, ws: &mut Scratch) -> Self::Chain {
        self.0.init(path, x, ws)
    }

    fn step(
        &self,
        path: &P,
        beta: f64,
        tuning: &StepTuning,
        chain: &mut Self::Chain,
        key: &Key,
        ws: &mut Scratch,
    ) -> MoveInfo {
        let before = chain.clone();
        let n = before.position().values().len() / before.position().n_cols();
        let mut energies = [vec![0.0; n], vec![0.0; n]];
        let mut info = self.0.step(path, beta, tuning, chain, key, ws);
        for (at, e) in [&before, chain].into_iter().zip(&mut energies) {
            let mut eval = path.empty_eval();
            path.evaluate(at.position(), &mut eval, ws);
            path.target_energy(at.position(), &eval, e);
        }
        let mut rng = key.rng();
        for (i, (old, new)) in energies[0].iter().zip(&energies[1]).enumerate() {
            if rng.uniform() >= (old - new).exp() {
                chain.position_mut().row_mut(i).copy_from_slice(before.position().row(i));
                info.acceptance -= 1.0;
            }
        }
        info
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a P::X {
        chain.position()
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a P::Eval {
        <Langevin as Kernel<P>>::eval(&self.0, chain)
    }
}

#[test]
fn a_wrong_ratio_does_not_pass() {
    let wrong = WithoutProposalRatio(Langevin::new(0.15).unwrap());
    assert!(invariant(&wrong, &plain()).unwrap_err().contains("standard errors away"));
    assert!(invariant_in_wells(&wrong).is_err());
    // Nor does no correction at all.
    assert!(invariant(&Langevin::new(0.15).unwrap(), &plain()).is_err());
}

/// One leapfrog step of HMC is a Langevin proposal: with the same noise and the same decision, the same chain. They differ by
/// rounding, some 1e-16 a step, grown along a chaotic trajectory by little in 20 steps.
#[test]
fn one_leapfrog_step_is_mala() {
    let (hmc, mala) = (Hmc::new(0.5, 1).unwrap(), Mala::new(0.125).unwrap());
    let (path, mut ws) = (Target(WELL), Scratch::default());
    let x = WELL.draws(100, &Key::from_seed(6));
    let (mut a, mut b) = (hmc.init(&path, x.clone(), &mut ws), mala.init(&path, x, &mut ws));
    for t in 0..20 {
        let key = Key::from_seed(7).step(t);
        hmc.step(&path, 1.0, &plain(), &mut a, &key, &mut ws);
        mala.step(&path, 1.0, &plain(), &mut b, &key, &mut ws);
    }
    let worst = a.position().values().iter().zip(b.position().values()).map(|(a, b)| (a - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-11);
}

/// Cached evaluations belong to the positions, whatever was accepted.
#[test]
fn evaluations_follow_the_chains() {
    fn check<K: Kernel<Target<DoubleWell>, Tuning = StepTuning>>(kernel: &K) {
        let (path, mut ws) = (Target(WELL), Scratch::default());
        let mut chain = kernel.init(&path, WELL.draws(50, &Key::from_seed(8)), &mut ws);
        let mut weights = [0.0; 50];
        for t in 0..5 {
            kernel.step(&path, 0.7, &plain(), &mut chain, &Key::from_seed(9).step(t), &mut ws);
        }
        // From 0.7 to 0.5, at the position before the move: 0.2 E.
        let mut energy = [0.0; 50];
        let before = kernel.position(&chain).clone();
        kernel.anneal(&path, (0.7, 0.5), &plain(), &mut chain, &mut weights, &Key::from_seed(10), &mut ws);
        gibbs_core::energy::Energy::energy(&WELL, &before, &mut energy, &mut ws);
        assert!(weights.iter().zip(&energy).all(|(w, e)| (w - 0.2 * e).abs() < 1e-12));
        kernel.step(&path, 1.0, &plain(), &mut chain, &Key::from_seed(11), &mut ws);
        kernel.refresh(&path, &mut chain, &mut ws);
        gibbs_core::energy::Energy::energy(&WELL, kernel.position(&chain), &mut energy, &mut ws);
        assert_eq!(kernel.eval(&chain).energy(), energy);
    }
    check(&Langevin::new(0.05).unwrap());
    check(&Mala::new(0.05).unwrap());
    check(&Hmc::new(0.3, 3).unwrap());
    check(&RandomWalk::new(0.5).unwrap());
}

#[test]
fn threads_change_nothing() {
    fn check<K: Kernel<Target<DoubleWell>, Tuning = StepTuning, Info = MoveInfo>>(kernel: &K) {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let path = Target(WELL);
                let mut chains = Ensemble::start(kernel, &path, &WELL.draws(700, &Key::from_seed(12)));
                let infos = chains.advance(kernel, &path, 1.0, &plain(), 20, &Key::from_seed(13));
                (positions(kernel, &path, &chains), infos)
            })
        };
        assert_eq!(run(1), run(4));
    }
    check(&Langevin::new(0.05).unwrap());
    check(&Mala::new(0.05).unwrap());
    check(&Hmc::new(0.3, 3).unwrap());
    check(&RandomWalk::new(0.5).unwrap());
}

#[test]
fn the_exact_draws_are_exact() {
    let key = Key::from_seed(14);
    check_moments(&GAUSSIAN.draws(100_000, &key), &GAUSSIAN.moments(), ALPHA).unwrap();
    check_moments(&WELL.draws(100_000, &key), &WELL.moments(), ALPHA).unwrap();
    ks_test(WELL.draws(20_000, &key).values(), WELL.cdf(), ALPHA).unwrap();
}

#[test]
fn settings_that_cannot_run_are_refused() {
    assert!(Langevin::new(0.0).unwrap_err().to_string().contains("step size is 0"));
    assert!(Langevin::new(0.1).unwrap().with_temperature(f64::NAN).is_err());
    assert!(Langevin::new(0.1).unwrap().with_noise(Noise::Decoupled(-1.0)).is_err());
    assert!(Mala::new(-0.1).is_err() && RandomWalk::new(f64::INFINITY).is_err());
    assert!(Hmc::new(0.1, 0).unwrap_err().to_string().contains("leapfrog steps is 0"));
}
