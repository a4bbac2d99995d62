//! What noise-contrastive objectives learn, and what they say when the noise is useless.

use gibbs_core::energy::{Distribution, Energy, Parametric};
use gibbs_core::key::Key;
use gibbs_core::objectives::{ConditionalNce, NoiseContrastive};
use gibbs_core::path::Target;
use gibbs_core::scratch::Scratch;

use crate::energies::{Normal, Points, Quadratic, Quartic};
use crate::fit::fit;
use crate::gradients::{evaluate, line, quartic};

fn normal(d: usize, mean: f64, sd: f64) -> Normal {
    Normal { mean: vec![mean; d], sd: vec![sd; d] }
}

/// With the true energy and its true constant `J` has the value that the two densities give, and with noise equal to
/// the data it is `(1 + r) log(1 + r) - r log r`, exactly and for any draw.
#[test]
fn equal_noise_costs_what_it_should() {
    // exp(-E) = N(0, I) with its constant: the noise itself.
    let mut energy = Quadratic::standard(3);
    energy.params_mut().get_mut("c")[0] = (1.5 * std::f64::consts::TAU.ln()) as f32;
    let data = normal(3, 0.0, 1.0).sample(50, &Key::from_seed(1));
    let objective = NoiseContrastive::new(normal(3, 0.0, 1.0), 4).unwrap();
    let (_, info) = evaluate(&objective, &Target(energy), &data, &[0.02; 50], 2);
    let wanted = 5.0 * 5f64.ln() - 4.0 * 4f64.ln();
    // The constant is rounded to single precision: 1e-7.
    assert!((info.loss.unwrap() - wanted).abs() < 1e-6, "{info:?}");
    assert!(!info.noise_misses_data());
}

/// Two energies learn their own `log Z`: closed form for the quadratic, quadrature for the quartic.
///
/// The data are 20,000 exact draws. The standard deviation of the learnt constant is of order
/// `sqrt((1 + 1/ratio) (d + 2) / 20,000)` at most, 0.02 for d = 5 and 0.01 on the line, when the noise lies close; most
/// of it is shared with the fitted shape, and what is tested is only whether shape and constant agree.
#[test]
fn the_constant_is_learnt() {
    let data = normal(5, 0.4, 1.3).sample(20_000, &Key::from_seed(4));
    let objective = NoiseContrastive::new(normal(5, 0.3, 1.4), 2).unwrap();
    let q = fit(&objective, Quadratic::standard(5), &data, 1_500, 0.02);
    let (a, b, c) = (q.precision(), q.params().get("b").to_vec(), f64::from(q.params().get("c")[0]));
    let (log_det, quadratic) = solve(&a, &b);
    let log_z = 2.5 * std::f64::consts::TAU.ln() - 0.5 * log_det + 0.5 * quadratic - c;
    assert!(log_z.abs() < 0.02, "log Z of the quadratic {log_z}");

    let data = draw_quartic(20_000);
    let fitted =
        fit(&NoiseContrastive::new(normal(1, 0.0, 1.2), 4).unwrap(), Quartic::new([0.0; 4]), &data, 1_500, 0.02);
    assert!(fitted.log_z().abs() < 0.02, "log Z of the quartic {}", fitted.log_z());
    // And the shape: the mean energy gap to the truth, an upper bound of the divergence, is that of four parameters
    // fitted to 20,000 draws: about 2 / 20,000.
    let truth = quartic();
    let (mut e, mut f, mut ws) = (vec![0.0; 20_000], vec![0.0; 20_000], Scratch::default());
    truth.energy(&data, &mut e, &mut ws);
    fitted.energy(&data, &mut f, &mut ws);
    let (z_true, z_fit) = (truth.log_z(), fitted.log_z());
    let gap = f.iter().zip(&e).map(|(f, e)| f + z_fit - e - z_true).sum::<f64>() / 20_000.0;
    assert!(gap.abs() < 1e-3, "divergence {gap}");
}

/// Conditional noise learns the precision; the constant stays where it was.
#[test]
fn conditional_noise_learns_the_shape_alone() {
    let data = normal(2, 0.0, 0.5).sample(20_000, &Key::from_seed(5));
    let q = fit(&ConditionalNce::new(0.5, 4).unwrap(), Quadratic::standard(2), &data, 2_000, 0.05);
    let a = q.precision();
    // Precision 4 I. 2.5 standard errors of a variance from 20,000 draws are 2.5 %; the noise at most triples it.
    assert!((a[0] / 4.0 - 1.0).abs() < 0.05 && (a[3] / 4.0 - 1.0).abs() < 0.05 && a[1].abs() < 0.2, "{a:?}");
    // The gradient in the constant is zero but for rounding.
    assert!(q.params().get("c")[0].abs() < 1e-4);
}

/// Noise far from the data is told from them without error and teaches nothing.
#[test]
fn useless_noise_is_reported() {
    let far = NoiseContrastive::new(normal(1, 300.0, 1.0), 1).unwrap();
    // The quartic is steep: at 300 its energy is far above any noise energy, so everything is told apart.
    let (gradient, info) = evaluate(&far, &Target(quartic()), &line(), &[1.0 / 7.0; 7], 1);
    assert!(info.noise_misses_data(), "{info:?}");
    assert!(gradient.norm() < 1e-6 && info.loss.unwrap() < 1e-6, "nothing is taught: {gradient:?}");
    assert!(NoiseContrastive::new(normal(1, 0.0, 1.0), 0).is_err());
    assert!(ConditionalNce::new(0.0, 1).is_err() && ConditionalNce::new(f64::NAN, 1).is_err());
}

/// Exact draws of [`quartic`] by rejection from a uniform law on [-3, 3], outside of which lies less than 1e-8.
fn draw_quartic(n: usize) -> Points {
    let (energy, mut rng, mut ws) = (quartic(), Key::from_seed(6).rng(), Scratch::default());
    let mut kept = Vec::with_capacity(n);
    let mut e = [0.0];
    while kept.len() < n {
        let x = 6.0 * rng.uniform() - 3.0;
        energy.energy(&Points::from_rows(1, vec![x]), &mut e, &mut ws);
        // The energy is above -2 everywhere.
        if rng.uniform() < (-2.0 - e[0]).exp() {
            kept.push(x);
        }
    }
    Points::from_rows(1, kept)
}

/// `log det A` and `b' A^-1 b` by Gaussian elimination (A is positive definite).
fn solve(a: &[f64], b: &[f32]) -> (f64, f64) {
    let d = b.len();
    let (mut a, mut y) = (a.to_vec(), b.iter().map(|&b| f64::from(b)).collect::<Vec<_>>());
    let (mut log_det, mut quadratic) = (0.0, 0.0);
    for k in 0..d {
        let pivot = a[k * d + k];
        log_det += pivot.ln();
        quadratic += y[k] * y[k] / pivot;
        for i in k + 1..d {
            let f = a[i * d + k] / pivot;
            (k..d).for_each(|j| a[i * d + j] -= f * a[k * d + j]);
            y[i] -= f * y[k];
        }
    }
    (log_det, quadratic)
}
