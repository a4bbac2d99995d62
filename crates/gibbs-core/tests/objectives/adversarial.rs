//! A Gaussian generator against two separated modes: the reverse divergence picks one, maximum likelihood covers both.

use gibbs_core::energy::{Distribution, Energy, Gradient, Parametric};
use gibbs_core::key::Key;
use gibbs_core::objective::Objective;
use gibbs_core::objectives::{AdversarialReverseKl, Adversary, Generator};
use gibbs_core::optimisers::{Adam, Optimiser, Schedule};
use gibbs_core::params::ParamMap;
use gibbs_core::path::Target;
use gibbs_core::persist::{Persist, TensorMap};
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;

use crate::energies::{Normal, Points};

/// `x = m + exp(s) z` on the line.
#[derive(Clone)]
struct LocationScale(ParamMap);

impl LocationScale {
    fn new(m: f32, s: f32) -> Self {
        let mut params = ParamMap::zeros(&[("ms", &[2])]);
        params.flat_mut().copy_from_slice(&[m, s]);
        Self(params)
    }

    fn mean_and_sd(&self) -> (f64, f64) {
        (f64::from(self.0.flat()[0]), f64::from(self.0.flat()[1]).exp())
    }
}

impl Generator for LocationScale {
    type X = Points;

    fn params(&self) -> &ParamMap {
        &self.0
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.0
    }

    fn sample(&self, n: usize, key: &Key) -> Points {
        let (m, sd) = self.mean_and_sd();
        Normal { mean: vec![m], sd: vec![sd] }.sample(n, key)
    }

    fn add_sample_grad(&self, key: &Key, cotangent: &Points, out: &mut ParamMap, _ws: &mut Scratch) {
        let (m, _) = self.mean_and_sd();
        let x = self.sample(cotangent.n_rows(), key);
        for (x, c) in x.values().iter().zip(cotangent.values()) {
            out.flat_mut()[0] += *c as f32;
            out.flat_mut()[1] += (c * (x - m)) as f32;
        }
    }
}

/// `E(x) = sum_k theta_k exp(-(x - c_k)^2 / 2 w^2)` with centres on a grid: a critic that is linear in its parameters.
struct Bumps(ParamMap);

const CENTRES: usize = 21;
const WIDTH: f64 = 0.5;

fn bump(k: usize, x: f64) -> (f64, f64) {
    let u = (x + 5.0 - 0.5 * k as f64) / WIDTH;
    let f = (-0.5 * u * u).exp();
    (f, -u / WIDTH * f)
}

impl Energy for Bumps {
    type X = Points;

    fn energy(&self, x: &Points, out: &mut [f64], _ws: &mut Scratch) {
        for (o, &x) in out.iter_mut().zip(x.values()) {
            *o = self.0.flat().iter().enumerate().map(|(k, &t)| f64::from(t) * bump(k, x).0).sum();
        }
    }
}

impl Gradient for Bumps {
    fn energy_grad(&self, x: &Points, e: &mut [f64], g: &mut Points, ws: &mut Scratch) {
        self.energy(x, e, ws);
        for (g, &x) in g.values_mut().iter_mut().zip(x.values()) {
            *g = self.0.flat().iter().enumerate().map(|(k, &t)| f64::from(t) * bump(k, x).1).sum();
        }
    }
}

impl Parametric for Bumps {
    fn params(&self) -> &ParamMap {
        &self.0
    }

    fn params_mut(&mut self) -> &mut ParamMap {
        &mut self.0
    }

    fn add_grad(&self, x: &Points, w: &[f64], out: &mut ParamMap, _ws: &mut Scratch) {
        for (k, o) in out.flat_mut().iter_mut().enumerate() {
            *o += x.values().iter().zip(w).map(|(&x, w)| w * bump(k, x).0).sum::<f64>() as f32;
        }
    }
}

fn critic() -> Target<Bumps> {
    Target(Bumps(ParamMap::zeros(&[("theta", &[CENTRES])])))
}

/// Half `N(-2, 0.6^2)`, half `N(2, 0.6^2)`.
fn two_modes(n: usize) -> Points {
    let mut x = Normal { mean: vec![0.0], sd: vec![0.6] }.sample(n, &Key::from_seed(21));
    x.values_mut().iter_mut().enumerate().for_each(|(i, x)| *x += if i % 2 == 0 { 2.0 } else { -2.0 });
    x
}

/// The critic's gradient is that of the loss; the generator's step is down `E_q[E]`.
#[test]
fn both_players_follow_their_slopes() {
    let data = two_modes(40);
    let mut path = critic();
    path.0.params_mut().flat_mut().iter_mut().enumerate().for_each(|(k, t)| *t = (k as f32 * 1.3).sin());
    let weights: Vec<f64> = (1..=40).map(|i| f64::from(i) / 820.0).collect();
    let objective = AdversarialReverseKl::new(LocationScale::new(0.7, 0.4), 0.01, 1).unwrap();
    let (key, mut ws) = (Key::from_seed(2), Scratch::default());
    let mut call = |path: &Target<Bumps>| {
        let mut state = objective.init(path, &data, &key, &mut ws);
        let mut out = path.0.params().zeros_like();
        let info =
            objective.gradient(path, &data, &weights, &mut state, &mut out, &mut |_| {}, false, &key.step(0), &mut ws);
        (out, info, state)
    };
    let (gradient, info, state) = call(&path);
    for k in 0..CENTRES {
        let centre = path.0.params().flat()[k];
        let mut at = |value: f32| {
            path.0.params_mut().flat_mut()[k] = value;
            (f64::from(value), call(&path).1.loss.unwrap())
        };
        let ((up, above), (down, below)) = (at(centre + 1e-3), at(centre - 1e-3));
        at(centre);
        let slope = (above - below) / (up - down);
        assert!((f64::from(gradient.flat()[k]) - slope).abs() < 1e-5, "bump {k}: {} {slope}", gradient.flat()[k]);
    }
    // Adam's first step is the rate, against the sign of the slope of E_q[E] (the info's model energy).
    let mut energy_at = |m: f32, s: f32| {
        let objective = AdversarialReverseKl::new(LocationScale::new(m, s), 0.01, 1).unwrap();
        let mut state = objective.init(&path, &data, &key, &mut ws);
        let mut out = path.0.params().zeros_like();
        let info =
            objective.gradient(&path, &data, &weights, &mut state, &mut out, &mut |_| {}, false, &key.step(0), &mut ws);
        info.model_energy.unwrap()
    };
    assert!((energy_at(0.7, 0.4) - info.model_energy.unwrap()).abs() < 1e-12);
    let slopes = [energy_at(0.701, 0.4) - energy_at(0.699, 0.4), energy_at(0.7, 0.401) - energy_at(0.7, 0.399)];
    let moved = [state.generator().params().flat()[0] - 0.7, state.generator().params().flat()[1] - 0.4];
    for (slope, moved) in slopes.iter().zip(moved) {
        assert!((f64::from(moved) + 0.01 * slope.signum()).abs() < 1e-4, "moved {moved}, slope {slope}");
    }
}

/// A saved adversary goes on bit for bit.
fn resume(path: &Target<Bumps>, objective: &AdversarialReverseKl<LocationScale>, state: &Adversary<LocationScale>) {
    let mut saved = TensorMap::default();
    state.save("a.", &mut saved);
    let mut back = objective.init(path, &two_modes(2), &Key::from_seed(0), &mut Scratch::default());
    back.load("a.", &saved).unwrap();
    assert_eq!(back.generator().params(), state.generator().params());
    let mut again = TensorMap::default();
    back.save("a.", &mut again);
    assert_eq!(saved, again);
}

/// `KL(q || p)` and `KL(p || q)` for `q = N(m, sd^2)` and the two modes, by the trapezium rule on [-12, 12].
fn divergences(m: f64, sd: f64) -> (f64, f64) {
    let log_normal =
        |x: f64, m: f64, sd: f64| -0.5 * ((x - m) / sd).powi(2) - sd.ln() - 0.5 * std::f64::consts::TAU.ln();
    let (n, h) = (4_800, 0.005);
    (0..=n).map(|i| -12.0 + h * f64::from(i)).fold((0.0, 0.0), |(reverse, forward), x| {
        let (a, b) = (log_normal(x, 2.0, 0.6), log_normal(x, -2.0, 0.6));
        let p = a.max(b) + (-(a - b).abs()).exp().ln_1p() - 2f64.ln();
        let q = log_normal(x, m, sd);
        (reverse + h * q.exp() * (q - p), forward + h * p.exp() * (p - q))
    })
}

/// Reverse: the generator ends on one mode, at the price of `log 2`, and the bound says so. Forward, in closed form
/// (the mean and the variance of the data): both modes. Each is better than the other by its own divergence.
#[test]
fn reverse_picks_a_mode_and_forward_covers_both() {
    let data = two_modes(4_000);
    let (mut path, mut ws, key) = (critic(), Scratch::default(), Key::from_seed(7));
    let objective = AdversarialReverseKl::new(LocationScale::new(1.0, 0.0), 0.01, 2).unwrap();
    let mut state = objective.init(&path, &data, &key, &mut ws);
    let mut out = path.0.params().zeros_like();
    let mut adam = Adam::new(&out);
    let (steps, batch) = (3_000, 200);
    let weights = vec![1.0 / batch as f64; batch];
    let (mut bound, mut m, mut sd, mut n) = (0.0, 0.0, 0.0, 0.0);
    for t in 0..steps {
        let start = t as usize * batch % data.n_rows();
        let rows = data.slice(start, start + batch);
        let info =
            objective.gradient(&path, &rows, &weights, &mut state, &mut out, &mut |_| {}, false, &key.step(t), &mut ws);
        adam.step(path.0.params_mut(), &out, (0.05 * Schedule::Linear.factor(t, steps, 0)) as f32);
        if t >= 2_000 {
            let (mean, scale) = state.generator().mean_and_sd();
            (bound, m, sd, n) = (bound - info.loss.unwrap(), m + mean, sd + scale, n + 1.0);
        }
    }
    resume(&path, &objective, &state);
    let (bound, m, sd) = (bound / n, m / n, sd / n);
    // The players circle their optimum: a tenth of the width of the mode.
    assert!((m - 2.0).abs() < 0.1 && (sd / 0.6 - 1.0).abs() < 0.15, "generator at {m}, width {sd}");
    assert!((bound - 2f64.ln()).abs() < 0.1, "bound {bound}");

    let mean = data.values().iter().sum::<f64>() / 4_000.0;
    let spread = (data.values().iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4_000.0).sqrt();
    // Exact: 0 and sqrt(4.36) = 2.09, so that both modes lie within one standard deviation.
    assert!(mean.abs() < 0.1 && (spread - 2.09).abs() < 0.05, "{mean} {spread}");
    let ((reverse_mode, forward_mode), (reverse_both, forward_both)) = (divergences(m, sd), divergences(mean, spread));
    assert!(reverse_mode + 0.2 < reverse_both, "reverse {reverse_mode} {reverse_both}");
    assert!(forward_both + 1.0 < forward_mode, "forward {forward_both} {forward_mode}");
}
