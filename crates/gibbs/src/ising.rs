//! The two-dimensional Ising model, measured and held against its exact solution.

use gibbs_core::key::{Key, Purpose};
use gibbs_spin::lattice::{
    CRITICAL_COUPLING, Estimate, ExactTorus, Grid, LatticeError, Observables, Rule, Series, SwendsenWang, Torus, Wolff,
};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::Progress;

/// How spins are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Heat bath on whole words of sites; sides that are multiples of 128
    #[default]
    HeatBath,
    /// Metropolis on whole words of sites; sides that are multiples of 128
    Metropolis,
    /// Wolff's single clusters; best near the critical temperature
    Wolff,
    /// Swendsen and Wang's clusters, all at once
    SwendsenWang,
}

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct IsingOptions {
    /// Sites of a side, even.
    pub size: usize,
    /// Coupling over temperature, `K = beta J`.
    pub beta: f64,
    /// How spins are moved.
    pub sampler: Sampler,
    /// Measurements.
    pub n_measurements: u64,
    /// Sweeps (clusters, for Wolff) between two measurements.
    pub n_between: u64,
    /// Sweeps (clusters) thrown away before the first.
    pub burn_in: u64,
    /// Seed.
    pub seed: u64,
}

/// A value with its error and, where it is known, the exact one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The measured value.
    pub value: f64,
    /// Its standard error.
    pub std_err: f64,
    /// The exact value on this lattice.
    pub exact: Option<f64>,
}

/// What was measured, per site.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IsingReport {
    /// Sites of a side.
    pub size: usize,
    /// Coupling.
    pub beta: f64,
    /// Coupling at which the infinite lattice orders.
    pub critical_beta: f64,
    /// How spins were moved.
    pub sampler: Sampler,
    /// Measurements.
    pub n_measurements: u64,
    /// `-<sum s s> / N`.
    pub energy: Measured,
    /// `beta^2 Var(sum s s) / N`.
    pub specific_heat: Measured,
    /// `<|m|>`; exact is Onsager and Yang's value for the infinite lattice where it is ordered, and left out elsewhere.
    pub magnetisation: Measured,
    /// `beta N (<m^2> - <|m|>^2)`.
    pub susceptibility: Measured,
    /// `1 - <m^4> / (3 <m^2>^2)`.
    pub binder: Measured,
    /// Exact `ln Z`, nats.
    pub log_z: f64,
    /// Autocorrelation time of the energy, in measurements.
    pub energy_time: f64,
    /// Autocorrelation time of `|m|`, in measurements.
    pub magnetisation_time: f64,
    /// Spins visited in a nanosecond, where sweeps visit all of them.
    pub updates_per_nanosecond: Option<f64>,
    /// What a reader must know before believing the errors.
    pub warnings: Vec<String>,
}

/// Simulates and measures. Starts from all spins down above the critical coupling, where a random start would freeze in
/// stripes, and from random spins below it.
///
/// # Errors
/// A size or coupling that cannot be simulated, too few measurements for error bars, or an interruption.
pub fn ising(options: &IsingOptions, progress: &dyn Progress) -> Result<IsingReport, Error> {
    let exact = ExactTorus::new(options.size, options.beta).map_err(usage)?;
    let begin = std::time::Instant::now();
    let series = measure(options, progress)?;
    let seconds = begin.elapsed().as_secs_f64();
    let found = series.observables(options.beta).map_err(usage)?;
    let sweeps = options.burn_in + options.n_measurements * options.n_between;
    let visited = sweeps as f64 * (options.size * options.size) as f64;
    Ok(report(options, &exact, found, (options.sampler != Sampler::Wolff).then_some(visited / seconds / 1e9)))
}

fn report(options: &IsingOptions, exact: &ExactTorus, found: Observables, rate: Option<f64>) -> IsingReport {
    let measured = |e: Estimate, exact: Option<f64>| Measured { value: e.value, std_err: e.std_err, exact };
    let ordered = options.beta > CRITICAL_COUPLING;
    let spontaneous = ordered.then(|| (1.0 - (2.0 * options.beta).sinh().powi(-4)).powf(0.125));
    IsingReport {
        size: options.size,
        beta: options.beta,
        critical_beta: CRITICAL_COUPLING,
        sampler: options.sampler,
        n_measurements: options.n_measurements,
        energy: measured(found.energy, Some(exact.energy)),
        specific_heat: measured(found.specific_heat, Some(exact.specific_heat)),
        magnetisation: measured(found.magnetisation, spontaneous),
        susceptibility: measured(found.susceptibility, None),
        binder: measured(found.binder, None),
        log_z: exact.log_z,
        energy_time: found.energy_time,
        magnetisation_time: found.magnetisation_time,
        updates_per_nanosecond: rate,
        warnings: found.warnings,
    }
}

fn measure(options: &IsingOptions, progress: &dyn Progress) -> Result<Series, Error> {
    let IsingOptions { size, beta, .. } = *options;
    let key = Key::from_seed(options.seed);
    let (start, moves) = (key.purpose(Purpose::Init), key.purpose(Purpose::Noise));
    let ordered = beta > CRITICAL_COUPLING;
    let grid = || if ordered { Grid::ordered(size) } else { Grid::random(size, &start) };
    match options.sampler {
        Sampler::HeatBath | Sampler::Metropolis => {
            let rule = if options.sampler == Sampler::HeatBath { Rule::HeatBath } else { Rule::Metropolis };
            let torus = if ordered { Torus::ordered(size) } else { Torus::random(size, &start) };
            let mut torus = torus.map_err(|e| match e {
                LatticeError::Side { .. } => Error::Usage(format!(
                    "--size {size} is not a multiple of 128, as sweeps of whole words need; use --sampler wolff or swendsen-wang"
                )),
                other => usage(other),
            })?;
            record(options, progress, |n, t| {
                torus.sweep(rule, beta, n, &moves.step(t)).map_err(usage)?;
                Ok((torus.bonds(), torus.magnetisation()))
            })
        }
        Sampler::Wolff => {
            let (mut grid, mut wolff) = (grid().map_err(usage)?, Wolff::new(beta).map_err(usage)?);
            record(options, progress, |n, t| {
                wolff.step(&mut grid, n, &moves.step(t));
                Ok((grid.bonds(), grid.magnetisation()))
            })
        }
        Sampler::SwendsenWang => {
            let (mut grid, mut all) = (grid().map_err(usage)?, SwendsenWang::new(beta).map_err(usage)?);
            record(options, progress, |n, t| {
                all.step(&mut grid, n, &moves.step(t));
                Ok((grid.bonds(), grid.magnetisation()))
            })
        }
    }
}

/// Burns in, then measures; `advance(n, t)` makes `n` moves with key `t` and returns both sums.
fn record(
    options: &IsingOptions,
    progress: &dyn Progress,
    mut advance: impl FnMut(u64, u64) -> Result<(i64, i64), Error>,
) -> Result<Series, Error> {
    let mut series = Series::new(options.size * options.size);
    progress.begin("sampling", options.n_measurements);
    advance(options.burn_in, 0)?;
    for t in 1..=options.n_measurements {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let (bonds, magnetisation) = advance(options.n_between, t)?;
        series.push(bonds, magnetisation);
        progress.advance(t);
    }
    progress.end();
    Ok(series)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn usage(error: LatticeError) -> Error {
    Error::Usage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn options(size: usize, sampler: Sampler) -> IsingOptions {
        IsingOptions { size, beta: 0.4, sampler, n_measurements: 640, n_between: 4, burn_in: 400, seed: 1 }
    }

    /// Student's t with 31 degrees of freedom exceeds 5.3 with probability 1e-5.
    #[test]
    fn every_sampler_meets_the_exact_energy() {
        for (size, sampler) in
            [(128, Sampler::HeatBath), (128, Sampler::Metropolis), (24, Sampler::Wolff), (24, Sampler::SwendsenWang)]
        {
            let found = ising(&options(size, sampler), &Silent).unwrap();
            let (energy, exact) = (found.energy, found.energy.exact.unwrap());
            assert!((energy.value - exact).abs() < 5.3 * energy.std_err, "{sampler:?} {energy:?}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let message = ising(&options(100, Sampler::HeatBath), &Silent).unwrap_err().to_string();
        assert!(message.contains("128") && message.contains("wolff"), "{message}");
        assert!(ising(&IsingOptions { beta: -1.0, ..options(128, Sampler::HeatBath) }, &Silent).is_err());
        assert!(ising(&IsingOptions { n_measurements: 5, ..options(24, Sampler::Wolff) }, &Silent).is_err());
    }
}
