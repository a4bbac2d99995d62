//! The Laplace approximation: a Gaussian at every minimum.

use std::f64::consts::TAU;

use super::LogZ;
use crate::dense::Dense;
use crate::energy::Gradient;
use crate::optimisers::lbfgs::{Stop, minimise};
use crate::rows::{Continuous, Rows};
use crate::scratch::Scratch;

/// Length of the central differences of the gradient over the scale of a coordinate: the cube root of double precision.
const DIFFERENCE: f64 = 6e-6;
/// Minima closer than this, relative to their size, are one.
const SAME: f64 = 1e-3;

/// Why there is no Laplace approximation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LaplaceError {
    /// No start led to a minimum with a positive definite Hessian.
    #[error(
        "none of {starts} starts led to a minimum of positive curvature in every direction: start at data or at the ends of \
         chains, or confine the energy"
    )]
    NoMinimum {
        /// Starts tried.
        starts: usize,
    },
    /// A temperature that is not positive.
    #[error("the temperature is {0}: give a positive, finite number")]
    Temperature(f64),
}

/// A minimum with its Gaussian.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// Where it is.
    pub at: Vec<f64>,
    /// `b`, the energy there, nats.
    pub energy: f64,
    /// Its Hessian `H`, row after row.
    pub hessian: Vec<f64>,
    /// `log det H`.
    pub log_det: f64,
}

impl Mode {
    /// `log` of the mass at a temperature, `-b / T + (d / 2) log(2 pi T) - log det H / 2`, nats.
    pub fn log_mass(&self, temperature: f64) -> f64 {
        let d = self.at.len() as f64;
        -self.energy / temperature + 0.5 * d * (TAU * temperature).ln() - 0.5 * self.log_det
    }
}

/// `Z_T = integral exp(-E / T)` as the sum of a Gaussian at every minimum found from given starts:
///
/// `Z_T ~ sum_i exp(-b_i / T) (2 pi T)^(d/2) det(H_i)^(-1/2)`.
///
/// So the covariance of well `i` is `T H_i^-1` and its mass is `prop exp(-b_i / T) det(H_i)^(-1/2)`: lowering the temperature
/// shifts mass between wells, by their depths against their widths, and does not merely narrow them.
///
/// Exact for quadratic energies. Otherwise its error is of order `T` and **has no sign and no estimate**: minima that no start
/// led to are missed, wells that overlap are counted twice. Good for a base and for a first look; for a value with bounds use
/// [`Bracket`](super::Bracket).
///
/// Minima by L-BFGS, Hessians by central differences of gradients (`2 d` of them a minimum), determinants by Cholesky.
///
/// # Source
/// `MacKay` 2003, *Information Theory, Inference, and Learning Algorithms*, chapter 27; Tierney & Kadane 1986,
/// DOI 10.1080/01621459.1986.10478240.
#[derive(Clone, Debug, PartialEq)]
pub struct Laplace {
    /// The minima, the lowest first.
    pub modes: Vec<Mode>,
}

impl Laplace {
    /// From the minima that the rows of `starts` lead to.
    ///
    /// # Errors
    /// [`LaplaceError::NoMinimum`] if there are none.
    ///
    /// # Example
    /// ```
    /// use gibbs_core::{dense::Dense, energy::{Energy, Gradient}, log_partition::Laplace, rows::Continuous, scratch::Scratch};
    /// struct Parabola;
    /// impl Energy for Parabola {
    ///     type X = Dense<f64>;
    ///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
    ///         out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = 2.0 * x * x);
    ///     }
    /// }
    /// impl Gradient for Parabola {
    ///     fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
    ///         self.energy(x, e, ws);
    ///         g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = 4.0 * x);
    ///     }
    /// }
    /// let found = Laplace::from_starts(&Parabola, &Dense::from_rows(1, vec![3.0]))?;
    /// // A normal of variance T / 4.
    /// let exact = 0.5 * (std::f64::consts::TAU * 0.5 / 4.0).ln();
    /// assert!((found.log_z(0.5)?.value - exact).abs() < 1e-8);
    /// # Ok::<(), gibbs_core::log_partition::laplace::LaplaceError>(())
    /// ```
    pub fn from_starts<E: Gradient<X = Dense<f64>> + ?Sized>(
        energy: &E,
        starts: &Dense<f64>,
    ) -> Result<Self, LaplaceError> {
        let mut modes: Vec<Mode> = Vec::new();
        for i in 0..starts.n_rows() {
            let Some(mode) = descend(energy, starts.row(i)) else { continue };
            if !modes.iter().any(|m| close(&m.at, &mode.at)) {
                modes.push(mode);
            }
        }
        if modes.is_empty() {
            return Err(LaplaceError::NoMinimum { starts: starts.n_rows() });
        }
        modes.sort_by(|a, b| a.energy.total_cmp(&b.energy));
        Ok(Self { modes })
    }

    /// Share of the mass in each well at a temperature.
    ///
    /// # Errors
    /// [`LaplaceError::Temperature`] unless it is positive and finite.
    pub fn shares(&self, temperature: f64) -> Result<Vec<f64>, LaplaceError> {
        let log_z = self.log_z(temperature)?.value;
        Ok(self.modes.iter().map(|m| (m.log_mass(temperature) - log_z).exp()).collect())
    }

    /// `log Z_T`, nats. Its bias is unknown, and it has no standard error.
    ///
    /// # Errors
    /// As [`Laplace::shares`].
    pub fn log_z(&self, temperature: f64) -> Result<LogZ, LaplaceError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(LaplaceError::Temperature(temperature));
        }
        let masses: Vec<f64> = self.modes.iter().map(|m| m.log_mass(temperature)).collect();
        let most = masses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let value = most + masses.iter().map(|m| (m - most).exp()).sum::<f64>().ln();
        let mut z = LogZ::exact(value, format!("Laplace approximation at {} minima", masses.len()));
        z.bias = super::Bias::Unknown;
        z.warnings.push("a Laplace approximation has no bound on its error: enclose log Z from both sides".into());
        Ok(z)
    }
}

fn one_row<E: Gradient<X = Dense<f64>> + ?Sized>(energy: &E, x: &[f64], g: &mut [f64], ws: &mut Scratch) -> f64 {
    let (x, mut grad, mut e) = (Dense::from_rows(x.len(), x.to_vec()), Dense::zeros(1, x.len()), [0.0]);
    energy.energy_grad(&x, &mut e, &mut grad, ws);
    g.copy_from_slice(grad.values());
    e[0]
}

fn descend<E: Gradient<X = Dense<f64>> + ?Sized>(energy: &E, start: &[f64]) -> Option<Mode> {
    let (d, mut ws) = (start.len(), Scratch::default());
    let found = minimise(|x, g| one_row(energy, x, g, &mut ws), start, &Stop::default());
    let at = found.at;
    let (mut hessian, mut up, mut down) = (vec![0.0; d * d], vec![0.0; d], vec![0.0; d]);
    for i in 0..d {
        let step = DIFFERENCE * (1.0 + at[i].abs());
        let mut moved = at.clone();
        moved[i] = at[i] + step;
        one_row(energy, &moved, &mut up, &mut ws);
        moved[i] = at[i] - step;
        one_row(energy, &moved, &mut down, &mut ws);
        // Half to the row and half to the column, so that rounding leaves it symmetric.
        for j in 0..d {
            let h = (up[j] - down[j]) / (4.0 * step);
            hessian[i * d + j] += h;
            hessian[j * d + i] += h;
        }
    }
    let log_det = log_det(&hessian, d)?;
    Some(Mode { at, energy: found.value, hessian, log_det })
}

fn close(a: &[f64], b: &[f64]) -> bool {
    let distance: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    distance.sqrt() < SAME * (1.0 + a.iter().map(|x| x * x).sum::<f64>().sqrt())
}

/// By Cholesky; `None` unless positive definite.
fn log_det(a: &[f64], d: usize) -> Option<f64> {
    let (mut l, mut sum) = (vec![0.0; d * d], 0.0);
    for i in 0..d {
        for j in 0..=i {
            let rest: f64 = a[i * d + j] - (0..j).map(|k| l[i * d + k] * l[j * d + k]).sum::<f64>();
            if i > j {
                l[i * d + j] = rest / l[j * d + j];
            } else if rest > 0.0 && rest.is_finite() {
                l[i * d + i] = rest.sqrt();
                sum += rest.ln();
            } else {
                return None;
            }
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;

    /// `-log sum_i w_i N(x; c_i, s_i^2 I)` without the constants of the normals: wells of depth `log w_i`.
    struct Wells;

    const WELLS: [(f64, f64, f64); 2] = [(-6.0, 0.5, 1.0), (6.0, 1.5, 0.4)];

    impl Energy for Wells {
        type X = Dense<f64>;

        fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
            for (o, x) in out.iter_mut().zip(x.values().chunks_exact(2)) {
                *o = -terms(x).iter().map(|t| t.exp()).sum::<f64>().ln();
            }
        }
    }

    fn terms(x: &[f64]) -> [f64; 2] {
        WELLS.map(|(c, s, w)| w.ln() - ((x[0] - c).powi(2) + x[1] * x[1]) / (2.0 * s * s))
    }

    impl Gradient for Wells {
        fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
            self.energy(x, e, ws);
            for (g, x) in g.values_mut().chunks_exact_mut(2).zip(x.values().chunks_exact(2)) {
                let t = terms(x).map(f64::exp);
                let total: f64 = t.iter().sum();
                g.fill(0.0);
                for ((c, s, _), p) in WELLS.iter().zip(t) {
                    g[0] += p / total * (x[0] - c) / (s * s);
                    g[1] += p / total * x[1] / (s * s);
                }
            }
        }
    }

    /// Far apart, the wells are Gaussians to rounding: masses `w^(1/T) 2 pi T s^2`, covariances `T s^2`. Differences of the
    /// gradient carry some 1e-9.
    #[test]
    fn two_wells_at_three_temperatures() {
        let starts = Dense::from_rows(2, vec![-5.8, 0.1, 6.5, -0.5, -6.1, 0.2]);
        let found = Laplace::from_starts(&Wells, &starts).unwrap();
        assert_eq!(found.modes.len(), 2);
        for (mode, (c, s, w)) in found.modes.iter().zip(WELLS) {
            assert!((mode.at[0] - c).abs() < 1e-5 && (mode.energy + w.ln()).abs() < 1e-9, "{mode:?}");
            assert!((mode.hessian[0] * s * s - 1.0).abs() < 1e-6 && mode.hessian[1].abs() < 1e-6, "{mode:?}");
        }
        for t in [0.5, 1.0, 2.0] {
            let mass = WELLS.map(|(_, s, w): (f64, f64, f64)| w.powf(1.0 / t) * TAU * t * s * s);
            let total: f64 = mass.iter().sum();
            assert!((found.log_z(t).unwrap().value - total.ln()).abs() < 1e-6);
            let shares = found.shares(t).unwrap();
            assert!((shares[0] - mass[0] / total).abs() < 1e-6, "{shares:?} at {t}");
        }
        // The narrow well is the deeper one: cold, it gains; a temperature does not only scale.
        assert!(found.shares(0.2).unwrap()[0] > 2.0 * found.shares(2.0).unwrap()[0]);
        assert!(found.log_z(0.0).is_err() && found.log_z(f64::NAN).is_err());
    }

    /// A saddle is no minimum, and no start at all leads anywhere.
    #[test]
    fn no_minimum_is_told() {
        struct Slope;
        impl Energy for Slope {
            type X = Dense<f64>;
            fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
                out.iter_mut().zip(x.values()).for_each(|(o, x)| *o = -x * x);
            }
        }
        impl Gradient for Slope {
            fn energy_grad(&self, x: &Dense<f64>, e: &mut [f64], g: &mut Dense<f64>, ws: &mut Scratch) {
                self.energy(x, e, ws);
                g.values_mut().iter_mut().zip(x.values()).for_each(|(g, x)| *g = -2.0 * x);
            }
        }
        let found = Laplace::from_starts(&Slope, &Dense::from_rows(1, vec![0.0]));
        assert_eq!(found.unwrap_err(), LaplaceError::NoMinimum { starts: 1 });
    }
}
