//! Every sampler of single flips, and every long move built on one, against enumeration.
//!
//! Invariance is tested from exact draws, so that a correct kernel passes at any number of steps with probability
//! `1 - ALPHA`; convergence from fair bits. About forty tests at `ALPHA`: a correct library fails with probability 4e-4.

mod common;

use common::{Brute, all_rows, draw_exactly, small_rbm};
use gibbs_core::compose::Clamped;
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::path::{Geometric, Path};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::samplers::{GibbsWithGradients, HeatBath, PathFlips, TemperedTransitions, Tempering, geometric_ladder};
use gibbs_core::scratch::Scratch;
use gibbs_spin::lattice::Rule;
use gibbs_spin::qubo::flips::RandomFlips;
use gibbs_spin::qubo::{FlipSweep, InformedFlips, Order, Qubo, QuboPath};
use gibbs_spin::rbm::InformedVisible;
use gibbs_spin::relaxed::Relaxed;
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, RbmPath};
use gibbs_testkit::chi_square_test;

const ALPHA: f64 = 1e-5;
const N: usize = 5;
const ROWS: usize = 3_000;

/// `p_beta` over all rows of `n` bits: the path weighs them against fair bits.
fn probabilities<P: Path<X = Bits>>(path: &P, beta: f64) -> Vec<f64> {
    let (x, ws) = (all_rows(N), &mut Scratch::default());
    let mut eval = path.empty_eval();
    path.evaluate(&x, &mut eval, ws);
    let (mut w, mut e) = (vec![0.0; 1 << N], vec![0.0; 1 << N]);
    path.target_energy(&x, &eval, &mut e);
    path.add_log_weight(&x, &eval, beta, 1.0, &mut w);
    // -E_beta = -E_1 - (E_beta - E_1).
    let p: Vec<f64> = w.iter().zip(&e).map(|(w, e)| (-e - w).exp()).collect();
    let sum: f64 = p.iter().sum();
    p.iter().map(|p| p / sum).collect()
}

fn counts(x: &Bits) -> Vec<u64> {
    let mut counts = vec![0; 1 << N];
    (0..x.n_rows()).for_each(|i| counts[x.words()[i] as usize] += 1);
    counts
}

fn moved<P: Path<X = Bits>, K: Kernel<P, Tuning = impl Default>>(
    kernel: &K,
    path: &P,
    beta: f64,
    start: Bits,
    n_steps: u64,
    seed: u64,
) -> Bits {
    let ws = &mut Scratch::default();
    let mut chain = kernel.init(path, start, ws);
    for t in 0..n_steps {
        kernel.step(path, beta, &Default::default(), &mut chain, &Key::from_seed(seed).step(t), ws);
    }
    kernel.position(&chain).clone()
}

/// From exact draws the law stays, and from fair bits it comes.
fn check<P: Path<X = Bits>, K: Kernel<P, Tuning = impl Default>>(kernel: &K, path: &P, n_steps: u64) {
    for (beta, seed) in [(1.0, 1), (0.6, 2)] {
        let p = probabilities(path, beta);
        let stayed = moved(kernel, path, beta, draw_exactly(&p, N, ROWS, seed), 3, seed + 10);
        chi_square_test(&counts(&stayed), &p, ALPHA).unwrap();
    }
    check_arrival(kernel, path, n_steps);
}

/// From fair bits the law comes. Draws of a colder law are told apart: the test has power.
fn check_arrival<P: Path<X = Bits>, K: Kernel<P, Tuning = impl Default>>(kernel: &K, path: &P, n_steps: u64) {
    for (beta, seed) in [(1.0, 1), (0.6, 2)] {
        let p = probabilities(path, beta);
        let fair = Bernoulli::new(vec![0.0; N]).sample(ROWS, &Key::from_seed(seed + 20));
        let arrived = moved(kernel, path, beta, fair, n_steps, seed + 30);
        chi_square_test(&counts(&arrived), &p, ALPHA).unwrap();
        assert!(chi_square_test(&counts(&arrived), &probabilities(path, beta + 0.3), ALPHA).is_err());
    }
}

fn frustrated() -> Qubo {
    let mut rng = Key::from_seed(5).rng();
    let pairs: Vec<_> =
        (0..N).flat_map(|i| (i + 1..N).map(move |j| (i, j))).map(|(i, j)| (i, j, rng.normal())).collect();
    Qubo::new(0.3, vec![0.5, -1.0, 0.2, 0.0, 1.5], &pairs).unwrap()
}

fn rbm() -> RbmPath {
    RbmPath::new(Bernoulli::new(vec![0.3, -0.5, 0.0, 1.0, 0.2]), small_rbm(N, 3, 1.5, 3))
}

fn fair<E>(target: E) -> Geometric<Bernoulli, E> {
    Geometric { base: Bernoulli::new(vec![0.0; N]), target }
}

#[test]
fn sweeps_of_flips_are_exact() {
    let path = QuboPath(frustrated());
    for rule in [Rule::Metropolis, Rule::HeatBath] {
        check(&FlipSweep { rule, order: Order::InOrder }, &path, 60);
        check(&FlipSweep { rule, order: Order::AtRandom }, &path, 60);
        check(&RandomFlips(rule), &path, 60);
    }
    check(&HeatBath, &path, 40);
}

/// The energies that a sweep keeps are those of its states.
#[test]
fn kept_energies_do_not_drift() {
    let (path, ws) = (QuboPath(frustrated()), &mut Scratch::default());
    let mut chain = FlipSweep::METROPOLIS.init(&path, all_rows(N), ws);
    for t in 0..2_000 {
        FlipSweep::METROPOLIS.step(&path, 0.5, &(), &mut chain, &Key::from_seed(1).step(t), ws);
    }
    let mut e = vec![0.0; 1 << N];
    path.0.energy(&chain.x, &mut e, ws);
    // 1e4 flips with roundings of 1e-16 times 5.
    assert!(e.iter().zip(chain.eval.energy()).all(|(a, b)| (a - b).abs() < 1e-11));
}

#[test]
fn gibbs_with_gradients_is_exact() {
    check(&GibbsWithGradients, &QuboPath(frustrated()), 80);
    // The free energy of an RBM, which is no quadratic form.
    check(&GibbsWithGradients, &fair(rbm().target), 60);
    let brute = Brute::new(&rbm().target).marginal();
    let start = draw_exactly(&brute, N, ROWS, 1);
    let x = moved(&GibbsWithGradients, &fair(rbm().target), 1.0, start, 5, 2);
    chi_square_test(&counts(&x), &brute, ALPHA).unwrap();
}

#[test]
fn kept_up_to_date_it_is_the_same_law() {
    check(&InformedFlips::new(3).unwrap(), &QuboPath(frustrated()), 30);
    check(&InformedVisible, &rbm(), 80);
    check_arrival(
        &Tempering::new(InformedFlips::new(2).unwrap(), geometric_ladder(0.2, 3)).unwrap(),
        &QuboPath(frustrated()),
        30,
    );
    check(&TemperedTransitions::new(InformedVisible, geometric_ladder(0.4, 3)).unwrap(), &rbm(), 40);
    assert!(InformedFlips::new(0).is_err());
}

/// Acceptance is that of the generic kernel, and hidden inputs stay those of the states over refreshes.
#[test]
fn kept_up_to_date_it_moves_as_often() {
    let (path, ws) = (rbm(), &mut Scratch::default());
    let start = draw_exactly(&probabilities(&path, 1.0), N, ROWS, 3);
    let generic = fair(path.target.clone());
    let (mut a, mut b) = (InformedVisible.init(&path, start.clone(), ws), GibbsWithGradients.init(&generic, start, ws));
    let mut rates = [0.0; 2];
    for t in 0..1_100 {
        let rate = InformedVisible.step(&path, 1.0, &(), &mut a, &Key::from_seed(1).step(t), ws).acceptance_rate();
        if t < 20 {
            rates[0] += rate / 20.0;
            let info = GibbsWithGradients.step(&generic, 1.0, &(), &mut b, &Key::from_seed(2).step(t), ws);
            rates[1] += info.acceptance_rate() / 20.0;
        }
    }
    // Exact costs are taken a little more readily than first-order ones.
    assert!((rates[0] - rates[1]).abs() < 0.1 && rates[0] > 0.5, "{rates:?}");
    let mut fresh = path.empty_eval();
    path.evaluate(InformedVisible.position(&a), &mut fresh, ws);
    let mut energies = [vec![0.0; ROWS], vec![0.0; ROWS]];
    path.target_energy(InformedVisible.position(&a), InformedVisible.eval(&a), &mut energies[0]);
    path.target_energy(InformedVisible.position(&a), &fresh, &mut energies[1]);
    // Some five hundred additions of f32 numbers of size 4: errors of 1e-4 at most, of three units.
    assert!(energies[0].iter().zip(&energies[1]).all(|(a, b)| (a - b).abs() < 3e-4));
}

/// A cubic polynomial of real inputs: its gradient guesses flips badly.
struct Cubic;

impl Energy for Cubic {
    type X = Dense<f64>;
    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
        for (i, o) in out.iter_mut().enumerate() {
            let x = x.row(i);
            *o = x[0] * x[1] * x[2] - 2.0 * x[3].powi(3) * x[4] + x[0] - 0.7 * x[2] * x[4] + x[1].powi(2);
        }
    }
}

impl Gradient for Cubic {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for i in 0..x.n_rows() {
            let x = x.row(i);
            let d = [
                x[1] * x[2] + 1.0,
                x[0] * x[2] + 2.0 * x[1],
                x[0] * x[1] - 0.7 * x[4],
                -6.0 * x[3].powi(2) * x[4],
                -2.0 * x[3].powi(3) - 0.7 * x[2],
            ];
            g.row_mut(i).copy_from_slice(&d);
        }
    }
}

#[test]
fn rough_estimates_do_no_harm() {
    let path = fair(Relaxed(Cubic));
    check(&GibbsWithGradients, &path, 100);
    // They are rough indeed: the first-order guess is not the cost.
    let (x, ws) = (all_rows(N), &mut Scratch::default());
    let (mut guess, mut e) = (vec![0.0; N << N], vec![0.0; 1 << N]);
    path.flip_estimates_at(&x, 1.0, &mut guess, ws);
    path.target.energy(&x, &mut e, ws);
    let off = |i: usize, s: usize| (guess[i * N + s] - (e[i ^ (1 << s)] - e[i])).abs();
    assert!((0..1 << N).any(|i| (0..N).any(|s| off(i, s) > 0.5)));
}

/// A clamped site never flips, and the others follow the conditional.
#[test]
fn clamped_sites_stay() {
    let path = fair(Clamped::new(frustrated(), vec![false, false, true, false, false]));
    let mut p = probabilities(&path, 1.0);
    (0..1 << N).filter(|s| s >> 2 & 1 == 0).for_each(|s| p[s] = 0.0);
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    let x = moved(&GibbsWithGradients, &path, 1.0, draw_exactly(&p, N, ROWS, 1), 10, 2);
    chi_square_test(&counts(&x), &p, ALPHA).unwrap();
}

/// Two wells with a wall of 8 nats between them: a single chain stays, the long moves cross.
fn wall() -> Qubo {
    let pairs: Vec<_> = (0..N).flat_map(|i| (i + 1..N).map(move |j| (i, j, -6.0))).collect();
    Qubo::new(0.0, vec![12.0 + 0.1; N], &pairs).unwrap()
}

#[test]
fn tempered_transitions_are_exact_and_cross_walls() {
    let ladder = |lowest: f64, n: usize| geometric_ladder(lowest, n);
    // Two rungs: a wrong order of weighing and moving would show.
    check(&TemperedTransitions::new(RandomFlips(Rule::HeatBath), ladder(0.3, 3)).unwrap(), &QuboPath(frustrated()), 60);
    check(&TemperedTransitions::new(GibbsWithGradients, ladder(0.3, 3)).unwrap(), &fair(frustrated()), 40);
    check(&TemperedTransitions::new(BlockGibbs, ladder(0.4, 3)).unwrap(), &rbm(), 40);
    let path = QuboPath(wall());
    let p = probabilities(&path, 1.0);
    let down = || Bits::zeros(ROWS, N);
    let stuck = moved(&RandomFlips(Rule::HeatBath), &path, 1.0, down(), 100, 1);
    assert!(counts(&stuck)[(1 << N) - 1] < ROWS as u64 / 50);
    let kernel = TemperedTransitions::new(RandomFlips(Rule::HeatBath), ladder(0.02, 12)).unwrap();
    chi_square_test(&counts(&moved(&kernel, &path, 1.0, down(), 60, 1)), &p, ALPHA).unwrap();
}

#[test]
fn tempering_of_problems_is_exact_and_crosses_walls() {
    let heat = FlipSweep { rule: Rule::HeatBath, order: Order::InOrder };
    check_arrival(&Tempering::new(heat, geometric_ladder(0.2, 4)).unwrap(), &QuboPath(frustrated()), 30);
    check_arrival(&Tempering::new(GibbsWithGradients, geometric_ladder(0.2, 3)).unwrap(), &fair(frustrated()), 40);
    check_arrival(&Tempering::new(BlockGibbs, geometric_ladder(0.2, 3)).unwrap(), &rbm(), 30);
    let path = QuboPath(wall());
    let kernel = Tempering::new(heat, geometric_ladder(0.02, 8)).unwrap();
    let x = moved(&kernel, &path, 1.0, Bits::zeros(ROWS, N), 120, 1);
    chi_square_test(&counts(&x), &probabilities(&path, 1.0), ALPHA).unwrap();
}
