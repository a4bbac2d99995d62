use gibbs_core::key::Key;
use gibbs_spin::field::inference::{Annealing, BeliefPropagation, MeanField, icm, mean_field};
use gibbs_spin::field::{Elimination, Field, FieldError, Pair};
use gibbs_spin::graph::{Boundary, Connectivity, Graph};

use super::{brute, close, random, zoo};

/// A random tree: site `i` hangs on an earlier one.
fn tree(n: usize, seed: u64) -> Graph {
    let mut rng = Key::from_seed(seed).rng();
    let edges: Vec<_> = (1..n).map(|i| (rng.below(i), i)).collect();
    Graph::from_edges(n, &edges).unwrap()
}

#[test]
fn belief_propagation_is_exact_on_trees() {
    let bp = BeliefPropagation { tolerance: 1e-12, max_iterations: 1000, ..BeliefPropagation::default() };
    for (k, q, pair) in [(0, 2, Pair::Ising), (1, 3, Pair::Potts), (2, 4, Pair::TruncatedQuadratic { limit: 4.0 })] {
        let field = random(tree(40, k), q, &pair, 1.5, k);
        let exact = Elimination::new(&field).unwrap();
        assert_eq!(exact.width(), 1);
        for damping in [0.0, 0.4] {
            let beliefs = BeliefPropagation { damping, ..bp }.run(&field).unwrap();
            assert!(beliefs.convergence.converged, "{:?}", beliefs.convergence);
            close(&beliefs.marginals, &exact.marginals(), 1e-9);
            close(&[beliefs.log_z], &[exact.log_z()], 1e-8);
        }
        // Planted: two iterations do not reach through the tree.
        let cut = BeliefPropagation { max_iterations: 2, ..bp }.run(&field).unwrap();
        let off = cut.marginals.iter().zip(exact.marginals()).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(!cut.convergence.converged && off > 1e-3);
    }
}

/// Couplings of hundreds of nats: messages underflow as numbers and must not as logarithms.
#[test]
fn strong_couplings_do_not_underflow() {
    let chain = Graph::from_edges(5, &[(0, 1), (1, 2), (2, 3), (3, 4)]).unwrap();
    let mut unary = vec![0.0; 10];
    unary[1] = 1.0;
    let field = Field::new(chain, 2, &Pair::Ising, vec![2000.0; 4], unary).unwrap();
    let beliefs = BeliefPropagation::default().run(&field).unwrap();
    let p = 1.0 / (1.0 + (-1f64).exp());
    close(&beliefs.marginals, &[1.0 - p, p].repeat(5), 1e-9);
    close(&[beliefs.log_z - 8000.0], &[1f64.exp().ln_1p()], 1e-8);
}

#[test]
fn with_loops_marginals_are_near_where_couplings_are_weak() {
    let weak = random(Graph::grid(&[4, 4], Boundary::Open).unwrap(), 2, &Pair::Ising, 0.2, 3);
    let beliefs = BeliefPropagation::default().run(&weak).unwrap();
    assert!(beliefs.convergence.converged);
    let exact = Elimination::new(&weak).unwrap();
    close(&beliefs.marginals, &exact.marginals(), 0.01);
    assert!((beliefs.log_z - exact.log_z()).abs() < 0.02);
}

#[test]
fn mean_field_stays_below_the_sum_and_never_falls() {
    for field in zoo() {
        let (log_z, ..) = brute(&field);
        let mut last = f64::NEG_INFINITY;
        for sweeps in 1..30 {
            let fit = MeanField { max_iterations: sweeps, ..MeanField::default() }.run(&field, None).unwrap();
            assert!(fit.bound <= log_z + 1e-12, "{} {log_z}", fit.bound);
            assert!(fit.bound >= last - 1e-12, "{} after {last}", fit.bound);
            last = fit.bound;
            assert!(fit.marginals.chunks(field.n_states()).all(|m| (m.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        }
        // With the exact marginals as the product it is a bound too.
        assert!(mean_field::bound(&field, &brute(&field).1) <= log_z + 1e-12);
        let damped = MeanField { damping: 0.5, ..MeanField::default() }.run(&field, None).unwrap();
        assert!(damped.convergence.converged && damped.bound <= log_z + 1e-12);
    }
    // Without couplings the product is the law itself.
    let free = random(Graph::from_edges(5, &[]).unwrap(), 3, &Pair::Potts, 1.0, 1);
    let fit = MeanField::default().run(&free, None).unwrap();
    close(&[fit.bound], &[brute(&free).0], 1e-12);
}

#[test]
fn icm_only_descends_and_ends_where_no_site_improves() {
    for field in zoo() {
        let (q, n) = (field.n_states(), field.n_sites());
        let mut rng = Key::from_seed(1).rng();
        for _ in 0..20 {
            let start: Vec<u8> = (0..n).map(|_| rng.below(q) as u8).collect();
            let mut last = field.energy_of(&start);
            for sweeps in 1..8 {
                let (x, _) = icm(&field, Some(&start), sweeps).unwrap();
                let energy = field.energy_of(&x);
                assert!(energy <= last + 1e-12);
                last = energy;
            }
            let (x, end) = icm(&field, Some(&start), 100).unwrap();
            assert!(end.converged && end.last_change == 0.0);
            for (site, label) in (0..n).flat_map(|s| (0..q).map(move |a| (s, a))) {
                let mut y = x.clone();
                y[site] = label as u8;
                assert!(field.energy_of(&y) >= field.energy_of(&x) - 1e-12);
            }
        }
    }
}

#[test]
fn annealing_reaches_the_most_probable_state() {
    for field in zoo() {
        // A single run may freeze in a side valley; of ten, one must not.
        let runs = (0..10).map(|seed| Annealing::default().run(&field, &Key::from_seed(seed)).unwrap());
        let (x, energy) = runs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        close(&[energy, field.energy_of(&x)], &[brute(&field).2; 2], 1e-9);
    }
    // A frustrated grid on which descent alone fails.
    let field = random(Graph::picture(7, 7, Connectivity::Four).unwrap().0, 2, &Pair::Ising, 2.0, 5);
    let (_, least) = Elimination::most_probable(&field).unwrap();
    let (descended, _) = icm(&field, None, 100).unwrap();
    assert!(field.energy_of(&descended) > least + 0.1);
    let annealing = Annealing { sweeps: 2000, ..Annealing::default() };
    let energies = (0..5).map(|seed| annealing.run(&field, &Key::from_seed(seed)).unwrap().1);
    close(&[energies.fold(f64::INFINITY, f64::min)], &[least], 1e-9);
}

#[test]
fn settings_out_of_range_are_named() {
    let field = &zoo()[0];
    let wrong = |r: Result<(), FieldError>| assert!(matches!(r, Err(FieldError::Setting { .. })), "{r:?}");
    wrong(MeanField { damping: 1.0, ..MeanField::default() }.run(field, None).map(drop));
    wrong(BeliefPropagation { damping: -0.1, ..BeliefPropagation::default() }.run(field).map(drop));
    wrong(BeliefPropagation { tolerance: f64::NAN, ..BeliefPropagation::default() }.run(field).map(drop));
    wrong(Annealing { coldest: 3.0, ..Annealing::default() }.run(field, &Key::from_seed(1)).map(drop));
    assert!(matches!(icm(field, Some(&[0, 1]), 9), Err(FieldError::Length { .. })));
    assert!(matches!(icm(field, Some(&[7; 6]), 9), Err(FieldError::Label { .. })));
    assert!(MeanField::default().run(field, Some(&[0.5; 3])).is_err());
}
