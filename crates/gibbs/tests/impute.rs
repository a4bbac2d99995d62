//! Chains with some coordinates held against exact conditional laws.

use gibbs::batch::Batch;
use gibbs::core::compose::Conditional;
use gibbs::core::dense::Dense;
use gibbs::core::energy::Parametric;
use gibbs::core::ensemble::Ensemble;
use gibbs::core::kernel::{Kernel, StepTuning};
use gibbs::core::key::Key;
use gibbs::core::path::Target;
use gibbs::core::rows::{Continuous, Rows};
use gibbs::core::samplers::Mala;
use gibbs::models::{MachineModel, Model, SampleObserver, Unobserved};
use gibbs::spin::harmonium::{Binary, Gaussian, Harmonium, HarmoniumPath};
use gibbs::tensor::energies::Gaussian as Normal;

/// Mean and variance of the second coordinate given the first, by the sum over hidden states: given `h` the coordinates
/// are independent Gaussians, and `p(h | v_1)` weighs the first's density.
fn exact(model: &Harmonium<Gaussian, Binary>, first: f64) -> (f64, f64) {
    let p = |name: &str, i: usize| f64::from(model.params().get(name)[i]);
    let nh = model.n_hidden();
    let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
    for h in 0..1usize << nh {
        let on = |j: usize| (h >> j & 1) as f64;
        let wh = |i: usize| (0..nh).map(|j| f64::from(model.weights()[i * nh + j]) * on(j)).sum::<f64>();
        let variance = |i: usize| p("log_variance", i).exp();
        // exp(c'h) exp(-(v - b)^2 / 2 s^2 + v wh / s^2) for the first, integrated for the second.
        let held = -(first - p("visible_bias", 0)).powi(2) / (2.0 * variance(0)) + first * wh(0) / variance(0);
        let free = (p("visible_bias", 1) + wh(1) / 2.0) * wh(1) / variance(1);
        let weight = ((0..nh).map(|j| p("hidden_bias", j) * on(j)).sum::<f64>() + held + free).exp();
        let m = p("visible_bias", 1) + wh(1);
        total += weight;
        mean += weight * m;
        square += weight * (m * m + variance(1));
    }
    (mean / total, square / total - (mean / total).powi(2))
}

/// Far from the model's mean, so that holding it matters.
const HELD: f32 = 2.5;

struct Moments {
    n: f64,
    sum: f64,
    square: f64,
    held: bool,
}

impl SampleObserver for Moments {
    fn observe(&mut self, step: u64, rows: &Batch, _energies: &[f64]) -> bool {
        let x = rows.real().unwrap();
        for i in 0..x.n_rows() {
            self.held &= x.row(i)[0] == HELD;
            if step >= 20 {
                let v = f64::from(x.row(i)[1]);
                self.n += 1.0;
                self.sum += v;
                self.square += v * v;
            }
        }
        true
    }
}

#[test]
fn a_held_coordinate_leaves_the_conditional_of_a_gaussian_machine() {
    let mut model: Harmonium<Gaussian, Binary> = Harmonium::zeros(Gaussian::new(2), 3);
    // Both columns follow the same hidden units, so that one says much about the other.
    model.params_mut().get_mut("weights").copy_from_slice(&[1.5, -1.5, 0.5, 1.5, -1.5, 0.3]);
    let (mean, variance) = exact(&model, f64::from(HELD));
    let machine = MachineModel { path: HarmoniumPath::new(model.visible_parameters(), model.clone()) };
    let start = Batch::Real(Dense::from_rows(2, [HELD, -1.0].repeat(2_000)));
    let run = |known: [bool; 2]| {
        let mut seen = Moments { n: 0.0, sum: 0.0, square: 0.0, held: true };
        machine.sample_given(&start, &known, 60, &Key::from_seed(2), &mut seen).unwrap();
        let m = seen.sum / seen.n;
        (m, seen.square / seen.n - m * m, seen.held)
    };
    // 2,000 independent chains of 40 correlated steps: at least 2,000 effective draws, six standard errors of mean and variance.
    let close = |(m, v): (f64, f64)| {
        (m - mean).abs() < 6.0 * (variance / 2e3).sqrt()
            && (v - variance).abs() < 6.0 * variance * (3.0 / 2e3f64).sqrt()
    };
    let (m, v, held) = run([true, false]);
    assert!(held && close((m, v)), "{m} {v} against {mean} {variance}");
    // The planted mistake: nothing is held.
    let (m, v, held) = run([false, false]);
    assert!(!held && !close((m, v)), "{m} {v} against {mean} {variance}");
    assert!(machine.sample_given(&start, &[true, false], 0, &Key::from_seed(2), &mut Unobserved).is_ok());
}

/// Of a Gaussian with covariance `[[2, 1.2], [1.2, 1]]`, `x_2` given `x_1 = 1.5` is `N(0.9, 0.28)`.
#[test]
fn the_conditional_of_a_gaussian_by_mala() {
    let normal = Normal::<f64>::from_covariance(&[0.0, 0.0], &[2.0, 1.2, 1.2, 1.0]).unwrap();
    let given = Conditional::new(&normal, vec![1.5, 0.0], &[true, false]);
    let kernel = Mala::new(0.2).unwrap();
    let path = Target(&given);
    let n = 4_000;
    let mut chains = Ensemble::start(&kernel, &path, &Dense::zeros(n, 1));
    chains.advance(&kernel, &path, 1.0, &StepTuning::default(), 60, &Key::from_seed(3));
    let x: Vec<f64> = chains
        .blocks()
        .iter()
        .flat_map(|b| Kernel::<Target<&Conditional<&Normal<f64>, f64>>>::position(&kernel, b).values().to_vec())
        .collect();
    assert_eq!(x.len(), n);
    let mean = x.iter().sum::<f64>() / n as f64;
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
    // Five standard errors of 4,000 independent draws.
    assert!((mean - 0.9).abs() < 5.0 * (0.28 / n as f64).sqrt(), "{mean}");
    assert!((variance - 0.28).abs() < 5.0 * 0.28 * (2.0 / n as f64).sqrt(), "{variance}");
}
