//! Associative memories: energies against their definitions, descents, storage, recall, sampling.

mod common;

use common::{all_rows, draw_exactly};
use gibbs_core::dense::Dense;
use gibbs_core::energy::{Blocks, Distribution, Energy, Flips, Gradient};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::{Geometric, Path};
use gibbs_core::rows::{Continuous, Natural, Rows};
use gibbs_core::samplers::{GibbsWithGradients, HeatBath};
use gibbs_core::scratch::Scratch;
use gibbs_spin::memory::{DenseMemory, Hopfield, Interaction, MemoryError, Modern, Recaller, Rule, Update, nearest};
use gibbs_spin::{Bernoulli, Bits};
use gibbs_testkit::chi_square_test;
use proptest::prelude::*;

const RULES: [Rule; 3] = [Rule::Hebbian, Rule::Projection, Rule::Storkey];
const INTERACTIONS: [Interaction; 4] = [
    Interaction::Polynomial(2),
    Interaction::Polynomial(3),
    Interaction::Polynomial(8),
    Interaction::Exponential { beta: 0.4 },
];

fn random_patterns(p: usize, n: usize, seed: u64) -> Bits {
    Bernoulli::new(vec![0.0; n]).sample(p, &Key::from_seed(seed))
}

fn noisy(x: &Bits, share: f64, seed: u64) -> Bits {
    let (mut out, mut rng) = (x.clone(), Key::from_seed(seed).rng());
    for i in 0..x.n_rows() {
        (0..x.n_cols())
            .filter(|_| rng.uniform() < share)
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|k| out.set(i, k, !x.get(i, k)));
    }
    out
}

fn spin(x: &Bits, i: usize, k: usize) -> f64 {
    if x.get(i, k) { 1.0 } else { -1.0 }
}

fn energies<E: Energy>(e: &E, x: &E::X) -> Vec<f64> {
    let mut out = vec![0.0; x.n_rows()];
    e.energy(x, &mut out, &mut Scratch::default());
    out
}

/// Flip costs and conditionals are differences of energies, on every state of `n` bits.
fn check_flips<E: Flips<X = Bits> + Blocks>(memory: &E, n: usize, tolerance: f64) {
    let (x, ws) = (all_rows(n), &mut Scratch::default());
    let e = energies(memory, &x);
    let mut deltas = vec![0.0; n << n];
    memory.flip_deltas(&x, &mut deltas, ws);
    let mut natural = Natural::default();
    for s in 0..n {
        memory.natural(&x, s, &mut natural, ws);
        for i in 0..1 << n {
            assert!((deltas[i * n + s] - (e[i ^ (1 << s)] - e[i])).abs() < tolerance);
            assert!((natural.logits[i] - (e[i & !(1 << s)] - e[i | 1 << s])).abs() < tolerance);
        }
    }
}

#[test]
fn energies_follow_their_definitions() {
    let n = 7;
    let patterns = random_patterns(3, n, 1);
    let x = all_rows(n);
    let overlap = |i: usize, mu: usize| (0..n).map(|k| spin(&x, i, k) * spin(&patterns, mu, k)).sum::<f64>();
    for interaction in INTERACTIONS {
        let memory = DenseMemory::new(interaction, patterns.clone()).unwrap();
        let e = energies(&memory, &x);
        for (i, e) in e.iter().enumerate() {
            let m = (0..3).map(|mu| overlap(i, mu));
            let expected = match interaction {
                Interaction::Polynomial(d) => -(n as f64) * m.map(|m| (m / n as f64).powi(d as i32)).sum::<f64>(),
                Interaction::Exponential { beta } => -m.map(|m| (beta * m).exp()).sum::<f64>().ln() / beta,
            };
            // A dozen roundings of numbers up to 21.
            assert!((e - expected).abs() < 1e-13, "{interaction:?}: {e} {expected}");
        }
        check_flips(&memory, n, 1e-12);
    }
    // Hebb: E = -(1 / 2N) sum_mu m_mu^2 + P / 2, as f32 couplings are good to 2^-24 of 3/7 times 21 pairs.
    let hebb = Hopfield::store(Rule::Hebbian, &patterns).unwrap();
    for (i, e) in energies(&hebb, &x).iter().enumerate() {
        let expected = 1.5 - (0..3).map(|mu| overlap(i, mu).powi(2)).sum::<f64>() / (2.0 * n as f64);
        assert!((e - expected).abs() < 1e-6, "{e} {expected}");
    }
    for rule in RULES {
        check_flips(&Hopfield::store(rule, &patterns).unwrap(), n, 1e-12);
    }
}

/// Storkey's rule from its definition, with the field of `i` and `j` left out term by term.
#[test]
fn storkey_follows_its_definition() {
    let (p, n) = (4, 9);
    let patterns = random_patterns(p, n, 2);
    let mut w = vec![0.0; n * n];
    for mu in 0..p {
        let xi = |k: usize| spin(&patterns, mu, k);
        let old = w.clone();
        let h = |i: usize, j: usize| (0..n).filter(|k| *k != i && *k != j).map(|k| old[i * n + k] * xi(k)).sum::<f64>();
        for i in 0..n {
            for j in (0..n).filter(|j| *j != i) {
                w[i * n + j] += (xi(i) * xi(j) - xi(i) * h(j, i) - h(i, j) * xi(j)) / n as f64;
            }
        }
    }
    let stored = Hopfield::store(Rule::Storkey, &patterns).unwrap();
    assert!(stored.couplings().iter().zip(&w).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
}

/// `W` of the projection rule, its diagonal put back, maps every pattern to itself.
#[test]
fn projection_holds_correlated_patterns_that_hebb_loses() {
    let (p, n) = (60, 200);
    // Seven spins in ten are up.
    let patterns = Bernoulli::new(vec![0.85; n]).sample(p, &Key::from_seed(3));
    let steady = |rule: Rule| {
        let memory = Hopfield::store(rule, &patterns).unwrap();
        let found = Recaller::new(&memory).recall(&patterns, Update::Synchronous, 1, &Key::from_seed(0));
        found.converged.iter().filter(|c| **c).count()
    };
    assert_eq!(steady(Rule::Projection), p);
    assert!(steady(Rule::Hebbian) < p / 2);
    let mut twice = patterns.slice(0, 3);
    twice.resize_rows(4);
    (0..n).for_each(|k| twice.set(3, k, !patterns.get(1, k)));
    assert_eq!(Hopfield::store(Rule::Projection, &twice), Err(MemoryError::Dependent { pattern: 3 }));
}

#[test]
fn noisy_patterns_are_found_again() {
    let (p, n) = (40, 1_000);
    let patterns = random_patterns(p, n, 4);
    let queries = noisy(&patterns, 0.15, 5);
    for rule in RULES {
        let memory = Hopfield::store(rule, &patterns).unwrap();
        for update in [Update::Asynchronous, Update::Synchronous] {
            let found = Recaller::new(&memory).recall(&queries, update, 30, &Key::from_seed(6));
            assert!(found.converged.iter().all(|c| *c));
            for i in 0..p {
                let (at, overlap) = nearest(&patterns, &found.states, i);
                // At a load of 0.04 Hebb's fixed points differ from the patterns in less than one spin of a thousand.
                assert!(at == i && overlap > 0.99, "{rule:?} {update:?} {i} {at} {overlap}");
            }
            let e = energies(&memory, &found.states);
            assert!(e.iter().zip(&found.energies).all(|(a, b)| (a - b).abs() < 1e-4 * a.abs()));
        }
    }
    // Far above the capacity of Hebb's rule, and of any matrix of couplings, the exponential memory is not even near its own.
    let patterns = random_patterns(3_000, 60, 7);
    let queries = noisy(&patterns.slice(0, 50), 0.05, 8);
    let memory = DenseMemory::new(Interaction::Exponential { beta: 1.0 }, patterns.clone()).unwrap();
    let found = memory.recall(&queries, Update::Asynchronous, 20, &Key::from_seed(9));
    let right = (0..50).filter(|i| nearest(&patterns, &found.states, *i) == (*i, 1.0)).count();
    assert!(right >= 48, "{right} of 50");
}

/// A panel of spins at a time is the same as one spin at a time, in the same order. Couplings are normal, so that no field is
/// within rounding of zero: 6,000 fields of size 12 come within 1e-5 of it with probability 4e-3.
#[test]
fn panels_are_single_updates() {
    let (n, rows) = (150, 40);
    let (mut w, mut rng) = (vec![0.0f32; n * n], Key::from_seed(1).rng());
    for i in 0..n {
        for j in 0..i {
            w[i * n + j] = rng.normal() as f32;
            w[j * n + i] = w[i * n + j];
        }
    }
    let memory = Hopfield::from_couplings(w, (0..n).map(|_| rng.normal() as f32).collect()).unwrap();
    let start = random_patterns(rows, n, 2);
    let key = Key::from_seed(3);
    let found = Recaller::new(&memory).recall(&start, Update::Asynchronous, 1, &key);
    for row in 0..rows {
        let mut order: Vec<u32> = (0..n as u32).collect();
        key.block((row / 32) as u64).step(0).purpose(Purpose::Shuffle).rng().shuffle(&mut order);
        let mut x = start.slice(row, row + 1);
        for i in order.into_iter().map(|i| i as usize) {
            let coupled: f64 = memory.row(i).iter().enumerate().map(|(k, w)| f64::from(*w) * spin(&x, 0, k)).sum();
            x.set(0, i, f64::from(memory.bias()[i]) + coupled > 0.0);
        }
        assert_eq!(x, found.states.slice(row, row + 1), "row {row}");
    }
}

fn at<'a, P: Path, K: Kernel<P>>(kernel: &K, _path: &P, chain: &'a K::Chain) -> &'a P::X {
    kernel.position(chain)
}

/// Samplers on memories, against enumeration.
#[test]
fn memories_are_sampled_exactly() {
    fn check<E: Flips<X = Bits> + Blocks>(target: E) {
        let n = 6;
        let e = energies(&target, &all_rows(n));
        let z: f64 = e.iter().map(|e| (-e).exp()).sum();
        let p: Vec<f64> = e.iter().map(|e| (-e).exp() / z).collect();
        let path = Geometric { base: Bernoulli::new(vec![0.0; n]), target };
        let start = draw_exactly(&p, n, 4_000, 1);
        let ws = &mut Scratch::default();
        let counts = |x: &Bits| {
            let mut counts = vec![0; 1 << n];
            x.words().iter().for_each(|w| counts[*w as usize] += 1);
            counts
        };
        let (mut heat, mut informed) =
            (HeatBath.init(&path, start.clone(), ws), GibbsWithGradients.init(&path, start, ws));
        for t in 0..4 {
            HeatBath.step(&path, 1.0, &(), &mut heat, &Key::from_seed(2).step(t), ws);
            GibbsWithGradients.step(&path, 1.0, &(), &mut informed, &Key::from_seed(3).step(t), ws);
        }
        chi_square_test(&counts(at(&HeatBath, &path, &heat)), &p, 1e-5).unwrap();
        chi_square_test(&counts(at(&GibbsWithGradients, &path, &informed)), &p, 1e-5).unwrap();
        // Planted: another temperature.
        for t in 0..20 {
            HeatBath.step(&path, 0.6, &(), &mut heat, &Key::from_seed(4).step(t), ws);
        }
        assert!(chi_square_test(&counts(at(&HeatBath, &path, &heat)), &p, 1e-5).is_err());
    }
    let patterns = random_patterns(3, 6, 11);
    RULES.into_iter().for_each(|rule| check(Hopfield::store(rule, &patterns).unwrap()));
    INTERACTIONS.into_iter().for_each(|i| check(DenseMemory::new(i, patterns.clone()).unwrap()));
}

#[test]
fn the_continuous_memory_is_attention() {
    let (p, d, beta) = (5, 4, 1.7);
    let mut rng = Key::from_seed(1).rng();
    let mut normals = |n: usize| Dense::from_rows(d, (0..n * d).map(|_| rng.normal() as f32).collect::<Vec<_>>());
    let (patterns, mut x) = (normals(p), normals(30));
    let memory = Modern::new(patterns.clone(), beta).unwrap();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let most = (0..p).map(|mu| dot(patterns.row(mu), patterns.row(mu))).fold(0.0, f64::max);
    let energy = |x: &[f32]| {
        let sum: f64 = (0..p).map(|mu| (beta * dot(patterns.row(mu), x)).exp()).sum();
        -sum.ln() / beta + 0.5 * dot(x, x) + (p as f64).ln() / beta + 0.5 * most
    };
    let (mut e, mut g) = (vec![0.0; 30], x.clone());
    memory.energy_grad(&x, &mut e, &mut g, &mut Scratch::default());
    // Products in f32 of four terms up to 10: errors up to 1e-5.
    assert!((0..30).all(|i| (e[i] - energy(x.row(i))).abs() < 2e-5 && e[i] > -2e-5));
    for i in 0..30 {
        for k in 0..d {
            let at = |h: f32| {
                let mut x = x.row(i).to_vec();
                x[k] += h;
                energy(&x)
            };
            // Central differences: error of h^2 and of f32 inputs, 1e-6 / 1e-2.
            let slope = (at(0.01) - at(-0.01)) / f64::from((x.row(i)[k] + 0.01) - (x.row(i)[k] - 0.01));
            assert!((slope - f64::from(g.row(i)[k])).abs() < 1e-3, "{slope} {}", g.row(i)[k]);
        }
    }
    for _ in 0..10 {
        let before = energies(&memory, &x);
        memory.update(&mut x);
        let after = energies(&memory, &x);
        assert!(before.iter().zip(&after).all(|(b, a)| *a <= b + 2e-5));
    }
    // Well separated patterns are found in one update and kept.
    let far = Dense::from_rows(2, vec![5.0, 0.0, 0.0, 5.0, -5.0, 0.0]);
    let found = Modern::new(far, 2.0).unwrap().recall(&Dense::from_rows(2, vec![4.0, 1.0, -3.0, 2.0]), 1e-5, 10);
    assert!(found.converged == [true, true] && found.updates.iter().all(|u| *u <= 3));
    assert!((found.states.row(1)[0] + 5.0).abs() < 1e-3 && found.energies.iter().all(|e| e.is_finite()));
}

#[test]
fn what_is_no_memory_is_named() {
    let of = |w: &[f32], b: &[f32]| Hopfield::from_couplings(w.to_vec(), b.to_vec()).unwrap_err();
    assert!(matches!(of(&[0.0, 1.0, 2.0, 0.0], &[0.0; 2]), MemoryError::NotSymmetric { i: 0, j: 1, .. }));
    assert_eq!(of(&[0.0, 1.0, 1.0, 3.0], &[0.0; 2]), MemoryError::SelfLoop(1));
    assert!(matches!(of(&[0.0; 4], &[0.0, f32::NAN]), MemoryError::NotFinite { what: "bias", index: 1, .. }));
    assert!(matches!(of(&[0.0; 3], &[0.0; 2]), MemoryError::Length { found: 3, wanted: 4, .. }));
    assert!(matches!(Hopfield::store(Rule::Hebbian, &Bits::zeros(0, 4)), Err(MemoryError::Empty { .. })));
    assert!(matches!(Hopfield::store(Rule::Hebbian, &Bits::zeros(1, 20_001)), Err(MemoryError::TooLarge { .. })));
    let dense = |i| DenseMemory::new(i, Bits::zeros(1, 4)).unwrap_err();
    assert_eq!(dense(Interaction::Polynomial(1)), MemoryError::Degree(1));
    assert!(matches!(dense(Interaction::Exponential { beta: f64::NAN }), MemoryError::Beta(_)));
    assert!(Modern::new(Dense::from_rows(1, vec![f32::INFINITY]), 1.0).is_err());
    assert!(matches!(Modern::new(Dense::from_rows(1, vec![1.0]), 0.0), Err(MemoryError::Beta(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Asynchronous updates never raise the energy, and come to rest; roundings of f32 fields of size 1 are below 1e-5.
    #[test]
    fn energy_never_rises(n in 2usize..60, p in 1usize..20, seed in 0u64..1000, rule in 0usize..3) {
        let patterns = random_patterns(p, n, seed);
        let queries = random_patterns(6, n, seed + 1);
        if let Ok(memory) = Hopfield::store(RULES[rule], &patterns) {
            let recaller = Recaller::new(&memory);
            let mut last = energies(&memory, &queries);
            let mut x = queries;
            for t in 0..12 {
                let found = recaller.recall(&x, Update::Asynchronous, 1, &Key::from_seed(seed).step(t));
                let e = energies(&memory, &found.states);
                for ((e, last), rest) in e.iter().zip(&last).zip(&found.converged) {
                    prop_assert!(*e <= last + 1e-5 * n as f64);
                    prop_assert!(!rest || e == last);
                }
                (x, last) = (found.states, e);
            }
        }
        for interaction in INTERACTIONS {
            let memory = DenseMemory::new(interaction, patterns.clone()).unwrap();
            let start = random_patterns(4, n, seed + 2);
            let mut last = energies(&memory, &start);
            let mut x = start;
            for t in 0..6 {
                let found = memory.recall(&x, Update::Asynchronous, 1, &Key::from_seed(seed).step(t));
                let e = energies(&memory, &found.states);
                prop_assert!(e.iter().zip(&last).all(|(e, l)| *e <= l + 1e-9 * l.abs().max(1.0)));
                (x, last) = (found.states, e);
            }
        }
    }
}
