//! `log Z` of the two-dimensional Ising model from both sides, beside its exact value.

use std::time::Instant;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::log_partition::Starts;
use gibbs_spin::lattice::{
    CRITICAL_COUPLING, Checkerboard, ExactTorus, Grid, LatticeError, Replicas, Rule, SwendsenWang, TorusPath,
};
use rayon::prelude::*;

use crate::bracket::{Annealing, BracketOptions, BracketReport};
use crate::error::Error;
use crate::progress::Progress;

/// Sweeps of all clusters before a lattice counts as a sample. The autocorrelation time of the energy is below ten sweeps at
/// the critical coupling up to a side of 128, and smaller elsewhere (`record/logz.md`).
const CLUSTER_SWEEPS: u64 = 200;
/// Chains of the first round: whole words of lattices.
const CHAINS: usize = 128;

/// Encloses `log Z` of a `size` x `size` torus at coupling `beta`: heat-bath sweeps anneal it from free spins, and the reverse
/// chains start from lattices that Swendsen and Wang's clusters brought to equilibrium, every second one from an ordered start.
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
    let starts = Starts::approximate(format!("{CLUSTER_SWEEPS} cluster sweeps"), move |n, key: &Key| {
        equilibrium(size, beta, n, key).expect("size and coupling were checked when the path was made")
    });
    let annealing = Annealing {
        path: &path,
        kernel: &Checkerboard(Rule::HeatBath),
        // Even sites before odd ones: read backwards it is another kernel.
        reversible: false,
        starts: vec![starts],
        rows: None,
    };
    let how = BracketOptions { n_chains: CHAINS, ..*how };
    let found = annealing.bracket(&how, key, progress)?;
    Ok(BracketReport::new(&found, Some(exact.log_z), begin.elapsed().as_secs_f64()))
}

/// Independent lattices near equilibrium; lattice `r` draws from `key.block(r)`.
fn equilibrium(size: usize, beta: f64, n: usize, key: &Key) -> Result<Replicas, LatticeError> {
    let lattice = |r: usize| {
        let key = key.block(r as u64);
        let ordered = r % 2 == 0 && beta > 0.5 * CRITICAL_COUPLING;
        let start = if ordered { Grid::ordered(size) } else { Grid::random(size, &key.purpose(Purpose::Init)) };
        let mut grid = start?;
        SwendsenWang::new(beta)?.step(&mut grid, CLUSTER_SWEEPS, &key.purpose(Purpose::Noise));
        Ok(grid)
    };
    let grids: Result<Vec<Grid>, LatticeError> = (0..n).into_par_iter().with_max_len(1).map(lattice).collect();
    Replicas::from_grids(&grids?)
}

#[cfg(test)]
mod tests {
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
        }
        assert!(log_z(7, 0.3, &BracketOptions::default(), &Key::from_seed(0), &Silent).is_err());
    }

    /// Mean bonds of the starting lattices against the exact energy: independent lattices, five standard errors.
    #[test]
    fn starts_are_in_equilibrium() {
        for beta in [0.3, CRITICAL_COUPLING, 0.6] {
            let (size, n) = (16, 512);
            let lattices = equilibrium(size, beta, n, &Key::from_seed(1)).unwrap();
            let mut bonds = vec![0.0; n];
            lattices.bonds(&mut bonds);
            let exact = ExactTorus::new(size, beta).unwrap();
            let sites = (size * size) as f64;
            let mean = bonds.iter().sum::<f64>() / n as f64 / sites;
            let error = (exact.specific_heat / (beta * beta) / sites / n as f64).sqrt();
            assert!((mean + exact.energy).abs() < 5.0 * error, "{beta}: {mean} for {}", -exact.energy);
            // Replicas hold the same spins as the grids they came from.
            let grid = lattices.to_grid(5);
            assert_eq!(grid.bonds() as f64, bonds[5]);
        }
    }
}
