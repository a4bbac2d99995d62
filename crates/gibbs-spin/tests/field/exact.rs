use gibbs_spin::field::{Elimination, Enumeration, Field, FieldError, Ising, Labels, Pair};
use gibbs_spin::graph::{Boundary, Graph, GraphError};
use gibbs_spin::lattice::ExactTorus;
use gibbs_testkit::Exact;

use super::{brute, close, ising, ising_energy, random, zoo};

/// Sums of at most 20 736 terms in f64: errors far below 1e-10.
#[test]
fn enumeration_and_elimination_are_brute_force() {
    for field in zoo() {
        let (log_z, marginals, least) = brute(&field);
        let all = Enumeration::new(&field).unwrap();
        close(&[all.log_z, all.least_energy, field.energy_of(&all.most_probable)], &[log_z, least, least], 1e-10);
        close(&all.marginals, &marginals, 1e-10);
        let solved = Elimination::new(&field).unwrap();
        close(&[solved.log_z()], &[log_z], 1e-10);
        close(&solved.marginals(), &marginals, 1e-10);
        let backwards: Vec<usize> = (0..field.n_sites()).rev().collect();
        let solved = Elimination::in_order(&field, &backwards).unwrap();
        close(&[solved.log_z()], &[log_z], 1e-10);
        close(&solved.marginals(), &marginals, 1e-10);
        let (x, energy) = Elimination::most_probable(&field).unwrap();
        close(&[energy, field.energy_of(&x)], &[least, least], 1e-10);
    }
    // Planted: without one edge the sum is another.
    let field = ising(1.0).to_field();
    let mut couplings = field.couplings().to_vec();
    couplings[3] = 0.0;
    let other = field.with(couplings, field.unary().to_vec()).unwrap();
    assert!((Elimination::new(&other).unwrap().log_z() - brute(&field).0).abs() > 0.1);
}

#[test]
fn packed_spins_and_labels_are_one_law() {
    let exact = Exact::new(6, |x| ising_energy(x, 1.0)).unwrap();
    let all = Enumeration::new(&ising(1.0).to_field()).unwrap();
    close(&[all.log_z], &[exact.log_z()], 1e-12);
    let ups: Vec<f64> = all.marginals.chunks(2).map(|m| m[1]).collect();
    close(&ups, &exact.means(), 1e-12);
}

/// The torus of Kasteleyn's formula, which elimination sums along its narrow side.
#[test]
fn the_torus_has_its_exact_sum() {
    let torus = Graph::grid(&[8, 8], Boundary::Periodic).unwrap();
    let field = Field::uniform(torus, 2, &Pair::Ising, 0.44).unwrap();
    let exact = ExactTorus::new(8, 0.44).unwrap().log_z;
    close(&[Elimination::new(&field).unwrap().log_z()], &[exact], 1e-9);
    let rows: Vec<usize> = (0..64).collect();
    let transfer = Elimination::in_order(&field, &rows).unwrap();
    assert_eq!(transfer.width(), 16);
    close(&[transfer.log_z()], &[exact], 1e-9);
}

/// A chain of Potts sites: `q (e^J + q - 1)^(n - 1)`, of a length that would underflow without logarithms.
#[test]
fn long_chains_and_strong_couplings() {
    let n = 5_000;
    let edges: Vec<_> = (1..n).map(|i| (i - 1, i)).collect();
    for coupling in [0.7, 300.0, -300.0] {
        let chain = Graph::from_edges(n, &edges).unwrap();
        let exact = Elimination::new(&Field::uniform(chain, 4, &Pair::Potts, coupling).unwrap()).unwrap();
        let link =
            if coupling > 0.0 { coupling + (3.0 * (-coupling).exp()).ln_1p() } else { (3.0 + coupling.exp()).ln() };
        let expected = 4f64.ln() + (n - 1) as f64 * link;
        // Rounding of 5000 sums.
        close(&[exact.log_z() / expected], &[1.0], 1e-11);
        close(&exact.marginals(), &vec![0.25; 4 * n], 1e-9);
    }
}

#[test]
fn wide_graphs_are_refused_before_memory_is_taken() {
    let grid = Graph::grid(&[60, 60], Boundary::Open).unwrap();
    let refused = Elimination::new(&Field::uniform(grid.clone(), 2, &Pair::Ising, 0.1).unwrap());
    assert!(matches!(refused, Err(FieldError::TooLarge { .. })));
    let refused = Enumeration::new(&Field::uniform(grid, 2, &Pair::Ising, 0.1).unwrap());
    assert!(refused.unwrap_err().to_string().contains("Elimination"));
}

#[test]
fn bad_input_is_named() {
    let edges = |edges: &[(usize, usize, f64)]| Ising::from_edges(3, edges, vec![0.0; 3]).unwrap_err().to_string();
    assert!(edges(&[(0, 1, 0.5), (1, 0, 0.4)]).contains("symmetric"));
    assert!(edges(&[(0, 1, 0.5), (0, 1, 0.5)]).contains("more than once"));
    assert!(edges(&[(1, 1, 0.5)]).contains("itself"));
    assert!(edges(&[(0, 3, 0.5)]).contains("missing"));
    assert!(edges(&[(0, 1, f64::NAN)]).contains("NaN"));
    // Both directions with one coupling are one edge.
    assert_eq!(Ising::from_edges(2, &[(0, 1, 0.5), (1, 0, 0.5)], vec![0.0; 2]).unwrap().couplings(), [0.5]);
    let chain = || Graph::from_edges(3, &[(0, 1), (1, 2)]).unwrap();
    let new = |q, pair: &Pair, j: &[f64], h: &[f64]| Field::new(chain(), q, pair, j.to_vec(), h.to_vec());
    assert!(matches!(
        new(2, &Pair::Ising, &[0.1, 0.2], &[f64::NAN; 6]),
        Err(FieldError::NotFinite { what: "field", .. })
    ));
    assert!(matches!(new(2, &Pair::Ising, &[0.1], &[0.0; 6]), Err(FieldError::Length { .. })));
    assert!(matches!(new(3, &Pair::Ising, &[0.1, 0.2], &[0.0; 9]), Err(FieldError::States { .. })));
    assert!(matches!(new(1, &Pair::Potts, &[0.1, 0.2], &[0.0; 3]), Err(FieldError::States { .. })));
    let table = Pair::Table(vec![0.0, 1.0, 2.0, 0.0]);
    assert!(matches!(new(2, &table, &[0.1, 0.2], &[0.0; 6]), Err(FieldError::NotSymmetric { a: 0, b: 1 })));
    assert!(matches!(Graph::from_edges(1, &[(0, 0)]), Err(GraphError::SelfLoop(0))));
    let message = Labels::from_values(2, 2, vec![0, 1, 2, 0]).unwrap_err().to_string();
    assert!(message.contains("row 1, site 0"), "{message}");
    let field = random(chain(), 2, &Pair::Potts, 1.0, 1);
    assert!(Elimination::in_order(&field, &[0, 1, 1]).is_err());
}
