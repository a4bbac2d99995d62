//! Posteriors of posteriordb sampled by this library's kernels, against the reference's means and mean squares.
//!
//! The reference is ten thousand nearly independent draws; each moment comes with its Monte Carlo standard error. A moment
//! passes within `4 sqrt(mcse_ref^2 + mcse_own^2)`: nine posteriors have 43 quantities, so 86 comparisons of two-sided
//! 6.3e-5 each, a false-alarm rate of 0.5 % for a pair of correct samplers.
//!
//! # Source
//! Magnusson et al. 2025, "posteriordb: Testing, Benchmarking and Developing Bayesian Inference Algorithms", AISTATS,
//! PMLR 258.

mod arma;
mod hmc;
mod linear;
mod model;
mod reference;
mod schools;
mod two_normals;

use std::path::PathBuf;

use gibbs_core::diagnostics::{Draws, mcse, rhat};
use gibbs_core::key::Key;
use gibbs_testkit::finite_difference::finite_difference;

use model::Model;

/// The data, or a word on why there is nothing to do.
fn data() -> Option<PathBuf> {
    let folder = reference::folder();
    if folder.is_none() {
        println!("skipped: no folder posteriordb among the public data (set GIBBS_DATA)");
    }
    folder
}

/// Unconstrained draws of several chains: `chains x draws x coordinates`.
struct Chains {
    count: usize,
    n_cols: usize,
    values: Vec<f64>,
}

/// Every quantity's draws, chain after chain.
fn quantities(model: &Model, chains: &Chains) -> Vec<Vec<f64>> {
    let rows: Vec<Vec<f64>> = chains.values.chunks_exact(chains.n_cols).map(|x| model.0.quantities(x)).collect();
    (0..rows[0].len()).map(|q| rows.iter().map(|row| row[q]).collect()).collect()
}

/// The moments that are off, in words, and the largest distance in units of the allowed one.
fn disagreements(folder: &std::path::Path, posterior: &str, model: &Model, chains: &Chains) -> (Vec<String>, f64) {
    let (mut off, mut worst) = (Vec::new(), 0.0f64);
    let quantities = quantities(model, chains);
    for (kind, power) in [("mean_value", 1), ("mean_squared_value", 2)] {
        let expected = reference::moments(folder, kind, posterior);
        assert_eq!(expected.names.len(), quantities.len());
        for (i, values) in quantities.iter().enumerate() {
            let powers: Vec<f64> = values.iter().map(|v| v.powi(power)).collect();
            let draws = Draws::new(&powers, chains.count).unwrap();
            let (own, error) = (draws.mean(), mcse::mean(&draws));
            let allowed = 4.0 * error.hypot(expected.errors[i]);
            let distance = (own - expected.values[i]).abs() / allowed;
            worst = worst.max(distance);
            if distance.is_nan() || distance > 1.0 {
                let (name, value, error_ref) = (&expected.names[i], expected.values[i], expected.errors[i]);
                off.push(format!("{posterior} {kind} {name}: {own} +- {error}, reference {value} +- {error_ref}"));
            }
        }
    }
    (off, worst)
}

#[test]
fn gradients_are_derivatives() {
    let Some(folder) = data() else { return };
    for name in reference::NAMES.into_iter().chain(["eight_schools-eight_schools_centered"]) {
        let model = reference::model(&folder, name);
        let n = model.0.n_cols();
        let mut rng = Key::from_seed(4).rng();
        for _ in 0..5 {
            let x: Vec<f64> = (0..n).map(|_| 0.3 * rng.normal()).collect();
            let mut g = vec![0.0; n];
            let e = model.0.energy_grad(&x, &mut g);
            let found = finite_difference(|x| model.0.energy_grad(x, &mut vec![0.0; n]), &x);
            // The claimed error allows for one rounding of the energy; these are sums of up to 1192 terms, whose
            // roundings add like a random walk: 35 times 8 eps |E| / h, with h = eps^(1/5).
            let rounding = 35.0 * 8.0 * f64::EPSILON.powf(0.8) * e.abs();
            let off = |i: usize, g: f64| (g - found.gradient[i]).abs() > found.error[i] + rounding;
            assert!((0..n).all(|i| !off(i, g[i])), "{name}: {g:?} {found:?}");
            let planted = 1e-3 * g.iter().fold(1.0f64, |s, g| s.max(g.abs()));
            assert!((0..n).all(|i| off(i, g[i] + planted)), "{name}: a planted mistake passed");
        }
    }
}

#[test]
fn hamiltonian_draws_have_the_moments_of_the_reference() {
    let Some(folder) = data() else { return };
    for (i, name) in reference::NAMES.into_iter().enumerate() {
        let model = reference::model(&folder, name);
        let start = std::time::Instant::now();
        let chains = hmc::sample(&model, &Key::from_seed(20).block(i as u64));
        let (off, worst) = disagreements(&folder, name, &model, &chains);
        for values in quantities(&model, &chains) {
            let rhat = rhat::rank(&Draws::new(&values, chains.count).unwrap());
            assert!(rhat < 1.02, "{name}: R-hat {rhat}");
        }
        println!("{name}: largest distance {worst:.2} of the allowed, {:.2} s", start.elapsed().as_secs_f64());
        assert!(off.is_empty(), "{off:#?}");
    }
}
