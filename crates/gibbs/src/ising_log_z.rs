//! `log Z` of the two-dimensional Ising model from both sides, beside its exact value.

use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::Starts;
use gibbs_spin::lattice::{CRITICAL_COUPLING, Clusters, ExactTorus, LatticeError, MonotoneTorus, TorusPath};

use crate::bracket::{Annealing, BracketOptions, BracketReport};
use crate::error::Error;
use crate::perfect;
use crate::progress::Progress;

/// Steps before a lattice counts as a sample, half of them clusters, the others four sweeps: some twenty times the autocorrelation
/// time of the energy at the critical coupling, which is ten clusters at a side of 64.
const STEPS: u64 = 400;
/// Chains of the first round: whole words of lattices.
const CHAINS: usize = 128;
/// Decisions of sites into the past within which the ends have to meet for samples to be drawn from there: a second or two. At
/// the critical coupling they meet within some `8 side^2` sweeps, too many from a side of 32 on; deep in the ordered phase never.
const COUPLING_WORK: u64 = 1 << 23;
/// Moves that an interval may cost unless said otherwise: one is four sweeps of one lattice, a few microseconds of a word's.
pub const MOVES: u64 = 100_000_000;

/// Encloses `log Z` of a `size` x `size` torus at coupling `beta`: heat-bath sweeps with a share of Wolff clusters anneal it from
/// free spins. The reverse chains start from exact samples, coupled from the past, where these can be had in time: up to about
/// the critical coupling; beyond it from lattices that sweeps and clusters brought to equilibrium. Weights look at
/// bonds alone, which do not change when all spins turn over: no chain has to cross between the two signs of the magnetisation.
///
/// # Errors
/// A size or coupling that cannot be simulated; an interruption before the first round.
pub fn log_z(
    size: usize,
    beta: f64,
    how: &BracketOptions,
    key: &Key,
    progress: &dyn Progress,
) -> Result<BracketReport, Error> {
    let begin = Instant::now();
    let usage = |e: LatticeError| Error::Usage(e.to_string());
    let exact = ExactTorus::new(size, beta).map_err(usage)?;
    let path = TorusPath::new(size, beta).map_err(usage)?;
    let moves = Clusters::with_share(0.5);
    let coupled = if beta <= CRITICAL_COUPLING + 1.0 / size as f64 {
        let most = COUPLING_WORK / (size * size).max(1) as u64;
        perfect::starts(MonotoneTorus::new(&path).map_err(usage)?, most, &key.purpose(Purpose::Other))
    } else {
        // The trial would be a waste: up and down are two modes.
        None
    };
    let starts = coupled.unwrap_or_else(|| {
        let name = format!("{STEPS} steps of sweeps and clusters");
        Starts::annealed(name, &moves, &path, vec![0.0, 1.0], STEPS)
    });
    let annealing =
        Annealing { path: &path, kernel: &Clusters::default(), reversible: true, starts: vec![starts], rows: None };
    let seconds = how.seconds.map(|s| (s - begin.elapsed().as_secs_f64()).max(1e-3));
    let how = BracketOptions { n_chains: CHAINS, seconds, ..how.clone() };
    let found = annealing.bracket(&how, key, progress)?;
    Ok(BracketReport::new(&found, Some(exact.log_z), begin.elapsed().as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use gibbs_core::log_partition::Verdict;

    use super::*;
    use crate::progress::Silent;

    /// Small lattices on both sides of the transition: the exact value inside, and the value within five of its errors
    /// (alpha = 6e-7).
    #[test]
    fn the_exact_value_is_enclosed() {
        for (size, beta) in [(8, 0.3), (8, CRITICAL_COUPLING), (8, 0.6), (12, 0.0)] {
            let how = BracketOptions { width: 0.2, moves: 1_000_000, ..BracketOptions::default() };
            let found = log_z(size, beta, &how, &Key::from_seed(3), &Silent).unwrap();
            let (z, exact) = (&found.log_z, found.exact.unwrap());
            assert!(z.lower <= exact + 1e-9 && exact <= z.upper + 1e-9, "{size} {beta}: {found:?}");
            assert!((z.value - exact).abs() <= 5.0 * z.std_err + 1e-9, "{size} {beta}: {found:?}");
            assert!(z.upper - z.lower < 0.2, "{size} {beta}: {found:?}");
            // Exact starts up to the transition; beyond it cluster moves, which nothing certifies.
            assert_eq!(found.reverse[0].exact, beta < 0.5, "{size} {beta}: {found:?}");
            assert!(beta < 0.5 || z.verdict <= Verdict::Plausible, "{size} {beta}: {found:?}");
        }
        assert!(log_z(7, 0.3, &BracketOptions::default(), &Key::from_seed(0), &Silent).is_err());
    }
}
