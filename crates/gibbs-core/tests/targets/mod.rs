//! Densities with known moments and exact draws, and the tests that every kernel takes on them.
#![allow(dead_code, reason = "each test file uses its own part")]

use gibbs_core::dense::Dense;
use gibbs_core::diagnostics::Draws;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::ensemble::Ensemble;
use gibbs_core::kernel::{Kernel, MoveInfo};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::path::{Path, PathGradient};
use gibbs_core::real::Real;
use gibbs_core::rows::{Continuous, Rows};
use gibbs_core::scratch::Scratch;
use gibbs_testkit::{moment_test, z_test};

/// `E(x) = a x^2 / 2`.
#[derive(Clone, Copy)]
pub struct Parabola<T> {
    pub a: T,
}

impl<T: Real> Energy for Parabola<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        out.iter_mut().zip(x.values()).for_each(|(o, &x)| *o = 0.5 * (self.a * x * x).widen());
    }
}

impl<T: Real> Gradient for Parabola<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        g.values_mut().iter_mut().zip(x.values()).for_each(|(g, &x)| *g = self.a * x);
    }
}

/// Two correlated coordinates of different widths: `cov = [[s^2, rho s t], [rho s t, t^2]]`, mean `(1, -2)`.
#[derive(Clone, Copy)]
pub struct Correlated {
    pub sd: [f64; 2],
    pub rho: f64,
}

pub const MEAN: [f64; 2] = [1.0, -2.0];

impl Correlated {
    pub fn draws(&self, n: usize, key: &Key) -> Dense<f64> {
        let mut x = Dense::zeros(n, 2);
        f64::fill_normal(&key.purpose(Purpose::Init), x.values_mut());
        for p in x.values_mut().chunks_exact_mut(2) {
            let second = self.rho * p[0] + (1.0 - self.rho * self.rho).sqrt() * p[1];
            (p[0], p[1]) = (MEAN[0] + self.sd[0] * p[0], MEAN[1] + self.sd[1] * second);
        }
        x
    }

    /// First and second moments about the mean, with their expectations.
    pub fn moments(&self) -> Vec<Moment> {
        let [s, t] = self.sd;
        vec![
            (Box::new(|x| x[0]), MEAN[0]),
            (Box::new(|x| x[1]), MEAN[1]),
            (Box::new(|x| (x[0] - MEAN[0]).powi(2)), s * s),
            (Box::new(|x| (x[1] - MEAN[1]).powi(2)), t * t),
            (Box::new(|x| (x[0] - MEAN[0]) * (x[1] - MEAN[1])), self.rho * s * t),
        ]
    }
}

impl Energy for Correlated {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], ws: &mut Scratch) {
        let mut g = Dense::zeros(x.n_rows(), 2);
        self.energy_grad(x, out, &mut g, ws);
    }
}

impl Gradient for Correlated {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, _ws: &mut Scratch) {
        let scale = 1.0 / (1.0 - self.rho * self.rho);
        for ((e, g), x) in e.iter_mut().zip(g.values_mut().chunks_exact_mut(2)).zip(x.values().chunks_exact(2)) {
            let u = [(x[0] - MEAN[0]) / self.sd[0], (x[1] - MEAN[1]) / self.sd[1]];
            *e = 0.5 * scale * (u[0] * u[0] - 2.0 * self.rho * u[0] * u[1] + u[1] * u[1]);
            g[0] = scale * (u[0] - self.rho * u[1]) / self.sd[0];
            g[1] = scale * (u[1] - self.rho * u[0]) / self.sd[1];
        }
    }
}

/// `E(x) = h (x^2 - 1)^2 - t x`: two wells, tilted towards the right one.
#[derive(Clone, Copy)]
pub struct DoubleWell {
    pub h: f64,
    pub tilt: f64,
}

impl DoubleWell {
    fn at(&self, x: f64) -> f64 {
        self.h * (x * x - 1.0).powi(2) - self.tilt * x
    }

    /// `E f(x)` by the trapezium rule: for a smooth integrand that vanishes at both ends its error falls faster than any
    /// power of the step, and is far below rounding here.
    pub fn expectation(&self, f: impl Fn(f64) -> f64) -> f64 {
        let (mut above, mut below) = (0.0, 0.0);
        for i in -4_000..=4_000 {
            let x = f64::from(i) * 1e-3;
            let p = (-self.at(x)).exp();
            above += p * f(x);
            below += p;
        }
        above / below
    }

    /// `log Z`, by the same rule.
    pub fn log_z(&self) -> f64 {
        (-4_000..=4_000).map(|i| (-self.at(f64::from(i) * 1e-3)).exp() * 1e-3).sum::<f64>().ln()
    }

    pub fn cdf(&self) -> impl Fn(f64) -> f64 {
        let p: Vec<f64> = (-4_000..=4_000).map(|i| (-self.at(f64::from(i) * 1e-3)).exp()).collect();
        let mut sum = 0.0;
        let total: f64 = p.windows(2).map(|w| 0.5 * (w[0] + w[1])).sum();
        let mut table = vec![0.0];
        table.extend(p.windows(2).map(|w| {
            sum += 0.5 * (w[0] + w[1]);
            sum / total
        }));
        move |x: f64| {
            let at = ((x + 4.0) * 1e3).clamp(0.0, 7_999.999);
            let (i, f) = (at as usize, at.fract());
            (table[i] + f * (table[i + 1] - table[i])).clamp(0.0, 1.0)
        }
    }

    /// Exact draws, by rejection from the normal density around each well's middle: none is needed more exactly than
    /// the bound `E(x) >= x^2 / 2 - bound` asks.
    pub fn draws(&self, n: usize, key: &Key) -> Dense<f64> {
        let bound = (-4_000..=4_000).map(|i| f64::from(i) * 1e-3).map(|x| 0.5 * x * x - self.at(x));
        let bound = bound.fold(f64::NEG_INFINITY, f64::max) + 1e-3;
        let mut rng = key.purpose(Purpose::Init).rng();
        let mut x = Vec::with_capacity(n);
        while x.len() < n {
            let y = rng.normal();
            if rng.uniform() < (0.5 * y * y - self.at(y) - bound).exp() {
                x.push(y);
            }
        }
        Dense::from_rows(1, x)
    }

    pub fn moments(&self) -> Vec<Moment> {
        vec![
            (Box::new(|x| x[0]), self.expectation(|x| x)),
            (Box::new(|x| x[0] * x[0]), self.expectation(|x| x * x)),
            (Box::new(|x| x[0].powi(4)), self.expectation(|x| x.powi(4))),
        ]
    }
}

impl Energy for DoubleWell {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
        out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = self.at(*x));
    }
}

impl Gradient for DoubleWell {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        let slope = |x: f64| 4.0 * self.h * x * (x * x - 1.0) - self.tilt;
        g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = slope(*x));
    }
}

/// `N(0, sd^2)` in one dimension, normalised.
#[derive(Clone, Copy)]
pub struct Normal {
    pub sd: f64,
}

impl Energy for Normal {
    type X = Dense<f64>;

    fn energy(&self, x: &Dense<f64>, out: &mut [f64], _ws: &mut Scratch) {
        let log_z = 0.5 * std::f64::consts::TAU.ln() + self.sd.ln();
        out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 0.5 * (x / self.sd).powi(2) + log_z);
    }
}

impl Gradient for Normal {
    fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = x / (self.sd * self.sd));
    }
}

impl Distribution for Normal {
    fn sample(&self, n: usize, key: &Key) -> Dense<f64> {
        let mut x = Dense::zeros(n, 1);
        f64::fill_normal(&key.purpose(Purpose::Init), x.values_mut());
        x.values_mut().iter_mut().for_each(|x| *x *= self.sd);
        x
    }
}

/// A function of a state and its expectation.
pub type Moment = (Box<dyn Fn(&[f64]) -> f64>, f64);

/// All rows of an ensemble.
pub fn positions<P: Path<X = Dense<f64>>, K: Kernel<P>>(
    kernel: &K,
    _path: &P,
    chains: &Ensemble<K::Chain>,
) -> Dense<f64> {
    let blocks = chains.blocks();
    let n_cols = kernel.position(&blocks[0]).n_cols();
    Dense::from_rows(n_cols, blocks.iter().flat_map(|c| kernel.position(c).values().to_vec()).collect())
}

/// Means over independent rows against expectations, each at the false-alarm rate `alpha`.
pub fn check_moments(x: &Dense<f64>, moments: &[Moment], alpha: f64) -> Result<(), String> {
    let n = x.n_rows() as f64;
    for (k, (f, expected)) in moments.iter().enumerate() {
        let values: Vec<f64> = (0..x.n_rows()).map(|i| f(x.row(i))).collect();
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        z_test(mean, (variance / n).sqrt(), *expected, alpha).map_err(|why| format!("moment {k}: {why}"))?;
    }
    Ok(())
}

/// A kernel that leaves the density invariant turns independent exact draws into independent exact draws, after any
/// number of steps: the means of the final rows are tested with no burn-in, no autocorrelation and no free threshold.
/// Also returns the infos of all last steps, joined.
pub fn check_invariance<P: PathGradient<X = Dense<f64>>, K: Kernel<P, Info = MoveInfo>>(
    (kernel, tuning): (&K, &K::Tuning),
    path: &P,
    exact: &Dense<f64>,
    moments: &[Moment],
    n_steps: u64,
    alpha: f64,
) -> Result<MoveInfo, String> {
    let mut chains = Ensemble::start(kernel, path, exact);
    let infos = chains.advance(kernel, path, 1.0, tuning, n_steps, &Key::from_seed(n_steps));
    check_moments(&positions(kernel, path, &chains), moments, alpha)?;
    Ok(infos.into_iter().fold(MoveInfo::default(), MoveInfo::join))
}

/// Invariance alone is passed by a kernel that never moves. From `start`, after `burn_in` steps, the averages over time
/// must agree too, and the draws be worth 400 independent ones.
pub fn check_convergence<P: PathGradient<X = Dense<f64>>, K: Kernel<P>>(
    (kernel, tuning): (&K, &K::Tuning),
    path: &P,
    start: &Dense<f64>,
    moments: &[Moment],
    (burn_in, n_steps): (u64, u64),
    alpha: f64,
) -> Result<(), String> {
    let (key, mut ws, n_chains) = (Key::from_seed(burn_in), Scratch::default(), start.n_rows());
    let mut chain = kernel.init(path, start.clone(), &mut ws);
    let mut draws = vec![vec![Vec::new(); n_chains]; moments.len()];
    for t in 0..burn_in + n_steps {
        kernel.step(path, 1.0, tuning, &mut chain, &key.step(t), &mut ws);
        if t >= burn_in {
            for (draws, (f, _)) in draws.iter_mut().zip(moments) {
                let x = kernel.position(&chain);
                draws.iter_mut().enumerate().for_each(|(i, d)| d.push(f(x.row(i))));
            }
        }
    }
    for (k, (draws, (_, expected))) in draws.iter().zip(moments).enumerate() {
        let values = draws.concat();
        let draws = Draws::new(&values, n_chains).map_err(|e| e.to_string())?;
        moment_test(&draws, *expected, alpha, 400.0).map_err(|why| format!("moment {k}: {why}"))?;
    }
    Ok(())
}
