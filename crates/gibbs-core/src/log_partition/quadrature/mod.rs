//! `log Z` in one to three dimensions by adaptive quadrature.

mod cells;
mod sampler;

use statrs::function::erf::erfc;

use self::cells::{Cell, POINTS, Work, halves, total};
pub use self::sampler::GridSampler;
use super::LogZ;
use super::exact::{Summable, Watch, Way};
use crate::dense::Dense;
use crate::energy::Energy;
use crate::real::Real;

/// Equal parts of an axis to begin with, in one, two and three dimensions.
const PARTS: [usize; 3] = [64, 16, 4];
/// Points of a face of the box along an axis.
const FACE: [usize; 3] = [1, 512, 48];
/// Points evaluated in one round: enough for every core, few enough to choose the next boxes well.
const ROUND: usize = 1 << 18;

/// Why `log Z` cannot be had by quadrature.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuadratureError {
    /// More dimensions than a grid can fill.
    #[error("quadrature works in 1 to 3 dimensions, not {0}: use AIS")]
    Dimensions(usize),
    /// An interval that is empty or endless.
    #[error("axis {axis} runs from {lower} to {upper}: give two finite numbers, the smaller first")]
    Box {
        /// The axis, from 0.
        axis: usize,
        /// Its lower end.
        lower: f64,
        /// Its upper end.
        upper: f64,
    },
    /// A setting without meaning.
    #[error("the {name} is {value}: give a positive number")]
    Setting {
        /// What was set.
        name: &'static str,
        /// To what.
        value: f64,
    },
    /// An energy that is no number, or infinite.
    #[error("the energy at {at:?} is {value}: an energy must be finite in the whole box")]
    Energy {
        /// The energy.
        value: f64,
        /// Where.
        at: Vec<f64>,
    },
    /// The evaluations allowed were not enough.
    #[error(
        "after {evaluations} evaluations log Z is known to {error:.1e} nats only, not to {tolerance:.1e}: allow more \
         evaluations or a larger tolerance (single precision carries about 1e-5)"
    )]
    NotConverged {
        /// Evaluations made.
        evaluations: usize,
        /// Error reached, in nats; infinite where not even the first boxes were allowed.
        error: f64,
        /// Error wanted, in nats.
        tolerance: f64,
    },
    /// The density has not decayed at the border.
    #[error(
        "the density on the border of the box reaches {border:.1e} of its peak, and what lies outside may add {outside:.1e} \
         nats to log Z (limit {limit:.1e}): the energy may be improper. Widen the box, or confine the energy by \
         |x|^2 / (2 s^2)"
    )]
    Improper {
        /// Largest density on the border over the largest inside.
        border: f64,
        /// What may be missing, in nats.
        outside: f64,
        /// What is allowed.
        limit: f64,
    },
}

/// Adaptive quadrature of `Z = integral exp(-E(x)) dx` over a box in one to three dimensions.
///
/// The box is cut into equal boxes (64, 16 x 16, 4 x 4 x 4), each integrated by the product of 15-point Kronrod rules, and
/// those with the largest errors are halved until the sum of all errors is below `tolerance * Z`. The error of a box is four
/// times the sum over the axes of the difference that the embedded 7-point Gauss rule along the axis makes; for smooth
/// energies the Kronrod value is better than that by orders of magnitude. The four is for kinks, as of rectifiers, where the
/// two rules happen to agree in places: along a kink parallel to an axis the plain difference was found to be 1.6 times
/// too small. It is an estimate all the same: structure that falls between the first nodes, which are up to a 154th of the
/// side apart in two dimensions, is not seen.
///
/// Sums are taken relative to the smallest energy of each box, so that energies of any size are safe. Points are evaluated
/// in blocks of 128 rows over the cores; the number of threads does not change a bit.
///
/// **What lies outside** is judged from energies on the border. By default it is estimated as the mean density on the
/// border times the volume of the box, which is what is missing if the density falls off like `1 / x^2`; more for slower
/// decay, less for faster. For an energy `f(x) + |x|^2 / (2 s^2)` say so by [`Quadrature::with_quadratic_tail`]: then it is a
/// bound, `exp(-min f) (2 pi s^2)^(d/2) P(outside)` with `P` of `N(0, s^2 I)` and `min f` taken on the border, provided `f`
/// is not lower outside. Either above the limit (0.02 nats) is [`QuadratureError::Improper`].
///
/// # Source
/// Rule: Kronrod 1965; Piessens, de Doncker-Kapenga, Überhuber & Kahaner, QUADPACK, 1983, DOI 10.1007/978-3-642-61786-7
/// (`qk15`). Subdivision: van Dooren & de Ridder 1976, DOI 10.1016/0771-050X(76)90005-X.
///
/// # Example
/// ```
/// use gibbs_core::{dense::Dense, energy::Energy, log_partition::Quadrature, rows::Continuous, scratch::Scratch};
/// struct Normal;
/// impl Energy for Normal {
///     type X = Dense<f64>;
///     fn energy(&self, x: &Dense<f64>, out: &mut [f64], _: &mut Scratch) {
///         for (o, x) in out.iter_mut().zip(x.values().chunks_exact(2)) {
///             *o = 0.5 * (x[0] * x[0] + x[1] * x[1]);
///         }
///     }
/// }
/// let found = Quadrature::default().estimate(&Normal, &[-9.0; 2], &[9.0; 2]).unwrap();
/// assert!((found.value - std::f64::consts::TAU.ln()).abs() < 1e-8);
/// assert!(found.log_z().method.starts_with("quadrature on [-9, 9] x [-9, 9]"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quadrature {
    tolerance: f64,
    max_evaluations: usize,
    quadratic_tail: Option<f64>,
    max_outside: f64,
}

impl Default for Quadrature {
    /// An error of at most 1e-5 nats with at most eight million evaluations.
    fn default() -> Self {
        Self { tolerance: 1e-5, max_evaluations: 1 << 23, quadratic_tail: None, max_outside: 0.02 }
    }
}

/// `log Z` over a box, with what is known of its error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QuadratureLogZ {
    /// `log Z` in nats.
    pub value: f64,
    /// Error of the quadrature inside the box, in nats.
    pub error_bound: f64,
    /// Largest density on the border over the largest inside.
    pub border: f64,
    /// What may lie outside: nats that it would add to `value`. See [`Quadrature`] for what is assumed.
    pub outside: f64,
    /// Number of energies evaluated, the border's included.
    pub n_evaluations: usize,
    /// The point of lowest energy among those evaluated.
    pub mode: Vec<f64>,
    /// The box.
    pub lower: Vec<f64>,
    /// The box.
    pub upper: Vec<f64>,
}

impl QuadratureLogZ {
    /// As other estimators give it: exact, with the bounds in the text of the method.
    pub fn log_z(&self) -> LogZ {
        let sides: Vec<String> = self.lower.iter().zip(&self.upper).map(|(l, u)| format!("[{l}, {u}]")).collect();
        let method = format!(
            "quadrature on {}, {} evaluations, error at most {:.1e} nats, outside at most {:.1e} nats (border {:.1e} of the \
             peak)",
            sides.join(" x "),
            self.n_evaluations,
            self.error_bound,
            self.outside,
            self.border
        );
        LogZ::exact(self.value, method)
    }
}

/// An energy in a box with the rule to integrate it by: what [`exact`](super::exact()) takes of a continuous model.
#[derive(Clone, Copy, Debug)]
pub struct InBox<'a, E: ?Sized> {
    /// The energy.
    pub energy: &'a E,
    /// The rule.
    pub rule: Quadrature,
    /// Lower corner of the box.
    pub lower: &'a [f64],
    /// Upper corner.
    pub upper: &'a [f64],
}

/// Cubature in one to three dimensions, at most at the price of all evaluations that the rule allows.
impl<T: Real, E: Energy<X = Dense<T>> + ?Sized> Summable for InBox<'_, E> {
    fn ways(&self) -> Vec<Way<'_>> {
        let d = self.lower.len();
        let run = move |_: &Watch<'_>| Ok(self.rule.estimate(self.energy, self.lower, self.upper)?.value);
        let way = Way::new(format!("adaptive cubature in {d} dimensions"), self.rule.max_evaluations as f64, run);
        if (1..=PARTS.len()).contains(&d) { vec![way] } else { Vec::new() }
    }
}

impl Quadrature {
    /// Errors of at most `tolerance` nats, with at most `max_evaluations` energies.
    pub fn new(tolerance: f64, max_evaluations: usize) -> Result<Self, QuadratureError> {
        let tolerance = positive("tolerance", tolerance)?;
        Ok(Self { tolerance, max_evaluations, ..Self::default() })
    }

    /// For energies `f(x) + |x|^2 / (2 sd^2)`: bounds what lies outside by the Gaussian's tail.
    pub fn with_quadratic_tail(self, sd: f64) -> Result<Self, QuadratureError> {
        Ok(Self { quadratic_tail: Some(positive("standard deviation of the tail", sd)?), ..self })
    }

    /// How much may lie outside, in nats, before the energy is refused.
    pub fn with_max_outside(self, nats: f64) -> Result<Self, QuadratureError> {
        Ok(Self { max_outside: positive("limit of what lies outside", nats)?, ..self })
    }

    /// `log` of the integral of `exp(-E)` over the box.
    ///
    /// # Errors
    /// [`QuadratureError`]: other than 1 to 3 dimensions, an empty box, an energy that is not finite, too few evaluations,
    /// a density that has not decayed at the border.
    ///
    /// # Panics
    /// If the energy is of another number of dimensions and says so by a panic.
    pub fn estimate<T: Real, E: Energy<X = Dense<T>> + ?Sized>(
        &self,
        energy: &E,
        lower: &[f64],
        upper: &[f64],
    ) -> Result<QuadratureLogZ, QuadratureError> {
        let d = check_box(lower, upper)?;
        let mut work = Work::new(energy, d);
        let mut cells = work.integrate(self.first_cells(lower, upper)?)?;
        let (log_z, error) = loop {
            let (log_z, error) = total(&cells);
            if error <= self.tolerance {
                break (log_z, error);
            }
            let halves = halves(&mut cells, log_z, 0.5 * self.tolerance, ROUND / work.rule.len());
            if work.n_evaluations + halves.len() * work.rule.len() > self.max_evaluations {
                let (evaluations, tolerance) = (work.n_evaluations, self.tolerance);
                return Err(QuadratureError::NotConverged { evaluations, error, tolerance });
            }
            cells.extend(work.integrate(halves)?);
        };
        let (border, outside) = self.border(&mut work, lower, upper, log_z)?;
        if outside > self.max_outside || outside.is_nan() {
            return Err(QuadratureError::Improper { border, outside, limit: self.max_outside });
        }
        Ok(QuadratureLogZ {
            value: log_z,
            error_bound: error,
            border,
            outside,
            n_evaluations: work.n_evaluations,
            mode: work.mode[..d].to_vec(),
            lower: lower.to_vec(),
            upper: upper.to_vec(),
        })
    }

    fn first_cells(&self, lower: &[f64], upper: &[f64]) -> Result<Vec<Cell>, QuadratureError> {
        let (d, parts) = (lower.len(), PARTS[lower.len() - 1]);
        let n = parts.pow(d as u32);
        if n * POINTS.pow(d as u32) > self.max_evaluations {
            let (error, tolerance) = (f64::INFINITY, self.tolerance);
            return Err(QuadratureError::NotConverged { evaluations: 0, error, tolerance });
        }
        let cell = |i: usize| {
            let mut cell = Cell::default();
            for k in 0..d {
                cell.side[k] = (upper[k] - lower[k]) / parts as f64;
                cell.lower[k] = lower[k] + cell.side[k] * (i / parts.pow(k as u32) % parts) as f64;
            }
            cell
        };
        Ok((0..n).map(cell).collect())
    }

    /// Largest density on the border over the peak, and what may lie outside in nats.
    fn border<T: Real, E: Energy<X = Dense<T>> + ?Sized>(
        &self,
        work: &mut Work<'_, E>,
        lower: &[f64],
        upper: &[f64],
        log_z: f64,
    ) -> Result<(f64, f64), QuadratureError> {
        let (d, m) = (lower.len(), FACE[lower.len() - 1]);
        let face = m.pow(d as u32 - 1);
        let place = |i: usize| {
            let (side, mut rest) = (i / face, i % face);
            let mut x = [0.0; 3];
            for k in 0..d {
                x[k] = if k == side / 2 {
                    if side % 2 == 0 { lower[k] } else { upper[k] }
                } else {
                    let part = (rest % m) as f64 + 0.5;
                    rest /= m;
                    lower[k] + (upper[k] - lower[k]) * part / m as f64
                };
            }
            x
        };
        let peak = work.least;
        let n = 2 * d * face;
        let energies = work.energies(n, place)?;
        let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
        // Means over faces, not weighted by their areas: an order of magnitude is what they are for.
        let mean = energies.iter().map(|e| (least - e).exp()).sum::<f64>() / n as f64;
        let log_share = match self.quadratic_tail {
            None => mean.ln() - least + (0..d).map(|k| (upper[k] - lower[k]).ln()).sum::<f64>(),
            Some(sd) => {
                let confined = |i: usize| place(i).iter().map(|x| x * x).sum::<f64>() / (2.0 * sd * sd);
                let rest = (0..n).map(|i| energies[i] - confined(i)).fold(f64::INFINITY, f64::min);
                let beyond = |x: f64| 0.5 * erfc(x / (sd * std::f64::consts::SQRT_2));
                let outside: f64 = (0..d).map(|k| beyond(upper[k]) + beyond(-lower[k])).sum();
                outside.ln() - rest + 0.5 * d as f64 * (std::f64::consts::TAU * sd * sd).ln()
            }
        };
        Ok(((peak - least).exp(), (log_share - log_z).exp().ln_1p()))
    }
}

fn positive(name: &'static str, value: f64) -> Result<f64, QuadratureError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(QuadratureError::Setting { name, value }) }
}

fn check_box(lower: &[f64], upper: &[f64]) -> Result<usize, QuadratureError> {
    let d = lower.len();
    if !(1..=3).contains(&d) || upper.len() != d {
        return Err(QuadratureError::Dimensions(d.max(upper.len())));
    }
    let bad = |&k: &usize| !((upper[k] - lower[k]).is_finite() && lower[k] < upper[k]);
    match (0..d).find(bad) {
        Some(axis) => Err(QuadratureError::Box { axis, lower: lower[axis], upper: upper[axis] }),
        None => Ok(d),
    }
}
