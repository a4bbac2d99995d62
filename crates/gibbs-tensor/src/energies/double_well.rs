//! Independent double wells.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Energy, Gradient};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::bessel::scaled_bessel_i;
use super::error::{TargetError, at_least_one, positive};
use super::rows::{c, check, check_pair};

/// `E(x) = h sum_i (x_i^2 - 1)^2`: wells at `+-1` in every coordinate, barriers `h` nats high between them.
///
/// # Shapes and units
/// Rows of `n_cols` numbers, `2^n_cols` modes of equal weight; `h` and energies in nats.
///
/// # Example
/// ```
/// use gibbs_tensor::energies::DoubleWell;
/// let wells = DoubleWell::<f32>::new(2, 2.0)?;
/// // Two Gaussians of variance 1 / (8 h) a coordinate would have log Z = log(pi / h).
/// assert!((wells.log_z() - (std::f64::consts::PI / 2.0).ln()).abs() < 0.25);
/// # Ok::<(), gibbs_tensor::energies::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DoubleWell<T> {
    n_cols: usize,
    height: f64,
    four_heights: T,
}

impl<T: Real> DoubleWell<T> {
    /// `height` is the barrier `h`.
    pub fn new(n_cols: usize, height: f64) -> Result<Self, TargetError> {
        let (n_cols, height) = (at_least_one("coordinates", n_cols)?, positive("height", height)?);
        Ok(Self { n_cols, height, four_heights: c(4.0 * height) })
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// The barrier `h`, nats.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// `n_cols log Z_1` with
    /// `Z_1 = int exp(-h (x^2 - 1)^2) dx = (pi / 2) exp(-h / 2) (I_{-1/4}(h / 2) + I_{1/4}(h / 2))`.
    ///
    /// # Source
    /// With `t = x^2` the integral is that of a parabolic cylinder function: Gradshteyn & Ryzhik, 3.462.1, and
    /// DLMF 12.7.10 and 10.27.4 for its Bessel form.
    pub fn log_z(&self) -> f64 {
        let z = 0.5 * self.height;
        let wells = scaled_bessel_i(-1, z) + scaled_bessel_i(1, z);
        self.n_cols as f64 * (0.5 * std::f64::consts::PI * wells).ln()
    }

    /// `E[x_i^2] = (1 + (I_{-3/4} + I_{3/4}) / (I_{-1/4} + I_{1/4})) / 2` at `h / 2`: the derivative of `log Z_1` in the
    /// coefficient of `x^2`. The means are 0.
    pub fn mean_square(&self) -> f64 {
        let z = 0.5 * self.height;
        let ratio = (scaled_bessel_i(-3, z) + scaled_bessel_i(3, z)) / (scaled_bessel_i(-1, z) + scaled_bessel_i(1, z));
        0.5 * (1.0 + ratio)
    }

    /// `E[x_i^4] = E[x_i^2] + 1 / (4 h)`, from `E[x dE/dx] = 1`.
    pub fn mean_fourth_power(&self) -> f64 {
        self.mean_square() + 0.25 / self.height
    }
}

impl<T: Real> Energy for DoubleWell<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, self.n_cols, out);
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols)) {
            let mut sum = T::zero();
            for &x in row {
                let depth = x * x - T::one();
                sum += depth * depth;
            }
            *o = self.height * sum.widen();
        }
    }
}

impl<T: Real> Gradient for DoubleWell<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        // Two passes over a block that is in the cache: the second runs in full vectors.
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, self.n_cols);
        for (g, &x) in g.values_mut().iter_mut().zip(x.values()) {
            *g = self.four_heights * x * (x * x - T::one());
        }
    }
}
