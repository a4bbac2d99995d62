//! Exact samples by coupling from the past, against enumeration; and what goes wrong when it is done the wrong way round.

mod common;

use gibbs_core::energy::Parametric;
use gibbs_core::key::Key;
use gibbs_core::rows::Rows;
use gibbs_core::samplers::{MonotoneMap, from_the_past, meeting_time};
use gibbs_spin::field::Ising;
use gibbs_spin::lattice::{MonotoneTorus, TorusPath};
use gibbs_spin::perfect::{MonotoneHeatBath, MonotoneRbm};
use gibbs_spin::{Bits, Boltzmann, Rbm};
use gibbs_testkit::{Exact, chi_square_test};

use common::{Brute, counts};

/// A ring with a chord, couplings of both signs but without frustration, and fields.
fn ising() -> Ising {
    let edges = [(0, 1, 0.7), (1, 2, -0.5), (2, 3, 0.6), (3, 4, -0.8), (4, 5, 0.4), (5, 0, 0.9), (0, 3, -0.3)];
    Ising::from_edges(6, &edges, vec![0.3, -0.2, 0.1, 0.0, -0.4, 0.2]).unwrap()
}

fn spin(x: &[bool], i: usize) -> f64 {
    if x[i] { 1.0 } else { -1.0 }
}

fn exact_ising(ising: &Ising) -> Exact {
    let energy = |x: &[bool]| {
        let edges = ising.graph().edges().iter().zip(ising.couplings());
        let pairs: f64 = edges.map(|([a, b], j)| j * spin(x, *a as usize) * spin(x, *b as usize)).sum();
        -pairs - ising.fields().iter().enumerate().map(|(i, h)| h * spin(x, i)).sum::<f64>()
    };
    Exact::new(6, energy).unwrap()
}

#[test]
fn an_ising_model_of_both_signs() {
    let ising = ising();
    let map = MonotoneHeatBath::of_ising(&ising).unwrap();
    let x = from_the_past(&map, 20_000, &Key::from_seed(1));
    chi_square_test(&counts(&x), exact_ising(&ising).probabilities(), 1e-4).unwrap();
}

/// Planted: the chains run forwards until they meet, and where they meet is taken. The same model, the same number of rows.
#[test]
fn stopping_forwards_where_chains_meet_is_wrong() {
    let ising = ising();
    let map = MonotoneHeatBath::of_ising(&ising).unwrap();
    let forwards = |row: u64| {
        let (key, mut states) = (Key::from_seed(1).block(row), map.extremes(1));
        for t in 0.. {
            map.apply(&mut states, &key.step(t));
            if states[0] == states[1] {
                break;
            }
        }
        states[0].words()[0]
    };
    let met = Bits::from_words(20_000, 6, (0..20_000).map(forwards).collect());
    assert!(chi_square_test(&counts(&met), exact_ising(&ising).probabilities(), 1e-6).is_err());
}

#[test]
fn a_boltzmann_machine_and_an_rbm() {
    let mut machine = Boltzmann::dense(5);
    let mut rng = Key::from_seed(4).rng();
    machine.params_mut().flat_mut().iter_mut().for_each(|p| *p = rng.normal().abs() as f32 * 0.5);
    machine.params_mut().get_mut("bias").iter_mut().for_each(|b| *b -= 1.2);
    let map = MonotoneHeatBath::of_boltzmann(&machine).unwrap();
    let x = from_the_past(&map, 20_000, &Key::from_seed(2));
    let params = machine.params();
    let (couplings, bias) = (params.get("couplings"), params.get("bias"));
    let exact = Exact::new(5, |x| {
        let pairs = machine.pairs().iter().zip(couplings).filter(|((i, j), _)| x[*i] && x[*j]);
        -pairs.map(|(_, c)| f64::from(*c)).sum::<f64>()
            - (0..5).filter(|i| x[*i]).map(|i| f64::from(bias[i])).sum::<f64>()
    });
    chi_square_test(&counts(&x), exact.unwrap().probabilities(), 1e-4).unwrap();

    let rbm = attractive_rbm(5, 3);
    let x = from_the_past(&MonotoneRbm::new(&rbm).unwrap(), 20_000, &Key::from_seed(3));
    chi_square_test(&counts(&x), &Brute::new(&rbm).marginal(), 1e-4).unwrap();
}

/// Weights whose signs are those of two kinds of units each: turning one kind of each over makes all positive.
fn attractive_rbm(nv: usize, nh: usize) -> Rbm {
    let mut rng = Key::from_seed(5).rng();
    let sign = |k: usize| if k.is_multiple_of(2) { 1.0 } else { -1.0 };
    let weights: Vec<f32> =
        (0..nv * nh).map(|k| (sign(k / nh) * sign(k % nh) * (0.2 + rng.normal().abs())) as f32).collect();
    let mut bias = |n: usize| -> Vec<f32> { (0..n).map(|_| 0.5 * rng.normal() as f32).collect() };
    Rbm::from_arrays(&weights, &bias(nv), &bias(nh)).unwrap()
}

/// All 65,536 states of a 4 x 4 torus in classes of equal energy.
#[test]
fn lattices_of_a_word() {
    let (side, coupling) = (4, 0.4);
    let map = MonotoneTorus::new(&TorusPath::new(side, coupling).unwrap()).unwrap();
    let x = from_the_past(&map, 20_000, &Key::from_seed(7));
    let mut bonds = vec![0.0; 20_000];
    x.bonds(&mut bonds);
    let of = |x: &[bool]| {
        let s = |i: usize, j: usize| spin(x, i % side * side + j % side);
        (0..16).map(|k| s(k / 4, k % 4) * (s(k / 4 + 1, k % 4) + s(k / 4, k % 4 + 1))).sum::<f64>()
    };
    let exact = Exact::new(16, |x| -coupling * of(x)).unwrap();
    let mut classes = std::collections::BTreeMap::<i64, (u64, f64)>::new();
    exact
        .probabilities()
        .iter()
        .enumerate()
        .for_each(|(s, p)| classes.entry(of(&exact.state(s)) as i64).or_default().1 += p);
    bonds.iter().for_each(|b| classes.get_mut(&(*b as i64)).unwrap().0 += 1);
    let (counts, probs): (Vec<u64>, Vec<f64>) = classes.into_values().unzip();
    chi_square_test(&counts, &probs, 1e-4).unwrap();
    // Both signs alike: the up spins of all lattices are half of all sites within five standard errors of strongly dependent
    // spins (each lattice counted as one).
    let mut ups = vec![0.0; 20_000];
    x.magnetisations(&mut ups);
    assert!(ups.iter().sum::<f64>().abs() < 5.0 * 16.0 * 20_000f64.sqrt());
}

/// A step keeps the order of states, and unequal ones do not pass each other.
#[test]
fn maps_keep_the_order() {
    let rbm = attractive_rbm(9, 6);
    let map = MonotoneRbm::new(&rbm).unwrap();
    let mut states = map.extremes(50);
    let high = map.extremes(1)[0].words()[0];
    for t in 0..20 {
        map.apply(&mut states, &Key::from_seed(6).step(t));
        // Whether each unit is high in its order: it then agrees with the greatest state.
        let agree = |x: &Bits| -> Vec<u64> { x.words().iter().map(|w| !(w ^ high) & 0x1ff).collect() };
        assert!(agree(&states[1]).iter().zip(agree(&states[0])).all(|(least, greatest)| least & !greatest == 0));
    }
}

#[test]
fn frustration_is_refused_and_ordered_lattices_take_too_long() {
    let triangle = Ising::from_edges(3, &[(0, 1, -1.0), (1, 2, -1.0), (2, 0, -1.0)], vec![0.0; 3]).unwrap();
    assert!(MonotoneHeatBath::of_ising(&triangle).is_none());
    let rbm = common::small_rbm(6, 5, 1.0, 1);
    assert!(MonotoneRbm::new(&rbm).is_none());
    let map = |k: f64| MonotoneTorus::new(&TorusPath::new(16, k).unwrap()).unwrap();
    assert!(meeting_time(&map(0.3), 4_096, &Key::from_seed(0)).is_some());
    assert!(meeting_time(&map(0.6), 1_024, &Key::from_seed(0)).is_none());
}

#[test]
fn threads_do_not_change_a_bit() {
    let rbm = attractive_rbm(8, 4);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| from_the_past(&MonotoneRbm::new(&rbm).unwrap(), 200, &Key::from_seed(1)))
    };
    assert_eq!(run(1), run(3));
    assert_eq!(run(1).n_rows(), 200);
}
