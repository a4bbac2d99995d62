//! One way in to every exact sum: the cheapest is taken, and what is out of reach is refused with its price.

mod common;

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::log_partition::exact::{exact, least_cost};
use gibbs_core::log_partition::{Bias, LogZ, LogZError, Summable};
use gibbs_spin::crf::{Chain, Transitions};
use gibbs_spin::field::{Field, Ising, Pair};
use gibbs_spin::graph::{Boundary, Graph};
use gibbs_spin::lattice::TorusPath;
use gibbs_spin::{Boltzmann, Rbm};
use gibbs_testkit::Exact;

fn found(model: &impl Summable) -> LogZ {
    exact(model, 1e12, &|_| true).unwrap()
}

fn refusal(model: &impl Summable, most: f64) -> String {
    let error = exact(model, most, &|_| true).unwrap_err();
    assert!(matches!(error, LogZError::TooCostly { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn an_rbm_by_its_smaller_layer() {
    for (nv, nh) in [(7, 3), (3, 7)] {
        let rbm = common::small_rbm(nv, nh, 1.0, 1);
        let z = found(&rbm);
        assert!((z.value - common::Brute::new(&rbm).log_z).abs() < 1e-5 && z.bias == Bias::Exact);
        assert_eq!(z.method, "sum over 2^3 states of the smaller layer");
    }
    // 2^40 states of 60 units each.
    let text = refusal(&Rbm::random(60, 40, 0.1, &Key::from_seed(0)), 1e300);
    assert!(text.contains("2^40") && text.contains("6.6e13 terms") && text.contains("--log-z"), "{text}");
    assert_eq!(exact(&Rbm::random(20, 10, 0.1, &Key::from_seed(0)), 1e12, &|_| false), Err(LogZError::Interrupted));
}

/// Twelve bits in a ring: the table of all states and elimination agree with the test kit; forty in a row are out of the
/// table's reach and cheap to eliminate, one transfer matrix of two states a step.
#[test]
fn a_boltzmann_machine_by_table_or_elimination() {
    let build = |n: usize, pairs: Vec<(usize, usize)>| {
        let mut machine = Boltzmann::on_graph(n, pairs).unwrap();
        let mut rng = Key::from_seed(3).rng();
        machine.params_mut().flat_mut().iter_mut().for_each(|p| *p = rng.normal() as f32);
        machine
    };
    let energy = |machine: &Boltzmann, x: &[bool]| {
        let (couplings, bias) = (machine.params().get("couplings"), machine.params().get("bias"));
        let on = machine.pairs().iter().zip(couplings).filter(|((i, j), _)| x[*i] && x[*j]);
        -on.map(|(_, c)| f64::from(*c)).sum::<f64>()
            - x.iter().zip(bias).filter(|(on, _)| **on).map(|(_, b)| f64::from(*b)).sum::<f64>()
    };
    let ring = build(12, (0..12).map(|i| (i, (i + 1) % 12)).collect());
    let z = found(&ring);
    let oracle = Exact::new(12, |x| energy(&ring, x)).unwrap();
    assert!((z.value - oracle.log_z()).abs() < 1e-5, "{z:?}");
    assert!(z.method.starts_with("elimination") && least_cost(&ring).unwrap() < 200.0);
    // The way that was not taken gives the same.
    let table = ring.ways().into_iter().find(|w| w.method().contains("2^12")).unwrap();
    assert_eq!(table.cost(), 4096.0);

    let row = build(40, (1..40).map(|i| (i - 1, i)).collect());
    let (couplings, bias) = (row.params().get("couplings"), row.params().get("bias"));
    let mut weights = [1.0, f64::from(bias[0]).exp()];
    for i in 1..40 {
        let joined = weights[0] + weights[1] * f64::from(couplings[i - 1]).exp();
        weights = [weights[0] + weights[1], joined * f64::from(bias[i]).exp()];
    }
    assert!((found(&row).value - (weights[0] + weights[1]).ln()).abs() < 1e-9);

    let dense = build(40, (0..40).flat_map(|i| (i + 1..40).map(move |j| (i, j))).collect());
    let text = refusal(&dense, f64::INFINITY);
    assert!(text.contains("2^40 states (1.1e12 terms, 1.7e7 allowed)") && !text.contains("elimination"), "{text}");
}

#[test]
fn fields_and_lattices() {
    let (rows, cols) = (3, 3);
    let field = |rows: usize, cols: usize| {
        Field::uniform(Graph::grid(&[rows, cols], Boundary::Open).unwrap(), 2, &Pair::Ising, 0.4).unwrap()
    };
    let oracle = Exact::new(rows * cols, |x| {
        let s = |i: usize| if x[i] { 1.0 } else { -1.0 };
        let right = (0..9).filter(|i| i % 3 < 2).map(|i| s(i) * s(i + 1)).sum::<f64>();
        -0.4 * (right + (0..6).map(|i| s(i) * s(i + 3)).sum::<f64>())
    });
    assert!((found(&field(rows, cols)).value - oracle.unwrap().log_z()).abs() < 1e-10);
    // A strip of 200 x 4 goes by transfer matrices, a square of 40 x 40 not at all.
    let strip = found(&field(200, 4));
    assert!(strip.method.contains("elimination"), "{strip:?}");
    let text = refusal(&field(40, 40), f64::INFINITY);
    assert!(text.contains("2^1600") && text.contains("elimination"), "{text}");
    // The torus by its closed form, and the same as an Ising model on a graph by elimination.
    let torus = found(&TorusPath::new(4, 0.3).unwrap());
    assert!(torus.method.contains("closed form"));
    let edges: Vec<(usize, usize, f64)> =
        (0..16).flat_map(|k| [(k, k / 4 * 4 + (k + 1) % 4, 0.3), (k, (k + 4) % 16, 0.3)]).collect();
    let ising = Ising::from_edges(16, &edges, vec![0.0; 16]).unwrap();
    assert!((found(&ising).value - torus.value).abs() < 1e-9, "{} {}", found(&ising).value, torus.value);
}

#[test]
fn a_chain_by_its_forward_recursion() {
    let transitions = Transitions::new(2, &[0.5, -0.3, 0.1, 0.8]);
    let scores = [0.2, -0.1, 0.7, 0.0, -0.5, 0.4];
    let chain = Chain::new(&transitions, &scores).unwrap();
    let all = (0..8u32).map(|s| chain.score(&[s & 1, s >> 1 & 1, s >> 2 & 1]).exp()).sum::<f64>().ln();
    assert!((found(&chain).value - all).abs() < 1e-12);
    assert!(refusal(&chain, 3.0).contains("1.2e1 terms"));
}
