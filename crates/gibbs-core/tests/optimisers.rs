//! Optimisers against their formulas written out by hand, and saved state against an uninterrupted run.

use gibbs_core::optimisers::{Adam, AdamW, Average, Clip, Decay, Optimiser, Schedule, Sgd};
use gibbs_core::params::ParamMap;
use gibbs_core::persist::TensorMap;

fn params(values: [f32; 2]) -> ParamMap {
    let mut p = ParamMap::zeros(&[("weights", &[2])]);
    p.get_mut("weights").copy_from_slice(&values);
    p
}

#[test]
fn sgd_with_momentum() {
    let mut p = params([1.0, 1.0]);
    let mut sgd = Sgd::new(0.5, &p);
    sgd.step(&mut p, &params([1.0, -2.0]), 0.1);
    sgd.step(&mut p, &params([1.0, 0.0]), 0.1);
    // Velocities 1, -2, then 1.5, -1.
    assert!((p.flat()[0] - 0.75).abs() < 1e-6 && (p.flat()[1] - 1.3).abs() < 1e-6, "{:?}", p.flat());
}

#[test]
fn adam_first_steps() {
    let mut p = params([0.0, 0.0]);
    let mut adam = Adam::new(&p);
    // The first step is the rate times the sign of the gradient, whatever its size.
    adam.step(&mut p, &params([100.0, -0.001]), 0.1);
    assert!((p.flat()[0] + 0.1).abs() < 1e-5 && (p.flat()[1] - 0.1).abs() < 1e-5, "{:?}", p.flat());
    // Second step, gradient zero: m = 0.9 * 0.1 g, v = 0.999 * 0.001 g^2, both corrected.
    adam.step(&mut p, &params([0.0, 0.0]), 0.1);
    let (m, v) = (0.09 / (1.0 - 0.81), 0.000_999 / (1.0 - 0.998_001f64));
    let exact = -0.1 - 0.1 * m / v.sqrt();
    assert!((f64::from(p.flat()[0]) - exact).abs() < 1e-4, "{} {exact}", p.flat()[0]);
}

/// Decoupled: the decay does not pass through the moments, so a weight without gradient shrinks by `1 - rate decay`
/// each step, and one with a gradient moves by Adam's step besides. Under L2 in the gradient it would move by the rate.
#[test]
fn adamw_decays_outside_the_moments() {
    let mut p = ParamMap::zeros(&[("weights", &[2, 1]), ("bias", &[1])]);
    p.flat_mut().copy_from_slice(&[2.0, 2.0, 2.0]);
    let mut grad = p.zeros_like();
    grad.get_mut("weights")[1] = 50.0;
    let mut adamw = AdamW::new(0.5, &p);
    adamw.step(&mut p, &grad, 0.1);
    adamw.step(&mut p, &grad, 0.1);
    // Without gradient 2 * 0.95^2; with it (2 * 0.95 - 0.1) * 0.95 - 0.1; the bias stays.
    let wanted = [1.805, 1.61, 2.0];
    assert!(p.flat().iter().zip(wanted).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5), "{:?}", p.flat());
}

#[test]
fn clipping_keeps_the_direction() {
    let mut short = params([0.3, -0.4]);
    assert!((Clip { norm: 1.0 }.apply(&mut short) - 0.5).abs() < 1e-6);
    assert_eq!(short, params([0.3, -0.4]));
    let mut long = params([30.0, -40.0]);
    assert_eq!(Clip { norm: 1.0 }.apply(&mut long), 50.0);
    assert!((long.flat()[0] - 0.6).abs() < 1e-6 && (long.flat()[1] + 0.8).abs() < 1e-6, "{:?}", long.flat());
    // What is not finite is left to be seen.
    let mut bad = params([f32::INFINITY, 1.0]);
    assert!(!Clip { norm: 1.0 }.apply(&mut bad).is_finite());
    assert_eq!(bad, params([f32::INFINITY, 1.0]));
}

/// Makes an optimiser for parameters of a layout.
type Fresh = fn(&ParamMap) -> Box<dyn Optimiser>;

#[test]
fn a_saved_optimiser_goes_on_bit_for_bit() {
    let gradients = [[0.3, -1.0], [0.1, 2.0], [-0.7, 0.5], [0.2, 0.2]];
    let fresh: [Fresh; 3] =
        [|p| Box::new(Adam::new(p)), |p| Box::new(AdamW::new(0.1, p)), |p| Box::new(Sgd::new(0.9, p))];
    for new in fresh {
        let mut whole = params([1.0, -1.0]);
        let mut optimiser = new(&whole);
        gradients.iter().for_each(|g| optimiser.step(&mut whole, &params(*g), 0.05));

        let mut halves = params([1.0, -1.0]);
        let mut first = new(&halves);
        gradients[..2].iter().for_each(|g| first.step(&mut halves, &params(*g), 0.05));
        let mut saved = TensorMap::default();
        first.save("o.", &mut saved);
        let mut second = new(&halves);
        second.load("o.", &saved).unwrap();
        gradients[2..].iter().for_each(|g| second.step(&mut halves, &params(*g), 0.05));
        assert_eq!(whole, halves);
    }
}

#[test]
fn averages_decay_and_schedules() {
    let mut average = Average::new(0.5, &params([0.0, 0.0]));
    for _ in 0..60 {
        average.update(&params([2.0, -4.0]));
    }
    assert!((average.params().flat()[0] - 2.0).abs() < 1e-5);

    let mut grad = params([0.0, 0.0]);
    Decay { l2: 0.1, l1: 0.01, on: "weights" }.add_grad(&params([2.0, -3.0]), &mut grad);
    assert!((grad.flat()[0] - 0.21).abs() < 1e-6 && (grad.flat()[1] + 0.31).abs() < 1e-6);

    assert_eq!(Schedule::Cosine.factor(0, 10, 0), 1.0);
    assert!((Schedule::Cosine.factor(5, 10, 0) - 0.5).abs() < 1e-12);
    assert_eq!(Schedule::Linear.factor(10, 10, 0), 0.0);
    assert_eq!(Schedule::Linear.factor(3, 10, 4), 1.0);
}
