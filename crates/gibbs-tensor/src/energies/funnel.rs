//! Neal's funnel.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::error::{TargetError, at_least_one, positive};
use super::rows::{c, check, check_pair};

/// `v ~ normal(0, s^2)` and `x_i ~ normal(0, exp(v))` for `i = 1..k`:
/// `E = v^2 / 2 s^2 + exp(-v) |x|^2 / 2 + k v / 2 + log s + (k + 1) log(2 pi) / 2`.
///
/// Normalised, with exact draws, and hard for every sampler of one step size: the neck is narrow, the mouth wide.
/// Moments: all means 0, `E[v^2] = s^2`, `E[x_i^2] = exp(s^2 / 2)`.
///
/// # Shapes and units
/// Rows of `1 + k` numbers, `v` first; energies in nats.
///
/// # Example
/// ```
/// use gibbs_tensor::energies::Funnel;
/// let funnel = Funnel::<f64>::new(9, 3.0)?; // Neal's own
/// assert_eq!(funnel.n_cols(), 10);
/// # Ok::<(), gibbs_tensor::energies::TargetError>(())
/// ```
///
/// # Source
/// Neal 2003, "Slice sampling", section 8, DOI 10.1214/aos/1056562461.
#[derive(Clone, Debug)]
pub struct Funnel<T> {
    k: usize,
    sd: f64,
    precision: T,
    half_k: T,
    log_scale: f64,
}

impl<T: Real> Funnel<T> {
    /// `k` coordinates whose log variance has standard deviation `sd`.
    pub fn new(k: usize, sd: f64) -> Result<Self, TargetError> {
        let (k, sd) = (at_least_one("coordinates beside the log variance", k)?, positive("sd", sd)?);
        let log_scale = sd.ln() + 0.5 * (k as f64 + 1.0) * std::f64::consts::TAU.ln();
        Ok(Self { k, sd, precision: c((sd * sd).recip()), half_k: c(0.5 * k as f64), log_scale })
    }

    /// Numbers of a row.
    pub fn n_cols(&self) -> usize {
        self.k + 1
    }

    /// `E[x_i^2] = exp(s^2 / 2)`.
    pub fn mean_square(&self) -> f64 {
        (0.5 * self.sd * self.sd).exp()
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }
}

impl<T: Real> Energy for Funnel<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, self.n_cols(), out);
        let half = c::<T>(0.5);
        for (o, row) in out.iter_mut().zip(x.values().chunks_exact(self.n_cols())) {
            let (v, rest) = (row[0], &row[1..]);
            let square = rest.iter().map(|&x| x * x).sum::<T>();
            let e = half * (v * v * self.precision + (-v).exp() * square) + self.half_k * v;
            *o = e.widen() + self.log_scale;
        }
    }
}

impl<T: Real> Gradient for Funnel<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, ws: &mut Scratch) {
        self.energy(x, e, ws);
        self.grad(x, g, ws);
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, self.n_cols());
        let (n, half) = (self.n_cols(), c::<T>(0.5));
        for (g, row) in g.values_mut().chunks_exact_mut(n).zip(x.values().chunks_exact(n)) {
            let (v, scale) = (row[0], (-row[0]).exp());
            let mut square = T::zero();
            for (g, &x) in g[1..].iter_mut().zip(&row[1..]) {
                *g = scale * x;
                square += x * x;
            }
            g[0] = v * self.precision - half * scale * square + self.half_k;
        }
    }
}

impl<T: Real> Distribution for Funnel<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut rows = Dense::zeros(n, self.n_cols());
        T::fill_normal(&key.purpose(Purpose::Noise), rows.values_mut());
        for row in rows.values_mut().chunks_exact_mut(self.n_cols()) {
            let v = self.sd * row[0].widen();
            row[0] = T::narrow(v);
            row[1..].iter_mut().for_each(|x| *x = T::narrow((0.5 * v).exp() * x.widen()));
        }
        rows
    }
}
