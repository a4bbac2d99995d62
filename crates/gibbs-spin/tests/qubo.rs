//! QUBO problems: files, conversions, ground states, annealing, and what is refused.

mod common;

use common::all_rows;
use gibbs_core::energy::{Blocks, Energy, Flips};
use gibbs_core::key::Key;
use gibbs_core::rows::{Discrete, Natural, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_spin::annealing::{Annealing, time_to_solution, wilson_interval};
use gibbs_spin::qubo::{Ising, Qubo, QuboError, TemperingSettings};
use proptest::prelude::*;

/// A problem of `n` variables with about `degree` neighbours each and normal coefficients.
fn random(n: usize, degree: f64, seed: u64) -> Qubo {
    let mut rng = Key::from_seed(seed).rng();
    let mut pairs = Vec::new();
    for i in 0..n {
        for j in i + 1..n {
            if rng.uniform() < degree / n as f64 {
                pairs.push((i, j, rng.normal()));
            }
        }
    }
    Qubo::new(rng.normal(), (0..n).map(|_| rng.normal()).collect(), &pairs).unwrap()
}

/// The definition, term by term.
fn plain(q: &Qubo, x: &[bool]) -> f64 {
    let on = |i: usize| if x[i] { 1.0 } else { 0.0 };
    let linear: f64 = q.linear().iter().enumerate().map(|(i, a)| a * on(i)).sum();
    q.offset() + linear + q.pairs().map(|(i, j, b)| b * on(i) * on(j)).sum::<f64>()
}

#[test]
fn energies_flips_and_conditionals_follow_the_definition() {
    let (q, rows, ws) = (random(7, 4.0, 1), all_rows(7), &mut Scratch::default());
    let row = |i: usize| (0..7).map(|k| rows.get(i, k)).collect::<Vec<_>>();
    let mut energies = vec![0.0; 128];
    q.energy(&rows, &mut energies, ws);
    // Some thirty terms of size 1: rounding is below 1e-13.
    assert!((0..128).all(|i| (energies[i] - plain(&q, &row(i))).abs() < 1e-13));
    let mut deltas = vec![0.0; 128 * 7];
    q.flip_deltas(&rows, &mut deltas, ws);
    let mut natural = Natural::default();
    for site in 0..7 {
        q.natural(&rows, site, &mut natural, ws);
        for i in 0..128 {
            let other = energies[i ^ (1 << site)];
            assert!((deltas[i * 7 + site] - (other - energies[i])).abs() < 1e-13);
            let (on, off) = (energies[i | 1 << site], energies[i & !(1 << site)]);
            assert!((natural.logits[i] - (off - on)).abs() < 1e-13);
        }
    }
}

#[test]
fn spins_and_bits_have_one_energy() {
    let rows = all_rows(6);
    for seed in 0..20 {
        let q = random(6, 3.0, seed);
        let ising = Ising::from_qubo(&q);
        let back = ising.to_qubo().unwrap();
        for i in 0..64 {
            let s = |k: usize| if rows.get(i, k) { 1.0 } else { -1.0 };
            let fields: f64 = ising.fields.iter().enumerate().map(|(k, h)| h * s(k)).sum();
            let spins = ising.offset + fields + ising.couplings.iter().map(|(a, b, j)| j * s(*a) * s(*b)).sum::<f64>();
            let bits = plain(&q, &(0..6).map(|k| rows.get(i, k)).collect::<Vec<_>>());
            assert!((spins - bits).abs() < 1e-13, "{spins} {bits}");
            assert!((plain(&back, &(0..6).map(|k| rows.get(i, k)).collect::<Vec<_>>()) - bits).abs() < 1e-13);
        }
    }
    // A torus at zero field: all up has one bond of -K to the right and one down of every spin.
    let torus = Ising::torus(5, 0.7).to_qubo().unwrap();
    assert!((plain(&torus, &[true; 25]) + 35.0).abs() < 1e-12 && (plain(&torus, &[false; 25]) + 35.0).abs() < 1e-12);
    assert_eq!(torus.n_couplings(), 50);
}

#[test]
fn files_say_what_is_wrong_and_where() {
    let error = |text: &str| Qubo::parse(text.as_bytes()).unwrap_err().to_string();
    for (text, words) in [
        ("", "no variables"),
        ("0 1 2\n1 0 3\n", "line 2: the pair 1, 0 stands in line 1 already"),
        ("0 0 1\n0 0 1\n", "line 2"),
        ("0 1\n", "line 1: 2 words"),
        ("0 1 x\n", "\"x\" is not a finite number"),
        ("0 1 inf\n", "not a finite number"),
        ("0 -1 2\n", "\"-1\" is not the number of a variable"),
        ("0 99999999999 1\n", "at most"),
        ("c\np qubo 0 2 1 1\n0 0 1\n", "line 3: the file ends with 1 linear terms and 0 couplers"),
        ("p qubo 0 2 1 0\n2 2 1\n", "variable 2 does not exist: the header announces 2"),
        ("p qubo 0 9999999999 1 0\n", "more than"),
        ("p qubo chimera128 2 1 0\n", "topology"),
        ("p qubo 0 2\n", "the header reads"),
        ("0 0 1\np qubo 0 2 1 0\n", "before all coefficients"),
    ] {
        assert!(error(text).contains(words), "{text:?}: {}", error(text));
    }
    assert!(Qubo::parse(&[0x1f, 0x8b, 0xff]).unwrap_err().to_string().contains("compressed"));
    let q = random(9, 3.0, 3);
    let read = Qubo::parse(q.to_qbsolv().as_bytes()).unwrap();
    assert!(read.linear() == q.linear() && read.pairs().eq(q.pairs()));
    // A problem of zeros is one, too.
    let zero = Qubo::parse(b"0 0 0\n").unwrap();
    assert_eq!(Qubo::parse(zero.to_qbsolv().as_bytes()), Ok(zero));
    assert_eq!(Qubo::parse(b"# spaces, commas\n0,1,  -2\r\n1\t1 3").unwrap().linear(), [0.0, 3.0]);
}

#[test]
fn arrays_that_are_no_problem_are_named() {
    let pair = |i, j, v| Qubo::new(0.0, vec![0.0; 2], &[(i, j, v)]).unwrap_err();
    assert_eq!(pair(0, 2, 1.0), QuboError::OutOfRange { found: 2, n: 2 });
    assert_eq!(pair(1, 1, 1.0), QuboError::SelfLoop(1));
    assert!(matches!(pair(0, 1, f64::NAN), QuboError::NotFinite { i: 0, j: 1, .. }));
    let twice = Qubo::new(0.0, vec![0.0; 3], &[(2, 1, 1.0), (0, 1, 1.0), (1, 2, 1.0)]).unwrap_err();
    assert_eq!(twice, QuboError::Duplicate { i: 1, j: 2 });
    assert!(matches!(Qubo::new(0.0, vec![f64::NAN], &[]), Err(QuboError::NotFinite { .. })));
    assert!(matches!(Qubo::new(f64::INFINITY, vec![0.0], &[]), Err(QuboError::NotFinite { .. })));
    assert_eq!(Qubo::new(0.0, vec![], &[]), Err(QuboError::Empty));
    assert!(matches!(Qubo::from_matrix(2, &[0.0; 3]), Err(QuboError::Shape { .. })));
    let ising = |j: &[f64], h: &[f64]| Ising::from_matrix(j, h.to_vec()).unwrap_err();
    assert_eq!(ising(&[0.0, 1.0, 2.0, 0.0], &[0.0; 2]), QuboError::NotSymmetric { i: 0, j: 1, upper: 1.0, lower: 2.0 });
    assert_eq!(ising(&[1.0, 0.0, 0.0, 0.0], &[0.0; 2]), QuboError::SelfLoop(0));
    assert!(matches!(ising(&[0.0; 4], &[0.0, f64::NAN]), QuboError::NotFinite { i: 1, j: 1, .. }));
    assert!(matches!(random(29, 2.0, 0).ground_states(), Err(QuboError::TooManyStates { found: 29 })));
}

#[test]
fn the_ground_state_is_that_of_brute_force() {
    for seed in 0..10 {
        let q = random(10, 5.0, seed);
        let rows = all_rows(10);
        let mut e = vec![0.0; 1024];
        q.energy(&rows, &mut e, &mut Scratch::default());
        let least = e.iter().copied().fold(f64::INFINITY, f64::min);
        let ground = q.ground_states().unwrap();
        assert!((ground.energy - least).abs() < 1e-12 && ground.count == 1);
        let state: Vec<bool> = (0..10).map(|k| ground.state.site(0, k)).collect();
        assert!((plain(&q, &state) - ground.energy).abs() < 1e-12);
    }
    // A ferromagnetic torus has two ground states of -2 K N.
    let ground = Ising::torus(4, 1.0).to_qubo().unwrap().ground_states().unwrap();
    assert!(ground.count == 2 && (ground.energy + 32.0).abs() < 1e-12);
}

#[test]
fn annealing_and_tempering_find_the_ground_state() {
    for seed in 0..4 {
        let q = random(24, 6.0, 100 + seed);
        let ground = q.ground_states().unwrap();
        let key = Key::from_seed(seed);
        let found = Annealing { n_reads: 100, n_sweeps: 200, range: None }.run(&q, &key);
        let mut e = vec![0.0; 100];
        q.energy(&found.states, &mut e, &mut Scratch::default());
        assert_eq!(e, found.energies);
        // A read that hits with probability 0.1 leaves a hundred of them empty-handed with probability 3e-5.
        assert!((found.best().1 - ground.energy).abs() < 1e-9, "{} {}", found.best().1, ground.energy);
        assert!(found.energies.iter().all(|e| *e > ground.energy - 1e-9));
        // Planted: one sweep at the hot end is no annealing.
        let hot = Annealing { n_reads: 100, n_sweeps: 1, range: None }.run(&q, &key);
        assert!(hot.hits(ground.energy) < found.hits(ground.energy));
        let settings = TemperingSettings { n_ladders: 4, n_levels: 8, n_rounds: 300, range: q.beta_range().unwrap() };
        let run = q.temper(&settings, &key).unwrap();
        assert!(run.energies.iter().all(|e| (e - ground.energy).abs() < 1e-9), "{:?}", run.energies);
        assert!(run.swaps.round_trips > 0 && run.betas.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(q.temper(&settings, &key).unwrap(), run);
    }
}

#[test]
fn the_range_of_temperatures_is_that_of_the_flips() {
    // Spins of a torus: flips cost 0, 4 K or 8 K.
    let (hot, cold) = Ising::torus(6, 0.5).to_qubo().unwrap().beta_range().unwrap();
    assert!((hot - 2f64.ln() / 4.0).abs() < 1e-12 && (cold - 100f64.ln() / 2.0).abs() < 1e-12, "{hot} {cold}");
    assert_eq!(Qubo::new(1.0, vec![0.0; 3], &[]).unwrap().beta_range(), None);
    let free = Qubo::new(1.0, vec![0.0; 3], &[]).unwrap();
    assert_eq!(Annealing { n_reads: 2, n_sweeps: 3, range: None }.run(&free, &Key::from_seed(0)).energies, [1.0; 2]);
}

#[test]
fn threads_do_not_change_the_reads() {
    let q = random(80, 5.0, 9);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Annealing { n_reads: 37, n_sweeps: 20, range: None }.run(&q, &Key::from_seed(4))).states
    };
    let states = run(1);
    assert!(states.n_rows() == 37 && states == run(3));
}

#[test]
fn intervals_and_times() {
    // Wilson at 0 of n: [0, z^2 / (n + z^2)].
    let (low, high) = wilson_interval(0, 10);
    let z2 = 1.959_963_984_540_054_f64.powi(2);
    assert!(low == 0.0 && (high - z2 / (10.0 + z2)).abs() < 1e-12);
    // Its ends p solve (hits / n - p)^2 = z^2 p (1 - p) / n.
    let (low, high) = wilson_interval(7, 20);
    for p in [low, high] {
        assert!(((0.35 - p).powi(2) - z2 * p * (1.0 - p) / 20.0).abs() < 1e-12);
    }
    assert!(wilson_interval(20, 20).1 == 1.0);
    // Half of the reads hit: seven reads leave 2^-7 < 1 %, and ln 100 / ln 2 = 6.64.
    assert!((time_to_solution(2.0, 0.5) - 2.0 * 100f64.log2()).abs() < 1e-12);
    assert!(time_to_solution(2.0, 1.0) == 2.0 && time_to_solution(2.0, 0.0) == f64::INFINITY);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Qubo::parse(&bytes);
    }

    #[test]
    fn almost_files_never_panic(text in "(p qubo [0-3u] [0-9]{1,12} [0-9]{1,20} [0-4]\n)?([0-9]{1,8} [0-9]{1,8}[ ,]-?[0-9a-z.]{1,6}\n){0,6}") {
        if let Ok(q) = Qubo::parse(text.as_bytes()) {
            prop_assert!(Qubo::parse(q.to_qbsolv().as_bytes()).is_ok());
        }
    }
}
