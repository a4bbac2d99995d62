//! The deep Boltzmann machine against sums over all states of all its layers.

mod common;

use common::{all_rows, counts, draw_exactly, index_of};
use gibbs_core::energy::{Energy, Parametric};
use gibbs_core::kernel::Kernel;
use gibbs_core::key::Key;
use gibbs_core::log_partition::{Ais, ais::linear_ladder};
use gibbs_core::objective::Objective;
use gibbs_core::params::ParamMap;
use gibbs_core::rows::Rows;
use gibbs_core::scratch::Scratch;
use gibbs_spin::dbm::{Layers, MeanField, MeanFieldLikelihood};
use gibbs_spin::rbm::{Centring, HIDDEN_BIAS, VISIBLE_BIAS, WEIGHTS, log_z};
use gibbs_spin::{Bernoulli, Bits, BlockGibbs, Dbm, RbmPath};
use gibbs_testkit::finite_difference::finite_difference;
use gibbs_testkit::{Exact, chi_square_test};

/// Weights and biases of standard deviation `sd`, layer by layer.
fn machine(widths: &[usize], sd: f64, seed: u64) -> (Dbm, Layered) {
    let mut rng = Key::from_seed(seed).rng();
    let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| (sd * rng.normal()) as f32).collect() };
    let weights: Vec<Vec<f32>> = widths.windows(2).map(|w| draw(w[0] * w[1])).collect();
    let biases: Vec<Vec<f32>> = widths.iter().map(|&n| draw(n)).collect();
    let model = Dbm::from_arrays(&weights, &biases).unwrap();
    let wide = |arrays: &[Vec<f32>]| arrays.iter().map(|a| a.iter().map(|&x| f64::from(x)).collect()).collect();
    (model, Layered { widths: widths.to_vec(), weights: wide(&weights), biases: wide(&biases) })
}

/// The machine written out layer by layer in f64, independent of the joint matrix.
struct Layered {
    widths: Vec<usize>,
    weights: Vec<Vec<f64>>,
    biases: Vec<Vec<f64>>,
}

impl Layered {
    fn split<'a, T>(&self, mut all: &'a [T]) -> Vec<&'a [T]> {
        let mut layers = Vec::new();
        for &n in &self.widths {
            let (layer, rest) = all.split_at(n);
            layers.push(layer);
            all = rest;
        }
        layers
    }

    /// The energy of means or states of all layers.
    fn energy(&self, x: &[f64]) -> f64 {
        let layers = self.split(x);
        let mut e = 0.0;
        for (bias, layer) in self.biases.iter().zip(&layers) {
            e -= bias.iter().zip(*layer).map(|(b, x)| b * x).sum::<f64>();
        }
        for (w, pair) in self.weights.iter().zip(layers.windows(2)) {
            for (i, below) in pair[0].iter().enumerate() {
                for (j, above) in pair[1].iter().enumerate() {
                    e -= below * w[i * pair[1].len() + j] * above;
                }
            }
        }
        e
    }

    /// All states of all layers, the visible ones in the lowest bits.
    fn exact(&self) -> Exact {
        let value = |x: &[bool]| self.energy(&x.iter().map(|&b| f64::from(u8::from(b))).collect::<Vec<_>>());
        Exact::new(self.widths.iter().sum(), value).unwrap()
    }

    /// `-log sum_h exp(-E(v, h))` of every visible row.
    fn free_energies(&self) -> Vec<f64> {
        let (exact, n) = (self.exact(), self.widths[0]);
        let mut p = vec![0.0; 1 << n];
        exact.probabilities().iter().enumerate().for_each(|(s, q)| p[s & ((1 << n) - 1)] += q);
        p.iter().map(|p| -p.ln() - exact.log_z()).collect()
    }

    /// Mean field to its fixed point by plain loops: all layers' means, the first being `v`.
    fn mean_field(&self, v: &[f64], rounds: usize) -> Vec<f64> {
        let mut m: Vec<f64> = v.to_vec();
        m.extend(std::iter::repeat_n(0.5, self.widths[1..].iter().sum()));
        let starts: Vec<usize> = self.widths.iter().scan(0, |s, n| Some(std::mem::replace(s, *s + n))).collect();
        for _ in 0..rounds {
            for parity in [1, 0] {
                for l in (1..self.widths.len()).filter(|l| l % 2 == parity) {
                    for j in 0..self.widths[l] {
                        let mut x = self.biases[l][j];
                        for i in 0..self.widths[l - 1] {
                            x += m[starts[l - 1] + i] * self.weights[l - 1][i * self.widths[l] + j];
                        }
                        for k in 0..self.widths.get(l + 1).copied().unwrap_or(0) {
                            x += m[starts[l + 1] + k] * self.weights[l][j * self.widths[l + 1] + k];
                        }
                        m[starts[l] + j] = 1.0 / (1.0 + (-x).exp());
                    }
                }
            }
        }
        m
    }

    /// `E_q[E] - H(q)`, by the energy of the means: the energy is linear in every unit.
    fn variational_free_energy(&self, means: &[f64]) -> f64 {
        let h = |m: f64| if m > 0.0 && m < 1.0 { -m * m.ln() - (1.0 - m) * (1.0 - m).ln() } else { 0.0 };
        self.energy(means) - means.iter().map(|&m| h(m)).sum::<f64>()
    }

    fn flat(&self) -> Vec<f64> {
        self.weights.iter().chain(&self.biases).flatten().copied().collect()
    }

    fn with_flat(&self, mut flat: &[f64]) -> Self {
        let mut take = |like: &Vec<f64>| {
            let (head, rest) = flat.split_at(like.len());
            flat = rest;
            head.to_vec()
        };
        let weights = self.weights.iter().map(&mut take).collect();
        let biases = self.biases.iter().map(&mut take).collect();
        Self { widths: self.widths.clone(), weights, biases }
    }
}

/// Entries of a gradient of the joint machine in the order of [`Layered::flat`].
fn by_layer(grad: &ParamMap, model: &Dbm) -> Vec<f64> {
    let mut holder = model.clone();
    holder.path_mut().target.params_mut().flat_mut().copy_from_slice(grad.flat());
    let n = model.layers().widths().len();
    let weights = (0..n - 1).flat_map(|l| holder.weights(l));
    let all: Vec<f32> = weights.chain((0..n).flat_map(|l| holder.bias(l).to_vec())).collect();
    all.into_iter().map(f64::from).collect()
}

fn as_numbers(x: &Bits, row: usize) -> Vec<f64> {
    (0..x.n_cols()).map(|j| f64::from(u8::from(x.get(row, j)))).collect()
}

fn fine() -> MeanField {
    MeanField::new(500, 0.0, 0.0).unwrap()
}

const SHAPES: [&[usize]; 4] = [&[5, 4], &[5, 4, 3], &[4, 3, 3, 2], &[3, 3, 2, 3, 2]];

#[test]
fn the_joint_rbm_is_the_layered_machine() {
    for (seed, widths) in SHAPES.iter().enumerate() {
        let (model, layered) = machine(widths, 0.8, seed as u64);
        assert_eq!(layered.weights[0], model.weights(0).iter().map(|&w| f64::from(w)).collect::<Vec<_>>());
        let z = log_z(model.joint(), &|_| true).unwrap();
        assert!((z - layered.exact().log_z()).abs() < 1e-5, "{widths:?}: {z} {}", layered.exact().log_z());
    }
    let w = vec![vec![0.0; 6], vec![0.0; 5]];
    let error = Dbm::from_arrays(&w, &[vec![0.0; 2], vec![0.0; 3], vec![0.0; 2]]).unwrap_err();
    assert!(error.to_string().contains("found 5 numbers, these layers need 6"), "{error}");
    let nan = Dbm::from_arrays(&[vec![f32::NAN]], &[vec![0.0], vec![0.0]]).unwrap_err();
    assert!(nan.to_string().contains("not finite"));
    assert!(Dbm::from_arrays(&w, &[vec![0.0; 2]]).is_err() && MeanField::new(0, 0.1, 0.0).is_err());
    assert!(MeanField::new(1, f64::NAN, 0.0).is_err() && MeanField::new(1, 0.0, 1.0).is_err());
}

#[test]
fn the_bound_is_a_bound_of_its_stated_value() {
    let mut slack = 0.0f64;
    for (seed, widths) in SHAPES.iter().enumerate() {
        for sd in [0.5, 1.5] {
            let (model, layered) = machine(widths, sd, 10 + seed as u64);
            let v = all_rows(widths[0]);
            let q = fine().posterior(&model, &v, &mut Scratch::default());
            let exact = layered.free_energies();
            let n_even = model.layers().n_even() - widths[0];
            for (row, free) in exact.iter().enumerate() {
                // f32 inputs of size up to ten: 1e-6 each.
                assert!(q.free_energy[row] >= free - 2e-5, "{widths:?} row {row}: {} {free}", q.free_energy[row]);
                if widths.len() == 2 {
                    assert!((q.free_energy[row] - free).abs() < 2e-5);
                }
                slack = slack.max(q.free_energy[row] - free);
                // The value that its own means have, by plain sums; without the entropy it is another one.
                let mut means = as_numbers(&v, row);
                for l in 1..widths.len() {
                    let (from, n) = if l % 2 == 0 { (&q.even, n_even) } else { (&q.odd, model.layers().n_odd()) };
                    let range = model.layers().range(l);
                    let shift = if l % 2 == 0 { widths[0] } else { 0 };
                    means.extend(from[row * n..][range.start - shift..range.end - shift].iter().map(|&m| f64::from(m)));
                }
                let stated = layered.variational_free_energy(&means);
                assert!((q.free_energy[row] - stated).abs() < 2e-5, "{} {stated}", q.free_energy[row]);
                assert!(
                    n_even == 0 || (q.free_energy[row] - layered.energy(&means)).abs() > 1e-3,
                    "planted: no entropy"
                );
            }
        }
    }
    assert!(slack > 0.05, "couplings that strong leave a gap: {slack}");
}

#[test]
fn drawing_one_parity_and_summing_out_the_other_is_a_tighter_bound() {
    let mut gained = 0.0f64;
    for (seed, widths) in SHAPES.iter().enumerate() {
        let (model, layered) = machine(widths, 1.5, 30 + seed as u64);
        let (v, key) = (all_rows(widths[0]), Key::from_seed(seed as u64));
        let q = fine().posterior(&model, &v, &mut Scratch::default());
        let n_even = model.layers().n_even() - widths[0];
        let one_draw = |rows: &Bits, key: &Key| model.free_energy_by_draws(rows, &fine(), 1, key);
        let many = model.free_energy_by_draws(&v, &fine(), 4_000, &key);
        for (row, exact) in layered.free_energies().into_iter().enumerate() {
            let of_row = v.slice(row, row + 1);
            if n_even == 0 {
                assert!((many[row] - exact).abs() < 2e-5);
                continue;
            }
            // What one draw gives on average, by a sum over all states of the even hidden layers.
            let means: Vec<f64> = q.even[row * n_even..(row + 1) * n_even].iter().map(|&m| f64::from(m)).collect();
            let mut free = [0.0];
            let (mut expected, mut square) = (0.0, 0.0);
            for state in 0..1usize << n_even {
                let x = Bits::from_words(1, n_even, vec![state as u64]);
                let log_q: f64 =
                    means.iter().enumerate().map(|(j, m)| if x.get(0, j) { *m } else { 1.0 - m }.ln()).sum();
                model.joint().energy(&of_row.beside(&x), &mut free, &mut Scratch::default());
                expected += log_q.exp() * (free[0] + log_q);
                square += log_q.exp() * (free[0] + log_q).powi(2);
            }
            assert!(exact - 2e-5 < expected && expected < q.free_energy[row] + 2e-5, "{exact} {expected}");
            gained = gained.max(q.free_energy[row] - expected);
            let n = 400;
            let draws = (0..n).map(|t| one_draw(&of_row, &key.step(t))[0]).sum::<f64>() / n as f64;
            // A normal deviate exceeds 6 with probability 2e-9.
            let error = ((square - expected * expected).max(0.0) / n as f64).sqrt();
            assert!(
                (draws - expected).abs() < 6.0 * error + 2e-5,
                "{widths:?} row {row}: {draws} {expected} +- {error}"
            );
            // With thousands the weights' mean is near its own, which is exact.
            assert!((many[row] - exact).abs() < 0.1, "{widths:?} row {row}: {} {exact}", many[row]);
        }
    }
    assert!(gained > 0.05, "couplings that strong leave mean field a gap: {gained}");
}

#[test]
fn mean_field_never_loses_and_ends_at_a_fixed_point() {
    let (model, layered) = machine(&[4, 3, 3, 2], 2.0, 3);
    let v = all_rows(4);
    for damping in [0.0, 0.6] {
        let mut before = vec![f64::INFINITY; v.n_rows()];
        for rounds in 1..40 {
            let q = MeanField::new(rounds, 0.0, damping).unwrap().posterior(&model, &v, &mut Scratch::default());
            for (now, before) in q.free_energy.iter().zip(&before) {
                assert!(*now <= before + 1e-5, "round {rounds}: {before} then {now}");
            }
            before = q.free_energy;
        }
    }
    let q = MeanField::default().posterior(&model, &v, &mut Scratch::default());
    assert!(q.iterations < 50 && q.residual <= 1e-4 && q.unconverged == 0);
    // From the same start the plain loops find the same fixed point; rounding decides between two only at a saddle.
    let means = layered.mean_field(&as_numbers(&v, 5), 2_000);
    let other = layered.variational_free_energy(&means);
    let fixed = fine().posterior(&model, &v, &mut Scratch::default()).free_energy[5];
    assert!((fixed - other).abs() < 1e-4, "{fixed} {other}");
    // One round of a strongly coupled machine is not enough, and says so.
    let hasty = MeanField::new(1, 1e-6, 0.0).unwrap().posterior(&model, &v, &mut Scratch::default());
    assert!(hasty.unconverged > 0 && hasty.residual > 1e-6);
}

#[test]
fn block_gibbs_leaves_the_layered_machine_invariant() {
    let (model, layered) = machine(&[3, 3, 2, 2], 1.2, 5);
    // Marginal of the even layers: bits 0-2 and 6-7 of a state.
    let mut even = vec![0.0; 32];
    for (s, p) in layered.exact().probabilities().iter().enumerate() {
        even[(s & 7) | (s >> 6 & 3) << 3] += p;
    }
    let step = |path: &RbmPath, seed: u64| {
        let mut ws = Scratch::default();
        let mut chain = BlockGibbs.init(path, draw_exactly(&even, 5, 40_000, seed), &mut ws);
        BlockGibbs.step(path, 1.0, &(), &mut chain, &Key::from_seed(seed), &mut ws);
        chi_square_test(&counts(&chain.x), &even, 1e-4)
    };
    step(model.path(), 1).unwrap();
    // The planted mistake: layer 2 hears only from below, not from layer 3.
    let mut deaf = model.path().clone();
    deaf.target.params_mut().get_mut(WEIGHTS)[3 * 5 + 3..].fill(0.0);
    step(&deaf, 1).unwrap_err();
}

#[test]
fn annealing_finds_log_z() {
    let (model, layered) = machine(&[6, 5, 4], 1.0, 6);
    let model = model.with_base(Bernoulli::new(vec![0.2; 10]));
    let ais = Ais::new(BlockGibbs, 500, linear_ladder(200)).unwrap();
    let mut go = |_, _| std::ops::ControlFlow::Continue(());
    let (z, _) = ais.estimate(model.path(), &Key::from_seed(1), &mut Scratch::default(), &mut go).unwrap();
    let exact = layered.exact().log_z();
    assert!((z.value - exact).abs() < 5.0 * z.std_err + 1e-4, "{} +- {} against {exact}", z.value, z.std_err);
}

/// Rows and weights of a small data set.
fn data(n: usize) -> (Bits, Vec<f64>) {
    (all_rows(n).select(&[3, 7, 0, 5, 3, 2]), vec![0.1, 0.2, 0.3, 0.1, 0.1, 0.2])
}

/// The data phase, and the whole gradient with `n_chains` chains.
fn gradient(model: &Dbm, mean_field: MeanField, n_chains: usize, n_steps: u64) -> (Vec<f64>, Vec<f64>) {
    let (x, w) = data(model.layers().n_visible());
    let objective = MeanFieldLikelihood { layers: model.layers().clone(), mean_field, n_steps, n_chains };
    let (mut ws, key) = (Scratch::default(), Key::from_seed(9));
    let mut state = objective.init(model.path(), &x, &key.step(0), &mut ws);
    let (mut out, mut phase) = (model.joint().params().zeros_like(), Vec::new());
    let mut after = |g: &ParamMap| phase = by_layer(g, model);
    let info = objective.gradient(model.path(), &x, &w, &mut state, &mut out, &mut after, true, &key.step(1), &mut ws);
    assert!(info.data_energy.unwrap().is_finite() && info.model_energy.unwrap().is_finite());
    let mut absent = out.get(WEIGHTS).to_vec();
    model.layers().keep_neighbours(&mut absent);
    assert_eq!(absent, out.get(WEIGHTS), "layers that are no neighbours stay apart");
    let whole = by_layer(&out, model);
    (phase, whole)
}

#[test]
fn the_gradient_is_that_of_the_bound() {
    for widths in [&[3, 4, 2][..], &[3, 2, 3, 2], &[3, 2, 2, 2, 2]] {
        let (model, layered) = machine(widths, 0.7, 7);
        let (x, w) = data(3);
        let bound = |flat: &[f64]| -> f64 {
            let at = layered.with_flat(flat);
            let free = |row| at.variational_free_energy(&at.mean_field(&as_numbers(&x, row), 300));
            w.iter().enumerate().map(|(row, w)| w * free(row)).sum()
        };
        let (phase, whole) = gradient(&model, fine(), 40_000, 100);
        // To what f32 carries; the differences' own error is far below.
        let flat = layered.flat();
        let fd = finite_difference(bound, &flat);
        for (i, (f, g)) in fd.gradient.iter().zip(&phase).enumerate() {
            assert!((f - g).abs() < 5e-6, "{widths:?} {i}: {g} against {f}");
        }
        // The planted mistake: layers above are not heard, as if the first half-step were the posterior.
        let (deaf, _) = gradient(&model, MeanField::new(1, 0.0, 0.999).unwrap(), 10, 1);
        assert!(fd.gradient.iter().zip(&deaf).any(|(f, g)| (f - g).abs() > 1e-3));
        // The model phase is the mean over the machine: 40,000 chains of numbers in [0, 1], five standard errors.
        let log_z = |flat: &[f64]| layered.with_flat(flat).exact().log_z();
        let model_phase = finite_difference(log_z, &flat).gradient;
        for (i, ((g, d), m)) in whole.iter().zip(&phase).zip(&model_phase).enumerate() {
            assert!((g - d - m).abs() < 5.0 * 0.5 / 200.0, "{widths:?} {i}: {} against {m}", g - d);
        }
    }
}

/// By the formula of [`Centring`], entry by entry, where only neighbours are joined.
#[test]
fn centring_keeps_layers_apart_and_follows_hidden_means() {
    let (model, _) = machine(&[3, 2, 2, 2], 0.7, 8);
    let (n_even, n_odd) = (5, 4);
    let mut phase = model.joint().params().zeros_like();
    phase.get_mut(VISIBLE_BIAS).copy_from_slice(&[-0.9, -0.9, -0.9, -0.25, -0.75]);
    phase.get_mut(HIDDEN_BIAS).fill(-0.4);
    let mut centring = Centring::new(vec![0.1, 0.2, 0.3, 0.5, 0.5], n_odd, 1.0).following_from(3);
    centring.observe(&phase);
    let (mu, lambda) = ([0.1f32, 0.2, 0.3, 0.25, 0.75], 0.4);
    let mut grad = model.joint().params().zeros_like();
    let mut rng = Key::from_seed(1).rng();
    grad.flat_mut().iter_mut().for_each(|g| *g = rng.normal() as f32);
    model.layers().keep_neighbours(grad.get_mut(WEIGHTS));
    let plain = grad.clone();
    centring.apply_within(n_odd, |i| model.layers().reach(i), &mut grad);
    let mut shift = vec![0.0; n_odd];
    for (i, mu) in mu.iter().enumerate().take(n_even) {
        let (reach, gb) = (model.layers().reach(i), plain.get(VISIBLE_BIAS)[i]);
        let mut db = gb;
        for (j, shift) in shift.iter_mut().enumerate() {
            let at = i * n_odd + j;
            let gc = plain.get(HIDDEN_BIAS)[j];
            let dw = if reach.contains(&j) { plain.get(WEIGHTS)[at] - mu * gc - gb * lambda } else { 0.0 };
            assert!((grad.get(WEIGHTS)[at] - dw).abs() < 1e-6);
            db -= dw * lambda;
            *shift += mu * dw;
        }
        assert!((grad.get(VISIBLE_BIAS)[i] - db).abs() < 1e-6);
    }
    for (j, s) in shift.iter().enumerate() {
        assert!((grad.get(HIDDEN_BIAS)[j] - plain.get(HIDDEN_BIAS)[j] + s).abs() < 1e-6);
    }
}

/// The tied RBM against the doubled weights of the source, and the machine that stages make.
#[test]
fn stages_double_what_will_be_heard_from_the_other_side() {
    use gibbs_spin::dbm::{Copies, TiedRbm};
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let rbm = common::small_rbm(3, 2, 1.0, 4);
    let tied = TiedRbm::new(&Bernoulli::new(vec![0.0; 3]), &rbm, Copies::of_stage(0, 2));
    assert_eq!(tied.rbm(), rbm);
    assert_eq!([0, 1, 2].map(|s| Copies::of_stage(s, 3)).map(|c| (c.visible, c.hidden)), [(2, 1), (2, 2), (1, 2)]);
    assert_eq!(Copies::of_stage(0, 1), Copies::ONE);
    let n = 40_000;
    let v = all_rows(3).select(&vec![5; n]);
    let h = tied.up(&v, &Key::from_seed(1));
    for j in 0..2 {
        let x = f64::from(rbm.weights()[j]) + f64::from(rbm.weights()[4 + j]);
        let share = h.column_means(None)[j];
        let p = sigmoid(2.0 * x + f64::from(rbm.hidden_bias()[j]));
        // Five standard errors of a share of 40,000; the planted mistake is a stage that forgets to double.
        assert!((share - p).abs() < 5.0 * 0.5 / 200.0, "{share} {p}");
        assert!((share - sigmoid(x + f64::from(rbm.hidden_bias()[j]))).abs() > 5.0 * 0.5 / 200.0);
    }
    // The gradient of the tied parameters is that of the whole, summed over copies.
    let both = TiedRbm::new(&Bernoulli::new(vec![0.0; 3]), &rbm, Copies { visible: 2, hidden: 2 });
    let mut grad = both.path().target.params().zeros_like();
    let mut rng = Key::from_seed(2).rng();
    grad.flat_mut().iter_mut().for_each(|g| *g = rng.normal() as f32);
    let w = grad.get(WEIGHTS).to_vec();
    both.fold(&mut grad);
    let mean = (w[4 + 1] + w[4 + 3] + w[3 * 4 + 4 + 1] + w[3 * 4 + 4 + 3]) / 4.0;
    for at in [5, 7, 17, 19] {
        assert!((grad.get(WEIGHTS)[at] - mean).abs() < 1e-6);
    }
    let top = common::small_rbm(2, 4, 1.0, 5);
    let made = Dbm::from_stack(&[rbm.clone(), top.clone()]).unwrap();
    assert_eq!((made.weights(0), made.weights(1)), (rbm.weights().to_vec(), top.weights().to_vec()));
    assert_eq!(made.bias(1)[0], 0.5 * (rbm.hidden_bias()[0] + top.visible_bias()[0]));
    assert!(Dbm::from_stack(&[rbm.clone(), rbm]).is_err() && Dbm::from_stack(&[]).is_err());
}

#[test]
fn results_do_not_depend_on_threads_or_company() {
    let model = Dbm::random(vec![70, 90, 130], 0.2, &Key::from_seed(1)).unwrap();
    let x = gibbs_core::energy::Distribution::sample(&Bernoulli::new(vec![0.0; 70]), 101, &Key::from_seed(2));
    let go = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mean_field = MeanField::new(5, 0.0, 0.1).unwrap();
            let layers = Layers::new(vec![70, 90, 130]).unwrap();
            let objective = MeanFieldLikelihood { layers, mean_field, n_steps: 2, n_chains: 70 };
            let (mut ws, key) = (Scratch::default(), Key::from_seed(3));
            let mut state = objective.init(model.path(), &x, &key, &mut ws);
            let mut out = model.joint().params().zeros_like();
            let w = vec![1.0 / 101.0; 101];
            objective.gradient(model.path(), &x, &w, &mut state, &mut out, &mut |_| {}, false, &key, &mut ws);
            (mean_field.posterior(&model, &x, &mut ws), out, state.x)
        })
    };
    let one = go(1);
    assert!(one == go(2) && one == go(16));
    let all_rounds = MeanField::new(5, 0.0, 0.1).unwrap();
    let alone = all_rounds.posterior(&model, &x.select(&[77]), &mut Scratch::default());
    assert_eq!(alone.free_energy[0], one.0.free_energy[77]);
    assert!(index_of(&all_rows(3), 5) == 5);
}
