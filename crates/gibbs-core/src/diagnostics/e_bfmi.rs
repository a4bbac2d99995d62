//! The energy Bayesian fraction of missing information.

use super::draws::Draws;

/// `sum_t (E_t - E_(t-1))^2 / sum_t (E_t - mean E)^2` of the *total* energies of a Hamiltonian chain, averaged over chains:
/// about 2 for independent energies, 1 where fresh momenta change the energy as much as it varies; below 0.3 the momenta
/// cannot carry the chain between energy levels, and its tails are hardly visited.
///
/// NaN for energies that do not change.
///
/// # Source
/// Betancourt 2016, "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo", arXiv:1604.00695,
/// DOI 10.48550/arXiv.1604.00695.
///
/// # Example
/// ```
/// use gibbs_core::diagnostics::{Draws, e_bfmi::e_bfmi};
/// let slow: Vec<f64> = (0..200).map(|t| (t as f64 / 30.0).sin()).collect();
/// assert!(e_bfmi(&Draws::new(&slow, 1)?) < 0.3);
/// # Ok::<(), gibbs_core::diagnostics::DrawsError>(())
/// ```
pub fn e_bfmi(energies: &Draws<'_>) -> f64 {
    let of = |c: usize| {
        let e = energies.chain(c);
        let mean = e.iter().sum::<f64>() / e.len() as f64;
        let steps: f64 = e.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
        steps / e.iter().map(|e| (e - mean).powi(2)).sum::<f64>()
    };
    (0..energies.n_chains()).map(of).sum::<f64>() / energies.n_chains() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    /// A first-order autoregression with coefficient `r` has `2 (1 - r)`; 4,000 draws know it to a few percent.
    #[test]
    fn an_autoregression_has_its_value() {
        for r in [0.0, 0.5, 0.95] {
            let (mut rng, mut e) = (Key::from_seed(4).rng(), 0.0);
            let draws: Vec<f64> = (0..8_000)
                .map(|_| {
                    e = r * e + (1.0f64 - r * r).sqrt() * rng.normal();
                    e
                })
                .collect();
            let found = e_bfmi(&Draws::new(&draws, 2).unwrap());
            assert!((found / (2.0 * (1.0 - r)) - 1.0).abs() < 0.2, "{r}: {found}");
        }
        assert!(e_bfmi(&Draws::new(&[1.0; 8], 1).unwrap()).is_nan());
    }
}
