//! L-BFGS against minima that are known, and against functions that are not what they claim.

use gibbs_core::optimisers::lbfgs::{Ended, Stop, minimise, minimise_watched};

/// Rosenbrock's valley in pairs (DOI 10.1093/comjnl/3.3.175), minimum 0 at all ones.
fn rosenbrock(x: &[f64], g: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (x, g) in x.chunks_exact(2).zip(g.chunks_exact_mut(2)) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        value += a * a + 100.0 * b * b;
        g[0] = -2.0 * a - 400.0 * x[0] * b;
        g[1] = 200.0 * b;
    }
    value
}

/// A quadratic of condition number 1e3 whose minimum is `x_i = 1 / (1 + i)`.
fn ellipse(x: &[f64], g: &mut [f64]) -> f64 {
    let n = x.len() as f64;
    let mut value = 0.0;
    for (i, (x, g)) in x.iter().zip(g).enumerate() {
        let (h, d) = (1e3f64.powf(i as f64 / n), x - 1.0 / (1.0 + i as f64));
        value += 0.5 * h * d * d;
        *g = h * d;
    }
    value
}

#[test]
fn known_minima_are_reached() {
    let found = minimise(rosenbrock, &[-1.2, 1.0, 0.0, 0.0], &Stop::default());
    assert!(found.converged() && found.at.iter().all(|x| (x - 1.0).abs() < 1e-6), "{found:?}");
    // The error in x_i is the gradient over the curvature, which is 1 at least.
    let found = minimise(ellipse, &[0.0; 60], &Stop { gradient_norm: 1e-5, ..Stop::default() });
    assert_eq!(found.ended, Ended::Gradient, "{found:?}");
    assert!(found.at.iter().enumerate().all(|(i, x)| (x - 1.0 / (1.0 + i as f64)).abs() < 1e-5), "{found:?}");
    // Far from steepest descent, which would need some condition-number steps.
    assert!(found.iterations < 300 && found.evaluations < 2 * found.iterations + 20, "{found:?}");
}

/// Values and gradients far from 1, as sums over data are: the first step is of length one all the same.
#[test]
fn scale_does_not_matter() {
    for scale in [1e-3, 1.0, 1e8] {
        let f = |x: &[f64], g: &mut [f64]| {
            let value = scale * rosenbrock(x, g);
            g.iter_mut().for_each(|g| *g *= scale);
            value
        };
        let found = minimise(f, &[-1.2, 1.0], &Stop { gradient_norm: 1e-7 * scale, ..Stop::default() });
        assert!(found.converged() && found.iterations < 100, "{scale}: {found:?}");
    }
}

/// Infinite beyond x = 1 and lowest at 0.9: long steps fall off the edge and the lowest point is kept.
#[test]
fn an_edge_does_not_lose_the_point() {
    let f = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0 / (1.0 - x[0]) - 10.0;
        if x[0] < 1.0 { -(1.0 - x[0]).ln() - 10.0 * x[0] } else { f64::INFINITY }
    };
    let found = minimise(f, &[0.0], &Stop::default());
    assert!(found.value <= 0.0 && found.value.is_finite() && found.at[0] < 1.0, "{found:?}");
}

#[test]
fn endings_are_named() {
    let stop = Stop { max_iterations: 3, ..Stop::default() };
    assert_eq!(minimise(rosenbrock, &[-1.2, 1.0], &stop).ended, Ended::Iterations);
    let stop = Stop { change: 1e-6, gradient_norm: 0.0, ..Stop::default() };
    let found = minimise(|x, g| 1.0 + ellipse(x, g), &[0.0; 60], &stop);
    assert!(found.ended == Ended::Change && (found.value - 1.0).abs() < 1e-5, "{found:?}");
    let stopped = minimise_watched(rosenbrock, &[-1.2, 1.0], &Stop::default(), |look| look.iteration < 4);
    assert_eq!((stopped.ended, stopped.iterations), (Ended::Stopped, 4));
    assert_eq!(minimise(|_, _| f64::NAN, &[1.0], &Stop::default()).ended, Ended::NotFinite);
    // A gradient of the wrong sign: not a descent, so nothing lower is found and nothing is claimed.
    let wrong = |x: &[f64], g: &mut [f64]| {
        g[0] = -2.0 * x[0];
        x[0] * x[0]
    };
    let found = minimise(wrong, &[1.0], &Stop::default());
    assert!(found.ended == Ended::LineSearch && !found.converged() && found.value == 1.0, "{found:?}");
    // Nothing asked of the gradient: it goes down to rounding and says so.
    let found = minimise(ellipse, &[0.0; 8], &Stop { gradient_norm: 0.0, ..Stop::default() });
    assert!(found.gradient_norm < 1e-6, "{found:?}");
}

/// Long enough that vectors are summed in several blocks.
#[test]
fn threads_do_not_matter() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| minimise(ellipse, &vec![0.0; 40_000], &Stop { max_iterations: 12, ..Stop::default() }))
    };
    assert_eq!(run(1), run(3));
}
