//! QUBO problems from files, annealed or tempered.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gibbs_core::key::Key;
use gibbs_spin::Bits;
use gibbs_spin::annealing::{Annealing, time_to_solution, wilson_interval};
use gibbs_spin::qubo::{Qubo, TemperingSettings};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::progress::Progress;

/// Up to so many variables the ground state is found by enumeration too.
pub const ENUMERATED_BY_DEFAULT: usize = 24;

/// How low states are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Simulated annealing: independent reads from hot to cold
    #[default]
    Annealing,
    /// Parallel tempering: replicas on a ladder of temperatures that is tuned first
    Tempering,
}

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnealOptions {
    /// How low states are looked for.
    pub method: Method,
    /// Independent reads (ladders, for tempering).
    pub n_reads: usize,
    /// Sweeps of a read (of every level, for tempering).
    pub n_sweeps: u64,
    /// Levels of a ladder.
    pub n_levels: usize,
    /// Hot inverse temperature; automatic where it is left out.
    pub hot: Option<f64>,
    /// Cold inverse temperature; automatic where it is left out.
    pub cold: Option<f64>,
    /// Seed.
    pub seed: u64,
}

/// A probability with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Share of the reads.
    pub value: f64,
    /// Lower end of Wilson's interval.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// The lowest energy there is, by enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Exact {
    /// The lowest energy.
    pub energy: f64,
    /// States that have it.
    pub states: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnnealReport {
    /// Variables.
    pub variables: usize,
    /// Coupled pairs.
    pub couplings: usize,
    /// How low states were looked for.
    pub method: Method,
    /// Reads.
    pub reads: usize,
    /// Sweeps of a read.
    pub sweeps: u64,
    /// Inverse temperatures, from the hot end: two for annealing, all levels for tempering.
    pub betas: Vec<f64>,
    /// The lowest energy found.
    pub energy: f64,
    /// The state that has it, a character a variable.
    pub state: String,
    /// Share of the reads that ended at the lowest known energy: the exact one where it was enumerated, else the lowest
    /// found, which makes it an optimistic estimate.
    pub ground_state_probability: Share,
    /// Whether that energy is known to be the lowest.
    pub ground_state_known: bool,
    /// Time after which repeated reads on one thread have hit it with probability 99 %, seconds; none if no read did.
    pub time_to_solution: Option<f64>,
    /// Time of a read on one thread, seconds.
    pub seconds_per_read: f64,
    /// The lowest energy there is, where it was enumerated.
    pub exact: Option<Exact>,
    /// Round trips of replicas between cold and hot, for tempering.
    pub round_trips: Option<u64>,
    /// Acceptance of the swaps of neighbouring levels, for tempering.
    pub swap_rates: Option<Vec<f64>>,
    /// What speaks against the numbers.
    pub warnings: Vec<String>,
}

/// Reads the problem at `path`, runs, and returns what was found with all final states, energies beside them.
pub fn anneal(
    path: &Path,
    options: &AnnealOptions,
    progress: &dyn Progress,
) -> Result<(AnnealReport, Bits, Vec<f64>), Error> {
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    let qubo = Qubo::parse(&bytes).map_err(|e| Error::Run { path: path.into(), reason: e.to_string() })?;
    if options.n_reads == 0 || options.n_sweeps == 0 {
        return Err(Error::Usage("--reads and --sweeps are 1 or more".into()));
    }
    let fallback = qubo.beta_range().unwrap_or((0.1, 1.0));
    let range = (options.hot.unwrap_or(fallback.0), options.cold.unwrap_or(fallback.1));
    if !(range.0 > 0.0 && range.0 < range.1 && range.1.is_finite()) {
        return Err(Error::Usage(format!(
            "inverse temperatures rise from --hot to --cold, above 0; found {} and {} (automatic would be {:.4} and {:.4})",
            range.0, range.1, fallback.0, fallback.1
        )));
    }
    let key = Key::from_seed(options.seed);
    progress.begin("annealing", options.n_reads as u64);
    let done = AtomicU64::new(0);
    let after_read = || {
        progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1);
        !progress.stop()
    };
    let start = Instant::now();
    let mut warnings = Vec::new();
    let (states, energies, betas, seconds_per_read, swaps) = match options.method {
        Method::Annealing => {
            let annealing = Annealing { n_reads: options.n_reads, n_sweeps: options.n_sweeps, range: Some(range) };
            let found = annealing.run_with(&qubo, &key, &after_read).ok_or(Error::Interrupted)?;
            (found.states, found.energies, vec![range.0, range.1], found.seconds_per_read, None)
        }
        Method::Tempering => {
            let settings = TemperingSettings {
                n_ladders: options.n_reads,
                n_levels: options.n_levels,
                n_rounds: options.n_sweeps,
                range,
            };
            let run = qubo.temper(&settings, &key).map_err(|e| Error::Usage(e.to_string()))?;
            let threads = rayon::current_num_threads().min(options.n_reads) as f64;
            let seconds = start.elapsed().as_secs_f64() * threads / options.n_reads as f64;
            if run.swaps.round_trips == 0 {
                warnings.push(
                    "no replica made a round trip between the cold and the hot end: more --levels or --sweeps are needed"
                        .into(),
                );
            }
            (run.states, run.energies, run.betas, seconds, Some(run.swaps))
        }
    };
    progress.end();
    let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
    let best = energies.iter().position(|e| *e == least).unwrap_or(0);
    let n = qubo.n_variables();
    let exact = (n <= ENUMERATED_BY_DEFAULT)
        .then(|| qubo.ground_states().map(|g| Exact { energy: g.energy, states: g.count }))
        .transpose()
        .map_err(|e| Error::Usage(e.to_string()))?;
    let target = exact.map_or(least, |e| e.energy);
    let tolerance = 1e-9 * target.abs().max(1.0);
    let hits = energies.iter().filter(|e| **e <= target + tolerance).count();
    let (lower, upper) = wilson_interval(hits, options.n_reads);
    let value = hits as f64 / options.n_reads as f64;
    if exact.is_none() && hits <= 2 && options.n_reads > 2 {
        warnings.push(format!(
            "only {hits} of {} reads reached the lowest energy found: lower states may well exist; give more --sweeps",
            options.n_reads
        ));
    }
    if exact.is_some() && hits == 0 {
        warnings.push("no read reached the ground state: give more --sweeps".into());
    }
    let report = AnnealReport {
        variables: n,
        couplings: qubo.n_couplings(),
        method: options.method,
        reads: options.n_reads,
        sweeps: options.n_sweeps,
        betas,
        energy: least,
        state: (0..n).map(|k| if states.get(best, k) { '1' } else { '0' }).collect(),
        ground_state_probability: Share { value, lower, upper },
        ground_state_known: exact.is_some(),
        time_to_solution: (hits > 0).then(|| time_to_solution(seconds_per_read, value)),
        seconds_per_read,
        exact,
        round_trips: swaps.as_ref().map(|s| s.round_trips),
        swap_rates: swaps.map(|s| s.rates()),
        warnings,
    };
    Ok((report, states, energies))
}
