//! The fully visible Boltzmann machine against enumeration.

mod common;

use common::{all_rows, counts, draw_exactly};
use gibbs_core::energy::{Blocks, Energy, Flips, Parametric};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::{Ais, LogZError, ais::linear_ladder};
use gibbs_core::objective::Objective;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood, PseudoLikelihood};
use gibbs_core::path::Geometric;
use gibbs_core::rows::Rows;
use gibbs_core::samplers::HeatBath;
use gibbs_core::scratch::Scratch;
use gibbs_spin::boltzmann::{self, BoltzmannError};
use gibbs_spin::{Bernoulli, Boltzmann};
use gibbs_testkit::{Exact, chi_square_test};

fn scattered(mut model: Boltzmann, sd: f32, seed: u64) -> Boltzmann {
    let mut rng = Key::from_seed(seed).rng();
    model.params_mut().flat_mut().iter_mut().for_each(|p| *p = sd * rng.normal() as f32);
    model
}

/// The energy written out in f64 with other parameters than the model's own.
fn plain(model: &Boltzmann, theta: &[f64], x: &[bool]) -> f64 {
    let (couplings, bias) = theta.split_at(model.pairs().len());
    let pairs: f64 = model.pairs().iter().zip(couplings).filter(|((i, j), _)| x[*i] && x[*j]).map(|(_, c)| c).sum();
    let sites: f64 = bias.iter().zip(x).filter(|(_, x)| **x).map(|(b, _)| b).sum();
    -pairs - sites
}

fn theta(model: &Boltzmann) -> Vec<f64> {
    model.params().flat().iter().map(|&p| f64::from(p)).collect()
}

fn differences(at: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-5;
    let moved = |k: usize, by: f64| {
        let mut t = at.to_vec();
        t[k] += by;
        f(&t)
    };
    (0..at.len()).map(|k| (moved(k, step) - moved(k, -step)) / (2.0 * step)).collect()
}

fn ring(n: usize) -> Boltzmann {
    Boltzmann::on_graph(n, (0..n).map(|i| (i, (i + 1) % n)).collect()).unwrap()
}

#[test]
fn energies_flips_and_sums_equal_enumeration() {
    for model in [scattered(Boltzmann::dense(6), 1.0, 1), scattered(ring(6), 1.5, 2)] {
        let exact = Exact::new(6, |x| plain(&model, &theta(&model), x)).unwrap();
        let (x, mut ws) = (all_rows(6), Scratch::default());
        let mut e = vec![0.0; 64];
        model.energy(&x, &mut e, &mut ws);
        let mut deltas = vec![0.0; 64 * 6];
        model.flip_deltas(&x, &mut deltas, &mut ws);
        for s in 0..64 {
            assert!((e[s] - plain(&model, &theta(&model), &exact.state(s))).abs() < 1e-5);
            for i in 0..6 {
                assert!((deltas[s * 6 + i] - (e[s ^ 1 << i] - e[s])).abs() < 2e-5);
            }
        }
        assert!((boltzmann::log_z(&model).unwrap() - exact.log_z()).abs() < 1e-12);
        let m = boltzmann::exact::moments(&model).unwrap();
        for (found, wanted) in m.means.iter().zip(exact.means()) {
            assert!((found - wanted).abs() < 1e-12);
        }
        for (&(i, j), found) in model.pairs().iter().zip(&m.joint) {
            assert!((found - exact.expectation(|x| f64::from(u8::from(x[i] && x[j])))).abs() < 1e-12);
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let model = scattered(Boltzmann::dense(5), 0.8, 3);
    let x = all_rows(5).select(&[3, 17, 30, 8, 3, 21]);
    let w = [0.1, 0.2, 0.3, 0.1, 0.1, 0.2];
    let path = Geometric { base: Bernoulli::new(vec![0.0; 5]), target: model.clone() };
    let rows: Vec<Vec<bool>> = (0..6).map(|r| (0..5).map(|i| x.get(r, i)).collect()).collect();
    let mean = |f: &dyn Fn(&[bool]) -> f64| rows.iter().zip(w).map(|(x, w)| w * f(x)).sum::<f64>();
    let likelihood =
        |t: &[f64]| Exact::new(5, |x| plain(&model, t, x)).unwrap().log_z() + mean(&|x| plain(&model, t, x));
    let pseudo = |t: &[f64]| {
        mean(&|x| {
            let flipped = |i: usize| {
                let mut y = x.to_vec();
                y[i] = !y[i];
                plain(&model, t, &y)
            };
            (0..5).map(|i| (plain(&model, t, x) - flipped(i)).exp().ln_1p()).sum()
        })
    };
    let (key, mut ws) = (Key::from_seed(0), Scratch::default());
    let mut grad = model.params().zeros_like();
    ExactLikelihood.gradient(&path, &x, &w, &mut (), &mut grad, &mut |_| {}, true, &key, &mut ws);
    compare(grad.flat(), &differences(&theta(&model), likelihood));
    let info = PseudoLikelihood.gradient(&path, &x, &w, &mut (), &mut grad, &mut |_| {}, true, &key, &mut ws);
    compare(grad.flat(), &differences(&theta(&model), pseudo));
    assert!((info.loss.unwrap() - pseudo(&theta(&model))).abs() < 1e-5);
}

fn compare(found: &[f32], exact: &[f64]) {
    for (k, (f, e)) in found.iter().zip(exact).enumerate() {
        assert!((f64::from(*f) - e).abs() < 2e-5, "parameter {k}: {f} against {e}");
    }
}

/// One sweep from exact draws must leave exact draws; `told` is the temperature that the kernel is told.
fn one_sweep(target: Boltzmann, beta: f64, told: f64, seed: u64) -> Result<(), String> {
    let path = Geometric { base: Bernoulli::new(vec![0.5, -0.3, 0.2, 0.0, -0.6]), target };
    let base = |x: &[bool]| {
        let l = |i: usize| f64::from(path.base.logits()[i]);
        (0..5).map(|i| l(i).exp().ln_1p() - if x[i] { l(i) } else { 0.0 }).sum::<f64>()
    };
    let t = theta(&path.target);
    let exact = Exact::new(5, |x| beta * plain(&path.target, &t, x) + (1.0 - beta) * base(x)).unwrap();
    let (mut ws, x) = (Scratch::default(), draw_exactly(exact.probabilities(), 5, 30_000, seed));
    let mut chain = HeatBath.init(&path, x, &mut ws);
    HeatBath.step(&path, told, &(), &mut chain, &Key::from_seed(seed), &mut ws);
    chi_square_test(&counts(&chain.x), exact.probabilities(), 1e-4)
}

#[test]
fn heat_bath_leaves_the_path_invariant_dense_and_by_colours() {
    for (i, beta) in [0.0, 0.4, 1.0].into_iter().enumerate() {
        one_sweep(scattered(Boltzmann::dense(5), 1.2, 4), beta, beta, 10 + i as u64).unwrap();
        one_sweep(scattered(ring(5), 1.5, 5), beta, beta, 20 + i as u64).unwrap();
    }
    one_sweep(scattered(Boltzmann::dense(5), 1.2, 4), 1.0, 0.6, 30).unwrap_err();
}

#[test]
fn colours_hold_no_neighbours_and_every_site_once() {
    let grid: Vec<(usize, usize)> = (0..12)
        .flat_map(|i| [(i, i + 1, i % 4 < 3), (i, i + 4, i < 8)])
        .filter(|(_, _, joined)| *joined)
        .map(|(i, j, _)| (i, j))
        .collect();
    for (model, most) in [(Boltzmann::dense(7), 7), (ring(9), 3), (Boltzmann::on_graph(12, grid).unwrap(), 3)] {
        let blocks: Vec<Vec<usize>> = (0..model.n_blocks()).map(|b| model.sites(b)).collect();
        assert!(blocks.len() <= most);
        let mut all = blocks.concat();
        all.sort_unstable();
        assert_eq!(all, (0..model.n_sites()).collect::<Vec<_>>());
        for &(i, j) in model.pairs() {
            assert!(blocks.iter().all(|b| !(b.contains(&i) && b.contains(&j))));
        }
    }
}

#[test]
fn annealing_and_long_chains_agree_with_exact_sums() {
    let model = scattered(Boltzmann::dense(8), 0.7, 6);
    let path = Geometric { base: Bernoulli::new(vec![0.0; 8]), target: model.clone() };
    let mut ws = Scratch::default();
    let ais = Ais::new(HeatBath, 400, linear_ladder(40)).unwrap();
    let go = &mut |_, _| std::ops::ControlFlow::Continue(());
    let z = ais.estimate(&path, &Key::from_seed(7), &mut ws, go).unwrap().0;
    let exact = boltzmann::log_z(&model).unwrap();
    assert!(z.std_err < 0.1 && (z.value - exact).abs() < 5.0 * z.std_err, "{} +- {} {exact}", z.value, z.std_err);

    let (x, key) = (all_rows(8).select(&[0, 77, 255]), Key::from_seed(8));
    let w = [0.5, 0.25, 0.25];
    let mut wanted = model.params().zeros_like();
    ExactLikelihood.gradient(&path, &x, &w, &mut (), &mut wanted, &mut |_| {}, false, &key, &mut ws);
    let objective = ContrastiveDivergence { kernel: HeatBath, n_steps: 40, persistent: true, n_chains: 10_000 };
    let mut state = objective.init(&path, &x, &key.step(0), &mut ws);
    let mut found = wanted.zeros_like();
    objective.gradient(&path, &x, &w, &mut state, &mut found, &mut |_| {}, false, &key.step(1), &mut ws);
    for (f, e) in found.flat().iter().zip(wanted.flat()) {
        // 44 means of numbers in [0, 1]: five standard errors of at most 1/2 / sqrt(10,000).
        assert!((f - e).abs() < 0.025, "{f} {e}");
    }
}

#[test]
fn pairs_that_are_no_graph_are_refused() {
    let refused = |n, pairs| Boltzmann::on_graph(n, pairs).unwrap_err();
    assert_eq!(refused(0, vec![]), BoltzmannError::Empty);
    assert_eq!(refused(3, vec![(0, 1), (1, 1)]), BoltzmannError::Loop { index: 1, site: 1 });
    assert_eq!(refused(3, vec![(0, 3)]), BoltzmannError::Site { index: 0, pair: (0, 3), last: 2 });
    assert!(refused(3, vec![(0, 1), (2, 1), (1, 0)]).to_string().contains("pair 2 joins (1, 0) once more"));
    assert_eq!(boltzmann::log_z(&Boltzmann::dense(40)), Err(LogZError::TooLarge { bits: 40, limit: 24 }));
}
