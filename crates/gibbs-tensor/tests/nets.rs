//! Networks as energies: every derivative that learning uses, against central differences.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient, Parametric, ScoreParametric};
use gibbs_core::key::Key;
use gibbs_core::params::ParamMap;
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_tensor::nets::{Conv, Layers, Mlp, Network};
use gibbs_tensor::tape::Activation;
use gibbs_tensor::trace::TapeEnergy;

fn networks() -> Vec<(&'static str, usize, Network)> {
    let mlp = |activation, spectral| Network {
        layers: Layers::Mlp(Mlp { hidden: vec![5, 4], activation }),
        spectral,
        confinement: Some(3.0),
    };
    let conv = |residual| Network {
        layers: Layers::Conv(Conv { shape: (4, 4, 1), channels: vec![2, 3], activation: Activation::Silu, residual }),
        spectral: false,
        confinement: None,
    };
    vec![
        ("silu", 2, mlp(Activation::Silu, false)),
        ("softplus", 2, mlp(Activation::Softplus, false)),
        ("tanh, spectral", 2, mlp(Activation::Tanh, true)),
        ("gelu", 2, mlp(Activation::Gelu, false)),
        ("elu", 2, mlp(Activation::Elu, false)),
        ("convolutional", 16, conv(false)),
        ("residual", 16, conv(true)),
    ]
}

fn normals(n: usize, d: usize, seed: u64) -> Dense<f64> {
    let mut x = Dense::zeros(n, d);
    f64::fill_normal(&Key::from_seed(seed), x.values_mut());
    x
}

const ROWS: usize = 3;

/// Four scalar functions of the parameters: `w . E`, `v . grad E`, `w . v'Hv` and their analytic gradients.
fn values(energy: &TapeEnergy<f64>, x: &Dense<f64>, v: &Dense<f64>, w: &[f64]) -> [(f64, ParamMap); 3] {
    let ws = &mut Scratch::default();
    let zero = || energy.params().zeros_like();
    let (mut first, mut second, mut third) = (zero(), zero(), zero());
    let (mut e, mut g) = (vec![0.0; ROWS], x.clone());
    energy.energy_grad(x, &mut e, &mut g, ws);
    let weighted = e.iter().zip(w).map(|(e, w)| e * w).sum();
    energy.add_grad(x, w, &mut first, ws);
    let d = x.n_cols();
    let direct = |rows: std::ops::Range<usize>, _: &[f64], _: &[f64], out: &mut [f64]| {
        out.copy_from_slice(&v.values()[rows.start * d..rows.end * d]);
    };
    energy.add_score_grad(x, &direct, &mut second, ws);
    let slope = g.values().iter().zip(v.values()).map(|(g, v)| g * v).sum();
    let mut curvature = vec![0.0; ROWS];
    energy.add_curvature_grad(x, v, w, &mut curvature, &mut third, ws);
    let bend = curvature.iter().zip(w).map(|(c, w)| c * w).sum();
    [(weighted, first), (slope, second), (bend, third)]
}

#[test]
fn parameter_gradients_are_derivatives() {
    for (name, d, network) in networks() {
        let energy = network.energy::<f64>(d, &Key::from_seed(1)).unwrap();
        let (x, v, w) = (normals(ROWS, d, 2), normals(ROWS, d, 3), [0.3, -1.0, 2.0]);
        let analytic = values(&energy, &x, &v, &w);
        for i in 0..energy.params().flat().len() {
            // Parameters are f32: the step is what they actually moved by.
            let moved = |by: f32| {
                let mut params = energy.params().clone();
                params.flat_mut()[i] += by;
                (f64::from(params.flat()[i]), values(&energy.with_params(&params), &x, &v, &w))
            };
            let ((up_at, up), (down_at, down)) = (moved(1e-3), moved(-1e-3));
            for k in 0..3 {
                let numeric = (up[k].0 - down[k].0) / (up_at - down_at);
                let found = f64::from(analytic[k].1.flat()[i]);
                // Truncation h^2 f'''/6 with h = 1e-3 and third derivatives of order 10.
                assert!((found - numeric).abs() < 3e-5 * (1.0 + numeric.abs()), "{name}, {k}, {i}: {found} {numeric}");
            }
        }
    }
}

#[test]
fn state_gradients_and_curvatures_are_derivatives() {
    for (name, d, network) in networks() {
        let energy = network.energy::<f64>(d, &Key::from_seed(1)).unwrap();
        let (x, v) = (normals(ROWS, d, 2), normals(ROWS, d, 3));
        let ws = &mut Scratch::default();
        let grad = |x: &Dense<f64>| {
            let (mut e, mut g) = (vec![0.0; ROWS], x.clone());
            energy.energy_grad(x, &mut e, &mut g, &mut Scratch::default());
            (e, g)
        };
        let (e, g) = grad(&x);
        let (mut alone, mut plain) = (x.clone(), vec![0.0; ROWS]);
        energy.grad(&x, &mut alone, ws);
        energy.energy(&x, &mut plain, ws);
        assert_eq!((&alone, &plain), (&g, &e), "{name}");
        let h = 1e-5;
        let along = |by: f64| {
            let mut y = x.clone();
            y.add_scaled(by, &v);
            grad(&y)
        };
        let ((up, up_g), (down, down_g)) = (along(h), along(-h));
        let mut curvature = vec![0.0; ROWS];
        let mut unused = energy.params().zeros_like();
        energy.add_curvature_grad(&x, &v, &[0.0; ROWS], &mut curvature, &mut unused, ws);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for r in 0..ROWS {
            let slope = (up[r] - down[r]) / (2.0 * h);
            assert!((dot(g.row(r), v.row(r)) - slope).abs() < 1e-7, "{name}");
            let bend = (dot(up_g.row(r), v.row(r)) - dot(down_g.row(r), v.row(r))) / (2.0 * h);
            assert!((curvature[r] - bend).abs() < 1e-7, "{name}: {} {bend}", curvature[r]);
        }
    }
}

#[test]
fn single_precision_agrees_and_threads_change_nothing() {
    for (name, d, network) in networks() {
        let key = Key::from_seed(1);
        let (wide, narrow) = (network.energy::<f64>(d, &key).unwrap(), network.energy::<f32>(d, &key).unwrap());
        let n = 700;
        let x = normals(n, d, 4);
        let (mut e, mut e32) = (vec![0.0; n], vec![0.0; n]);
        let ws = &mut Scratch::default();
        wide.energy(&x, &mut e, ws);
        let x32 = x.cast::<f32>();
        let grads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut out, mut score) = (narrow.params().zeros_like(), narrow.params().zeros_like());
                let ws = &mut Scratch::default();
                narrow.add_grad(&x32, &vec![1.0 / n as f64; n], &mut out, ws);
                narrow.add_score_grad(&x32, &|_, _, g, v| v.copy_from_slice(g), &mut score, ws);
                (out, score)
            })
        };
        assert_eq!(grads(1), grads(4), "{name}");
        narrow.energy(&x32, &mut e32, ws);
        let worst = e.iter().zip(&e32).map(|(a, b)| (a - b).abs() / (1.0 + a.abs())).fold(0.0, f64::max);
        assert!(worst < 1e-5, "{name}: {worst:e}");
    }
}

/// The largest singular value of a normalised matrix is near one, and the slope of the energy is bounded by that.
#[test]
fn spectral_normalisation_bounds_the_slope() {
    let network = Network {
        layers: Layers::Mlp(Mlp { hidden: vec![64, 64], activation: Activation::Tanh }),
        spectral: true,
        confinement: None,
    };
    let mut energy = network.energy::<f64>(2, &Key::from_seed(5)).unwrap();
    energy.params_mut().scale(7.0);
    let x = normals(500, 2, 6);
    let mut g = x.clone();
    energy.grad(&x, &mut g, &mut Scratch::default());
    let steepest = (0..x.n_rows()).map(|i| g.row(i).iter().map(|v| v * v).sum::<f64>().sqrt()).fold(0.0, f64::max);
    // Three layers, each a few per cent above one at most.
    assert!(steepest < 1.2, "{steepest}");
}
