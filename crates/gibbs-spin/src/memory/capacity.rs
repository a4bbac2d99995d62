//! How many random patterns a memory holds: retrieval against load.

use gibbs_core::energy::Distribution;
use gibbs_core::key::Key;
use gibbs_core::rows::Rows;

use super::{Hopfield, MemoryError, Recaller, Rule, Update, nearest};
use crate::{Bernoulli, Bits};

/// Sweeps after which a query that still moves is taken as it is.
const MOST_SWEEPS: u32 = 100;

/// What is measured at every load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trials {
    /// Spins of a network.
    pub n_spins: usize,
    /// Networks, each with patterns of its own; at least two, for errors.
    pub networks: usize,
    /// Queries of a network, at most its patterns.
    pub queries: usize,
    /// Share of a query's spins that are turned at first.
    pub noise: f64,
    /// Overlap from which on a pattern counts as recalled.
    pub recalled_from: f64,
}

/// Mean over networks, and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The mean.
    pub mean: f64,
    /// Standard error over networks.
    pub std_err: f64,
}

/// Retrieval at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrieval {
    /// Patterns a spin, as they were stored.
    pub load: f64,
    /// Patterns of a network.
    pub n_patterns: usize,
    /// Overlap of the end with the query's own pattern, in [-1, 1].
    pub overlap: Measured,
    /// Share of queries with at least the overlap asked for.
    pub recalled: Measured,
    /// Sweeps until nothing flips.
    pub sweeps: Measured,
}

/// Stores `load * n_spins` random patterns, starts asynchronous recall at some of them with a share of their spins turned, and
/// measures the overlap of the end with the pattern begun at. Each network has its own patterns, so its mean is one independent
/// measurement.
///
/// Hebbian storage loses retrieval near a load of 0.138 in the limit of many spins (Amit, Gutfreund & Sompolinsky 1985,
/// DOI 10.1103/PhysRevLett.55.1530).
///
/// # Errors
/// Fewer than two networks, no queries, loads without a pattern ([`MemoryError::Empty`]), and those of storing.
///
/// # Example
/// ```
/// use gibbs_core::key::Key;
/// use gibbs_spin::memory::{Rule, Trials, retrieval};
/// let small = Trials { n_spins: 200, networks: 3, queries: 5, noise: 0.0, recalled_from: 0.9 };
/// let few = retrieval(Rule::Hebbian, &small, 0.05, &Key::from_seed(1))?;
/// let many = retrieval(Rule::Hebbian, &small, 0.5, &Key::from_seed(1))?;
/// assert!(few.recalled.mean == 1.0 && many.recalled.mean < 0.5);
/// # Ok::<(), gibbs_spin::memory::MemoryError>(())
/// ```
pub fn retrieval(rule: Rule, trials: &Trials, load: f64, key: &Key) -> Result<Retrieval, MemoryError> {
    let n = trials.n_spins;
    let n_patterns = (load * n as f64).round() as usize;
    let n_queries = trials.queries.min(n_patterns);
    if trials.networks < 2 || n_queries == 0 || n == 0 {
        return Err(MemoryError::Empty { n_patterns: n_queries.min(trials.networks), n_spins: n });
    }
    let [mut overlap, mut recalled, mut sweeps] = [const { Vec::new() }; 3];
    for network in 0..trials.networks {
        let key = key.step(network as u64).step(n_patterns as u64);
        let stored = Bernoulli::new(vec![0.0; n]).sample(n_patterns, &key);
        let memory = Hopfield::store(rule, &stored)?;
        let queries = turned(&stored.slice(0, n_queries), trials.noise, &key.block(1));
        let found = Recaller::new(&memory).recall(&queries, Update::Asynchronous, MOST_SWEEPS, &key.block(2));
        let of_own = |i: usize| nearest(&stored.slice(i, i + 1), &found.states, i).1;
        let overlaps: Vec<f64> = (0..n_queries).map(of_own).collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n_queries as f64;
        overlap.push(mean(&mut overlaps.iter().copied()));
        recalled.push(mean(&mut overlaps.iter().map(|m| f64::from(u8::from(*m >= trials.recalled_from)))));
        sweeps.push(mean(&mut found.sweeps.iter().map(|s| f64::from(*s))));
    }
    let load = n_patterns as f64 / n as f64;
    Ok(Retrieval {
        load,
        n_patterns,
        overlap: measured(&overlap),
        recalled: measured(&recalled),
        sweeps: measured(&sweeps),
    })
}

/// Rows with a share of their spins turned, each on its own.
fn turned(x: &Bits, share: f64, key: &Key) -> Bits {
    let (mut out, mut rng) = (x.clone(), key.rng());
    for i in 0..x.n_rows() {
        for k in 0..x.n_cols() {
            if rng.uniform() < share {
                out.set(i, k, !x.get(i, k));
            }
        }
    }
    out
}

fn measured(v: &[f64]) -> Measured {
    let (n, mean) = (v.len() as f64, v.iter().sum::<f64>() / v.len() as f64);
    let square: f64 = v.iter().map(|x| (x - mean).powi(2)).sum();
    Measured { mean, std_err: (square / (n * (n - 1.0))).sqrt() }
}
