//! Concentric rings in the plane.

use gibbs_core::dense::Dense;
use gibbs_core::energy::{Distribution, Energy, Gradient};
use gibbs_core::key::{Key, Purpose};
use gibbs_core::real::Real;
use gibbs_core::rows::Continuous;
use gibbs_core::scratch::Scratch;

use super::error::{TargetError, at_least_one, positive};
use super::rows::{check, check_pair};

/// Points at a uniform angle and at distance `|R + sd z|` from the origin, `R` one of the radii with equal chance and `z`
/// standard normal:
/// `p(x) = (1 / 2 pi r) (1/K) sum_k (normal(r; R_k, sd^2) + normal(-r; R_k, sd^2))`, `r = |x|`.
///
/// Normalised: `E = -log p`, `log_z()` is 0. The density has a pole at the origin, of weight `exp(-R^2 / 2 sd^2)`: keep
/// the radii several `sd` from it, or gradient samplers will find it.
///
/// # Shapes and units
/// Rows of 2 numbers; energies in nats, evaluated in `f64`.
///
/// # Example
/// ```
/// use gibbs_core::energy::Distribution;
/// use gibbs_core::key::Key;
/// use gibbs_core::rows::Continuous;
/// use gibbs_tensor::energies::Rings;
/// let rings = Rings::<f64>::new(&[0.7, 1.4, 2.1], 0.05)?;
/// let x = rings.sample(1, &Key::from_seed(0));
/// assert!(x.row(0)[0].hypot(x.row(0)[1]) < 2.5);
/// # Ok::<(), gibbs_tensor::energies::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rings<T> {
    radii: Vec<f64>,
    sd: f64,
    /// `log(2 pi K sqrt(2 pi) sd)`.
    log_scale: f64,
    precision: std::marker::PhantomData<T>,
}

impl<T: Real> Rings<T> {
    /// Rings of these radii, `sd` thick.
    pub fn new(radii: &[f64], sd: f64) -> Result<Self, TargetError> {
        let n = at_least_one("radii", radii.len())? as f64;
        radii.iter().try_for_each(|&r| positive("radius", r).map(drop))?;
        let sd = positive("sd", sd)?;
        let tau = std::f64::consts::TAU;
        Ok(Self {
            radii: radii.to_vec(),
            sd,
            log_scale: (tau * n * tau.sqrt() * sd).ln(),
            precision: std::marker::PhantomData,
        })
    }

    /// Radii.
    pub fn radii(&self) -> &[f64] {
        &self.radii
    }

    /// Standard deviation of the distance from a ring.
    pub fn sd(&self) -> f64 {
        self.sd
    }

    /// `E[|x|^2] = mean R_k^2 + sd^2`; each coordinate has half of it for its variance, and mean 0.
    pub fn mean_square(&self) -> f64 {
        self.radii.iter().map(|r| r * r).sum::<f64>() / self.radii.len() as f64 + self.sd * self.sd
    }

    /// 0: the energy is `-log p`.
    pub fn log_z(&self) -> f64 {
        0.0
    }

    /// `E` and `dE/dr` at distance `r`. Bumps of `-r` are left in: they normalise the density.
    fn radial(&self, r: f64) -> (f64, f64) {
        let bumps = || self.radii.iter().flat_map(|&radius| [(r - radius) / self.sd, (r + radius) / self.sd]);
        let nearest = bumps().map(f64::abs).fold(f64::INFINITY, f64::min);
        let (mut sum, mut slope) = (0.0, 0.0);
        for z in bumps() {
            let height = (0.5 * (nearest * nearest - z * z)).exp();
            sum += height;
            slope += height * z / self.sd;
        }
        (0.5 * nearest * nearest - sum.ln() + r.ln() + self.log_scale, slope / sum + r.recip())
    }

    /// Calls `each(row, E, gradient)`.
    fn visit(&self, x: &Dense<T>, mut each: impl FnMut(usize, f64, [T; 2])) {
        for (i, row) in x.values().chunks_exact(2).enumerate() {
            let (x, y) = (row[0].widen(), row[1].widen());
            let r = x.hypot(y);
            let (e, slope) = self.radial(r);
            // At the pole no direction is down.
            let scale = if r > 0.0 { slope / r } else { 0.0 };
            each(i, e, [T::narrow(scale * x), T::narrow(scale * y)]);
        }
    }
}

impl<T: Real> Energy for Rings<T> {
    type X = Dense<T>;

    fn energy(&self, x: &Dense<T>, out: &mut [f64], _ws: &mut Scratch) {
        check(x, 2, out);
        self.visit(x, |i, e, _| out[i] = e);
    }
}

impl<T: Real> Gradient for Rings<T> {
    fn energy_grad(&self, x: &Dense<T>, e: &mut [f64], g: &mut Dense<T>, _ws: &mut Scratch) {
        check(x, 2, e);
        self.visit(x, |i, energy, slope| {
            e[i] = energy;
            g.row_mut(i).copy_from_slice(&slope);
        });
    }

    fn grad(&self, x: &Dense<T>, g: &mut Dense<T>, _ws: &mut Scratch) {
        check_pair(x, g, 2);
        self.visit(x, |i, _, slope| g.row_mut(i).copy_from_slice(&slope));
    }
}

impl<T: Real> Distribution for Rings<T> {
    fn sample(&self, n: usize, key: &Key) -> Dense<T> {
        let mut rng = key.purpose(Purpose::Noise).rng();
        let mut x = Dense::zeros(n, 2);
        for row in x.values_mut().chunks_exact_mut(2) {
            let r = self.radii[rng.below(self.radii.len())] + self.sd * rng.normal();
            let angle = std::f64::consts::TAU * rng.uniform();
            (row[0], row[1]) = (T::narrow(r * angle.cos()), T::narrow(r * angle.sin()));
        }
        x
    }
}
