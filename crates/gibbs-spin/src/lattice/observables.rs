//! What is measured of a lattice, with error bars.

use gibbs_core::diagnostics::autocorrelation::integrated_time;
use gibbs_core::diagnostics::{Draws, DrawsError};

use super::{LatticeError, checked_coupling};

/// Batches of the jackknife.
const BATCHES: usize = 32;
/// Measurements of a batch, at least.
const LEAST: usize = 4;

/// A measured value with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub std_err: f64,
}

/// Measurements of one lattice in the order they were made.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::lattice::{Rule, Series, Torus};
/// let mut torus = Torus::random(128, &Key::from_seed(1))?;
/// let mut series = Series::new(torus.n_sites());
/// for t in 0..400 {
///     torus.sweep(Rule::HeatBath, 0.3, 1, &Key::from_seed(2).step(t))?;
///     if t >= 100 {
///         series.push(torus.bonds(), torus.magnetisation());
///     }
/// }
/// let measured = series.observables(0.3)?;
/// assert!((measured.energy.value + 0.7046).abs() < 5.0 * measured.energy.std_err);
/// # Ok::<(), gibbs_spin::lattice::LatticeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Series {
    n_sites: usize,
    bonds: Vec<f64>,
    magnetisation: Vec<f64>,
}

/// Averages over a [`Series`], each per site, with jackknife errors over 32 batches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observables {
    /// `-<sum s s> / N`: energy in units of the coupling.
    pub energy: Estimate,
    /// `K^2 Var(sum s s) / N`.
    pub specific_heat: Estimate,
    /// `<|m|>`, `m = sum_i s_i / N`.
    pub magnetisation: Estimate,
    /// `K N (<m^2> - <|m|>^2)`: the susceptibility of a finite lattice below and near the transition.
    pub susceptibility: Estimate,
    /// `K N <m^2>`: the susceptibility above the transition, where `<m> = 0`.
    pub susceptibility_disordered: Estimate,
    /// `1 - <m^4> / (3 <m^2>^2)`: 0 for independent spins, 2/3 for an ordered lattice; 0.61069 at the transition of a large
    /// torus.
    pub binder: Estimate,
    /// Autocorrelation time of the energy, `1 + 2 sum rho`, in measurements.
    pub energy_time: f64,
    /// Autocorrelation time of `|m|`, in measurements.
    pub magnetisation_time: f64,
    /// What a reader must know before believing the errors.
    pub warnings: Vec<String>,
}

impl Series {
    /// No measurements of a lattice of `n_sites` sites.
    pub fn new(n_sites: usize) -> Self {
        Self { n_sites, bonds: Vec::new(), magnetisation: Vec::new() }
    }

    /// Adds `sum_<ij> s_i s_j` and `sum_i s_i`.
    pub fn push(&mut self, bonds: i64, magnetisation: i64) {
        self.bonds.push(bonds as f64);
        self.magnetisation.push(magnetisation as f64 / self.n_sites as f64);
    }

    /// Number of measurements.
    pub fn len(&self) -> usize {
        self.bonds.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bonds.is_empty()
    }

    /// All observables at coupling `coupling`.
    ///
    /// Errors are those of the delete-one-batch jackknife, right as long as a batch is much longer than the autocorrelation
    /// time; where it is not ten times as long, a warning says so.
    ///
    /// # Errors
    /// If there are fewer than 128 measurements, or the coupling is negative or not finite.
    ///
    /// # Source
    /// Binder 1981, DOI 10.1007/BF01293604; jackknife: Efron & Stein 1981, DOI 10.1214/aos/1176345462.
    pub fn observables(&self, coupling: f64) -> Result<Observables, LatticeError> {
        let (k, n) = (checked_coupling(coupling)?, self.n_sites as f64);
        let length = self.len() / BATCHES;
        if length < LEAST {
            return Err(LatticeError::TooFew { found: self.len(), least: LEAST * BATCHES });
        }
        // The first measurements, which do not fill a batch, are left out.
        let first = self.len() - length * BATCHES;
        let (bonds, m) = (&self.bonds[first..], &self.magnetisation[first..]);
        // Centred, so that the variance of the energy is not the difference of two large numbers.
        let centre = bonds.iter().sum::<f64>() / bonds.len() as f64;
        let moments: Vec<[f64; 5]> = bonds
            .chunks_exact(length)
            .zip(m.chunks_exact(length))
            .map(|(bonds, m)| {
                let mean = |f: &dyn Fn(f64, f64) -> f64| {
                    bonds.iter().zip(m).map(|(b, m)| f(b - centre, *m)).sum::<f64>() / length as f64
                };
                [
                    mean(&|b, _| b),
                    mean(&|b, _| b * b),
                    mean(&|_, m| m.abs()),
                    mean(&|_, m| m * m),
                    mean(&|_, m| m.powi(4)),
                ]
            })
            .collect();
        let of = |f: &dyn Fn([f64; 5]) -> f64| jackknife(&moments, f);
        let (energy_time, magnetisation_time) = (time(bonds), time(&m.iter().map(|m| m.abs()).collect::<Vec<_>>()));
        let slowest = energy_time.max(magnetisation_time);
        let mut warnings = Vec::new();
        if slowest.is_nan() {
            warnings
                .push("a quantity never changed: the errors say nothing of how far it is from its average".to_owned());
        } else if length as f64 <= 10.0 * slowest {
            warnings.push(format!(
                "a batch of {length} measurements is short beside the autocorrelation time of {slowest:.0}: the errors are too \
                 small; measure {:.0} times or more, or use a cluster sampler",
                10.0 * slowest * BATCHES as f64
            ));
        }
        Ok(Observables {
            energy: of(&|[b, ..]| -(b + centre) / n),
            specific_heat: of(&|[b, b2, ..]| k * k * (b2 - b * b) / n),
            magnetisation: of(&|[_, _, m, ..]| m),
            susceptibility: of(&|[_, _, m, m2, _]| k * n * (m2 - m * m)),
            susceptibility_disordered: of(&|[.., m2, _]| k * n * m2),
            binder: of(&|[.., m2, m4]| 1.0 - m4 / (3.0 * m2 * m2)),
            energy_time,
            magnetisation_time,
            warnings,
        })
    }
}

/// `f` of the mean moments, less the bias that leaving batches out shows, with the spread it shows.
fn jackknife(batches: &[[f64; 5]], f: &dyn Fn([f64; 5]) -> f64) -> Estimate {
    let n = batches.len() as f64;
    let total: [f64; 5] = std::array::from_fn(|k| batches.iter().map(|b| b[k]).sum());
    let whole = f(total.map(|t| t / n));
    let without: Vec<f64> = batches.iter().map(|b| f(std::array::from_fn(|k| (total[k] - b[k]) / (n - 1.0)))).collect();
    let mean = without.iter().sum::<f64>() / n;
    let spread = without.iter().map(|w| (w - mean).powi(2)).sum::<f64>();
    Estimate { value: n * whole - (n - 1.0) * mean, std_err: ((n - 1.0) / n * spread).sqrt() }
}

/// Autocorrelation time of a series; NaN if it never changes.
fn time(series: &[f64]) -> f64 {
    let draws: Result<Draws, DrawsError> = Draws::new(series, 1);
    draws.map_or(f64::NAN, |d| integrated_time(&d))
}
