//! Machines with other units against plain sums and integrals in f64, independent of the code under test.

use std::ops::ControlFlow;

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::{Ais, LogZError, ais::linear_ladder};
use gibbs_core::objective::Objective;
use gibbs_core::objectives::{ContrastiveDivergence, ExactLikelihood, ExactMoments};
use gibbs_core::params::ParamMap;
use gibbs_core::path::{Annealable, Path};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_spin::harmonium::{
    Binary, Clamp, Counts, Discriminative, Gaussian, Groups, Harmonium, HarmoniumPath, Hidden, Proper, Rectified,
    Visible, exact,
};
use gibbs_spin::{Bits, BlockGibbs};
use gibbs_testkit::chi_square_test;

const ALPHA: f64 = 1e-4;

/// What a layer is, for the plain sums.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Groups,
    Gaussian,
    Counts,
}

/// A model written out in f64: parameters in the order weights, visible bias, hidden bias, log variance.
#[derive(Clone)]
struct Plain {
    kind: Kind,
    rectified: bool,
    nv: usize,
    nh: usize,
    theta: Vec<f64>,
}

fn log_factorial(n: f64) -> f64 {
    (2..=n as u64).map(|k| (k as f64).ln()).sum()
}

/// `log integral_0^inf exp(-h^2 / 2 + x h) dh` by Simpson's rule; inputs here are below 6 in size.
fn half_gaussian(x: f64) -> f64 {
    let (n, top) = (2_000, 16.0);
    let step = top / f64::from(n);
    let at = |k: i32| (x * step * f64::from(k) - 0.5 * (step * f64::from(k)).powi(2)).exp();
    let sum: f64 = (0..=n).map(|k| at(k) * if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) }).sum();
    (sum * step / 3.0).ln()
}

fn log_sum(terms: &[f64]) -> f64 {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + terms.iter().map(|t| (t - most).exp()).sum::<f64>().ln()
}

impl Plain {
    fn of<V: Visible, H: Hidden>(kind: Kind, model: &Harmonium<V, H>) -> Self {
        let theta = model.params().flat().iter().map(|&p| f64::from(p)).collect();
        let rectified = std::any::type_name::<H>().contains("Rectified");
        Self { kind, rectified, nv: model.n_visible(), nh: model.n_hidden(), theta }
    }

    fn own_energy(&self, v: &[f64], bias: &[f64], log_variance: &[f64]) -> f64 {
        match self.kind {
            Kind::Groups => -v.iter().zip(bias).map(|(v, b)| v * b).sum::<f64>(),
            Kind::Gaussian => (0..self.nv).map(|i| (v[i] - bias[i]).powi(2) / (2.0 * log_variance[i].exp())).sum(),
            Kind::Counts => {
                let linear: f64 = v.iter().zip(bias).map(|(v, b)| v * b).sum();
                -linear - log_factorial(v.iter().sum()) + v.iter().map(|&v| log_factorial(v)).sum::<f64>()
            }
        }
    }

    /// `-log sum_h exp(-E_beta(v, h))`, with `base` the layer's parameters at `beta = 0`.
    fn free_energy_at(&self, v: &[f64], beta: f64, base: &[f64]) -> f64 {
        let (nv, nh) = (self.nv, self.nh);
        let (w, rest) = self.theta.split_at(nv * nh);
        let (b, rest) = rest.split_at(nv);
        let (c, z) = rest.split_at(nh);
        let length = if self.kind == Kind::Counts { v.iter().sum() } else { 1.0 };
        let own = beta * self.own_energy(v, b, z) + (1.0 - beta) * self.own_energy(v, &base[..nv], &base[nv..]);
        let hidden = (0..nh).map(|j| {
            let s = |i: usize| if self.kind == Kind::Gaussian { v[i] / z[i].exp() } else { v[i] };
            let x = beta * (length * c[j] + (0..nv).map(|i| s(i) * w[i * nh + j]).sum::<f64>());
            if self.rectified { half_gaussian(x) } else { x.exp().ln_1p() }
        });
        own - hidden.sum::<f64>()
    }

    fn free_energy(&self, v: &[f64]) -> f64 {
        self.free_energy_at(v, 1.0, &vec![0.0; 2 * self.nv])
    }

    /// Central differences of a function of the parameters.
    fn differences(&self, f: impl Fn(&Plain) -> f64) -> Vec<f64> {
        let step = 1e-5;
        (0..self.theta.len())
            .map(|k| {
                let at = |by: f64| {
                    let mut moved = self.clone();
                    moved.theta[k] += by;
                    f(&moved)
                };
                (at(step) - at(-step)) / (2.0 * step)
            })
            .collect()
    }
}

fn scattered<V: Visible + Proper<H>, H: Hidden>(layer: V, n_hidden: usize, sd: f32, seed: u64) -> Harmonium<V, H> {
    let mut model = Harmonium::zeros(layer, n_hidden);
    let mut rng = Key::from_seed(seed).rng();
    model.params_mut().flat_mut().iter_mut().for_each(|p| *p = sd * rng.normal() as f32);
    model
}

/// A base whose parameters differ from the model's.
fn base_of<V: Visible, H: Hidden>(model: &Harmonium<V, H>) -> ParamMap {
    let mut base = model.visible_parameters();
    base.flat_mut().iter_mut().enumerate().for_each(|(k, b)| *b = 0.3 * (k as f32).sin());
    base
}

fn flat(map: &ParamMap) -> Vec<f64> {
    map.flat().iter().map(|&p| f64::from(p)).collect()
}

fn bit_row(x: &Bits, row: usize) -> Vec<f64> {
    (0..x.n_cols()).map(|k| f64::from(u8::from(x.get(row, k)))).collect()
}

fn real_row(x: &Dense<f32>, row: usize) -> Vec<f64> {
    x.row(row).iter().map(|&v| f64::from(v)).collect()
}

/// All count vectors of `n` words of length `length`.
fn count_states(n: usize, length: usize) -> Vec<Vec<f64>> {
    if n == 1 {
        return vec![vec![length as f64]];
    }
    (0..=length)
        .flat_map(|k| {
            count_states(n - 1, length - k).into_iter().map(move |mut rest| {
                rest.push(k as f64);
                rest
            })
        })
        .collect()
}

fn counts_batch(states: &[Vec<f64>]) -> Dense<f32> {
    Dense::from_rows(states[0].len(), states.iter().flatten().map(|&v| v as f32).collect())
}

/// Energies and gradients of rows equal those of the plain sums. Parameters and inputs are f32: errors of sums of a
/// dozen terms of size one stay below 1e-5.
fn check_energies<V: Visible, H: Hidden>(plain: &Plain, model: &Harmonium<V, H>, x: &V::X, rows: &[Vec<f64>]) {
    let n = x.n_rows();
    let mut e = vec![0.0; n];
    model.energy(x, &mut e, &mut Scratch::default());
    for (e, v) in e.iter().zip(rows) {
        assert!((e - plain.free_energy(v)).abs() < 1e-5 * (1.0 + e.abs()), "{e} {}", plain.free_energy(v));
    }
    let w: Vec<f64> = (0..n).map(|i| 0.1 + 0.2 * (i % 4) as f64).collect();
    let mut grad = model.params().zeros_like();
    model.add_grad(x, &w, &mut grad, &mut Scratch::default());
    let exact = plain.differences(|p| rows.iter().zip(&w).map(|(v, w)| w * p.free_energy(v)).sum());
    compare(&flat(&grad), &exact, 3e-5);
}

fn compare(found: &[f64], exact: &[f64], tolerance: f64) {
    for (k, (f, e)) in found.iter().zip(exact).enumerate() {
        assert!((f - e).abs() < tolerance * (1.0 + e.abs()), "parameter {k}: {f} against {e}");
    }
}

#[test]
fn energies_and_gradients_equal_plain_sums() {
    let layer = Groups::new(vec![1, 3, 2]).unwrap();
    let x = layer.states(0, 12);
    let rows: Vec<Vec<f64>> = (0..12).map(|i| bit_row(&x, i)).collect();
    let binary: Harmonium<_, Binary> = scattered(layer.clone(), 3, 0.8, 1);
    check_energies(&Plain::of(Kind::Groups, &binary), &binary, &x, &rows);
    let rectified: Harmonium<_, Rectified> = scattered(layer, 2, 0.8, 2);
    check_energies(&Plain::of(Kind::Groups, &rectified), &rectified, &x, &rows);

    let gaussian: Harmonium<_, Binary> = scattered(Gaussian::new(3), 2, 0.7, 3);
    let mut rng = Key::from_seed(4).rng();
    let x = Dense::from_rows(3, (0..21).map(|_| 2.0 * rng.normal() as f32).collect());
    let rows: Vec<Vec<f64>> = (0..7).map(|i| real_row(&x, i)).collect();
    check_energies(&Plain::of(Kind::Gaussian, &gaussian), &gaussian, &x, &rows);

    // Documents of several lengths in one batch.
    let counts: Harmonium<_, Binary> = scattered(Counts::new(3, 4), 2, 0.6, 5);
    let rows = [count_states(3, 4), count_states(3, 1), count_states(3, 25)[..3].to_vec()].concat();
    check_energies(&Plain::of(Kind::Counts, &counts), &counts, &counts_batch(&rows), &rows);
    let counts: Harmonium<_, Rectified> = scattered(Counts::new(3, 4), 2, 0.4, 6);
    let rows = count_states(3, 4);
    check_energies(&Plain::of(Kind::Counts, &counts), &counts, &counts_batch(&rows), &rows);
}

/// `log Z` and its gradient against a plain `log Z` of the parameters.
fn check_exact<V: Visible, H: Hidden>(model: Harmonium<V, H>, plain: &Plain, log_z: impl Fn(&Plain) -> f64) {
    let z = exact::log_z(&model, &|_| true).unwrap();
    assert!((z - log_z(plain)).abs() < 1e-5 * (1.0 + z.abs()), "{z} {}", log_z(plain));
    let base = model.visible_parameters();
    let path = HarmoniumPath::new(base, model);
    let mut grad = path.target.params().zeros_like();
    let again = path.subtract_model_grad(&mut grad, &mut Scratch::default());
    assert!((again - z).abs() < 1e-12 * (1.0 + z.abs()));
    compare(&flat(&grad), &plain.differences(log_z), 3e-5);
}

#[test]
fn exact_sums_equal_plain_ones_in_every_orientation() {
    let sum =
        |rows: Vec<Vec<f64>>| move |p: &Plain| log_sum(&rows.iter().map(|v| -p.free_energy(v)).collect::<Vec<_>>());
    let group_rows = |layer: &Groups| -> Vec<Vec<f64>> {
        let n = layer.n_states().unwrap();
        let x = layer.states(0, n);
        (0..n as usize).map(|i| bit_row(&x, i)).collect()
    };
    // Few hidden units, then few visible ones.
    let layer = Groups::new(vec![1, 3, 2, 1]).unwrap();
    let model: Harmonium<_, Binary> = scattered(layer.clone(), 2, 1.0, 7);
    assert_eq!(exact::n_states(&model), Some(4));
    check_exact(model.clone(), &Plain::of(Kind::Groups, &model), sum(group_rows(&layer)));
    let layer = Groups::new(vec![3, 1]).unwrap();
    let model: Harmonium<_, Binary> = scattered(layer.clone(), 6, 1.0, 8);
    assert_eq!(exact::n_states(&model), Some(6));
    check_exact(model.clone(), &Plain::of(Kind::Groups, &model), sum(group_rows(&layer)));
    let model: Harmonium<_, Rectified> = scattered(layer.clone(), 3, 0.7, 9);
    check_exact(model.clone(), &Plain::of(Kind::Groups, &model), sum(group_rows(&layer)));
    let model: Harmonium<_, Binary> = scattered(Counts::new(3, 5), 3, 0.7, 10);
    check_exact(model.clone(), &Plain::of(Kind::Counts, &model), sum(count_states(3, 5)));
    // All lengths from one pass.
    let (table, plain) = (exact::ByLength::new(&model).unwrap(), Plain::of(Kind::Counts, &model));
    for length in [1, 5, 9] {
        let z = sum(count_states(3, length))(&plain);
        assert!((table.log_z(length as f64) - z).abs() < 1e-5 * (1.0 + z.abs()));
    }
}

/// The trapezium rule converges faster than any power of the step on sums of Gaussians; 12 standard deviations.
#[test]
fn gaussian_sums_equal_quadrature_in_one_and_two_dimensions() {
    let model: Harmonium<_, Binary> = scattered(Gaussian::new(1), 3, 0.8, 11);
    let line = |p: &Plain| {
        let points: Vec<f64> = (-1_200..=1_200).map(|k| -p.free_energy(&[0.02 * f64::from(k)])).collect();
        log_sum(&points) + 0.02f64.ln()
    };
    check_exact(model.clone(), &Plain::of(Kind::Gaussian, &model), line);
    let model: Harmonium<_, Binary> = scattered(Gaussian::new(2), 2, 0.6, 12);
    let plane = |p: &Plain| {
        let axis = || (-100..=100).map(|k| 0.15 * f64::from(k));
        let points: Vec<f64> = axis().flat_map(|a| axis().map(move |b| [a, b])).map(|v| -p.free_energy(&v)).collect();
        log_sum(&points) + 2.0 * 0.15f64.ln()
    };
    check_exact(model.clone(), &Plain::of(Kind::Gaussian, &model), plane);
}

#[test]
fn what_cannot_be_summed_is_said() {
    let model: Harmonium<_, Rectified> = scattered(Groups::new(vec![1; 40]).unwrap(), 3, 0.1, 13);
    assert!(matches!(exact::log_z(&model, &|_| true), Err(LogZError::TooLarge { bits: 40, limit: 24 })));
    let model: Harmonium<_, Binary> = scattered(Gaussian::new(2), 30, 0.1, 13);
    assert!(matches!(exact::log_z(&model, &|_| true), Err(LogZError::TooLarge { bits: 30, limit: 24 })));
    let model: Harmonium<_, Rectified> = scattered(Counts::new(2, 3), 3, 0.1, 13);
    assert!(exact::log_z(&model, &|_| true).is_err());
    let model: Harmonium<_, Binary> = scattered(Gaussian::new(2), 3, 0.1, 13);
    assert_eq!(exact::log_z(&model, &|_| false), Err(LogZError::Interrupted));
    assert!(Groups::new(vec![]).is_err() && Groups::new(vec![2, 0]).is_err());
    let nan = [f32::NAN; 2];
    let bad = Harmonium::<_, Binary>::from_arrays(Gaussian::new(2), 1, &[("weights", &nan)]);
    assert!(bad.unwrap_err().to_string().contains("weights[0] is not finite"));
    let bad = Harmonium::<_, Binary>::from_arrays(Gaussian::new(2), 1, &[("log_variance", &[0.0])]);
    assert!(bad.unwrap_err().to_string().contains("log_variance has 1 numbers"));
}

fn path_of<V: Visible, H: Hidden>(model: Harmonium<V, H>) -> HarmoniumPath<V, H> {
    HarmoniumPath::new(base_of(&model), model)
}

/// Index of a draw from probabilities.
fn draw(probs: &[f64], u: f64) -> usize {
    let mut total = 0.0;
    let at = probs.iter().position(|p| {
        total += p;
        u < total
    });
    at.unwrap_or(probs.len() - 1)
}

/// Probabilities of all states of a path at `beta` from the plain sums.
fn law(plain: &Plain, base: &ParamMap, states: &[Vec<f64>], beta: f64) -> Vec<f64> {
    let terms: Vec<f64> = states.iter().map(|v| -plain.free_energy_at(v, beta, &flat(base))).collect();
    let z = log_sum(&terms);
    terms.iter().map(|t| (t - z).exp()).collect()
}

/// One step from exact draws must leave exact draws: `x(states)` makes the batch, `row` reads it back.
fn one_step<V: Visible, H: Hidden>(
    path: &HarmoniumPath<V, H>,
    states: &[Vec<f64>],
    probs: &[f64],
    beta: f64,
    batch: impl Fn(&[Vec<f64>]) -> V::X,
    row: impl Fn(&V::X, usize) -> Vec<f64>,
    seed: u64,
) -> Result<(), String> {
    let n = 30_000;
    let mut rng = Key::from_seed(seed).step(9).rng();
    let start: Vec<Vec<f64>> = (0..n).map(|_| states[draw(probs, rng.uniform())].clone()).collect();
    let mut ws = Scratch::default();
    let mut chain = BlockGibbs.init(path, batch(&start), &mut ws);
    BlockGibbs.step(path, beta, &(), &mut chain, &Key::from_seed(seed), &mut ws);
    let mut counts = vec![0; states.len()];
    for i in 0..n {
        let v = row(&chain.x, i);
        counts[states.iter().position(|s| *s == v).expect("a state of the model")] += 1;
    }
    chi_square_test(&counts, probs, ALPHA)
}

fn bits_batch(rows: &[Vec<f64>]) -> Bits {
    Bits::from_rows(&rows.iter().map(|r| r.iter().map(|&b| b == 1.0).collect::<Vec<_>>()).collect::<Vec<_>>())
}

fn check_invariance<V: Visible, H: Hidden>(
    kind: Kind,
    path: &HarmoniumPath<V, H>,
    states: &[Vec<f64>],
    batch: impl Fn(&[Vec<f64>]) -> V::X + Copy,
    row: impl Fn(&V::X, usize) -> Vec<f64> + Copy,
    seed: u64,
) {
    let plain = Plain::of(kind, &path.target);
    for (i, beta) in [0.0, 0.4, 1.0].into_iter().enumerate() {
        let probs = law(&plain, &path.base, states, beta);
        one_step(path, states, &probs, beta, batch, row, seed + i as u64).unwrap();
    }
    // The planted mistake: a kernel at the wrong temperature.
    let probs = law(&plain, &path.base, states, 1.0);
    one_step(path, states, &probs, 0.6, batch, row, seed + 3).unwrap_err();
}

#[test]
fn block_gibbs_leaves_every_path_of_finitely_many_states_invariant() {
    let layer = Groups::new(vec![1, 3, 2]).unwrap();
    let x = layer.states(0, 12);
    let states: Vec<Vec<f64>> = (0..12).map(|i| bit_row(&x, i)).collect();
    let binary = path_of::<_, Binary>(scattered(layer.clone(), 3, 1.2, 20));
    check_invariance(Kind::Groups, &binary, &states, bits_batch, bit_row, 21);
    let rectified = path_of::<_, Rectified>(scattered(layer, 2, 0.8, 30));
    check_invariance(Kind::Groups, &rectified, &states, bits_batch, bit_row, 31);
    let counts = path_of::<_, Binary>(scattered(Counts::new(3, 4), 2, 0.8, 40));
    check_invariance(Kind::Counts, &counts, &count_states(3, 4), counts_batch, real_row, 41);
}

/// Cells of equal probability under the exact law of one real unit: 12 cells, and the kernel at the wrong temperature
/// must fail.
#[test]
fn block_gibbs_leaves_a_gaussian_path_invariant() {
    let path = path_of::<_, Binary>(scattered(Gaussian::new(1), 2, 1.0, 50));
    let plain = Plain::of(Kind::Gaussian, &path.target);
    let grid: Vec<f64> = (-4_000..4_000).map(|k| 0.004 * (f64::from(k) + 0.5)).collect();
    let check = |beta: f64, told: f64, seed: u64| {
        let states: Vec<Vec<f64>> = grid.iter().map(|&v| vec![v]).collect();
        let probs = law(&plain, &path.base, &states, beta);
        let (mut rng, mut below) = (Key::from_seed(seed).step(1).rng(), Vec::new());
        probs.iter().fold(0.0, |total, p| {
            below.push(total + p);
            total + p
        });
        let quantile = |u: f64| grid[below.partition_point(|p| *p < u).min(grid.len() - 1)];
        // Uniform within a cell of the grid: its width is a hundredth of the narrowest deviation here.
        let start: Vec<f32> =
            (0..20_000).map(|_| (quantile(rng.uniform()) + 0.004 * (rng.uniform() - 0.5)) as f32).collect();
        let mut ws = Scratch::default();
        let mut chain = BlockGibbs.init(&path, Dense::from_rows(1, start), &mut ws);
        BlockGibbs.step(&path, told, &(), &mut chain, &Key::from_seed(seed), &mut ws);
        let edges: Vec<f64> = (1..12).map(|k| quantile(f64::from(k) / 12.0)).collect();
        let mut counts = [0; 12];
        chain.x.values().iter().for_each(|&v| counts[edges.partition_point(|e| *e < f64::from(v))] += 1);
        // An edge is known to a grid cell, some 0.002 in probability: 40 of 1,667 draws would show as chi-square 1 a cell.
        let exact: Vec<f64> = {
            let mut cells = [0.0; 12];
            grid.iter().zip(&probs).for_each(|(v, p)| cells[edges.partition_point(|e| e < v)] += p);
            cells.to_vec()
        };
        chi_square_test(&counts, &exact, ALPHA)
    };
    for (i, beta) in [0.0, 0.4, 1.0].into_iter().enumerate() {
        check(beta, beta, 51 + i as u64).unwrap();
    }
    check(1.0, 0.5, 55).unwrap_err();
}

/// AIS against the exact value within five of its own standard errors (and not by an empty error).
fn check_ais<V: Visible, H: Hidden>(path: &HarmoniumPath<V, H>, exact: f64, seed: u64) {
    let ais = Ais::new(BlockGibbs, 500, linear_ladder(30)).unwrap();
    let go = &mut |_, _| ControlFlow::Continue(());
    let found = ais.estimate(path, &Key::from_seed(seed), &mut Scratch::default(), go).unwrap().0;
    assert!(found.std_err < 0.1, "{found:?}");
    assert!((found.value - exact).abs() < 5.0 * found.std_err, "{} +- {} {exact}", found.value, found.std_err);
}

#[test]
fn annealing_finds_every_log_z() {
    let groups = path_of::<_, Binary>(scattered(Groups::new(vec![1, 3, 2, 4]).unwrap(), 4, 0.8, 60));
    check_ais(&groups, exact::log_z(&groups.target, &|_| true).unwrap(), 61);
    let rectified = path_of::<_, Rectified>(scattered(Groups::new(vec![1, 3, 2]).unwrap(), 3, 0.6, 62));
    check_ais(&rectified, exact::log_z(&rectified.target, &|_| true).unwrap(), 63);
    let gaussian = path_of::<_, Binary>(scattered(Gaussian::new(3), 3, 0.6, 64));
    check_ais(&gaussian, exact::log_z(&gaussian.target, &|_| true).unwrap(), 65);
    let counts = path_of::<_, Binary>(scattered(Counts::new(4, 6), 3, 0.5, 66));
    check_ais(&counts, exact::log_z(&counts.target, &|_| true).unwrap(), 67);
    // Counts with rectified units have no enumeration: all documents summed.
    let counts = path_of::<_, Rectified>(scattered(Counts::new(3, 5), 2, 0.3, 68));
    let plain = Plain::of(Kind::Counts, &counts.target);
    let all: Vec<f64> = count_states(3, 5).iter().map(|v| -plain.free_energy(v)).collect();
    check_ais(&counts, log_sum(&all), 69);
}

#[test]
fn bases_are_normalised_and_fitted() {
    let path = path_of::<_, Rectified>(scattered(Groups::new(vec![1, 3]).unwrap(), 2, 0.5, 70));
    let plain = Plain::of(Kind::Groups, &path.target);
    let x = path.target.visible().states(0, 6);
    let terms: Vec<f64> = (0..6).map(|i| -plain.free_energy_at(&bit_row(&x, i), 0.0, &flat(&path.base))).collect();
    assert!((log_sum(&terms) - path.base_log_z()).abs() < 1e-6);
    // A constant column stays proper.
    let rows = Dense::from_rows(2, vec![1.0f32, 5.0, 3.0, 5.0]);
    let own = Gaussian::new(2).fit(&rows, None);
    assert_eq!(own.get("visible_bias"), [2.0, 5.0]);
    assert!((own.get("log_variance")[0]).abs() < 1e-6 && own.get("log_variance")[1].is_finite());
    let own = Counts::new(2, 4).fit(&rows, None);
    assert!((own.get("visible_bias")[0] - (5.0f32 / 16.0).ln()).abs() < 1e-6);
}

#[test]
fn long_chains_give_the_exact_gradient_of_a_gaussian_machine() {
    let model: Harmonium<_, Binary> = scattered(Gaussian::new(2), 2, 0.5, 80);
    let path = path_of(model);
    let x = Dense::from_rows(2, vec![0.3f32, -1.0, 1.2, 0.4, -0.6, 0.1]);
    let (w, key) = ([0.2, 0.5, 0.3], Key::from_seed(81));
    let mut ws = Scratch::default();
    let mut exact = path.target.params().zeros_like();
    ExactLikelihood.gradient(&path, &x, &w, &mut (), &mut exact, &mut |_| {}, true, &key, &mut ws);
    let objective = ContrastiveDivergence { kernel: BlockGibbs, n_steps: 60, persistent: true, n_chains: 40_000 };
    let mut state = objective.init(&path, &x, &key.step(0), &mut ws);
    let mut found = exact.zeros_like();
    objective.gradient(&path, &x, &w, &mut state, &mut found, &mut |_| {}, true, &key.step(1), &mut ws);
    // Statistics have standard deviations up to 5 here: six standard errors of 40,000 chains.
    compare(&flat(&found), &flat(&exact), 6.0 * 5.0 / 200.0);
}

#[test]
fn conditionals_of_groups_are_ratios_of_probabilities() {
    let layer = Groups::new(vec![1, 3, 2]).unwrap();
    let model: Harmonium<_, Binary> = scattered(layer.clone(), 3, 1.0, 90);
    let plain = Plain::of(Kind::Groups, &model);
    let x = layer.states(0, 12);
    for group in 0..3 {
        let (log_p, states) = (model.conditional(group, &x), layer.widths()[group].max(2));
        for row in 0..12 {
            let at = |k: usize| {
                let mut v = bit_row(&x, row);
                layer.range(group).enumerate().for_each(|(i, unit)| {
                    v[unit] =
                        f64::from(u8::from(if states == 2 && layer.widths()[group] == 1 { k == 1 } else { k == i }));
                });
                -plain.free_energy(&v)
            };
            let all: Vec<f64> = (0..states).map(at).collect();
            for k in 0..states {
                assert!((log_p[row * states + k] - (all[k] - log_sum(&all))).abs() < 1e-5);
            }
        }
    }
    let pseudo = model.pseudo_log_likelihood(&x);
    let first: f64 = (0..3).map(|g| model.conditional(g, &x)[model.state_of(g, &x)[0]]).sum();
    assert!((pseudo[0] - first).abs() < 1e-9);
    assert_eq!(layer.first_invalid(&x), None);
    assert_eq!(layer.first_invalid(&Bits::from_rows(&[[true, true, true, false, false, true]])), Some((0, 1)));
}

#[test]
fn the_discriminative_gradient_is_that_of_the_conditional() {
    let layer = Groups::new(vec![1, 1, 1, 3]).unwrap();
    let model: Harmonium<_, Binary> = scattered(layer.clone(), 3, 0.8, 95);
    let plain = Plain::of(Kind::Groups, &model);
    let x = layer.states(0, 24).select(&[0, 5, 11, 17, 23]);
    let w = [0.1, 0.3, 0.2, 0.25, 0.15];
    let loss = |p: &Plain| -> f64 {
        let row = |i: usize| {
            let mut v = bit_row(&x, i);
            let own = -p.free_energy(&v);
            let all: Vec<f64> = (0..3)
                .map(|k| {
                    (0..3).for_each(|u| v[3 + u] = f64::from(u8::from(u == k)));
                    -p.free_energy(&v)
                })
                .collect();
            w[i] * (log_sum(&all) - own)
        };
        (0..5).map(row).sum()
    };
    let path = HarmoniumPath::new(model.visible_parameters(), model);
    let mut grad = path.target.params().zeros_like();
    let objective = Discriminative { group: 3 };
    let (key, mut ws) = (Key::from_seed(0), Scratch::default());
    let info = objective.gradient(&path, &x, &w, &mut (), &mut grad, &mut |_| {}, true, &key, &mut ws);
    compare(&flat(&grad), &plain.differences(loss), 3e-5);
    assert!((info.loss.unwrap() - loss(&plain)).abs() < 1e-5 && info.accuracy.is_some());
}

/// Chains with some units held have the exact conditional of the others.
#[test]
fn clamped_chains_have_the_conditional_law() {
    let layer = Groups::new(vec![1, 3, 2]).unwrap();
    let model: Harmonium<_, Binary> = scattered(layer.clone(), 3, 1.0, 97);
    let plain = Plain::of(Kind::Groups, &model);
    let path = HarmoniumPath::new(model.visible().flat(), model);
    let known = [true, false, false, false, false, false];
    let all = layer.states(0, 12);
    let states: Vec<Vec<f64>> = (0..12).map(|i| bit_row(&all, i)).filter(|v| v[0] == 1.0).collect();
    let probs = law(&plain, &path.base, &states, 1.0);
    let held = bits_batch(&vec![states[0].clone(); 20_000]);
    let mut ws = Scratch::default();
    let mut chain = BlockGibbs.init(&path, held.clone(), &mut ws);
    for t in 0..60 {
        BlockGibbs.step(&path, 1.0, &(), &mut chain, &Key::from_seed(98).step(t), &mut ws);
        layer.clamp(&mut chain.x, &held, &known);
        path.evaluate(&chain.x, &mut chain.eval, &mut ws);
    }
    let mut counts = vec![0; states.len()];
    (0..20_000).for_each(|i| counts[states.iter().position(|s| *s == bit_row(&chain.x, i)).unwrap()] += 1);
    chi_square_test(&counts, &probs, ALPHA).unwrap();
}

#[test]
fn results_do_not_depend_on_threads() {
    let go = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut ws = Scratch::default();
            let groups = path_of::<_, Rectified>(scattered(Groups::new(vec![4; 30]).unwrap(), 20, 0.2, 99));
            let x = groups.sample_base(300, &Key::from_seed(1));
            let mut chain = BlockGibbs.init(&groups, x, &mut ws);
            BlockGibbs.step(&groups, 1.0, &(), &mut chain, &Key::from_seed(2), &mut ws);
            let gaussian = path_of::<_, Binary>(scattered(Gaussian::new(9), 12, 0.2, 100));
            let y = gaussian.sample_base(300, &Key::from_seed(3));
            let mut real = BlockGibbs.init(&gaussian, y, &mut ws);
            BlockGibbs.step(&gaussian, 1.0, &(), &mut real, &Key::from_seed(4), &mut ws);
            let mut grad = gaussian.target.params().zeros_like();
            let z = gaussian.subtract_model_grad(&mut grad, &mut ws);
            (chain.x, real.x, grad, z.to_bits())
        })
    };
    let one = go(1);
    assert_eq!(one, go(2));
    assert_eq!(one, go(7));
}
