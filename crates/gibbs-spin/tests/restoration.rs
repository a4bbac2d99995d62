//! Restored pictures against exact posteriors.

use gibbs_core::key::Key;
use gibbs_kernels::multispin::picture::Picture;
use gibbs_spin::field::inference::Annealing;
use gibbs_spin::field::{Elimination, Enumeration, FieldError, Ising, IsingReplicas, Labels, Pair};
use gibbs_spin::graph::{Boundary, Connectivity, Graph};
use gibbs_spin::restoration::levels::{Known, noise_of};
use gibbs_spin::restoration::{Estimate, Flips, Levels, Prior, Restoration};
use gibbs_testkit::chi_square_test;

fn pattern(height: usize, width: usize) -> Picture {
    Picture::from_fn(height, width, |i, j| (i * 5 + j * 3) % 7 < 3)
}

fn posterior(prior: Prior) -> Restoration {
    Restoration::new(prior, Flips::new(0.2).unwrap()).unwrap()
}

fn priors() -> [Prior; 3] {
    let four = Prior { coupling: 0.4, bias: 0.1, ..Prior::default() };
    let eight = Prior { coupling: 0.3, diagonal: 0.15, bias: -0.2, ..Prior::default() };
    [four, eight, Prior { coupling: 0.4, far: [-0.1, -0.05, 0.02], ..eight }]
}

/// Every sixth of 120 000 sweeps, alpha = 1e-4. These couplings are below the transition, so a few sweeps forget. Planted: 25 %
/// more coupling, of non-centrality 20 000 x 0.1^2 x 10 = 2000 against the 600 that the bound allows with 511 classes.
#[test]
fn sweeps_sample_the_enumerated_posterior() {
    for prior in priors() {
        let seen = pattern(3, 3);
        let p = Enumeration::probabilities(&posterior(prior).field(&seen).unwrap()).unwrap();
        let run = |prior: Prior| {
            let (mut x, mut values) = (seen.clone(), Vec::new());
            for t in 0..20_000 {
                posterior(prior).sweep(&mut x, &seen, 1.0, 6, &Key::from_seed(1).step(t));
                x.for_each(|_, _, bit| values.push(u8::from(bit)));
            }
            chi_square_test(&Enumeration::counts(&Labels::from_values(2, 9, values).unwrap()), &p, 1e-4)
        };
        run(prior).unwrap();
        run(Prior { coupling: 1.25 * prior.coupling, ..prior }).unwrap_err();
    }
}

/// Shares of 20 000 sweeps of narrow pictures, lying and standing (many bands of rows), against elimination: standard errors are
/// 0.0035 times the root of the autocorrelation time, which is below 6 here; five of them.
#[test]
fn marginals_are_exact_within_their_error() {
    for (prior, (height, width)) in priors().into_iter().flat_map(|p| [(p, (6, 140)), (p, (168, 5))]) {
        let seen = pattern(height, width);
        let found = posterior(prior).marginals(&seen, 50, 20_000, &Key::from_seed(2));
        let exact = Elimination::new(&posterior(prior).field(&seen).unwrap()).unwrap().marginals();
        let worst = found.iter().zip(exact.chunks(2)).map(|(p, e)| (p - e[1]).abs()).fold(0.0, f64::max);
        assert!(worst < 0.043, "{worst}");
        let mean = found.iter().zip(exact.chunks(2)).map(|(p, e)| p - e[1]).sum::<f64>() / 840.0;
        assert!(mean.abs() < 0.004, "{mean}");
    }
}

#[test]
fn annealing_meets_the_exact_minimum() {
    let prior = Prior { coupling: 0.7, ..Prior::default() };
    let seen = pattern(7, 40);
    let field = posterior(prior).field(&seen).unwrap();
    let (_, least) = Elimination::most_probable(&field).unwrap();
    let annealing = Annealing { sweeps: 4000, ..Annealing::default() };
    let energies = (0..5).map(|seed| {
        let mut x = Vec::new();
        let cold = posterior(prior).anneal(&seen, &annealing, &Key::from_seed(seed));
        cold.for_each(|_, _, bit| x.push(u8::from(bit)));
        field.energy_of(&x)
    });
    let best = energies.fold(f64::INFINITY, f64::min);
    // The field's smallest step in energy is 0.03: the minimum itself, or the next state.
    assert!(best >= least - 1e-9 && best < least + 0.2, "{best} {least}");
}

/// Pictures that the model itself draws: parameters come back. 40 000 pixels determine each to a few hundredths; at the
/// parameters below the estimate scatters by 0.02 or less, so 0.08 is four of that.
#[test]
fn coupling_and_noise_are_found_in_the_noisy_picture() {
    let (prior, rate) = (Prior { coupling: 0.35, diagonal: 0.12, bias: 0.02, ..Prior::default() }, 0.1);
    let (blank, mut clean) = (Picture::new(200, 200), Picture::new(200, 200));
    // Noise of nearly a half leaves the prior alone.
    let free = Restoration::new(prior, Flips::new(0.499_999).unwrap()).unwrap();
    free.sweep(&mut clean, &blank, 1.0, 3000, &Key::from_seed(3));
    let mut rng = Key::from_seed(4).rng();
    let flips: Vec<bool> = (0..40_000).map(|_| rng.uniform() < rate).collect();
    let seen = Picture::from_fn(200, 200, |i, j| clean.get(i, j) != flips[200 * i + j]);
    let eight = Connectivity::Eight;
    let found = Estimate { connectivity: eight, iterations: 200, ..Estimate::default() }
        .run(&seen, &Key::from_seed(5))
        .unwrap();
    assert!((found.flips.rate() - rate).abs() < 0.03, "{found:?}");
    assert!((found.prior.coupling - prior.coupling).abs() < 0.08, "{found:?}");
    assert!((found.prior.diagonal - prior.diagonal).abs() < 0.08, "{found:?}");
    // What is given stays.
    let known = Estimate { flips: Some(Flips::new(0.3).unwrap()), ..Estimate::default() };
    assert_eq!(known.run(&seen, &Key::from_seed(5)).unwrap().flips.rate(), 0.3);
    assert!(Estimate::default().run(&Picture::new(0, 4), &Key::from_seed(1)).is_err());
    for rate in [0.0, 0.5, -1.0, f64::NAN] {
        assert!(matches!(Flips::new(rate), Err(FieldError::Setting { .. })));
    }
    assert!(Restoration::new(Prior { coupling: f64::NAN, ..prior }, Flips::new(0.1).unwrap()).is_err());
}

#[test]
fn a_picture_without_pixels_has_no_marginals() {
    for prior in priors() {
        for (height, width) in [(0, 0), (0, 5), (5, 0)] {
            let empty = Picture::new(height, width);
            assert!(posterior(prior).marginals(&empty, 1, 2, &Key::from_seed(1)).is_empty());
        }
    }
}

/// The energy that is reported is that of the field, whatever the neighbours and however narrow the picture.
#[test]
fn energies_are_those_of_the_field() {
    for (prior, (height, width)) in priors().into_iter().flat_map(|p| [(1, 1), (1, 5), (9, 2), (7, 11)].map(|s| (p, s)))
    {
        let (seen, x) = (pattern(height, width), Picture::from_fn(height, width, |i, j| (i + j * j) % 3 == 0));
        let mut spins = Vec::new();
        x.for_each(|_, _, bit| spins.push(u8::from(bit)));
        let expected = posterior(prior).field(&seen).unwrap().energy_of(&spins);
        assert!((posterior(prior).energy(&x, &seen) - expected).abs() < 1e-9, "{prior:?} {height} x {width}");
    }
}

/// Leaving one pixel out against elimination of the field in which that pixel was not seen.
#[test]
fn a_pixel_left_out_is_foretold() {
    for prior in priors() {
        let (seen, p) = (pattern(4, 6), posterior(prior));
        let exact = |field: &gibbs_spin::field::Field| Elimination::new(field).unwrap().marginals();
        let up: Vec<f64> = exact(&p.field(&seen).unwrap()).chunks(2).map(|p| p[1]).collect();
        let mut expected = 0.0;
        seen.for_each(|i, j, bit| {
            // The field of half a pixel seen so and half seen otherwise is that of the prior alone.
            let other = Picture::from_fn(4, 6, |k, l| seen.get(k, l) != ((k, l) == (i, j)));
            let [a, b] = [&seen, &other].map(|y| p.field(y).unwrap());
            let unary = a.unary().iter().zip(b.unary()).map(|(a, b)| (a + b) / 2.0).collect();
            let pair = Pair::Ising;
            let blind =
                gibbs_spin::field::Field::new(a.graph().clone(), 2, &pair, a.couplings().to_vec(), unary).unwrap();
            let up = exact(&blind)[2 * (6 * i + j) + 1];
            let same = if bit { up } else { 1.0 - up };
            expected += (0.8 * same + 0.2 * (1.0 - same)).ln() / 24.0;
        });
        assert!((p.leave_one_out(&seen, &up) - expected).abs() < 1e-9, "{prior:?}");
    }
}

/// A board of single pixels, a tenth of them flipped: one of the two starts of the estimate takes all of it for noise.
#[test]
fn a_chequered_board_is_no_noise() {
    let mut rng = Key::from_seed(8).rng();
    let flips: Vec<bool> = (0..120 * 120).map(|_| rng.uniform() < 0.1).collect();
    let seen = Picture::from_fn(120, 120, |i, j| ((i + j) % 2 == 0) != flips[120 * i + j]);
    for connectivity in [Connectivity::Four, Connectivity::Eight, Connectivity::TwentyFour] {
        let found = Estimate { connectivity, ..Estimate::default() }.run(&seen, &Key::from_seed(9)).unwrap();
        assert!((found.flips.rate() - 0.1).abs() < 0.02, "{found:?}");
        let p = found.marginals(&seen, 50, 200, &Key::from_seed(10));
        let wrong = (0..120 * 120).filter(|k| (p[*k] > 0.5) != ((k / 120 + k % 120) % 2 == 0)).count();
        assert!(wrong < 60, "{wrong} {found:?}");
    }
}

/// A page of lines three pixels wide, 10 % of them flipped: couplings of both signs are found and the noise to a hundredth, and
/// fewer pixels are wrong than with one coupling.
#[test]
fn lines_need_more_than_one_coupling() {
    let clean = Picture::from_fn(240, 240, |i, j| i % 12 < 3 && j / 40 % 2 == 0 || j % 17 < 3);
    let mut rng = Key::from_seed(8).rng();
    let flips: Vec<bool> = (0..240 * 240).map(|_| rng.uniform() < 0.1).collect();
    let seen = Picture::from_fn(240, 240, |i, j| clean.get(i, j) != flips[240 * i + j]);
    let wrong = |connectivity: Connectivity| {
        let found = Estimate { connectivity, ..Estimate::default() }.run(&seen, &Key::from_seed(9)).unwrap();
        let p = found.marginals(&seen, 50, 200, &Key::from_seed(10));
        let mut wrong = 0;
        clean.for_each(|i, j, bit| wrong += usize::from((p[240 * i + j] > 0.5) != bit));
        (found, wrong)
    };
    let (four, wrong_of_four) = wrong(Connectivity::Four);
    let (found, wrong_of_24) = wrong(Connectivity::TwentyFour);
    let least = found.prior.couplings().into_iter().fold(f64::INFINITY, f64::min);
    assert!(four.prior.far == [0.0; 3] && found.prior.coupling > 0.4 && least < -0.05, "{found:?}");
    assert!((found.flips.rate() - 0.1).abs() < 0.01, "{found:?}");
    assert!(3 * wrong_of_24 < 2 * wrong_of_four, "{wrong_of_24} {wrong_of_four}");
}

/// 64 replicas of a graph of mixed degrees, every tenth of 4000 sweeps, against the enumerated law.
#[test]
fn replicas_sample_the_enumerated_law() {
    let edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 2), (5, 6)];
    let (coupling, field) = (0.4, 0.2);
    let weighted: Vec<_> = edges.iter().map(|&(a, b)| (a, b, coupling)).collect();
    let exact = Ising::from_edges(7, &weighted, vec![field; 7]).unwrap().to_field();
    let p = Enumeration::probabilities(&exact).unwrap();
    let run = |coupling: f64| {
        let graph = Graph::from_edges(7, &edges).unwrap();
        let mut replicas = IsingReplicas::random(graph, &Key::from_seed(1)).unwrap();
        let mut values = Vec::new();
        for t in 0..400 {
            replicas.sweep(coupling, field, 10, &Key::from_seed(2).step(t)).unwrap();
            for r in (0..64).filter(|_| t > 2) {
                values.extend((0..7).map(|s| (replicas.spins(s) >> r & 1) as u8));
            }
        }
        chi_square_test(&Enumeration::counts(&Labels::from_values(2, 7, values).unwrap()), &p, 1e-4)
    };
    run(coupling).unwrap();
    run(1.2 * coupling).unwrap_err();
    let star = Graph::from_edges(17, &(1..17).map(|i| (0, i)).collect::<Vec<_>>()).unwrap();
    assert!(matches!(IsingReplicas::random(star, &Key::from_seed(1)), Err(FieldError::Setting { .. })));
    let torus = Graph::grid(&[6, 6], Boundary::Periodic).unwrap();
    let mut cold = IsingReplicas::random(torus, &Key::from_seed(1)).unwrap();
    cold.sweep(0.0, 30.0, 1, &Key::from_seed(1)).unwrap();
    assert!(cold.magnetisations() == [36; 64] && cold.bonds() == [72; 64]);
    assert!(cold.sweep(f64::NAN, 0.0, 1, &Key::from_seed(1)).is_err());
}

/// A narrow grey picture, where elimination knows the marginals: means of 800 sweeps within 0.03 of each probability (the
/// laws given the neighbours scatter by less than 0.3, and 800 sweeps hold 100 independent ones or more).
#[test]
fn grey_levels_have_their_exact_marginals() {
    let grey: Vec<u8> = (0..60).map(|k| [20, 60, 90, 40, 150, 160][(k * 7 + k / 9) % 6]).collect();
    for pair in [Pair::Potts, Pair::TruncatedQuadratic { limit: 4.0 }] {
        let known = Known { noise: Some(40.0), coupling: Some(0.4) };
        let levels = Levels::new((3, 20), &grey, 5, &pair, known, &Key::from_seed(1)).unwrap();
        assert_eq!((levels.values()[0], levels.values()[4]), (20.0, 160.0));
        let exact = Elimination::new(levels.field()).unwrap().marginals();
        let found = levels.marginals(50, 800, &Key::from_seed(2));
        let worst = found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 0.09, "{worst}");
        assert!(levels.means(&exact).iter().all(|m| (20.0..=160.0).contains(m)));
    }
    let bad = |known| Levels::new((3, 20), &grey, 5, &Pair::Potts, known, &Key::from_seed(1));
    assert!(bad(Known { noise: Some(-1.0), coupling: None }).is_err());
    assert!(Levels::new((3, 19), &grey, 5, &Pair::Potts, Known::default(), &Key::from_seed(1)).is_err());
}

/// Noise of standard deviation 12 on a smooth ramp with an edge: the median of 9604 differences scatters by 2 %.
#[test]
fn the_noise_of_a_ramp_is_found() {
    let mut rng = Key::from_seed(6).rng();
    let grey: Vec<u8> = (0..10_000)
        .map(|k| {
            let (i, j) = (k / 100, k % 100);
            let clean = 60.0 + i as f64 / 2.0 + if j > 50 { 60.0 } else { 0.0 };
            (clean + 12.0 * rng.normal()).round().clamp(0.0, 255.0) as u8
        })
        .collect();
    let found = noise_of((100, 100), &grey);
    assert!((found - 12.0).abs() < 1.2, "{found}");
    // With it, the restored picture is nearer to the clean one.
    let known = Known::default();
    let pair = Pair::TruncatedQuadratic { limit: 16.0 };
    let levels = Levels::new((100, 100), &grey, 32, &pair, known, &Key::from_seed(7)).unwrap();
    let means = levels.means(&levels.marginals(10, 40, &Key::from_seed(8)));
    let square = |values: &dyn Fn(usize) -> f64| {
        let clean = |k: usize| 60.0 + (k / 100) as f64 / 2.0 + if k % 100 > 50 { 60.0 } else { 0.0 };
        (0..10_000).map(|k| (values(k) - clean(k)).powi(2)).sum::<f64>() / 1e4
    };
    let (before, after) = (square(&|k| f64::from(grey[k])), square(&|k| means[k]));
    assert!(after < 0.3 * before, "{before} {after}, coupling {}", levels.coupling);
}

/// Counted by hand: around the centre of a 3 x 3 page with one dot all agree and it is a speck, around the corners all agree and
/// they are none, around the sides not all agree; with the ten neighbourhoods counted in, 2 of 15. Then 8,100 flipped pixels of
/// an empty page (some 5,300 neighbourhoods, standard error 0.004, five of them allowed), and a thick line without noise, which
/// must not be taken for it.
#[test]
fn specks_tell_the_noise_of_small_pictures() {
    let dot = Picture::from_fn(3, 3, |i, j| (i, j) == (1, 1));
    assert!((Flips::of_specks(&dot).rate() - 2.0 / 15.0).abs() < 1e-15);
    assert_eq!(Flips::of_specks(&Picture::new(1, 1)).rate(), 0.1);
    let mut rng = Key::from_seed(6).rng();
    let flips: Vec<bool> = (0..8100).map(|_| rng.uniform() < 0.1).collect();
    let noisy = Picture::from_fn(90, 90, |i, j| flips[90 * i + j]);
    assert!((Flips::of_specks(&noisy).rate() - 0.1).abs() < 0.02);
    let line = Picture::from_fn(28, 28, |i, j| (4..24).contains(&i) && (12..15).contains(&j));
    let found = Estimate::default().run(&line, &Key::from_seed(7)).unwrap();
    assert!(found.flips.rate() < 0.01, "{found:?}");
}
