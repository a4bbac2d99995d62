//! Bananas: Rosenbrock's valley as a density.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::error::{TargetError, at_least_one, finite, positive};
use super::rows::{c, check, check_pair};

/// Independent pairs `(x, y)` with `x ~ normal(m, s^2)` and `y ~ normal(b x^2, t^2)`:
/// `E = sum over pairs (x - m)^2 / 2 s^2 + (y - b x^2)^2 / 2 t^2 + log(2 pi s t)`.
///
/// `(x, y) -> (x, y - b x^2)` keeps volumes, so the constant is that of two Gaussians and draws are exact.
///
/// # Shapes and units
/// Rows of `2 n_pairs` numbers, `x` before `y` in every pair; energies in nats.
///
/// # Example
/// ```
/// use gibbs_tensor::energies::Banana;
/// let valley = Banana::<f64>::rosenbrock()?;
/// assert!((valley.mean()[1] - 11.0).abs() < 1e-12);
/// # Ok::<(), gibbs_tensor::energies::TargetError>(())
/// ```
///
/// # Source
/// Pagani, Wiegand & Nadarajah 2022, "An n-dimensional Rosenbrock distribution for Markov chain Monte Carlo testing",
/// DOI 10.1111/sjos.12532.
#[derive(Clone, Debug)]
pub struct Banana<T> {
    n_pairs: usize,
    mean: f64,
    sd: f64,
    curvature: f64,
    width: f64,
    /// `m`, `1 / s^2`, `b`, `1 / t^2`.
    constants: [T; 4],
    log_scale: f64,
}

impl<T: Real> Banana<T> {
    /// `m`, `s`, `b` and `t` of the formula, for `n_pairs` pairs.
    pub fn new(n_pairs: usize, mean: f64, sd: f64, curvature: f64, width: f64) -> Result<Self, TargetError> {
        at_least_one("pairs", n_pairs)?;
        let (mean, curvature) = (finite("mean", mean)?, finite("curvature", curvature)?);
        let (sd, width) = (positive("sd", sd)?, positive("width", width)?);
        Ok(Self {
            n_pairs,
            mean,
            sd,
            curvature,
            width,
            constants: [c(mean), c((sd * sd).recip()), c(curvature), c((width * width).recip())],
            log_scale: n_pairs as f64 * (std::f64::consts::TAU * sd * width).ln(),
        })
    }

    /// `E = (100 (y - x^2)^2 + (1 - x)^2) / 20` plus its constant: Rosenbrock's function at temperature 20.
    pub fn rosenbrock() -> Result<Self, TargetError> {
        Self::new(1, 1.0, 10f64.sqrt(), 1.0, 0.1f64.sqrt())
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        2 * self.n_pairs
    }

    /// Means of `x` and `y`, the same in every pair: `m` and `b (m^2 + s^2)`.
    pub fn mean(&self) -> [f64; 2] {
        [self.mean, self.curvature * (self.mean * self.mean + self.sd * self.sd)]
    }

    /// Variances of `x` and `y` and their covariance: `s^2`, `t^2 + b^2 (2 s^4 + 4 m^2 s^2)`, `2 b m s^2`.
    pub fn covariance(&self) -> [f64; 3] {
        let (m, s2, b) = (self.mean, self.sd * self.sd, self.curvature);
        [s2, self.width * self.width + b * b * (2.0 * s2 * s2 + 4.0 * m * m * s2), 2.0 * b * m * s2]
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }
}

impl<T: Real> Energy for Banana<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, self.n_cols(), out);
        let [m, p, b, q] = self.constants;
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols())) {
            let mut twice = T::zero();
            for pair in row.chunks_exact(2) {
                let (along, across) = (pair[0] - m, pair[1] - b * pair[0] * pair[0]);
                twice += along * along * p + across * across * q;
            }
            *o = 0.5 * twice.widen() + self.log_scale;
        }
    }
}

impl<T: Real> Gradient for Banana<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, self.n_cols());
        let [m, p, b, q] = self.constants;
        let twice_b = b + b;
        for (g, x) in g.values_mut().chunks_exact_mut(2).zip(x.values().chunks_exact(2)) {
            let push = (x[1] - b * x[0] * x[0]) * q;
            g[0] = (x[0] - m) * p - twice_b * x[0] * push;
            g[1] = push;
        }
    }
}

impl<T: Real> Distribution for Banana<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut rows = Dense::zeros(n, self.n_cols());
        T::fill_normal(&key.purpose(Purpose::Noise), rows.values_mut());
        for pair in rows.values_mut().chunks_exact_mut(2) {
            let x = self.mean + self.sd * pair[0].widen();
            let y = self.curvature * x * x + self.width * pair[1].widen();
            (pair[0], pair[1]) = (T::narrow(x), T::narrow(y));
        }
        rows
    }
}
