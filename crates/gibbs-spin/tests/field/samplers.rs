use std::ops::ControlFlow;

use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::Ais;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::path::{Annealable, Geometric};
use gibbs_core::rows::Rows;
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::field::{Elimination, Enumeration, Field, IndependentSites, Labels, Pair, SingleSite};
use gibbs_spin::lattice::Rule;
use gibbs_spin::{Bernoulli, Bits};
use gibbs_testkit::{Exact, chi_square_test};

use super::{ising, ising_energy, potts};

type FieldPath = Geometric<IndependentSites, Field>;

fn path(field: Field) -> FieldPath {
    Geometric { base: IndependentSites::new(&field, field.unary().to_vec()).unwrap(), target: field }
}

/// Ends of 20 000 independent chains of 30 steps: the slowest mode of these small fields loses a tenth or more a step.
fn ends<K: Kernel<FieldPath>>(kernel: &K, path: &FieldPath) -> Labels {
    let ws = &mut Scratch::default();
    let mut chain = kernel.init(path, path.sample_base(20_000, &Key::from_seed(1)), ws);
    for t in 0..30 {
        kernel.step(path, 1.0, &K::Tuning::default(), &mut chain, &Key::from_seed(2).step(t), ws);
    }
    kernel.position(&chain).clone()
}

/// Chi-square over all 729 states, alpha = 1e-4. Planted: couplings and fields 15 % too strong, of non-centrality
/// `n (0.15)^2 Var(E)` = 20 000 x 0.0225 x 1.5 = 675 against the 150 that the bound allows with 728 classes.
#[test]
fn every_kernel_samples_the_enumerated_law() {
    for pair in [Pair::Potts, Pair::TruncatedQuadratic { limit: 2.0 }] {
        let p = Enumeration::probabilities(&potts(&pair, 1.0)).unwrap();
        let test = |x: &Labels| chi_square_test(&Enumeration::counts(x), &p, 1e-4);
        let (right, wrong) = (path(potts(&pair, 1.0)), path(potts(&pair, 1.15)));
        test(&ends(&HeatBath, &right)).unwrap();
        test(&ends(&HeatBath, &wrong)).unwrap_err();
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            test(&ends(&SingleSite(rule), &right)).unwrap_or_else(|e| panic!("{rule:?}: {e}"));
            test(&ends(&SingleSite(rule), &wrong)).unwrap_err();
        }
    }
}

/// Halfway along the path the law is that of half the energies.
#[test]
fn kernels_sample_the_path_between_too() {
    let field = potts(&Pair::Potts, 1.0);
    let half = field.with(field.couplings().iter().map(|j| 0.5 * j).collect(), field.unary().to_vec()).unwrap();
    let p = Enumeration::probabilities(&half).unwrap();
    let path = path(field);
    for rule in [Rule::HeatBath, Rule::Metropolis] {
        let ws = &mut Scratch::default();
        let mut chain = SingleSite(rule).init(&path, path.sample_base(30_000, &Key::from_seed(3)), ws);
        (0..30).for_each(|t| SingleSite(rule).step(&path, 0.5, &(), &mut chain, &Key::from_seed(4).step(t), ws));
        chi_square_test(&Enumeration::counts(&chain.x), &p, 1e-4).unwrap();
    }
}

/// One long chain of the sweep for large fields, a state every fourth sweep.
#[test]
fn sweeps_of_one_row_sample_the_law() {
    let field = potts(&Pair::Potts, 1.0);
    let p = Enumeration::probabilities(&field).unwrap();
    let run = |beta: f64| {
        let mut x = vec![0; 6];
        let mut values = Vec::new();
        for t in 0..80_000 {
            field.sweep(beta, &mut x, &Key::from_seed(5).step(t));
            if t % 4 == 3 {
                values.extend(&x);
            }
        }
        chi_square_test(&Enumeration::counts(&Labels::from_values(3, 6, values).unwrap()), &p, 1e-4)
    };
    run(1.0).unwrap();
    run(1.2).unwrap_err();
}

#[test]
fn packed_spins_sample_the_enumerated_law() {
    let exact = Exact::new(6, |x| ising_energy(x, 1.0)).unwrap();
    let test = |scale: f64| {
        let path = Geometric { base: Bernoulli::new(vec![0.0; 6]), target: ising(scale) };
        let ws = &mut Scratch::default();
        let mut chain = HeatBath.init(&path, path.sample_base(40_000, &Key::from_seed(6)), ws);
        (0..40).for_each(|t| HeatBath.step(&path, 1.0, &(), &mut chain, &Key::from_seed(7).step(t), ws));
        let x: &Bits = &chain.x;
        let states = (0..x.n_rows()).map(|r| (0..6).map(|k| x.get(r, k)).collect::<Vec<_>>());
        chi_square_test(&exact.counts(states), exact.probabilities(), 1e-4)
    };
    test(1.0).unwrap();
    test(1.15).unwrap_err();
}

/// Annealed importance sampling of both kinds of states, within five of its own errors of the exact sum.
#[test]
fn annealing_finds_the_sum() {
    let (go, ws) = (&mut |_, _| ControlFlow::Continue(()), &mut Scratch::default());
    let field = potts(&Pair::Potts, 1.5);
    let exact = Elimination::new(&field).unwrap().log_z();
    // Three temperatures, so that a wrong kernel or weight would show.
    for rule in [Rule::HeatBath, Rule::Metropolis] {
        let ais = Ais::new(SingleSite(rule), 20_000, linear_ladder(3)).unwrap();
        let (z, _) = ais.estimate(&path(field.clone()), &Key::from_seed(8), ws, go).unwrap();
        assert!((z.value - exact).abs() < 5.0 * z.std_err && z.std_err < 0.02, "{z:?} {exact}");
        // Planted: the sum of couplings 10 % weaker is another.
        let other = Elimination::new(&potts(&Pair::Potts, 1.35)).unwrap().log_z();
        assert!((z.value - other).abs() > 5.0 * z.std_err);
    }
    let path = Geometric { base: Bernoulli::new(vec![0.3; 6]), target: ising(1.0) };
    let exact = Exact::new(6, |x| ising_energy(x, 1.0)).unwrap().log_z();
    let ais = Ais::new(HeatBath, 20_000, linear_ladder(3)).unwrap();
    let (z, _) = ais.estimate(&path, &Key::from_seed(9), ws, go).unwrap();
    assert!((z.value - exact).abs() < 5.0 * z.std_err && z.std_err < 0.02, "{z:?} {exact}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let grid = gibbs_spin::graph::Graph::grid(&[100, 120], gibbs_spin::graph::Boundary::Open).unwrap();
    let field = super::random(grid, 3, &Pair::Potts, 0.5, 7);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut x = vec![0; 12_000];
        pool.install(|| (0..3).for_each(|t| field.sweep(1.0, &mut x, &Key::from_seed(1).step(t))));
        x
    };
    assert_eq!(run(1), run(3));
}
