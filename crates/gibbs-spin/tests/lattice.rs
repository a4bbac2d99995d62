//! Samplers of the Ising and Potts models against enumeration of tiny lattices and Kaufman's exact tori.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use gibbs_core::kernel::{Evaluated, Kernel};
use gibbs_core::key::Key;
use gibbs_core::log_partition::ais::linear_ladder;
use gibbs_core::log_partition::{Ais, Thermodynamic};
use gibbs_core::path::{Annealable, Path};
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::lattice::{
    Bonds, CRITICAL_COUPLING, Checkerboard, Clusters, ExactTorus, Grid, LatticeError, Potts, Replicas, Rule, Series,
    SwendsenWang, Torus, TorusPath, Wolff,
};
use gibbs_testkit::{Exact, Kaufman, chi_square_test, z_test};

/// `sum s s` and `sum s` of a torus given as bits, row by row, with its own arithmetic.
fn sums(x: &[bool], side: usize) -> (i64, i64) {
    let s = |i: usize, j: usize| if x[i % side * side + j % side] { 1 } else { -1 };
    let sites = (0..side * side).map(|k| (k / side, k % side));
    let bonds = sites.clone().map(|(i, j)| s(i, j) * (s(i + 1, j) + s(i, j + 1))).sum();
    (bonds, sites.map(|(i, j)| s(i, j)).sum())
}

fn exact(side: usize, coupling: f64) -> Exact {
    Exact::new(side * side, |x| -coupling * sums(x, side).0 as f64).unwrap()
}

/// Counts and probabilities of the classes of equal `(sum s s, sum s)`.
fn by_class(exact: &Exact, side: usize, draws: &[(i64, i64)]) -> (Vec<u64>, Vec<f64>) {
    let mut classes: BTreeMap<(i64, i64), (u64, f64)> = BTreeMap::new();
    for (s, p) in exact.probabilities().iter().enumerate() {
        classes.entry(sums(&exact.state(s), side)).or_default().1 += p;
    }
    draws.iter().for_each(|class| classes.get_mut(class).expect("a class that exists").0 += 1);
    classes.into_values().unzip()
}

/// Classes of many lattices after `sweeps` sweeps from random spins: independent draws.
fn swept<K>(kernel: &K, side: usize, coupling: f64, sweeps: u64, seed: u64) -> Vec<(i64, i64)>
where
    K: Kernel<TorusPath, Chain = Evaluated<Replicas, Bonds>, Tuning = ()>,
{
    let path = TorusPath::new(side, coupling).unwrap();
    let ws = &mut Scratch::default();
    let n = 20_000;
    let mut chain = kernel.init(&path, path.sample_base(n, &Key::from_seed(seed)), ws);
    for t in 0..sweeps {
        kernel.step(&path, 1.0, &(), &mut chain, &Key::from_seed(seed + 1).step(t), ws);
    }
    let mut magnetisations = vec![0.0; n];
    chain.x.magnetisations(&mut magnetisations);
    chain.eval.values().iter().zip(&magnetisations).map(|(b, m)| (*b as i64, *m as i64)).collect()
}

/// 20 000 independent lattices, alpha = 1e-4 each. Relaxation at these couplings takes a few sweeps, so 60 leave less than
/// e^-10 of the start.
#[test]
fn sweeps_sample_the_enumerated_law() {
    for (side, coupling) in [(2, 0.25), (4, 0.1), (4, 0.35)] {
        let exact = exact(side, coupling);
        // Metropolis on 2 x 2 turns states without any field over for ever: a quarter of all.
        let rules = if side == 2 { &[Rule::HeatBath][..] } else { &[Rule::HeatBath, Rule::Metropolis] };
        for &rule in rules {
            let test = |coupling| {
                let (counts, probabilities) =
                    by_class(&exact, side, &swept(&Checkerboard(rule), side, coupling, 60, 1));
                chi_square_test(&counts, &probabilities, 1e-4)
            };
            test(coupling).unwrap();
            // Planted: a coupling 30 % too strong. The weakest case, 0.1, has non-centrality n dK^2 Var = 20 000 x 0.03^2 x 35 = 600
            // against some 110 that the bound allows with 60 classes.
            test(1.3 * coupling).unwrap_err();
        }
    }
}

/// Classes along one chain of cluster moves, far enough apart to count as independent: at these couplings a few moves
/// redraw a tiny lattice.
fn along(side: usize, n: usize, mut step: impl FnMut(&mut Grid, &Key)) -> Vec<(i64, i64)> {
    let mut grid = Grid::random(side, &Key::from_seed(5)).unwrap();
    (0..n)
        .map(|t| {
            step(&mut grid, &Key::from_seed(6).step(t as u64));
            (grid.bonds(), grid.magnetisation())
        })
        .collect()
}

#[test]
fn clusters_sample_the_enumerated_law() {
    for (side, coupling) in [(2, 0.2), (3, 0.35), (4, 0.3)] {
        let exact = exact(side, coupling);
        let check = |draws: &[(i64, i64)]| {
            let (counts, probabilities) = by_class(&exact, side, draws);
            chi_square_test(&counts, &probabilities, 1e-4)
        };
        let wolff = |coupling| {
            let mut wolff = Wolff::new(coupling).unwrap();
            // A random number of moves: on an odd lattice a fixed one would keep a parity of large clusters.
            along(side, 20_000, |grid, key| _ = wolff.step(grid, 20 + key.rng().below(2) as u64, key))
        };
        let swendsen_wang = |coupling| {
            let mut swendsen_wang = SwendsenWang::new(coupling).unwrap();
            along(side, 20_000, |grid, key| _ = swendsen_wang.step(grid, 8, key))
        };
        check(&wolff(coupling)).unwrap();
        check(&swendsen_wang(coupling)).unwrap();
        check(&wolff(1.1 * coupling)).unwrap_err();
        check(&swendsen_wang(1.1 * coupling)).unwrap_err();
    }
}

/// As above, for clusters of 64 lattices at once along the path: alone, and in a share of the steps.
#[test]
fn clusters_along_the_path_sample_the_enumerated_law() {
    for (side, coupling, share) in [(2, 0.3, 1.0), (4, 0.35, 1.0), (4, 0.35, 0.3)] {
        let (exact, kernel) = (exact(side, coupling), Clusters::with_share(share));
        let test = |coupling| {
            let (counts, probabilities) = by_class(&exact, side, &swept(&kernel, side, coupling, 30, 3));
            chi_square_test(&counts, &probabilities, 1e-4)
        };
        test(coupling).unwrap();
        test(1.3 * coupling).unwrap_err();
    }
}

/// Mean energy of clusters alone, to 2e-4 of itself: a bond forgotten now and then, which no table of classes shows, is 1e-3.
/// 4.5 standard errors over 256 chains: alpha = 7e-6.
#[test]
fn clusters_along_the_path_have_the_exact_energy() {
    let (side, n, ws) = (4, 256, &mut Scratch::default());
    let (path, kernel) = (TorusPath::new(side, 0.4).unwrap(), Clusters::with_share(1.0));
    let mut chain = kernel.init(&path, path.sample_base(n, &Key::from_seed(7)), ws);
    let mut means = vec![0.0; n];
    let (warm_up, kept) = (500, 60_000);
    for t in 0..warm_up + kept {
        kernel.step(&path, 1.0, &(), &mut chain, &Key::from_seed(8).step(t), ws);
        if t >= warm_up {
            means.iter_mut().zip(chain.eval.values()).for_each(|(m, bonds)| *m += bonds / kept as f64);
        }
    }
    let mean = means.iter().sum::<f64>() / n as f64;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let off = |coupling: f64| {
        let exact = -ExactTorus::new(side, coupling).unwrap().energy * (side * side) as f64;
        (mean - exact) / (variance / n as f64).sqrt()
    };
    assert!(off(0.4).abs() < 4.5, "{}", off(0.4));
    assert!(off(0.4004).abs() > 4.5, "planted: a coupling larger by a thousandth");
}

/// A step of a kernel on a path.
type Step<'a> = &'a dyn Fn(&mut Evaluated<Replicas, Bonds>, &Key, &mut Scratch);

/// Pairs of equilibrium draws and where a step takes them, each with a key of its own: of a reversible kernel `x -> y` and
/// `y -> x` are equally frequent, and the sum of `(n_xy - n_yx)^2 / (n_xy + n_yx)` is chi-square with a degree of freedom a pair.
/// Sweeps that always begin with the same colour are the planted mistake.
#[test]
fn mixed_orders_of_colours_are_reversible() {
    let (side, path, ws) = (2, TorusPath::new(2, 0.35).unwrap(), &mut Scratch::default());
    let law = exact(side, 0.35);
    let of = |x: &Replicas| (0..4).fold(0, |s, k| s | usize::from(x.is_up(0, k / 2, k % 2)) << k);
    let pool = Replicas::random(side, 400, &Key::from_seed(1)).unwrap();
    let mut rows = [0; 16];
    (0..400).for_each(|r| rows[of(&pool.select(&[r]))] = r);
    let state = |s: usize| law.state(s).iter().enumerate().fold(0, |n, (k, up)| n | usize::from(*up) << k);
    let mut weights = [0.0; 16];
    law.probabilities().iter().enumerate().for_each(|(s, p)| weights[state(s)] += p);
    let mut asymmetry = |kernel: Step<'_>| {
        let (mut counts, mut rng) = ([[0.0f64; 16]; 16], Key::from_seed(2).rng());
        for t in 0..60_000 {
            let mut u = rng.uniform();
            let from = weights
                .iter()
                .position(|w| {
                    u -= w;
                    u < 0.0
                })
                .unwrap_or(15);
            let mut chain = Checkerboard(Rule::HeatBath).init(&path, pool.select(&[rows[from]]), ws);
            kernel(&mut chain, &Key::from_seed(3).step(t), ws);
            counts[from][of(&chain.x)] += 1.0;
        }
        let pairs = (0..16).flat_map(|x| (0..x).map(move |y| (x, y)));
        let terms = pairs.map(|(x, y)| (counts[x][y] - counts[y][x], counts[x][y] + counts[y][x]));
        let terms: Vec<f64> = terms.filter(|t| t.1 > 0.0).map(|(d, n)| d * d / n).collect();
        let dof = terms.len() as f64;
        (terms.iter().sum::<f64>() - dof) / (2.0 * dof).sqrt()
    };
    let clusters = Clusters::with_share(0.3).with_sweeps(1);
    let found = asymmetry(&|chain, key, ws| clusters.step(&path, 1.0, &(), chain, key, ws));
    // Five standard deviations of a chi-square with some 120 degrees of freedom: alpha below 1e-5.
    assert!(found < 5.0, "{found}");
    let found = asymmetry(&|chain, key, ws| Checkerboard(Rule::HeatBath).step(&path, 1.0, &(), chain, key, ws));
    assert!(found > 10.0, "{found}");
}

/// Three states on 3 x 3 sites: 19 683 states, by the number of equal bonds and of sites in state 0.
#[test]
fn potts_samples_the_enumerated_law() {
    let (side, q, coupling) = (3usize, 3u64, 0.5);
    let class = |x: &[u64]| {
        let at = |i: usize, j: usize| x[i % side * side + j % side];
        let equal = |i: usize, j: usize| u64::from(at(i, j) == at(i + 1, j)) + u64::from(at(i, j) == at(i, j + 1));
        let bonds: u64 = (0..9).map(|k| equal(k / side, k % side)).sum();
        (bonds, x.iter().filter(|s| **s == 0).count())
    };
    let mut classes: BTreeMap<(u64, usize), (u64, f64)> = BTreeMap::new();
    for s in 0..q.pow(9) {
        let x: Vec<u64> = (0..9).map(|k| s / q.pow(k) % q).collect();
        classes.entry(class(&x)).or_default().1 += (coupling * class(&x).0 as f64).exp();
    }
    let z: f64 = classes.values().map(|c| c.1).sum();
    let mut check = |coupling: f64| {
        classes.values_mut().for_each(|c| c.0 = 0);
        let mut potts = Potts::random(side, q as usize, &Key::from_seed(1)).unwrap();
        for t in 0..20_000 {
            potts.sweep(coupling, 10, &Key::from_seed(2).step(t)).unwrap();
            let x: Vec<u64> = potts.states().iter().map(|s| u64::from(*s)).collect();
            assert_eq!(potts.equal_bonds(), class(&x).0);
            classes.get_mut(&class(&x)).unwrap().0 += 1;
        }
        let (counts, p): (Vec<u64>, Vec<f64>) = classes.values().map(|(n, w)| (*n, w / z)).unzip();
        chi_square_test(&counts, &p, 1e-4)
    };
    check(coupling).unwrap();
    check(1.1 * coupling).unwrap_err();
}

/// Mean and variance of `sum s s` over independent lattices that are each averaged over time.
fn averaged(rule: Rule, side: usize, coupling: f64, exact: &Kaufman) -> [(f64, f64); 2] {
    let (n, ws) = (192, &mut Scratch::default());
    let path = TorusPath::new(side, coupling).unwrap();
    // Ordered phases are entered from an ordered start: from a random one they freeze in stripes for long.
    let x = if coupling > CRITICAL_COUPLING {
        Replicas::ordered(side, n).unwrap()
    } else {
        path.sample_base(n, &Key::from_seed(7))
    };
    let kernel = Checkerboard(rule);
    let mut chain = kernel.init(&path, x, ws);
    let (mut first, mut second, mut kept) = (vec![0.0; n], vec![0.0; n], 0.0);
    for t in 0..4000 {
        kernel.step(&path, 1.0, &(), &mut chain, &Key::from_seed(8).step(t), ws);
        if t >= 2000 && t % 4 == 0 {
            kept += 1.0;
            for ((bonds, a), b) in chain.eval.values().iter().zip(&mut first).zip(&mut second) {
                *a += bonds;
                *b += (bonds - exact.bonds).powi(2);
            }
        }
    }
    [first, second].map(|sums| {
        let means: Vec<f64> = sums.iter().map(|s| s / kept).collect();
        let mean = means.iter().sum::<f64>() / n as f64;
        let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
        (mean, (variance / n as f64).sqrt())
    })
}

/// Energy and specific heat on 16 x 16 at five couplings. The autocorrelation time at the critical one is near 200 sweeps, so
/// 2000 of them leave nothing of the start. Twenty comparisons with alpha = 1e-5 each.
#[test]
fn sweeps_agree_with_kaufman() {
    for coupling in [0.2, 0.4, CRITICAL_COUPLING, 0.5, 0.6] {
        let exact = Kaufman::new(16, 16, coupling).unwrap();
        for rule in [Rule::HeatBath, Rule::Metropolis] {
            let [(mean, mean_se), (variance, variance_se)] = averaged(rule, 16, coupling, &exact);
            z_test(mean, mean_se, exact.bonds, 1e-5).unwrap_or_else(|e| panic!("{rule:?} {coupling}: {e}"));
            z_test(variance, variance_se, exact.bond_variance, 1e-5)
                .unwrap_or_else(|e| panic!("{rule:?} {coupling}: {e}"));
        }
    }
    // Planted: 3 % off in the coupling, 26 in the mean of 365 with an error near 1.4.
    let exact = Kaufman::new(16, 16, CRITICAL_COUPLING).unwrap();
    let [(mean, se), _] = averaged(Rule::HeatBath, 16, 1.03 * CRITICAL_COUPLING, &exact);
    z_test(mean, se, exact.bonds, 1e-5).unwrap_err();
}

/// What a sampler does to a lattice.
type Move<'a> = &'a mut dyn FnMut(&mut Grid, &Key);

/// Cluster samplers at the same couplings, with the errors that a user sees.
#[test]
fn clusters_agree_with_kaufman() {
    for coupling in [0.2, 0.4, CRITICAL_COUPLING, 0.5, 0.6] {
        let exact = Kaufman::new(16, 16, coupling).unwrap();
        let (mut wolff, mut swendsen_wang) = (Wolff::new(coupling).unwrap(), SwendsenWang::new(coupling).unwrap());
        // As many clusters as make about a sweep: their mean size falls with the coupling.
        let moves = if coupling < 0.3 { 60 } else { 5 };
        let samplers: [Move; 2] =
            [&mut |g, k| _ = wolff.step(g, moves, k), &mut |g, k| _ = swendsen_wang.step(g, 1, k)];
        for step in samplers {
            let mut grid = Grid::random(16, &Key::from_seed(3)).unwrap();
            let mut series = Series::new(256);
            for t in 0..8_200 {
                step(&mut grid, &Key::from_seed(4).step(t));
                if t >= 200 {
                    series.push(grid.bonds(), grid.magnetisation());
                }
            }
            let found = series.observables(coupling).unwrap();
            assert!(found.warnings.is_empty(), "{:?}", found.warnings);
            // Jackknife errors from 32 batches: Student's t with 31 degrees of freedom exceeds 5.3 with probability 1e-5.
            let within = |e: gibbs_spin::lattice::Estimate, exact: f64| (e.value - exact).abs() < 5.3 * e.std_err;
            assert!(within(found.energy, -exact.bonds / 256.0), "{coupling}: {:?}", found.energy);
            assert!(
                within(found.specific_heat, exact.specific_heat() / 256.0),
                "{coupling}: {:?}",
                found.specific_heat
            );
        }
    }
}

/// The large lattice in strips, at its smallest: alpha = 1e-5 by Student's t as above.
#[test]
fn a_lattice_in_strips_agrees_with_kaufman() {
    for (rule, coupling) in
        [(Rule::HeatBath, 0.3), (Rule::Metropolis, 0.4), (Rule::HeatBath, 0.5), (Rule::Metropolis, 0.6)]
    {
        let exact = Kaufman::new(128, 128, coupling).unwrap();
        let mut torus =
            if coupling > 0.45 { Torus::ordered(128) } else { Torus::random(128, &Key::from_seed(1)) }.unwrap();
        let mut series = Series::new(torus.n_sites());
        for t in 0..4_300 {
            torus.sweep(rule, coupling, 2, &Key::from_seed(2).step(t)).unwrap();
            if t >= 300 {
                series.push(torus.bonds(), torus.magnetisation());
            }
        }
        let found = series.observables(coupling).unwrap();
        let (energy, n) = (found.energy, 128.0 * 128.0);
        assert!((energy.value + exact.bonds / n).abs() < 5.3 * energy.std_err, "{coupling} {energy:?} {exact:?}");
        // 0.1 % of the coupling shows: the error is below that of the energy's slope times it, up to the two mildest.
        assert!(energy.std_err < 1e-3);
        let heat = found.specific_heat;
        assert!((heat.value - exact.specific_heat() / n).abs() < 5.3 * heat.std_err, "{coupling} {heat:?}");
    }
}

/// Every observable on a lattice small enough to sum over.
#[test]
fn observables_agree_with_enumeration() {
    let (side, coupling) = (4, 0.35);
    let exact = exact(side, coupling);
    let n = 16.0;
    let mut series = Series::new(16);
    let mut wolff = Wolff::new(coupling).unwrap();
    for class in along(side, 32_000, |grid, key| _ = wolff.step(grid, 3 + key.rng().below(2) as u64, key)) {
        series.push(class.0, class.1);
    }
    let found = series.observables(coupling).unwrap();
    let mean = |f: &dyn Fn(f64, f64) -> f64| {
        exact.expectation(|x| {
            let (bonds, m) = sums(x, side);
            f(bonds as f64, m as f64 / n)
        })
    };
    let (bonds, m, m2) = (mean(&|b, _| b), mean(&|_, m| m.abs()), mean(&|_, m| m * m));
    for (name, estimate, expected) in [
        ("energy", found.energy, -bonds / n),
        ("specific heat", found.specific_heat, coupling * coupling * mean(&|b, _| (b - bonds).powi(2)) / n),
        ("magnetisation", found.magnetisation, m),
        ("susceptibility", found.susceptibility, coupling * n * (m2 - m * m)),
        ("disordered", found.susceptibility_disordered, coupling * n * m2),
        ("Binder", found.binder, 1.0 - mean(&|_, m| m.powi(4)) / (3.0 * m2 * m2)),
    ] {
        let distance = (estimate.value - expected).abs() / estimate.std_err;
        assert!(distance < 5.3, "{name}: {estimate:?} is {distance:.1} errors from {expected}");
        assert!(estimate.std_err < 0.02 * expected.abs(), "{name}: {estimate:?}");
    }
    assert_eq!(Series::new(4).observables(0.1).unwrap_err(), LatticeError::TooFew { found: 0, least: 128 });
}

/// Two exact solutions that share no formula: products over two momenta, and Kaufman's over one.
#[test]
fn exact_values_are_kaufmans() {
    for (side, coupling) in
        [(2, 0.3), (4, 0.7), (16, 0.05), (16, CRITICAL_COUPLING), (64, 0.44), (128, 0.6), (512, 0.45)]
    {
        let (found, exact) = (ExactTorus::new(side, coupling).unwrap(), Kaufman::new(side, side, coupling).unwrap());
        let n = (side * side) as f64;
        let pairs = [
            (found.log_z, exact.log_z),
            (found.energy, -exact.bonds / n),
            (found.specific_heat, exact.specific_heat() / n),
        ];
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{side} {coupling}: {found:?} {exact:?}");
        }
    }
    // Free spins.
    let free = ExactTorus::new(8, 0.0).unwrap();
    assert!((free.log_z - 64.0 * 2f64.ln()).abs() < 1e-12 && free.energy.abs() < 1e-12);
    assert!(ExactTorus::new(5, 0.3).is_err());
}

/// Annealed importance sampling and thermodynamic integration within their stated errors, which are below 1e-4 of the value:
/// with single flips on small lattices, with clusters through the transition of larger ones.
#[test]
fn log_z_agrees_with_kaufman() {
    for coupling in [0.3, CRITICAL_COUPLING, 0.6] {
        agrees_with_kaufman(Checkerboard(Rule::HeatBath), 16, coupling, [512, 8_000, 400]);
    }
    for coupling in [CRITICAL_COUPLING, 0.6] {
        agrees_with_kaufman(Clusters::with_share(0.2), 32, coupling, [128, 5_000, 200]);
    }
}

fn agrees_with_kaufman<K: Kernel<TorusPath> + Copy>(
    kernel: K,
    side: usize,
    coupling: f64,
    [chains, rungs, steps]: [usize; 3],
) {
    let go = &mut |_, _| ControlFlow::Continue(());
    let exact = Kaufman::new(side, side, coupling).unwrap().log_z;
    let path = TorusPath::new(side, coupling).unwrap();
    let (key, ws) = (Key::from_seed(9), &mut Scratch::default());
    let (ais, _) = Ais::new(kernel, chains, linear_ladder(rungs)).unwrap().estimate(&path, &key, ws, go).unwrap();
    let thermodynamic = Thermodynamic::new(kernel, chains, steps as u64, linear_ladder(32)).unwrap();
    let integral = thermodynamic.estimate(&path, &key, ws, go).unwrap().log_z;
    for z in [ais, integral] {
        let (value, std_err) = (z.value, z.std_err);
        // alpha = 6e-5 each; weights of few chains have heavier tails than that.
        assert!((value - exact).abs() < 4.0 * std_err, "{side} {coupling}: {value} +- {std_err}, exact {exact}");
        assert!(std_err < 1e-4 * exact, "{side} {coupling}: {} {std_err} of {exact}", z.method);
    }
}

/// Three rungs and many lattices: a kernel that is slightly wrong shows.
#[test]
fn three_rungs_give_log_z() {
    let go = &mut |_, _| ControlFlow::Continue(());
    let exact = Kaufman::new(4, 4, 0.3).unwrap().log_z;
    let mut estimate = |kernel_coupling: f64| {
        let ais = Ais::new(Off(kernel_coupling), 40_000, linear_ladder(3)).unwrap();
        ais.estimate(&TorusPath::new(4, 0.3).unwrap(), &Key::from_seed(1), &mut Scratch::default(), go).unwrap().0
    };
    let z = estimate(1.0);
    assert!((z.value - exact).abs() < 4.0 * z.std_err, "{z:?} {exact}");
    // Planted: sweeps at a coupling a fifth too weak.
    let z = estimate(0.8);
    assert!((z.value - exact).abs() > 8.0 * z.std_err, "{} {} {exact}", z.value, z.std_err);
}

/// Heat bath at a coupling that is off by a factor.
#[derive(Clone, Copy)]
struct Off(f64);

impl Kernel<TorusPath> for Off {
    type Chain = Evaluated<Replicas, <TorusPath as Path>::Eval>;
    type Tuning = ();
    type Info = ();

    fn init(&self, path: &TorusPath, x: Replicas, ws: &mut Scratch) -> Self::Chain {
        Checkerboard(Rule::HeatBath).init(path, x, ws)
    }

    fn step(&self, path: &TorusPath, beta: f64, (): &(), chain: &mut Self::Chain, key: &Key, ws: &mut Scratch) {
        Checkerboard(Rule::HeatBath).step(path, beta * self.0, &(), chain, key, ws);
    }

    fn position<'a>(&self, chain: &'a Self::Chain) -> &'a Replicas {
        &chain.x
    }

    fn eval<'a>(&self, chain: &'a Self::Chain) -> &'a <TorusPath as Path>::Eval {
        &chain.eval
    }
}

#[test]
fn lattices_select_save_and_convert() {
    let x = Replicas::random(6, 150, &Key::from_seed(1)).unwrap();
    let y = x.select(&[149, 0, 149, 70]);
    assert_eq!(y.n_rows(), 4);
    assert_eq!([0, 1, 2, 3].map(|r| y.to_grid(r)), [149, 0, 149, 70].map(|r| x.to_grid(r)));
    let (mut bonds, mut magnetisations) = (vec![0.0; 150], vec![0.0; 150]);
    x.bonds(&mut bonds);
    x.magnetisations(&mut magnetisations);
    for row in 0..150 {
        let grid = x.to_grid(row);
        assert_eq!((bonds[row], magnetisations[row]), (grid.bonds() as f64, grid.magnetisation() as f64));
        assert_eq!((grid.bonds(), grid.magnetisation()), sums(grid.spins(), 6));
    }
    let mut map = TensorMap::default();
    x.save("x.", &mut map);
    let mut z = Replicas::ordered(6, 1).unwrap();
    z.load("x.", &map).unwrap();
    assert_eq!(x, z);
    assert!(Replicas::ordered(8, 1).unwrap().load("x.", &map).is_err());

    let torus = Torus::random(256, &Key::from_seed(3)).unwrap();
    let grid = torus.to_grid();
    assert_eq!((torus.bonds(), torus.magnetisation()), (grid.bonds(), grid.magnetisation()));
    let mut map = TensorMap::default();
    torus.save("", &mut map);
    let mut again = Torus::ordered(256).unwrap();
    again.load("", &map).unwrap();
    assert_eq!(torus, again);
}

#[test]
fn wrong_input_is_named() {
    assert!(Torus::ordered(100).unwrap_err().to_string().contains("multiple of 128"));
    assert!(Replicas::ordered(5, 1).unwrap_err().to_string().contains("even"));
    assert!(Grid::ordered(1).is_err() && Potts::random(4, 300, &Key::from_seed(0)).is_err());
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(Wolff::new(bad).is_err() && SwendsenWang::new(bad).is_err() && TorusPath::new(4, bad).is_err());
        assert!(Torus::ordered(128).unwrap().sweep(Rule::HeatBath, bad, 1, &Key::from_seed(0)).is_err());
    }
}
