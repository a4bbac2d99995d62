//! Regularisers: penalties add to value and gradient, and have the values of their formulas.

use std::sync::Arc;

use gibbs_core::energy::{Distribution, ScoreParametric};
use gibbs_core::key::Key;
use gibbs_core::objectives::{
    Denoising, EnergyMagnitude, GradientPenalty, InputNoise, Place, Regularised, Regulariser, ScoreMatching, Trace,
};
use gibbs_core::path::Target;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use crate::energies::{Normal, Points, Quadratic};
use crate::gradients::{TOLERANCE, discrepancy, evaluate, line, quadratic, quartic, space};

fn noise(d: usize) -> Arc<Normal> {
    Arc::new(Normal { mean: vec![0.3; d], sd: vec![0.8; d] })
}

fn terms<E: ScoreParametric<X = Points>>(d: usize) -> Vec<Box<dyn Regulariser<E>>> {
    vec![
        Box::new(GradientPenalty::new(0.4, Place::Data).unwrap()),
        Box::new(GradientPenalty::new(0.7, Place::Noise(noise(d))).unwrap()),
        Box::new(GradientPenalty::new(1.3, Place::Between(noise(d))).unwrap()),
        Box::new(EnergyMagnitude::new(0.2, Place::Data).unwrap()),
        Box::new(EnergyMagnitude::new(0.5, Place::Noise(noise(d))).unwrap()),
    ]
}

#[test]
fn gradients_are_those_of_the_penalised_loss() {
    let explicit = ScoreMatching::new(Trace::Exact).unwrap();
    for k in 0..5 {
        let one = Regularised { objective: explicit, terms: vec![terms(1).swap_remove(k)] };
        let three = Regularised { objective: explicit, terms: vec![terms(3).swap_remove(k)] };
        let (a, b) = (discrepancy(&one, quartic(), &line()), discrepancy(&three, quadratic(), &space()));
        assert!(a < TOLERANCE && b < TOLERANCE, "term {k}: quartic {a:e}, quadratic {b:e}");
    }
    let all = Regularised { objective: InputNoise::new(Denoising::new(0.3).unwrap(), 0.2).unwrap(), terms: terms(3) };
    let d = discrepancy(&all, quadratic(), &space());
    assert!(d < TOLERANCE, "all together {d:e}");
}

/// `E = |x|^2 / 2`: the gradient penalty is `lambda / 2 E|x|^2`, the magnitude `alpha E|x|^4 / 4`; at noise `N(0, s^2)`
/// on the line the means are `s^2` and `3 s^4`.
#[test]
fn penalties_have_their_closed_forms() {
    let n = 40_000;
    let data = Points::from_rows(1, (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -2.0 }).collect());
    let weights = vec![1.0 / f64::from(n); n as usize];
    let noise: Arc<dyn Distribution<X = Points>> = Arc::new(Normal { mean: vec![0.0], sd: vec![0.5] });
    let value = |term: &dyn Regulariser<Quadratic>| {
        let energy = Quadratic::standard(1);
        let mut out = gibbs_core::energy::Parametric::params(&energy).zeros_like();
        term.add_grad(&energy, &data, &weights, &Key::from_seed(2), &mut out, &mut Scratch::default())
    };
    let penalty = |place| value(&GradientPenalty::new(3.0, place).unwrap());
    let magnitude = |place| value(&EnergyMagnitude::new(0.8, place).unwrap());
    assert!((penalty(Place::Data) - 1.5 * 2.5).abs() < 1e-9);
    assert!((magnitude(Place::Data) - 0.8 * 8.5 / 4.0).abs() < 1e-9);
    // Four standard errors at noise: x^2 has variance 2 s^4 = 0.125, x^4 has 96 s^8 = 0.375.
    assert!((penalty(Place::Noise(noise.clone())) - 1.5 * 0.25).abs() < 1.5 * 4.0 * (0.125f64 / 4e4).sqrt());
    assert!((magnitude(Place::Noise(noise.clone())) - 0.2 * 0.1875).abs() < 0.2 * 4.0 * (0.375f64 / 4e4).sqrt());
    // Between: E[(u x + (1 - u) y)^2] = (E x^2 + E y^2) / 3 + E x E y / 3 = (2.5 + 0.25) / 3; its standard deviation is
    // below 1.2, for the square is at most about x^2.
    let between = penalty(Place::Between(noise)) / 1.5;
    assert!((between - 2.75 / 3.0).abs() < 4.0 * 1.2 / 200.0, "{between}");
}

/// The info tells the penalty, and the loss is the objective's own plus it; misuse is refused.
#[test]
fn the_info_adds_up() {
    let explicit = ScoreMatching::new(Trace::Exact).unwrap();
    let with = Regularised { objective: explicit, terms: terms(3) };
    let weights = [1.0 / 5.0; 5];
    let (_, plain) = evaluate(&explicit, &Target(quadratic()), &space(), &weights, 4);
    let (_, sum) = evaluate(&with, &Target(quadratic()), &space(), &weights, 4);
    assert_eq!(sum.loss.unwrap(), plain.loss.unwrap() + sum.penalty.unwrap());
    assert!(sum.penalty.unwrap() > 0.0 && plain.penalty.is_none());
    assert!(GradientPenalty::<Points>::new(-1.0, Place::Data).is_err());
    assert!(EnergyMagnitude::<Points>::new(f64::NAN, Place::Data).is_err());
    assert!(InputNoise::new(explicit, 0.0).is_err());
}

/// Noise on the input of variance `s^2` teaches the noised law, as denoising does: the slope of explicit score matching
/// in the precision of a Gaussian vanishes at `1 / (sigma^2 + s^2)`, up to draws.
#[test]
fn input_noise_widens_what_is_learnt() {
    let n = 20_000;
    let data = Normal { mean: vec![0.0], sd: vec![0.6] }.sample(n, &Key::from_seed(3));
    let mean_square = data.values().iter().map(|x| x * x).sum::<f64>() / n as f64;
    let mut energy = Quadratic::standard(1);
    gibbs_core::energy::Parametric::params_mut(&mut energy).get_mut("a")[0] = (1.0 / (mean_square + 0.64)) as f32;
    let noisy = InputNoise::new(ScoreMatching::new(Trace::Exact).unwrap(), 0.8).unwrap();
    let (gradient, _) = evaluate(&noisy, &Target(energy), &data, &vec![1.0 / n as f64; n], 6);
    // dJ/da = a E[y^2] - 1 with y^2 of variance 2 at most: four standard errors 4 sqrt(2 / 20,000) = 0.04. Without the
    // noise the slope is -0.64.
    assert!(gradient.get("a")[0].abs() < 0.04, "{gradient:?}");
}
